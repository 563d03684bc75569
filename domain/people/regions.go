package people

import (
	"context"

	"github.com/jackc/pgx/v5"

	"lignum/tenants"
)

// Regions returns the names of the regions that have schools, at most a thousand: each is found from the one before.
func Regions(ctx context.Context, q tenants.Querier) ([]string, error) {
	rows, err := q.Query(ctx, `WITH RECURSIVE r AS (
			(SELECT region FROM schools WHERE region <> '' ORDER BY region LIMIT 1)
			UNION ALL SELECT (SELECT s.region FROM schools s WHERE s.region > r.region ORDER BY s.region LIMIT 1) FROM r WHERE r.region IS NOT NULL
		) SELECT region FROM r WHERE region IS NOT NULL LIMIT 1000`)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, pgx.RowTo[string])
}
