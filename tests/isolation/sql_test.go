// Package isolation shows that one tenant cannot reach another: with a stolen database login (here), and through every
// route of the API.
package isolation

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"lignum/tenants"
	"lignum/tenants/audit"
	"lignum/tests/school"
	"lignum/tests/testkit"
)

func TestMain(m *testing.M) { testkit.Main(m) }

// login connects as a tenant's own role: through PgBouncer as an attacker with its password would, or past it.
func login(t *testing.T, w *testkit.World, slug string, direct bool) *pgx.Conn {
	t.Helper()
	role := w.Tenant(slug).LoginRole
	conn, err := w.As(t, role)
	if err != nil {
		t.Fatal(err)
	}
	if direct { // what the role may do must not hang on the proxy: the superuser's connection becomes the role for good
		conn = w.Direct(t)
		if _, err := conn.Exec(t.Context(), "SET SESSION AUTHORIZATION "+pgx.Identifier{role}.Sanitize()); err != nil {
			t.Fatal(err)
		}
		// A new session of the login begins with what ALTER ROLE gave it.
		if _, err := conn.Exec(t.Context(), "SET search_path = "+w.Tenant(slug).SchemaName); err != nil {
			t.Fatal(err)
		}
	}
	return conn
}

// plant puts a secret into The Bahamas and gives its text.
func plant(t *testing.T, w *testkit.World) string {
	t.Helper()
	const secret = "Bahamian secret"
	err := w.DB("bahamas").Write(t.Context(), w.Actor, func(tx *tenants.Tx) error {
		tx.Record(audit.Entry{Action: "plant", Reason: secret})
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	school.Schools(t, w.DB("bahamas"), school.School{Name: secret, Region: "Nassau"})
	return secret
}

// What PostgreSQL answers to what a login may not.
const (
	denied           = "42501"
	noTable          = "42P01"
	noFunction       = "42883"
	noObject         = "42704"
	noValue          = "22023"
	notInTransaction = "25001" // as a statement of its own it is refused too: TestRefusedOutsideATransaction
	notPrepared      = "55000" // max_prepared_transactions is 0
	reserved         = "42939" // names that begin with pg_, and the role of the session
	unsupported      = "0A000"
	outOfBounds      = "23514"
	readOnly         = "25006" // a login's transactions read, unless they begin as writers
)

// refusals are statements that Jamaica's login tries, each with the SQLSTATE of what it is told.
var refusals = []struct {
	what       string
	code       string
	statements []string
}{
	{"by name, for reading and writing", denied, []string{
		`SELECT name FROM tenant_bahamas.schools`, `SELECT user_name FROM tenant_bahamas.users`, `SELECT reason FROM tenant_bahamas.audit_trail`,
		`SELECT name FROM control.tenants`, `SELECT password_hash FROM control.credentials`, `SELECT sealed_key FROM control.signing_keys`, `SELECT * FROM control.usage_days`,
		`SELECT * FROM control.capacity_forecast`, `SELECT * FROM control.processes`, `SELECT * FROM control.database_capacity`, `SELECT gate.publish_capacity(1, 1)`,
		`INSERT INTO tenant_bahamas.schools (id, name) VALUES (gen_random_uuid(), 'x')`,
		`UPDATE tenant_bahamas.schools SET name = 'x'`, `DELETE FROM tenant_bahamas.schools`, `TRUNCATE tenant_bahamas.idempotency_keys_0`,
		`INSERT INTO control.tenants SELECT * FROM control.tenants`, `COPY tenant_bahamas.schools TO STDOUT`, `LOCK TABLE tenant_bahamas.schools`,
		`SELECT * FROM tenant_bahamas.schools FOR UPDATE`, `EXPLAIN ANALYZE SELECT * FROM tenant_bahamas.schools`, `TABLE tenant_bahamas.schools`,
	}},
	{"becoming somebody else", denied, []string{
		`SET ROLE test_bahamas`, `SET ROLE test_bahamas_owner`, `SET ROLE test_platform`, `SET ROLE test_gate`, `SET ROLE test_jamaica_owner`, `SET ROLE postgres`,
		`SET ROLE pgbouncer_auth`, `SET LOCAL ROLE test_bahamas`, `SET SESSION AUTHORIZATION test_bahamas`, `SET SESSION AUTHORIZATION postgres`,
		`SELECT set_config('role', 'test_bahamas', false)`, `SELECT set_config('session_authorization', 'test_bahamas', false)`, `ALTER ROLE test_jamaica SUPERUSER`,
		`ALTER ROLE test_bahamas PASSWORD 'x'`, `CREATE ROLE thief LOGIN`, `DROP ROLE test_bahamas`, `GRANT test_bahamas TO test_jamaica`,
		`GRANT ALL ON SCHEMA tenant_bahamas TO test_jamaica`, `REASSIGN OWNED BY test_bahamas_owner TO test_jamaica`, `ALTER ROLE test_jamaica CONNECTION LIMIT -1`,
		`ALTER SCHEMA tenant_bahamas OWNER TO test_jamaica`, `ALTER TABLE tenant_bahamas.schools OWNER TO test_jamaica`,
		`ALTER DEFAULT PRIVILEGES FOR ROLE test_bahamas_owner GRANT SELECT ON TABLES TO test_jamaica`,
	}},
	{"changing where names lead", noTable, []string{
		`SET search_path = tenant_bahamas; SELECT name FROM schools WHERE region = 'Nassau'`,
		`SELECT set_config('search_path', 'tenant_bahamas', false); SELECT name FROM schools WHERE region = 'Nassau'`,
	}},
	{"changing where names lead", denied, []string{
		`CREATE VIEW v AS SELECT * FROM tenant_bahamas.schools`, `CREATE TABLE mine (x int)`, `CREATE TEMP TABLE mine (x int)`, `CREATE SCHEMA mine`,
		`CREATE FUNCTION f() RETURNS int LANGUAGE sql AS 'SELECT 1'`, `CREATE TABLE public.mine (x int)`, `CREATE EXTENSION dblink`, `CREATE EXTENSION postgres_fdw`,
		`CREATE RULE r AS ON INSERT TO schools DO ALSO SELECT 1`, `CREATE TRIGGER t BEFORE INSERT ON schools EXECUTE FUNCTION suppress_redundant_updates_trigger()`,
		`DO $$ BEGIN EXECUTE 'SELECT name FROM tenant_bahamas.schools'; END $$`, `DO $$ BEGIN PERFORM name FROM tenant_bahamas.schools; END $$`,
	}},
	{"the narrow door, misused", denied, []string{
		`SELECT gate.caller()`,
		`SELECT gate.set_tenant('bahamas', 'suspended', 'x', 'country', '{}'::jsonb, gen_random_uuid(), '{"action": "x"}'::jsonb)`,
		`ALTER FUNCTION gate.bump(text) OWNER TO test_jamaica`, `CREATE OR REPLACE FUNCTION gate.caller() RETURNS text LANGUAGE sql AS $$ SELECT 'bahamas'::text $$`,
		`SELECT gate.bump('rules'); SELECT n FROM control.versions WHERE slug = 'bahamas'`, `SELECT pgbouncer_lookup.login('test_bahamas')`,
	}},
	{"out of the database", denied, []string{
		`COPY schools TO PROGRAM 'cat'`, `COPY schools FROM '/etc/passwd'`, `COPY schools FROM PROGRAM 'id'`, `SELECT pg_read_file('/etc/passwd')`,
		`SELECT pg_ls_dir('.')`, `SELECT lo_import('/etc/passwd')`, `SELECT lo_export(1, '/tmp/x')`, `SELECT pg_reload_conf()`, `LOAD 'auto_explain'`,
	}},
	{"out of the database", notInTransaction, []string{
		`ALTER SYSTEM SET log_statement = 'all'`,
	}},
	{"out of the database", noFunction, []string{
		`SELECT pg_read_server_files('x')`,
	}},
	{"other people's sessions, passwords and statistics", denied, []string{
		`SELECT rolpassword FROM pg_authid`, `SELECT passwd FROM pg_shadow WHERE passwd IS NOT NULL`,
		`SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'postgres'`,
		`SELECT query FROM pg_stat_activity WHERE usename <> current_user AND query LIKE '%schools%'`, `SELECT stavalues1::text FROM pg_statistic`,
		`SELECT nextval('tenant_bahamas.x')`, `SELECT currtid2('tenant_bahamas.schools', '(0,1)')`,
		`SELECT pg_relation_size('tenant_bahamas.schools') WHERE has_table_privilege('tenant_bahamas.schools', 'SELECT')`,
		`SELECT query_to_xml('SELECT name FROM tenant_bahamas.schools', true, true, '')`, `SELECT table_to_xml('tenant_bahamas.schools', true, true, '')`,
		`SELECT schema_to_xml('tenant_bahamas', true, true, '')`, `SELECT ts_stat('SELECT name::tsvector FROM tenant_bahamas.schools')`,
	}},
	{"other people's sessions, passwords and statistics", noTable, []string{
		`SELECT query FROM pg_stat_statements WHERE query LIKE '%tenant_bahamas%'`,
	}},
	{"other people's sessions, passwords and statistics", notPrepared, []string{
		`PREPARE TRANSACTION 'x'`,
	}},
	{"what the own audit trail and the platform's decisions must not suffer", denied, []string{
		`UPDATE audit_entries SET reason = 'x'`, `DELETE FROM audit_entries`, `TRUNCATE audit_entries`,
		`UPDATE audit_texts SET content = ''`, `DELETE FROM audit_texts`, `TRUNCATE audit_texts`, `UPDATE audit_actors SET name = 'x'`, `DELETE FROM audit_actors`, `TRUNCATE audit_actors`,
		`ALTER FUNCTION erase_from_trail SECURITY INVOKER`, `UPDATE settings SET limits = '{"learners": 999999999}'`,
		`DELETE FROM settings`, `INSERT INTO schema_versions (name, sum) VALUES ('x', 'x')`, `ALTER TABLE audit_entries DISABLE TRIGGER ALL`, `DROP TABLE audit_entries`,
		`UPDATE responses SET response = '{}'`, `DELETE FROM responses`, `UPDATE saves SET responses = '[]'`, `DELETE FROM saves`, `TRUNCATE saves`,
		`UPDATE single_responses SET response = '{}'`, `DELETE FROM single_responses`,
		`INSERT INTO single_responses (attempt_id, position, counter, response) VALUES (gen_random_uuid(), 0, 1, '{}')`,
	}},
	{"the functions of one's schema, which work with the caller's rights", denied, []string{
		`ALTER FUNCTION attempt_facts SECURITY DEFINER`, `ALTER FUNCTION record_entry RESET ALL`, `ALTER FUNCTION store_scores OWNER TO CURRENT_USER`, `DROP FUNCTION latest_answers`,
	}},
	{"the functions of another tenant's schema", denied, []string{
		`SELECT * FROM tenant_bahamas.attempt_facts(gen_random_uuid(), gen_random_uuid())`, `SELECT * FROM tenant_bahamas.latest_answers(ARRAY[gen_random_uuid()])`,
		`SELECT * FROM tenant_bahamas.attempt_records(ARRAY[gen_random_uuid()], NULL, true)`,
		`SELECT tenant_bahamas.record_entry(gen_random_uuid(), '{"action": "x"}')`, `SELECT control.record_entry(gen_random_uuid(), '{"action": "x"}')`,
	}},
	{"locks that are the whole database's", denied, []string{
		`SELECT pg_advisory_lock(1)`, `SELECT pg_advisory_lock_shared(1)`, `SELECT pg_advisory_xact_lock(1)`, `SELECT pg_advisory_xact_lock_shared(1, 2)`,
		`SELECT pg_try_advisory_lock(1)`, `SELECT pg_try_advisory_lock_shared(1, 2)`, `SELECT pg_try_advisory_xact_lock(1)`, `SELECT pg_try_advisory_xact_lock_shared(1)`,
		`SELECT pg_advisory_unlock(1)`, `SELECT pg_advisory_unlock_all()`, `DO $$ BEGIN PERFORM pg_advisory_lock(1); END $$`,
	}},
	{"figures of other tenants: rows, sizes, activity", denied, []string{
		`SELECT n_live_tup FROM pg_stat_all_tables WHERE schemaname = 'tenant_bahamas'`, `SELECT n_live_tup FROM pg_stat_user_tables`,
		`SELECT idx_scan FROM pg_stat_user_indexes`, `SELECT heap_blks_read FROM pg_statio_all_tables`, `SELECT n_tup_ins FROM pg_stat_xact_all_tables`,
		`SELECT pg_stat_get_live_tuples(c.oid) FROM pg_class c`, `SELECT pg_stat_get_tuples_inserted(1)`, `SELECT xact_commit FROM pg_stat_database`,
		`SELECT usename FROM pg_stat_activity`, `SELECT pg_stat_get_activity(NULL)`, `SELECT * FROM pg_stat_ssl`, `SELECT * FROM pg_stat_progress_vacuum`,
		`SELECT * FROM pg_stat_bgwriter`, `SELECT calls FROM pg_stat_user_functions`, `SELECT pid, relation::regclass FROM pg_locks`, `SELECT pg_lock_status()`,
		`SELECT pg_blocking_pids(1)`, `SELECT reltuples FROM pg_class`, `SELECT relpages FROM pg_class WHERE relname = 'schools'`, `SELECT * FROM pg_class`,
		`SELECT pg_relation_size(oid) FROM pg_class`, `SELECT pg_total_relation_size(oid) FROM pg_class`, `SELECT pg_table_size(oid) FROM pg_class`,
		`SELECT pg_indexes_size(oid) FROM pg_class`, `SELECT pg_database_size(current_database())`, `SELECT pg_tablespace_size('pg_default')`,
		`SELECT pg_current_wal_lsn()`, `SELECT * FROM pg_replication_slots`, `SELECT * FROM pg_replication_origin_status`, `SELECT * FROM pg_prepared_xacts`,
		`SELECT * FROM pg_hba_file_rules`, `SELECT * FROM pg_file_settings`, `SELECT * FROM pg_shmem_allocations`, `SELECT * FROM pg_backend_memory_contexts`,
		`SELECT pg_ls_logdir()`, `SELECT pg_stat_file('PG_VERSION')`, `SELECT * FROM pg_statistic`, `SELECT * FROM pg_statistic_ext_data`,
		`SELECT subconninfo FROM pg_subscription`, `SELECT pg_create_logical_replication_slot('x', 'pgoutput')`, `SELECT pg_stat_reset()`,
		`SELECT pg_log_backend_memory_contexts(pg_backend_pid())`, `SET session_replication_role = 'replica'`,
	}},
	{"large objects: data outside every schema", denied, []string{
		`SELECT lo_create(0)`, `SELECT lo_creat(-1)`, `SELECT lo_from_bytea(0, 'x')`, `SELECT lo_put(1, 0, 'x')`, `SELECT lo_get(1)`, `SELECT lo_open(1, 131072)`,
		`SELECT lowrite(0, 'x')`, `SELECT lo_unlink(1)`, `SELECT data FROM pg_largeobject`,
	}},
	{"the own role and its limits", denied, []string{
		`ALTER ROLE CURRENT_USER CREATEROLE`, `ALTER ROLE CURRENT_USER CREATEDB`, `ALTER ROLE CURRENT_USER REPLICATION`, `ALTER ROLE CURRENT_USER BYPASSRLS`,
		`ALTER ROLE CURRENT_USER INHERIT`, `ALTER ROLE CURRENT_USER NOLOGIN`, `ALTER ROLE CURRENT_USER CONNECTION LIMIT 1000`,
		`ALTER ROLE CURRENT_USER VALID UNTIL 'infinity'`, `ALTER ROLE ALL SET statement_timeout = 0`, `ALTER ROLE test_bahamas SET search_path = tenant_jamaica`,
		`ALTER ROLE CURRENT_USER SET log_statement = 'all'`, `ALTER ROLE CURRENT_USER SET session_preload_libraries = 'auto_explain'`,
		`ALTER DATABASE postgres SET statement_timeout = 0`, `GRANT pg_read_all_data TO CURRENT_USER`, `GRANT pg_monitor TO CURRENT_USER`, `GRANT pg_signal_backend TO CURRENT_USER`,
		`GRANT test_jamaica TO test_bahamas`, `COMMENT ON ROLE test_jamaica IS 'x'`, `COMMENT ON TABLE schools IS 'x'`, `COMMENT ON SCHEMA tenant_jamaica IS 'x'`,
		`COMMENT ON DATABASE postgres IS 'x'`, `DROP OWNED BY test_bahamas`, `REASSIGN OWNED BY CURRENT_USER TO test_bahamas`,
		`GRANT CONNECT ON DATABASE postgres TO CURRENT_USER`,
	}},
	{"the own role and its limits", reserved, []string{
		`ALTER ROLE CURRENT_USER RENAME TO thief`,
	}},
	{"the session beyond its own", denied, []string{
		`SET log_min_duration_statement = 0`, `SELECT set_config('log_statement', 'all', false)`, `SET temp_file_limit = -1`,
	}},
	{"the session beyond its own", unsupported, []string{
		`SET TRANSACTION SNAPSHOT '00000003-00000001-1'`,
	}},
	{"making things", denied, []string{
		`CREATE TEMP SEQUENCE s`, `CREATE TEMP VIEW v AS SELECT 1`, `SELECT 1 INTO TEMP x`, `CREATE SEQUENCE s`, `CREATE DOMAIN d AS int`, `CREATE TYPE e AS ENUM ('x')`,
		`CREATE AGGREGATE a (int) (SFUNC = int4pl, STYPE = int)`, `CREATE OPERATOR ## (LEFTARG = int, FUNCTION = int4um)`, `CREATE PUBLICATION p FOR ALL TABLES`,
		`CREATE EVENT TRIGGER e ON ddl_command_start EXECUTE FUNCTION suppress_redundant_updates_trigger()`, `CREATE STATISTICS s ON id, name FROM schools`,
		`CREATE INDEX ON schools (name)`, `CREATE POLICY p ON schools`, `CREATE EXTENSION pg_stat_statements`, `CREATE EXTENSION adminpack`,
		`CREATE CAST (int AS text) WITHOUT FUNCTION`, `ALTER TABLE schools ADD COLUMN x int`, `ALTER TABLE schools DISABLE TRIGGER ALL`, `ANALYZE tenant_bahamas.schools`,
		`CLUSTER schools`, `REINDEX TABLE schools`, `CHECKPOINT`,
	}},
	{"making things", notInTransaction, []string{
		`CREATE SUBSCRIPTION s CONNECTION 'dbname=x' PUBLICATION p`, `CREATE DATABASE mine`, `CREATE TABLESPACE mine LOCATION '/tmp'`, `VACUUM schools`,
	}},
	{"making things", noObject, []string{
		`CREATE SERVER s FOREIGN DATA WRAPPER file_fdw`, `IMPORT FOREIGN SCHEMA x FROM SERVER y INTO z`,
	}},
	{"making things", unsupported, []string{
		`CREATE LANGUAGE plperlu`,
	}},
	{"making things", noValue, []string{
		`SECURITY LABEL ON TABLE schools IS 'x'`,
	}},
	{"locks on what the platform works with", denied, []string{
		`LOCK TABLE audit_entries IN ACCESS EXCLUSIVE MODE`, `LOCK TABLE audit_actors IN SHARE MODE`, `LOCK TABLE audit_texts IN ACCESS EXCLUSIVE MODE`, `LOCK TABLE settings IN ROW EXCLUSIVE MODE`, `LOCK TABLE schema_versions IN SHARE MODE`,
		`LOCK TABLE pg_catalog.pg_authid IN SHARE MODE`, `LOCK TABLE pg_catalog.pg_class IN ROW EXCLUSIVE MODE`, `LOCK TABLE control.tenants`,
		`SELECT * FROM settings FOR UPDATE`, `SELECT * FROM audit_entries FOR SHARE`, `SELECT * FROM audit_actors FOR SHARE`, `SELECT * FROM audit_texts FOR UPDATE`, `DELETE FROM locks`, `SELECT * FROM control.locks`,
		`UPDATE control.locks SET name = name`, `SELECT * FROM control.versions`, `SELECT * FROM control.forecast_turns`,
		`SELECT query_to_xml('SELECT name FROM control.tenants', true, true, '')`,
	}},
	{"the rest", denied, []string{
		`SELECT pg_read_binary_file('PG_VERSION')`, `SELECT pg_terminate_backend(pg_backend_pid())`, `SELECT pg_cancel_backend(pg_backend_pid())`, `SELECT pg_sleep(0)`,
		`SELECT pg_sleep_for('1 ms')`, `SELECT pg_notify('x', 'y')`, `SELECT pg_export_snapshot()`, `SELECT pg_logical_emit_message(true, 'x', 'y')`,
		`SELECT pg_switch_wal()`, `SELECT pg_create_restore_point('x')`, `SELECT pg_rotate_logfile()`, `DO $$ BEGIN EXECUTE 'SET ROLE test_bahamas'; END $$`,
		`COPY (SELECT 1) TO PROGRAM 'id'`, `COPY (SELECT 1) TO '/tmp/x'`, `SELECT setval('tenant_bahamas.x', 1)`,
	}},
	{"the rest", outOfBounds, []string{
		`SELECT gate.bump('registry')`, `SELECT gate.bump(NULL)`,
	}},
	{"the rest", noFunction, []string{
		`SELECT dblink_connect('x')`,
	}},
}

// allowances are statements that the login may run, each with why that is accepted: infra/reach.md says it at more length.
var allowances = []struct {
	why        string
	statements []string
}{
	{"It shows rows of the login's own tables alone, or none: the view, or the function, asks for each table's rights.", []string{
		`SELECT most_common_vals::text FROM pg_stats WHERE schemaname = 'tenant_bahamas'`, `SELECT database_to_xml(true, true, '')`,
		`SELECT pg_get_functiondef('gate.bump'::regproc) WHERE false; SELECT prosrc FROM pg_proc WHERE proname = 'stolen'`,
	}},
	{"Names cannot be hidden: PostgreSQL's functions print them for any number. A tenant's name is its public address, the tables are those of this repository, and what they hold, or how much of it, is not told.", []string{
		`SELECT rolname FROM pg_roles`, `SELECT nspname FROM pg_namespace`, `SELECT relname FROM pg_class`, `SELECT datname FROM pg_database`,
		`SELECT setconfig FROM pg_db_role_setting`, `SELECT description FROM pg_shdescription`, `SELECT objsubid FROM pg_shdepend LIMIT 1`,
		`SELECT name FROM pg_settings LIMIT 1`, `SELECT prosrc FROM pg_proc WHERE pronamespace = 'gate'::regnamespace`, `SELECT conname FROM pg_constraint LIMIT 1`,
		`SELECT attname FROM pg_attribute LIMIT 1`, `SELECT pg_get_userbyid(10)`, `SELECT 1259::regclass`, `SELECT txid_current()`,
	}},
	{"It is of the session, and ends with the transaction: PgBouncer undoes it before the next client comes (TestNothingStaysInASession), and itself ends what no time-out of the session ends (TestPgBouncerEndsWhatHoldsOn).", []string{
		`SET statement_timeout = 0`, `SET lock_timeout = 0`, `SET idle_in_transaction_session_timeout = 0`, `SET row_security = off; SELECT 1`,
		`SELECT set_config('statement_timeout', '0', false)`, `SET max_parallel_workers_per_gather = 64`, `SET work_mem = '1GB'`,
		`SET default_transaction_read_only = off`, `PREPARE p AS SELECT 1`, `DECLARE c CURSOR WITH HOLD FOR SELECT 1`, `SAVEPOINT s`, `LISTEN x`, `UNLISTEN *`,
	}},
	{"Nobody listens: the program has no channel. What is sent is kept in memory of the server until the last listener has it.", []string{
		`NOTIFY x`, `NOTIFY x, 'y'`,
	}},
	{"A block has the rights of its login, and no more.", []string{
		`DO $$ BEGIN LOOP PERFORM 1; EXIT; END LOOP; END $$`,
	}},
	{"PostgreSQL warns, and changes nothing: it is not the login's to give, or to take.", []string{
		`DROP OWNED BY CURRENT_USER`, `GRANT SELECT ON schools TO test_bahamas`, `GRANT USAGE ON SCHEMA tenant_jamaica TO test_bahamas`,
		`GRANT EXECUTE ON FUNCTION gate.bump(text) TO test_bahamas`,
	}},
	{"It is for tables that the login would make, and it may make none.", []string{
		`ALTER DEFAULT PRIVILEGES GRANT SELECT ON TABLES TO PUBLIC`, `ALTER DEFAULT PRIVILEGES IN SCHEMA tenant_jamaica GRANT SELECT ON TABLES TO PUBLIC`,
	}},
	{"PostgreSQL lets every login change this of itself. Provisioner.Repair puts it back, and serving processes warn of it.", []string{
		`ALTER ROLE CURRENT_USER PASSWORD 'x'`, `ALTER ROLE CURRENT_USER SET search_path = public`, `ALTER ROLE CURRENT_USER SET statement_timeout = 0`,
		`ALTER ROLE CURRENT_USER SET lock_timeout = 0`, `ALTER ROLE CURRENT_USER SET idle_in_transaction_session_timeout = 0`,
		`ALTER ROLE CURRENT_USER SET default_transaction_read_only = off`, `ALTER ROLE CURRENT_USER RESET ALL`,
	}},
}

func TestAStolenLoginReachesNothingElse(t *testing.T) {
	w := testkit.New(t)
	secret := plant(t, w)
	for _, direct := range []bool{false, true} {
		name := "through the proxy"
		if direct {
			name = "past the proxy"
		}
		t.Run(name, func(t *testing.T) {
			conn := login(t, w, "jamaica", direct)
			for _, r := range refusals {
				for _, statement := range r.statements {
					if direct && strings.Contains(strings.ToUpper(statement), "SESSION") && strings.Contains(strings.ToUpper(statement), "AUTHORIZATION") {
						continue // here the session's own superuser stands behind it, as never in production; the proxy run shows it
					}
					text, err := try(t.Context(), conn, statement)
					if code := sqlState(err); code != r.code {
						t.Errorf("%s: %s\ngives %q (%v), want %s: %q", r.what, statement, code, err, r.code, text)
					}
					tells(t, statement, text, secret)
				}
			}
			for _, a := range allowances {
				for _, statement := range a.statements {
					text, err := try(t.Context(), conn, statement)
					// Roles are the whole cluster's, and other tests change and leave theirs at the same moment.
					for n := 0; n < 50 && err != nil && strings.Contains(err.Error(), "tuple concurrently "); n++ {
						time.Sleep(20 * time.Millisecond)
						text, err = try(t.Context(), conn, statement)
					}
					if err != nil {
						t.Errorf("%s\nis refused: %v. It can go to the refusals", statement, err)
					}
					tells(t, statement, text, secret)
				}
			}
		})
	}
	var schools, entries, rights int
	err := w.Direct(t).QueryRow(t.Context(), `SELECT (SELECT count(*) FROM tenant_bahamas.schools WHERE name = $1), (SELECT count(*) FROM tenant_bahamas.audit_trail WHERE reason = $1),
		(SELECT count(*) FROM pg_class WHERE relacl::text ~ '/test_jamaica[,}]')`, secret).Scan(&schools, &entries, &rights)
	if err != nil || schools != 1 || entries != 1 || rights != 0 {
		t.Errorf("The Bahamas have changed: %d schools, %d entries, %d rights given away, %v", schools, entries, rights, err)
	}
	if _, err := w.Registry.Tenant("bahamas"); err != nil || w.Tenant("bahamas").State != tenants.Active {
		t.Error("The Bahamas were suspended")
	}
}

// tells fails when a statement showed something of The Bahamas, or a password.
func tells(t *testing.T, statement, text, secret string) {
	t.Helper()
	if strings.Contains(text, secret) || strings.Contains(text, "Bahamas") || strings.Contains(text, "SCRAM-SHA-256") {
		t.Errorf("%s\nshows %q", statement, text)
	}
}

func sqlState(err error) string {
	var pg *pgconn.PgError
	if errors.As(err, &pg) {
		return pg.Code
	}
	return ""
}

// What is refused within a transaction for being in one, is refused on its own for who asks. It comes to nothing, whatever is said.
func TestRefusedOutsideATransaction(t *testing.T) {
	w := testkit.New(t)
	for _, direct := range []bool{false, true} {
		conn := login(t, w, "jamaica", direct)
		for _, statement := range []string{`ALTER SYSTEM SET log_statement = 'all'`, `CREATE DATABASE mine`, `CREATE TABLESPACE mine LOCATION '/tmp'`, `DROP DATABASE postgres`,
			`CREATE SUBSCRIPTION s CONNECTION 'dbname=x' PUBLICATION p`, `ALTER DATABASE postgres SET TABLESPACE pg_default`} {
			want := denied
			if !direct && !strings.HasPrefix(statement, "ALTER SYSTEM") { // here a session's settings end with the transaction, and one that may write would be a transaction
				want = readOnly
			}
			if _, err := conn.PgConn().Exec(t.Context(), statement).ReadAll(); sqlState(err) != want {
				t.Errorf("%s: %v", statement, err)
			}
		}
	}
}

// try runs a text with the simple protocol, which takes several statements at once, as an injection would, in a transaction that
// may write and is rolled back, and gives all that it shows.
func try(ctx context.Context, conn *pgx.Conn, text string) (shown string, err error) {
	if _, err := conn.Exec(ctx, "BEGIN READ WRITE"); err != nil {
		return "", err
	}
	defer func() {
		if _, end := conn.Exec(ctx, "ROLLBACK"); err == nil {
			err = end
		}
	}()
	results := conn.PgConn().Exec(ctx, text)
	all, err := results.ReadAll()
	for _, r := range all {
		for _, row := range r.Rows {
			for _, cell := range row {
				shown += string(cell) + " "
			}
		}
		if r.Err != nil {
			err = r.Err
		}
	}
	return shown, err
}

// What one client does to its session must not be there for the next client of another tenant.
func TestNothingLeaksThroughThePooler(t *testing.T) {
	w := testkit.New(t)
	secret := plant(t, w)
	thief := login(t, w, "jamaica", false)
	for _, q := range []string{`SET search_path = tenant_jamaica, tenant_bahamas`, `SET statement_timeout = 0`} {
		if _, err := thief.Exec(t.Context(), q); err != nil {
			t.Fatal(err)
		}
	}
	for range 50 {
		err := w.DB("bahamas").Read(t.Context(), func(r *tenants.Reader) error {
			var who, name string
			err := r.QueryRow(t.Context(), `SELECT current_user::text, (SELECT name FROM schools WHERE region = 'Nassau')`).Scan(&who, &name)
			if who != "test_bahamas" || name != secret {
				t.Errorf("as %s the schools' table gives %q", who, name)
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
}

// A tenant's password opens no other tenant's door, and no other database.
func TestPasswordsAreOfOneRole(t *testing.T) {
	w := testkit.New(t)
	password := w.Vault.RolePassword(w.Tenant("jamaica").LoginRole)
	for _, role := range []string{"test_bahamas", "test_platform", "test_gate", "postgres", "pgbouncer_auth", "test_jamaica_owner"} {
		dsn := fmt.Sprintf("postgres://%s:%s@%s:%d/%s?sslmode=disable", role, url.QueryEscape(password), w.Cluster.ProxyHost(), w.Cluster.ProxyPort(), w.Database)
		if conn, err := pgx.Connect(t.Context(), dsn); err == nil {
			conn.Close(t.Context())
			t.Errorf("Jamaica's password opens %s", role)
		}
	}
	for _, database := range []string{"postgres", "template1"} {
		dsn := fmt.Sprintf("postgres://test_jamaica:%s@%s:%d/%s?sslmode=disable", password, w.Cluster.ProxyHost(), w.Cluster.ProxyPort(), database)
		if conn, err := pgx.Connect(t.Context(), dsn); err == nil {
			conn.Close(t.Context())
			t.Errorf("Jamaica's login opens database %s", database)
		}
	}
}
