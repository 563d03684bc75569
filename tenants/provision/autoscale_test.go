package provision_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"golang.org/x/sync/errgroup"

	"lignum/tenants"
	"lignum/tenants/provision"
	"lignum/tests/testkit"
)

// through is a connection of a role's own.
func through(t *testing.T, w *testkit.World, role string) *pgx.Conn {
	t.Helper()
	conn, err := w.As(t, role)
	if err != nil {
		t.Fatal(err)
	}
	return conn
}

func code(err error) string {
	var pg *pgconn.PgError
	if errors.As(err, &pg) {
		return pg.Code
	}
	return fmt.Sprint(err)
}

const (
	refusedRight = "42501" // insufficient_privilege
	readOnly     = "25006" // read_only_sql_transaction
	outOfBounds  = "23514" // check_violation
)

// entry is one of a forecast, from and until so many hours from now.
func entry(kind string, from, until int, learners any) string {
	at := func(h int) string { return time.Now().UTC().Add(time.Duration(h) * time.Hour).Format(time.RFC3339) }
	return fmt.Sprintf(`{"kind": %q, "id": %q, "starts_at": %q, "ends_at": %q, "learners": %v}`, kind, uuid.NewString(), at(from), at(until), learners)
}

const (
	publish   = `SELECT gate.publish_forecast($1::text::jsonb)`
	insertRow = `INSERT INTO control.capacity_forecast (slug, kind, id, starts_at, ends_at, learners)
		VALUES ('jamaica', 'exam', gen_random_uuid(), now(), now() + interval '1 hour', 1)`
)

func TestOnlyTheTenantItselfPublishesItsForecast(t *testing.T) {
	w, ctx := testkit.New(t), t.Context()
	jamaica, bahamas, platform := through(t, w, "test_jamaica"), through(t, w, "test_bahamas"), through(t, w, "test_platform")
	for conn, n := range map[*pgx.Conn]int{jamaica: 100, bahamas: 7} {
		// A slug among the entry's fields changes nothing: who calls is taken from the login.
		text := "[" + strings.Replace(entry("exam", 1, 2, n), "{", `{"slug": "celearn", `, 1) + "]"
		var changed bool
		if err := testkit.Writes(ctx, conn, publish, []any{text}, &changed); err != nil || !changed {
			t.Fatal(changed, err)
		}
		if err := testkit.Writes(ctx, conn, publish, []any{text}, &changed); err != nil || changed {
			t.Fatal("the same again", changed, err)
		}
	}
	var all string
	err := w.Direct(t).QueryRow(ctx, `SELECT string_agg(slug || ' ' || learners, ', ' ORDER BY slug) FROM control.capacity_forecast`).Scan(&all)
	if err != nil || all != "bahamas 7, jamaica 100" {
		t.Errorf("published: %q, %v", all, err)
	}
	for _, q := range []string{`SELECT * FROM control.capacity_forecast`, `SELECT count(*) FROM control.capacity_forecast WHERE slug = 'jamaica'`,
		insertRow, `UPDATE control.capacity_forecast SET learners = 1`, `DELETE FROM control.capacity_forecast`, `TRUNCATE control.capacity_forecast`} {
		if err := testkit.Writes(ctx, jamaica, q, nil); code(err) != refusedRight {
			t.Errorf("a tenant's login: %s: %v", q, err)
		}
	}
	if err := testkit.Writes(ctx, platform, publish, []any{"[" + entry("exam", 1, 2, 1) + "]"}); code(err) != refusedRight {
		t.Errorf("the platform publishes: %v", err)
	}
	for _, q := range []string{`UPDATE control.capacity_forecast SET learners = 1`, `DELETE FROM control.capacity_forecast`} {
		if err := testkit.Writes(ctx, platform, q, nil); code(err) != refusedRight {
			t.Errorf("the platform's login: %s: %v", q, err)
		}
	}
	// The function itself refuses the platform, whatever rights a mistake gives it.
	if _, err := w.Direct(t).Exec(ctx, `GRANT EXECUTE ON FUNCTION gate.publish_forecast(jsonb) TO test_platform`); err != nil {
		t.Fatal(err)
	}
	if err := testkit.Writes(ctx, platform, publish, []any{"[]"}); code(err) != refusedRight {
		t.Errorf("the platform with the right to call: %v", err)
	}
}

