package classes

import (
	"time"

	"lignum/domain"
)

// Slot is a time at which a class meets every week, in the tenant's zone.
type Slot struct {
	Weekday int    `json:"weekday"` // 0 is Sunday, 6 Saturday
	At      string `json:"at"`      // "16:00"
	Minutes int    `json:"minutes"` // 5 to 600
}

func (s Slot) check(p *domain.Problems, at string) {
	if s.Weekday < 0 || s.Weekday > 6 {
		p.Add(at+"weekday", "classes.must_be_0_sunday_to")
	}
	if _, err := time.Parse("15:04", s.At); err != nil || len(s.At) != 5 {
		p.Add(at+"at", "classes.must_be_a_time_such")
	}
	if s.Minutes < 5 || s.Minutes > 600 {
		p.Add(at+"minutes", "classes.must_be_5_to_600")
	}
}

// Meeting is one time that a class meets.
type Meeting struct {
	StartsAt time.Time `json:"starts_at"`
	Minutes  int       `json:"minutes"`
}

// NextMeeting gives the meeting that goes on now or comes next, or nil when the class meets no more. Wall time counts:
// a class at four stays at four when the clocks change.
func NextMeeting(weekly []Slot, startsOn, endsOn string, now time.Time, zone *time.Location) *Meeting {
	first, err1 := time.ParseInLocation(time.DateOnly, startsOn, zone)
	last, err2 := time.ParseInLocation(time.DateOnly, endsOn, zone)
	if err1 != nil || err2 != nil {
		return nil
	}
	// A meeting of yesterday evening may still go on.
	day := now.In(zone).AddDate(0, 0, -1)
	if day.Before(first) {
		day = first
	}
	var next *Meeting
	for range 9 {
		y, m, d := day.Date()
		if time.Date(y, m, d, 0, 0, 0, 0, zone).After(last) {
			break
		}
		for _, s := range weekly {
			at, err := time.Parse("15:04", s.At)
			if err != nil || int(day.Weekday()) != s.Weekday {
				continue
			}
			start := time.Date(y, m, d, at.Hour(), at.Minute(), 0, 0, zone)
			if start.Add(time.Duration(s.Minutes)*time.Minute).After(now) && (next == nil || start.Before(next.StartsAt)) {
				next = &Meeting{start.UTC(), s.Minutes}
			}
		}
		if next != nil {
			break
		}
		day = time.Date(y, m, d+1, 12, 0, 0, 0, zone) // noon exists on every day
	}
	return next
}
