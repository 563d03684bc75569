package autoscale

import (
	"math"
	"strings"
	"testing"
	"time"
)

// bursting is a situation on the ladder of a country, at its beginning: two db.t4g.medium with credits saved up, the first
// reader the template's. Their baseline holds 0.48 vCPU for ever, that of two db.t4g.large 0.72, and all of them 2.4 for a while.
func bursting(t *testing.T) Input {
	t.Helper()
	in := situation()
	s, err := DefaultSettings("country")
	if err != nil {
		t.Fatal(err)
	}
	s.Nights = in.Settings.Nights
	in.Settings = s
	in.have(0)
	in.saved(500)
	return in
}

func (in *Input) saved(credits float64) {
	in.Observed.Credits = Reading{credits, in.Now.Add(-6 * time.Minute)}
}

// spend gives the cluster a load in vCPU, half of it the reader's.
func (in *Input) spend(load float64) {
	in.busy(load / 2 / in.Settings.vcpu(in.Observed.Instances[0].Class, &in.Observed))
}

func TestBurstableRungs(t *testing.T) {
	for name, c := range map[string]struct {
		given  func(*Input)
		does   string
		rung   int
		reason string
	}{
		"little load": {func(in *Input) { in.spend(0.05) }, "", 0, "which rung 0 (2 x db.t4g.medium) holds"},
		"an hour above the baseline, with credits": {func(in *Input) { in.spend(0.9) }, "", 0, "which rung 0 (2 x db.t4g.medium) holds"},
		"the same without": {func(in *Input) { in.spend(0.9); in.saved(30) }, "resize_reader c-reader-1", 2,
			"an instance has 30 CPU credits: burstable ones count with their baseline alone"},
		"what the larger one's baseline holds": {func(in *Input) { in.spend(0.6); in.saved(30) }, "resize_reader c-reader-1", 1, "db.t4g.large"},
		"borrowed credits":                     {func(in *Input) { in.spend(0.6); in.saved(-200) }, "resize_reader c-reader-1", 1, "-200 CPU credits"},
		"no credits and no need of any":        {func(in *Input) { in.spend(0.1); in.saved(0) }, "", 0, "which rung 0"},
		"a new pair, and an exam soon":         {func(in *Input) { in.saved(0); in.exam(50, 6000) }, "resize_reader c-reader-1", 1, "events 0.60"},
		"an exam that credits hold":            {func(in *Input) { in.exam(50, 7000) }, "", 0, "events 0.70"},
		"an exam that they do not":             {func(in *Input) { in.exam(50, 14_000) }, "resize_reader c-reader-1", 2, "events 1.40"},
		"exams without a pause between them, a large one last": {func(in *Input) { in.exam(50, 100); in.exam(160, 20_000) }, "resize_reader c-reader-1", 3,
			"is made ready before them"},
		"a pause before the large one": {func(in *Input) { in.exam(50, 100); in.exam(180, 20_000) }, "", 0, "events 0.01"},
		"no credits, but an exam is on": {func(in *Input) { in.exam(-10, 7000); in.spend(0.9); in.saved(10) }, "", 2,
			"is on and the writer copes: no reader is resized"},
		"credits that are not known": {func(in *Input) { in.spend(0.9); in.Observed.Credits = Reading{} }, "", 0, "which rung 0"},
		"credits of long ago":        {func(in *Input) { in.spend(0.9); in.Observed.Credits = Reading{0, in.Now.Add(-16 * time.Minute)} }, "", 0, "which rung 0"},
		"credits that are no number": {func(in *Input) { in.spend(0.9); in.saved(math.NaN()) }, "", 0, "which rung 0"},
		"a surge beyond any credit":  {func(in *Input) { in.busy(0.8) }, "resize_reader c-reader-1", 2, "the writer is at 80 %"},

		"a larger pair at night, little load": {func(in *Input) { in.asleep(); in.have(2); in.spend(0.05) }, "resize_reader c-reader-1", 1, "db.t4g.large"},
		"the same, but it will be a busy day": {func(in *Input) {
			in.asleep()
			in.have(2)
			in.spend(0.05)
			in.Memory.Profile[hourOfWeek(in.Now.Add(7*time.Hour))] = 0.7
		}, "", 1, "would not do with room to spare, also for what is known to come within 24h0m0s"},
	} {
		t.Run(name, func(t *testing.T) {
			in := bursting(t)
			c.given(&in)
			d := Decide(in)
			does := strings.TrimSpace(d.Action.Kind + " " + d.Action.Instance)
			if does != c.does || d.Rung != c.rung || !strings.Contains(strings.Join(d.Reasons, "\n"), c.reason) {
				t.Errorf("does %q towards rung %d; wanted %q towards %d, because %q:\n%s", does, d.Rung, c.does, c.rung, c.reason, strings.Join(d.Reasons, "\n"))
			}
		})
	}
}

