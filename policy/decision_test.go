package policy

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/open-policy-agent/opa/v1/ast"
	"pgregory.net/rapid"

	_ "lignum/tests/tenth"
)

// world reads the facts of a table's row: words separated by blanks.
func world(in *Input, words string) {
	for _, w := range strings.Fields(words) {
		f := &in.Facts
		switch w {
		case "list":
			f.Listing = true
		case "owner":
			f.Owner = true
		case "enrolled":
			f.Enrolled = true
		case "coach-of":
			f.CoachOf = true
		case "teaches":
			f.Teaches = true
		case "same-school":
			f.SameSchool = true
		case "linked":
			f.GuardianOf = true
		case "consent":
			f.GuardianConsent = true
		case "on-board":
			f.OnLeaderboard = true
		case "covers":
			f.Covers = true
		case "unclaimed":
			f.Unclaimed = true
		case "approved":
			f.ResetApproved = true
		case "class-open":
			f.ClassOpen = true
		case "window":
			f.WindowOpen = true
		case "open":
			f.AttemptOpen = true
		case "in-time":
			f.WithinDeadline, f.WithinGrace = true, true
		case "in-grace":
			f.WithinGrace = true
		case "attempts":
			f.AttemptsLeft = 3
		case "reason":
			f.ReasonLength = 10
		case "short-reason":
			f.ReasonLength = 9
		case "tenant-suspended":
			in.TenantTakes = TakesNothing
		case "closed":
			in.TenantTakes = TakesAdministrators
		case "read-only":
			in.TenantTakes = TakesReads
		case "suspended":
			in.ActorState = "suspended"
		case "card":
			in.MustChangePassword = true
		case "2fa-wanted":
			in.SecondFactorRequired = true
		case "2fa":
			in.SecondFactor = true
		default:
			panic("no such fact: " + w)
		}
	}
}

