// Package calendar is when a tenant learns: its terms. The windows of exams and the weekly meetings of classes will come here, and what a tenant decides of
// holidays. Nothing here knows who learns, or what.
package calendar

import (
	"context"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"lignum/domain"
	"lignum/tenants"
)

// Term is a term or another part of the school year.
type Term struct {
	ID       uuid.UUID `json:"id"`
	SourceID string    `json:"source_id"` // its id in the country's own records
	Title    string    `json:"title"`     // 1 to 100 characters
	StartsOn string    `json:"starts_on"` // date, YYYY-MM-DD, the tenant's
	EndsOn   string    `json:"ends_on"`   // the last day, not before the first
}

// TermsBySource gives terms by their ids in the country's own records; those that are not there are left out.
func TermsBySource(ctx context.Context, q tenants.Querier, sources []string) (map[string]*Term, error) {
	rows, err := q.Query(ctx, `SELECT id, source_id, title, to_char(starts_on, 'YYYY-MM-DD'), to_char(ends_on, 'YYYY-MM-DD') FROM terms WHERE source_id = ANY($1::text[])`, sources)
	if err != nil {
		return nil, err
	}
	list, err := pgx.CollectRows(rows, pgx.RowToAddrOfStructByPos[Term])
	terms := make(map[string]*Term, len(list))
	for _, t := range list {
		terms[t.SourceID] = t
	}
	return terms, err
}

// PutTerms adds terms, and changes the title and the days of those whose ids are there, in one statement. Whoever calls it has looked at each of
// them, and records the entry.
func PutTerms(ctx context.Context, tx *tenants.Tx, terms []*Term) error {
	_, err := tx.Exec(ctx, `INSERT INTO terms (id, source_id, title, starts_on, ends_on)
		SELECT r.id, r.source_id, r.title, r.starts_on, r.ends_on
		FROM jsonb_to_recordset($1::jsonb) AS r(id uuid, source_id text, title text, starts_on date, ends_on date)
		ON CONFLICT (id) DO UPDATE SET title = excluded.title, starts_on = excluded.starts_on, ends_on = excluded.ends_on`, domain.Recordset(terms))
	return err
}
