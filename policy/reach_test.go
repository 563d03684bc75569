package policy

import (
	"slices"
	"testing"

	"lignum/domain"
)

// lacks grants a role everything of another that it lacks, one permission at a time: that is the harmless grant.
func lacks(t *testing.T, of, role string) (rules []Rule) {
	t.Helper()
	e := newEnforcer(t, "jamaica")
	for _, name := range e.lacking([]string{role}, e.Permissions([]string{of})) {
		rules = append(rules, Rule{PType: "p", V0: role, V1: "jamaica", V2: name})
	}
	return rules
}

// Holding the same permissions is not reaching as far: a school's administrator with every permission of an official, or of
// the tenant's administrator, is still of one school.
func TestWhoReachesFurtherIsNotCovered(t *testing.T) {
	table := []struct {
		actor, subject []string
		rules          []Rule
		covers         bool
	}{
		{[]string{"school_administrator"}, []string{"ministry_official"}, lacks(t, "ministry_official", "school_administrator"), false},
		{[]string{"school_administrator"}, []string{"tenant_administrator"}, lacks(t, "tenant_administrator", "school_administrator"), false},
		{[]string{"teacher"}, []string{"school_administrator"}, lacks(t, "school_administrator", "teacher"), false},
		{[]string{"coach"}, []string{"teacher"}, lacks(t, "teacher", "coach"), false},
		{[]string{"ministry_official"}, []string{"tenant_administrator"}, lacks(t, "tenant_administrator", "ministry_official"), false},
		{[]string{"deputy"}, []string{"ministry_official"}, custom("deputy", newEnforcer(t, "jamaica").Permissions([]string{"tenant_administrator"})...), false},
		{[]string{"tenant_administrator"}, []string{"ministry_official"}, nil, true},
		{[]string{"tenant_administrator"}, []string{"tenant_administrator"}, nil, true},
		{[]string{"tenant_administrator"}, []string{"school_administrator", "ministry_official"}, nil, true},
		{[]string{"school_administrator"}, []string{"school_administrator"}, nil, true},
		{[]string{"school_administrator"}, []string{"teacher", "guardian"}, nil, true},
		{[]string{"school_administrator"}, []string{"student", "a_role_that_no_rule_knows"}, nil, true},
		{[]string{"student"}, []string{"student"}, nil, true},
	}
	for _, row := range table {
		e := newEnforcer(t, "jamaica", row.rules...)
		if more := e.lacking(row.actor, e.Permissions(row.subject)); len(more) > 0 {
			if row.rules != nil {
				t.Fatalf("%v still lacks %v of %v: the test shows nothing", row.actor, more, row.subject)
			}
		}
		if got := e.Covers(row.actor, row.subject); got != row.covers {
			more, err := e.beyond(row.actor, row.subject)
			t.Errorf("%v over %v: %t, want %t; beyond: %v %v", row.actor, row.subject, got, row.covers, more, err)
		}
		for _, role := range row.subject {
			if err := CheckAssign(e, row.actor, role); (err == nil) != row.covers && len(row.subject) == 1 {
				t.Errorf("%v gives %s: %v", row.actor, role, err)
			}
		}
	}
}

