package people

import (
	"context"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"lignum/tenants"
)

// OthersWith counts the active accounts, besides one, that have any of the roles.
func OthersWith(ctx context.Context, q tenants.Querier, roles []string, besides uuid.UUID) (n int, err error) {
	err = q.QueryRow(ctx, `SELECT count(DISTINCT u.id) FROM users u JOIN user_roles r ON r.user_id = u.id
		WHERE u.state = 'active' AND u.id <> $2::uuid AND r.role = ANY($1::text[])`, roles, besides.String()).Scan(&n)
	return n, err
}

// CountByRole tells how many active accounts have each role, of the sums that the database keeps.
func CountByRole(ctx context.Context, q tenants.Querier) (map[string]int, error) {
	rows, err := q.Query(ctx, `SELECT substr(name, 6), n FROM totals WHERE name LIKE 'role:%'`)
	if err != nil {
		return nil, err
	}
	counts := map[string]int{}
	var role string
	var n int
	_, err = pgx.ForEachRow(rows, []any{&role, &n}, func() error { counts[role] = n; return nil })
	return counts, err
}
