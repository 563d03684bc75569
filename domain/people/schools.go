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

// School is a school of a tenant.
type School struct {
	ID       uuid.UUID `json:"id"`
	SourceID *string   `json:"source_id,omitempty"`
	Name     string    `json:"name"`
	Kind     string    `json:"kind"` // secondary, primary, college ...
	Region   string    `json:"region"`
	State    string    `json:"state"` // active, closed
}

// SchoolPage is a page of schools in the order of their names.
type SchoolPage struct {
	Schools []School `json:"schools"`
	Next    string   `json:"next,omitempty"`
}

// Schools lists schools, of one region or (empty) of all. limit is 1 to 200; 0: 50.
func Schools(ctx context.Context, q tenants.Querier, region, after string, limit int) (SchoolPage, error) {
	var page SchoolPage
	if limit == 0 {
		limit = 50
	}
	if limit < 1 || limit > 200 {
		return page, domain.InvalidField("limit", "must be 1 to 200")
	}
	at := []string{"", uuid.Nil.String()}
	if after != "" {
		var err error
		if at, err = readCursor(after, 2); err != nil {
			return page, err
		}
		if _, err := uuid.Parse(at[1]); err != nil {
			return page, badCursor()
		}
	}
	rows, err := q.Query(ctx, `SELECT id, source_id, name, kind, region, state FROM schools WHERE ($1::text = '' OR region = $1::text)
		AND (name, id) > ($2::text, $3::uuid) ORDER BY name, id LIMIT $4::integer`, region, at[0], at[1], limit+1)
	if err != nil {
		return page, err
	}
	if page.Schools, err = pgx.CollectRows(rows, pgx.RowToStructByPos[School]); err != nil {
		return page, err
	}
	if len(page.Schools) > limit {
		page.Schools = page.Schools[:limit]
		page.Next = cursor(page.Schools[limit-1].Name, page.Schools[limit-1].ID.String())
	}
	return page, nil
}

// CreateSchool adds a school by hand. It gives domain.Invalid.
func CreateSchool(ctx context.Context, tx *tenants.Tx, name, kind, region string) (School, error) {
	var p domain.Problems
	checkText(&p, "name", name, 1, 200)
	checkText(&p, "kind", kind, 1, 40)
	checkText(&p, "region", region, 0, 100)
	if len(p) > 0 {
		return School{}, p.Err()
	}
	s := School{ID: audit.NewID(), Name: name, Kind: kind, Region: region, State: "active"}
	if _, err := tx.Exec(ctx, `INSERT INTO schools (id, name, kind, region) VALUES ($1::uuid, $2::text, $3::text, $4::text)`, s.ID.String(), name, kind, region); err != nil {
		return s, err
	}
	tx.Record(audit.Entry{Action: "school.create", ObjectKind: "school", ObjectID: s.ID.String(), After: map[string]any{"name": name, "kind": kind, "region": region}})
	return s, nil
}

// Sweep removes what is over and needed no more: failures and unused cards a day after they stopped to count, sessions and
// used cards after ninety days. For a daily job.
func Sweep(ctx context.Context, tx *tenants.Tx, now time.Time) error {
	long, short := now.Add(-90*24*time.Hour), now.Add(-24*time.Hour)
	var failures, cards, sessions int64
	for _, s := range []struct {
		n    *int64
		sql  string
		args []any
	}{
		{&failures, `DELETE FROM sign_in_failures WHERE last_at < $1::timestamptz AND coalesce(blocked_until, last_at) < $1::timestamptz`, []any{short}},
		{&cards, `DELETE FROM sign_in_cards WHERE used_at IS NULL AND expires_at < $1::timestamptz OR used_at < $2::timestamptz`, []any{short, long}},
		{&sessions, `DELETE FROM sessions WHERE ended_at < $1::timestamptz OR expires_at < $1::timestamptz`, []any{long}},
	} {
		var err error
		if *s.n, err = tx.Exec(ctx, s.sql, s.args...); err != nil {
			return err
		}
	}
	tx.Record(audit.Entry{Action: "sign_in.sweep", After: map[string]any{"failures": failures, "cards": cards, "sessions": sessions}})
	return nil
}
