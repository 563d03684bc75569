package web

import (
	"encoding/json"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"

	"lignum/domain/words"
	"lignum/policy"
	"lignum/tenants"
	"lignum/tenants/audit"
)

// Change is one thing about what an entry tells of, as people read it. An empty Before: there is nothing to compare with.
type Change struct{ Label, Before, After string }

// sayer turns what entries hold into words: ids into names that the reader may know, times into the realm's own. What has no
// such words is left out.
type sayer struct {
	l        words.Language
	names    map[uuid.UUID]string
	zone     *time.Location
	settings bool // the entry is of the tenant's settings, which have words of their own
}

// nothing stands for what was, or became, empty.
func (s sayer) nothing() string { return s.l.Say("page.nothing") }

// mostListed is how many members of a list are named; of a longer one only how many there are.
const mostListed = 10

// unsaid are fields that mean something to programs alone, or that the entry's other words say already.
var unsaid = map[string]bool{"version": true, "route": true, "what": true, "things": true, "session": true, "request": true, "counter": true, "what.other": true}

// silent are kinds of things that the action says already.
var silent = map[string]bool{"route": true, "realm": true, "demo": true, "signing_key": true, "forecast": true, "notice": true}

// thing says what an entry was done to: what kind of thing, and its name where the reader may know it.
func (s sayer) thing(kind, id string) (label, name string) {
	if silent[kind] {
		return "", ""
	}
	known := s.l.Word(kind)
	if s.l.Message("thing."+kind) != nil {
		known = s.l.Say("thing." + kind)
	}
	if u, err := uuid.Parse(id); err == nil {
		return known, s.names[u]
	}
	switch kind {
	case "role", "tenant", "login", "network":
		return known, s.text(kind, id)
	case "day":
		return known, date(s.l, id)
	}
	return known, ""
}

// changes lists what is different between before and after, or all of the one that is there, by label.
func (s sayer) changes(e *audit.Stored) []Change {
	was, is := object(e.Before), object(e.After)
	s.settings = e.ObjectKind == "tenant" && e.ObjectID == "branding"
	var list []Change
	for _, key := range slices.Sorted(maps.Keys(union(was, is))) {
		list = append(list, s.change(key, was, is)...)
	}
	slices.SortStableFunc(list, func(a, b Change) int { return strings.Compare(a.Label, b.Label) })
	return list
}

func (s sayer) change(key string, was, is map[string]any) []Change {
	name := lastName(key)
	if unsaid[name] {
		return nil
	}
	old, hadOld := was[key]
	now, hasNow := is[key]
	if inner, ok := cmpObject(old, now); ok {
		var list []Change
		a, b := nested(key, old), nested(key, now)
		if len(was) == 0 { // of something new there is no before
			a = nil
		}
		for _, k := range slices.Sorted(maps.Keys(inner)) {
			list = append(list, s.change(key+"."+k, a, b)...)
		}
		return list
	}
	before, okBefore := s.value(name, old)
	after, okAfter := s.value(name, now)
	c := Change{Label: s.label(name)}
	switch {
	case !okBefore || !okAfter, before == after:
		return nil
	case len(was) == 0, !hadOld: // only told of
		c.After = after
	case !hasNow:
		c.After = before
	default:
		c.Before, c.After = before, after
	}
	if c.Before == "" && c.After == s.nothing() {
		return nil
	}
	return []Change{c}
}

// value says one value. ok is false for what must be left out: an id without a name, a fingerprint.
func (s sayer) value(name string, v any) (text string, ok bool) {
	switch v := v.(type) {
	case nil:
		return s.nothing(), true
	case bool:
		if v {
			return s.l.Say("page.yes_"), true
		}
		return s.l.Say("page.no_"), true
	case json.Number:
		if n, err := strconv.Atoi(v.String()); err == nil {
			if marked[name] {
				return marks(n), true
			}
			return s.l.Number(n), true
		}
		return v.String(), true
	case string:
		if v == "" {
			return s.nothing(), true
		}
		if id, err := uuid.Parse(v); err == nil {
			return s.names[id], s.names[id] != ""
		}
		if fingerprint.MatchString(v) {
			return "", false
		}
		return s.text(name, v), true
	case []any:
		return s.list(name, v)
	case map[string]any:
		var parts []string
		for _, k := range slices.Sorted(maps.Keys(v)) {
			if text, ok := s.value(k, v[k]); ok && text != s.nothing() && !unsaid[k] {
				parts = append(parts, strings.ToLower(fieldLabel(s.l, k))+" "+text)
			}
		}
		return strings.Join(parts, ", "), len(parts) > 0
	}
	return "", false
}

