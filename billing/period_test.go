package billing_test

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"lignum/billing"
	"lignum/billing/meter"
	"lignum/domain"
	"lignum/tests/bills"
)

func said(p domain.Problems) string {
	if err := p.Err(); err != nil {
		return err.Error()
	}
	return ""
}

func has(p domain.Problems, text string) bool { return strings.Contains(said(p), text) }

// dateless are zones where a day was shown twice in part, or never, so that the day on a clock does not say the period of a moment.
var dateless = map[string]bool{"America/St_Johns": true, "Pacific/Apia": true, "America/Asuncion": true, "America/Sao_Paulo": true, "America/Havana": false}

// Each moment from 2010 to 2035 is in exactly one month, whatever the zone and however its clocks change: none is billed twice and none is lost. Moments looked at are the edges of all months and all
// changes of clocks, to the nanosecond, and what lies between.
func TestEachMomentIsInOnePeriod(t *testing.T) {
	t.Parallel()
	changes := 0
	for _, name := range bills.Zones() {
		zone, err := time.LoadLocation(name)
		if err != nil {
			t.Fatal(err)
		}
		from, to := bills.Date("2010-01-01"), bills.Date("2036-01-01")
		begins, ends := billing.Begins(from, zone), billing.Begins(to, zone)
		var moments []time.Time
		edge := func(at time.Time) {
			for _, off := range []time.Duration{-time.Hour, -time.Second, -1, 0, 1, time.Second, 30 * time.Minute, time.Hour, 2 * time.Hour} {
				moments = append(moments, at.Add(off).UTC())
			}
		}
		_, was := begins.In(zone).Zone()
		for at := begins; at.Before(ends); at = at.Add(time.Hour) { // none changes twice within an hour
			if _, offset := at.In(zone).Zone(); offset != was {
				first := at
				for {
					before := first.Add(-15 * time.Minute)
					if _, is := before.In(zone).Zone(); is != offset {
						break
					}
					first = before
				}
				was, changes = offset, changes+1
				edge(first)
			}
		}
		var months []billing.Period
		for d := from; d < to; {
			p, err := billing.PeriodOf(billing.Monthly, nil, d)
			if err != nil || p.From != d {
				t.Fatal(p, err)
			}
			months, d = append(months, p), p.To
			edge(billing.Begins(p.From, zone))
		}
		if len(months) != 26*12 {
			t.Fatalf("%d months", len(months))
		}
		var facts []meter.Fact
		for at := begins; at.Before(ends); at = at.Add(97 * time.Hour) {
			moments = append(moments, at)
		}
		inside := int64(0)
		for i, at := range moments {
			facts = append(facts, meter.Fact{Key: string(rune(i + 0x100)), Meter: "messages", At: at, Quantity: 1})
			if !at.Before(begins) && at.Before(ends) {
				inside++
			}
		}
		if facts, err = meter.Normal(facts); err != nil {
			t.Fatal(err)
		}
		messages, _ := meter.Find(meter.Meters(), "messages")
		billed := int64(0)
		for _, p := range months {
			n, err := messages.Count(facts, p, zone)
			if err != nil {
				t.Fatal(err)
			}
			billed += n
		}
		if billed != inside {
			t.Errorf("%s: of %d moments %d are billed", name, inside, billed)
		}
		// One by one: in one month and no other, and in that which the clocks show.
		edges := make([][2]time.Time, len(months))
		for i, p := range months {
			edges[i][0], edges[i][1] = p.Moments(zone)
		}
		for _, at := range moments {
			var in []billing.Period
			for i, p := range months {
				if !at.Before(edges[i][0]) && at.Before(edges[i][1]) {
					in = append(in, p)
				}
			}
			if inside := !at.Before(begins) && at.Before(ends); inside && len(in) != 1 || !inside && len(in) != 0 {
				t.Fatalf("%s: %s is in %v", name, at, in)
			} else if shown := billing.On(at.In(zone).Date()); inside && !dateless[name] && (shown < in[0].From || shown >= in[0].To) {
				t.Fatalf("%s: clocks show %s, and it is billed in the month from %s", name, at.In(zone), in[0].From)
			}
		}
	}
	if changes < 400 {
		t.Errorf("only %d changes of clocks were looked at", changes)
	}
}

// Days follow one another without a gap in every zone, and levels by day count each of them once, on days of 23 and 25 hours too.
func TestEachDayCountsOnce(t *testing.T) {
	t.Parallel()
	for _, name := range bills.Zones() {
		zone, err := time.LoadLocation(name)
		if err != nil {
			t.Fatal(err)
		}
		storage, _ := meter.Find(meter.Meters(), "storage")
		facts := []meter.Fact{{Key: "k", Meter: "storage", At: time.Date(2009, 1, 1, 0, 0, 0, 0, time.UTC), Quantity: 1000}}
		for year := 2010; year <= 2035; year++ {
			sum := int64(0)
			for month := range 12 {
				p, _ := billing.PeriodOf(billing.Monthly, nil, billing.On(year, time.Month(month+1), 15))
				n, err := storage.Count(facts, p, zone)
				if err != nil {
					t.Fatal(err)
				}
				sum += n
			}
			whole := billing.Period{From: billing.On(year, 1, 1), To: billing.On(year+1, 1, 1)}
			if n, _ := storage.Count(facts, whole, zone); n != sum || n != int64(whole.Days())*1000 {
				t.Errorf("%s, %d: %d in the months, %d in the year of %d days", name, year, sum, n, whole.Days())
			}
		}
	}
}

