package web

import (
	"slices"
	"strings"

	"lignum/policy"
	"lignum/tenants/audit"
)

// The trail keeps short names of what was done, for programs, for good. Here they become sentences for whoever reads its page.

// refused is the outcome of what was asked for and not done.
const refused = "refused"

// done says what was done, for every action that the program records; tests/actions_test.go looks that none is missing.
var done = map[string]string{
	// Signing in, and accounts of one's own.
	"sign_in.done": "Signed in", "sign_in.failed": "Failed to sign in", "sign_in.sweep": "Cleared away old sign-in records",
	"session.end": "Signed out", "session.end_all": "Signed out everywhere", "session.reuse": "Used a copied session",
	"user.password.change": "Changed the own password", "user.totp.start": "Began with an authenticator app", "user.totp.confirm": "Added an authenticator app",
	"user.totp.disable": "Took the own authenticator app away", "user.totp.renew_codes": "Made new recovery codes", "notice.seen": "Read a notice",
	// Requests that were refused, and what guards the keys.
	"request.anonymous_refused": "Refused requests of nobody signed in", "request.refused_often": "Refused many more requests",
	"token.foreign": "Tried to use another tenant's sign-in", "signing_key.create": "Made a new key for signing sessions", "platform.login.repair": "Put a database login back in order",
	// Accounts of others.
	"user.create": "Opened an account", "user.change": "Changed an account", "user.roles": "Changed somebody's roles", "user.suspend": "Suspended an account", "user.erase": "Erased an account",
	"user.resume": "Let a suspended account in again", "user.cards": "Printed sign-in cards", "user.password.reset": "Made a new sign-in card for an account",
	"user.totp.reset": "Took somebody's authenticator app away", "reset.ask": "Asked the school for a new sign-in card", "reset.approved": "Approved a new sign-in card",
	"reset.refused": "Refused a new sign-in card", "guardian.link": "Linked a guardian to a learner", "guardian.unlink": "Ended a guardian's link to a learner",
	"guardian.consent": "Gave or withdrew consent for a child", "learner.search": "Searched for a learner's record", "learner.progress": "Opened a learner's record",
	// Learning.
	"class.manage": "Opened, changed or cancelled a class", "class.ended": "Ended the classes whose last day has passed", "class.register": "Gave a learner a place in a class",
	"class.leave": "Left a class", "class.place": "Placed learners in a class", "class.remove": "Took learners out of a class",
	"lesson.open": "Opened a lesson", "progress.record": "Got on with a lesson", "attempt.start": "Started a test", "attempt.answer": "Saved answers of a test",
	"attempt.submit": "Handed a test in", "attempt.close": "Handed a test in when its time was over", "attempt.mark": "Marked an answer",
	"leaderboard.listed": "Decided whether a learner is on the leaderboard", "leaderboard.emptied": "Took everybody off the leaderboard",
	// Running a tenant.
	"calendar.change": "Changed when a test is open", "content.import": "Imported a course", "role.change": "Changed a role", "tenant.change": "Changed the settings",
	"school.create": "Added a school", "school.change": "Changed a school", "term.create": "Added a term", "term.change": "Changed a term", "term.remove": "Removed a term", "roster.import.begin": "Began to import a file", "roster.import.chunk": "Imported a part of a file",
	"roster.import.end": "Finished importing a file", "figures.keep": "Counted a finished month", "usage.publish": "Handed the day's use to the platform", "forecast.publish": "Handed the expected load to the platform",
	"demo.make": "Made data to try things with",
	// Running the platform.
	"platform.tenant.provision": "Opened a tenant", "platform.tenant.invite": "Invited a tenant's first administrator again", "platform.tenant.change": "Changed a tenant's plan or limits",
	"platform.tenant.suspend": "Suspended a tenant or made it read-only", "platform.tenant.read-only": "Made a tenant read-only", "platform.tenant.resume": "Let a tenant work again",
}

// ActionDone says an action that the program records when it was done; ok is false for one that it does not record.
func ActionDone(action string) (words string, ok bool) {
	words, ok = done[action]
	return words, ok
}

// ActionRefused says what was asked for and refused: the action's name is the permission that was lacking, or an event.
func ActionRefused(action string) string {
	if p, ok := policy.Lookup(action); ok {
		wish := strings.TrimSuffix(p.Description(), ".")
		return "Wanted to " + strings.ToLower(wish[:1]) + wish[1:]
	}
	if words, ok := done[action]; ok {
		return words
	}
	return otherwise
}

// otherwise is said of actions of an earlier program's, which nobody knows any more.
const otherwise = "Did something else"

// says is what an entry tells, as far as its action says it.
func says(e *audit.Stored) string {
	if e.Outcome == refused {
		return ActionRefused(e.Action)
	}
	words, ok := done[e.Action]
	switch before, after := object(e.Before), object(e.After); {
	case !ok:
		return otherwise
	case e.Action == "class.manage" && len(before) == 0:
		return "Opened a class"
	case e.Action == "class.manage" && len(after) == 1 && after["state"] == "cancelled":
		return "Cancelled a class"
	case e.Action == "class.manage":
		return "Changed a class"
	case e.Action == "class.register" && after["by_staff"] != true:
		return "Took a place in a class"
	}
	return words
}

// actionChoices is what a kind of realm's trail can be narrowed to, by its words.
func actionChoices(kind policy.RealmKind, chosen string) []Choice {
	var choices []Choice
	known := chosen == ""
	add := func(name, words string) {
		choices = append(choices, Choice{name, words})
		known = known || name == chosen
	}
	for name, words := range done {
		// A tenant's trail also has what the platform did to the tenant.
		if p, ok := policy.Lookup(name); !ok || p.In(kind) || kind == policy.Tenant {
			add(name, words)
		}
	}
	for _, p := range policy.Catalogue() {
		if _, ok := done[p.Name()]; !ok && p.In(kind) {
			add(p.Name(), ActionRefused(p.Name()))
		}
	}
	if !known {
		words, ok := done[chosen]
		if !ok {
			words = ActionRefused(chosen)
		}
		add(chosen, words)
	}
	slices.SortFunc(choices, func(a, b Choice) int { return strings.Compare(a.Text, b.Text) })
	return append([]Choice{{"", "Everything"}}, choices...)
}
