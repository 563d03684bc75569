package policy

import (
	"context"
	"testing"
)

// What one request costs: the contextual decision for the common shapes, and Casbin's kept answer.
func BenchmarkDecide(b *testing.B) {
	engine := newEngine(b)
	enforcer := newEnforcer(b, "jamaica")
	student := func(p Permission, f Facts) Input {
		return Input{Permission: p, Realm: Tenant, Roles: enforcer.Expand([]string{"student"}),
			TenantTakes: TakesChanges, ActorState: "active", Facts: f}
	}
	staff := student(LearnerProgress, Facts{SameSchool: true})
	staff.Roles = enforcer.Expand([]string{"tenant_administrator"})
	cases := []struct {
		name string
		in   Input
	}{
		{"catalogue", student(CourseRead, Facts{Listing: true})},
		{"lesson", student(LessonRead, Facts{Enrolled: true})},
		{"answer", student(AttemptAnswer, Facts{Owner: true, AttemptOpen: true, WithinDeadline: true, WithinGrace: true})},
		{"start", student(AttemptStart, Facts{Enrolled: true, WindowOpen: true, AttemptsLeft: 1})},
		{"refused", student(AttemptAnswer, Facts{Owner: true, AttemptOpen: true})},
		{"administrator", staff},
	}
	for _, c := range cases {
		b.Run(c.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := engine.Decide(context.Background(), c.in); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkInputValue(b *testing.B) {
	in := everything(AttemptAnswer, false)
	b.ReportAllocs()
	for b.Loop() {
		in.value()
	}
}

func BenchmarkAllows(b *testing.B) {
	e := newEnforcer(b, "jamaica")
	roles := []string{"student"}
	b.ReportAllocs()
	for b.Loop() {
		if !e.Allows(roles, AttemptAnswer) {
			b.Fatal("a student cannot answer")
		}
	}
}

// Casbin itself, without the table of kept answers.
func BenchmarkCasbin(b *testing.B) {
	e := newEnforcer(b, "jamaica")
	b.ReportAllocs()
	for b.Loop() {
		if ok, err := e.casbin.Enforce("student", "jamaica", "attempt.answer"); !ok || err != nil {
			b.Fatal(ok, err)
		}
	}
}
