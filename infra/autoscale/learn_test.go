package autoscale

import (
	"fmt"
	"math"
	"strings"
	"testing"
	"time"
)

// live lets minutes go by under a load, each with a reading, and gives the memory that is left.
func live(in Input, minutes int, load float64) Memory {
	for range minutes {
		in.Now = in.Now.Add(time.Minute)
		in.ForecastAt = in.Now
		at := in.Now.Add(-time.Minute)
		o := &in.Observed
		o.ACU, o.ReaderACU, o.ReplicaLag = Reading{64, at}, Reading{64, at}, Reading{0, at}
		o.WriterCPU, o.ReaderCPU = Reading{load / 32, at}, Reading{load / 32, at} // 16 vCPU each
		in.Memory = Decide(in).Memory
	}
	return in.Memory
}

func TestAnExamTeachesWhatItsLearnersCost(t *testing.T) {
	for _, c := range []struct {
		load   float64 // while it is on; the setting expects 2 vCPU of its 2000 learners
		exams  int
		lowest float64 // of what a learner is said to cost afterwards
		most   float64
	}{
		{2, 3, 0.00095, 0.001},     // as thought, but for the little that is usual
		{6, 1, 0.0018, 0.002},      // dearer: half the way at once
		{6, 8, 0.0028, 0.003},      //
		{0.5, 1, 0.0008, 0.0009},   // cheaper: a fifth of the way
		{0, 60, 0.0001, 0.0001001}, // nobody ever comes: never below a tenth of the setting
		{32, 60, 0.0144, 0.016},    // all that there is
	} {
		in := situation()
		in.Settings.Rungs = in.Settings.Rungs[:3]
		for n := range c.exams {
			in.Now = noon.AddDate(0, 0, n)
			in.Events = []Event{{"jamaica", "exam", fmt.Sprint(n), in.Now, in.Now.Add(20 * time.Minute), 2000}}
			in.Memory = live(in, 19, c.load)
			in.Now = in.Now.Add(19 * time.Minute)
			in.Memory = live(in, 5, 0)
		}
		if got := in.Memory.PerLearner["exam"]; got < c.lowest*0.999 || got > c.most*1.001 {
			t.Errorf("%d exams of %g vCPU: a learner costs %g, wanted %g to %g", c.exams, c.load, got, c.lowest, c.most)
		}
		if len(in.Memory.Running) != 0 {
			t.Errorf("still running: %v", in.Memory.Running)
		}
	}
}

func TestTheUsualLoadIsLearned(t *testing.T) {
	in := situation()
	m := live(in, 20, 3)
	if got := m.Profile[hourOfWeek(noon)]; got < 2.9 || got > 3 {
		t.Errorf("after 20 minutes of 3 vCPU %.2f are usual", got)
	}
	in.Memory = m
	if got := live(in, 50, 0).Profile[hourOfWeek(noon)]; got < 2.6 || got > 2.75 {
		t.Errorf("an hour later %.2f are: a tenth is forgotten in one", got)
	}
	in = situation()
	in.exam(-10, 2000)
	if got := live(in, 20, 3).Profile[hourOfWeek(noon)]; got != 0 {
		t.Errorf("an exam is no usual load: %.2f", got)
	}
	in.Events[0].Learners = 10
	if got := live(in, 20, 3).Profile[hourOfWeek(noon)]; got < 2.9 {
		t.Errorf("an exam of ten hides the usual load: %.2f", got)
	}
}

func TestWhatIsNotLearned(t *testing.T) {
	in := situation()
	once := Decide(in).Memory
	in.Memory = once
	if twice := Decide(in).Memory; twice.Profile != once.Profile || twice.Trend != once.Trend {
		t.Error("a reading has taught twice")
	}
	in = situation()
	in.ForecastAt = time.Time{}
	if m := Decide(in).Memory; m.Profile != in.Memory.Profile {
		t.Error("without a forecast nobody knows what is usual")
	}
	in = situation()
	in.Memory.Running = map[string]float64{"exam|jamaica|1": 0.01}
	in.ForecastAt = time.Time{}
	if m := Decide(in).Memory; len(m.Running) != 1 || m.PerLearner != nil {
		t.Errorf("without a forecast nobody knows that the exam is over: %v", m.PerLearner)
	}
	in = situation()
	in.Observed.ReaderCPU = Reading{}
	if m := Decide(in).Memory; m.Profile != in.Memory.Profile || !m.Measured.Equal(in.Memory.Measured) {
		t.Error("half of the load is no lesson")
	}
}