// A db.t4g.medium does at once what a db.t4g.large does, but not for ever: it does not count as one.
func TestABaselineIsPartOfTheSize(t *testing.T) {
	in := bursting(t)
	if exact, counts := present(&in.Settings, &in.Observed); exact != 0 || counts != 0 {
		t.Errorf("two db.t4g.medium are rung %d, and count as %d", exact, counts)
	}
	in.have(1)
	if exact, counts := present(&in.Settings, &in.Observed); exact != 1 || counts != 1 {
		t.Errorf("two db.t4g.large are rung %d, and count as %d", exact, counts)
	}
	for class, want := range map[string]float64{"db.t3.medium": 1.2, "db.t4g.medium": 1.2, "db.r7g.large": 2, "db.r7g.xlarge": 4, "db.r7g.16xlarge": 64} {
		if got := in.Settings.vcpu(class, &in.Observed); got != want {
			t.Errorf("%s does %g vCPU, wanted %g", class, got, want)
		}
	}
	if got := in.Settings.lasting("db.t3.medium", &in.Observed); math.Abs(got-0.24) > 1e-9 {
		t.Errorf("a burstable class that is on no rung does %g vCPU for ever", got)
	}
}

func TestBurstableRungsAreChecked(t *testing.T) {
	s, err := DefaultSettings("country")
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		change func(s *Settings)
		says   string
	}{
		"no baseline":               {func(s *Settings) { s.Rungs[0].Baseline = 0 }, "rungs[0] (2 x db.t4g.medium): baseline must be above 0"},
		"all of it":                 {func(s *Settings) { s.Rungs[1].Baseline = 1 }, "rungs[1] (2 x db.t4g.large): baseline must be above 0 and below 1"},
		"no number":                 {func(s *Settings) { s.Rungs[1].Baseline = math.NaN() }, "rungs[1] (2 x db.t4g.large): baseline"},
		"one of a class with none":  {func(s *Settings) { s.Rungs[2].Baseline = 0.5 }, "rungs[2] (2 x db.r8g.large): baseline"},
		"the larger one first":      {func(s *Settings) { s.Rungs[0], s.Rungs[1] = s.Rungs[1], s.Rungs[0] }, "rungs[1] (2 x db.t4g.medium) must hold more"},
		"the same for as long":      {func(s *Settings) { s.Rungs[1].Baseline = 0.2 }, "rungs[1] (2 x db.t4g.large) must hold more"},
		"more at once, for shorter": {func(s *Settings) { s.Rungs[1].VCPU, s.Rungs[1].Baseline = 1.3, 0.1 }, "a smaller baseline's vcpu"},
		"credits below zero":        {func(s *Settings) { s.CreditsLeft = -1 }, "credits_left must be between 0 and 1000"},
	} {
		wrong := s
		wrong.Rungs = append([]Rung(nil), s.Rungs...)
		c.change(&wrong)
		if err := wrong.Check(); err == nil || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: %q is not said: %v", name, c.says, err)
		}
	}
}

func TestTheFewestCreditsCount(t *testing.T) {
	at := noon
	o := &Observed{Instances: []Instance{{ID: "a"}, {ID: "b"}, {ID: "c"}}}
	metrics := map[string]series{
		"credits0": {at: 300, at.Add(-5 * time.Minute): 10}, "borrowed0": {at: 0},
		"credits1": {at: 0, at.Add(-5 * time.Minute): 5}, "borrowed1": {at: 40, at.Add(-5 * time.Minute): 0},
	}
	if got := credits(metrics, o); got.Value != -40 || !got.At.Equal(at) {
		t.Errorf("%+v: the second has borrowed 40", got)
	}
	delete(metrics, "credits1")
	if got := credits(metrics, o); got.Value != 300 {
		t.Errorf("%+v: the first alone tells", got)
	}
	if got := credits(map[string]series{}, o); !got.At.IsZero() {
		t.Errorf("%+v: nobody tells", got)
	}
}
