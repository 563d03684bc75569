package tenants_test

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"testing"

	"github.com/jackc/pgx/v5"

	"lignum/tenants"
	"lignum/tests/testkit"
)

// A managed database gives nobody a superuser: its administrator may create roles and databases, and that is all. Tenants
// come and are migrated there all the same, and their logins are members of rds_iam, without a password.
func TestProvisioningNeedsNoSuperuser(t *testing.T) {
	w, ctx := testkit.New(t), t.Context()
	raw := make([]byte, 4)
	rand.Read(raw)
	installation, database := "m"+hex.EncodeToString(raw), "managed_"+hex.EncodeToString(raw)
	master := installation + "_master"
	root, err := pgx.Connect(ctx, w.Cluster.DirectDSN("postgres"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx := context.Background()
		defer root.Close(ctx)
		if _, err := root.Exec(ctx, "DROP DATABASE IF EXISTS "+database+" WITH (FORCE)"); err != nil {
			t.Error(err)
		}
		rows, _ := root.Query(ctx, "SELECT rolname FROM pg_roles WHERE starts_with(rolname, $1)", installation+"_")
		names, err := pgx.CollectRows(rows, pgx.RowTo[string])
		for _, name := range names {
			if err == nil {
				_, err = root.Exec(ctx, "DROP ROLE "+pgx.Identifier{name}.Sanitize())
			}
		}
		if err != nil {
			t.Error(err)
		}
	})
	if err := w.Cluster.PrepareDatabase(ctx, database); err != nil {
		t.Fatal(err)
	}
	for _, q := range []string{
		"DO $$ BEGIN CREATE ROLE rds_iam NOLOGIN; EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL; END $$",
		"CREATE ROLE " + master + " LOGIN CREATEROLE CREATEDB PASSWORD 'the master of a test'",
		"GRANT rds_iam TO " + master + " WITH ADMIN OPTION",
		"ALTER DATABASE " + database + " OWNER TO " + master,
		"GRANT CONNECT ON DATABASE " + database + " TO pgbouncer_auth",
	} {
		if _, err := root.Exec(ctx, q); err != nil {
			t.Fatalf("%s: %v", q, err)
		}
	}
	dsn := fmt.Sprintf("host=%s port=%d user=%s password='the master of a test' dbname=%s sslmode=disable default_query_exec_mode=describe_exec", w.Cluster.ProxyHost(), w.Cluster.ProxyPort(), master, database)
	p := &tenants.Provisioner{DirectDSN: dsn, Installation: installation, Vault: w.Vault, ProxyRole: "pgbouncer_auth", IAM: true}
	if fresh, err := p.Install(ctx); err != nil || !fresh {
		t.Fatalf("install: %v %v", fresh, err)
	}
	for range 2 { // the second tenant finds roles and functions of the first
		spec := testkit.Fixtures[0]
		rand.Read(raw)
		spec.Slug = "t" + hex.EncodeToString(raw)
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
}
