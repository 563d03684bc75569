package provision_test

import (
	"context"
	"io/fs"
	"maps"
	"path"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/jackc/pgx/v5"

	"lignum/tenants"
	"lignum/tenants/provision"
	"lignum/tests/testkit"
)

// Above those that were numbered apart no number is given twice, in whatever folders: else two files would run in an order that depends
// on their names.
func TestEachMigrationHasItsNumber(t *testing.T) {
	files, err := fs.Glob(provision.MigrationFiles, "migrations/*/*.sql")
	if err != nil || len(files) < 20 {
		t.Fatalf("%d files, %v", len(files), err)
	}
	if twice := numberedTwice(files); len(twice) > 0 {
		t.Errorf("have a number that another has: %v", twice)
	}
	planted := append(files, "migrations/realm/9998_a.sql", "migrations/control/9998_b.sql", "migrations/tenant/17_c.sql")
	if twice := numberedTwice(planted); len(twice) != 2 {
		t.Errorf("of two planted ones %v are seen", twice)
	}
}

func numberedTwice(files []string) (bad []string) {
	seen := map[string]bool{}
	for _, f := range files {
		number, _, _ := strings.Cut(path.Base(f), "_")
		key := number
		if number <= provision.LastApart {
			key = path.Dir(f) + number
		}
		if len(number) != 4 || seen[key] {
			bad = append(bad, f)
		}
		seen[key] = true
	}
	return bad
}

// However a schema came to be, it ends as that of a new tenant: from whatever state an earlier program left it in, which ran what all realms
// have before what tenants have, or from the middle of today's order. A later file may name what any earlier one made.
func TestEveryHistoryEndsInTheSameSchema(t *testing.T) {
	w := testkit.New(t)
	super := w.Direct(t)
	var owner, login string
	if err := super.QueryRow(t.Context(), "SELECT owner_role, login_role FROM control.tenants WHERE slug = 'jamaica'").Scan(&owner, &login); err != nil {
		t.Fatal(err)
	}
	histories{w: w, super: super, realm: tenants.Realm{Slug: "any", Schema: "history", Login: login}, owner: owner, schemas: []string{"history"}, least: 400,
		begin: "CREATE SCHEMA history AUTHORIZATION {{owner}}",
		late: [3][2]string{
			{"realm/9997_late", "ALTER TABLE users ADD COLUMN favourite uuid; ALTER TABLE classes ADD COLUMN late text; ALTER TABLE users ADD FOREIGN KEY (favourite) REFERENCES classes;"},
			{"tenant/9998_later", "CREATE INDEX favourites ON users (favourite) WHERE favourite IS NOT NULL;"},
			{"realm/9999_last", "DROP INDEX favourites; CREATE INDEX favourites ON users (favourite, id);"}},
	}.compare(t)
}

// The same of the platform's own schema, with the door between schemas, which its files make.
func TestEveryHistoryOfThePlatformEndsInTheSameSchema(t *testing.T) {
	w := testkit.New(t)
	super := w.Direct(t)
	var owner string
	if err := super.QueryRow(t.Context(), "SELECT nspowner::regrole::text FROM pg_namespace WHERE nspname = 'control'").Scan(&owner); err != nil {
		t.Fatal(err)
	}
	histories{w: w, super: super, realm: tenants.PlatformRealm(testkit.Installation), owner: owner, schemas: []string{"control", "gate", "jobs"}, least: 150,
		begin: "DROP SCHEMA control, gate CASCADE; DROP TABLE jobs.kinds; DROP INDEX jobs.river_job_unfinished, jobs.river_job_of, jobs.river_job_running; CREATE SCHEMA control AUTHORIZATION {{owner}}",
		late: [3][2]string{
			{"realm/9997_late", "ALTER TABLE users ADD COLUMN favourite text; ALTER TABLE tenants ADD COLUMN late text;"},
			{"control/9998_later", "CREATE INDEX favourites ON users (favourite) WHERE favourite IS NOT NULL;"},
			{"realm/9999_last", "DROP INDEX favourites; CREATE INDEX favourites ON users (favourite, id);"}},
	}.compare(t)
}

// histories are those of a realm.
type histories struct {
	w       *testkit.World
	super   *pgx.Conn
	realm   tenants.Realm
	owner   string
	begin   string // makes its schema, empty
	schemas []string
	least   int          // so many things are in them at least
	late    [3][2]string // names and statements of files after all others: the last one undoes what the one before made
}