// Role, permission, facts; and what comes of it: a scope (with the smallest cell), or a refusal.
const fixtures = `
student              | profile.read      |                                    | own
student              | profile.change    | card                               | own
student              | session.end       | card                               | own
student              | course.read       | card                               | password_change_needed
student              | course.read       | suspended                          | account_suspended
student              | course.read       | tenant-suspended                   | tenant_suspended
student              | session.end       | tenant-suspended                   | tenant_suspended
student              | course.read       | 2fa-wanted                         | tenant
student              | course.read       | read-only                          | tenant
student              | lesson.read       |                                    | lesson_needs_enrolment
student              | lesson.read       | enrolled                           | own
student              | resource.read     | enrolled read-only                 | own
student              | test.read         |                                    | test_needs_enrolment
student              | class.register    | owner                              | class_closed
student              | class.register    | class-open                         | not_own
student              | class.register    | owner class-open                   | own
student              | class.register    | owner class-open read-only         | tenant_read_only
student              | progress.record   | owner                              | lesson_needs_enrolment
student              | progress.record   | owner enrolled                     | own
student              | attempt.start     | enrolled window                    | attempts_used_up
student              | attempt.start     | enrolled attempts                  | window_closed
student              | attempt.start     | window attempts                    | test_needs_enrolment
student              | attempt.start     | enrolled window attempts           | own
student              | attempt.answer    | owner open in-time                 | own
student              | attempt.answer    | owner open in-grace                | deadline_passed
student              | attempt.answer    | owner in-time                      | attempt_closed
student              | attempt.answer    | open in-time                       | not_own
student              | attempt.answer    | owner open in-time read-only       | tenant_read_only
student              | attempt.submit    | owner in-grace                     | own
student              | attempt.submit    | owner                              | deadline_passed
student              | attempt.read      | owner                              | own
student              | attempt.read      | same-school                        | not_your_learner
student              | points.read       | list                               | own
student              | leaderboard.read  | list                               | school
student              | leaderboard.read  | same-school                        | left_leaderboard
student              | leaderboard.read  | on-board                           | not_own_school
student              | learner.progress  | owner                              | role_lacks_permission
student              | user.read         | same-school list covers            | role_lacks_permission
student              | platform.tenant.read | list                            | role_lacks_permission
guardian             | child.read        | list                               | own
guardian             | child.read        | linked                             | guardian_consent_missing
guardian             | child.read        | consent                            | guardian_link_missing
guardian             | child.read        | linked consent                     | own
guardian             | consent.change    | linked                             | own
guardian             | attempt.read      | linked consent                     | role_lacks_permission
coach                | learner.read      | list                               | assigned
coach                | learner.progress  | coach-of                           | assigned
coach                | learner.progress  | same-school teaches                | not_your_learner
coach                | learner.progress  | coach-of 2fa-wanted                | second_factor_needed
coach                | learner.progress  | coach-of 2fa-wanted 2fa            | assigned
coach                | profile.change    | 2fa-wanted                         | own
coach                | attempt.mark      | coach-of                           | assigned
coach                | attempt.answer    | owner open in-time                 | role_lacks_permission
teacher              | lesson.read       |                                    | tenant
teacher              | learner.progress  | teaches                            | assigned
teacher              | user.reset        | teaches                            | subject_holds_more
teacher              | user.reset        | teaches covers                     | not_own_school
teacher              | user.reset        | teaches covers unclaimed           | not_own_school
teacher              | user.reset        | covers same-school unclaimed       | not_assigned
teacher              | user.reset        | teaches covers same-school         | reset_needs_approval
teacher              | user.reset        | teaches covers same-school unclaimed | assigned
teacher              | user.reset        | teaches covers same-school approved | assigned
teacher              | reset.ask         | teaches covers same-school         | assigned
teacher              | reset.ask         | teaches covers                     | not_own_school
teacher              | reset.ask         | covers same-school                 | not_assigned
teacher              | reset.ask         | teaches same-school                | subject_holds_more
teacher              | reset.read        | list                               | own
coach                | reset.ask         | coach-of covers same-school        | role_lacks_permission
teacher              | content.import    |                                    | tenant
teacher              | content.import    | read-only                          | import_needs_active_tenant
school_administrator | learner.progress  | same-school                        | school
school_administrator | learner.progress  |                                    | not_your_learner
school_administrator | user.read         | list                               | school
school_administrator | user.reset        | same-school                        | subject_holds_more
school_administrator | user.reset        | covers                             | not_own_school
school_administrator | user.reset        | covers same-school                 | school
school_administrator | reset.read        | list                               | school
tenant_administrator | reset.read        | list                               | tenant
school_administrator | roster.import     |                                    | school
school_administrator | roster.import     | read-only                          | import_needs_active_tenant
school_administrator | insight.read      | list                               | school
school_administrator | attempt.answer    | same-school open in-time           | not_own
ministry_official    | insight.read      | list                               | aggregate 5
ministry_official    | learner.progress  | list reason                        | aggregate 5
ministry_official    | learner.progress  |                                    | reason_required
ministry_official    | learner.progress  | short-reason                       | reason_required
ministry_official    | learner.progress  | reason                             | tenant
ministry_official    | class.read        |                                    | tenant 5
ministry_official    | class.read        | list                               | tenant 5
ministry_official    | tenant.read       |                                    | tenant 5
tenant_administrator | class.read        | list                               | tenant
ministry_official    | attempt.read      | reason same-school                 | role_lacks_permission
tenant_administrator | tenant.read       | tenant-suspended                   | tenant
tenant_administrator | role.change       | tenant-suspended                   | tenant_suspended
tenant_administrator | role.change       |                                    | tenant
tenant_administrator | role.change       | read-only                          | tenant_read_only
tenant_administrator | user.erase        |                                    | subject_holds_more
tenant_administrator | user.erase        | covers                             | tenant
tenant_administrator | learner.progress  |                                    | reason_required
tenant_administrator | insight.read      | list                               | aggregate 5
account_manager      | platform.tenant.suspend | 2fa                          | reason_required
account_manager      | platform.tenant.suspend | 2fa reason                   | tenant
account_manager      | platform.usage.read | list 2fa                         | tenant
account_manager      | platform.usage.read | list                             | second_factor_needed
account_manager      | profile.change    |                                    | own
account_manager      | session.end       |                                    | own
account_manager      | learner.read      | list reason covers same-school     | role_lacks_permission
account_manager      | platform.user.reset | covers                           | role_lacks_permission
operator             | platform.user.reset | 2fa                              | subject_holds_more
operator             | platform.user.reset | 2fa covers                       | tenant
operator             | platform.user.reset | covers                           | second_factor_needed
operator             | insight.read      | list                               | role_lacks_permission
`

