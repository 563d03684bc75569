package isolation

import (
	"context"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"lignum/infra/localcluster"
	"lignum/tenants"
	"lignum/tests/testkit"
)

// What a client does to its session must not be there for the next client, of the same login either: that is the tenant's own
// program, which comes to the same connections after a thief.
func TestNothingStaysInASession(t *testing.T) {
	w, ctx := testkit.New(t), t.Context()
	thief := login(t, w, "jamaica", false)
	poison := []string{`SET search_path = pg_catalog`, `SELECT set_config('search_path', 'pg_catalog', false)`, `SET statement_timeout = 1`,
		`SET default_transaction_read_only = off`, `SET SESSION CHARACTERISTICS AS TRANSACTION READ WRITE`, `SET TimeZone = 'Asia/Tokyo'`,
		`DO $$ BEGIN PERFORM set_config('search_path', 'pg_catalog', false); END $$`, `SET lock_timeout = 0; SET idle_in_transaction_session_timeout = 0`,
		`BEGIN; SET search_path = pg_catalog; COMMIT`, `BEGIN; DECLARE held CURSOR WITH HOLD FOR SELECT 1; COMMIT`, `LISTEN x`}
	for _, q := range poison {
		for range 3 {
			if _, err := thief.PgConn().Exec(ctx, q).ReadAll(); err != nil {
				t.Fatalf("%s: %v", q, err)
			}
			err := w.DB("jamaica").ReadFresh(ctx, func(r *tenants.Reader) error {
				var settings string
				var open int
				if err := r.QueryRow(ctx, `SELECT concat_ws(' ', current_setting('search_path'), current_setting('statement_timeout'), current_setting('lock_timeout'),
					current_setting('idle_in_transaction_session_timeout'), current_setting('default_transaction_read_only'), current_setting('TimeZone')),
					(SELECT count(*) FROM pg_cursors WHERE is_holdable) + (SELECT count(*) FROM pg_listening_channels())`).Scan(&settings, &open); err != nil {
					return err
				}
				if want := "tenant_jamaica 15s 5s 15s on UTC"; settings != want || open != 0 {
					t.Errorf("after %s the next client has %s, want %s; %d cursors and channels", q, settings, want, open)
				}
				return nil
			})
			if err != nil {
				t.Errorf("after %s: %v", q, err)
			}
		}
	}
}

// A login may switch off the time-outs that the database gives it. PgBouncer ends what holds on: a transaction that idles with its
// locks, and a statement without an end.
func TestPgBouncerEndsWhatHoldsOn(t *testing.T) {
	w := testkit.New(t)
	for name, hold := range map[string]func(ctx context.Context, t *testing.T, conn *pgx.Conn) error{
		"an idle transaction": func(ctx context.Context, t *testing.T, conn *pgx.Conn) error {
			if _, err := conn.Exec(ctx, "UPDATE branding SET document = document"); err != nil {
				t.Fatal(err)
			}
			select { // the server's message comes without being asked for
			case <-ctx.Done():
			case <-closed(conn.PgConn().Conn()):
			}
			_, err := conn.Exec(ctx, "SELECT 1")
			return err
		},
		"a statement": func(ctx context.Context, t *testing.T, conn *pgx.Conn) error {
			holder := w.Direct(t)
			if _, err := holder.Exec(ctx, "BEGIN; SELECT FROM tenant_jamaica.usage_counts FOR UPDATE"); err != nil {
				t.Fatal(err)
			}
			if _, err := conn.Exec(ctx, "SET LOCAL lock_timeout = 0"); err != nil {
				t.Fatal(err)
			}
			_, err := conn.Exec(ctx, "SELECT FROM usage_counts FOR UPDATE") // for a day, for all that the session says
			return err
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ctx, stop := context.WithTimeout(t.Context(), time.Minute)
			defer stop()
			conn := login(t, w, "jamaica", false)
			for _, q := range []string{"BEGIN READ WRITE", "SET LOCAL statement_timeout = 0", "SET LOCAL idle_in_transaction_session_timeout = 0"} {
				if _, err := conn.Exec(ctx, q); err != nil {
					t.Fatal(err)
				}
			}
			if err := hold(ctx, t, conn); err == nil || ctx.Err() != nil {
				t.Errorf("it held on: %v", err)
			}
		})
	}
}

// closed tells when the other side has ended a connection, or sent anything.
func closed(conn net.Conn) <-chan struct{} {
	done := make(chan struct{})
	go func() {
		defer close(done)
		_, _ = conn.Read(make([]byte, 1)) // its end is what is waited for
	}()
	return done
}

