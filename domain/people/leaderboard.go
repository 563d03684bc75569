package people

import (
	"context"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"lignum/domain"
	"lignum/tenants"
	"lignum/tenants/audit"
)

// Who turns a learner's place on leaderboards on, as the tenant decides (tenants.Branding). Nobody is on one before.
const (
	ByLearner  = "learner"
	ByGuardian = "guardian"
)

// SetListed lets a learner take part in leaderboards, or leave them; by is ByLearner or ByGuardian, who asks for it. Leaving
// is open to both, always. Points are earned either way. It returns domain.NotFound for an account that is not active, and
// domain.Forbidden when somebody takes part in the other's stead.
func SetListed(ctx context.Context, tx *tenants.Tx, learnerID uuid.UUID, listed bool, by string, now time.Time) error {
	var was bool
	var decides string
	err := tx.QueryRow(ctx, `SELECT u.on_leaderboard, b.document ->> 'leaderboard_by' FROM users u CROSS JOIN branding b WHERE u.id = $1::uuid AND u.state = 'active' FOR NO KEY UPDATE OF u`,
		learnerID.String()).Scan(&was, &decides)
	switch {
	case err != nil:
		return notFound(err, "domain.there_is_no_such_user")
	case listed && by != decides && decides == ByGuardian:
		return domain.Refuse(domain.Forbidden, "people.your_parent_or_guardian_decides")
	case listed && by != decides:
		return domain.Refuse(domain.Forbidden, "people.learners_decide_for_themselves_here")
	}
	_, err = tx.Exec(ctx, `UPDATE users SET on_leaderboard = $2::boolean, updated_at = $3::timestamptz WHERE id = $1::uuid`, learnerID.String(), listed, now.UTC())
	recordListed(tx, learnerID, was, listed, by)
	return err
}

// recordListed notes in the trail that a learner's place on leaderboards was turned on or off, and by whom.
func recordListed(tx *tenants.Tx, learnerID uuid.UUID, was, listed bool, by string) {
	tx.Record(audit.Entry{Action: "leaderboard.listed", ObjectKind: "user", ObjectID: learnerID.String(), Before: map[string]bool{"listed": was},
		After: map[string]any{"listed": listed, "by": by}})
}

// ListAll puts many learners on the leaderboards at once, who have all chosen it themselves elsewhere: in data to try things with.
func ListAll(ctx context.Context, tx *tenants.Tx, learners []uuid.UUID, now time.Time) error {
	rows, err := tx.Query(ctx, `UPDATE users SET on_leaderboard = true, updated_at = $2::timestamptz WHERE id = ANY($1::text[]::uuid[]) AND NOT on_leaderboard RETURNING id`,
		texts(learners), now.UTC())
	if err != nil {
		return err
	}
	listed, err := pgx.CollectRows(rows, pgx.RowTo[uuid.UUID])
	for _, id := range listed {
		recordListed(tx, id, false, true, ByLearner)
	}
	return err
}

// UnlistAll takes everybody off the leaderboards, for a tenant that lets somebody else decide from now on.
func UnlistAll(ctx context.Context, tx *tenants.Tx, now time.Time) error {
	n, err := tx.Exec(ctx, `UPDATE users SET on_leaderboard = false, updated_at = $1::timestamptz WHERE on_leaderboard`, now.UTC())
	tx.Record(audit.Entry{Action: "leaderboard.emptied", ObjectKind: "tenant", ObjectID: "leaderboard", After: map[string]any{"learners": n}})
	return err
}
