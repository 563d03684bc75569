package calendar

import (
	"context"

	"lignum/domain"
	"lignum/tenants"
)

// A country's own records know terms by ids of theirs, and send many at once (domain/roster).

// TermsBySource returns terms by their ids in the country's own records; those that are not there are left out.
func TermsBySource(ctx context.Context, q tenants.Querier, sources []string) (map[string]*Term, error) {
	list, err := tenants.Entity[Term](q).Scopes(tenants.OneOf("source_id", sources)).Find(ctx)
	terms := make(map[string]*Term, len(list))
	for i := range list {
		terms[list[i].SourceID] = &list[i]
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
