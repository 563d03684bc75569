package policy

import (
	"regexp"
	"strings"
	"testing"
)

// Whoever may not change or give a role reads why in words: what the role lets people do, and no name that only programs use.
func TestRefusalsOfRolesAreForPeople(t *testing.T) {
	e := newEnforcer(t, "jamaica", Rule{PType: "p", V0: "school_administrator", V1: "jamaica", V2: "role.change"})
	school, boss := []string{"school_administrator"}, []string{"tenant_administrator"}
	for what, err := range map[string]error{
		"gives a role":            CheckAssign(e, school, "ministry_official"),
		"takes a role":            CheckUnassign(e, school, "tenant_administrator", 3),
		"takes the last":          CheckUnassign(e, boss, "tenant_administrator", 0),
		"gives together":          CheckTogether(e, school, []string{"tenant_administrator", "coach"}),
		"changes a role":          CheckGrant(e, school, RoleEdit{Role: "tenant_administrator", Grant: []string{"class.read"}}),
		"ends all change":         CheckGrant(newEnforcer(t, "jamaica"), boss, RoleEdit{Role: "tenant_administrator", Withdraw: []string{"role.change"}}),
		"takes what each needs":   CheckGrant(e, boss, RoleEdit{Role: "member", Withdraw: []string{"session.end"}}),
		"cannot change roles":     CheckGrant(e, []string{"teacher"}, RoleEdit{Role: "coach", Grant: []string{"class.read"}}),
		"gives what is not there": CheckGrant(e, boss, RoleEdit{Role: "coach", Grant: []string{"fly.high"}}),
	} {
		if err == nil {
			t.Errorf("%s: no refusal", what)
			continue
		}
		says := strings.ReplaceAll(err.Error(), "fly.high", "")
		for _, p := range Catalogue() {
			if strings.Contains(says, p.Name()) {
				t.Errorf("%s: %s", what, says)
			}
		}
		if regexp.MustCompile(`[a-z]_[a-z]|\(\)|%!`).MatchString(says) {
			t.Errorf("%s: %s", what, says)
		}
	}
	if got := CheckAssign(e, school, "ministry_official").Error(); !strings.Contains(got, "see the tenant's state") {
		t.Errorf("%s: not what the role lets people do", got)
	}
}
