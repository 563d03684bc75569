package provision_test

import (
	"bytes"
	"context"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"lignum/domain/identity"
	"lignum/infra/localcluster"
	"lignum/tenants"
	"lignum/tenants/audit"
	"lignum/tenants/provision"
	"lignum/tests/testkit"
)

// madeTenant provisions a tenant of the test's own, whose roles it may alter.
func madeTenant(t *testing.T, w *testkit.World) *tenants.Tenant {
	t.Helper()
	spec := newSpec(t, w)
	if _, err := w.Provisioner.Create(t.Context(), spec, w.Actor); err != nil {
		t.Fatal(err)
	}
	if err := w.Registry.Refresh(t.Context()); err != nil {
		t.Fatal(err)
	}
	return w.Tenant(spec.Slug)
}

// of narrows what was altered to one tenant's roles.
func of(slug string, list []provision.Altered) []provision.Altered {
	return slices.DeleteFunc(slices.Clone(list), func(a provision.Altered) bool { return a.Realm != slug })
}

// state is all of a role that can be altered, as text.
func state(t *testing.T, conn *pgx.Conn, role string) (text string) {
	t.Helper()
	err := conn.QueryRow(t.Context(), `SELECT concat_ws(' | ', rolsuper, rolinherit, rolcreaterole, rolcreatedb, rolcanlogin, rolreplication, rolbypassrls, rolconnlimit, rolpassword,
			coalesce(nullif(rolvaliduntil, 'infinity')::text, 'for ever'),
			(SELECT string_agg(setdatabase || ' ' || s, ',' ORDER BY setdatabase, s) FROM pg_db_role_setting, unnest(setconfig) s WHERE setrole = a.oid),
			(SELECT string_agg(roleid::regrole::text, ',') FROM pg_auth_members WHERE member = a.oid),
			(SELECT string_agg(x.privilege_type, ',' ORDER BY 1) FROM pg_database d, aclexplode(datacl) x WHERE datname = current_database() AND x.grantee = a.oid),
			(SELECT string_agg(nspname || x.privilege_type, ',' ORDER BY nspname, x.privilege_type) FROM pg_namespace, aclexplode(nspacl) x WHERE x.grantee = a.oid))
		FROM pg_authid a WHERE rolname = $1`, role).Scan(&text)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// A login changes of itself whatever PostgreSQL lets it, and somebody with more rights the rest. Each comes back to what
// provisioning made, is in the platform's trail and in the log, and the second run finds nothing.
func TestARoleIsPutBackAsItWasMade(t *testing.T) {
	w, ctx := testkit.New(t), t.Context()
	direct := w.Direct(t)
	tenant := madeTenant(t, w)
	login, owner := tenant.LoginRole, tenant.OwnerRole
	before, ownerBefore := state(t, direct, login), state(t, direct, owner)
	var said bytes.Buffer
	w.Provisioner.Log = slog.New(slog.NewTextHandler(&said, nil))
	database := pgx.Identifier{w.Database}.Sanitize()
	for _, one := range []struct{ what, itself, other string }{
		{what: "settings", itself: `ALTER ROLE {} SET search_path = pg_catalog`},
		{what: "settings", itself: `ALTER ROLE {} SET statement_timeout = 0`},
		{what: "settings", itself: `ALTER ROLE {} SET lock_timeout = 0`},
		{what: "settings", itself: `ALTER ROLE {} SET idle_in_transaction_session_timeout = 0`},
		{what: "settings", itself: `ALTER ROLE {} SET default_transaction_read_only = off`},
		{what: "settings", itself: `ALTER ROLE {} RESET ALL`},
		{what: "settings", itself: `ALTER ROLE {} RESET lock_timeout`},
		{what: "settings", itself: `ALTER ROLE {} IN DATABASE ` + database + ` SET search_path = public`},
		{what: "settings", itself: `ALTER ROLE {} IN DATABASE postgres SET work_mem = '1GB'`},
		{what: "password", itself: `ALTER ROLE {} PASSWORD 'thief'`},
		{what: "password", itself: `ALTER ROLE {} PASSWORD NULL`},
		{what: "attributes", other: `ALTER ROLE {} SUPERUSER`},
		{what: "attributes", other: `ALTER ROLE {} CREATEROLE CREATEDB INHERIT REPLICATION BYPASSRLS`},
		{what: "attributes", other: `ALTER ROLE {} VALID UNTIL '2001-01-01'`},
		{what: "attributes", other: `ALTER ROLE {} NOLOGIN`},
		{what: "connections", other: `ALTER ROLE {} CONNECTION LIMIT -1`},
		{what: "membership", other: `GRANT pg_read_all_data TO {}`},
		{what: "membership", other: `GRANT ` + owner + ` TO {}`},
		{what: "database", other: `GRANT ALL ON DATABASE ` + database + ` TO {}`},
		{what: "database", other: `REVOKE CONNECT ON DATABASE ` + database + ` FROM {}`},
		{what: "schemas", other: `GRANT USAGE, CREATE ON SCHEMA tenant_bahamas TO {}`},
		{what: "schemas", other: `GRANT CREATE ON SCHEMA ` + tenant.SchemaName + ` TO {}`},
		{what: "schemas", other: `REVOKE USAGE ON SCHEMA ` + tenant.SchemaName + `, gate FROM {}`},
	} {
		said.Reset()
		statement := strings.ReplaceAll(one.itself+one.other, "{}", login)
		conn := direct
		if one.itself != "" {
			var err error
			if conn, err = w.As(t, login); err != nil {
				t.Fatal(err)
			}
		}
		if err := testkit.Writes(ctx, conn, statement, nil); err != nil {
			t.Fatalf("%s: %v", statement, err)
		}
		// Whoever has only the platform's login sees it, but for passwords.
		var seen []provision.Altered
		if err := w.DB("").Read(ctx, func(r *tenants.Reader) (err error) {
			seen, err = provision.AlteredLogins(ctx, r, testkit.Installation, false)
			return err
		}); err != nil {
			t.Fatal(err)
		}
		if seen = of(tenant.Slug, seen); (len(seen) == 1 && slices.Equal(seen[0].What, []string{one.what})) == (one.what == "password") {
			t.Errorf("%s: the platform sees %v", statement, seen)
		}
		list, err := w.Provisioner.Repair(ctx, w.Actor)
		if err != nil {
			t.Fatalf("%s: %v", statement, err)
		}
		if list = of(tenant.Slug, list); len(list) != 1 || list[0].Role != login || !slices.Equal(list[0].What, []string{one.what}) || list[0].Err != nil {
			t.Errorf("%s: put back %v", statement, list)
		}
		if now := state(t, direct, login); now != before {
			t.Errorf("%s: it is\n%s, was\n%s", statement, now, before)
		}
		if !strings.Contains(said.String(), login) || !strings.Contains(said.String(), one.what) {
			t.Errorf("%s: the log says %q", statement, said.String())
		}
		if list, err := w.Provisioner.Repair(ctx, w.Actor); err != nil || len(of(tenant.Slug, list)) != 0 {
			t.Errorf("%s: the second time %v %v", statement, list, err)
		}
		if _, err := w.As(t, login); err != nil {
			t.Errorf("%s: the login does not open: %v", statement, err)
		}
	}
	if _, err := direct.Exec(ctx, "ALTER ROLE "+owner+" LOGIN SUPERUSER; GRANT pg_monitor TO "+owner); err != nil {
		t.Fatal(err)
	}
	if _, err := w.Provisioner.MigrateAll(ctx, 2, nil); err != nil { // which puts back too
		t.Fatal(err)
	}
	if now := state(t, direct, owner); now != ownerBefore {
		t.Errorf("the owner is\n%s, was\n%s", now, ownerBefore)
	}
	var entries int
	var was, back string
	err := direct.QueryRow(ctx, `SELECT count(*) OVER (), before::text, after::text FROM control.audit_trail WHERE action = 'platform.login.repair' AND object_id = $1 ORDER BY id LIMIT 1`, login).
		Scan(&entries, &was, &back)
	if err != nil || entries != 23 || !strings.Contains(was, "search_path=pg_catalog") || !strings.Contains(back, "settings") {
		t.Errorf("%d entries, the first %s, %s, %v", entries, was, back, err)
	}
	if n := strings.Count(was, "SCRAM"); n != 0 {
		t.Error("a verifier is in the trail")
	}
	if _, err := direct.Exec(ctx, "GRANT TEMP ON DATABASE "+database+" TO PUBLIC"); err != nil {
		t.Fatal(err)
	}
	if list, err := w.Provisioner.Repair(ctx, w.Actor); err != nil || len(list) != 1 || list[0].Role != "PUBLIC" {
		t.Errorf("what everybody may: %v %v", list, err)
	}
	if list, err := w.Provisioner.Repair(ctx, w.Actor); err != nil || len(list) != 0 {
		t.Errorf("what everybody may, the second time: %v %v", list, err)
	}
}

// Large objects, where they cannot be closed, are told and not thrown away.
func TestWhatALoginOwnsIsTold(t *testing.T) {
	w, ctx := testkit.New(t), t.Context()
	tenant, direct := madeTenant(t, w), w.Direct(t)
	if _, err := direct.Exec(ctx, "SELECT lo_create(4711); ALTER LARGE OBJECT 4711 OWNER TO "+tenant.LoginRole); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		list, err := w.Provisioner.Repair(ctx, w.Actor)
		if err != nil || len(list) != 1 || !slices.Equal(list[0].What, []string{"owns"}) || list[0].Err == nil {
			t.Errorf("%v %v", list, err)
		}
	}
	if _, err := direct.Exec(ctx, "SELECT lo_unlink(4711)"); err != nil {
		t.Fatal(err)
	}
	if list, err := w.Provisioner.Repair(ctx, w.Actor); err != nil || len(list) != 0 {
		t.Errorf("%v %v", list, err)
	}
}

