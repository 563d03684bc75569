// Package testkit gives every test a world of its own: a database cloned from a template, with three tenants in it,
// reached through a real PgBouncer by each tenant's own login. All test processes share one cluster, which ends by
// itself when the last of them is gone. A missing PostgreSQL or PgBouncer fails the tests; nothing is skipped.
package testkit

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"log/slog"
	"os"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"lignum/domain/demo/rows"
	"lignum/infra/localcluster"
	"lignum/tenants"
	"lignum/tenants/audit"
	"lignum/tenants/provision"
)

// Installation is the role prefix of the fixture tenants. Their roles are made once and never altered.
const Installation = "test"

// Fixtures are the tenants that every world has.
var Fixtures = []provision.Spec{
	{Slug: "jamaica", Name: "Ministry of Education, Jamaica", Country: "JM", Plan: "country", TimeZone: "America/Jamaica", Locale: "en-JM",
		Currency: "JMD", ExamScheme: "CSEC", Colour: "#14532d", Accent: "#eab308", Admin: admin("jamaica")},
	{Slug: "bahamas", Name: "Department of Education, The Bahamas", Country: "BS", Plan: "country", TimeZone: "America/Nassau", Locale: "en-BS",
		Currency: "BSD", ExamScheme: "BGCSE", Colour: "#155e75", Accent: "#facc15", Admin: admin("bahamas")},
	{Slug: "celearn", Name: "CELEARN", Country: "BS", Plan: "college", TimeZone: "America/Nassau", Locale: "en-BS",
		Currency: "BSD", ExamScheme: "CELEARN certificate", Colour: "#3730a3", Accent: "#f97316", Admin: admin("celearn")},
}

func admin(slug string) provision.Admin {
	return provision.Admin{UserName: "admin1", GivenName: "Ada", FamilyName: "Ministrator", Email: "admin@" + slug + ".example"}
}

var cluster *localcluster.Cluster

// Main is the TestMain of every package that needs a database.
func Main(m *testing.M) {
	localcluster.SuperviseIfAsked()
	os.Exit(run(m))
}

func run(m *testing.M) int {
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	defer cancel()
	c, err := localcluster.Join(ctx, localcluster.Options{Name: Installation, Ephemeral: true,
		Log: slog.New(slog.DiscardHandler), MaxConnections: 400})
	if err != nil {
		fmt.Fprintln(os.Stderr, "tests need PostgreSQL and PgBouncer (make test installs them):", err)
		return 1
	}
	cluster = c
	defer func() {
		if err := c.Stop(); err != nil {
			fmt.Fprintln(os.Stderr, "the tests' cluster:", err)
		}
	}()
	if err := prepareTemplate(ctx); err != nil {
		fmt.Fprintln(os.Stderr, "template database:", err)
		return 1
	}
	return m.Run()
}

// MasterKey is that of all tests; it guards nothing.
var MasterKey = []byte("the test installation's master key, 32+")

// testVault is the vault of all tests.
func testVault() *tenants.Vault {
	v, err := tenants.NewVault(MasterKey)
	if err != nil {
		panic(err)
	}
	return v
}

func provisioner(database string) *provision.Provisioner {
	return &provision.Provisioner{DirectDSN: cluster.DirectDSN(database), Installation: Installation, Vault: testVault(), ProxyRole: "pgbouncer_auth", FirstAdministrator: administrator}
}

// administrator opens the account that every tenant begins with, without a card. The rooms below domain/identity could not import it with this kit; where a test
// is about the invitation, its Provisioner has identity.FirstAdministrator.
func administrator(ctx context.Context, tx *tenants.Tx, realm tenants.Realm, a provision.Admin, now time.Time) (code string, expires time.Time, err error) {
	return "", now, rows.People(ctx, tx, realm, now, []rows.Person{{ID: audit.NewID(), UserName: a.UserName, GivenName: a.GivenName, FamilyName: a.FamilyName, Email: a.Email, Roles: []string{administers}}})
}

// administers is the role of a tenant's first account.
const administers = "tenant_administrator"

func templateName() string {
	return "lignum_template_" + provision.MigrationsHash() + "_" + sourceHash()
}

// prepareTemplate makes the template once for all processes. Its name holds the migrations' hash and it gets that
// name only when it is complete.
func prepareTemplate(ctx context.Context) error {
	conn, err := pgx.Connect(ctx, cluster.DirectDSN("postgres"))
	if err != nil {
		return err
	}
	defer conn.Close(ctx)
	if _, err := conn.Exec(ctx, "SELECT pg_advisory_lock(77001)"); err != nil {
		return err
	}
	var done bool
	if err := conn.QueryRow(ctx, "SELECT EXISTS (SELECT FROM pg_database WHERE datname = $1)", templateName()).Scan(&done); err != nil || done {
		return err
	}
	build := fmt.Sprintf("building_%d", os.Getpid())
	if err := cluster.PrepareDatabase(ctx, build); err != nil {
		return err
	}
	p := provisioner(build)
	if _, err := p.Install(ctx); err != nil {
		return err
	}
	for _, spec := range Fixtures {
		if _, err := p.Create(ctx, spec, audit.Actor{Name: "fixture", Realm: "platform"}); err != nil {
			return fmt.Errorf("tenant %s: %w", spec.Slug, err)
		}
	}
	_, err = conn.Exec(ctx, fmt.Sprintf("ALTER DATABASE %s RENAME TO %s", build, templateName()))
	return err
}

// World is one test's own installation.
type World struct {
	T           testing.TB
	Database    string
	Store       *tenants.Store
	Registry    *tenants.Registry
	Vault       *tenants.Vault
	Provisioner *provision.Provisioner
	Cluster     *localcluster.Cluster
	Actor       audit.Actor // for set-up
}