// compare fails where a history ends otherwise than that of a new realm.
func (h histories) compare(t *testing.T) {
	t.Helper()
	files := fstest.MapFS{}
	add := func(name, sql string) { files["migrations/"+name+".sql"] = &fstest.MapFile{Data: []byte(sql)} }
	for _, name := range provision.MigrationNames(provision.MigrationFiles, h.realm) {
		raw, err := fs.ReadFile(provision.MigrationFiles, "migrations/"+name+".sql")
		if err != nil {
			t.Fatal(err)
		}
		add(name, string(raw))
	}
	var last []string
	for _, f := range h.late {
		add(f[0], f[1])
		last = append(last, f[0])
	}
	order := provision.MigrationNames(files, h.realm)
	if late := order[len(order)-3:]; !slices.Equal(late, last) {
		t.Fatalf("the last ones are %v", late)
	}
	apart := slices.DeleteFunc(slices.Clone(order), func(name string) bool { return path.Base(name)[:4] > provision.LastApart })
	own := func(name string) bool { return path.Dir(name) != "realm" }
	apart = slices.Concat(slices.DeleteFunc(slices.Clone(apart), own), slices.DeleteFunc(slices.Clone(apart), func(name string) bool { return !own(name) }))
	// after gives the schemas after a program that knew some files, and then one that knows all.
	after := func(first []string) map[string]string {
		tx, err := h.super.Begin(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = tx.Rollback(context.WithoutCancel(t.Context())) }()
		if _, err := tx.Exec(t.Context(), strings.ReplaceAll(h.begin, "{{owner}}", pgx.Identifier{h.owner}.Sanitize())); err != nil {
			t.Fatal(err)
		}
		applied, known := 0, fstest.MapFS{}
		apply := func(files fs.FS) {
			names, err := h.w.Provisioner.Apply(t.Context(), tx, files, h.realm, h.owner)
			if err != nil {
				t.Fatalf("after %v: %v", first, err)
			}
			applied += len(names)
		}
		for _, name := range first {
			known["migrations/"+name+".sql"] = files["migrations/"+name+".sql"]
		}
		apply(known)
		apply(files)
		if applied != len(order) {
			t.Fatalf("%d of %d applied", applied, len(order))
		}
		made := map[string]string{}
		for _, schema := range h.schemas {
			things, err := describe(t.Context(), tx, schema)
			if err != nil {
				t.Fatal(err)
			}
			for name, what := range things {
				made[schema+" "+name] = what
			}
		}
		return made
	}
	want := after(nil)
	if len(want) < h.least {
		t.Fatalf("only %d things are in %v", len(want), h.schemas)
	}
	for _, history := range [][]string{apart, order} {
		for n := range history {
			if made := after(history[:n+1]); !maps.Equal(made, want) {
				t.Errorf("after %s, as the %dth of %v ...: %s", history[n], n+1, history[:min(n, 3)], differing(made, want))
			}
		}
	}
}

// describe lists all that is in a schema, with all that decides what it is and who may do what with it.
func describe(ctx context.Context, tx pgx.Tx, schema string) (map[string]string, error) {
	rows, err := tx.Query(ctx, `WITH rel AS (SELECT c.* FROM pg_class c WHERE c.relnamespace = $1::regnamespace)
		SELECT 'column ' || r.relname || '.' || a.attname, concat_ws(' ', format_type(a.atttypid, a.atttypmod), a.attnotnull, a.attgenerated, a.attidentity, pg_get_expr(d.adbin, d.adrelid), a.attacl::text)
			FROM rel r JOIN pg_attribute a ON a.attrelid = r.oid AND a.attnum > 0 AND NOT a.attisdropped LEFT JOIN pg_attrdef d ON d.adrelid = r.oid AND d.adnum = a.attnum
		UNION ALL SELECT 'relation ' || relname, concat_ws(' ', relkind, relpersistence, relowner::regrole, relrowsecurity, reloptions::text,
			(SELECT string_agg(concat_ws(' ', a.grantee::regrole, a.privilege_type, a.is_grantable), ',' ORDER BY a.grantee::regrole::text, a.privilege_type) FROM aclexplode(relacl) a)) FROM rel
		UNION ALL SELECT 'constraint ' || r.relname || '.' || c.conname, pg_get_constraintdef(c.oid) FROM rel r JOIN pg_constraint c ON c.conrelid = r.oid
		UNION ALL SELECT 'index ' || r.relname, pg_get_indexdef(r.oid) FROM rel r WHERE r.relkind IN ('i', 'I')
		UNION ALL SELECT 'trigger ' || r.relname || '.' || g.tgname, g.tgenabled::text || pg_get_triggerdef(g.oid) FROM rel r JOIN pg_trigger g ON g.tgrelid = r.oid AND NOT g.tgisinternal
		UNION ALL SELECT 'function ' || p.oid::regprocedure, concat_ws(' ', pg_get_functiondef(p.oid), p.proowner::regrole,
			(SELECT string_agg(concat_ws(' ', a.grantee::regrole, a.privilege_type), ',' ORDER BY a.grantee::regrole::text) FROM aclexplode(p.proacl) a)) FROM pg_proc p WHERE p.pronamespace = $1::regnamespace`, schema)
	if err != nil {
		return nil, err
	}
	made := map[string]string{}
	var name, what string
	_, err = pgx.ForEachRow(rows, []any{&name, &what}, func() error { made[name] = what; return nil })
	return made, err
}

