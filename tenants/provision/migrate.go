package provision

import (
	"context"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
	"golang.org/x/sync/errgroup"

	"lignum/tenants"
	"lignum/tenants/audit"
)

//go:embed migrations
var migrations embed.FS

// closeSQL takes from everybody in the database what PostgreSQL gives and no login needs.
//
//go:embed close.sql
var closeSQL string

// migration is one numbered file. Names are "realm/0001_identity" and the like; forward only.
type migration struct{ name, sql, sum string }

// number is the four digits of its name.
func (m migration) number() string {
	_, file, _ := strings.Cut(m.name, "/")
	number, _, _ := strings.Cut(file, "_")
	return number
}

// migrationsOf lists a realm's files in the order they run: by number, those that every realm has (realm) together with its own (tenant, or
// control for the platform), so that a file may name what any file with a lower number made. Each number above lastApart is given once in all
// folders; up to there each folder has numbers of its own, and of two with the same number the realm's comes first.
func migrationsOf(realm tenants.Realm) []migration { return migrationsIn(migrations, realm) }

// lastApart is the last number that a file may share with one of another folder.
const lastApart = "0016"

func migrationsIn(files fs.FS, realm tenants.Realm) []migration {
	own := "tenant"
	if realm.IsPlatform() {
		own = "control"
	}
	var list []migration
	for _, dir := range []string{"realm", own} {
		names, err := fs.Glob(files, "migrations/"+dir+"/*.sql")
		if err != nil {
			panic(err) // only for a bad pattern
		}
		for _, f := range names {
			raw, err := fs.ReadFile(files, f)
			if err != nil {
				panic(err) // it is embedded
			}
			sum := sha256.Sum256(raw)
			name := strings.TrimSuffix(strings.TrimPrefix(f, "migrations/"), ".sql")
			list = append(list, migration{name, string(raw), hex.EncodeToString(sum[:])})
		}
	}
	slices.SortStableFunc(list, func(a, b migration) int { return strings.Compare(a.number(), b.number()) })
	return list
}

// MigrationsHash is a fingerprint of all migrations and of what is closed to everybody: databases with the same one have the
// same tables and rights.
func MigrationsHash() string {
	h := sha256.New()
	fmt.Fprintln(h, closeSQL)
	for _, r := range []tenants.Realm{{}, {Slug: "any"}} {
		for _, m := range migrationsOf(r) {
			fmt.Fprintln(h, m.name, m.sum)
		}
	}
	return hex.EncodeToString(h.Sum(nil))[:16]
}

