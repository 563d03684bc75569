package people_test

import (
	"net/http"
	"strings"
	"testing"

	peopleapi "lignum/api/people"
	"lignum/policy"
	"lignum/tenants"
	"lignum/tests/apitest"
	"lignum/tests/school"
	"lignum/tests/testkit"
)

func TestNobodyTakesOverAnAccountThatHoldsMore(t *testing.T) {
	t.Parallel()
	w := apitest.NewSchool(t)
	boss := w.UserWith("jamaica", []string{"tenant_administrator"}, apitest.At(w.SchoolID))
	for _, try := range []struct {
		method, path string
		body         any
	}{
		{http.MethodPost, apitest.Path("/users/%s/reset", boss.ID), nil},
		{http.MethodPost, apitest.Path("/users/%s/suspension", boss.ID), map[string]string{"reason": "because"}},
		{http.MethodPatch, apitest.Path("/users/%s", boss.ID), map[string]string{"user_name": "mine"}},
		{http.MethodPut, apitest.Path("/users/%s/roles", boss.ID), map[string]any{"roles": []string{"student"}}},
		{http.MethodDelete, apitest.Path("/users/%s/second-factor", boss.ID), nil},
	} {
		p := w.Do(w.Principal, try.method, try.path, try.body).Want(http.StatusForbidden).Problem()
		if p.Type != "urn:lignum:problem:policy:subject_holds_more" {
			t.Errorf("%s %s: %+v", try.method, try.path, p)
		}
	}
	// Nor by a card for a class in which the account has a place.
	teacher := w.UserWith("jamaica", []string{"teacher"}, apitest.At(w.SchoolID))
	w.Leads(teacher)
	w.Enrol(w.Student, boss)
	w.Post(teacher, apitest.Path("/classes/%s/cards", w.Class), nil).Want(http.StatusForbidden)
	w.Post(teacher, "/api/v1/users/cards", map[string]any{"user_ids": []string{w.Student.ID.String(), boss.ID.String()}}).Want(http.StatusForbidden)
	w.Exec("jamaica", `DELETE FROM enrolments WHERE learner_id = $1::uuid`, boss.ID.String())
	sheet := apitest.As[peopleapi.CardSheet](w.Post(teacher, apitest.Path("/classes/%s/cards", w.Class), nil))
	if len(sheet.Cards) != 1 || sheet.Cards[0].UserID != w.Student.ID {
		t.Errorf("cards: %+v", sheet)
	}
}

// With one harmless grant a school's administrator holds all that an official holds, and still makes none.
func TestARoleReachesNoFurtherThanItsGiver(t *testing.T) {
	t.Parallel()
	w := apitest.NewSchool(t)
	w.Exec("jamaica", `INSERT INTO casbin_rules (ptype, v0, v1, v2) VALUES ('p', 'school_administrator', 'jamaica', 'tenant.read'), ('p', 'school_administrator', 'jamaica', 'role.change'),
		('p', 'school_administrator', 'jamaica', 'role.read'), ('g', 'inspector', 'ministry_official', 'jamaica')`)
	w.Write("jamaica", func(tx *tenants.Tx) error { tx.Bump("rules"); return nil })
	if err := w.Registry.Refresh(t.Context()); err != nil {
		t.Fatal(err)
	}
	official := w.UserWith("jamaica", []string{"ministry_official"}, apitest.At(w.SchoolID))
	for _, role := range []string{"ministry_official", "inspector", "tenant_administrator"} {
		body := map[string]any{"given_name": "Ann", "family_name": "Brown", "roles": []string{role}, "school_id": w.SchoolID}
		w.Post(w.Principal, "/api/v1/users", body).Want(http.StatusForbidden)
		body["roles"] = []string{"teacher", role}
		w.Post(w.Principal, "/api/v1/users", body).Want(http.StatusForbidden)
		for _, who := range []apitest.User{w.Principal, w.Coach} { // oneself, too
			w.Do(w.Principal, http.MethodPut, apitest.Path("/users/%s/roles", who.ID), map[string]any{"roles": []string{"school_administrator", role}}).Want(http.StatusForbidden)
		}
	}
	for _, edit := range []policy.RoleEdit{
		{Role: "teacher", Include: []string{"ministry_official"}}, {Role: "school_administrator", Include: []string{"inspector"}},
		{Role: "snoop", Include: []string{"ministry_official"}}, {Role: "ministry_official", Withdraw: []string{"tenant.read"}},
	} {
		w.Post(w.Principal, "/api/v1/roles/changes", edit).Want(http.StatusForbidden)
	}
	for _, try := range []struct {
		method, path string
		body         any
	}{
		{http.MethodPost, apitest.Path("/users/%s/reset", official.ID), nil},
		{http.MethodPost, apitest.Path("/users/%s/suspension", official.ID), map[string]string{"reason": "because"}},
		{http.MethodPatch, apitest.Path("/users/%s", official.ID), map[string]string{"user_name": "mine"}},
		{http.MethodPut, apitest.Path("/users/%s/roles", official.ID), map[string]any{"roles": []string{"student"}}},
		{http.MethodDelete, apitest.Path("/users/%s/second-factor", official.ID), nil},
	} {
		if p := w.Do(w.Principal, try.method, try.path, try.body).Want(http.StatusForbidden).Problem(); !strings.HasSuffix(p.Type, "subject_holds_more") {
			t.Errorf("%s %s: %+v", try.method, try.path, p)
		}
	}
	w.Post(w.Principal, "/api/v1/users", map[string]any{"given_name": "Ann", "family_name": "Brown", "roles": []string{"teacher"}, "school_id": w.SchoolID}).Want(http.StatusCreated)
	w.Do(w.Admin, http.MethodPut, apitest.Path("/users/%s/roles", w.Coach.ID), map[string]any{"roles": []string{"coach", "inspector"}}).Want(http.StatusOK)
}

// Somebody who may change roles but reaches less far is not the one who is left.
func TestTheLastWhoReachesEveryRoleKeepsTheirs(t *testing.T) {
	t.Parallel()
	w := apitest.NewSchool(t)
	w.Exec("jamaica", `INSERT INTO casbin_rules (ptype, v0, v1, v2) VALUES ('p', 'deputy', 'jamaica', 'role.change'), ('p', 'deputy', 'jamaica', 'role.read'), ('g', 'deputy', 'member', 'jamaica'),
		('g', 'chief', 'tenant_administrator', 'jamaica')`)
	w.Write("jamaica", func(tx *tenants.Tx) error { tx.Bump("rules"); return nil })
	if err := w.Registry.Refresh(t.Context()); err != nil {
		t.Fatal(err)
	}
	school.SetState(t, w.DB("jamaica"), "suspended", school.ID(t, w.DB("jamaica"), testkit.Fixtures[0].Admin.UserName)) // whom provisioning made
	w.User("jamaica", "deputy")
	w.Exec("jamaica", `UPDATE user_roles SET role = 'chief' WHERE user_id = $1::uuid`, w.Admin.ID.String())
	roles := apitest.Path("/users/%s/roles", w.Admin.ID)
	w.Do(w.Admin, http.MethodPut, roles, map[string]any{"roles": []string{"teacher"}}).Want(http.StatusConflict)
	w.Post(w.Admin, "/api/v1/roles/changes", policy.RoleEdit{Role: "tenant_administrator", Withdraw: []string{"role.change"}}).Want(http.StatusConflict)
}
