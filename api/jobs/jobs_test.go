package jobs_test

import (
	"net/http"
	"strconv"
	"testing"
	"time"

	"lignum/api"
	jobsapi "lignum/api/jobs"
	"lignum/domain/assessment"
	"lignum/tenants"
	"lignum/tenants/jobs"
	"lignum/tests/apitest"
)

// A tenant's administrator sees and changes the tenant's own jobs, an operator those of all, an account manager looks, and nobody else does either.
func TestJobsAreSeenByThoseWhoMay(t *testing.T) {
	t.Parallel()
	s := apitest.New(t)
	if _, err := s.Direct(t).Exec(t.Context(), `INSERT INTO jobs.river_job (kind, queue, max_attempts, attempt, priority, args, state, finalized_at)
		SELECT 'night.sweep', 'short', 10, 10, 1, jsonb_build_object('tenant', slug, 'about', ''), 'discarded', now() FROM unnest(ARRAY['jamaica', 'bahamas']) AS slug`); err != nil {
		t.Fatal(err)
	}
	admin, operator, manager := s.User("jamaica", "tenant_administrator"), s.User("", "operator"), s.User("", "account_manager")
	own := apitest.As[api.List[jobs.Stored]](s.Get(admin, "/api/v1/jobs?state=given_up")).Items
	if len(own) != 1 || own[0].Realm != "jamaica" || own[0].Kind != "night.sweep" {
		t.Fatalf("the own: %+v", own)
	}
	all := apitest.As[api.List[jobs.Stored]](s.Get(manager, "/api/v1/platform/jobs?limit=1"))
	rest := apitest.As[api.List[jobs.Stored]](s.Get(manager, "/api/v1/platform/jobs?limit=1&cursor="+all.Next))
	if len(all.Items) != 1 || all.Next == "" || len(rest.Items) != 1 || rest.Next != "" || rest.Items[0].ID >= all.Items[0].ID {
		t.Errorf("all, in two pages: %+v, %+v", all, rest)
	}
	foreign := all.Items[0].ID
	if foreign == own[0].ID {
		foreign = rest.Items[0].ID
	}
	retry := func(id int64) string { return "/api/v1/jobs/" + strconv.FormatInt(id, 10) + "/retry" }
	s.Post(admin, retry(foreign), nil).Want(http.StatusNotFound)
	s.Post(admin, retry(1<<40), nil).Want(http.StatusNotFound)
	s.Post(admin, "/api/v1/jobs/0/retry", nil).Want(http.StatusUnprocessableEntity)
	s.Get(admin, "/api/v1/jobs?state=lost").Want(http.StatusUnprocessableEntity)
	s.Get(admin, "/api/v1/jobs?cursor=WyJ4Il0").Want(http.StatusUnprocessableEntity)
	for _, who := range []apitest.User{s.User("jamaica", "student"), s.User("jamaica", "school_administrator"), s.User("jamaica", "ministry_official")} {
		s.Get(who, "/api/v1/jobs").Want(http.StatusForbidden)
		s.Post(who, retry(own[0].ID), nil).Want(http.StatusForbidden)
	}
	platform := "/api/v1/platform/jobs/" + strconv.FormatInt(foreign, 10)
	s.Post(manager, platform+"/retry", nil).Want(http.StatusForbidden)
	s.Post(operator, platform+"/retry", nil).Want(http.StatusOK)
	s.Post(operator, platform+"/retry", nil).Want(http.StatusNotFound) // it waits by now
	s.Post(operator, platform+"/cancel", nil).Want(http.StatusOK)
	s.Post(admin, retry(own[0].ID), nil).Want(http.StatusOK)
	if again := apitest.As[api.List[jobs.Stored]](s.Get(admin, "/api/v1/jobs")).Items; again[0].State != jobs.Waiting {
		t.Errorf("after it was started again: %+v", again)
	}
	if n := s.Trail("jamaica", "job.retry", "done"); n != 1 {
		t.Errorf("%d entries in the trail", n)
	}
}

// A test whose time is over is handed in by the job that its start queued, without the sweep.
func TestATestWhoseTimeIsOverIsHandedIn(t *testing.T) {
	t.Parallel()
	s := apitest.NewSchool(t)
	test, learner := s.Paper(1), s.User("jamaica", "student")
	s.Enrol(learner)
	db, then := s.DB("jamaica"), time.Now().UTC().Add(-11*time.Hour) // longer than a test takes
	var facts assessment.StartFacts
	if err := db.ReadFresh(t.Context(), func(r *tenants.Reader) (err error) {
		facts, err = assessment.FactsOfStart(t.Context(), r, test, learner.ID, then)
		return err
	}); err != nil {
		t.Fatal(err)
	}
	if _, err := s.API.Exams.Start(t.Context(), db, s.Actor, facts, assessment.StartInput{TestID: test, LearnerID: learner.ID, Now: then, Today: s.Tenant("jamaica").Today(then)}); err != nil {
		t.Fatal(err)
	}
	begun := time.Now()
	for _, k := range jobsapi.Table(s.API.Exams, s.API.Files, s.API.Rules, s.Poster(), nil) {
		if k.Name == "attempts.close" {
			k.When = jobs.Schedule{}
			s.Work(t, k)
		}
	}
	for s.Number("jamaica", "SELECT count(*) FROM attempts WHERE state <> 'open' AND by_platform AND submitted_at = deadline") != 1 {
		if time.Since(begun) > 10*time.Second {
			t.Fatal("after ten seconds it is not handed in")
		}
		time.Sleep(50 * time.Millisecond)
	}
}
