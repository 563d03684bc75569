package autoscale

import (
	"maps"
	"strings"
	"testing"
	"time"
)

func at(t *testing.T, text string) time.Time {
	t.Helper()
	out, err := time.Parse("2006-01-02 15:04", text)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// The Bahamas put their clocks forward on 14 March 2027 at 2:00 and back on 7 November at 2:00; Cuba at 0:00 and at 1:00.
func TestANightEndsByTheClockOnTheWall(t *testing.T) {
	for _, c := range []struct{ zone, from, until, now, ends string }{ // all but the hours in UTC; no end: it is not night
		{"America/Jamaica", "23:00", "05:30", "2027-05-12 04:00", "2027-05-12 10:30"},
		{"America/Jamaica", "23:00", "05:30", "2027-05-12 03:59", ""},
		{"America/Jamaica", "23:00", "05:30", "2027-05-12 10:29", "2027-05-12 10:30"},
		{"America/Jamaica", "23:00", "05:30", "2027-05-12 10:30", ""},
		{"America/Jamaica", "23:00", "05:30", "2027-05-12 06:00", "2027-05-12 10:30"}, // after midnight
		{"America/Jamaica", "01:00", "05:30", "2027-05-12 06:00", "2027-05-12 10:30"}, // within one day
		{"America/Jamaica", "01:00", "05:30", "2027-05-12 05:59", ""},
		{"America/Nassau", "23:00", "05:30", "2027-03-14 05:00", "2027-03-14 09:30"}, // an hour shorter
		{"America/Nassau", "23:00", "05:30", "2027-11-07 05:00", "2027-11-07 10:30"}, // an hour longer
		{"America/Nassau", "23:00", "02:30", "2027-03-14 05:00", "2027-03-14 07:00"}, // 2:30 is skipped: when the clocks change
		{"America/Nassau", "23:00", "01:30", "2027-11-07 04:00", "2027-11-07 05:30"}, // 1:30 comes twice: the first
		{"America/Nassau", "23:00", "01:30", "2027-11-07 06:00", ""},                 // between the two
		{"America/Nassau", "02:30", "05:30", "2027-03-14 07:00", "2027-03-14 09:30"}, // begins when the clocks change
		{"America/Nassau", "02:30", "05:30", "2027-03-14 06:59", ""},
		{"America/Havana", "00:30", "05:30", "2027-03-14 04:59", ""},
		{"America/Havana", "00:30", "05:30", "2027-03-14 05:00", "2027-03-14 09:30"},
		{"Europe/Amsterdam", "23:00", "02:30", "2027-03-28 00:00", "2027-03-28 01:00"}, // east of Greenwich
		{"America/Nowhere", "23:00", "05:30", "2027-05-12 06:00", ""},
	} {
		until, night := NightHours{c.zone, c.from, c.until}.at(at(t, c.now))
		if got := until.UTC().Format("2006-01-02 15:04"); night != (c.ends != "") || night && got != c.ends {
			t.Errorf("%s %s to %s at %s: ends %s (%v), wanted %q", c.zone, c.from, c.until, c.now, got, night, c.ends)
		}
	}
}

// midnight is Jamaica's; the cluster is on the day's floor with hardly any load, and quiet for long.
func midnight() Input {
	in := situation()
	in.Now = time.Date(2027, 5, 12, 5, 0, 0, 0, time.UTC)
	in.ForecastAt, in.Memory.Measured = in.Now, in.Now.Add(-2*time.Minute)
	in.Memory.LastAction, in.Memory.QuietSince = in.Now.Add(-time.Hour), in.Now.Add(-time.Hour)
	in.busy(0.01)
	return in
}

func TestNight(t *testing.T) {
	for name, c := range map[string]struct {
		given  func(*Input)
		sleeps bool
		reason string
	}{
		"nothing is on":             {func(in *Input) {}, true, "America/Jamaica sleeps until 10:30 UTC"},
		"a lesson is on":            {func(in *Input) { in.exam(-10, 10); in.Events[0].Kind = "live" }, true, "sleeps until"},
		"an exam is on":             {func(in *Input) { in.exam(-10, 10) }, false, "does not go to sleep: exam of jamaica (10 learners"},
		"an import is on":           {func(in *Input) { in.exam(-10, 10); in.Events[0].Kind = "import" }, false, "import of jamaica"},
		"an exam is near":           {func(in *Input) { in.exam(20, 10) }, false, "exam of jamaica"},
		"the load is high":          {func(in *Input) { in.busy(0.8) }, false, "does not go to sleep: the writer is at 80 %"},
		"the load is unknown":       {func(in *Input) { in.Observed.WriterCPU = Reading{} }, false, "does not go to sleep: the load is not known"},
		"the forecast is missing":   {func(in *Input) { in.ForecastAt = time.Time{} }, false, "does not go to sleep: the forecast is not known"},
		"a call that comes at noon": {func(in *Input) { in.Now = noon; in.ForecastAt = noon; in.busy(0.1) }, false, "it is not night there (23:00 to 05:30)"},
		"a zone of no tenant":       {func(in *Input) { in.Settings.Nights = nil }, false, "it has no night in the settings"},
	} {
		t.Run(name, func(t *testing.T) {
			in := midnight()
			c.given(&in)
			d := Night(in, "America/Jamaica")
			if sleeps := in.Now.Before(d.Memory.Night["America/Jamaica"]); sleeps != c.sleeps || !strings.Contains(d.Reasons[0], c.reason) {
				t.Errorf("sleeps: %v, wanted %v, because %q: %q", sleeps, c.sleeps, c.reason, d.Reasons)
			}
			if in.Memory.Night != nil {
				t.Error("the input's memory was changed")
			}
		})
	}
}

func TestTheClusterSleepsWhenAllZonesDo(t *testing.T) {
	in := midnight()
	in.Settings.Nights = append(in.Settings.Nights, NightHours{"America/Guyana", "23:00", "05:30"})
	d := Night(in, "America/Jamaica")
	if d.Rung != 1 {
		t.Fatalf("Guyana is awake: %q", d.Reasons)
	}
	in.Memory.Night, in.Memory.QuietRung = d.Memory.Night, 0
	d = Night(in, "America/Guyana")
	if d.Rung != 0 || d.Action.Kind != RemoveReader || d.Action.Instance != "c-reader-1" {
		t.Fatalf("all are asleep: %+v %q", d.Action, d.Reasons)
	}
	in.Memory.Night = d.Memory.Night
	in.exam(20, 10)
	if d := Decide(in); d.Rung != 1 || d.Action.Kind != "" {
		t.Errorf("an exam comes, and the day's floor does not hold: %q", d.Reasons)
	}
	in.Events[0].Kind = "live"
	if d := Decide(in); d.Rung != 1 || d.Action.Kind != "" {
		t.Errorf("a lesson comes, and the day's floor does not hold: %q", d.Reasons)
	}
}

func TestMorningRestoresTheFloorAtOnce(t *testing.T) {
	in := midnight()
	in.have(0)
	in.Observed.WriterCPU, in.ForecastAt = Reading{}, time.Time{} // nothing is known
	in.Memory.LastAction = in.Now.Add(-time.Minute)
	in.Memory.Night = map[string]time.Time{"America/Jamaica": in.Now.Add(time.Hour)}
	was := maps.Clone(in.Memory.Night)
	if d := Decide(in); d.Rung != 0 || d.Action.Kind != "" {
		t.Errorf("it sleeps: %q", d.Reasons)
	}
	d := Morning(in, "America/Jamaica")
	if d.Action.Kind != AddReader || d.Reasons[0] != "America/Jamaica wakes up" || len(d.Memory.Night) != 0 {
		t.Errorf("%+v %q", d.Action, d.Reasons)
	}
	if !maps.Equal(was, in.Memory.Night) {
		t.Error("the input's memory was changed")
	}
	in.Memory.Night = nil // the night's function never ran
	if d := Morning(in, "America/Jamaica"); d.Action.Kind != AddReader {
		t.Errorf("%+v %q", d.Action, d.Reasons)
	}
	in.Memory.Hold = Hold{in.Now.Add(time.Hour), "ann", "migration"}
	if d := Morning(in, "America/Jamaica"); d.Action.Kind != "" {
		t.Errorf("under a hold: %+v %q", d.Action, d.Reasons)
	}
}

// A mark that a wrong clock or other hours have left does not put a day to sleep.
func TestAMarkHoldsOnlyAtNight(t *testing.T) {
	in := midnight()
	in.Memory.Night = map[string]time.Time{"America/Jamaica": in.Now.AddDate(1, 0, 0)}
	if d := Decide(in); d.Rung != 0 {
		t.Errorf("it is night: %q", d.Reasons)
	}
	in.Now, in.ForecastAt = noon, noon
	in.busy(0.01)
	if d := Decide(in); d.Rung != 1 {
		t.Errorf("it is noon: %q", d.Reasons)
	}
}
