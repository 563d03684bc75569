package main

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"lignum/domain/demo"
	"lignum/tenants"
	"lignum/tenants/audit"
	"lignum/tenants/files"
	"lignum/tenants/provision"
	"lignum/tests/school"
	"lignum/tests/testkit"
)

// dataset is a database with tenants in it that is made once and kept under .lignum/bench, since to make it takes longer than to measure
// with it. Parts work on a clone.
type dataset struct {
	name    string
	specs   []provision.Spec
	fill    func(ctx context.Context, b *bench) error // with rows, through b.store
	inPlace bool                                      // too many files for a clone: parts work on it and leave it as they found it
}

var (
	small = &dataset{name: "small", specs: testkit.Fixtures, fill: func(context.Context, *bench) error { return nil }}
	post  = &dataset{name: "post", specs: demo.Specs, fill: fillPost}
)

// fillPost makes a country of the size that the reference reports, and its neighbours.
func fillPost(ctx context.Context, b *bench) error {
	bucket, err := files.Open(ctx, filepath.Join(b.dir, "files"))
	if err != nil {
		return err
	}
	_, err = demo.Post(ctx, demo.NewInput(b.store, b.registry, bucket, tenants.PlatformRealm(installation)))
	return err
}

// manyData is so many tenants with a small class in each.
func manyData(n int) *dataset {
	d := &dataset{name: fmt.Sprintf("tenants%d", n), fill: fillEach, inPlace: true}
	d.specs = append(d.specs, testkit.Fixtures...)
	for i := len(d.specs); i < n; i++ {
		d.specs = append(d.specs, landSpec(fmt.Sprintf("land%03d", i)))
	}
	return d
}

func landSpec(slug string) provision.Spec {
	spec := testkit.Fixtures[0]
	spec.Slug, spec.Name = slug, "Country "+slug
	return spec
}

// fillEach puts a small class into each tenant.
func fillEach(ctx context.Context, b *bench) error {
	for _, t := range b.registry.Tenants() {
		if _, err := school.Fill(ctx, b.store.DB(t.Realm()), 10, 2); err != nil {
			return err
		}
	}
	return nil
}

// on lets a part work on a dataset with the quotas of its tenants' plans, and serves it by a fresh API.
func (b *bench) on(ctx context.Context, d *dataset) error {
	b.stop()
	b.leave()
	if err := b.enter(ctx, d); err != nil {
		return err
	}
	return b.serve(ctx)
}

// enter opens a dataset, or a clone of it.
func (b *bench) enter(ctx context.Context, d *dataset) error {
	kept, err := b.keep(ctx, d)
	if err != nil {
		return err
	}
	database := kept
	if !d.inPlace {
		database = working
		err = b.administer(ctx, "DROP DATABASE IF EXISTS "+working+" WITH (FORCE)", "CREATE DATABASE "+working+" TEMPLATE "+kept+" STRATEGY file_copy")
		if err != nil {
			return err
		}
		if err := b.admit(ctx, working); err != nil {
			return err
		}
	}
	// The logins are the cluster's, and may be of another version than the database.
	if _, err := b.provisionerOf(database).Repair(ctx, audit.Actor{Name: "bench"}); err != nil {
		return err
	}
	return b.open(ctx, database)
}

// keep returns the name of a dataset's database, which is made unless it is there.
func (b *bench) keep(ctx context.Context, d *dataset) (string, error) {
	key, err := sources()
	if err != nil {
		return "", err
	}
	name := "kept_" + d.name + "_" + key
	conn, err := pgx.Connect(ctx, b.cluster.DirectDSN("postgres"))
	if err != nil {
		return "", err
	}
	defer conn.Close(context.WithoutCancel(ctx))
	rows, err := conn.Query(ctx, "SELECT datname FROM pg_database WHERE datname LIKE 'kept\\_' || $1 || '\\_%' OR datname LIKE 'building\\_%'", d.name)
	if err != nil {
		return "", err
	}
	found, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		return "", err
	}
	for _, database := range found {
		if database == name {
			return name, nil
		}
		if err := b.administer(ctx, "DROP DATABASE "+database+" WITH (FORCE)"); err != nil {
			return "", err
		}
	}
	fmt.Printf("making the data of %q, once (it is kept under .lignum/bench) ...\n", d.name)
	began := time.Now()
	building := "building_" + d.name
	if err := b.build(ctx, d, building); err != nil {
		return "", fmt.Errorf("data of %s: %w", d.name, err)
	}
	// PgBouncer holds on to connections that it opened; with one of them the database keeps its name.
	err = b.administer(ctx, "ALTER DATABASE "+building+" ALLOW_CONNECTIONS false",
		"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '"+building+"'", "SELECT pg_sleep(1)",
		"ALTER DATABASE "+building+" RENAME TO "+name, "ALTER DATABASE "+name+" ALLOW_CONNECTIONS true")
	fmt.Printf("made in %.0f s\n", time.Since(began).Seconds())
	return name, err
}