func (s sayer) list(name string, v []any) (string, bool) {
	if len(v) == 0 {
		return s.nothing(), true
	}
	var parts []string
	for _, e := range v[:min(len(v), mostListed)] {
		if text, ok := s.value(name, e); ok {
			parts = append(parts, text)
		}
	}
	if len(parts) < min(len(v), mostListed) { // some have no name that may be said
		return s.l.Number(len(v)), true
	}
	text := strings.Join(parts, "; ")
	if rest := len(v) - len(parts); rest > 0 {
		text += s.l.Say("page.and_more", "Rest", s.l.Number(rest))
	}
	return text, true
}

var (
	fingerprint = regexp.MustCompile(`^[0-9a-f]{40,}$`)
	manyWords   = regexp.MustCompile(`^[a-z]+(_[a-z]+)+$`)

	// oneWord are the fields whose values are words of programs also when they are only one.
	oneWord = map[string]bool{"state": true, "roles": true, "role": true, "kind": true, "wrong": true, "purpose": true, "by": true, "plan": true, "relationship": true,
		"from_state": true, "reason": true, "inherits": true, "include": true}
	// asTyped are the fields whose values are names that people gave, whatever they look like.
	asTyped = map[string]bool{"user_name": true, "name": true, "title": true, "source_id": true, "administrator": true, "meeting_url": true, "tenant": true}
	// marked are the fields that hold hundredths of a mark.
	marked = map[string]bool{"score": true, "max_score": true}
)

// text says a text of a field: a time as it is in the realm, a permission by what it allows, a program's word as people say it.
func (s sayer) text(name, v string) string {
	if asTyped[name] {
		return v
	}
	if setting := s.setting(name); setting != nil {
		if setting.Kind == tenants.ChoiceField {
			return s.l.Word(v)
		}
		return v
	}
	if p, ok := policy.Lookup(v); ok {
		return strings.TrimSuffix(p.Description().In(s.l).String(), ".")
	}
	if at, err := time.Parse(time.RFC3339, v); err == nil && s.zone != nil {
		return s.l.Format(at.In(s.zone), "day_and_time")
	}
	if len(v) == len(time.DateOnly) {
		return date(s.l, v)
	}
	if manyWords.MatchString(v) || oneWord[name] && strings.ToLower(v) == v {
		return s.l.Word(v)
	}
	return v
}

// setting returns the setting that a field is, in an entry of settings; nil in another.
func (s sayer) setting(name string) *Setting {
	if !s.settings {
		return nil
	}
	return settingOf(name)
}

func (s sayer) label(name string) string {
	if setting := s.setting(name); setting != nil {
		return setting.Trail(s.l)
	}
	return fieldLabel(s.l, name)
}

// fieldLabel says a field of the trail: by a label of the trail's own, or as forms do.
func fieldLabel(l words.Language, name string) string {
	if l.Message("label.trail."+name) != nil {
		return l.Say("label.trail." + name)
	}
	return label(l, name)
}

// idsIn are the ids that entries speak of, each once.
func idsIn(entries []audit.Stored) []uuid.UUID {
	seen := map[uuid.UUID]bool{}
	add := func(text string) {
		if id, err := uuid.Parse(text); err == nil && len(text) == 36 {
			seen[id] = true
		}
	}
	var look func(v any)
	look = func(v any) {
		switch v := v.(type) {
		case string:
			add(v)
		case []any:
			for _, e := range v[:min(len(v), mostListed)] {
				look(e)
			}
		case map[string]any:
			for _, e := range v {
				look(e)
			}
		}
	}
	for i := range entries {
		add(entries[i].ObjectID)
		look(object(entries[i].Before))
		look(object(entries[i].After))
	}
	return slices.Collect(maps.Keys(seen))
}

// object reads what an entry holds; nil when that is nothing.
func object(raw json.RawMessage) map[string]any {
	var v map[string]any
	dec := json.NewDecoder(strings.NewReader(string(raw)))
	dec.UseNumber()
	if len(raw) == 0 || dec.Decode(&v) != nil {
		return nil
	}
	return v
}

func union(a, b map[string]any) map[string]bool {
	keys := map[string]bool{}
	for k := range a {
		keys[k] = true
	}
	for k := range b {
		keys[k] = true
	}
	return keys
}

// cmpObject returns the keys of two objects, when neither is anything else and one is there.
func cmpObject(a, b any) (map[string]bool, bool) {
	x, okX := a.(map[string]any)
	y, okY := b.(map[string]any)
	if !(okX || a == nil) || !(okY || b == nil) || !okX && !okY {
		return nil, false
	}
	return union(x, y), true
}

// nested returns an object's members by their whole names: "limits.seats".
func nested(key string, v any) map[string]any {
	out := map[string]any{}
	m, _ := v.(map[string]any)
	for k, e := range m {
		out[key+"."+k] = e
	}
	return out
}
