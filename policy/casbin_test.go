package policy

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"lignum/domain"
)

func newEnforcer(t testing.TB, realm string, more ...Rule) *Enforcer {
	t.Helper()
	e, err := NewEnforcer(realm, 1, append(DefaultRules(KindOf(realm), realm), more...))
	if err != nil {
		t.Fatal(err)
	}
	return e
}

func TestDefaultRoles(t *testing.T) {
	tenant, platform := newEnforcer(t, "jamaica"), newEnforcer(t, PlatformRealm)
	table := []struct {
		role  string
		may   string
		mayNo string
	}{
		{"student", "session.end class.register attempt.answer leaderboard.read", "learner.read learner.progress insight.read user.read role.change content.read"},
		{"guardian", "child.read consent.change profile.change", "progress.read learner.progress attempt.read"},
		{"coach", "learner.progress attempt.mark question.answer", "user.reset content.change insight.read class.manage"},
		{"teacher", "content.import class.manage learner.read user.reset", "user.read roster.import role.read"},
		{"school_administrator", "roster.import user.create learner.progress insight.read", "user.erase role.change tenant.change audit.read"},
		{"ministry_official", "insight.read learner.progress tenant.read", "attempt.read progress.read user.read child.read"},
		{"tenant_administrator", "role.change audit.read user.erase insight.read", ""},
		{"account_manager", "platform.tenant.suspend session.end", "learner.read user.read insight.read platform.user.create platform.role.change audit.read"},
		{"operator", "platform.role.change platform.tenant.read", "learner.progress role.change user.read"},
		{"member", "profile.read profile.change session.end export.read", "course.read"},
		{"stranger", "", "profile.read course.read"},
	}
	for _, row := range table {
		e := tenant
		if slices.Contains(SystemRoles(Platform), row.role) {
			e = platform
		}
		for want, names := range map[bool]string{true: row.may, false: row.mayNo} {
			for _, name := range strings.Fields(names) {
				p, known := Lookup(name)
				if !known {
					t.Fatalf("%s is no permission", name)
				}
				for range 2 { // the second answer is the kept one
					if got := e.Allows([]string{row.role}, p); got != want {
						t.Errorf("%s, %s: %t", row.role, name, got)
					}
				}
			}
		}
	}
	for _, kind := range []RealmKind{Tenant, Platform} {
		e := map[RealmKind]*Enforcer{Tenant: tenant, Platform: platform}[kind]
		for _, p := range Catalogue() {
			if got := e.Allows([]string{AdministratorRole(kind)}, p); got != p.In(kind) {
				t.Errorf("%s, %s: %t", AdministratorRole(kind), p.Name(), got)
			}
		}
	}
	for _, p := range []Permission{{}, Public("anyone")} {
		if tenant.Allows([]string{"tenant_administrator"}, p) {
			t.Error("a permission that nobody declared is allowed")
		}
	}
}

func TestRulesOfAnotherRealmAllowNothing(t *testing.T) {
	if _, err := NewEnforcer("bahamas", 1, DefaultRules(Tenant, "jamaica")); domain.CodeOf(err) != domain.Invalid {
		t.Fatal(err)
	}
	e, err := NewEnforcer("jamaica", 7, nil)
	if err != nil {
		t.Fatal(err)
	}
	if e.Allows([]string{"student", ""}, CourseRead) || e.Version() != 7 || len(e.Permissions([]string{"student"})) > 0 {
		t.Error("a realm without rules allows something")
	}
}

