package calendar

import (
	"time"

	"lignum/domain"
)

// LongestWindow is how long a test may be open at most: longer than any sitting with its resits, and short enough that a
// mistyped year is refused.
const LongestWindow = 60 * 24 * time.Hour

// Window is the time in which attempts at a test may be started, from OpensAt until just before ClosesAt. Both are nil for
// a test that is always open. Which test has it, and what becomes of an attempt under way, domain/assessment knows; hot statements there repeat NotYet
// and Over in SQL, and a test holds them to it.
type Window struct {
	OpensAt  *time.Time `json:"opens_at" doc:"The first moment at which an attempt may be started; null, together with closes_at, for always"`
	ClosesAt *time.Time `json:"closes_at" doc:"The moment at which the test closes, at most 60 days later; an attempt started before it ends then at the latest"`

	// Version names what is above. With a change it is the one that was read: the change is refused when there is another now.
	// Empty with a change: it holds whatever was there.
	Version string `json:"version,omitempty" maxLength:"64" doc:"The version that you read: the answer is 409 when somebody else has changed the times since" gorm:"-"`
}

// NotYet reports whether it opens later than at a time.
func (w Window) NotYet(at time.Time) bool { return w.OpensAt != nil && at.Before(*w.OpensAt) }

// Over reports whether it has closed by a time.
func (w Window) Over(at time.Time) bool { return w.ClosesAt != nil && !at.Before(*w.ClosesAt) }

// Versioned returns the window as it is stored, with the name of what it holds.
func (w Window) Versioned() Window {
	w = w.Whole()
	w.Version = domain.Version(w)
	return w
}

// Whole returns the two times in whole seconds of UTC, as they are stored.
func (w Window) Whole() Window {
	second := func(t *time.Time) *time.Time {
		if t == nil {
			return nil
		}
		u := t.UTC().Truncate(time.Second)
		return &u
	}
	return Window{OpensAt: second(w.OpensAt), ClosesAt: second(w.ClosesAt)}
}

// Validate refuses a window that is open at one end, ends before it begins, is longer than LongestWindow or over at the
// given time. It names every field that is wrong.
func (w Window) Validate(now time.Time) error {
	var p domain.Problems
	switch {
	case w.OpensAt == nil && w.ClosesAt == nil:
		return nil
	case w.OpensAt == nil:
		p.Add("opens_at", "calendar.must_be_given_as_well")
	case w.ClosesAt == nil:
		p.Add("closes_at", "calendar.must_be_given_as_well")
	case !w.ClosesAt.After(*w.OpensAt):
		p.Add("closes_at", "calendar.must_be_after_the_time")
	case w.ClosesAt.Sub(*w.OpensAt) > LongestWindow:
		p.Add("closes_at", "calendar.must_be_at_most_60")
	}
	if w.Over(now) {
		p.Add("closes_at", "calendar.must_be_in_the_future")
	}
	return p.Err()
}
