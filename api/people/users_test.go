package people_test

import (
	"net/http"
	"slices"
	"testing"

	"lignum/api"
	peopleapi "lignum/api/people"
	"lignum/domain/identity"
	"lignum/domain/people"
	"lignum/tests/apitest"
	"lignum/tests/school"
	"lignum/tests/testkit"
)

func TestMain(m *testing.M) { testkit.Main(m) }

func TestASchoolAdministersItsOwnPeople(t *testing.T) {
	t.Parallel()
	w := apitest.NewSchool(t)
	hill := w.School("jamaica", "Hill High")
	other := w.UserWith("jamaica", []string{"student"}, apitest.At(hill))
	body := map[string]any{"given_name": "Ann", "family_name": "Brown", "roles": []string{"student"}, "school_id": w.SchoolID}

	made := apitest.As[peopleapi.NewAccount](w.Post(w.Principal, "/api/v1/users", body).Want(http.StatusCreated))
	if made.User.UserName != "ann.brown" || made.Card.School != "Harbour High" {
		t.Errorf("%+v", made)
	}
	body["school_id"] = hill
	w.Post(w.Principal, "/api/v1/users", body).Want(http.StatusForbidden)
	body["school_id"], body["roles"] = w.SchoolID, []string{"tenant_administrator"}
	w.Post(w.Principal, "/api/v1/users", body).Want(http.StatusForbidden) // nobody gives what they lack
	body["roles"] = []string{"wizard"}
	if p := w.Post(w.Admin, "/api/v1/users", body).Want(http.StatusUnprocessableEntity).Problem(); p.Errors[0].Name != "body.roles[0]" {
		t.Errorf("%+v", p)
	}

	list := apitest.As[api.List[people.User]](w.Get(w.Principal, "/api/v1/users?role=student"))
	for _, u := range list.Items {
		if u.SchoolID == nil || *u.SchoolID != w.SchoolID {
			t.Errorf("a school sees %+v", u)
		}
	}
	if len(list.Items) != 2 {
		t.Errorf("%d students", len(list.Items))
	}
	w.Get(w.Principal, "/api/v1/users?school="+hill.String()).Want(http.StatusForbidden)
	w.Get(w.Principal, apitest.Path("/users/%s", other.ID)).Want(http.StatusForbidden)
	w.Get(w.Principal, apitest.Path("/users/%s", w.Student.ID)).Want(http.StatusOK)
	w.Get(w.Admin, apitest.Path("/users/%s", other.ID)).Want(http.StatusOK)
	w.Do(w.Principal, http.MethodPatch, apitest.Path("/users/%s", w.Student.ID), map[string]any{"school_id": hill}).Want(http.StatusForbidden)
	changed := apitest.As[people.User](w.Do(w.Principal, http.MethodPatch, apitest.Path("/users/%s", w.Student.ID), map[string]any{"grade": "10A"}))
	if changed.Grade != "10A" || changed.UserName != w.Student.UserName {
		t.Errorf("changed: %+v", changed)
	}
}

func TestASuspendedAccountIsOutAtOnce(t *testing.T) {
	t.Parallel()
	w := apitest.NewSchool(t)
	w.Get(w.Student, "/api/v1/me").Want(http.StatusOK)
	w.Post(w.Principal, apitest.Path("/users/%s/suspension", w.Student.ID), map[string]string{"reason": "Left the school."}).Want(http.StatusOK)
	if err := w.Registry.Refresh(t.Context()); err != nil {
		t.Fatal(err)
	}
	w.Get(w.Student, "/api/v1/me").Want(http.StatusUnauthorized)
	if u := apitest.As[people.User](w.Do(w.Principal, http.MethodDelete, apitest.Path("/users/%s/suspension", w.Student.ID), nil)); u.State != "active" {
		t.Errorf("resumed: %+v", u)
	}
	w.Post(w.Admin, apitest.Path("/users/%s/suspension", w.Admin.ID), map[string]string{"reason": "tired"}).Want(http.StatusConflict)
}

func TestTheLastWhoCanChangeRolesKeepsTheRole(t *testing.T) {
	t.Parallel()
	w := apitest.NewSchool(t)
	school.SetState(t, w.DB("jamaica"), "suspended", school.ID(t, w.DB("jamaica"), "admin1")) // whom provisioning made
	roles := apitest.Path("/users/%s/roles", w.Admin.ID)
	w.Do(w.Admin, http.MethodPut, roles, map[string]any{"roles": []string{"teacher"}}).Want(http.StatusConflict)
	w.User("jamaica", "tenant_administrator")
	u := apitest.As[people.User](w.Do(w.Admin, http.MethodPut, roles, map[string]any{"roles": []string{"teacher"}}))
	if !slices.Equal(u.Roles, []string{"teacher"}) {
		t.Errorf("%+v", u)
	}
}

// An account's roles are among what its version names: neither they nor its names are undone by who did not see the other change.
func TestRolesAreNotUndone(t *testing.T) {
	t.Parallel()
	s := apitest.New(t)
	admin, coach := s.User("jamaica", "tenant_administrator"), s.User("jamaica", "coach")
	at := "/api/v1/users/" + coach.ID.String()
	version := func() string {
		t.Helper()
		return apitest.As[struct {
			Version string `json:"version"`
		}](s.Get(admin, at)).Version
	}
	seen := version()
	s.Do(admin, "PUT", at+"/roles", map[string]any{"roles": []string{"coach", "guardian"}, "version": seen}).Want(http.StatusOK)
	s.Do(admin, "PUT", at+"/roles", map[string]any{"roles": []string{"coach", "teacher"}, "version": seen}).Want(http.StatusConflict)
	s.Do(admin, "PATCH", at, map[string]any{"given_name": "Other", "version": seen}).Want(http.StatusConflict)
	s.Do(admin, "PUT", at+"/roles", map[string]any{"roles": []string{"coach", "teacher"}, "version": version()}).Want(http.StatusOK)
}

func TestThePlatformsOwnAccounts(t *testing.T) {
	t.Parallel()
	s := apitest.New(t)
	operator := s.User("", "operator")
	body := map[string]any{"given_name": "Max", "family_name": "Manager", "email": "max@lignum.example", "roles": []string{"account_manager"}}
	made := apitest.As[peopleapi.NewAccount](s.Post(operator, "/api/v1/platform/users", body).Want(http.StatusCreated))
	list := apitest.As[api.List[people.User]](s.Get(operator, "/api/v1/platform/users?q=man"))
	if len(list.Items) != 1 || list.Items[0].ID != made.User.ID {
		t.Errorf("%+v", list)
	}
	user := apitest.Path("/platform/users/%s", made.User.ID)
	s.Get(operator, user).Want(http.StatusOK)
	s.Post(operator, user+"/suspension", map[string]string{"reason": "on leave"}).Want(http.StatusOK)
	s.Do(operator, http.MethodDelete, user+"/suspension", nil).Want(http.StatusOK)
	if card := apitest.As[identity.Card](s.Post(operator, user+"/reset", nil)); card.UserID != made.User.ID {
		t.Errorf("%+v", card)
	}
}
