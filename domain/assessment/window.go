package assessment

import (
	"context"
	"time"

	"github.com/google/uuid"

	"lignum/domain"
	"lignum/domain/calendar"
	"lignum/domain/catalog"
	"lignum/tenants"
	"lignum/tenants/audit"
)

// ScheduleTest sets when a test may be started, or with an empty window makes it one that is always open, and gives what
// is stored: in whole seconds of UTC. The entry in the trail tells the window before and after. It never extends or cuts
// an attempt that has begun: the deadline is written into the attempt at its start, and FactsOfStart takes the window of
// whoever has an attempt under way for open. Papers whose answers are shown after the window follow the new one. It gives
// domain.NotFound for a test that is not there or not taught any more, domain.Conflict when somebody else changed the window
// since to.Version was read, and domain.Invalid as calendar.Window.Validate does.
func ScheduleTest(ctx context.Context, tx *tenants.Tx, testID uuid.UUID, to calendar.Window, now time.Time) (calendar.Window, error) {
	before, err := catalog.HoldWindow(ctx, tx, testID)
	if err != nil {
		return before, err
	}
	seen := to.Version
	to = to.Whole()
	if err := domain.CheckVersion(seen, before.Versioned().Version); err != nil {
		return to, err
	}
	if err := to.Validate(now); err != nil {
		return to, err
	}
	err = catalog.SetWindow(ctx, tx, testID, to)
	tx.Record(audit.Entry{Action: "calendar.change", ObjectKind: "test", ObjectID: testID.String(), Before: before.Whole(), After: to})
	return to.Versioned(), err
}
