package policy

import (
	"context"
	"slices"
	"strings"

	"github.com/open-policy-agent/opa/v1/ast"

	"lignum/domain"
)

// A bundle can be replaced without a rebuild, so these hold for every bundle, however its own tests are written.

// everything is the most generous input there is for a permission: all facts, all roles of the realm.
func everything(p Permission, listing bool) Input {
	realm := p.Realm()
	if realm == Either {
		realm = Tenant
	}
	return Input{
		Permission: p, Realm: realm, Roles: append(SystemRoles(realm), "member"),
		TenantTakes: TakesChanges, ActorState: "active", SecondFactor: true,
		Facts: Facts{Listing: listing, Owner: true, Enrolled: true, CoachOf: true, Teaches: true, SameSchool: true,
			GuardianOf: true, GuardianConsent: true, OnLeaderboard: true, Covers: true, Unclaimed: true, ResetApproved: true, ClassOpen: true, WindowOpen: true,
			AttemptOpen: true, WithinDeadline: true, WithinGrace: true, AttemptsLeft: 1, ReasonLength: 100},
	}
}

type fence struct {
	says    string
	applies func(Permission) bool
	change  func(*Input)
}

func named(permissions ...Permission) func(Permission) bool {
	return func(p Permission) bool { return slices.Contains(permissions, p) }
}

var fences = []fence{
	{"a tenant that takes nothing allows nothing but seeing that it does", func(p Permission) bool { return p.In(Tenant) && p != TenantRead },
		func(in *Input) { in.TenantTakes = TakesNothing }},
	{"a tenant in an unknown state allows nothing", func(p Permission) bool { return p.In(Tenant) },
		func(in *Input) { in.TenantTakes = "" }},
	{"a tenant that takes reads allows no change", func(p Permission) bool { return p.In(Tenant) && p.Mutating() },
		func(in *Input) { in.TenantTakes = TakesReads }},
	{"a tenant that only its administrators read allows them no change", func(p Permission) bool { return p.In(Tenant) && p.Mutating() },
		func(in *Input) { in.TenantTakes = TakesAdministrators }},
	{"a tenant that only its administrators read allows others nothing but seeing that, and leaving",
		func(p Permission) bool { return p.In(Tenant) && p != TenantRead && p != SessionEnd },
		func(in *Input) {
			in.TenantTakes = TakesAdministrators
			in.Roles = slices.DeleteFunc(append(SystemRoles(Tenant), "member"), func(role string) bool { return role == AdministratorRole(Tenant) })
		}},
	{"a suspended account may do nothing", func(Permission) bool { return true },
		func(in *Input) { in.ActorState = "suspended" }},
	{"an account in an unknown state may do nothing", func(Permission) bool { return true },
		func(in *Input) { in.ActorState = "" }},
	{"a given password is good for changing it and signing out", func(p Permission) bool { return p != ProfileChange && p != SessionEnd },
		func(in *Input) { in.MustChangePassword = true }},
	{"the platform has no permission of a tenant", func(p Permission) bool { return p.Realm() == Tenant },
		func(in *Input) { in.Realm = Platform }},
	{"a tenant has no permission of the platform", func(p Permission) bool { return p.Realm() == Platform },
		func(in *Input) { in.Realm = Tenant }},
	{"nothing is allowed outside a realm", func(Permission) bool { return true },
		func(in *Input) { in.Realm = 0 }},
	{"a learner's record needs more than a role", named(LearnerRead, LearnerProgress, AttemptRead, ProgressRead, PointsRead, AttendanceRead, ChildRead),
		func(in *Input) {
			in.Facts, in.Roles = Facts{}, []string{"student", "guardian", "coach", "teacher", "school_administrator"}
		}},
	{"an official needs a stated reason", named(LearnerRead, LearnerProgress),
		func(in *Input) { in.Facts, in.Roles = Facts{ReasonLength: 9}, []string{"ministry_official"} }},
	{"nobody works in another's attempt", named(AttemptAnswer, AttemptSubmit),
		func(in *Input) { in.Facts.Owner = false }},
	{"nobody answers after the deadline", named(AttemptAnswer),
		func(in *Input) { in.Facts.WithinDeadline = false }},
	{"nobody changes an account that holds more", named(UserChange, UserReset, UserSuspend, UserExport, UserErase, ResetAsk, PlatformUserChange, PlatformUserReset, PlatformUserSuspend),
		func(in *Input) { in.Facts.Covers = false }},
	{"a teacher takes over no account that somebody uses, without the school's word", named(UserReset),
		func(in *Input) {
			in.Roles, in.Facts.Unclaimed, in.Facts.ResetApproved = []string{"teacher", "coach", "student", "member"}, false, false
		}},
	{"nobody of a school takes over an account of another", named(UserReset, UserChange, UserSuspend, ResetAsk),
		func(in *Input) {
			in.Roles, in.Facts.SameSchool = []string{"school_administrator", "teacher", "coach", "student", "guardian", "member"}, false
			in.Facts.Listing = false
		}},
	{"nobody on the platform does anything without a second factor, but with the own account",
		func(p Permission) bool {
			return p.In(Platform) && p != ProfileRead && p != ProfileChange && p != SessionEnd
		},
		func(in *Input) {
			in.Realm, in.Roles = Platform, append(SystemRoles(Platform), "member")
			in.SecondFactorRequired, in.SecondFactor = false, false
		}},
	{"staff without the second factor see nobody", named(LearnerRead, LearnerProgress, UserRead, AttemptRead, InsightRead),
		func(in *Input) { in.SecondFactorRequired, in.SecondFactor = true, false }},
}

