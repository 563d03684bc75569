package provision_test

import (
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"lignum/tests/testkit"
)

var planCost = regexp.MustCompile(`(?m)^\S.*\(cost=[0-9.]+\.\.([0-9.]+) `)

// The functions that keep their plans reach every table by an index: with enable_seqscan off a whole table is read at a cost that makes PostgreSQL
// compile the plan, which takes a second, and again in each backend. Each function is called with nothing, which makes its plans all the same.
func TestTheFunctionsReadNoTableAsAWhole(t *testing.T) {
	w, ctx := testkit.New(t), t.Context()
	schema := w.Tenant("jamaica").SchemaName
	var plans []string
	cfg := w.Direct(t).Config()
	cfg.OnNotice = func(_ *pgconn.PgConn, n *pgconn.Notice) { plans = append(plans, n.Message) }
	conn, err := pgx.ConnectConfig(ctx, cfg)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(ctx)
	rows, err := conn.Query(ctx, `SELECT p.oid::regproc::text || '(' || array_to_string(ARRAY(SELECT 'NULL::' || format_type(a.t, NULL) FROM unnest(p.proargtypes) WITH ORDINALITY AS a (t, n) ORDER BY a.n), ', ') || ')'
		FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace
		WHERE n.nspname = $1 AND 'enable_seqscan=off' = ANY (p.proconfig) AND p.prorettype <> 'trigger'::regtype ORDER BY 1`, schema)
	if err != nil {
		t.Fatal(err)
	}
	calls, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil || len(calls) < 25 {
		t.Fatalf("%d functions (%v)", len(calls), err)
	}
	if _, err := conn.Exec(ctx, `LOAD 'auto_explain'; SET auto_explain.log_min_duration = 0; SET auto_explain.log_nested_statements = on; SET client_min_messages = log`); err != nil {
		t.Fatal(err)
	}
	for _, call := range calls {
		plans = nil
		tx, err := conn.Begin(ctx)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := tx.Exec(ctx, "SELECT * FROM "+call); err != nil {
			t.Errorf("%s: %v", call, err)
		}
		if err := tx.Rollback(ctx); err != nil {
			t.Fatal(err)
		}
		if len(plans) < 2 {
			t.Errorf("%s has %d plans", call, len(plans))
		}
		for _, plan := range plans {
			for _, m := range planCost.FindAllStringSubmatch(plan, -1) {
				if cost, err := strconv.ParseFloat(m[1], 64); err != nil || cost > 1e6 {
					t.Errorf("%s reads a whole table: %s", call, strings.TrimSpace(plan))
				}
			}
		}
	}
}
