package points

import (
	"context"
	"time"

	"github.com/google/uuid"

	"lignum/domain"
	"lignum/tenants"
	"lignum/tenants/audit"
)

// SetListed lets a learner take part in leaderboards, or leave them. Points are earned either way. It gives
// domain.NotFound for an account that is not active.
func SetListed(ctx context.Context, tx *tenants.Tx, learnerID uuid.UUID, listed bool, now time.Time) error {
	n, err := tx.Exec(ctx, `UPDATE users SET on_leaderboard = $2::boolean, updated_at = $3::timestamptz WHERE id = $1::uuid AND state = 'active'`,
		learnerID.String(), listed, now.UTC())
	if err != nil {
		return err
	}
	if n == 0 {
		return domain.Errorf(domain.NotFound, "There is no such user.")
	}
	tx.Record(audit.Entry{Action: "leaderboard.listed", ObjectKind: "user", ObjectID: learnerID.String(), After: map[string]bool{"listed": listed}})
	return nil
}