// Pending lists the migrations that a realm still lacks, as seen with its own login.
func Pending(ctx context.Context, db *tenants.DB) ([]string, error) {
	done := map[string]bool{}
	err := db.ReadFresh(ctx, func(r *tenants.Reader) error {
		rows, err := r.Query(ctx, "SELECT name FROM schema_versions")
		if err != nil {
			return err
		}
		names, err := pgx.CollectRows(rows, pgx.RowTo[string])
		for _, n := range names {
			done[n] = true
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	var pending []string
	for _, m := range migrationsOf(db.Realm()) {
		if !done[m.name] {
			pending = append(pending, m.name)
		}
	}
	return pending, nil
}

// roles are the database roles that a migration's text may name.
type roles struct{ owner, login, gate, autoscale, jobs string }

func (r roles) fill(sql string, schema string) string {
	q := func(s string) string { return pgx.Identifier{s}.Sanitize() }
	return strings.NewReplacer("{{owner}}", q(r.owner), "{{login}}", q(r.login), "{{gate}}", q(r.gate), "{{autoscale}}", q(r.autoscale), "{{jobs}}", q(r.jobs),
		"{{login_literal}}", "'"+strings.ReplaceAll(r.login, "'", "''")+"'", "{{schema}}", q(schema)).Replace(sql)
}

// migrateIn applies what is missing inside the transaction, as the realm's owner, and gives the names applied.
func migrateIn(ctx context.Context, tx pgx.Tx, realm tenants.Realm, r roles) ([]string, error) {
	return applyIn(ctx, tx, realm, r, migrationsOf(realm))
}

func applyIn(ctx context.Context, tx pgx.Tx, realm tenants.Realm, r roles, list []migration) ([]string, error) {
	// The owner may name no schema of another realm: an unqualified name can only mean the realm's own.
	// Two that migrate the realm at once come one after the other, by a lock that its login, which only reads the table, can
	// neither take nor be in the way of.
	setup := r.fill(mostWait+`; SET LOCAL ROLE {{owner}}; SET LOCAL search_path = {{schema}};
		CREATE TABLE IF NOT EXISTS schema_versions (name text PRIMARY KEY, sum text NOT NULL, applied_at timestamptz NOT NULL DEFAULT now());
		REVOKE INSERT, UPDATE, DELETE ON schema_versions FROM {{login}};
		LOCK TABLE schema_versions IN SHARE ROW EXCLUSIVE MODE;`, realm.Schema)
	if _, err := tx.Exec(ctx, setup); err != nil {
		return nil, err
	}
	done := map[string]string{}
	rows, err := tx.Query(ctx, "SELECT name, sum FROM schema_versions")
	if err != nil {
		return nil, err
	}
	var name, sum string
	if _, err := pgx.ForEachRow(rows, []any{&name, &sum}, func() error { done[name] = sum; return nil }); err != nil {
		return nil, err
	}
	var applied []string
	for _, m := range list {
		if was, ok := done[m.name]; ok {
			if was != m.sum {
				return nil, fmt.Errorf("migration %s was changed after it was applied: write a new one instead", m.name)
			}
			continue
		}
		if _, err := tx.Exec(ctx, r.fill("SET LOCAL ROLE {{owner}};\n", realm.Schema)+r.fill(m.sql, realm.Schema)); err != nil {
			return nil, fmt.Errorf("migration %s: %w", m.name, err)
		}
		if _, err := tx.Exec(ctx, "INSERT INTO schema_versions (name, sum) VALUES ($1, $2)", m.name, m.sum); err != nil {
			return nil, err
		}
		applied = append(applied, m.name)
	}
	_, err = tx.Exec(ctx, "RESET ROLE; RESET search_path")
	return applied, err
}

// MigrationResult is what happened to one realm.
type MigrationResult struct {
	Realm   string        `json:"realm"`
	Applied []string      `json:"applied"`
	Took    time.Duration `json:"took"`
	Err     error         `json:"-"`
	Error   string        `json:"error,omitempty"`
}

// MigrateAll brings every realm of the installation up to date, several at a time, and puts its roles back (Repair). Each realm's migrations are one
// transaction: a failure stops that realm alone, which keeps the state it had, and is reported; running it again goes
// on with what is missing. The error is for what stopped the whole run.
func (p *Provisioner) MigrateAll(ctx context.Context, parallel int, progress func(MigrationResult)) ([]MigrationResult, error) {
	if _, err := p.Install(ctx); err != nil {
		return nil, err
	}
	if _, err := p.Repair(ctx, audit.Actor{Name: "lignum", Realm: "platform"}); err != nil {
		return nil, fmt.Errorf("database roles: %w", err)
	}
	conn, err := p.connect(ctx)
	if err != nil {
		return nil, err
	}
	targets, err := tenants.Entity[tenants.Tenant](conn).Select("slug", "schema_name", "login_role", "owner_role").Where("made_at IS NOT NULL").Order("slug").Find(ctx)
	conn.Close(ctx)
	if err != nil {
		return nil, err
	}
	results := make([]MigrationResult, len(targets))
	var mu sync.Mutex
	work := make(chan int)
	group, gctx := errgroup.WithContext(ctx)
	for range max(1, parallel) {
		group.Go(func() error {
			conn, err := p.connect(gctx)
			if err != nil {
				return err
			}
			defer func() { conn.Close(context.WithoutCancel(gctx)) }()
			for i := range work {
				if conn.IsClosed() { // the realm before it may have taken the connection along
					if conn, err = p.connect(gctx); err != nil {
						return err
					}
				}
				t := targets[i]
				start := time.Now()
				res := MigrationResult{Realm: t.Slug}
				for try := 1; ; try++ {
					res.Err = pgx.BeginFunc(gctx, conn, func(tx pgx.Tx) (err error) {
						res.Applied, err = migrateIn(gctx, tx, t.Realm(), p.roles(t.OwnerRole, t.LoginRole))
						return err
					})
					if !tenants.Waited(res.Err) || try == 2 || !p.evict(gctx, conn) {
						break
					}
				}
				res.Took = time.Since(start)
				if res.Err != nil {
					res.Applied, res.Error = nil, res.Err.Error()
				}
				results[i] = res
				if progress != nil {
					mu.Lock()
					progress(res)
					mu.Unlock()
				}
			}
			return nil
		})
	}
	group.Go(func() error {
		defer close(work)
		for i := range targets {
			select {
			case work <- i:
			case <-gctx.Done():
				return gctx.Err()
			}
		}
		return nil
	})
	return results, group.Wait()
}
