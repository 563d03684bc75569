package e2e

import (
	"testing"
	"time"

	"lignum/api/jobs"
)

// What was given up is seen by the tenant's administrator, who lets it run again, and by an operator, who sees all tenants'.
func TestWhatFailedInTheBackgroundIsStartedAgain(t *testing.T) {
	s := serve(t)
	if _, err := s.Direct(t).Exec(t.Context(), `INSERT INTO jobs.river_job (kind, queue, max_attempts, attempt, attempted_at, priority, args, state, finalized_at, errors)
		SELECT 'night.sweep', 'short', 10, 10, now(), 1, jsonb_build_object('tenant', slug, 'about', ''), 'discarded', now(),
			ARRAY[jsonb_build_object('error', 'It failed. The log of the platform has the cause, under the number of the job.')] FROM unnest(ARRAY['jamaica', 'bahamas']) AS slug`); err != nil {
		t.Fatal(err)
	}
	for name, width := range map[string]int64{"operator1": 360, "manager1": 1280} {
		operator := open(t, s, "", name, width)
		operator.signIn()
		operator.visit("/console/jobs")
		operator.wants("bahamas", "jamaica", "Forget old sign-ins and notices", "given up", "try 10 of 10")
		operator.shot("jobs")
	}
	admin := open(t, s, "jamaica", "admin1", 360)
	admin.signIn()
	admin.visit("/jobs?state=given_up")
	admin.wants("Forget old sign-ins and notices", "given up", "The log of the platform has the cause")
	admin.shot("jobs")
	admin.click(`form[action$="/retry"] button`)
	admin.wants("It is started again", "waiting")
	s.Work(t, jobs.Table(s.API.Exams, s.API.Files, s.API.Rules, s.Poster(), nil)...)
	for n := 0; admin.count(`tbody tr:last-child .tag.go`) == 0; n++ {
		if n == 40 {
			t.Fatalf("after ten seconds it is not done\n%s", admin.text())
		}
		time.Sleep(250 * time.Millisecond)
		admin.visit("/jobs")
	}
	admin.shot("jobs-done")
	wide := open(t, s, "jamaica", "admin1", 1280)
	wide.signIn()
	wide.visit("/jobs")
	wide.shot("jobs-wide")
}
