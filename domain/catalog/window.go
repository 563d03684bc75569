package catalog

import (
	"context"
	"errors"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"lignum/domain"
	"lignum/tenants"
)

// HoldWindow gives when a test that is taught may be started (nil: always), and keeps others from changing it until the
// transaction ends. It gives domain.NotFound. What may stand there is the business of the room that runs the tests.
func HoldWindow(ctx context.Context, tx *tenants.Tx, testID uuid.UUID) (opens, closes *time.Time, err error) {
	// Not FOR UPDATE, which would hold up everybody who starts an attempt at the test.
	err = tx.QueryRow(ctx, `SELECT opens_at, closes_at FROM tests WHERE id = $1::uuid AND active FOR NO KEY UPDATE`, testID.String()).Scan(&opens, &closes)
	if errors.Is(err, pgx.ErrNoRows) {
		err = domain.Errorf(domain.NotFound, "There is no such test.")
	}
	return opens, closes, err
}

// SetWindow stores when a test may be started; nil and nil: always.
func SetWindow(ctx context.Context, tx *tenants.Tx, testID uuid.UUID, opens, closes *time.Time) error {
	_, err := tx.Exec(ctx, `UPDATE tests SET opens_at = $2::timestamptz, closes_at = $3::timestamptz WHERE id = $1::uuid`, testID.String(), opens, closes)
	return err
}
