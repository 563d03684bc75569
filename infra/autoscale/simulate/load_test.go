package simulate

import (
	"math"
	"slices"
	"testing"
	"time"

	"lignum/infra/autoscale"
)

func mustLoad(t *testing.T, a Assumptions, countries int) *Load {
	t.Helper()
	l, err := NewLoad(a, countries)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func sum(values []float64) (total float64) {
	for _, v := range values {
		total += v
	}
	return total
}

// The load is made from the post's figures, so it must give them back.
func TestLoadGivesThePostsFigures(t *testing.T) {
	l := mustLoad(t, Default(), 1)
	if top := slices.Max(l.Users[0]); top != 20_000 {
		t.Errorf("the highest day has %g users, the post says 20,000", top)
	}
	day := sum(l.Requests[l.RecordAt : l.RecordAt+1440])
	if math.Abs(day/1_052_165-1) > 0.01 {
		t.Errorf("the record day has %.0f requests, the post says 1,052,165", day)
	}
	for at := 300; at+1440 < l.Minutes; at += 1440 { // Jamaica's midnights
		if other := sum(l.Requests[at : at+1440]); other > day*1.0001 {
			t.Errorf("minute %d begins a day with %.0f requests, above the record", at, other)
		}
	}
	before, april, schoolDays := 0.0, 0.0, 0.0
	for d, users := range l.Users[0] {
		date := l.Start.AddDate(0, 0, d)
		if date.Month() < time.April {
			before = max(before, users)
		}
		if date.Month() == time.April && date.Weekday() >= time.Monday && date.Weekday() <= time.Thursday {
			april, schoolDays = april+users, schoolDays+1
		}
	}
	if before < 200 || before > 999 {
		t.Errorf("up to %.0f users a day before April, the post says a few hundred", before)
	}
	if mean := april / schoolDays; math.Abs(mean/12_000-1) > 0.05 {
		t.Errorf("%.0f users on April's school days, the post says 12,000", mean)
	}
}

func TestWeekdaysAreQuietFromNineToFour(t *testing.T) {
	l := mustLoad(t, Default(), 1)
	var quiet, evening []float64
	for d := 280; d < 330; d++ {
		if w := l.Start.AddDate(0, 0, d).Weekday(); w == time.Saturday || w == time.Sunday {
			continue
		}
		at := d*1440 + 300
		quiet = append(quiet, sum(l.Requests[at+9*60:at+16*60])/7)
		evening = append(evening, sum(l.Requests[at+17*60:at+22*60])/5)
	}
	if q, e := sum(quiet), sum(evening); q > e/2 {
		t.Errorf("an hour from 9 to 16 has %.2f of an evening hour's requests, the post says significantly fewer", q/e)
	}
}

func TestTheSameSeedGivesTheSameYear(t *testing.T) {
	a := Default()
	a.Days = 40
	one, two := mustLoad(t, a, 3), mustLoad(t, a, 3)
	if !slices.Equal(one.Writer, two.Writer) || !slices.Equal(one.Events, two.Events) {
		t.Error("two runs with one seed differ")
	}
	a.Seed = 2
	if slices.Equal(one.Writer, mustLoad(t, a, 3).Writer) {
		t.Error("another seed gives the same year")
	}
}

func TestExamsBeginInOneMinute(t *testing.T) {
	l := mustLoad(t, Default(), 3)
	at := l.RecordAt + 18*60
	before := l.WriterBurst[at-1] + l.ReaderBurst[at-1]
	if now := l.WriterBurst[at] + l.ReaderBurst[at]; now < 5*before {
		t.Errorf("'start' raises the load from %.3f to %.3f vCPU only", before, now)
	}
	if l.Writer[at] >= l.WriterBurst[at] || l.Reader[at] >= l.ReaderBurst[at] {
		t.Error("the busiest seconds of a 'start' are no busier than its minute")
	}
}

func TestTheStormAndItsFlood(t *testing.T) {
	l := mustLoad(t, Default(), 1)
	usual := sum(l.Requests[l.StormAt-7*1440 : l.StormAt-6*1440])
	if dark := sum(l.Requests[l.StormAt+1440 : l.StormAt+2*1440]); dark > 0.1*usual {
		t.Errorf("without power there is still %.2f of the usual load", dark/usual)
	}
	if flood := sum(l.Requests[l.StormAt+7*1440 : l.StormAt+8*1440]); flood < 1.3*usual {
		t.Errorf("after the storm there is %.2f of the usual load, a flood is more", flood/usual)
	}
	if first, last := sum(l.Requests[l.StormAt+4*1440:l.StormAt+5*1440]), sum(l.Requests[l.StormAt+6*1440:l.StormAt+7*1440]); first >= last {
		t.Error("the power does not return gradually")
	}
}

func TestTheForecastKnowsNoSurprise(t *testing.T) {
	a := Default()
	with := mustLoad(t, a, 3)
	a.Surprises = 0
	without := mustLoad(t, a, 3)
	if !slices.Equal(with.Events, without.Events) {
		t.Error("a surprise changes the forecast")
	}
	if sum(with.WriterBurst) <= sum(without.WriterBurst) {
		t.Error("surprises bring no load")
	}
	if !slices.IsSortedFunc(with.Events, func(x, y autoscale.Event) int { return x.Start.Compare(y.Start) }) {
		t.Error("events are not in the order of their start")
	}
}

func TestCountriesDiffer(t *testing.T) {
	l := mustLoad(t, Default(), 30)
	if len(l.Zones) != 30 {
		t.Errorf("30 countries have %d zones", len(l.Zones))
	}
	seen := map[string]bool{}
	for i, c := range countries {
		if seen[c.code] || c.size <= 0 || c.size > 1 {
			t.Errorf("country %d, %s, is there twice or has the size %g", i, c.code, c.size)
		}
		seen[c.code] = true
		for _, h := range c.holidays {
			if _, err := time.Parse("2006-01-02", "2027-"+h); err != nil {
				t.Errorf("%s: holiday %s", c.code, h)
			}
		}
	}
	for _, n := range []int{0, 31} {
		if _, err := NewLoad(Default(), n); err == nil {
			t.Errorf("%d countries are accepted", n)
		}
	}
}
