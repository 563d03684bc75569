package classes_test

import (
	"net/http"
	"testing"

	"github.com/google/uuid"

	"lignum/tests/apitest"
	"lignum/tests/school"
)

// A place in a class opens a learner's record to the class's staff. It must not be a way to anybody's account: neither to
// learners of other schools, nor to colleagues.
func TestPlacingSomebodyInAClassTakesOverNoAccount(t *testing.T) {
	t.Parallel()
	w := apitest.NewSchool(t)
	other := w.School("jamaica", "Hillside High")
	teacher := w.UserWith("jamaica", []string{"teacher"}, apitest.At(w.SchoolID))
	w.Leads(teacher)
	foreign := w.UserWith("jamaica", []string{"student"}, apitest.At(other))
	place := func(by apitest.User, who uuid.UUID) *apitest.Response {
		return w.Post(by, "/api/v1/classes/"+w.Class.String()+"/learners", map[string]any{"learner_id": who})
	}
	place(teacher, w.Student.ID).Want(http.StatusCreated) // a pupil of the own school
	for name, victim := range map[string]apitest.User{"a learner of another school": foreign, "a colleague": w.Coach, "the principal": w.Principal, "the administrator": w.Admin} {
		for _, by := range []apitest.User{teacher, w.Principal} {
			if by.ID == victim.ID {
				continue
			}
			if res := place(by, victim.ID); res.Status < 400 {
				t.Errorf("%s was placed by a %s: %d", name, by.Roles[0], res.Status)
			}
		}
		w.Get(teacher, "/api/v1/learners/"+victim.ID.String()).Want(http.StatusForbidden)
	}
	if res := place(w.Admin, w.Coach.ID); res.Status < 400 {
		t.Errorf("a coach was placed as a learner: %d", res.Status)
	}
	// Who registers alone is the class's learner, but the account stays out of reach.
	w.Post(foreign, "/api/v1/classes/"+w.Class.String()+"/registration", nil).Want(http.StatusCreated)
	w.Get(teacher, "/api/v1/learners/"+foreign.ID.String()).Want(http.StatusOK)
	for _, by := range []apitest.User{teacher, w.Principal} {
		w.Post(by, "/api/v1/users/"+foreign.ID.String()+"/reset", nil).Want(http.StatusForbidden)
		w.Do(by, http.MethodDelete, "/api/v1/users/"+foreign.ID.String()+"/second-factor", nil).Want(http.StatusForbidden)
	}
	w.Post(teacher, "/api/v1/users/"+w.Student.ID.String()+"/reset", nil).Want(http.StatusOK)
}

// Who leads a class sees the work of those in it. A principal makes themselves no such tie to pupils of other schools: neither on
// the class nor by a file; who administers the tenant can.
func TestNobodyNamesThemselvesCoachOfOtherSchoolsPupils(t *testing.T) {
	t.Parallel()
	w := apitest.NewSchool(t)
	other := w.School("jamaica", "Hillside High")
	principal := w.UserWith("jamaica", []string{"school_administrator"}, apitest.At(w.SchoolID))
	foreign := w.UserWith("jamaica", []string{"student"}, apitest.At(other))
	school.GiveRole(t, w.DB("jamaica"), "teacher", principal.ID)
	at := "/api/v1/classes/" + w.Class.String()
	lead := func(by apitest.User, coach uuid.UUID) *apitest.Response {
		t.Helper()
		return w.Do(by, http.MethodPut, at, map[string]any{"title": "Maths", "kind": "on_demand", "school_id": w.SchoolID, "coach_id": coach, "grade": "", "starts_on": "2026-01-05", "ends_on": "2027-07-02",
			"meets": "", "weekly": []any{}, "meeting_url": "", "seats": 30, "open": true})
	}
	w.Exec("jamaica", `UPDATE classes SET school_id = $2::uuid, coach_id = $3::uuid, open = true WHERE id = $1::uuid`, w.Class.String(), w.SchoolID.String(), w.Coach.ID.String())
	w.Post(foreign, at+"/registration", nil).Want(http.StatusCreated)
	lead(principal, principal.ID).Want(http.StatusForbidden)
	w.Get(principal, "/api/v1/learners/"+foreign.ID.String()).Want(http.StatusForbidden)
	w.Get(principal, "/api/v1/users/"+foreign.ID.String()).Want(http.StatusForbidden)
	lead(w.Admin, principal.ID).Want(http.StatusOK) // somebody else made the tie
	w.Get(principal, "/api/v1/learners/"+foreign.ID.String()).Want(http.StatusOK)
	lead(principal, principal.ID).Want(http.StatusOK) // and whoever leads it goes on to change it
	lead(w.Admin, w.Coach.ID).Want(http.StatusOK)
	w.Do(w.Admin, http.MethodDelete, at+"/learners/"+foreign.ID.String(), nil).Want(http.StatusOK)
	lead(principal, principal.ID).Want(http.StatusOK) // only pupils of the own school are left
}