func TestBoundsOfAForecast(t *testing.T) {
	w, ctx := testkit.New(t), t.Context()
	conn := through(t, w, "test_celearn") // a college: 20,000 learners
	many := func(n int) string {
		return "[" + strings.TrimSuffix(strings.Repeat(entry("live", 1, 2, 3)+",", n), ",") + "]"
	}
	for text, want := range map[string]string{
		entry("exam", 2, 1, 1):       outOfBounds,
		entry("exam", 1, 1, 1):       outOfBounds,
		entry("exam", -3, -2, 1):     outOfBounds,
		entry("exam", 1, 61*24, 1):   outOfBounds,
		entry("exam", 1, 2, -1):      outOfBounds,
		entry("exam", 1, 2, 20_001):  outOfBounds,
		entry("exam", 1, 2, 1<<40):   outOfBounds,
		entry("exam", 1, 2, "null"):  outOfBounds,
		entry("party", 1, 2, 1):      outOfBounds,
		`{}`:                         outOfBounds,
		`null`:                       "22023",
		entry("exam", 1, 2, `"1x"`):  "22P02",
		entry("exam", 1, 2, 20_000):  "<nil>",
		entry("live", -20, 1, 0):     "<nil>",
		entry("import", 1, 59*24, 1): "<nil>",
		strings.Replace(entry("exam", 1, 2, 1), `"starts_at": "`, `"starts_at": "-infinity", "x": "`, 1): outOfBounds,
	} {
		if err := testkit.Writes(ctx, conn, publish, []any{"[" + text + "]"}); code(err) != want {
			t.Errorf("%s: %v, want %s", text, err, want)
		}
	}
	for text, want := range map[string]string{`{}`: "22023", `null`: "22023", `1`: "22023", many(2001): "54000"} {
		if err := testkit.Writes(ctx, conn, publish, []any{text}); code(err) != want {
			t.Errorf("%.20s: %v, want %s", text, err, want)
		}
	}
	if err := testkit.Writes(ctx, conn, publish, []any{nil}); code(err) != "22023" {
		t.Errorf("nothing: %v", err)
	}
	if err := testkit.Writes(ctx, conn, publish, []any{many(2)}); code(err) != "21000" {
		t.Errorf("one thing twice: %v", err)
	}
	var rows int
	if err := w.Direct(t).QueryRow(ctx, `SELECT count(*) FROM control.capacity_forecast WHERE slug = 'celearn'`).Scan(&rows); err != nil || rows != 1 {
		t.Errorf("a refused forecast must change nothing: %d rows, %v", rows, err)
	}
}

