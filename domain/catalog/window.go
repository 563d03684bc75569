package catalog

import (
	"context"
	"errors"

	"github.com/google/uuid"
	"gorm.io/gorm"

	"lignum/domain"
	"lignum/domain/calendar"
	"lignum/tenants"
)

// scheduled is a test with when it may be started.
type scheduled struct {
	ID uuid.UUID
	calendar.Window
}

// TableName is GORM's.
func (scheduled) TableName() string { return "tests" }

// HoldWindow returns when a test that is taught may be started, and keeps others from changing it until the
// transaction ends; who starts an attempt at the test does not wait. It returns domain.NotFound. What may stand there is for calendar.Window to say.
func HoldWindow(ctx context.Context, tx *tenants.Tx, testID uuid.UUID) (calendar.Window, error) {
	t, err := tenants.Entity[scheduled](tx, tenants.Held).Where("id = ? AND active", testID).Take(ctx)
	if errors.Is(err, gorm.ErrRecordNotFound) {
		err = domain.Refuse(domain.NotFound, "domain.there_is_no_such_test")
	}
	return t.Window, err
}

// SetWindow stores when a test may be started.
func SetWindow(ctx context.Context, tx *tenants.Tx, testID uuid.UUID, w calendar.Window) error {
	_, err := tenants.Entity[scheduled](tx).Select("opens_at", "closes_at").Updates(ctx, scheduled{testID, w})
	return err
}
