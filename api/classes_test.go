package api_test

import (
	"encoding/json"
	"net/http"
	"testing"

	"lignum/api"
	classesapi "lignum/api/classes"
	"lignum/domain/classes"
	"lignum/tests/apitest"
)

func TestALearnerFindsRegistersForAndLeavesAClass(t *testing.T) {
	w := newWorld(t)
	open := apitest.As[api.List[classes.Class]](w.Get(w.student, "/api/v1/classes?open=true&q=maths"))
	if len(open.Items) != 1 || open.Items[0].ID != w.class || open.Items[0].MeetingURL != "" {
		t.Fatalf("to choose from: %+v", open)
	}
	registration := path("/classes/%s/registration", w.class)
	first := apitest.As[classes.Enrolment](w.Post(w.student, registration, nil).Want(http.StatusCreated))
	if first.Already || first.Taken != 1 {
		t.Errorf("the first registration: %+v", first)
	}
	again := apitest.As[classes.Enrolment](w.Post(w.student, registration, nil))
	if !again.Already || again.Taken != 1 {
		t.Errorf("the second registration: %+v", again)
	}
	page := apitest.As[classesapi.ClassPage](w.Get(w.student, path("/classes/%s", w.class)))
	if !page.Enrolled || len(page.Lessons) != 3 || page.MeetingURL == "" {
		t.Errorf("the page of the class: %+v", page)
	}
	if mine := apitest.As[api.List[classes.Class]](w.Get(w.student, "/api/v1/classes?mine=true")); len(mine.Items) != 1 {
		t.Errorf("the own classes: %+v", mine)
	}
	w.Do(w.student, http.MethodDelete, registration, nil).Want(http.StatusOK)
	w.Do(w.student, http.MethodDelete, registration, nil).Want(http.StatusNotFound)
	if n := w.trail("jamaica", "class.register", "done"); n != 2 {
		t.Errorf("%d entries for two registrations", n)
	}
}

func TestAFullClassIsAConflict(t *testing.T) {
	w := newWorld(t)
	full := w.newClass(1)
	w.Post(w.student, path("/classes/%s/registration", full), nil).Want(http.StatusCreated)
	p := w.Post(w.User("jamaica", "student"), path("/classes/%s/registration", full), nil).Want(http.StatusConflict).Problem()
	if p.Detail != "The class is full." || p.Type != "urn:lignum:problem:conflict" || p.RequestID == "" {
		t.Errorf("the refusal: %+v", p)
	}
}

func TestWhoRunsAClass(t *testing.T) {
	w := newWorld(t)
	teacher := w.UserWith("jamaica", []string{"teacher"}, apitest.At(w.school))
	elsewhere := w.UserWith("jamaica", []string{"school_administrator"}, apitest.At(w.School("jamaica", "Hill High")))
	own := w.fields(5)
	own.CoachID = &teacher.ID

	made := apitest.As[classesapi.ClassID](w.Post(teacher, "/api/v1/classes", own).Want(http.StatusCreated))
	w.Post(teacher, "/api/v1/classes", w.fields(5)).Want(http.StatusForbidden)   // to be coached by another
	w.Post(elsewhere, "/api/v1/classes", w.fields(5)).Want(http.StatusForbidden) // in another school
	w.Post(w.principal, "/api/v1/classes", w.fields(5)).Want(http.StatusCreated)
	w.Post(w.admin, "/api/v1/classes", w.fields(5)).Want(http.StatusCreated)
	if p := w.Post(w.coach, "/api/v1/classes", own).Want(http.StatusForbidden).Problem(); p.Permission != "class.manage" {
		t.Errorf("a coach without the permission: %+v", p)
	}

	own.Title = "Maths 10B"
	w.Do(teacher, http.MethodPut, path("/classes/%s", made.ID), own).Want(http.StatusOK)
	w.Do(elsewhere, http.MethodPut, path("/classes/%s", made.ID), own).Want(http.StatusForbidden)
	moved := own
	moved.SchoolID = elsewhere.SchoolID
	w.Do(teacher, http.MethodPut, path("/classes/%s", made.ID), moved).Want(http.StatusForbidden)
	w.Do(w.principal, http.MethodPut, path("/classes/%s", made.ID), moved).Want(http.StatusForbidden)

	learner := map[string]any{"learner_id": w.student.ID}
	w.Post(elsewhere, path("/classes/%s/learners", made.ID), learner).Want(http.StatusForbidden)
	w.Post(teacher, path("/classes/%s/learners", made.ID), learner).Want(http.StatusCreated)
	list := apitest.As[api.List[classes.Learner]](w.Get(teacher, path("/classes/%s/learners", made.ID)))
	if len(list.Items) != 1 || list.Items[0].ID != w.student.ID {
		t.Errorf("who is in the class: %+v", list)
	}
	w.Get(w.coach, path("/classes/%s/learners", made.ID)).Want(http.StatusForbidden)
	w.Get(w.User("jamaica", "ministry_official"), path("/classes/%s/learners", made.ID)).Want(http.StatusForbidden)
	w.Do(teacher, http.MethodDelete, path("/classes/%s/learners/%s", made.ID, w.student.ID), nil).Want(http.StatusOK)

	w.Post(teacher, path("/classes/%s/cancellation", made.ID), map[string]string{"reason": "No learner came."}).Want(http.StatusOK)
	w.Post(w.student, path("/classes/%s/registration", made.ID), nil).Want(http.StatusForbidden)
	if n := w.Number("jamaica", `SELECT count(*) FROM audit_trail WHERE action = 'class.manage' AND reason = 'No learner came.'`); n != 1 {
		t.Error("the reason of the cancellation is not in the trail")
	}
}

func TestListsGoOnFromTheirCursor(t *testing.T) {
	w := newWorld(t)
	for range 4 {
		w.newClass(3)
	}
	seen, cursor := map[string]bool{}, ""
	for pages := 0; ; pages++ {
		list := apitest.As[api.List[json.RawMessage]](w.Get(w.student, "/api/v1/classes?limit=2&cursor="+cursor))
		for _, one := range list.Items {
			seen[string(one)] = true
		}
		if cursor = list.Next; cursor == "" {
			if pages != 2 {
				t.Errorf("%d pages", pages+1)
			}
			break
		}
	}
	if len(seen) != 5 {
		t.Errorf("%d of 5 classes", len(seen))
	}
	p := w.Get(w.student, "/api/v1/classes?cursor=nonsense").Want(http.StatusUnprocessableEntity).Problem()
	if len(p.Errors) != 1 || p.Errors[0].Name != "query.cursor" {
		t.Errorf("a cursor that is none: %+v", p)
	}
}