// The PgBouncer of an installation has what that of the tests has, or what is tried here says nothing about it.
func TestPgBouncersAreSetAlike(t *testing.T) {
	shipped, err := os.ReadFile("../../infra/image/pgbouncer.ini")
	if err != nil {
		t.Fatal(err)
	}
	dir, err := os.MkdirTemp("", "lignum-bouncer-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	if err := os.Chmod(dir, 0o711); err != nil {
		t.Fatal(err)
	}
	c, err := localcluster.Start(t.Context(), localcluster.Options{Dir: filepath.Join(dir, "c")})
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := c.Stop(); err != nil {
			t.Error(err)
		}
	}()
	local, err := os.ReadFile(filepath.Join(c.ProxySocketDir(), "pgbouncer.ini"))
	if err != nil {
		t.Fatal(err)
	}
	here, there := settings(string(local)), settings(string(shipped))
	for _, name := range []string{"pool_mode", "server_reset_query", "server_reset_query_always", "query_timeout", "idle_transaction_timeout", "query_wait_timeout",
		"auth_type", "auth_query", "ignore_startup_parameters", "server_idle_timeout"} {
		if here[name] == "" || here[name] != there[name] {
			t.Errorf("%s is %q in the tests, %q in the image", name, here[name], there[name])
		}
	}
}

func settings(ini string) map[string]string {
	all := map[string]string{}
	for line := range strings.Lines(ini) {
		if name, value, ok := strings.Cut(strings.TrimSpace(line), " = "); ok {
			all[name] = value
		}
	}
	return all
}

