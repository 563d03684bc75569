package catalog

import (
	"context"
	"errors"
	"time"

	"github.com/google/uuid"
	"gorm.io/gorm"

	"lignum/domain"
	"lignum/tenants"
)

// window is when a test may be started.
type window struct {
	ID       uuid.UUID
	OpensAt  *time.Time
	ClosesAt *time.Time
}

// TableName is GORM's.
func (window) TableName() string { return "tests" }

// HoldWindow gives when a test that is taught may be started (nil: always), and keeps others from changing it until the
// transaction ends; who starts an attempt at the test does not wait. It gives domain.NotFound. What may stand there is the business of
// the room that runs the tests.
func HoldWindow(ctx context.Context, tx *tenants.Tx, testID uuid.UUID) (opens, closes *time.Time, err error) {
	w, err := tenants.Entity[window](tx, tenants.Held).Where("id = ? AND active", testID).Take(ctx)
	if errors.Is(err, gorm.ErrRecordNotFound) {
		err = domain.Refuse(domain.NotFound, "domain.there_is_no_such_test")
	}
	return w.OpensAt, w.ClosesAt, err
}

// SetWindow stores when a test may be started; nil and nil: always.
func SetWindow(ctx context.Context, tx *tenants.Tx, testID uuid.UUID, opens, closes *time.Time) error {
	_, err := tenants.Entity[window](tx).Select("opens_at", "closes_at").Updates(ctx, window{testID, opens, closes})
	return err
}
