package web

import (
	"context"
	"maps"
	"net/url"
	"strings"
	"time"

	"github.com/gofiber/fiber/v2"
	"github.com/google/uuid"

	"lignum/api"
	auditapi "lignum/api/audit"
	peopleapi "lignum/api/people"
	"lignum/domain"
	"lignum/domain/calendar"
	"lignum/domain/words"
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
	Export       string // address of the forms that ask for a file
	Filtered     bool
}

// TrailEntry is an entry with what people read of it.
type TrailEntry struct {
	audit.Stored
	Roles   string
	OfActor string   // address of all that this actor did
	Says    string   // what was done, or was asked for and refused
	Why     string   // the stated reason, or why it was refused
	Kind    string   // of the thing that it was done to
	Thing   string   // its name, where the reader may know it
	Changes []Change // what became of it
}

// newTrail makes a page of entries, newest first, that were asked for with query. next is the cursor of older ones.
func newTrail(path, realm string, entries []audit.Stored, query url.Values, next string, say sayer) Trail {
	t := Trail{Path: path, Realm: realm, Export: ExportPath(path, query), Actions: actionChoices(say.l, policy.KindOf(realm), query.Get("action"))}
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
		entry := TrailEntry{Stored: e, Says: says(say.l, &e), Why: e.Reason, Changes: say.changes(&e)}
		entry.Kind, entry.Thing = say.thing(e.ObjectKind, e.ObjectID)
		if e.Outcome == refused {
			entry.Why = plainMessage(words.Plain(e.Reason)).In(say.l).String()
		}
		if e.ActorID != nil {
			entry.OfActor = path + "?" + with(with(query, "cursor", ""), "actor", e.ActorID.String()).Encode()
		}
		for i, r := range strings.Split(e.ActorRoles, ",") {
			if i > 0 {
				entry.Roles += ", "
			}
			entry.Roles += say.l.Word(strings.TrimSpace(r))
		}
		t.Entries = append(t.Entries, entry)
	}
	return t
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

// AskTrail reads the filter of a trail's page, asks for its entries, and makes the page. users is the permission to look
// people up by their user names; without it an actor is chosen by the name in the list. names are the permissions under which
// other things that entries speak of have names. Dates are the realm's days. On a filter that makes no sense it gives the error,
// and f says what was wrong.
func AskTrail(ctx context.Context, c *api.Call, fc *fiber.Ctx, users policy.Permission, names ...policy.Permission) (t Trail, f *Form, err error) {
	path := strings.Clone(strings.TrimSuffix(fc.Path(), Exporting))
	filter, f, query, err := readTrail(ctx, c, fc, users)
	if err != nil {
		return newTrail(path, c.Realm.Name(), nil, query, "", sayer{l: c.Language}), f, err
	}
	list, err := auditapi.Trail(ctx, c, filter, api.Paging{Cursor: query.Get("cursor"), Limit: 50})
	if err != nil {
		return newTrail(path, c.Realm.Name(), nil, query, "", sayer{l: c.Language}), f, err
	}
	say := sayer{l: c.Language, zone: zoneOf(c)}
	if say.names, err = namesOf(ctx, c, idsIn(list.Items), append(names, users)); err != nil {
		return newTrail(path, c.Realm.Name(), nil, query, "", sayer{l: c.Language}), f, err
	}
	return newTrail(path, c.Realm.Name(), list.Items, query, list.Next, say), f, nil
}

func zoneOf(c *api.Call) *time.Location {
	if c.Tenant == nil {
		return time.UTC
	}
	return c.Tenant.Location()
}

// readTrail reads the filter of a trail's page.
func readTrail(ctx context.Context, c *api.Call, fc *fiber.Ctx, users policy.Permission) (filter auditapi.TrailFilter, f *Form, query url.Values, err error) {
	f, query = &Form{}, url.Values{}
	for _, name := range []string{"actor", "action", "from", "to", "cursor"} {
		if v := strings.TrimSpace(fc.Query(name)); v != "" {
			query.Set(name, v)
			f.Set(name, v)
		}
	}
	filter.Action = query.Get("action")
	var wrong domain.Problems
	day := func(name string, add int) (at time.Time) {
		text := query.Get(name)
		if text == "" {
			return at
		}
		date, err := time.Parse(time.DateOnly, text)
		if err != nil {
			wrong.Add(name, "domain.must_be_a_date_such")
			return at
		}
		return calendar.Begins(date.AddDate(0, 0, add), zoneOf(c))
	}
	filter.From, filter.To = day("from", 0), day("to", 1)
	if !filter.From.IsZero() && !filter.To.IsZero() && !filter.From.Before(filter.To) {
		wrong.Add("to", "domain.must_not_be_before_the")
	}
	if who := query.Get("actor"); who != "" {
		if filter.Actor, err = actorID(ctx, c, who, users); err != nil {
			return filter, f, query, err
		}
	}
	return filter, f, query, wrong.Err()
}

// namesOf returns the names of things that the reader may list under one of the permissions.
func namesOf(ctx context.Context, c *api.Call, ids []uuid.UUID, under []policy.Permission) (map[uuid.UUID]string, error) {
	all := map[uuid.UUID]string{}
	for _, p := range under {
		if len(ids) == 0 || !c.May(p) {
			continue
		}
		part, err := c.Under(p)
		if err != nil {
			return nil, err
		}
		names, err := peopleapi.Names(ctx, part, ids)
		if err != nil && !api.Refused(err) {
			return nil, err
		}
		maps.Copy(all, names)
	}
	return all, nil
}

// actorID finds whom a filter means: an id, or a user name for those who may look people up.
func actorID(ctx context.Context, c *api.Call, who string, users policy.Permission) (uuid.UUID, error) {
	if id, err := uuid.Parse(who); err == nil {
		return id, nil
	}
	part, err := c.Under(users)
	if err != nil {
		return uuid.Nil, domain.InvalidField("actor", "page.is_found_by_a_click")
	}
	list, err := peopleapi.ListUsers(ctx, part, peopleapi.UserFilter{Query: who}, api.Paging{Limit: 200})
	if err != nil {
		return uuid.Nil, err
	}
	for _, u := range list.Items {
		if strings.EqualFold(u.UserName, who) {
			return u.ID, nil
		}
	}
	return uuid.Nil, domain.InvalidField("actor", "page.is_the_user_name_of")
}

// DaysBetween says how many days are between two dates as stored: "1 day", "12 days".
func DaysBetween(l words.Language, from, to string) string {
	a, errA := time.Parse(time.DateOnly, from)
	b, errB := time.Parse(time.DateOnly, to)
	if errA != nil || errB != nil {
		return l.Say("page.some_days")
	}
	return l.Say("page.days", "N", int(b.Sub(a)/(24*time.Hour)))
}