// Two that put back at once, while the login itself goes on altering, do not fail each other.
func TestRepairsAtOnce(t *testing.T) {
	w, ctx := testkit.New(t), t.Context()
	tenant, direct := madeTenant(t, w), w.Direct(t)
	before := state(t, direct, tenant.LoginRole)
	thief, err := w.As(t, tenant.LoginRole)
	if err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	stop := make(chan struct{})
	wg.Go(func() {
		for {
			select {
			case <-stop:
				return
			default: // it may fail against those that put back, and that is right
				_ = testkit.Writes(ctx, thief, "ALTER ROLE "+tenant.LoginRole+" SET lock_timeout = 0", nil)
			}
		}
	})
	var repairs sync.WaitGroup
	for range 2 {
		repairs.Go(func() {
			for range 10 {
				if _, err := w.Provisioner.Repair(ctx, w.Actor); err != nil {
					t.Error(err)
				}
			}
		})
	}
	repairs.Wait()
	close(stop)
	wg.Wait()
	if _, err := w.Provisioner.Repair(ctx, w.Actor); err != nil {
		t.Error(err)
	}
	if now := state(t, direct, tenant.LoginRole); now != before {
		t.Errorf("it is\n%s, was\n%s", now, before)
	}
}

// Only the altered ones are touched, which is what lasts: how long it takes is the machine's. Of a thousand, one was put back in 1.0 s, nearly all of
// it for working out what a thousand verifiers should be; all of them, in every respect, in 19 s.
func TestRepairOfManyTenants(t *testing.T) {
	dir, err := os.MkdirTemp("", "lignum-repair-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	if err := os.Chmod(dir, 0o711); err != nil {
		t.Fatal(err)
	}
	ctx := t.Context()
	c, err := localcluster.Start(ctx, localcluster.Options{Dir: filepath.Join(dir, "c"), Ephemeral: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := c.Stop(); err != nil {
			t.Error(err)
		}
	})
	if err := c.PrepareDatabase(ctx, "lignum"); err != nil {
		t.Fatal(err)
	}
	vault, err := tenants.NewVault(testkit.MasterKey)
	if err != nil {
		t.Fatal(err)
	}
	p := &provision.Provisioner{DirectDSN: c.DirectDSN("lignum"), Installation: "big", Vault: vault, ProxyRole: "pgbouncer_auth", FirstAdministrator: identity.FirstAdministrator}
	if _, err := p.Install(ctx); err != nil {
		t.Fatal(err)
	}
	direct, err := pgx.Connect(ctx, p.DirectDSN)
	if err != nil {
		t.Fatal(err)
	}
	defer direct.Close(context.Background())
	// The rows and the roles of tenants, without their tables: what putting back looks at. Their logins were never made right.
	if _, err := direct.Exec(ctx, `INSERT INTO control.tenants (slug, id, name, country, state, plan, limits, time_zone, locale, currency, exam_scheme, schema_name, login_role, owner_role)
			SELECT 't' || i || 'x', gen_random_uuid(), 'x', 'JM', 'active', 'school', '{"connections": 20}', 'UTC', 'en', 'JMD', 'x', 'tenant_t' || i, 'big_t' || i, 'big_t' || i || '_owner' FROM generate_series(1, 300) i;
		DO $$ BEGIN FOR i IN 1..300 LOOP
			EXECUTE format('CREATE ROLE big_t%s LOGIN; CREATE ROLE big_t%s_owner NOLOGIN NOINHERIT; CREATE SCHEMA tenant_t%s AUTHORIZATION big_t%s_owner', i, i, i, i);
		END LOOP; END $$`); err != nil {
		t.Fatal(err)
	}
	start := time.Now()
	list, err := p.Repair(ctx, actor)
	if err != nil || len(list) != 300 {
		t.Fatalf("%d put back, %v", len(list), err)
	}
	for _, a := range list {
		if a.Err != nil {
			t.Fatal(a, a.Err)
		}
	}
	all := time.Since(start)
	if _, err := direct.Exec(ctx, "ALTER ROLE big_t150 SET lock_timeout = 0"); err != nil {
		t.Fatal(err)
	}
	before := versions(t, direct)
	start = time.Now()
	if list, err = p.Repair(ctx, actor); err != nil || len(list) != 1 || list[0].Role != "big_t150" {
		t.Fatalf("%v put back, %v", list, err)
	}
	t.Logf("all 300 put back in %s, one of them in %s", all, time.Since(start))
	var touched []string
	for what, version := range versions(t, direct) {
		if before[what] != version {
			touched = append(touched, what)
		}
	}
	if len(before) < 900 || !slices.Contains(touched, "settings of big_t150") || slices.ContainsFunc(touched, func(what string) bool { return !strings.HasSuffix(what, " big_t150") }) {
		t.Errorf("of %d things these were written: %q", len(before), touched)
	}
}