var counter atomic.Int64

// New clones the template and opens it through PgBouncer. Everything is removed when the test ends.
func New(t testing.TB) *World {
	t.Helper()
	return open(t, templateName())
}

// open clones a template and opens the clone.
func open(t testing.TB, template string) *World {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	suffix := make([]byte, 4)
	rand.Read(suffix)
	w := &World{T: t, Database: fmt.Sprintf("t%d_%s_%d", os.Getpid(), hex.EncodeToString(suffix), counter.Add(1)), Vault: testVault(), Cluster: cluster,
		Actor: audit.Actor{ID: uuid.MustParse("00000000-0000-7000-8000-000000000001"), Name: "setup", Roles: []string{"operator"}, Realm: "platform", Address: "127.0.0.1", RequestID: "setup"}}
	w.clone(ctx, template)
	w.Provisioner = provisioner(w.Database)
	var err error
	w.Store, err = tenants.NewStore(tenants.StoreConfig{Vault: w.Vault, Connections: 20,
		Writer: tenants.Endpoint{Host: cluster.ProxyHost(), Port: cluster.ProxyPort(), Database: w.Database}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(w.Store.Close)
	if w.Registry, err = tenants.NewRegistry(ctx, w.Store.DB(tenants.PlatformRealm(Installation)), "localhost"); err != nil {
		t.Fatal(err)
	}
	return w
}

func (w *World) clone(ctx context.Context, template string) {
	w.T.Helper()
	conn, err := pgx.Connect(ctx, cluster.DirectDSN("postgres"))
	if err != nil {
		w.T.Fatal(err)
	}
	defer conn.Close(ctx)
	grant := fmt.Sprintf("REVOKE ALL ON DATABASE %s FROM PUBLIC; GRANT CONNECT ON DATABASE %s TO pgbouncer_auth, %s_platform, %s",
		w.Database, w.Database, Installation, provision.AutoscaleRole(Installation)+", "+tenants.JobsLogin(Installation))
	for _, f := range Fixtures {
		grant += ", " + Installation + "_" + f.Slug
	}
	// Copying the files costs a third less than writing every page to the log, since nothing here is made durable.
	for _, q := range []string{fmt.Sprintf("CREATE DATABASE %s TEMPLATE %s STRATEGY file_copy", w.Database, template), grant} {
		if _, err := conn.Exec(ctx, q); err != nil {
			w.T.Fatalf("%s: %v", q, err)
		}
	}
	w.T.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
		defer cancel()
		conn, err := pgx.Connect(ctx, cluster.DirectDSN("postgres"))
		if err != nil {
			return // the cluster ends with the tests anyway
		}
		defer conn.Close(ctx)
		if _, err := conn.Exec(ctx, "DROP DATABASE "+w.Database+" WITH (FORCE)"); err != nil {
			w.T.Logf("drop of %s: %v", w.Database, err)
		}
	})
}

// Unbuilt is an installation of the test's own in which nothing is yet: its name, its database, which is prepared and empty, and a superuser's connection to
// the cluster. The database goes with the test, and so do the roles of that installation.
func (w *World) Unbuilt(t testing.TB) (installation, database string, root *pgx.Conn) {
	t.Helper()
	suffix := make([]byte, 4)
	rand.Read(suffix)
	installation, database = "u"+hex.EncodeToString(suffix), "unbuilt_"+hex.EncodeToString(suffix)
	root, err := pgx.Connect(t.Context(), cluster.DirectDSN("postgres"))
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
	if err := cluster.PrepareDatabase(t.Context(), database); err != nil {
		t.Fatal(err)
	}
	return installation, database, root
}

// Tenant is a tenant by slug; the test fails when there is none.
func (w *World) Tenant(slug string) *tenants.Tenant {
	w.T.Helper()
	t, err := w.Registry.Tenant(slug)
	if err != nil {
		w.T.Fatal(err)
	}
	return t
}

// DB is a tenant's data, or with "" the platform's.
func (w *World) DB(slug string) *tenants.DB {
	w.T.Helper()
	if slug == "" {
		return w.Store.DB(tenants.PlatformRealm(Installation))
	}
	return w.Store.DB(w.Tenant(slug).Realm())
}

// Direct is a superuser's connection to the test's database, for looking behind the scenes.
func (w *World) Direct(t testing.TB) *pgx.Conn {
	t.Helper()
	conn, err := pgx.Connect(context.Background(), cluster.DirectDSN(w.Database))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close(context.Background()) })
	return conn
}

// As is a connection of a login's own through PgBouncer, as its owner would open it, or a thief of its password.
func (w *World) As(t testing.TB, role string) (*pgx.Conn, error) {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), fmt.Sprintf("postgres://%s:%s@%s:%d/%s?sslmode=disable&default_query_exec_mode=exec", role, w.Vault.RolePassword(role),
		w.Cluster.ProxyHost(), w.Cluster.ProxyPort(), w.Database))
	if err == nil {
		t.Cleanup(func() { conn.Close(context.Background()) })
	}
	return conn, err
}

// Writes runs one statement in a transaction of its own that may write, as a login's transactions do not unless they say so, and
// reads its first row when there is somewhere to read it to.
func Writes(ctx context.Context, conn *pgx.Conn, statement string, args []any, into ...any) error {
	return pgx.BeginTxFunc(ctx, conn, pgx.TxOptions{AccessMode: pgx.ReadWrite}, func(tx pgx.Tx) error {
		if len(into) > 0 {
			return tx.QueryRow(ctx, statement, args...).Scan(into...)
		}
		_, err := tx.Exec(ctx, statement, args...)
		return err
	})
}
