package classes_test

import (
	"net/http"
	"slices"
	"testing"

	"github.com/google/uuid"

	"lignum/api"
	classesapi "lignum/api/classes"
	"lignum/domain/classes"
	"lignum/tests/apitest"
	"lignum/tests/testkit"
)

func TestMain(m *testing.M) { testkit.Main(m) }

func TestALearnerFindsRegistersForAndLeavesAClass(t *testing.T) {
	t.Parallel()
	w := apitest.NewSchool(t)
	open := apitest.As[api.List[classes.Class]](w.Get(w.Student, "/api/v1/classes?open=true&q=maths"))
	if len(open.Items) != 1 || open.Items[0].ID != w.Class || open.Items[0].MeetingURL != "" {
		t.Fatalf("to choose from: %+v", open)
	}
	registration := apitest.Path("/classes/%s/registration", w.Class)
	first := apitest.As[classes.Enrolment](w.Post(w.Student, registration, nil).Want(http.StatusCreated))
	if first.Already || first.Taken != 1 {
		t.Errorf("the first registration: %+v", first)
	}
	again := apitest.As[classes.Enrolment](w.Post(w.Student, registration, nil))
	if !again.Already || again.Taken != 1 {
		t.Errorf("the second registration: %+v", again)
	}
	page := apitest.As[classesapi.ClassPage](w.Get(w.Student, apitest.Path("/classes/%s", w.Class)))
	if !page.Enrolled || len(page.Lessons) != 3 || page.MeetingURL == "" {
		t.Errorf("the page of the class: %+v", page)
	}
	if mine := apitest.As[api.List[classes.Class]](w.Get(w.Student, "/api/v1/classes?mine=true")); len(mine.Items) != 1 {
		t.Errorf("the own classes: %+v", mine)
	}
	w.Do(w.Student, http.MethodDelete, registration, nil).Want(http.StatusOK)
	w.Do(w.Student, http.MethodDelete, registration, nil).Want(http.StatusNotFound)
	if n := w.Trail("jamaica", "class.register", "done"); n != 2 {
		t.Errorf("%d entries for two registrations", n)
	}
}

func TestAFullClassIsAConflict(t *testing.T) {
	t.Parallel()
	w := apitest.NewSchool(t)
	full := w.NewClass(1)
	w.Post(w.Student, apitest.Path("/classes/%s/registration", full), nil).Want(http.StatusCreated)
	p := w.Post(w.User("jamaica", "student"), apitest.Path("/classes/%s/registration", full), nil).Want(http.StatusConflict).Problem()
	if p.Detail != "The class is full." || p.Type != "urn:lignum:problem:conflict" || p.RequestID == "" {
		t.Errorf("the refusal: %+v", p)
	}
}

func TestWhoRunsAClass(t *testing.T) {
	t.Parallel()
	w := apitest.NewSchool(t)
	teacher := w.UserWith("jamaica", []string{"teacher"}, apitest.At(w.SchoolID))
	elsewhere := w.UserWith("jamaica", []string{"school_administrator"}, apitest.At(w.School("jamaica", "Hill High")))
	own := w.Fields(5)
	own.CoachID = &teacher.ID

	made := apitest.As[classesapi.ClassID](w.Post(teacher, "/api/v1/classes", own).Want(http.StatusCreated))
	w.Post(teacher, "/api/v1/classes", w.Fields(5)).Want(http.StatusForbidden)   // to be coached by another
	w.Post(elsewhere, "/api/v1/classes", w.Fields(5)).Want(http.StatusForbidden) // in another school
	w.Post(w.Principal, "/api/v1/classes", w.Fields(5)).Want(http.StatusCreated)
	w.Post(w.Admin, "/api/v1/classes", w.Fields(5)).Want(http.StatusCreated)
	if p := w.Post(w.Coach, "/api/v1/classes", own).Want(http.StatusForbidden).Problem(); p.Permission != "class.manage" {
		t.Errorf("a coach without the permission: %+v", p)
	}

	own.Title = "Maths 10B"
	w.Do(teacher, http.MethodPut, apitest.Path("/classes/%s", made.ID), own).Want(http.StatusOK)
	w.Do(elsewhere, http.MethodPut, apitest.Path("/classes/%s", made.ID), own).Want(http.StatusForbidden)
	moved := own
	moved.SchoolID = elsewhere.SchoolID
	w.Do(teacher, http.MethodPut, apitest.Path("/classes/%s", made.ID), moved).Want(http.StatusForbidden)
	w.Do(w.Principal, http.MethodPut, apitest.Path("/classes/%s", made.ID), moved).Want(http.StatusForbidden)

	learner := map[string]any{"learner_id": w.Student.ID}
	w.Post(elsewhere, apitest.Path("/classes/%s/learners", made.ID), learner).Want(http.StatusForbidden)
	w.Post(teacher, apitest.Path("/classes/%s/learners", made.ID), learner).Want(http.StatusCreated)
	list := apitest.As[api.List[classes.Learner]](w.Get(teacher, apitest.Path("/classes/%s/learners", made.ID)))
	if len(list.Items) != 1 || list.Items[0].ID != w.Student.ID {
		t.Errorf("who is in the class: %+v", list)
	}
	w.Get(w.Coach, apitest.Path("/classes/%s/learners", made.ID)).Want(http.StatusForbidden)
	w.Get(w.User("jamaica", "ministry_official"), apitest.Path("/classes/%s/learners", made.ID)).Want(http.StatusForbidden)
	w.Do(teacher, http.MethodDelete, apitest.Path("/classes/%s/learners/%s", made.ID, w.Student.ID), nil).Want(http.StatusOK)

	w.Post(teacher, apitest.Path("/classes/%s/cancellation", made.ID), map[string]string{"reason": "No learner came."}).Want(http.StatusOK)
	w.Post(w.Student, apitest.Path("/classes/%s/registration", made.ID), nil).Want(http.StatusForbidden)
	if n := w.Number("jamaica", `SELECT count(*) FROM audit_trail WHERE action = 'class.manage' AND reason = 'No learner came.'`); n != 1 {
		t.Error("the reason of the cancellation is not in the trail")
	}
}

