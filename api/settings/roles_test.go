package settings_test

import (
	"net/http"
	"slices"
	"testing"

	"lignum/api"
	"lignum/api/settings"
	"lignum/policy"
	"lignum/tenants"
	"lignum/tests/apitest"
)

func TestRolesAreChangedForAllButNeverBeyondOnesOwn(t *testing.T) {
	t.Parallel()
	w := apitest.NewSchool(t)
	list := apitest.As[api.List[settings.Role]](w.Get(w.Admin, "/api/v1/roles"))
	i := slices.IndexFunc(list.Items, func(r settings.Role) bool { return r.Name == "teacher" })
	if i < 0 || !slices.Contains(list.Items[i].Includes, "coach") || !slices.Contains(list.Items[i].Permissions, "lesson.read") || !list.Items[i].System {
		t.Fatalf("roles: %+v", list)
	}
	if all := apitest.As[api.List[settings.PermissionInfo]](w.Get(w.Admin, "/api/v1/permissions")); len(all.Items) < 30 || !all.Items[0].Mine || all.Items[0].Description.IsZero() {
		t.Errorf("permissions: %+v", all)
	}
	if list = apitest.As[api.List[settings.Role]](w.Get(w.User("", "operator"), "/api/v1/platform/roles")); len(list.Items) != 3 {
		t.Errorf("the platform's roles: %+v", list)
	}
	librarian := w.UserWith("jamaica", []string{"student"}, apitest.At(w.SchoolID))
	edit := policy.RoleEdit{Role: "librarian", Grant: []string{"user.read"}, Include: []string{"member"}}
	made := apitest.As[settings.Role](w.Post(w.Admin, "/api/v1/roles/changes", edit))
	if !slices.Contains(made.Permissions, "user.read") {
		t.Errorf("%+v", made)
	}
	w.Post(w.Principal, "/api/v1/roles/changes", edit).Want(http.StatusForbidden)
	w.Post(w.Admin, "/api/v1/roles/changes", policy.RoleEdit{Role: "librarian", Grant: []string{"platform.tenant.read"}}).Want(http.StatusUnprocessableEntity)
	w.Post(w.Admin, "/api/v1/roles/changes", policy.RoleEdit{Role: "tenant_administrator", Withdraw: []string{"role.change"}}).Want(http.StatusConflict)

	w.Get(librarian, "/api/v1/users").Want(http.StatusForbidden)
	w.Post(w.Admin, "/api/v1/roles/changes", policy.RoleEdit{Role: "student", Grant: []string{"audit.read"}}).Want(http.StatusOK)
	if err := w.Registry.Refresh(t.Context()); err != nil {
		t.Fatal(err)
	}
	w.Get(librarian, "/api/v1/audit").Want(http.StatusOK)
	if n := w.Trail("jamaica", "role.change", "done"); n != 2 {
		t.Errorf("%d entries for two changes", n)
	}
}

// No answer that an official gets has a number of fewer than five people; a role of the tenant's own making shows them no more.
func TestOfficialsSeeNoSmallCount(t *testing.T) {
	t.Parallel()
	s := apitest.New(t)
	s.Exec("jamaica", `INSERT INTO casbin_rules (ptype, v0, v1, v2) VALUES ('p', 'ministry_official', 'jamaica', 'role.read')`)
	s.Write("jamaica", func(tx *tenants.Tx) error { tx.Bump("rules"); return nil })
	if err := s.Registry.Refresh(t.Context()); err != nil {
		t.Fatal(err)
	}
	official := s.User("jamaica", "ministry_official")
	roles := apitest.As[api.List[settings.Role]](s.Get(official, "/api/v1/roles")).Items
	for _, r := range roles {
		if r.People > 0 && r.People < 5 || r.People == 0 && !r.Withheld {
			t.Errorf("an official sees that %d people have the role %s", r.People, r.Name)
		}
	}
	if len(roles) == 0 {
		t.Error("an official sees no role")
	}
	s.Exec("jamaica", `UPDATE usage_counts SET n = 4 WHERE kind = 'learners'`)
	if n, ok := used(s, official)["learners"]; ok {
		t.Errorf("the quotas say that there are %d learners", n)
	}
}