// A clipped exam may have been dearer than it could show: it never teaches that it was cheap.
func TestAClippedExamTeachesNothingCheap(t *testing.T) {
	in := situation()
	in.exam(-10, 20_000)
	in.busy(0.95)
	in.Memory = Decide(in).Memory
	in.Events, in.Now, in.ForecastAt = nil, in.Now.Add(2*time.Minute), in.Now
	in.busy(0.1)
	if got := Decide(in).Memory.PerLearner["exam"]; math.Abs(got-0.001) > 1e-9 {
		t.Errorf("a learner costs %g", got)
	}
}

// Exams of one kind that end together teach in the same order each time.
func TestLearningIsTheSameEachTime(t *testing.T) {
	in := situation()
	in.Memory.Running = map[string]float64{}
	for n := range 8 {
		in.Memory.Running[fmt.Sprint("exam|jamaica|", n)] = 0.0002 * float64(n*n)
	}
	once := Decide(in).Memory.PerLearner["exam"]
	for range 20 {
		if again := Decide(in).Memory.PerLearner["exam"]; again != once {
			t.Fatalf("%g, then %g", once, again)
		}
	}
}

func TestThousandsOfEventsStayBounded(t *testing.T) {
	in := situation()
	for n := range 5000 {
		start := noon.Add(time.Duration(n%60-30) * time.Minute)
		in.Events = append(in.Events, Event{fmt.Sprint("tenant", n%30), "exam", fmt.Sprint(n), start, start.Add(time.Hour), 1 + n%7})
	}
	began := time.Now()
	d := Decide(in)
	if took := time.Since(began); took > time.Second {
		t.Errorf("5,000 events took %s", took)
	}
	if d.Rung != len(in.Settings.Rungs)-1 || len(d.Memory.Running) > 100 || len(strings.Join(d.Reasons, "")) > 2000 {
		t.Errorf("rung %d, %d running, reasons %q", d.Rung, len(d.Memory.Running), d.Reasons)
	}
}

func TestTheDefaultsAreRight(t *testing.T) {
	for _, size := range []string{"small", "country", "region"} {
		s, err := DefaultSettings(size)
		if err == nil {
			err = s.Check()
		}
		if err != nil {
			t.Errorf("%s: %v", size, err)
		}
	}
	if _, err := DefaultSettings("huge"); err == nil || !strings.Contains(err.Error(), "small, country or region") {
		t.Errorf("huge: %v", err)
	}
}

func TestCheckNamesEverythingThatIsWrong(t *testing.T) {
	s, err := DefaultSettings("small")
	if err != nil {
		t.Fatal(err)
	}
	s.DayFloor, s.TargetUse, s.HighUse, s.ReadShare, s.Reserve, s.Stale = 99, math.NaN(), 2, -1, -1, 0
	s.LeadTime, s.UpCoolDown, s.DownCoolDown = 0, 2*time.Hour, time.Minute
	s.Rungs = []Rung{
		{"two", "db.r8g.large", 2, 0, 0, 2, 0}, {"", "large", 16, 1, 2, -1, 0}, {"odd", Serverless, 1, 0.7, 300, 0.175, 0},
	}
	s.Nights = []NightHours{{"Nowhere", "23:00", "05:30"}, {"America/Jamaica", "05:00", "23:30"}, {"America/Jamaica", "11pm", "05:30"}, {"", "1:00", "1:00"}}
	s.PerLearner = map[string]float64{"exam": -1}
	err = s.Check()
	for _, want := range []string{"day_floor", "target_use", "high_use", "read_share", "reserve", "lead_time", "up_cool_down", "down_cool_down", "stale",
		"rungs[1] (): needs a name", "readers must be 0 to 15", "has no ACU range", "vcpu must be above 0", "rungs[2] (odd): min_acu",
		"must hold more", "must not have fewer readers", `"Nowhere" is not a time zone`, "the night lasts 18h30m0s", "has a night already",
		"nights[2]: from and until", `"" is not a time zone`, "nights[3]: from", "per_learner.exam"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("does not say %q: %v", want, err)
		}
	}
}