// No class that an official sees has a number of fewer than five people, nor one from which it follows.
func TestOfficialsSeeNoSmallCountOfAClass(t *testing.T) {
	t.Parallel()
	w := apitest.NewSchool(t)
	official := w.User("jamaica", "ministry_official")
	small := w.NewClass(3)
	for range 3 {
		l := w.UserWith("jamaica", []string{"student"}, apitest.At(w.SchoolID))
		w.Post(l, apitest.Path("/classes/%s/registration", small), nil).Want(http.StatusCreated)
		w.Enrol(l)
	}
	list := func(u apitest.User, query string) map[uuid.UUID]classes.Class {
		found := map[uuid.UUID]classes.Class{}
		for _, c := range apitest.As[api.List[classes.Class]](w.Get(u, "/api/v1/classes"+query)).Items {
			found[c.ID] = c
		}
		return found
	}
	for id, c := range list(official, "") {
		if c.Taken != 0 || !c.Withheld {
			t.Errorf("the list says that %d seats of %s are taken", c.Taken, id)
		}
		if page := apitest.As[classesapi.ClassPage](w.Get(official, apitest.Path("/classes/%s", id))); page.Taken != 0 || !page.Withheld {
			t.Errorf("the page says that %d seats of %s are taken", page.Taken, id)
		}
	}
	if _, ok := list(official, "?open=true")[small]; !ok {
		t.Error("a full class of three is missing among the open ones: so three are in it")
	}
	if _, ok := list(w.Student, "?open=true")[small]; ok {
		t.Error("a learner is offered a full class")
	}
	for _, u := range []apitest.User{w.Student, w.Principal, w.Admin} {
		if c := list(u, "")[small]; c.Taken != 3 || c.Withheld {
			t.Errorf("a %s sees %d taken", u.Roles[0], c.Taken)
		}
	}
	for range 2 {
		w.Enrol(w.UserWith("jamaica", []string{"student"}, apitest.At(w.SchoolID)))
	}
	if c := list(official, "")[w.Class]; c.Taken != 5 || c.Withheld {
		t.Errorf("of five an official sees %d", c.Taken)
	}

	both := w.UserWith("jamaica", []string{"ministry_official", "coach"}, apitest.At(w.SchoolID))
	if c := list(both, "")[small]; !c.Withheld {
		t.Errorf("who is a coach as well sees %d taken elsewhere", c.Taken)
	}
}

// A class is open to pupils of every school; that it is one school's says nothing of whose they are.
func TestASchoolSeesOfAClassItsOwnPupils(t *testing.T) {
	t.Parallel()
	w := apitest.NewSchool(t)
	teacher := w.Teacher()
	foreign := w.UserWith("jamaica", []string{"student"}, apitest.At(w.School("jamaica", "Hill High")), apitest.Named("Fay", "Foreign"))
	w.Enrol(w.Student, foreign)
	names := func(u apitest.User) (got []string) {
		for _, l := range apitest.As[api.List[classes.Learner]](w.Get(u, apitest.Path("/classes/%s/learners", w.Class))).Items {
			got = append(got, l.FamilyName)
		}
		return got
	}
	if got := names(w.Principal); slices.Contains(got, "Foreign") || len(got) != 1 {
		t.Errorf("the school of the class sees %v", got)
	}
	if got := names(teacher); len(got) != 2 {
		t.Errorf("the teacher of the class sees %v", got)
	}
}