func TestRefusedRules(t *testing.T) {
	chain := func(n int) (rules []Rule) {
		for i := range n {
			rules = append(rules, Rule{PType: "g", V0: fmt.Sprintf("level_%02d", i), V1: fmt.Sprintf("level_%02d", i+1), V2: "jamaica"})
		}
		return rules
	}
	many := make([]Rule, MaxRules+1)
	for i := range many {
		many[i] = Rule{PType: "p", V0: fmt.Sprintf("role_%d", i), V1: "jamaica", V2: "course.read"}
	}
	table := []struct {
		name  string
		rules []Rule
		says  string
	}{
		{"unknown permission", []Rule{{"p", "student", "jamaica", "course.burn", "", "", ""}}, "nothing that a role may do"},
		{"wildcard", []Rule{{"p", "student", "jamaica", "*", "", "", ""}}, "nothing that a role may do"},
		{"permission of the platform", []Rule{{"p", "student", "jamaica", "platform.tenant.read", "", "", ""}}, "means nothing"},
		{"other realm", []Rule{{"p", "student", "bahamas", "course.read", "", "", ""}}, "realm"},
		{"other realm in g", []Rule{{"g", "student", "coach", "bahamas", "", "", ""}}, "realm"},
		{"other kind", []Rule{{"p2", "student", "jamaica", "course.read", "", "", ""}}, "kind of rule"},
		{"empty role", []Rule{{"p", "", "jamaica", "course.read", "", "", ""}}, "no role"},
		{"role with a comma", []Rule{{"p", "a, b", "jamaica", "course.read", "", "", ""}}, "no role"},
		{"more columns", []Rule{{"p", "student", "jamaica", "course.read", "deny", "", ""}}, "columns"},
		{"includes itself", []Rule{{"g", "student", "student", "jamaica", "", "", ""}}, "includes itself"},
		{"circle", []Rule{{"g", "aa", "bb", "jamaica", "", "", ""}, {"g", "bb", "cc", "jamaica", "", "", ""}, {"g", "cc", "aa", "jamaica", "", "", ""}}, "includes itself"},
		{"too deep", chain(maxDepth), "levels deep"},
		{"too many", many, "at most 2,000"},
	}
	for _, row := range table {
		if _, err := NewEnforcer("jamaica", 1, row.rules); domain.CodeOf(err) != domain.Invalid || !strings.Contains(err.Error(), row.says) {
			t.Errorf("%s: %v", row.name, err)
		}
	}
	if _, err := NewEnforcer("jamaica", 1, many[:MaxRules]); err != nil {
		t.Error(err)
	}
	if _, err := NewEnforcer("", 1, nil); err == nil {
		t.Error("a realm without a name is taken")
	}
	// As deep as is allowed, Casbin still follows to the end.
	deep, err := NewEnforcer("jamaica", 1, append(chain(maxDepth-1), Rule{PType: "p", V0: fmt.Sprintf("level_%02d", maxDepth-1), V1: "jamaica", V2: "course.read"}))
	if err != nil || !deep.Allows([]string{"level_00"}, CourseRead) {
		t.Error(err, "the last of the allowed levels gives nothing")
	}
}

// custom makes a role that may change roles but holds little else.
func custom(role string, permissions ...string) (rules []Rule) {
	for _, p := range permissions {
		rules = append(rules, Rule{PType: "p", V0: role, V1: "jamaica", V2: p})
	}
	return append(rules, Rule{PType: "g", V0: role, V1: "member", V2: "jamaica"})
}

func TestCheckGrant(t *testing.T) {
	rules := slices.Concat(custom("deputy", "role.read", "role.change", "course.read"),
		custom("helper", "course.read"), []Rule{{"g", "assistant", "helper", "jamaica", "", "", ""}})
	e := newEnforcer(t, "jamaica", rules...)
	table := []struct {
		name  string
		actor string
		edit  RoleEdit
		want  domain.Code
	}{
		{"what one holds", "deputy", RoleEdit{Role: "helper", Grant: []string{"role.read"}}, ""},
		{"a new role", "deputy", RoleEdit{Role: "librarian", Grant: []string{"course.read"}, Include: []string{"member"}}, ""},
		{"everything, by the administrator", "tenant_administrator", RoleEdit{Role: "helper", Include: []string{"school_administrator"}}, ""},
		{"withdrawing", "tenant_administrator", RoleEdit{Role: "student", Withdraw: []string{"leaderboard.read"}}, ""},
		{"without role.change", "school_administrator", RoleEdit{Role: "helper", Grant: []string{"course.read"}}, domain.Forbidden},
		{"what one lacks", "deputy", RoleEdit{Role: "helper", Grant: []string{"learner.read"}}, domain.Forbidden},
		{"what one lacks, to oneself", "deputy", RoleEdit{Role: "deputy", Grant: []string{"audit.read"}}, domain.Forbidden},
		{"what one lacks, by inclusion", "deputy", RoleEdit{Role: "helper", Include: []string{"coach"}}, domain.Forbidden},
		{"what one lacks, to a new role", "deputy", RoleEdit{Role: "librarian", Include: []string{"tenant_administrator"}}, domain.Forbidden},
		{"a role that holds more", "deputy", RoleEdit{Role: "tenant_administrator", Withdraw: []string{"audit.read"}}, domain.Forbidden},
		{"a role under all others, by one who lacks nothing of it", "deputy", RoleEdit{Role: "member", Grant: []string{"role.change"}}, ""},
		{"signing out taken from all", "tenant_administrator", RoleEdit{Role: "member", Withdraw: []string{"session.end"}}, domain.Conflict},
		{"signing out taken from one", "tenant_administrator", RoleEdit{Role: "student", Exclude: []string{"member"}}, domain.Conflict},
		{"unknown permission", "tenant_administrator", RoleEdit{Role: "helper", Grant: []string{"course.burn"}}, domain.Invalid},
		{"permission of the platform", "tenant_administrator", RoleEdit{Role: "helper", Grant: []string{"platform.tenant.read"}}, domain.Invalid},
		{"unknown role", "tenant_administrator", RoleEdit{Role: "helper", Include: []string{"nobody"}}, domain.Invalid},
		{"nothing", "tenant_administrator", RoleEdit{Role: "helper"}, domain.Invalid},
		{"and its opposite", "tenant_administrator", RoleEdit{Role: "helper", Grant: []string{"course.read"}, Withdraw: []string{"course.read"}}, domain.Invalid},
		{"circle", "tenant_administrator", RoleEdit{Role: "helper", Include: []string{"assistant"}}, domain.Invalid},
		{"no name for a role", "tenant_administrator", RoleEdit{Role: "Helper!", Grant: []string{"course.read"}}, domain.Invalid},
	}
	for _, row := range table {
		if err := CheckGrant(e, []string{row.actor}, row.edit); domain.CodeOf(err) != row.want || (row.want == "" && err != nil) {
			t.Errorf("%s: %v, want %q", row.name, err, row.want)
		}
	}
	plain := newEnforcer(t, "jamaica")
	last := RoleEdit{Role: "tenant_administrator", Withdraw: []string{"role.change"}}
	if err := CheckGrant(plain, []string{"tenant_administrator"}, last); domain.CodeOf(err) != domain.Conflict {
		t.Error("the last role that may change roles can lose it:", err)
	}
	after, err := e.After(RoleEdit{Role: "student", Withdraw: []string{"leaderboard.read"}})
	if err != nil || after.Allows([]string{"student"}, LeaderboardRead) || !e.Allows([]string{"student"}, LeaderboardRead) || after.Version() != 2 {
		t.Error("an edit must show in the next enforcer, and in that alone", err)
	}
	platform := newEnforcer(t, PlatformRealm)
	if err := CheckGrant(platform, []string{"account_manager"}, RoleEdit{Role: "account_manager", Grant: []string{"platform.role.change"}}); domain.CodeOf(err) != domain.Forbidden {
		t.Error(err)
	}
}

