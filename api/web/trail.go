package web

import (
	"bytes"
	"encoding/json"
	"net/url"
	"strings"

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
	if p, ok := policy.Lookup(action); ok {
		return strings.TrimSuffix(p.Description(), ".")
	}
	return roleName(strings.ReplaceAll(action, ".", " "))
}

// events are actions of the trail that are no permissions and that people look for.
var events = []string{"sign_in.done", "sign_in.failed", "session.reuse", "user.cards", "user.password.reset"}

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
