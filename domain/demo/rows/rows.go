// Package rows writes a school's things into a tenant as whole sets, in any state and at any date: what a country of people would have
// left behind in weeks, without anybody having acted. The rows satisfy the schema and are counted against the quotas; nobody is asked
// whether they may, nobody is told, and the audit trail holds only what the caller records. The demo countries are made of it, and so
// are the schools of tests (tests/school).
//
// It knows tables and no room of the domain, so that the tests of every room can stand on it.
package rows

import (
	"context"
	"fmt"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"lignum/domain"
	"lignum/tenants"
	"lignum/tenants/limits"
)

// Copy streams n rows into a table; row gives the i-th.
func Copy(ctx context.Context, tx *tenants.Tx, table string, columns []string, n int, row func(i int) []any) error {
	if n == 0 {
		return nil
	}
	_, err := tx.CopyFrom(ctx, table, columns, pgx.CopyFromSlice(n, func(i int) ([]any, error) { return row(i), nil }))
	if err != nil {
		return fmt.Errorf("%s: %w", table, err)
	}
	return nil
}

// take takes n of a quota, in the transaction that adds the things themselves, or returns domain.OverQuota.
func take(ctx context.Context, tx *tenants.Tx, kind limits.Kind, n int) error {
	if n == 0 {
		return nil
	}
	room, err := limits.Take(ctx, tx, kind, int64(n))
	if err == nil && !room {
		return domain.Refuse(domain.OverQuota, "rows.the_tenants_plan_has_no", "More", n, "Kind", kind)
	}
	return err
}

func idOrNull(id uuid.UUID) any {
	if id == uuid.Nil {
		return nil
	}
	return id
}

func orNull(s string) any {
	if s == "" {
		return nil
	}
	return s
}
