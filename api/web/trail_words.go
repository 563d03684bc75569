package web

import (
	"slices"
	"strings"

	"lignum/domain/words"
	"lignum/policy"
	"lignum/tenants/audit"
)

// The trail keeps short names of what was done, for programs, for good. Here they become sentences for whoever reads its page.

// refused is the outcome of what was asked for and not done.
const refused = "refused"

// ActionDone says an action that the program records when it was done; ok is false for one that it does not record.
func ActionDone(l words.Language, action string) (said string, ok bool) {
	if l.Message("trail."+action) == nil {
		return "", false
	}
	return l.Say("trail." + action), true
}

// ActionRefused says what was asked for and refused: the action's name is the permission that was lacking, or an event.
func ActionRefused(l words.Language, action string) string {
	if p, ok := policy.Lookup(action); ok {
		return l.Say("page.wanted_to", "Do", p.Words())
	}
	if said, ok := ActionDone(l, action); ok {
		return said
	}
	return l.Say("page.did_something_else") // an earlier program's, which nobody knows any more
}

// says is what an entry tells, as far as its action says it.
func says(l words.Language, e *audit.Stored) string {
	if e.Outcome == refused {
		return ActionRefused(l, e.Action)
	}
	said, ok := ActionDone(l, e.Action)
	switch before, after := object(e.Before), object(e.After); {
	case !ok:
		return l.Say("page.did_something_else")
	case e.Action == "class.manage" && len(before) == 0:
		return l.Say("page.opened_a_class")
	case e.Action == "class.manage" && len(after) == 1 && after["state"] == "cancelled":
		return l.Say("page.cancelled_a_class")
	case e.Action == "class.manage":
		return l.Say("page.changed_a_class")
	case e.Action == "class.register" && after["by_staff"] != true:
		return l.Say("page.took_a_place_in_a_class")
	}
	return said
}

// actionChoices is what a kind of realm's trail can be narrowed to, by its words.
func actionChoices(l words.Language, kind policy.RealmKind, chosen string) []Choice {
	var choices []Choice
	known := chosen == ""
	add := func(name, said string) {
		choices = append(choices, Choice{name, said})
		known = known || name == chosen
	}
	for _, name := range words.Keys("trail") {
		// A tenant's trail also has what the platform did to the tenant.
		if p, ok := policy.Lookup(name); !ok || p.In(kind) || kind == policy.Tenant {
			said, _ := ActionDone(l, name)
			add(name, said)
		}
	}
	for _, p := range policy.Catalogue() {
		if _, ok := ActionDone(l, p.Name()); !ok && p.In(kind) {
			add(p.Name(), ActionRefused(l, p.Name()))
		}
	}
	if !known {
		said, ok := ActionDone(l, chosen)
		if !ok {
			said = ActionRefused(l, chosen)
		}
		add(chosen, said)
	}
	slices.SortFunc(choices, func(a, b Choice) int { return strings.Compare(a.Text, b.Text) })
	return append([]Choice{{"", l.Say("page.everything")}}, choices...)
}
