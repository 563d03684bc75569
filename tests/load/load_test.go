package load_test

import (
	"net/http"
	"testing"
	"time"

	"lignum/tenants"
	"lignum/tenants/audit"
	"lignum/tests/load"
)

// The surge in small: a hundred learners start an exam within a second and go on saving, while a neighbour reads. Nothing fails, what
// was acknowledged is there once, and the neighbour is refused nothing. Then the store is changed, and the journal must notice:
// one answer in a thousand is gone, is there twice, or is another one.
func TestASurgeLosesAndDoublesNothing(t *testing.T) {
	s := serve(t)
	c := client(t, s, 120)
	crowd, neighbour := country(t, s, c, "jamaica", 100), country(t, s, c, "bahamas", 10)
	course, learners := crowd.Largest()
	since, j := time.Now().Add(-time.Second), load.NewJournal()
	surge := load.Surge{Client: c, Desk: crowd.Desk, Test: course.Exam, Learners: learners, Within: time.Second, Saves: 3, Every: 300 * time.Millisecond, Submit: true, Journal: j}
	var surged, beside *load.Tally
	var err error
	load.Meanwhile(func() { surged, err = surge.Run(t.Context()) },
		func() { beside = load.Steady(t.Context(), c, 20, 3*time.Second, 10, pages(t, neighbour)) })
	if err != nil {
		t.Fatal(err)
	}
	if err := surged.Err(); err != nil {
		t.Errorf("the surge: %v", err)
	}
	if err := beside.Err(); err != nil {
		t.Errorf("the neighbour: %v", err)
	}
	if want := 100 * 5; surged.Requests != want || j.Len() != 100*60+100 {
		t.Errorf("%d requests, %d acknowledged, want %d and %d", surged.Requests, j.Len(), want, 100*60+100)
	}
	clean := compare(t, s, "jamaica", j, since)
	if err := clean.Err(); err != nil {
		t.Errorf("the journal: %v", err)
	}
	canary(t, s, "jamaica", j, since)
	canaryOfTheTrail(t, s, "jamaica", j, since)
}

// pages gives a neighbour's requests: each learner looks at their class in turn.
func pages(t *testing.T, of *load.Country) func(n int) load.Call {
	t.Helper()
	tokens := make([]string, len(of.Learners))
	for i, p := range of.Learners {
		var err error
		if tokens[i], err = of.Desk.Token(p); err != nil {
			t.Fatal(err)
		}
	}
	return func(n int) load.Call {
		i := n % len(tokens)
		return load.Call{Kind: "class", Slug: of.Desk.Slug, Path: "/api/v1/classes/" + of.Learners[i].Class.String(), Token: tokens[i]}
	}
}

// A tenant that asks for ten times its quota is refused what is over it and nothing else; its neighbour is refused nothing.
func TestANoisyTenantIsHeldToItsQuota(t *testing.T) {
	s := serve(t)
	c := client(t, s, 60)
	noisy, neighbour := country(t, s, c, "jamaica", 30), country(t, s, c, "bahamas", 10)
	const quota, length = 10, 4 * time.Second
	err := s.DB("").Write(t.Context(), s.Actor, func(tx *tenants.Tx) error {
		lim := s.Tenant("jamaica").Limits
		lim.ReadsPerSec = quota
		_, err := tenants.SetPlan(t.Context(), tx, "jamaica", "country", &lim, audit.Entry{Action: "test.prepare"})
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Registry.Refresh(t.Context()); err != nil {
		t.Fatal(err)
	}
	noise, calm := pages(t, noisy), pages(t, neighbour)
	var over, beside *load.Tally
	load.Meanwhile(func() { over = load.Steady(t.Context(), c, 10*quota, length, 30, noise) },
		func() { beside = load.Steady(t.Context(), c, 10, length, 10, calm) })
	if err := over.Err(http.StatusTooManyRequests); err != nil {
		t.Errorf("the noisy tenant: %v", err)
	}
	if err := beside.Err(); err != nil {
		t.Errorf("the neighbour: %v", err)
	}
	// The rate for as long as it took, and the burst of two seconds that a quiet tenant may begin with.
	most := int(quota*(over.Took.Seconds()+2)) + 1
	if over.Requests > most || over.Requests < quota*4 {
		t.Errorf("%d requests got through in %v, want %d to %d", over.Requests, over.Took, quota*4, most)
	}
	if over.Refused[http.StatusTooManyRequests]+over.Requests != 10*quota*4 {
		t.Errorf("%d refused and %d served do not make the %d that were sent", over.Refused[http.StatusTooManyRequests], over.Requests, 10*quota*4)
	}
}

// The record day in small: the same plan of fewer people passes without a failed request, and what was acknowledged is there once.
func TestTheRecordDayInSmallPassesWithoutAFailure(t *testing.T) {
	s := serve(t)
	c := client(t, s, 8)
	jamaica := country(t, s, c, "jamaica", 40)
	since, j, day := time.Now().Add(-time.Second), load.NewJournal(), load.NewTally()
	steps := load.Plan(len(jamaica.Learners), jamaica.Staff, 1)
	replay := load.Replay{Client: c, Country: jamaica, Journal: j, AtOnce: 8}
	replay.Run(t.Context(), steps, day)
	if err := day.Err(); err != nil {
		t.Errorf("the day: %v", err)
	}
	if day.Requests != len(steps) || j.Len() < 40*20 {
		t.Errorf("%d of %d requests, %d acknowledged", day.Requests, len(steps), j.Len())
	}
	difference := compare(t, s, "jamaica", j, since)
	if err := difference.Err(); err != nil {
		t.Errorf("the journal: %v", err)
	}
	for _, kind := range []string{"home", "class", "lesson", "progress", load.StartKind, load.PaperKind, load.SaveKind, load.SubmitKind, "result", "points", "leaderboard", "figures"} {
		if len(day.Waited[kind]) == 0 {
			t.Errorf("the day had no %s", kind)
		}
	}
}
