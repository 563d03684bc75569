package e2e

import (
	"context"
	"log/slog"
	"testing"
	"time"

	"lignum/api/jobs"
	"lignum/domain/calendar"
	"lignum/tenants"
	worked "lignum/tenants/jobs"
	"lignum/tenants/mail"
	"lignum/tests/testkit"
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
	post, err := mail.NewPost(mail.Settings{Server: "off"}, nil)
	if err != nil {
		t.Fatal(err)
	}
	process, err := tenants.Join(t.Context(), s.Store, s.Registry, "worker", tenants.Capacity{Cores: 2}, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	works, err := worked.Start(t.Context(), worked.Deps{Store: s.Store, Registry: s.Registry, Process: process, Login: tenants.JobsLogin(testkit.Installation),
		Kinds: jobs.Table(s.API.Exams, s.API.Files, post), Begins: calendar.Begins, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		if err := works.Stop(ctx); err != nil {
			t.Error(err)
		}
		if err := process.Leave(ctx); err != nil {
			t.Error(err)
		}
	}()
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