func TestTheAutoscalersLoginReadsTheForecastAndNothingElse(t *testing.T) {
	w, ctx := testkit.New(t), t.Context()
	if err := testkit.Writes(ctx, through(t, w, "test_jamaica"), publish, []any{"[" + entry("exam", 1, 2, 100) + "]"}); err != nil {
		t.Fatal(err)
	}
	role := provision.AutoscaleRole(testkit.Installation)
	conn := through(t, w, role)
	var slug, zone, state string
	var learners int
	err := conn.QueryRow(ctx, `SELECT slug, t.time_zone, t.state, f.learners FROM control.capacity_forecast f JOIN control.tenants t USING (slug)
		WHERE f.ends_at > now()`).Scan(&slug, &zone, &state, &learners)
	if err != nil || slug != "jamaica" || zone != "America/Jamaica" || state != "active" || learners != 100 {
		t.Errorf("%s %s %s %d %v", slug, zone, state, learners, err)
	}
	for _, q := range []string{
		`SELECT * FROM control.tenants`, `SELECT name FROM control.tenants`, `SELECT limits FROM control.tenants`,
		`SELECT login_role FROM control.tenants`,
		`SELECT * FROM control.usage_days`, `SELECT * FROM control.users`, `SELECT * FROM control.audit_entries`, `SELECT * FROM control.signing_keys`,
		`SELECT * FROM control.versions`, `SELECT * FROM control.schema_versions`, `SELECT * FROM tenant_jamaica.users`, `SELECT * FROM tenant_jamaica.audit_entries`,
		`SELECT * FROM tenant_bahamas.attempts`, `SELECT gate.publish_forecast('[]')`, `SELECT gate.bump('rules')`, `SELECT gate.caller()`,
		`SELECT pgbouncer_lookup.login('test_jamaica')`, `SELECT rolpassword FROM pg_authid`, `SELECT pg_read_file('/etc/passwd')`,
		`SET ROLE test_gate`, `SET ROLE test_jamaica`, `SET ROLE test_platform_owner`, `CREATE TEMP TABLE x (n int)`, `CREATE SCHEMA x`,
	} {
		if err := testkit.Writes(ctx, conn, q, nil); code(err) != refusedRight && !strings.HasPrefix(q, "CREATE") {
			t.Errorf("%s: %v", q, err)
		} else if err == nil {
			t.Errorf("%s was allowed", q)
		}
	}
	// It starts read-only; and when it says otherwise, it still has no right.
	for _, before := range []string{"", "SET TRANSACTION READ WRITE; "} {
		for _, q := range []string{insertRow, `UPDATE control.capacity_forecast SET learners = 1`, `DELETE FROM control.capacity_forecast`,
			`UPDATE control.tenants SET state = 'suspended'`, `CREATE TABLE control.x (n int)`, `CREATE TEMP TABLE x (n int)`} {
			_, err := conn.PgConn().Exec(ctx, "BEGIN; "+before+q).ReadAll()
			if c := code(err); c != refusedRight && (c != readOnly || before != "") {
				t.Errorf("%s%s: %v", before, q, err)
			}
			if _, err := conn.Exec(ctx, "ROLLBACK"); err != nil {
				t.Fatal(err)
			}
		}
	}
	var rights int
	err = w.Direct(t).QueryRow(ctx, `SELECT count(*) FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace, pg_roles r
		WHERE r.rolname = $1 AND n.nspname NOT IN ('pg_catalog', 'information_schema', 'pg_toast') AND c.relkind IN ('r', 'v', 'm', 'p', 'S')
		AND (has_table_privilege(r.oid, c.oid, 'SELECT, INSERT, UPDATE, DELETE, TRUNCATE, REFERENCES, TRIGGER')
			OR c.relkind <> 'S' AND has_any_column_privilege(r.oid, c.oid, 'SELECT, INSERT, UPDATE, REFERENCES'))
		AND c.oid NOT IN ('control.capacity_forecast'::regclass, 'control.tenants'::regclass) AND c.relname NOT LIKE 'pg_stat_statements%'`, role).Scan(&rights)
	if err != nil || rights != 0 {
		t.Errorf("rights in %d other tables, %v", rights, err)
	}
}

// Every process publishes at the same minute: the last one stands, whole.
func TestPublishersOfOneTenantStandInLine(t *testing.T) {
	w, ctx := testkit.New(t), t.Context()
	var group errgroup.Group
	for n := range 8 {
		conn := through(t, w, "test_jamaica")
		list := make([]string, 50+n)
		for i := range list {
			list[i] = entry("live", 1+i, 2+i, n)
		}
		group.Go(func() error {
			for range 5 {
				if err := testkit.Writes(ctx, conn, publish, []any{"[" + strings.Join(list, ",") + "]"}); err != nil {
					return err
				}
			}
			return nil
		})
	}
	if err := group.Wait(); err != nil {
		t.Fatal(err)
	}
	var rows, least, most int
	if err := w.Direct(t).QueryRow(ctx, `SELECT count(*), min(learners), max(learners) FROM control.capacity_forecast`).Scan(&rows, &least, &most); err != nil {
		t.Fatal(err)
	}
	if least != most || rows != 50+most {
		t.Errorf("%d rows, of publishers %d to %d", rows, least, most)
	}
}

