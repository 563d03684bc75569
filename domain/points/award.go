package points

import (
	"context"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"lignum/tenants"
)

// Entry is what one lesson or test brought at one time, by however many rules.
type Entry struct {
	Kind   string    `json:"kind"`  // lesson or test
	ID     uuid.UUID `json:"id"`    // the lesson's or the test's
	Title  string    `json:"title"` // its title, as it is now; "" when it is gone
	Points int       `json:"points"`
	At     time.Time `json:"at"`
}

// Own is a learner's own points.
type Own struct {
	Total   int     `json:"total"`
	Month   int     `json:"month"`   // in the current month
	Listed  bool    `json:"listed"`  // whether others may see the learner on leaderboards
	Decides string  `json:"decides"` // who turns that on: learner or guardian
	Recent  []Entry `json:"recent"`  // the last 20, newest first
}

// Mine returns a learner's own points. today is the tenant's date.
func Mine(ctx context.Context, q tenants.Querier, learnerID uuid.UUID, today time.Time) (*Own, error) {
	b, own := &pgx.Batch{}, &Own{}
	QueueMine(b, learnerID, today, own)
	if err := q.SendBatch(ctx, b).Close(); err != nil {
		return nil, err
	}
	return own, nil
}

// QueueMine adds Mine to a batch: own is filled when the batch is closed.
func QueueMine(b *pgx.Batch, learnerID uuid.UUID, today time.Time, own *Own) {
	b.Queue(`SELECT total, in_month, listed, decides FROM own_points($1::uuid, $2::text)`, learnerID.String(), Month(today)).QueryRow(func(row pgx.Row) error {
		return row.Scan(&own.Total, &own.Month, &own.Listed, &own.Decides)
	})
	b.Queue(`SELECT kind, id, title, points, at FROM recent_points($1::uuid)`, learnerID.String()).Query(func(rows pgx.Rows) (err error) {
		own.Recent, err = pgx.AppendRows([]Entry{}, rows, pgx.RowToStructByPos[Entry])
		return err
	})
}
