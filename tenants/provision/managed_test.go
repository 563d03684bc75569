package provision_test

import (
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"lignum/domain/identity"
	"lignum/tenants/provision"
	"lignum/tests/testkit"
)

// A managed database gives nobody a superuser: its administrator may create roles and databases, and that is all. Tenants
// come and are migrated there all the same, and their logins are members of rds_iam, without a password.
func TestProvisioningNeedsNoSuperuser(t *testing.T) {
	w, ctx := testkit.New(t), t.Context()
	installation, database, root := w.Unbuilt(t)
	master := installation + "_master"
	for _, q := range []string{
		"DO $$ BEGIN CREATE ROLE rds_iam NOLOGIN; EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL; END $$",
		"CREATE ROLE " + master + " LOGIN CREATEROLE CREATEDB PASSWORD 'the master of a test'",
		"GRANT rds_iam TO " + master + " WITH ADMIN OPTION",
		"ALTER DATABASE " + database + " OWNER TO " + master,
		"GRANT CONNECT ON DATABASE " + database + " TO pgbouncer_auth, " + master,
	} {
		if _, err := root.Exec(ctx, q); err != nil {
			t.Fatalf("%s: %v", q, err)
		}
	}
	dsn := strings.Replace(w.Cluster.DirectDSN(database), "user=postgres", "user="+master+" password='the master of a test'", 1)
	p := &provision.Provisioner{DirectDSN: dsn, Installation: installation, Vault: w.Vault, ProxyRole: "pgbouncer_auth", FirstAdministrator: identity.FirstAdministrator, IAM: true}
	if fresh, err := p.Install(ctx); err != nil || !fresh {
		t.Fatalf("install: %v %v", fresh, err)
	}
	spec := testkit.Fixtures[0]
	for _, spec.Slug = range []string{"first", "second"} { // the second finds roles and functions of the first
		if _, err := p.Create(ctx, spec, w.Actor); err != nil {
			t.Fatalf("create: %v", err)
		}
	}
	if _, err := p.MigrateAll(ctx, 2, nil); err != nil {
		t.Fatalf("migrate: %v", err)
	}
	var logins, tokens int
	if err := root.QueryRow(ctx, `SELECT count(*), count(*) FILTER (WHERE a.rolpassword IS NULL AND pg_has_role(a.oid, 'rds_iam', 'member'))
		FROM pg_authid a WHERE starts_with(a.rolname, $1) AND a.rolcanlogin AND a.rolname <> $2`, installation+"_", master).Scan(&logins, &tokens); err != nil {
		t.Fatal(err)
	}
	if logins < 3 || tokens != logins {
		t.Errorf("of %d logins %d sign in with tokens alone", logins, tokens)
	}
	// What a login changed of itself is put back there too. A password nobody can see, so all are set anew, to none.
	login := installation + "_" + strings.ReplaceAll(spec.Slug, "-", "_")
	if _, err := root.Exec(ctx, "ALTER ROLE "+login+" SET lock_timeout = 0; ALTER ROLE "+login+" PASSWORD 'thief'; REVOKE rds_iam FROM "+login); err != nil {
		t.Fatal(err)
	}
	list, err := p.Repair(ctx, w.Actor)
	if err != nil || len(list) != 1 || list[0].Role != login || list[0].Err != nil || strings.Join(list[0].What, " ") != "settings membership" {
		t.Errorf("%v %v", list, err)
	}
	if list, err = p.Repair(ctx, w.Actor); err != nil || len(list) != 0 {
		t.Errorf("the second time %v %v", list, err)
	}
	var back bool
	if err := root.QueryRow(ctx, `SELECT rolpassword IS NULL AND pg_has_role(oid, 'rds_iam', 'member') FROM pg_authid WHERE rolname = $1`, login).Scan(&back); err != nil || !back {
		t.Errorf("with a password, or without a token: %v", err)
	}
	// Where logins have passwords, that of the vault is there again.
	p.IAM = false
	if _, err := p.Repair(ctx, w.Actor); err != nil {
		t.Fatal(err)
	}
	if _, err := root.Exec(ctx, "ALTER ROLE "+login+" PASSWORD 'thief'"); err != nil {
		t.Fatal(err)
	}
	if _, err := p.Repair(ctx, w.Actor); err != nil {
		t.Fatal(err)
	}
	conn, err := pgx.Connect(ctx, strings.Replace(w.Cluster.DirectDSN(database), "user=postgres", "user="+login+" password="+w.Vault.RolePassword(login), 1))
	if err != nil {
		t.Fatalf("the login does not open with its own password: %v", err)
	}
	conn.Close(ctx)
}