// What comes through the gate is bounded, or refused: in its functions, and by the tables behind them.
func TestTheGateTakesNothingOutOfBounds(t *testing.T) {
	w, ctx := testkit.New(t), t.Context()
	usage := func(day, figures string) string { return "SELECT gate.publish_usage(" + day + ", " + figures + ")" }
	forecast := func(entry string) string { return "SELECT gate.publish_forecast('" + entry + "')" }
	entry := func(kind, id, from, to, learners string) string {
		return forecast(fmt.Sprintf(`[{"kind": %s, "id": %s, "starts_at": %s, "ends_at": %s, "learners": %s}]`, kind, id, from, to, learners))
	}
	soon, later := time.Now().Add(time.Hour).UTC().Format(`"2006-01-02T15:04:05Z"`), time.Now().Add(2*time.Hour).UTC().Format(`"2006-01-02T15:04:05Z"`)
	id, long := `"00000000-0000-7000-8000-000000000001"`, strings.Repeat("x", 100_000)
	figure := func(n string) (list []string) {
		for i := range 5 {
			all := []string{"1", "1", "1", "1", "1"}
			all[i] = n
			list = append(list, usage("current_date", strings.Join(all, ", ")))
		}
		return list
	}
	good := []string{usage("current_date", "1, 1, 1, 1, 1"), usage("current_date + 1100", "0, 0, 0, 0, 0"), usage("'2000-01-01'", "10000000, 1, 1, 1, 1"),
		entry(`"exam"`, id, `"2000-01-01T00:00:00Z"`, later, "100"), entry(`"live"`, id, soon, later, "0"), forecast("[]"), "SELECT gate.bump('rules')"}
	bad := []string{
		usage("'infinity'", "1, 1, 1, 1, 1"), usage("'-infinity'", "1, 1, 1, 1, 1"), usage("NULL", "1, 1, 1, 1, 1"), usage("current_date + 1101", "1, 1, 1, 1, 1"),
		usage("'4714-11-24 BC'", "1, 1, 1, 1, 1"), usage("'5874897-12-31'", "1, 1, 1, 1, 1"), usage("'1999-12-31'", "1, 1, 1, 1, 1"), usage("'1900-01-01'", "1, 1, 1, 1, 1"),
		entry("null", id, soon, later, "1"), entry(`"`+long[:1000]+`"`, id, soon, later, "1"), entry(`"exam"`, "null", soon, later, "1"), entry(`"exam"`, `"x"`, soon, later, "1"),
		entry(`"exam"`, id, "null", later, "1"), entry(`"exam"`, id, `"-infinity"`, later, "1"), entry(`"exam"`, id, `"4714-11-24 00:00:00+00 BC"`, later, "1"),
		entry(`"exam"`, id, `"1999-12-31T00:00:00Z"`, later, "1"), entry(`"exam"`, id, soon, "null", "1"), entry(`"exam"`, id, soon, `"infinity"`, "1"),
		entry(`"exam"`, id, soon, `"9999-12-31T00:00:00Z"`, "1"), entry(`"exam"`, id, later, soon, "1"), entry(`"exam"`, id, soon, later, "null"),
		entry(`"exam"`, id, soon, later, "-1"), entry(`"exam"`, id, soon, later, "1e300"), entry(`"exam"`, id, soon, later, `"NaN"`), entry(`"exam"`, id, soon, later, `"Infinity"`),
		entry(`"exam"`, id, soon, later, "250001"), entry(`"exam"`, id, soon, later, "1.5"),
		forecast(`{}`), forecast(`null`), forecast(`"x"`), forecast(`[null]`), forecast(`[1]`), forecast(`[[]]`), "SELECT gate.publish_forecast(NULL)", forecast(`["` + strings.Repeat(long, 11) + `"]`),
		"SELECT gate.publish_forecast((SELECT jsonb_agg('{}'::jsonb) FROM generate_series(1, 2001)))",
		"SELECT gate.bump(NULL)", "SELECT gate.bump('')", "SELECT gate.bump('registry')", "SELECT gate.bump('RULES')", "SELECT gate.bump('" + long + "')",
	}
	for _, n := range []string{"-1", "NULL", "10000001", "2147483647", "2147483648", "'NaN'::float8::integer", "'Infinity'::float8::integer"} {
		bad = append(bad, figure(n)...)
	}
	conn := login(t, w, "jamaica", false)
	for _, q := range good {
		if _, err := try(ctx, conn, q); err != nil {
			t.Errorf("%.200s is refused: %v", q, err)
		}
	}
	for _, q := range bad {
		if _, err := try(ctx, conn, q); err == nil {
			t.Errorf("%.200s is taken", q)
		}
	}
	// The platform's own login, which is one password more to lose.
	state := func(change map[int]string) string {
		args := []string{"'bahamas'", "'suspended'", "'a reason'", "'country'", `'{"learners": 1}'`, "gen_random_uuid()", `'{"action": "platform.tenant.suspend", "actor_name": "name", "reason": "why"}'`}
		for i, v := range change {
			args[i] = v
		}
		return "SELECT gate.set_tenant(" + strings.Join(args, ", ") + ")"
	}
	platform, err := w.As(t, tenants.PlatformRealm(testkit.Installation).Login)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := try(ctx, platform, state(nil)); err != nil {
		t.Errorf("a state that is in bounds: %v", err)
	}
	for i := 1; i <= 6; i++ {
		wrong := []string{"'" + long + "'", "NULL"}
		switch i {
		case 4:
			wrong = []string{"NULL", "'[]'", "'1'", "'null'", `'{"learners": -1}'`, `'{"learners": 1e30}'`, `'{"learners": "many"}'`, `'{"learners": null}'`, `'{"learners": 1.5}'`, `'{"` + long + `": 1}'`}
		case 5:
			wrong = []string{"NULL"}
		case 6:
			wrong = []string{"NULL", "'[]'", "'1'", "'null'", "'{}'", `'{"action": ""}'`, `'{"action": null}'`, `'{"action": "x", "actor_id": "x"}'`}
			for _, key := range []string{"action", "actor_name", "actor_roles", "address", "reason", "request_id", "before", "new"} {
				wrong = append(wrong, fmt.Sprintf(`'{"action": "x", %q: %q}'`, key, long[:6000]))
			}
		}
		for _, v := range wrong {
			if _, err := try(ctx, platform, state(map[int]string{i: v})); err == nil {
				t.Errorf("argument %d of set_tenant takes %.60s", i+1, v)
			}
		}
	}
	// The tables keep the same bounds, whoever writes.
	owner := w.Direct(t)
	for _, q := range []string{`INSERT INTO control.usage_days VALUES ('jamaica', 'infinity', 1, 1, 1, 1, 1)`, `INSERT INTO control.usage_days VALUES ('jamaica', current_date, 1, 1, 1, 1, 10000001)`,
		`INSERT INTO control.capacity_forecast VALUES ('jamaica', 'exam', gen_random_uuid(), '-infinity', now(), 1)`, `INSERT INTO control.capacity_forecast VALUES ('jamaica', 'exam', gen_random_uuid(), now(), 'infinity', 1)`,
		`INSERT INTO control.capacity_forecast VALUES ('jamaica', 'exam', gen_random_uuid(), now(), now() + interval '1 hour', 1000001)`,
		`UPDATE control.tenants SET limits = '[]'`, `UPDATE control.tenants SET state_reason = repeat('x', 301)`, `UPDATE tenant_jamaica.settings SET state = 'x'`, `UPDATE tenant_jamaica.settings SET limits = 'null'`} {
		if _, err := owner.Exec(ctx, q); sqlState(err) != outOfBounds {
			t.Errorf("%s: %v", q, err)
		}
	}
}