func TestFixtures(t *testing.T) {
	eng := newEngine(t)
	enforcers := map[RealmKind]*Enforcer{Tenant: newEnforcer(t, "jamaica"), Platform: newEnforcer(t, PlatformRealm)}
	rows := 0
	for line := range strings.Lines(strings.TrimSpace(fixtures)) {
		c := strings.Split(line, "|")
		if len(c) != 4 {
			t.Fatalf("a row has four columns: %q", line)
		}
		role, name, facts, want := strings.TrimSpace(c[0]), strings.TrimSpace(c[1]), c[2], strings.TrimSpace(c[3])
		p, known := Lookup(name)
		if !known {
			t.Fatalf("%s is no permission", name)
		}
		in := Input{Permission: p, Realm: Tenant, TenantTakes: TakesChanges, ActorState: "active"}
		if role == "account_manager" || role == "operator" {
			in.Realm, in.TenantTakes = Platform, ""
		}
		in.Roles = enforcers[in.Realm].Expand([]string{role})
		world(&in, facts)
		x := Explain(enforcers[in.Realm], eng, in)
		got := string(x.Reason)
		if x.Allowed {
			got = string(x.Scope)
			if x.MinCell == 5 {
				got += " 5"
			}
		}
		if got != want {
			t.Errorf("%s: got %s\n%+v", strings.TrimSpace(line), got, x)
		}
		if d, err := eng.Decide(context.Background(), in); err != nil || (!x.NotAsked && d.Allow != x.Allowed) {
			t.Errorf("%s: the explanation differs from the decision: %+v %v", strings.TrimSpace(line), d, err)
		}
		rows++
	}
	if rows < 80 {
		t.Errorf("only %d rows were read", rows)
	}
}

// drawInput gives any input. Half of them are in order but for a few things: drawn at will, hardly one in a thousand is
// allowed, and what is drawn follows from the commit, so that drawing again would draw the same.
func drawInput(t *rapid.T, realm RealmKind, roles []string) Input {
	inOrder := rapid.Bool().Draw(t, "in order")
	atWill := func(name string) bool { return !inOrder || rapid.IntRange(0, 9).Draw(t, name+" at will") == 0 }
	b := func(name string, good bool) bool {
		if !atWill(name) {
			return good
		}
		return rapid.Bool().Draw(t, name)
	}
	word := func(name string, words ...string) string {
		if !atWill(name) {
			return words[0]
		}
		return rapid.SampledFrom(words).Draw(t, name)
	}
	n := func(name string, good, least, most int) int {
		if !atWill(name) {
			return good
		}
		return rapid.IntRange(least, most).Draw(t, name)
	}
	in := Input{
		Permission:         rapid.SampledFrom(append(Catalogue(), Permission{}, Public("anyone"))).Draw(t, "permission"),
		Realm:              realm,
		Roles:              roles,
		TenantTakes:        Takes(word("tenant", "changes", "reads", "administrators", "nothing", "", "other")),
		ActorState:         word("actor", "active", "suspended", "erased", ""),
		MustChangePassword: b("card", false), SecondFactorRequired: b("2fa wanted", false), SecondFactor: b("2fa", true),
		Facts: Facts{Listing: rapid.Bool().Draw(t, "list"), Owner: b("owner", true), Enrolled: b("enrolled", true), CoachOf: b("coach", true),
			Teaches: b("teaches", true), SameSchool: b("school", true), GuardianOf: b("linked", true), GuardianConsent: b("consent", true),
			OnLeaderboard: b("board", true), Covers: b("covers", true), Unclaimed: b("unclaimed", true), ResetApproved: b("approved", true),
			ClassOpen: b("class", true), WindowOpen: b("window", true), AttemptOpen: b("open", true), WithinDeadline: b("deadline", true),
			WithinGrace: b("grace", true), AttemptsLeft: n("attempts", 1, -1, 1000), ReasonLength: n("reason", 10, -1, 40)},
	}
	switch {
	case atWill("realm"):
		in.Realm = rapid.SampledFrom([]RealmKind{0, Tenant, Platform, Either}).Draw(t, "realm")
	case inOrder:
		in.Permission = rapid.SampledFrom(slices.DeleteFunc(Catalogue(), func(p Permission) bool { return !p.In(realm) })).Draw(t, "permission of the realm")
	}
	return in
}

