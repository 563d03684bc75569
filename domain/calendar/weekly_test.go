package calendar_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"lignum/domain"
	"lignum/domain/calendar"
)

func TestNextMeeting(t *testing.T) {
	nassau, err := time.LoadLocation("America/Nassau")
	if err != nil {
		t.Fatal(err)
	}
	weekly := calendar.Weekly{{Weekday: 1, At: "16:00", Minutes: 60}, {Weekday: 3, At: "23:30", Minutes: 60}}
	at := func(s string) time.Time {
		v, err := time.ParseInLocation("2006-01-02 15:04", s, nassau)
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
	for when, want := range map[string]string{
		"2026-08-01 12:00": "2026-09-07 16:00", // before the first day
		"2026-10-26 16:59": "2026-10-26 16:00", // still on
		"2026-10-26 17:00": "2026-10-28 23:30",
		"2026-10-29 00:10": "2026-10-28 23:30", // past midnight, still on
		"2026-10-30 12:00": "2026-11-02 16:00", // the clocks went back the day before
		"2026-12-16 23:00": "2026-12-16 23:30",
		"2026-12-17 00:31": "",
	} {
		m := weekly.Next("2026-09-07", "2026-12-18", at(when), nassau)
		got := ""
		if m != nil {
			got = m.StartsAt.In(nassau).Format("2006-01-02 15:04")
		}
		if got != want {
			t.Errorf("at %s: %q, want %q", when, got, want)
		}
	}
}

const wallTime = "2006-01-02 15:04"

// Of meetings around a change of clocks in the zones of the region that have one, in both directions, and on both sides of midnight.
func TestMeetingsWhenTheClocksChange(t *testing.T) {
	for _, c := range []struct{ zone, slot, day, want string }{
		{"America/Nassau", "Sun 01:30 60", "2026-11-01", "2026-11-01T05:30Z"},     // shown twice: the first
		{"America/Nassau", "Sun 02:30 60", "2026-11-01", "2026-11-01T07:30Z"},     // after the change
		{"America/Nassau", "Sun 02:30 60", "2027-03-14", "2027-03-14T07:30Z"},     // skipped: at 3:30, an hour after 1:30
		{"America/Nassau", "Sun 03:00 60", "2027-03-14", "2027-03-14T07:00Z"},     // as they change
		{"America/Havana", "Sun 00:30 60", "2026-03-08", "2026-03-08T05:30Z"},     // there is no midnight on that day
		{"America/Havana", "Sat 23:30 60", "2026-03-07", "2026-03-08T04:30Z"},     // until what would have been 0:30
		{"America/Havana", "Sun 00:30 60", "2026-11-01", "2026-11-01T04:30Z"},     // twice, at midnight
		{"Pacific/Kiritimati", "Mon 08:00 60", "2026-11-02", "2026-11-01T18:00Z"}, // as far east as there is
		{"Pacific/Pago_Pago", "Mon 20:00 60", "2026-11-02", "2026-11-03T07:00Z"},  // and west
		{"America/Jamaica", "Mon 16:00 60", "1969-12-29", "1969-12-29T21:00Z"},    // before days are counted
	} {
		zone, err := time.LoadLocation(c.zone)
		if err != nil {
			t.Fatal(err)
		}
		weekly, err := calendar.ReadWeekly(c.slot)
		if err != nil {
			t.Fatal(err)
		}
		start, err := time.Parse("2006-01-02T15:04Z", c.want)
		if err != nil {
			t.Fatal(err)
		}
		list := weekly.Between(c.day, c.day, start.Add(-48*time.Hour), start.Add(48*time.Hour), zone)
		if len(list) != 1 || !list[0].StartsAt.Equal(start) {
			t.Errorf("%s of %s in %s: %v, want %s", c.slot, c.day, c.zone, list, c.want)
		}
		if next := weekly.Next(c.day, c.day, start.Add(59*time.Minute), zone); next == nil || !next.StartsAt.Equal(start) {
			t.Errorf("%s of %s in %s: next is %v, want %s", c.slot, c.day, c.zone, next, c.want)
		}
		if next := weekly.Next(c.day, c.day, start.Add(60*time.Minute), zone); next != nil {
			t.Errorf("%s of %s in %s: still to come is %v", c.slot, c.day, c.zone, next)
		}
	}
}

// Whatever the rule, the zone and the time: what comes next is the first of all that come, each is shown by the clocks as the rule says unless they
// skip it, none is left out, and none stands outside of the days.
func TestMeetingsAreThoseOfTheRule(t *testing.T) {
	zones := []string{"America/Jamaica", "America/Nassau", "America/Havana", "America/Port-au-Prince", "America/St_Johns", "UTC", "Australia/Lord_Howe"}
	rapid.Check(t, func(t *rapid.T) {
		zone, err := time.LoadLocation(rapid.SampledFrom(zones).Draw(t, "zone"))
		if err != nil {
			t.Fatal(err)
		}
		weekly := calendar.Weekly(rapid.SliceOfN(rapid.Custom(func(t *rapid.T) calendar.Slot {
			return calendar.Slot{Weekday: rapid.IntRange(0, 6).Draw(t, "weekday"), Minutes: rapid.IntRange(5, 600).Draw(t, "minutes"),
				At: fmt.Sprintf("%02d:%02d", rapid.IntRange(0, 23).Draw(t, "hour"), rapid.IntRange(0, 59).Draw(t, "minute"))}
		}), 0, 5).Draw(t, "weekly"))
		first := time.Date(2026, 10, 1, 0, 0, 0, 0, time.UTC).AddDate(0, 0, rapid.IntRange(0, 300).Draw(t, "first"))
		last := first.AddDate(0, 0, rapid.IntRange(0, 21).Draw(t, "days"))
		at := first.Add(time.Duration(rapid.IntRange(-5*24*60, 30*24*60).Draw(t, "now")) * time.Minute)
		from, until := first.Format(time.DateOnly), last.Format(time.DateOnly)
		list := weekly.Between(from, until, at, last.AddDate(0, 0, 3), zone)
		if !slices.IsSortedFunc(list, func(a, b calendar.Meeting) int { return a.StartsAt.Compare(b.StartsAt) }) {
			t.Errorf("%v are not in order", list)
		}
		next := weekly.Next(from, until, at, zone)
		if (next == nil) != (len(list) == 0) || next != nil && !next.StartsAt.Equal(list[0].StartsAt) {
			t.Errorf("next is %v, of %v", next, list)
		}
		// Minute by minute, as somebody would who looks at a clock on the wall.
		shown := map[string]int{}
		for m := first.Add(-20 * time.Hour); m.Before(last.Add(44 * time.Hour)); m = m.Add(time.Minute) {
			text := m.In(zone).Format(wallTime)
			if shown[text]++; shown[text] > 1 || text < from || text > until+"~" {
				continue
			}
			for _, s := range weekly {
				end := m.Add(time.Duration(s.Minutes) * time.Minute)
				if !strings.HasSuffix(text, s.At) || int(m.In(zone).Weekday()) != s.Weekday || !end.After(at) {
					continue
				}
				i := slices.IndexFunc(list, func(x calendar.Meeting) bool { return x.StartsAt.Equal(m) && x.Minutes == s.Minutes })
				if i < 0 {
					t.Fatalf("%v at %s is not in %v", s, text, list)
				}
				list = slices.Delete(list, i, i+1)
			}
		}
		for _, m := range list { // what is left are times that the clocks skipped
			asked := m.StartsAt.Add(-2 * time.Hour)
			_, before := asked.In(zone).Zone()
			would := m.StartsAt.Add(time.Duration(before) * time.Second).Format(wallTime)
			if shown[would] > 0 || !slices.ContainsFunc(weekly, func(s calendar.Slot) bool { return strings.HasSuffix(would, s.At) }) {
				t.Errorf("%v is no time of %v", m, weekly)
			}
		}
	})
}

func TestRulesThatAreRefused(t *testing.T) {
	var p domain.Problems
	calendar.Weekly{{Weekday: 7, At: "4pm", Minutes: 4}, {Weekday: -1, At: "9:00", Minutes: 601}, {Weekday: 0, At: "23:59", Minutes: 600}}.Check(&p, "weekly")
	calendar.Weekly(slices.Repeat([]calendar.Slot{{At: "16:00", Minutes: 5}}, 15)).Check(&p, "many")
	var names []string
	for _, f := range p {
		names = append(names, f.Name)
	}
	if got := strings.Join(names, " "); got != "weekly[0].weekday weekly[0].at weekly[0].minutes weekly[1].weekday weekly[1].at weekly[1].minutes many" {
		t.Error(got)
	}
}

func TestWallTimes(t *testing.T) {
	nassau, err := time.LoadLocation("America/Nassau")
	if err != nil {
		t.Fatal(err)
	}
	for text, want := range map[string]string{"2026-11-30T09:00": "2026-11-30T14:00Z", "2026-11-01T01:30": "2026-11-01T05:30Z", "2027-03-14T02:30": "wrong", "late": "wrong", "": "none"} {
		var p domain.Problems
		got := "none"
		at := calendar.ReadWall(&p, "opens_at", text, nassau)
		if len(p) > 0 {
			got = "wrong"
		} else if at != nil {
			got = at.Format("2006-01-02T15:04Z")
			if again := calendar.WriteWall(*at, nassau); again != text {
				t.Errorf("%s is written %s", text, again)
			}
		}
		if got != want {
			t.Errorf("%q is read as %s, want %s", text, got, want)
		}
	}
}

func TestDaysBegin(t *testing.T) {
	for day, want := range map[string]string{"America/Jamaica 2026-11-30": "2026-11-30T05:00Z", "America/Nassau 2026-11-02": "2026-11-02T05:00Z", "America/Nassau 2026-11-01": "2026-11-01T04:00Z",
		"America/Havana 2026-03-08": "2026-03-08T05:00Z", // at 1:00: there is no midnight on that day
		"America/Havana 2026-11-01": "2026-11-01T04:00Z", // of its two midnights at the first
	} {
		name, date, _ := strings.Cut(day, " ")
		zone, err := time.LoadLocation(name)
		if err != nil {
			t.Fatal(err)
		}
		at, err := time.Parse(time.DateOnly, date)
		if err != nil {
			t.Fatal(err)
		}
		if got := calendar.Begins(at, zone).Format("2006-01-02T15:04Z"); got != want {
			t.Errorf("%s begins at %s, want %s", day, got, want)
		}
	}
}

func BenchmarkNext(b *testing.B) {
	nassau, err := time.LoadLocation("America/Nassau")
	if err != nil {
		b.Fatal(err)
	}
	weekly := calendar.Weekly{{Weekday: 1, At: "16:00", Minutes: 60}, {Weekday: 3, At: "23:30", Minutes: 60}}
	for b.Loop() {
		weekly.Next("2026-09-07", "2026-12-18", now, nassau)
	}
}
