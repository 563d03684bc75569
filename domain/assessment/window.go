package assessment

import (
	"context"
	"time"

	"github.com/google/uuid"

	"lignum/domain"
	"lignum/domain/catalog"
	"lignum/tenants"
	"lignum/tenants/audit"
)

// LongestWindow is how long a test may be open at most: longer than any sitting with its resits, and short enough that a
// mistyped year is refused.
const LongestWindow = 60 * 24 * time.Hour

// Window is the time in which attempts at a test may be started, from OpensAt until just before ClosesAt. Both are nil for
// a test that is always open.
type Window struct {
	OpensAt  *time.Time `json:"opens_at" doc:"The first moment at which an attempt may be started; null together with closes_at: always"`
	ClosesAt *time.Time `json:"closes_at" doc:"When it closes, at most 60 days later: attempts started meanwhile end then at the latest"`

	// Version names what is above. With a change it is the one that was read: the change is refused when there is another now.
	// Empty with a change: it holds whatever was there.
	Version string `json:"version,omitempty" maxLength:"64" doc:"That was read; 409 when somebody else changed the times since"`
}

// versioned gives the window as it is stored, with the name of what it holds.
func (w Window) versioned() Window {
	w = w.whole()
	w.Version = domain.Version(w)
	return w
}

// whole gives the window in whole seconds of UTC, as it is stored.
func (w Window) whole() Window {
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
		p.Add("opens_at", "assessment.must_be_given_as_well")
	case w.ClosesAt == nil:
		p.Add("closes_at", "assessment.must_be_given_as_well")
	case !w.ClosesAt.After(*w.OpensAt):
		p.Add("closes_at", "assessment.must_be_after_the_time")
	case w.ClosesAt.Sub(*w.OpensAt) > LongestWindow:
		p.Add("closes_at", "assessment.must_be_at_most_60")
	}
	if w.ClosesAt != nil && !w.ClosesAt.After(now) {
		p.Add("closes_at", "assessment.must_be_in_the_future")
	}
	return p.Err()
}

// ScheduleTest sets when a test may be started, or with an empty window makes it one that is always open, and gives what
// is stored: in whole seconds of UTC. The entry in the trail tells the window before and after. It never extends or cuts
// an attempt that has begun: the deadline is written into the attempt at its start, and FactsOfStart takes the window of
// whoever has an attempt under way for open. Papers whose answers are shown after the window follow the new one. It gives
// domain.NotFound for a test that is not there or not taught any more, domain.Conflict when somebody else changed the window
// since to.Version was read, and domain.Invalid as Window.Validate does.
func ScheduleTest(ctx context.Context, tx *tenants.Tx, testID uuid.UUID, to Window, now time.Time) (Window, error) {
	var before Window
	var err error
	if before.OpensAt, before.ClosesAt, err = catalog.HoldWindow(ctx, tx, testID); err != nil {
		return Window{}, err
	}
	seen := to.Version
	to = to.whole()
	if err := domain.CheckVersion(seen, before.versioned().Version); err != nil {
		return Window{}, err
	}
	if err := to.Validate(now); err != nil {
		return Window{}, err
	}
	err = catalog.SetWindow(ctx, tx, testID, to.OpensAt, to.ClosesAt)
	tx.Record(audit.Entry{Action: "calendar.change", ObjectKind: "test", ObjectID: testID.String(), Before: before.whole(), After: to})
	return to.versioned(), err
}
