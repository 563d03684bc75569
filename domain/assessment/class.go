package assessment

import (
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
)

// TestState is a test of a class with what the viewer made of it.
type TestState struct {
	ID       uuid.UUID  `json:"id"`
	Slug     string     `json:"slug"`
	Title    string     `json:"title"`
	Kind     string     `json:"kind"`
	Minutes  int        `json:"minutes"`
	Items    int        `json:"items"`
	Attempts int        `json:"attempts"` // allowed; 0: no limit
	OpensAt  *time.Time `json:"opens_at,omitempty"`
	ClosesAt *time.Time `json:"closes_at,omitempty"`
	Made     int        `json:"made"`           // attempts by the viewer
	Best     *int       `json:"best,omitempty"` // percent of the best marked one
}

// QueueClassTests adds the tests that are taught in a class, with what a viewer made of each, to a batch: tests is filled when the
// batch is closed.
func QueueClassTests(b *pgx.Batch, classID, viewerID uuid.UUID, tests *[]TestState) {
	b.Queue(`SELECT id, slug, title, kind, minutes, items, attempts, opens_at, closes_at, made, best FROM class_tests($1::uuid, $2::uuid)`,
		viewerID.String(), classID.String()).Query(func(rows pgx.Rows) error {
		*tests = make([]TestState, 0, 4)
		var t TestState
		_, err := pgx.ForEachRow(rows, []any{&t.ID, &t.Slug, &t.Title, &t.Kind, &t.Minutes, &t.Items, &t.Attempts, &t.OpensAt, &t.ClosesAt, &t.Made, &t.Best}, func() error {
			*tests = append(*tests, t)
			return nil
		})
		return err
	})
}
