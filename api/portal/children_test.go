package portal_test

import (
	"net/http"
	"net/url"
	"testing"

	"lignum/tests/apitest"
)

// Where guardians decide about the leaderboard they do so on a page; the learner reads there is no button for it, and why.
func TestGuardiansDecideAboutTheLeaderboard(t *testing.T) {
	t.Parallel()
	s := newStaffed(t)
	guardian, other := s.UserWith("jamaica", []string{"guardian"}), s.UserWith("jamaica", []string{"guardian"})
	s.Post(s.admin, "/api/v1/learners/"+s.learner.ID.String()+"/guardians", map[string]any{"guardian_id": guardian.ID, "relationship": "mother"}).Want(http.StatusCreated)
	at := "/children/" + s.learner.ID.String() + "/listed"
	yes, no := url.Values{"listed": {"yes"}}, url.Values{"listed": {"no"}}

	// Learners decide at first.
	s.shows(s.Get(guardian, "/home").Want(http.StatusOK), `href="/children"`)
	s.shows(s.Get(other, "/children").Want(http.StatusOK), "No children are linked")
	s.hides(s.Get(guardian, "/children").Want(http.StatusOK), at)
	s.shows(s.Get(guardian, "/children"), "Learners decide for themselves here")
	s.shows(s.form(guardian, at, yes).Want(http.StatusForbidden), "Learners decide for themselves")
	s.shows(s.Get(s.learner, "/points").Want(http.StatusOK), "Take part", `action="/points/listed"`)

	s.Do(s.admin, "PUT", "/api/v1/tenant/branding", map[string]any{"name": "Jamaica", "colour": "#14532d", "accent": "#eab308", "staff_second_factor": false, "leaderboard_by": "guardian"}).Want(http.StatusOK)
	if err := s.Registry.Refresh(t.Context()); err != nil {
		t.Fatal(err)
	}
	s.shows(s.Get(s.learner, "/points").Want(http.StatusOK), "Your parent or guardian decides", "My children")
	s.hides(s.Get(s.learner, "/points"), `action="/points/listed"`)
	s.shows(s.form(s.learner, "/points/listed", yes).Want(http.StatusForbidden), "Your parent or guardian decides")
	s.shows(s.Get(guardian, "/children").Want(http.StatusOK), at, "You decide whether", "does not take part")
	for _, u := range []apitest.User{other, s.learner, s.teacher} {
		s.form(u, at, yes).Want(http.StatusForbidden)
	}
	s.form(guardian, at, yes).Want(http.StatusSeeOther)
	s.shows(s.Get(guardian, "/children"), "takes part.</strong>")
	if n := s.Number("jamaica", `SELECT count(*) FROM users WHERE on_leaderboard`); n != 1 {
		t.Errorf("%d are on the leaderboard", n)
	}
	s.shows(s.Get(s.learner, "/points"), "You can leave by yourself")
	s.form(guardian, at, no).Want(http.StatusSeeOther)
	if n := s.Number("jamaica", `SELECT count(*) FROM users WHERE on_leaderboard`); n != 0 {
		t.Errorf("%d are on the leaderboard", n)
	}
}