// Whatever the facts are: what Casbin denies stays denied, no state that stops things lets them through, and no answer is
// an error or a contradiction.
func TestNothingIsAllowedPastAStop(t *testing.T) {
	eng := newEngine(t)
	tenant, platform := newEnforcer(t, "jamaica"), newEnforcer(t, PlatformRealm)
	allowed := 0
	rapid.Check(t, func(t *rapid.T) {
		e, kind := tenant, Tenant
		if rapid.Bool().Draw(t, "platform") {
			e, kind = platform, Platform
		}
		given := rapid.SliceOfNDistinct(rapid.SampledFrom(append(e.Roles(), "stranger")), 0, 3, rapid.ID[string]).Draw(t, "roles")
		in := drawInput(t, kind, e.Expand(given))
		d, err := eng.Decide(context.Background(), in)
		if err != nil {
			t.Fatalf("the rules contradict themselves: %v", err)
		}
		if d.Allow == (d.Reason != "") || d.Allow != d.Scope.known() {
			t.Fatalf("half an answer: %+v", d)
		}
		x := Explain(e, eng, in)
		if x.Allowed != (d.Allow && e.Allows(given, in.Permission)) {
			t.Fatalf("the explanation allows other things than both engines: %+v", x)
		}
		if !d.Allow {
			return
		}
		allowed++
		p := in.Permission
		onTenant := in.Realm == Tenant
		switch {
		case p.entry == nil, !p.In(in.Realm), in.ActorState != "active":
			t.Fatal("allowed without permission, realm or account")
		case in.MustChangePassword && p != ProfileChange && p != SessionEnd:
			t.Fatal("allowed with a given password")
		case onTenant && in.TenantTakes == TakesNothing && p != TenantRead,
			onTenant && in.TenantTakes != TakesChanges && p.Mutating(),
			onTenant && in.TenantTakes == TakesAdministrators && !slices.Contains(in.Roles, "tenant_administrator") && p != TenantRead && p != SessionEnd,
			onTenant && !slices.Contains([]Takes{TakesChanges, TakesReads, TakesAdministrators, TakesNothing}, in.TenantTakes):
			t.Fatal("allowed in a tenant that does not")
		case d.Scope == Aggregate && d.MinCell != 5, d.Scope != Aggregate && d.MinCell != 0 && !slices.Contains(in.Roles, "ministry_official"):
			t.Fatalf("small cells: %+v", d)
		}
	})
	if allowed == 0 {
		t.Error("nothing was ever allowed, so nothing was tested")
	}
}

// Taking a fact away never opens anything: a caller who forgets one denies.
func TestAForgottenFactNeverOpens(t *testing.T) {
	eng, e := newEngine(t), newEnforcer(t, "jamaica")
	allowed := 0
	rapid.Check(t, func(t *rapid.T) {
		role := rapid.SampledFrom(e.Roles()).Draw(t, "role")
		in := drawInput(t, Tenant, e.Expand([]string{role}))
		less := in
		less.Facts = Facts{Listing: in.Facts.Listing}
		with, err := eng.Decide(context.Background(), in)
		if err != nil {
			t.Fatal(err)
		}
		without, err := eng.Decide(context.Background(), less)
		if err != nil {
			t.Fatal(err)
		}
		if without.Allow && !with.Allow {
			t.Fatalf("allowed only without its facts: %+v", without)
		}
		if with.Allow {
			allowed++
		}
	})
	if allowed == 0 {
		t.Error("nothing was ever allowed, so nothing was tested")
	}
}

// A replaced bundle may answer anything; whatever is not plainly an allowance denies.
func TestOddAnswersDeny(t *testing.T) {
	for answer, want := range map[string]Reason{
		`{}`:                            PolicyError,
		`true`:                          PolicyError,
		`["own"]`:                       PolicyError,
		`{"allow": "yes"}`:              PolicyError,
		`{"allow": false}`:              PolicyError,
		`{"allow": true}`:               UnknownScope,
		`{"allow": false, "reason": 1}`: PolicyError,
		`{"allow": false, "reason": "<b>No</b>"}`:               PolicyError,
		`{"allow": true, "scope": "universe", "min_cell": 0}`:   UnknownScope,
		`{"allow": true, "scope": "own"}`:                       PolicyError,
		`{"allow": true, "scope": "own", "min_cell": -1}`:       PolicyError,
		`{"allow": true, "scope": "own", "min_cell": 0.5}`:      PolicyError,
		`{"allow": true, "scope": "aggregate", "min_cell": 0}`:  PolicyError,
		`{"allow": false, "reason": "not_own", "scope": "own"}`: "not_own",
	} {
		d, err := readDecision(ast.MustParseTerm(answer).Value)
		if d.Allow || d.Reason != want || (err == nil) != (want == "not_own") || d.Reason.Sentence().String() == "" {
			t.Errorf("%s: %+v, %v", answer, d, err)
		}
	}
	good, err := readDecision(ast.MustParseTerm(`{"allow": true, "scope": "aggregate", "min_cell": 5}`).Value)
	if err != nil || good != (Decision{Allow: true, Scope: Aggregate, MinCell: 5}) {
		t.Error(good, err)
	}
}

func TestACancelledContextDenies(t *testing.T) {
	ctx, cancel := context.WithTimeout(context.Background(), time.Hour)
	cancel()
	in := everything(CourseRead, true)
	if d, err := newEngine(t).Decide(ctx, in); err == nil || d.Allow || d.Reason != PolicyError {
		t.Error(d, err)
	}
}