func TestNoTenantMayHaveTheAutoscalersName(t *testing.T) {
	if err := tenants.CheckSlug("autoscale"); err == nil {
		t.Error("a tenant of this name would share its login")
	}
}

// An installation of before the forecast gets it with its next Install: the tenants that it has may publish, and the
// autoscaler may sign in.
func TestAnOlderInstallationGetsTheForecast(t *testing.T) {
	w, ctx := testkit.New(t), t.Context()
	if _, err := w.Direct(t).Exec(ctx, `DROP FUNCTION gate.publish_forecast(jsonb); DROP TABLE control.capacity_forecast;
		DELETE FROM control.schema_versions WHERE name = 'control/0003_forecast';
		REVOKE CONNECT ON DATABASE `+w.Database+` FROM test_autoscale`); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if fresh, err := w.Provisioner.Install(ctx); err != nil || fresh {
			t.Fatal(fresh, err)
		}
	}
	if err := testkit.Writes(ctx, through(t, w, "test_jamaica"), publish, []any{"[" + entry("exam", 1, 2, 100) + "]"}); err != nil {
		t.Error(err)
	}
	var rows int
	err := through(t, w, provision.AutoscaleRole(testkit.Installation)).QueryRow(ctx, `SELECT count(*) FROM control.capacity_forecast`).Scan(&rows)
	if err != nil || rows != 1 {
		t.Errorf("the autoscaler sees %d rows, %v", rows, err)
	}
}

func TestOnlyTheAutoscalerSaysHowLargeTheDatabaseIs(t *testing.T) {
	w, ctx := testkit.New(t), t.Context()
	const say = "SELECT gate.publish_capacity(2, 4)"
	write := func(role, q, end string) error {
		conn := through(t, w, role)
		if _, err := conn.Exec(ctx, "BEGIN READ WRITE"); err != nil {
			t.Fatal(err)
		}
		_, err := conn.Exec(ctx, q)
		if _, after := conn.Exec(ctx, end); after != nil {
			t.Fatal(after)
		}
		return err
	}
	for _, role := range []string{"test_jamaica", "test_platform"} {
		for _, q := range []string{say, "INSERT INTO control.database_capacity VALUES ('writer', 1)", "UPDATE control.database_capacity SET cores = 1",
			"DELETE FROM control.database_capacity"} {
			if err := write(role, q, "ROLLBACK"); code(err) != refusedRight {
				t.Errorf("%s: %s: %v", role, q, err)
			}
		}
	}
	for _, q := range []string{"SELECT * FROM control.processes", "INSERT INTO control.processes (id, name) VALUES (gen_random_uuid(), 'x')", "DELETE FROM control.processes"} {
		for _, role := range []string{"test_jamaica", provision.AutoscaleRole("test")} {
			if err := write(role, q, "ROLLBACK"); code(err) != refusedRight {
				t.Errorf("%s: %s: %v", role, q, err)
			}
		}
	}
	for _, q := range []string{"-1, 1", "1, 'NaN'", "'Infinity', 1", "NULL, 1", "1, 4097"} {
		if err := write(provision.AutoscaleRole("test"), "SELECT gate.publish_capacity("+q+")", "ROLLBACK"); code(err) != outOfBounds {
			t.Errorf("%s: %v", q, err)
		}
	}
	if _, err := through(t, w, provision.AutoscaleRole("test")).Exec(ctx, say); code(err) != readOnly {
		t.Errorf("in a transaction that only reads: %v", err)
	}
	if err := write(provision.AutoscaleRole("test"), say, "COMMIT"); err != nil {
		t.Error(err)
	}
}