func TestCheckAssign(t *testing.T) {
	e := newEnforcer(t, "jamaica", custom("deputy", "role.change")...)
	table := []struct {
		actor, role string
		want        domain.Code
	}{
		{"school_administrator", "student", ""},
		{"school_administrator", "teacher", ""},
		{"school_administrator", "guardian", ""},
		{"school_administrator", "school_administrator", ""},
		{"school_administrator", "tenant_administrator", domain.Forbidden},
		{"school_administrator", "ministry_official", domain.Forbidden},
		{"school_administrator", "deputy", domain.Forbidden},
		{"deputy", "coach", domain.Forbidden},
		{"tenant_administrator", "ministry_official", ""},
		{"tenant_administrator", "king", domain.Invalid},
		{"nobody", "member", domain.Forbidden},
	}
	for _, row := range table {
		if err := CheckAssign(e, []string{row.actor}, row.role); domain.CodeOf(err) != row.want {
			t.Errorf("%s gives %s: %v, want %q", row.actor, row.role, err, row.want)
		}
	}
	admin := []string{"tenant_administrator"}
	if err := CheckUnassign(e, admin, "deputy", 0); domain.CodeOf(err) != domain.Conflict {
		t.Error("the last person who may change roles can lose it:", err)
	}
	if CheckUnassign(e, admin, "deputy", 1) != nil || CheckUnassign(e, admin, "student", 0) != nil {
		t.Error("a role that may be taken is not")
	}
	if got := e.RolesWith(RoleChange); !slices.Equal(got, []string{"deputy", "tenant_administrator"}) {
		t.Error(got)
	}
	if !e.Covers([]string{"teacher"}, []string{"student"}) || e.Covers([]string{"teacher"}, []string{"school_administrator"}) {
		t.Error("a teacher stands over students and under school administrators")
	}
}

func TestExpand(t *testing.T) {
	e := newEnforcer(t, "jamaica")
	if got := e.Expand([]string{"teacher"}); !slices.Equal(got, []string{"coach", "member", "student", "teacher"}) {
		t.Error(got)
	}
	if got := e.Expand([]string{"guardian", "student", "stranger"}); !slices.Equal(got, []string{"guardian", "member", "student"}) {
		t.Error(got)
	}
	if len(e.Expand(nil)) != 0 || len(e.Expand([]string{"stranger"})) != 0 {
		t.Error("unknown roles expand to something")
	}
	e.Expand([]string{"teacher"})[0] = "tenant_administrator"
	if got := e.Expand([]string{"teacher"}); got[0] != "coach" {
		t.Error("a caller can change what an enforcer knows")
	}
}

// Many requests ask a new enforcer at once; each gets Casbin's answer.
func TestAllowsIsConcurrent(t *testing.T) {
	e, asked := newEnforcer(t, "jamaica"), newEnforcer(t, "jamaica")
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for _, role := range e.Roles() {
				for _, p := range Catalogue() {
					e.Allows([]string{role}, p)
				}
			}
		})
	}
	wg.Wait()
	for _, role := range e.Roles() {
		for _, p := range Catalogue() {
			want, err := asked.casbin.Enforce(role, "jamaica", p.Name())
			if got := e.Allows([]string{role}, p); err != nil || got != want {
				t.Errorf("%s, %s: %t, %v", role, p.Name(), got, err)
			}
		}
	}
}
