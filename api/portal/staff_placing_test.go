package portal_test

import (
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"lignum/domain/classes"
	"lignum/domain/identity"
	"lignum/domain/people"
	"lignum/tenants"
	"lignum/tests/apitest"
)

// newClass opens a class in a tenant, of a school (nil: of none) and with a coach (nil: nobody).
func (s *staffed) newClass(title string, school, coach *uuid.UUID, seats int, open bool) uuid.UUID {
	s.t.Helper()
	var id uuid.UUID
	today := time.Now().UTC()
	s.Write("jamaica", func(tx *tenants.Tx) (err error) {
		id, err = classes.Create(s.t.Context(), tx, classes.Fields{Title: title, Kind: classes.Live, SchoolID: school, CoachID: coach, Seats: seats, Open: open,
			StartsOn: today.AddDate(0, 0, -10).Format(time.DateOnly), EndsOn: today.AddDate(0, 2, 0).Format(time.DateOnly)})
		return err
	})
	return id
}

// pupil is a learner of a school, in a form.
func (s *staffed) pupil(school *uuid.UUID, given, family, grade string) apitest.User {
	s.t.Helper()
	return s.UserWith("jamaica", []string{"student"}, apitest.Named(given, family), func(u *people.NewUser, _ *identity.SignedIn) { u.SchoolID, u.Grade = school, grade })
}

func (s *staffed) hides(r *apitest.Response, words ...string) {
	s.t.Helper()
	for _, w := range words {
		if strings.Contains(string(r.Body), w) {
			s.t.Errorf("%s: %q in\n%s", r.What, w, r.Body)
		}
	}
}

func TestStaffPutALearnerBackIntoAClosedClass(t *testing.T) {
	t.Parallel()
	s := newStaffed(t)
	class := s.newClass("Closed circle", s.teacher.SchoolID, &s.teacher.ID, 3, false)
	at, learners := "/classes/manage/"+class.String(), "/classes/"+class.String()
	s.shows(s.Get(s.teacher, at).Want(http.StatusOK), "so place them", at+"/place")

	found := s.Get(s.teacher, at+"/place?q=kerry").Want(http.StatusOK)
	s.shows(found, `value="`+s.learner.ID.String()+`"`, "3 seats left")
	s.form(s.teacher, at+"/place", url.Values{"learner": {s.learner.ID.String()}}).Want(http.StatusSeeOther)
	s.hides(s.Get(s.teacher, at+"/place?q=kerry").Want(http.StatusOK), s.learner.ID.String())

	// The learner is told before leaving what it means, and staff put them back.
	s.shows(s.Get(s.learner, learners).Want(http.StatusOK), "You cannot come back by yourself", "you would have to ask Given ")
	s.form(s.learner, learners+"/leave", nil).Want(http.StatusSeeOther)
	s.form(s.learner, learners+"/register", nil).Want(http.StatusForbidden)
	s.form(s.teacher, at+"/place", url.Values{"learner": {s.learner.ID.String()}}).Want(http.StatusSeeOther)
	s.shows(s.Get(s.learner, learners).Want(http.StatusOK), "Leave this class")
	if told := strings.Split(s.Told(s.learner), "\n"); len(told) != 2 || !strings.Contains(told[0], "You have a place in the class Closed circle") {
		t.Errorf("told %q", told)
	}

	open := s.newClass("Open circle", s.teacher.SchoolID, &s.teacher.ID, 3, true)
	s.form(s.learner, "/classes/"+open.String()+"/register", nil).Want(http.StatusSeeOther)
	s.shows(s.Get(s.learner, "/classes/"+open.String()), "you may come back while there is a seat")
}

