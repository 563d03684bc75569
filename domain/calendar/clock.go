package calendar

import (
	"time"

	"lignum/domain"
)

// Days are counted from 1 January 1970, so that arithmetic with them knows no zone and no change of clocks. Only wall turns one into a moment.

const secondsOfDay = 24 * 60 * 60

// dayOn returns the day that it is in a zone.
func dayOn(at time.Time, zone *time.Location) int {
	_, offset := at.In(zone).Zone()
	return dayAt(at.Unix() + int64(offset))
}

// dayAt returns the day of a number of seconds since its beginning of time, also of one before.
func dayAt(seconds int64) int {
	day := seconds / secondsOfDay
	if seconds%secondsOfDay < 0 {
		day--
	}
	return int(day)
}

// readDay returns the day of a date as it is stored.
func readDay(date string) (day int, ok bool) {
	t, err := time.Parse(time.DateOnly, date)
	return dayAt(t.Unix()), err == nil
}

// CheckDays notes what is wrong with a first and a last day, starts_on and ends_on: they are dates, and the last is not before the first nor more than
// two years after it, so that a mistyped year is refused.
func CheckDays(p *domain.Problems, startsOn, endsOn string) {
	from, err1 := time.Parse(time.DateOnly, startsOn)
	if err1 != nil {
		p.Add("starts_on", "calendar.must_be_a_date_such")
	}
	to, err2 := time.Parse(time.DateOnly, endsOn)
	switch {
	case err2 != nil:
		p.Add("ends_on", "calendar.must_be_a_date_such_as")
	case err1 == nil && to.Before(from):
		p.Add("ends_on", "calendar.must_not_be_before_the")
	case err1 == nil && tooLong(from, to):
		p.Add("ends_on", "calendar.must_be_within_two_years")
	}
}

func tooLong(from, to time.Time) bool { return to.After(from.AddDate(2, 0, 0)) }

// wall returns the moment at which a zone's clocks show a time of a day, told in minutes since its midnight. Where the clocks change it is as RFC 5545
// (3.3.5) says: of a time that they show twice the first, and one that they skip counts as if they had not yet changed, which is as much later
// as they skip.
func wall(day, minutes int, zone *time.Location) time.Time {
	shown := int64(day)*secondsOfDay + int64(minutes)*60
	offset := func(seconds int64) int64 {
		_, offset := time.Unix(seconds, 0).In(zone).Zone()
		return int64(offset)
	}
	// No zone is further from UTC than these: the one hour is before the moment, the other after it.
	before, after := offset(shown-15*60*60), offset(shown+13*60*60)
	at := shown - before
	if before != after && offset(at) != before && offset(shown-after) == after {
		at = shown - after
	}
	return time.Unix(at, 0).UTC()
}

// Begins returns the first moment of a date, which is told as its midnight UTC, in a zone.
func Begins(date time.Time, zone *time.Location) time.Time {
	return wall(dayAt(date.Unix()), 0, zone)
}

// wallFormat is how a browser sends an input of the kind datetime-local: wall time, in minutes.
const wallFormat = "2006-01-02T15:04"

// WriteWall returns a moment as the wall time of a zone, as ReadWall reads it: 2026-11-30T09:00.
func WriteWall(at time.Time, zone *time.Location) string { return at.In(zone).Format(wallFormat) }

// ReadWall reads a wall time of a zone, such as 2026-11-30T09:00; an empty text is no time. Of a time that the clocks show twice it is the first. What
// cannot be read, and a time that the clocks skip when they go forward, it notes as wrong.
func ReadWall(p *domain.Problems, name, text string, zone *time.Location) *time.Time {
	if text == "" {
		return nil
	}
	shown, err := time.Parse(wallFormat, text)
	if err != nil {
		p.Add(name, "calendar.must_be_a_date_and")
		return nil
	}
	at := wall(dayAt(shown.Unix()), shown.Hour()*60+shown.Minute(), zone)
	if WriteWall(at, zone) != text {
		p.Add(name, "calendar.must_be_a_time_that")
	}
	return &at
}