// A day begins when clocks first show it, as TestEachMomentIsInOnePeriod relies on; seen by days of all zones, one by one.
func TestDaysBeginInOrder(t *testing.T) {
	t.Parallel()
	for _, name := range bills.Zones() {
		zone, _ := time.LoadLocation(name)
		for d := bills.Date("2010-01-01"); d < bills.Date("2036-01-01"); d++ {
			at, next := billing.Begins(d, zone), billing.Begins(d+1, zone)
			if next.Before(at) || next.Sub(at) > 25*time.Hour {
				t.Errorf("%s: %s takes %s", name, d, next.Sub(at))
			}
			if shown := billing.On(at.In(zone).Date()); !dateless[name] && (shown != d || billing.On(at.Add(-1).In(zone).Date()) >= d) {
				t.Errorf("%s: %s begins at %s", name, d, at.In(zone))
			}
		}
	}
}

func TestPeriodsOfCycles(t *testing.T) {
	t.Parallel()
	terms := []billing.Period{bills.Days("2027-01-04", "2027-03-27"), bills.Days("2026-09-07", "2026-12-19"), bills.Days("2027-04-12", "2027-07-03"), bills.Days("2027-09-06", "2027-12-18")}
	starts, err := billing.StartsOf(terms)
	if err != nil {
		t.Fatal(err)
	}
	for date, want := range map[string]billing.Period{"2026-09-07": bills.Days("2026-09-07", "2027-01-04"), "2026-12-31": bills.Days("2026-09-07", "2027-01-04"), "2027-01-04": bills.Days("2027-01-04", "2027-04-12"),
		"2027-08-01": bills.Days("2027-04-12", "2027-09-06")} { // holidays belong to the term before them
		if p, err := billing.PeriodOf(billing.Termly, starts, bills.Date(date)); p != want || err != nil {
			t.Errorf("%s: %v, %v", date, p, err)
		}
	}
	for _, date := range []string{"2026-09-06", "2027-09-06", "2028-01-01"} { // before the first, and while the next is not known
		if p, err := billing.PeriodOf(billing.Termly, starts, bills.Date(date)); domain.CodeOf(err) != domain.Conflict {
			t.Errorf("%s: %v, %v", date, p, err)
		}
	}
	if p, err := billing.PeriodOf(billing.SchoolYear, []billing.Date{bills.Date("2026-09-07"), bills.Date("2027-09-06")}, bills.Date("2027-02-01")); err != nil || p.Days() != 364 {
		t.Error(p, err)
	}
	if p, _ := billing.PeriodOf(billing.Monthly, nil, bills.Date("2028-02-29")); p != bills.Days("2028-02-01", "2028-03-01") {
		t.Error(p)
	}
}

func TestTermsThatShareDaysAreRefused(t *testing.T) {
	t.Parallel()
	for name, terms := range map[string][]billing.Period{"overlap": {bills.Days("2026-09-07", "2026-12-19"), bills.Days("2026-12-18", "2027-03-27")}, "one in another": {bills.Days("2026-09-07", "2027-07-03"), bills.Days("2027-01-04", "2027-03-27")},
		"the same": {bills.Days("2026-09-07", "2026-12-19"), bills.Days("2026-09-07", "2026-12-19")}, "backwards": {bills.Days("2026-09-07", "2026-09-07")}} {
		if starts, err := billing.StartsOf(terms); domain.CodeOf(err) != domain.Invalid {
			t.Errorf("%s: %v, %v", name, starts, err)
		}
	}
}

func TestDatesAreReadBack(t *testing.T) {
	t.Parallel()
	type doc struct {
		Period billing.Period `json:"period"`
		Until  billing.Date   `json:"until,omitempty"`
	}
	for _, text := range []string{`{"period":{"from":"2026-09-01","to":"2026-10-01"}}`, `{"period":{"from":"2026-09-01","to":""},"until":"2200-12-31"}`} {
		var d doc
		if err := json.Unmarshal([]byte(text), &d); err != nil {
			t.Fatal(err)
		}
		if again, err := billing.JSON(d); string(again) != text || err != nil {
			t.Errorf("%s became %s, %v", text, again, err)
		}
	}
	for _, text := range []string{"2026-02-30", "1989-12-31", "2201-01-01", "1 May 2026", "0001-01-01"} {
		var d billing.Date
		if err := d.UnmarshalText([]byte(text)); err == nil {
			t.Errorf("%s is %s", text, d)
		}
	}
}