// versions gives for each role, its settings and its schema the transaction that wrote it last.
func versions(t *testing.T, conn *pgx.Conn) map[string]string {
	t.Helper()
	rows, err := conn.Query(t.Context(), `SELECT 'role ' || rolname, xmin::text FROM pg_authid UNION ALL SELECT 'settings of ' || setrole::regrole::text, xmin::text FROM pg_db_role_setting
		UNION ALL SELECT 'schema ' || nspname, xmin::text FROM pg_namespace`)
	if err != nil {
		t.Fatal(err)
	}
	list := map[string]string{}
	var what, version string
	if _, err := pgx.ForEachRow(rows, []any{&what, &version}, func() error { list[what] = version; return nil }); err != nil {
		t.Fatal(err)
	}
	return list
}

var actor = audit.Actor{Name: "setup", Realm: "platform"}

// Of two first installations at once one makes the realm, the other finds it.
func TestFirstInstallsAtOnce(t *testing.T) {
	w, ctx := testkit.New(t), t.Context()
	installation, database, _ := w.Unbuilt(t)
	var wg sync.WaitGroup
	fresh := make([]bool, 4)
	for i := range fresh {
		wg.Go(func() {
			p := &provision.Provisioner{DirectDSN: w.Cluster.DirectDSN(database), Installation: installation, Vault: w.Vault, ProxyRole: "pgbouncer_auth", FirstAdministrator: identity.FirstAdministrator}
			var err error
			if fresh[i], err = p.Install(ctx); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if n := len(slices.DeleteFunc(fresh, func(f bool) bool { return !f })); n != 1 {
		t.Errorf("%d say that they made it", n)
	}
}

// A session that has switched off its login's time-outs, and holds what a migration changes, is ended, not waited for.
func TestMigrationsEndWhoHoldsOn(t *testing.T) {
	w, ctx := testkit.New(t), t.Context()
	tenant, direct := madeTenant(t, w), w.Direct(t)
	// The platform's last migration is to come: it changes tables that each call through the gate looks at.
	if _, err := direct.Exec(ctx, `DELETE FROM control.schema_versions WHERE name = 'control/0004_reach'; DROP TABLE control.forecast_turns;
		ALTER TABLE control.usage_days DROP CONSTRAINT usage_days_day, DROP CONSTRAINT usage_days_figures;
		ALTER TABLE control.capacity_forecast DROP CONSTRAINT capacity_forecast_times, DROP CONSTRAINT capacity_forecast_learners;
		ALTER TABLE control.versions DROP CONSTRAINT versions_slug;
		ALTER TABLE control.tenants DROP CONSTRAINT tenants_state_reason, DROP CONSTRAINT tenants_plan, DROP CONSTRAINT tenants_limits`); err != nil {
		t.Fatal(err)
	}
	// Past the proxy, whose own time-outs would end it: RDS Proxy has none.
	thief, err := pgx.Connect(ctx, strings.Replace(w.Cluster.DirectDSN(w.Database), "user=postgres", "user="+tenant.LoginRole+" password="+w.Vault.RolePassword(tenant.LoginRole), 1))
	if err != nil {
		t.Fatal(err)
	}
	defer thief.Close(context.Background())
	for _, q := range []string{"SET idle_in_transaction_session_timeout = 0", "BEGIN READ WRITE", "SELECT gate.bump('rules')"} {
		if _, err := thief.Exec(ctx, q); err != nil {
			t.Fatalf("%s: %v", q, err)
		}
	}
	time.Sleep(17 * time.Second) // longer than a login's own time-outs let it
	ctx, stop := context.WithTimeout(ctx, time.Minute)
	defer stop()
	results, err := w.Provisioner.MigrateAll(ctx, 2, nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range results {
		if r.Err != nil {
			t.Errorf("%s: %v", r.Realm, r.Err)
		}
	}
	if _, err := thief.Exec(ctx, "SELECT 1"); err == nil {
		t.Error("the session goes on")
	}
}
