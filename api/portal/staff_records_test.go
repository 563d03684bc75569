package portal_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	coachingapi "lignum/api/coaching"
	"lignum/tests/apitest"
)

func TestAnOfficialFindsOneRecordAndNeverAList(t *testing.T) {
	t.Parallel()
	s := newStaffed(t)
	far := s.School("jamaica", "Hill High")
	s.pupil(s.teacher.SchoolID, "Marcia", "Brown", "10")
	twin := s.pupil(s.teacher.SchoolID, "Ann", "Twin", "10")
	s.pupil(s.teacher.SchoolID, "Ann", "Twin", "11")
	s.pupil(&far, "Marcia", "Brownlee", "10")

	s.shows(s.Get(s.official, "/home").Want(http.StatusOK), `href="/records"`)
	for _, u := range []apitest.User{s.teacher, s.coach, s.school, s.learner} {
		s.hides(s.Get(u, "/home").Want(http.StatusOK), `href="/records"`)
	}
	s.Get(s.teacher, "/records").Want(http.StatusForbidden)
	s.Get(s.learner, "/records").Want(http.StatusForbidden)
	page := s.Get(s.official, "/records").Want(http.StatusOK)
	s.shows(page, "Why do you need to see the record?")
	s.hides(page, "Marcia")

	const why = "Appeal 114 about a score"
	search := func(u apitest.User, pairs ...string) *apitest.Response {
		values := url.Values{"reason": {why}}
		for i := 0; i+1 < len(pairs); i += 2 {
			values.Set(pairs[i], pairs[i+1])
		}
		return s.form(u, "/records", values)
	}
	school := s.teacher.SchoolID.String()
	found := search(s.official, "given_name", "marcia", "family_name", " BROWN ", "school_id", school).Want(http.StatusSeeOther).Header.Get("Location")
	s.shows(s.Get(s.official, found).Want(http.StatusOK), "Marcia Brown", why)
	if to := search(s.official, "user_name", strings.ToUpper(twin.UserName)).Want(http.StatusSeeOther).Header.Get("Location"); !strings.Contains(to, twin.ID.String()) {
		t.Errorf("led to %s", to)
	}
	search(s.official, "given_name", "Ann", "family_name", "Twin", "school_id", school, "grade", "11").Want(http.StatusSeeOther)
	missed := map[string]string{}
	for what, pairs := range map[string][]string{
		"a part of the name": {"given_name", "Marcia", "family_name", "Brow", "school_id", school},
		"another school":     {"given_name", "Marcia", "family_name", "Brown", "school_id", far.String()},
		"two of the name":    {"given_name", "Ann", "family_name", "Twin", "school_id", school},
		"a teacher":          {"user_name", s.teacher.UserName},
		"a wildcard":         {"user_name", "%"},
	} {
		r := search(s.official, pairs...).Want(http.StatusNotFound)
		s.hides(r, "Brownlee", "Marcia Brown", twin.UserName+"<")
		s.shows(r, "No record was found, or not exactly one")
		missed[what] = r.What
	}
	s.shows(search(s.official, "reason", "look", "user_name", twin.UserName).Want(http.StatusForbidden), "at least 10 letters or digits", "look</textarea>")
	s.shows(search(s.official, "given_name", "Ann").Want(http.StatusUnprocessableEntity), "must be given with the given name", "School must be chosen")
	s.shows(search(s.official).Want(http.StatusUnprocessableEntity), "User name must be given")
	search(s.coach, "user_name", twin.UserName).Want(http.StatusForbidden)
	search(s.school, "user_name", twin.UserName).Want(http.StatusForbidden)

	entries := func(where string) int {
		return s.Number("jamaica", `SELECT count(*) FROM audit_trail WHERE action = 'learner.search' AND outcome = 'done' AND reason = $1::text AND `+where, why)
	}
	if found, all := entries(`after->>'found' = 'true'`), entries(`true`); found != 3 || all != 3+len(missed) {
		t.Errorf("%d of %d searches in the trail found somebody", found, all)
	}

	// The API is the same, and both count together.
	body := map[string]any{"reason": why, "user_name": twin.UserName}
	if out := apitest.As[coachingapi.FoundRecord](s.Post(s.official, "/api/v1/learners/search", body)); out.LearnerID != twin.ID {
		t.Errorf("found %s", out.LearnerID)
	}
	for n := entries(`true`); n < 20; n++ {
		s.Post(s.official, "/api/v1/learners/search", map[string]any{"reason": why, "user_name": "nobody"}).Want(http.StatusNotFound)
	}
	s.Post(s.official, "/api/v1/learners/search", body).Want(http.StatusTooManyRequests)
	if r := search(s.official, "user_name", twin.UserName).Want(http.StatusTooManyRequests); r.Header.Get("Retry-After") == "" {
		t.Error("nothing says when to go on")
	}
	another := s.User("jamaica", "ministry_official")
	search(another, "user_name", twin.UserName).Want(http.StatusSeeOther)
}
