package policy

import (
	"bytes"
	"strings"
	"testing"
)

func TestExplain(t *testing.T) {
	e, eng := newEnforcer(t, "jamaica"), newEngine(t)
	in := func(p Permission, facts string, roles ...string) Input {
		in := Input{Permission: p, Realm: Tenant, Roles: roles, TenantTakes: TakesChanges, ActorState: "active"}
		world(&in, facts)
		return in
	}
	table := []struct {
		name string
		in   Input
		says []string
	}{
		{"allowed", in(LearnerProgress, "same-school", "school_administrator"),
			[]string{"allowed, scope school", "school_administrator includes coach: p, coach, jamaica, learner.progress", "records.rego:", "reaches_school"}},
		{"figures", in(InsightRead, "list", "ministry_official"), []string{"counts below 5 left blank"}},
		{"refused by a rule", in(AttemptAnswer, "owner open", "student"),
			[]string{"refused, deadline_passed", "The time for this attempt is over.", "before the deadline", "student: p, student, jamaica, attempt.answer", "learning.rego:"}},
		{"refused by the role", in(RoleChange, "", "student"), []string{"refused, role_lacks_permission", "held by     tenant_administrator"}},
		{"held by nobody", in(PlatformTenantRead, "", "student"), []string{"no role here"}},
	}
	for _, row := range table {
		var out bytes.Buffer
		if err := Explain(e, eng, row.in).WriteText(&out); err != nil {
			t.Fatal(err)
		}
		for _, say := range row.says {
			if !strings.Contains(out.String(), say) {
				t.Errorf("%s: does not say %q:\n%s", row.name, say, out.String())
			}
		}
	}
}