// checkFences asks the rules what no bundle may allow. They must answer each time: an error would deny on the request path,
// but a bundle that gives one here is not sound.
func (l *loaded) checkFences(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, suiteLimit)
	defer cancel()
	var wrong domain.Problems
	d, err := l.ask(ctx, ast.NewObject())
	if err != nil {
		wrong.Add("bundle", "policy.an_empty_input_gets_no", "Error", err.Error())
		return wrong.Err()
	}
	if d.Allow {
		wrong.Add("bundle", "policy.crosses_a_fence_an_empty")
	}
	for _, p := range Catalogue() {
		for _, listing := range []bool{false, true} {
			in := everything(p, listing)
			if _, err := l.decide(ctx, &in); err != nil {
				wrong.Add("bundle", "policy.gets_no_answer", "Name", p.Name(), "Error", err.Error())
				return wrong.Err()
			}
		}
	}
	for _, f := range fences {
		p, err := l.crossing(ctx, f)
		if err != nil {
			wrong.Add("bundle", "policy.gets_no_answer", "Name", p.Name(), "Error", err.Error())
			return wrong.Err()
		}
		if !p.IsZero() {
			wrong.Add("bundle", "policy.crosses_a_fence_for", "Name", p.Name(), "Says", f.says)
		}
	}
	for _, p := range []Permission{LearnerRead, LearnerProgress, InsightRead} {
		in := everything(p, true)
		in.Roles, in.Facts = []string{"ministry_official"}, Facts{Listing: true, ReasonLength: 100}
		d, err := l.decide(ctx, &in)
		if err != nil || d.Allow && (d.Scope != Aggregate || d.MinCell < 5) {
			wrong.Add("bundle", "policy.crosses_a_fence_for_officials", "Name", p.Name())
		}
	}
	for _, p := range Catalogue() {
		if !p.In(Tenant) || !strings.HasSuffix(p.Name(), ".read") || p == LearnerRead || p == ProfileRead {
			continue
		}
		in := everything(p, true)
		in.Roles = []string{"ministry_official", "member"}
		d, err := l.decide(ctx, &in)
		if err != nil || d.Allow && d.MinCell < 5 {
			wrong.Add("bundle", "policy.crosses_a_fence_for_officials_see", "Name", p.Name())
		}
	}
	return wrong.Err()
}

// crossing returns the first permission with which the rules cross the fence, or the zero one; with an error, the one whose
// question the rules did not answer.
func (l *loaded) crossing(ctx context.Context, f fence) (Permission, error) {
	for _, p := range Catalogue() {
		if !f.applies(p) {
			continue
		}
		for _, listing := range []bool{false, true} {
			in := everything(p, listing)
			f.change(&in)
			if d, err := l.decide(ctx, &in); err != nil || d.Allow {
				return p, err
			}
		}
	}
	return Permission{}, nil
}