// differing tells what two schemas do not have in common.
func differing(got, want map[string]string) string {
	var list []string
	for name := range want {
		if got[name] != want[name] {
			list = append(list, name+": "+got[name]+" instead of "+want[name])
		}
	}
	for name := range got {
		if _, ok := want[name]; !ok {
			list = append(list, name+" is there")
		}
	}
	slices.Sort(list)
	return strings.Join(list[:min(len(list), 5)], "; ")
}

// history is a schema with a tenant's roles that has not run all migrations.
type history struct {
	t     *testing.T
	tx    pgx.Tx
	apply func(before string) // runs the files with lower numbers
}

func newHistory(t *testing.T) history {
	t.Helper()
	w := testkit.New(t)
	super := w.Direct(t)
	var owner, login string
	if err := super.QueryRow(t.Context(), "SELECT owner_role, login_role FROM control.tenants WHERE slug = 'jamaica'").Scan(&owner, &login); err != nil {
		t.Fatal(err)
	}
	tx, err := super.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = tx.Rollback(context.WithoutCancel(t.Context())) })
	h := history{t: t, tx: tx, apply: func(before string) {
		t.Helper()
		files := fstest.MapFS{}
		for _, name := range provision.MigrationNames(provision.MigrationFiles, tenants.Realm{Slug: "any"}) {
			if path.Base(name) < before {
				raw, err := fs.ReadFile(provision.MigrationFiles, "migrations/"+name+".sql")
				if err != nil {
					t.Fatal(err)
				}
				files["migrations/"+name+".sql"] = &fstest.MapFile{Data: raw}
			}
		}
		if _, err := w.Provisioner.Apply(t.Context(), tx, files, tenants.Realm{Slug: "any", Schema: "history", Login: login}, owner); err != nil {
			t.Fatal(err)
		}
	}}
	h.exec("CREATE SCHEMA history AUTHORIZATION " + pgx.Identifier{owner}.Sanitize())
	return h
}

func (h history) exec(sql string) {
	h.t.Helper()
	if _, err := h.tx.Exec(h.t.Context(), sql); err != nil {
		h.t.Fatal(err)
	}
}

// texts gives the rows of a statement, each one text.
func (h history) texts(sql string) []string {
	h.t.Helper()
	rows, err := h.tx.Query(h.t.Context(), sql)
	if err != nil {
		h.t.Fatal(err)
	}
	got, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		h.t.Fatal(err)
	}
	return got
}

// Secrets moved to a table of their own: everybody still has theirs, and their school still sees who has chosen a password.
func TestCredentialsMove(t *testing.T) {
	h := newHistory(t)
	h.apply("0018")
	h.exec(`INSERT INTO history.users (id, user_name, user_name_key, given_name, family_name, password_hash, had_password, short_password, must_change_password, totp_secret, totp_confirmed_at, totp_last_step)
		SELECT gen_random_uuid(), n, n, n, n, hash, had, short, must, secret, CASE WHEN confirmed THEN timestamptz '2026-09-07' END, step FROM (VALUES
			('new', NULL, false, false, false, NULL, false, 0), ('plain', 'hash', false, false, false, NULL, false, 0), ('reset', NULL, true, false, false, NULL, false, 0),
			('app', 'hash', false, true, true, 'sealed', true, 7), ('begun', 'hash', true, false, false, 'sealed', false, 0)) v (n, hash, had, short, must, secret, confirmed, step);
		INSERT INTO history.user_roles (user_id, role) SELECT id, 'student' FROM history.users`)
	h.apply("9999")
	got := h.texts(`SELECT concat_ws(' ', user_name, has_password, claimed, second_factor, waiting, '|', password_hash, short_password, must_change_password, totp_secret, totp_confirmed_at::date, totp_last_step)
		FROM history.users u JOIN history.user_roles r ON r.user_id = u.id LEFT JOIN history.credentials c ON c.user_id = u.id ORDER BY user_name`)
	if want := []string{"app t t t f | hash t t sealed 2026-09-07 7", "begun t t f f | hash f f sealed 0", "new f f f t |", "plain t t f f | hash f f 0", "reset f t f t |"}; !slices.Equal(got, want) {
		t.Errorf("after the move\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

// What a tenant had decided in columns is in its document, and what reads it in SQL finds it there.
func TestSettingsMove(t *testing.T) {
	h := newHistory(t)
	h.apply("0021")
	h.exec(`INSERT INTO history.branding (name, colour, accent, staff_second_factor, leaderboard_by) VALUES ('É "x"', '#123456', '#abcdef', true, 'guardian')`)
	h.apply("9999")
	got := h.texts(`SELECT document::text FROM history.branding UNION ALL SELECT decides FROM history.own_points(gen_random_uuid(), '')`)
	if want := []string{`{"name": "É \"x\"", "accent": "#abcdef", "colour": "#123456", "leaderboard_by": "guardian", "staff_second_factor": true}`, "guardian"}; !slices.Equal(got, want) {
		t.Errorf("after the move %q, want %q", got, want)
	}
}
