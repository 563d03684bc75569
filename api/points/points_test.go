package points_test

import (
	"net/http"
	"testing"

	"lignum/domain/people"
	"lignum/domain/points"
	"lignum/tenants"
	"lignum/tests/apitest"
	"lignum/tests/testkit"
)

func TestMain(m *testing.M) { testkit.Main(m) }

// earns has a learner of the class read the first lesson, in an hour, which gives ten points.
func earns(w *apitest.School, learner apitest.User) {
	w.T.Helper()
	lesson := apitest.Path("/lessons/%s/progress", w.Lessons[0])
	w.Do(learner, http.MethodPut, lesson, map[string]int{"percent": 10, "seconds": 0, "counter": 1}).Want(http.StatusOK)
	w.Exec("jamaica", `UPDATE lesson_progress SET started_at = started_at - interval '1 hour', opened_at = opened_at - interval '1 hour' WHERE learner_id = $1::uuid`, learner.ID.String())
	w.Do(learner, http.MethodPut, lesson, map[string]int{"percent": 100, "seconds": 0, "counter": 2}).Want(http.StatusOK)
}

func TestALeaderboardIsOfASchoolOrAClass(t *testing.T) {
	t.Parallel()
	w := apitest.NewSchool(t)
	w.Post(w.Student, apitest.Path("/classes/%s/registration", w.Class), nil).Want(http.StatusCreated)
	earns(w, w.Student)
	if own := apitest.As[points.Own](w.Get(w.Student, "/api/v1/me/points")); own.Total != 10 || own.Listed || own.Decides != people.ByLearner {
		t.Errorf("%+v", own)
	}
	mate := w.UserWith("jamaica", []string{"student"}, apitest.At(w.SchoolID))
	if b := apitest.As[points.Board](w.Get(mate, "/api/v1/leaderboard")); len(b.Top) != 0 {
		t.Errorf("a learner is shown who was not asked: %+v", b)
	}
	w.Do(w.Student, http.MethodPut, "/api/v1/me/leaderboard", map[string]bool{"listed": true}).Want(http.StatusOK)
	for _, query := range []string{"", "?class=" + w.Class.String(), "?scope=school&period=all"} {
		if b := apitest.As[points.Board](w.Get(mate, "/api/v1/leaderboard"+query)); len(b.Top) != 1 || b.Top[0].Points != 10 {
			t.Errorf("%s: %+v", query, b)
		}
	}
	w.Get(mate, "/api/v1/leaderboard?scope=tenant").Want(http.StatusForbidden)
	elsewhere := w.UserWith("jamaica", []string{"student"}, apitest.At(w.School("jamaica", "Hill High")))
	w.Get(elsewhere, "/api/v1/leaderboard?class="+w.Class.String()).Want(http.StatusForbidden)
	if b := apitest.As[points.Board](w.Get(elsewhere, "/api/v1/leaderboard")); len(b.Top) != 0 {
		t.Errorf("another school sees %+v", b)
	}
	w.Get(mate, "/api/v1/leaderboard?period=1999").Want(http.StatusUnprocessableEntity)
	w.Do(w.Student, http.MethodPut, "/api/v1/me/leaderboard", map[string]bool{"listed": false}).Want(http.StatusOK)
	if b := apitest.As[points.Board](w.Get(mate, "/api/v1/leaderboard")); len(b.Top) != 0 {
		t.Errorf("who left is shown: %+v", b)
	}
}

// A class is open to pupils of every school: who is not in it sees those of their own school alone, and an official nobody, whatever role shows leaderboards.
func TestWhoIsOnTheLeaderboardOfAClass(t *testing.T) {
	t.Parallel()
	w := apitest.NewSchool(t)
	foreign := w.UserWith("jamaica", []string{"student"}, apitest.At(w.School("jamaica", "Hill High")))
	w.Enrol(w.Student, foreign)
	for _, l := range []apitest.User{w.Student, foreign} {
		w.Exec("jamaica", `UPDATE users SET on_leaderboard = true WHERE id = $1::uuid`, l.ID.String())
		earns(w, l)
	}
	board := "/api/v1/leaderboard?class=" + w.Class.String()
	mate := w.UserWith("jamaica", []string{"student"}, apitest.At(w.SchoolID))
	if b := apitest.As[points.Board](w.Get(mate, board)); len(b.Top) != 1 {
		t.Errorf("who is not of the class sees of it %+v", b.Top)
	}
	if b := apitest.As[points.Board](w.Get(w.Student, board)); len(b.Top) != 2 {
		t.Errorf("who is of the class sees of it %+v", b.Top)
	}
	w.Exec("jamaica", `INSERT INTO casbin_rules (ptype, v0, v1, v2) VALUES ('p', 'ministry_official', 'jamaica', 'leaderboard.read')`)
	w.Write("jamaica", func(tx *tenants.Tx) error { tx.Bump("rules"); return nil })
	if err := w.Registry.Refresh(t.Context()); err != nil {
		t.Fatal(err)
	}
	w.Get(w.User("jamaica", "ministry_official"), board).Want(http.StatusForbidden)
}

// The tenant says whether learners or their guardians decide; when that changes, nobody stays on a leaderboard by the other's word.
func TestWhoDecidesAboutTheLeaderboard(t *testing.T) {
	t.Parallel()
	w := apitest.NewSchool(t)
	mother := w.UserWith("jamaica", []string{"guardian"})
	w.Post(w.Principal, apitest.Path("/learners/%s/guardians", w.Student.ID), map[string]any{"guardian_id": mother.ID, "relationship": "mother"}).Want(http.StatusCreated)
	child, own := apitest.Path("/me/children/%s/leaderboard", w.Student.ID), "/api/v1/me/leaderboard"
	listed := func(u apitest.User, path string, yes bool, status int) {
		t.Helper()
		w.Do(u, http.MethodPut, path, map[string]bool{"listed": yes}).Want(status)
	}
	is := func(listed bool, decides string) {
		t.Helper()
		if p := apitest.As[points.Own](w.Get(w.Student, "/api/v1/me/points")); p.Listed != listed || p.Decides != decides {
			t.Errorf("%+v, want %v by the %s", p, listed, decides)
		}
	}
	looks := func(by string) map[string]any {
		return map[string]any{"name": "M", "colour": "#14532d", "accent": "#eab308", "staff_second_factor": false, "leaderboard_by": by}
	}
	listed(mother, child, true, http.StatusForbidden)
	listed(w.Student, own, true, http.StatusOK)
	is(true, people.ByLearner)
	listed(mother, child, false, http.StatusOK)
	listed(w.Student, own, true, http.StatusOK)
	w.Do(w.Admin, http.MethodPut, "/api/v1/tenant/branding", looks("nobody")).Want(http.StatusUnprocessableEntity)
	w.Do(w.Admin, http.MethodPut, "/api/v1/tenant/branding", looks("guardian")).Want(http.StatusOK)
	is(false, people.ByGuardian)
	listed(w.Student, own, true, http.StatusForbidden)
	listed(w.UserWith("jamaica", []string{"guardian"}), child, true, http.StatusForbidden)
	listed(mother, child, true, http.StatusOK)
	is(true, people.ByGuardian)
	without := looks("")
	delete(without, "leaderboard_by")
	w.Do(w.Admin, http.MethodPut, "/api/v1/tenant/branding", without).Want(http.StatusOK)
	is(true, people.ByGuardian) // another setting changes nothing in this
	listed(w.Student, own, false, http.StatusOK)
	is(false, people.ByGuardian)
}
