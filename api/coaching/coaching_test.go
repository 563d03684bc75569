package coaching_test

import (
	"net/http"
	"testing"

	"lignum/api"
	coachingapi "lignum/api/coaching"
	"lignum/domain/coaching"
	"lignum/tests/apitest"
	"lignum/tests/testkit"
)

func TestMain(m *testing.M) { testkit.Main(m) }

func TestWhoSeesALearnersRecord(t *testing.T) {
	t.Parallel()
	w := apitest.NewSchool(t)
	w.Post(w.Student, apitest.Path("/classes/%s/registration", w.Class), nil).Want(http.StatusCreated)
	record := apitest.Path("/learners/%s", w.Student.ID)
	for _, u := range []apitest.User{w.Coach, w.Principal} {
		if r := apitest.As[coachingapi.LearnerRecord](w.Get(u, record)); r.ID != w.Student.ID || len(r.Courses) != 1 {
			t.Errorf("%v sees %+v", u.Roles, r)
		}
	}
	w.Get(w.UserWith("jamaica", []string{"coach"}, apitest.At(w.SchoolID)), record).Want(http.StatusForbidden)
	w.Get(w.UserWith("jamaica", []string{"school_administrator"}, apitest.At(w.School("jamaica", "Hill High"))), record).Want(http.StatusForbidden)

	official := w.User("jamaica", "ministry_official")
	for _, query := range []string{"", "?reason=short", "?reason=%20%20short%20%20%20%20", "?reason=..........", "?reason=.%20.%20..........", "?reason=incomprehensibilities", "?reason=to%20be%20sure"} {
		if p := w.Get(official, record+query).Want(http.StatusForbidden).Problem(); p.Type != "urn:lignum:problem:policy:reason_required" || len(p.Errors) != 1 || p.Errors[0].Name != "query.reason" {
			t.Errorf("%q: %+v", query, p)
		}
	}
	w.Get(official, record+"?reason=Complaint%20of%20the%20parents%2C%20file%2017").Want(http.StatusOK)
	n := w.Number("jamaica", `SELECT count(*) FROM audit_trail WHERE action = 'learner.progress' AND outcome = 'done' AND actor_id = $1::uuid AND object_id = $2::text AND reason LIKE 'Complaint%'`,
		official.ID.String(), w.Student.ID.String())
	if n != 1 {
		t.Errorf("the reading is in the trail %d times", n)
	}
	w.Get(official, "/api/v1/learners").Want(http.StatusForbidden)

	list := apitest.As[api.List[coaching.Learner]](w.Get(w.Coach, "/api/v1/learners"))
	if len(list.Items) != 1 || list.Items[0].LearnerID != w.Student.ID {
		t.Errorf("the coach's learners: %+v", list)
	}
	if list = apitest.As[api.List[coaching.Learner]](w.Get(w.Principal, "/api/v1/learners?class="+w.Class.String())); len(list.Items) != 1 {
		t.Errorf("the school's class: %+v", list)
	}
}

func TestALearnersRecordIsALearners(t *testing.T) {
	t.Parallel()
	w := apitest.NewSchool(t)
	official := w.User("jamaica", "ministry_official")
	const reason = "?reason=Complaint%20of%20the%20parents"
	for _, staff := range []apitest.User{w.Coach, w.Principal, w.Admin, official, w.Teacher()} {
		for _, query := range []string{"", reason} {
			w.Get(official, apitest.Path("/learners/%s", staff.ID)+query).Want(http.StatusNotFound)
			w.Get(w.Admin, apitest.Path("/learners/%s", staff.ID)+query).Want(http.StatusNotFound)
		}
	}
	w.Get(w.Principal, apitest.Path("/learners/%s", w.Coach.ID)).Want(http.StatusNotFound)
	w.Get(official, apitest.Path("/learners/%s", w.Student.ID)).Want(http.StatusForbidden)
	w.Get(official, apitest.Path("/learners/%s", w.Student.ID)+reason).Want(http.StatusOK)
	if n := w.Trail("jamaica", "learner.progress", "done"); n != 1 {
		t.Errorf("%d readings in the trail", n)
	}
}

// A class is open to pupils of every school; that it is one school's says nothing of whose they are.
func TestASchoolSeesTheWorkOfItsOwnPupils(t *testing.T) {
	t.Parallel()
	w := apitest.NewSchool(t)
	foreign := w.UserWith("jamaica", []string{"student"}, apitest.At(w.School("jamaica", "Hill High")))
	w.Enrol(w.Student, foreign)
	seen := apitest.As[api.List[coaching.Learner]](w.Get(w.Principal, "/api/v1/learners?class="+w.Class.String()))
	if len(seen.Items) != 1 || seen.Items[0].LearnerID != w.Student.ID {
		t.Errorf("the school of the class sees the work of %+v", seen.Items)
	}
	w.Get(w.Principal, apitest.Path("/learners/%s", foreign.ID)).Want(http.StatusForbidden)
}
