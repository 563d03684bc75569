package web

import (
	"bytes"
	"context"
	"encoding/json"
	"net/url"
	"strings"
	"time"

	"github.com/gofiber/fiber/v2"
	"github.com/google/uuid"

	"lignum/api"
	"lignum/domain"
	"lignum/policy"
	"lignum/tenants/audit"
)

// Trail is a part of an audit trail as a page, for the partial "trail".
type Trail struct {
	Path         string
	Realm        string // whose trail it is; actors of another realm are marked
	Actions      []Choice
	Entries      []TrailEntry
	Newer, Older string // addresses; empty: there is none
	Filtered     bool
}

// TrailEntry is an entry with what people read of it.
type TrailEntry struct {
	audit.Stored
	Roles                 string
	OfActor               string // address of all that this actor did
	Says                  string // the action in words
	Short                 string // the thing's id, shortened when it is long
	BeforeText, AfterText string
}

// NewTrail makes a page of entries, newest first, that were asked for with query. next is the cursor of older ones.
func NewTrail(path, realm string, entries []audit.Stored, query url.Values, next string) Trail {
	t := Trail{Path: path, Realm: realm, Actions: actionChoices(policy.KindOf(realm), query.Get("action"))}
	for _, name := range []string{"actor", "action", "from", "to"} {
		t.Filtered = t.Filtered || query.Get(name) != ""
	}
	if next != "" {
		t.Older = path + "?" + with(query, "cursor", next).Encode()
	}
	if query.Get("cursor") != "" {
		t.Newer = strings.TrimSuffix(path+"?"+with(query, "cursor", "").Encode(), "?")
	}
	for _, e := range entries {
		entry := TrailEntry{Stored: e, Says: ActionInWords(e.Action), Short: e.ObjectID, BeforeText: indented(e.Before), AfterText: indented(e.After)}
		if e.ActorID != nil {
			entry.OfActor = path + "?" + with(with(query, "cursor", ""), "actor", e.ActorID.String()).Encode()
		}
		for i, r := range strings.Split(e.ActorRoles, ",") {
			if i > 0 {
				entry.Roles += ", "
			}
			entry.Roles += roleName(strings.TrimSpace(r))
		}
		if len(e.ObjectID) == 36 { // UUIDv7: the time is in front, so what tells two things apart is behind
			entry.Short = "…" + e.ObjectID[28:]
		}
		t.Entries = append(t.Entries, entry)
	}
	return t
}

// ActionInWords says an action of the trail for people: a permission's description, or an event's name in words.
func ActionInWords(action string) string {
	if text := eventWords[action]; text != "" {
		return text
	}
	if p, ok := policy.Lookup(action); ok {
		return strings.TrimSuffix(p.Description(), ".")
	}
	return roleName(strings.ReplaceAll(action, ".", " "))
}

// eventWords are events that come up often.
var eventWords = map[string]string{
	"sign_in.done": "Signed in", "sign_in.failed": "Failed to sign in", "session.end": "Signed out", "session.end_all": "Signed out everywhere",
	"session.reuse": "Used a copied session", "user.cards": "Printed sign-in cards", "user.password.reset": "Reset a password", "user.roles": "Changed roles",
	"user.password.change": "Changed the own password", "request.anonymous_refused": "Refused requests of nobody signed in",
	"request.refused_often": "Many more requests were refused", "signing_key.create": "Made a signing key",
	"token.foreign": "Used another realm's token", "reset.approved": "Approved a new sign-in card", "reset.refused": "Refused a new sign-in card",
	"user.totp.start": "Began with an authenticator app", "user.totp.confirm": "Added an authenticator app", "user.totp.disable": "Took the own authenticator app away",
	"user.totp.reset": "Took somebody's authenticator app away",
}

// events are actions of the trail that are no permissions and that people look for.
var events = []string{"sign_in.done", "sign_in.failed", "request.anonymous_refused", "request.refused_often", "session.reuse", "user.cards", "user.password.reset",
	"reset.approved", "reset.refused", "user.totp.confirm", "user.totp.reset"}

