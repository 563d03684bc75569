package calendar

import (
	"fmt"
	"slices"
	"time"

	"lignum/domain"
)

// Slot is a time that comes every week, by the wall clocks of the tenant's zone.
type Slot struct {
	Weekday int    `json:"weekday" doc:"The day of the week: 0 is Sunday, 6 is Saturday"`
	At      string `json:"at" doc:"The time at which it begins, such as 16:00, in the tenant's time zone"`
	Minutes int    `json:"minutes" doc:"How long it lasts, in minutes; 5 to 600"`
}

// Weekly is the rule by which something meets: at each of these times, every week from a first day to a last one, which stand with what meets.
type Weekly []Slot

// Check notes all that is wrong with a rule: it has at most 14 times.
func (w Weekly) Check(p *domain.Problems, name string) {
	if len(w) > 14 {
		p.Add(name, "calendar.must_be_at_most_14")
	}
	for i, s := range w {
		s.check(p, fmt.Sprintf("%s[%d].", name, i))
	}
}

func (s Slot) check(p *domain.Problems, at string) {
	if s.Weekday < 0 || s.Weekday > 6 {
		p.Add(at+"weekday", "calendar.must_be_0_sunday_to")
	}
	if _, err := time.Parse("15:04", s.At); err != nil || len(s.At) != 5 {
		p.Add(at+"at", "calendar.must_be_a_time_such")
	}
	if s.Minutes < 5 || s.Minutes > 600 {
		p.Add(at+"minutes", "calendar.must_be_5_to_600")
	}
}

// Meeting is one time that something meets.
type Meeting struct {
	StartsAt time.Time `json:"starts_at"`
	Minutes  int       `json:"minutes" doc:"How long it lasts, in minutes; 5 to 600"`
}

// EndsAt is when it is over.
func (m Meeting) EndsAt() time.Time { return m.StartsAt.Add(time.Duration(m.Minutes) * time.Minute) }

// Next returns the meeting that goes on now or comes next, or nil when there is none any more. first and last are dates. Wall time counts: what meets at
// four meets at four when the clocks have changed.
func (w Weekly) Next(first, last string, now time.Time, zone *time.Location) *Meeting {
	from, until, ok := span(first, last)
	if !ok {
		return nil
	}
	from = max(from, dayOn(now, zone)-1) // a meeting of yesterday evening may still go on
	var next Meeting
	for _, s := range w {
		for m := range s.meetings(from, until, zone) {
			if m.EndsAt().After(now) {
				if next.StartsAt.IsZero() || m.StartsAt.Before(next.StartsAt) {
					next = m
				}
				break
			}
		}
	}
	if next.StartsAt.IsZero() {
		return nil
	}
	return &next
}

// Between returns the meetings that go on after one moment and begin before another, in the order in which they begin.
func (w Weekly) Between(first, last string, after, before time.Time, zone *time.Location) []Meeting {
	from, until, ok := span(first, last)
	if !ok {
		return nil
	}
	from, until = max(from, dayOn(after, zone)-1), min(until, dayOn(before, zone))
	var list []Meeting
	for _, s := range w {
		for m := range s.meetings(from, until, zone) {
			if m.EndsAt().After(after) && m.StartsAt.Before(before) {
				list = append(list, m)
			}
		}
	}
	slices.SortStableFunc(list, func(a, b Meeting) int { return a.StartsAt.Compare(b.StartsAt) })
	return list
}

func span(first, last string) (from, until int, ok bool) {
	from, ok1 := readDay(first)
	until, ok2 := readDay(last)
	return from, until, ok1 && ok2
}

// meetings are those of the slot from one day to another.
func (s Slot) meetings(from, until int, zone *time.Location) func(yield func(Meeting) bool) {
	return func(yield func(Meeting) bool) {
		at, err := time.Parse("15:04", s.At)
		if err != nil {
			return
		}
		const thursday = 4 // the day from which days are counted
		for day := from + ((s.Weekday-from-thursday)%7+7)%7; day <= until; day += 7 {
			if !yield(Meeting{wall(day, at.Hour()*60+at.Minute(), zone), s.Minutes}) {
				return
			}
		}
	}
}