func (b *bench) build(ctx context.Context, d *dataset, database string) error {
	if err := b.cluster.PrepareDatabase(ctx, database); err != nil {
		return err
	}
	p := b.provisionerOf(database)
	if _, err := p.Install(ctx); err != nil {
		return err
	}
	for _, spec := range d.specs {
		if _, err := p.Create(ctx, spec, audit.Actor{Name: "bench"}); err != nil {
			return err
		}
	}
	if err := b.open(ctx, database); err != nil {
		return err
	}
	defer b.leave()
	if err := d.fill(ctx, b); err != nil {
		return err
	}
	return b.directly(ctx, database, "VACUUM ANALYZE", "CHECKPOINT")
}

// admit lets the tenants' logins into a clone, which has no grants of the database that it was made from.
func (b *bench) admit(ctx context.Context, database string) error {
	if err := b.cluster.PrepareDatabase(ctx, database); err != nil {
		return err
	}
	return b.directly(ctx, database, fmt.Sprintf(`DO $$ DECLARE login name; BEGIN
		FOR login IN SELECT login_role FROM control.tenants UNION SELECT %s UNION SELECT %s LOOP
			EXECUTE format('GRANT CONNECT ON DATABASE %s TO %%I', login);
		END LOOP; END $$`, quote(tenants.PlatformRealm(installation).Login), quote(provision.AutoscaleRole(installation)), database))
}

func quote(text string) string { return "'" + strings.ReplaceAll(text, "'", "''") + "'" }

// administer runs statements beside the databases, one transaction each.
func (b *bench) administer(ctx context.Context, statements ...string) error {
	return b.directly(ctx, "postgres", statements...)
}

// directly runs statements in a database as its superuser, one transaction each.
func (b *bench) directly(ctx context.Context, database string, statements ...string) error {
	conn, err := pgx.Connect(ctx, b.cluster.DirectDSN(database))
	if err != nil {
		return err
	}
	defer conn.Close(context.WithoutCancel(ctx))
	for _, s := range statements {
		if _, err := conn.Exec(ctx, s); err != nil {
			return fmt.Errorf("%s: %w", clip(s, 200), err)
		}
	}
	return nil
}

// sources is a hash of all that datasets are made from: the migrations, the demo's code, the packs, the roles. The demo's dates end on the
// day on which it is made, so that it is made anew each month.
func sources() (string, error) {
	h := sha256.New()
	fmt.Fprintln(h, provision.MigrationsHash(), time.Now().UTC().Format("2006-01"), testkit.Fixtures)
	if err := hashFiles(h, "."); err != nil {
		return "", errors.Join(errors.New("run the benchmark from the repository's root"), err)
	}
	return hex.EncodeToString(h.Sum(nil))[:12], nil
}

// hashFiles writes the hashes of all files that make data, of the repository at root.
func hashFiles(h io.Writer, root string) error {
	for _, dir := range []string{"domain/demo", "domain/catalog/packs", "policy", "tests/school", "tests/growth/load.go"} {
		err := filepath.WalkDir(filepath.Join(root, dir), func(path string, entry fs.DirEntry, err error) error {
			if err != nil || entry.IsDir() || strings.HasSuffix(path, "_test.go") {
				return err
			}
			raw, err := os.ReadFile(path)
			fmt.Fprintf(h, "%s %x\n", path, sha256.Sum256(raw))
			return err
		})
		if err != nil {
			return err
		}
	}
	return nil
}
