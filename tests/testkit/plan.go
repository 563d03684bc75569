package testkit

import (
	"context"
	"encoding/json"
	"slices"
	"testing"

	"github.com/jackc/pgx/v5"

	"lignum/tenants"
)

// Heard hands statements on to a querier and keeps the last of them that reads rows, so that its plan can be looked at.
type Heard struct {
	tenants.Querier
	SQL  string
	Args []any
}

// Query keeps the statement and lets it through.
func (h *Heard) Query(ctx context.Context, sql string, args ...any) (pgx.Rows, error) {
	h.SQL, h.Args = sql, args
	return h.Querier.Query(ctx, sql, args...)
}

// Plan is a node of what PostgreSQL tells of a statement that it ran.
type Plan struct {
	Node    string  `json:"Node Type"`
	Table   string  `json:"Relation Name"`
	Index   string  `json:"Index Name"`
	Rows    float64 `json:"Actual Rows"`
	Loops   float64 `json:"Actual Loops"`
	Removed float64 `json:"Rows Removed by Filter"`
	Recheck float64 `json:"Rows Removed by Index Recheck"`
	Plans   []Plan  `json:"Plans"`
}

// Read tells how many rows of some tables a statement looked at, as often as it did; those that an index alone sorted out are not in it.
func (p Plan) Read(tables ...string) int {
	n := 0.0
	if slices.Contains(tables, p.Table) {
		n = (p.Rows + p.Removed + p.Recheck) * p.Loops
	}
	for _, c := range p.Plans {
		n += float64(c.Read(tables...))
	}
	return int(n)
}

// Scans reports whether a table was read from its beginning, however soon that ended.
func (p Plan) Scans(table string) bool {
	return p.Table == table && p.Node == "Seq Scan" || slices.ContainsFunc(p.Plans, func(c Plan) bool { return c.Scans(table) })
}

// Explain runs the statement that was heard once more, through a direct connection whose search_path is the tenant's, and gives its plan.
func (h *Heard) Explain(t testing.TB, conn *pgx.Conn) Plan {
	t.Helper()
	var raw []byte
	if err := conn.QueryRow(context.Background(), "EXPLAIN (ANALYZE, FORMAT JSON) "+h.SQL, slices.Concat([]any{pgx.QueryExecModeExec}, h.Args)...).Scan(&raw); err != nil {
		t.Fatalf("%s: %v", h.SQL, err)
	}
	var plans []struct{ Plan Plan }
	if err := json.Unmarshal(raw, &plans); err != nil {
		t.Fatal(err)
	}
	return plans[0].Plan
}