func TestAGrantReachesNoFurtherThanItsGiver(t *testing.T) {
	// A registrar of a school may change roles, and holds all that the tenant's administrator holds.
	all := newEnforcer(t, "jamaica").Permissions([]string{"tenant_administrator"})
	e := newEnforcer(t, "jamaica", slices.Concat(custom("registrar", all...), []Rule{{"g", "registrar", "school_administrator", "jamaica", "", "", ""}},
		custom("office"), []Rule{{"p", "office", "jamaica", "course.read", "", "", ""}}, []Rule{{"g", "desk", "office", "jamaica", "", "", ""}})...)
	registrar, admin := []string{"registrar"}, []string{"tenant_administrator"}
	table := []struct {
		name     string
		actor    []string
		edit     RoleEdit
		together [][]string
		want     domain.Code
	}{
		{"a role that includes the official's", registrar, RoleEdit{Role: "office", Include: []string{"ministry_official"}}, nil, domain.Forbidden},
		{"oneself", registrar, RoleEdit{Role: "registrar", Include: []string{"ministry_official"}}, nil, domain.Forbidden},
		{"a role that reaches further already", registrar, RoleEdit{Role: "ministry_official", Grant: []string{"audit.read"}}, nil, domain.Forbidden},
		{"one that others include", registrar, RoleEdit{Role: "member", Grant: []string{"insight.read"}}, nil, ""},
		{"a role of one's own reach", registrar, RoleEdit{Role: "office", Include: []string{"school_administrator"}}, nil, ""},
		{"by one who reaches the tenant", admin, RoleEdit{Role: "office", Include: []string{"ministry_official"}}, nil, ""},
	}
	for _, row := range table {
		if err := CheckGrant(e, row.actor, row.edit, row.together...); domain.CodeOf(err) != row.want {
			t.Errorf("%s: %v, want %q", row.name, err, row.want)
		}
	}
	// The tenant's administrators lost a permission; a role that some of them have beside theirs would give it back.
	narrowed := newEnforcer(t, "jamaica", slices.Concat(custom("registrar", all...), custom("office"))...)
	rules := slices.DeleteFunc(narrowed.Rules(), func(r Rule) bool { return r.V0 == "tenant_administrator" && r.V2 == "user.erase" })
	e, err := NewEnforcer("jamaica", 1, rules)
	if err != nil {
		t.Fatal(err)
	}
	edit := RoleEdit{Role: "office", Grant: []string{"user.erase"}}
	if err := CheckGrant(e, registrar, edit); err != nil {
		t.Errorf("alone it reaches nobody: %v", err)
	}
	if err := CheckGrant(e, registrar, edit, []string{"office", "tenant_administrator"}); domain.CodeOf(err) != domain.Forbidden {
		t.Errorf("beside the administrator's role it reaches the tenant: %v", err)
	}
	if err := CheckTogether(e, registrar, []string{"student", "ministry_official"}); domain.CodeOf(err) != domain.Forbidden {
		t.Errorf("roles together: %v", err)
	}
}

// Who may change roles but reaches less far could never undo it, so they do not count as the last who can.
func TestSomebodyCanStillChangeEveryRole(t *testing.T) {
	e := newEnforcer(t, "jamaica", custom("deputy", "role.read", "role.change", "course.read")...)
	admin := []string{"tenant_administrator"}
	last := RoleEdit{Role: "tenant_administrator", Withdraw: []string{"role.change"}}
	if err := CheckGrant(e, admin, last); domain.CodeOf(err) != domain.Conflict {
		t.Errorf("only a deputy is left: %v", err)
	}
	if got := e.Managers(); !slices.Equal(got, admin) {
		t.Errorf("managers: %v", got)
	}
	e = newEnforcer(t, "jamaica", Rule{"g", "chief", "tenant_administrator", "jamaica", "", "", ""}, Rule{"p", "chief", "jamaica", "role.change", "", "", ""})
	if err := CheckGrant(e, admin, last); err != nil {
		t.Errorf("a chief is left who reaches as far: %v", err)
	}
}

// What a replaced bundle gives is what is compared, and an enforcer forgets what another bundle said.
func TestReachIsThatOfTheRulesInForce(t *testing.T) {
	eng := newEngine(t)
	e := newEnforcer(t, "jamaica", lacks(t, "ministry_official", "school_administrator")...).Asking(eng)
	principal, official := []string{"school_administrator"}, []string{"ministry_official"}
	if e.Covers(principal, official) {
		t.Fatal("a school's administrator stands over officials")
	}
	// Here schools' administrators see the country's figures, and open records for a reason.
	wider := edit(t, embedded(t), "records.rego", "reaches_figures if {\n\tinput.permission == \"insight.read\"\n\tinput.roles.ministry_official\n}", `reaches_figures if {
	input.permission == "insight.read"
	input.roles.ministry_official
}

reaches_tenant if {
	input.permission in {"learner.read", "learner.progress", "insight.read"}
	input.roles.school_administrator
	input.reason_length >= 100
}`)
	if err := eng.Reload(t.Context(), wider); err != nil {
		t.Fatal(err)
	}
	if !e.Covers(principal, official) {
		more, err := e.beyond(principal, official)
		t.Errorf("the wider rules are not asked: %v %v", more, err)
	}
	if err := eng.Reload(t.Context(), Embedded()); err != nil {
		t.Fatal(err)
	}
	if e.Covers(principal, official) {
		t.Error("what another bundle said is still believed")
	}
}

func BenchmarkCovers(b *testing.B) {
	e := newEnforcer(b, "jamaica")
	for b.Loop() {
		e.Covers([]string{"school_administrator"}, []string{"teacher"})
	}
}