func TestAWholeFormIsPlacedAsFarAsThereAreSeats(t *testing.T) {
	t.Parallel()
	s := newStaffed(t)
	far := s.School("jamaica", "Hill High")
	own := s.teacher.SchoolID
	var tens []apitest.User
	for _, family := range []string{"Adams", "Brown", "Clarke", "Davis"} {
		tens = append(tens, s.pupil(own, "Ten", family, "10"))
	}
	s.pupil(own, "Eleven", "Evans", "11")
	stranger := s.pupil(&far, "Far", "Away", "10")
	class := s.newClass("Maths 10", own, &s.teacher.ID, 3, false)
	at := "/classes/manage/" + class.String()

	page := s.Get(s.teacher, at+"/place?grade=10").Want(http.StatusOK)
	s.shows(page, "Place all 4 of grade 10", "Adams, Ten", "10 (4 without a place)")
	s.hides(page, "Away, Far", "Evans, Eleven", "Hill High")
	s.Get(s.teacher, at+"/place?school="+far.String()).Want(http.StatusForbidden)

	answer := s.form(s.teacher, at+"/place", url.Values{"whole": {"yes"}, "grade": {"10"}}).Want(http.StatusOK)
	s.shows(answer, "3 learners placed, 1 not", "Ten Davis", "the class is full", "Ten Adams")
	if n := s.Number("jamaica", `SELECT taken FROM classes WHERE id = $1::uuid`, class.String()); n != 3 {
		t.Errorf("%d seats are taken", n)
	}
	s.shows(s.form(s.teacher, at+"/place", url.Values{"whole": {"yes"}, "grade": {"9"}}).Want(http.StatusUnprocessableEntity), "has nobody without a place")
	s.shows(s.form(s.teacher, at+"/place", url.Values{}).Want(http.StatusUnprocessableEntity), "choose at least one")
	s.shows(s.form(s.teacher, at+"/place", url.Values{"learner": {"x"}}).Want(http.StatusUnprocessableEntity), "one of those in the list")

	// Learners of another school: not a teacher's to place, nor a school's; the country's administrator may.
	s.form(s.teacher, at+"/place", url.Values{"learner": {stranger.ID.String()}}).Want(http.StatusForbidden)
	s.form(s.school, at+"/place", url.Values{"learner": {stranger.ID.String()}}).Want(http.StatusForbidden)
	s.form(s.coach, at+"/place", url.Values{"learner": {tens[3].ID.String()}}).Want(http.StatusForbidden)
	s.form(s.teacher, at+"/remove", url.Values{"learner": {tens[0].ID.String(), tens[1].ID.String()}}).Want(http.StatusSeeOther)
	if n := s.Number("jamaica", `SELECT taken FROM classes WHERE id = $1::uuid`, class.String()); n != 1 {
		t.Errorf("%d seats are taken", n)
	}
	some := s.form(s.school, at+"/place", url.Values{"learner": {stranger.ID.String(), tens[3].ID.String()}}).Want(http.StatusOK)
	s.shows(some, "1 learner placed, 1 not", "not a learner of your school")
	s.hides(some, "Away")
	s.shows(s.Get(s.admin, at+"/place").Want(http.StatusOK), "Away, Far", "Hill High")
	s.form(s.admin, at+"/place", url.Values{"learner": {stranger.ID.String()}}).Want(http.StatusSeeOther)

	// The API does the same.
	api := "/api/v1/classes/" + class.String()
	s.Post(s.teacher, api+"/removals", map[string]any{"learner_ids": []uuid.UUID{stranger.ID}}).Want(http.StatusOK)
	s.Post(s.teacher, api+"/removals", map[string]any{"learner_ids": []uuid.UUID{stranger.ID}}).Want(http.StatusNotFound)
	out := apitest.As[classes.Placement](s.Post(s.teacher, api+"/placements", map[string]any{"grade": "10"}))
	if len(out.Placed) != 1 || len(out.Refused) != 1 || out.Refused[0].Reason != classes.ReasonFull || out.Taken != 3 {
		t.Errorf("%+v", out)
	}
	s.Post(s.teacher, api+"/placements", map[string]any{"grade": "10", "learner_ids": []uuid.UUID{stranger.ID}}).Want(http.StatusUnprocessableEntity)
	s.Get(s.learner, api+"/candidates").Want(http.StatusForbidden)
}

// Whatever cannot be taken back lightly stands behind a question that says what it does.
func TestWhatIsNotTakenBackLightlyIsAskedOnceMore(t *testing.T) {
	for _, glob := range []string{"*/pages", "../console/pages"} {
		for name, text := range templatesOf(t, glob) {
			inside := regexp.MustCompile(`(?s)\{\{template "sure".*?\{\{template "endsure"\}\}`).ReplaceAllString(text, "")
			if strings.Contains(inside, `class="danger"`) {
				t.Errorf("%s: a dangerous button without a question before it", name)
			}
			if strings.Count(text, `{{template "sure"`) != strings.Count(text, `{{template "endsure"`) {
				t.Errorf("%s: a question that does not end", name)
			}
		}
	}
}
