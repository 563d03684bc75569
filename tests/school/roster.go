package school

import (
	"context"
	"testing"

	"github.com/google/uuid"

	"lignum/tenants"
)

// RosterProblem is what is wrong with a row of a roster.
type RosterProblem struct {
	File, Line    int
	Field, Reason string
}

// Roster adds a roster that somebody brought and that was checked, with its report as it is stored, "" for one of no files, and what is wrong with its rows. What was
// sent is not kept. It gives the run's id.
func Roster(t testing.TB, db *tenants.DB, by uuid.UUID, names, report string, problems ...RosterProblem) uuid.UUID {
	t.Helper()
	id := uuid.New()
	if report == "" {
		report = `{"dry_run": true, "files": []}`
	}
	set(t, db, func(ctx context.Context, tx *tenants.Tx) error {
		if _, err := tx.Exec(ctx, `INSERT INTO roster_runs (id, state, file_names, created_by, created_at, checked_at, refused, report) VALUES ($1::uuid, 'checked', $2::text, $3::uuid, now(), now(), $4::integer, $5::jsonb)`,
			id, names, by, len(problems), report); err != nil {
			return err
		}
		for _, p := range problems {
			if _, err := tx.Exec(ctx, `INSERT INTO roster_problems (run_id, file, line, field, reason) VALUES ($1::uuid, $2::integer, $3::integer, $4::text, $5::text)`, id, p.File, p.Line, p.Field, p.Reason); err != nil {
				return err
			}
		}
		return nil
	})
	return id
}