func actionChoices(kind policy.RealmKind, chosen string) []Choice {
	choices := []Choice{{"", "Everything"}}
	known := chosen == ""
	add := func(name string) {
		choices = append(choices, Choice{name, ActionInWords(name)})
		known = known || name == chosen
	}
	for _, p := range policy.Catalogue() {
		if p.In(kind) && p.Mutating() {
			add(p.Name())
		}
	}
	for _, e := range events {
		add(e)
	}
	if !known {
		add(chosen)
	}
	return choices
}

func with(query url.Values, name, value string) url.Values {
	q := url.Values{}
	for k, v := range query {
		if k != name && len(v) > 0 && v[0] != "" {
			q[k] = v[:1]
		}
	}
	if value != "" {
		q.Set(name, value)
	}
	return q
}

func indented(raw json.RawMessage) string {
	if len(raw) == 0 || string(raw) == "null" {
		return ""
	}
	var out bytes.Buffer
	if json.Indent(&out, raw, "", "  ") != nil {
		return string(raw)
	}
	return out.String()
}

// AskTrail reads the filter of a trail's page, asks for its entries, and makes the page. users is the permission to look
// people up by their user names; without it an actor is chosen by the name in the list. Dates are the realm's days. On a
// filter that makes no sense it gives the error, and f says what was wrong.
func AskTrail(ctx context.Context, c *api.Call, fc *fiber.Ctx, users policy.Permission) (t Trail, f *Form, err error) {
	path, query := strings.Clone(fc.Path()), url.Values{}
	f = &Form{}
	for _, name := range []string{"actor", "action", "from", "to", "cursor"} {
		if v := strings.TrimSpace(fc.Query(name)); v != "" {
			query.Set(name, v)
			f.Set(name, v)
		}
	}
	t = NewTrail(path, c.Realm.Name(), nil, query, "")
	filter := api.TrailFilter{Action: query.Get("action")}
	zone := time.UTC
	if c.Tenant != nil {
		zone = c.Tenant.Location()
	}
	var wrong domain.Problems
	day := func(name string, add int) (at time.Time) {
		text := query.Get(name)
		if text == "" {
			return at
		}
		at, err := time.ParseInLocation(time.DateOnly, text, zone)
		if err != nil {
			wrong.Add(name, "must be a date such as 2026-09-07")
			return at
		}
		return at.AddDate(0, 0, add)
	}
	filter.From, filter.To = day("from", 0), day("to", 1)
	if !filter.From.IsZero() && !filter.To.IsZero() && !filter.From.Before(filter.To) {
		wrong.Add("to", "must not be before the first day")
	}
	if who := query.Get("actor"); who != "" {
		if filter.Actor, err = actorID(ctx, c, who, users); err != nil {
			return t, f, err
		}
	}
	if err := wrong.Err(); err != nil {
		return t, f, err
	}
	list, err := api.Trail(ctx, c, filter, api.Paging{Cursor: query.Get("cursor"), Limit: 50})
	if err != nil {
		return t, f, err
	}
	return NewTrail(path, c.Realm.Name(), list.Items, query, list.Next), f, nil
}

// actorID finds whom a filter means: an id, or a user name for those who may look people up.
func actorID(ctx context.Context, c *api.Call, who string, users policy.Permission) (uuid.UUID, error) {
	if id, err := uuid.Parse(who); err == nil {
		return id, nil
	}
	part, err := c.Under(users)
	if err != nil {
		return uuid.Nil, domain.InvalidField("actor", "is found by a click on a name in the list")
	}
	list, err := api.ListUsers(ctx, part, api.UserFilter{Query: who}, api.Paging{Limit: 200})
	if err != nil {
		return uuid.Nil, err
	}
	for _, u := range list.Items {
		if strings.EqualFold(u.UserName, who) {
			return u.ID, nil
		}
	}
	return uuid.Nil, domain.InvalidField("actor", "is the user name of nobody here")
}

// RoleName gives a role as people say it: "tenant_administrator" is "Tenant administrator".
func RoleName(role string) string { return roleName(role) }

// DaysBetween says how many days are between two dates as stored: "1 day", "12 days".
func DaysBetween(from, to string) string {
	a, errA := time.Parse(time.DateOnly, from)
	b, errB := time.Parse(time.DateOnly, to)
	if errA != nil || errB != nil {
		return "some days"
	}
	return plural(int(b.Sub(a)/(24*time.Hour)), "day", "days")
}

// Number groups digits by thousands: 12,345.
func Number(n int64) string { return number(int(n)) }
