package isolation

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"lignum/domain"
	"lignum/domain/catalog"
	"lignum/domain/catalog/pack"
	"lignum/domain/catalog/packs"
	"lignum/domain/identity"
	"lignum/domain/people"
	"lignum/policy"
	"lignum/tenants"
	"lignum/tenants/audit"
	"lignum/tests/apitest"
	"lignum/tests/testkit"
)

// soon bounds what must not wait: well below the lock_timeout of a login.
const soon = 4 * time.Second

// advisoryKeys are all that the platform has ever locked with, and some more: an advisory lock is the whole database's, so whoever
// may take one may take another tenant's.
func advisoryKeys(w *testkit.World) (list []string) {
	for _, schema := range []string{"control", "tenant_jamaica", "tenant_bahamas"} {
		for _, part := range []string{"/rules", "/administrators", "/user_names", "/signing_keys", "/demo", ""} {
			list = append(list, fmt.Sprintf("hashtext('%s%s')", schema, part), fmt.Sprintf("hashtextextended('%s%s', 0)", schema, part))
		}
	}
	return append(list, "hashtextextended('course:celearn-bookkeeping', 0)", fmt.Sprintf("hashtextextended('%s/k1', 0)", w.Actor.ID), "119199962658157", "7083241")
}

// All advisory locks of the database are taken, as a login that may take any would; here by the superuser, since what keeps logins
// from it cannot be had everywhere. Nothing of anybody waits for them.
func TestNothingWaitsForAdvisoryLocks(t *testing.T) {
	w, ctx := testkit.New(t), t.Context()
	holder := w.Direct(t)
	for _, key := range advisoryKeys(w) {
		if _, err := holder.Exec(ctx, "SELECT pg_advisory_lock("+key+")"); err != nil {
			t.Fatal(key, err)
		}
	}
	now := time.Now().UTC()
	bahamas := w.Tenant("bahamas").Realm()
	write := func(slug string, fn func(ctx context.Context, tx *tenants.Tx) error) func(context.Context) error {
		return func(ctx context.Context) error {
			return w.DB(slug).Write(ctx, w.Actor, func(tx *tenants.Tx) error {
				tx.Record(audit.Entry{Action: "test"})
				return fn(ctx, tx)
			})
		}
	}
	slug := "t" + uuid.NewString()[:8]
	t.Cleanup(func() {
		if err := w.Provisioner.Drop(context.Background(), slug, slug); err != nil && domain.CodeOf(err) != domain.NotFound {
			t.Error(err)
		}
	})
	for name, do := range map[string]func(context.Context) error{
		"a change of roles": write("bahamas", func(ctx context.Context, tx *tenants.Tx) error {
			_, err := tenants.EditRole(ctx, tx, bahamas, nil, people.RolesTogether, []string{"tenant_administrator"}, policy.RoleEdit{Role: "helper", Grant: []string{"class.read"}})
			return err
		}),
		"a new user": write("bahamas", func(ctx context.Context, tx *tenants.Tx) error {
			_, _, err := identity.CreateUser(ctx, tx, bahamas, people.NewUser{GivenName: "Ann", FamilyName: "Rolle", Roles: []string{"student"}}, now)
			return err
		}),
		"an administrator less": write("bahamas", func(ctx context.Context, tx *tenants.Tx) error {
			u, _, err := identity.CreateUser(ctx, tx, bahamas, people.NewUser{GivenName: "Bea", FamilyName: "Rolle", Roles: []string{"tenant_administrator"}}, now)
			if err == nil {
				_, err = people.SuspendUser(ctx, tx, bahamas, u.ID, "left the ministry", identity.EndSessions, now)
			}
			return err
		}),
		"signing keys": func(ctx context.Context) error { return identity.EnsureKeys(ctx, w.DB("bahamas"), now) },
		"a course": write("bahamas", func(ctx context.Context, tx *tenants.Tx) error {
			dir, err := packs.Open("celearn-bookkeeping")
			if err != nil {
				return err
			}
			p, err := pack.Read(dir)
			if err == nil {
				_, err = catalog.Import(ctx, tx, p, nil, now)
			}
			return err
		}),
		"a request that is sent once": write("bahamas", func(ctx context.Context, tx *tenants.Tx) error {
			_, _, err := (&tenants.Once{Actor: w.Actor.ID, Key: "k1", Route: "POST /x", BodyHash: []byte("a"), Now: now}).Find(ctx, tx)
			return err
		}),
		"a new tenant": func(ctx context.Context) error {
			spec := testkit.Fixtures[0]
			spec.Slug = slug
			_, err := w.Provisioner.Create(ctx, spec, w.Actor)
			return err
		},
		"migrations":               func(ctx context.Context) error { _, err := w.Provisioner.MigrateAll(ctx, 2, nil); return err },
		"the platform's own roles": func(ctx context.Context) error { _, err := w.Provisioner.Repair(ctx, w.Actor); return err },
		"the lookup of logins":     func(ctx context.Context) error { return w.Cluster.PrepareDatabase(ctx, w.Database) },
	} {
		t.Run(name, func(t *testing.T) {
			ctx, stop := context.WithTimeout(ctx, soon)
			defer stop()
			if err := do(ctx); err != nil {
				t.Errorf("%v", err)
			}
		})
	}
}

// held begins a transaction as a tenant's own login, which runs statements and stays open until the test ends.
func held(t *testing.T, w *testkit.World, slug string, statements ...string) {
	t.Helper()
	conn := login(t, w, slug, false)
	for _, q := range append([]string{"BEGIN READ WRITE"}, statements...) {
		if _, err := conn.Exec(t.Context(), q); err != nil {
			t.Fatalf("%s: %v", q, err)
		}
	}
}

// What one login of a tenant holds is waited for by the same tenant alone, and not for ever: its client hears when to come again.
func TestAHeldLockIsToldToTheClient(t *testing.T) {
	s := apitest.New(t)
	admin := s.User("bahamas", "tenant_administrator")
	learner := s.User("bahamas", "student")
	s.Post(admin, "/api/v1/roles/changes", policy.RoleEdit{Role: "helper", Grant: []string{"class.read"}}).Want(http.StatusOK)
	held(t, s.World, "bahamas", "UPDATE locks SET name = name", "SELECT FROM users WHERE id = '"+learner.ID.String()+"' FOR UPDATE",
		"INSERT INTO idempotency_claims (actor_id, key) VALUES ('"+admin.ID.String()+"', 'a-key')")
	var wg sync.WaitGroup
	for name, send := range map[string]func() *apitest.Response{
		"the row of a lock": func() *apitest.Response {
			return s.Post(admin, "/api/v1/roles/changes", policy.RoleEdit{Role: "helper", Grant: []string{"class.manage"}})
		},
		"the row of a user": func() *apitest.Response {
			return s.Post(admin, "/api/v1/users/"+learner.ID.String()+"/suspension", map[string]string{"reason": "left the school"})
		},
		"a key under way": func() *apitest.Response {
			return s.Send(admin, http.MethodPost, s.URL("bahamas")+"/api/v1/roles/changes", policy.RoleEdit{Role: "other", Grant: []string{"class.read"}}, "Idempotency-Key", "a-key")
		},
	} {
		wg.Go(func() {
			start := time.Now()
			res := send()
			after, _ := strconv.Atoi(res.Header.Get("Retry-After"))
			if res.Status != http.StatusServiceUnavailable || after < 1 || res.Problem().Type != "urn:lignum:problem:unavailable" {
				t.Errorf("%s: %d, Retry-After %q: %s", name, res.Status, res.Header.Get("Retry-After"), res.Body)
			}
			if took := time.Since(start); took > 9*time.Second {
				t.Errorf("%s: after %s", name, took)
			}
		})
	}
	wg.Wait()
	s.Post(s.User("jamaica", "tenant_administrator"), "/api/v1/roles/changes", policy.RoleEdit{Role: "helper", Grant: []string{"class.read"}}).Want(http.StatusOK)
}

// A tenant that keeps open whatever the gate lets it begin keeps the platform from nothing: least of all from suspending it, and not
// from opening another tenant.
func TestATenantsTransactionIsInNobodysWay(t *testing.T) {
	w, ctx := testkit.New(t), t.Context()
	var own []string
	for _, kind := range []string{"rules", "keys", "sessions", "settings", "content"} {
		own = append(own, fmt.Sprintf("SELECT gate.bump('%s')", kind))
	}
	held(t, w, "jamaica", append(own, "SELECT gate.publish_usage(current_date, 1, 1, 1, 1, 1)", "SELECT gate.publish_forecast('[]')",
		"UPDATE locks SET name = name", "SELECT * FROM settings, branding, schema_versions, audit_entries", "LOCK TABLE settings, schema_versions IN ACCESS SHARE MODE",
		"INSERT INTO audit_entries (id, action) VALUES (gen_random_uuid(), 'x')", "SELECT * FROM audit_actors, audit_texts",
		`SELECT record_entry(gen_random_uuid(), '{"action": "x", "actor_id": "00000000-0000-7000-8000-000000000001", "actor_name": "setup", "address": "127.0.0.1", "content": {"reason": "x"}}')`)...)
	slug := "t" + uuid.NewString()[:8]
	t.Cleanup(func() {
		if err := w.Provisioner.Drop(context.Background(), slug, slug); err != nil && domain.CodeOf(err) != domain.NotFound {
			t.Error(err)
		}
	})
	platform := func(fn func(ctx context.Context, tx *tenants.Tx) error) func(context.Context) error {
		return func(ctx context.Context) error {
			return w.DB("").Write(ctx, w.Actor, func(tx *tenants.Tx) error { return fn(ctx, tx) })
		}
	}
	for _, one := range []struct {
		name string
		do   func(context.Context) error
	}{
		{"suspending it", platform(func(ctx context.Context, tx *tenants.Tx) error {
			_, err := tenants.SetState(ctx, tx, "jamaica", tenants.Suspended, "its password was stolen", tenants.By{Server: true})
			return err
		})},
		{"its plan", platform(func(ctx context.Context, tx *tenants.Tx) error {
			_, err := tenants.SetPlan(ctx, tx, "jamaica", "country", nil, audit.Entry{Action: "platform.tenant.plan"})
			return err
		})},
		{"migrating it", func(ctx context.Context) error {
			results, err := w.Provisioner.MigrateAll(ctx, 2, nil)
			for _, r := range results {
				if err == nil {
					err = r.Err
				}
			}
			return err
		}},
		{"another tenant", func(ctx context.Context) error {
			spec := testkit.Fixtures[0]
			spec.Slug = slug
			_, err := w.Provisioner.Create(ctx, spec, w.Actor)
			return err
		}},
	} {
		ctx, stop := context.WithTimeout(ctx, soon)
		if err := one.do(ctx); err != nil {
			t.Errorf("%s: %v", one.name, err)
		}
		stop()
	}
}

// A key is one key on both sides of midnight, where answers go into another bucket; and one that was claimed and then lost is free.
func TestAKeyIsOneKeyAroundMidnight(t *testing.T) {
	w, ctx := testkit.New(t), t.Context()
	midnight := time.Now().UTC().Truncate(24 * time.Hour)
	send := func(key string, at time.Time, work func() error) (replayed bool, err error) {
		once := tenants.Once{Actor: w.Actor.ID, Key: key, Route: "POST /x", BodyHash: []byte("a"), Now: at}
		err = w.DB("jamaica").Write(ctx, w.Actor, func(tx *tenants.Tx) error {
			tx.Record(audit.Entry{Action: "test"})
			if _, replayed, err = once.Find(ctx, tx); err != nil || replayed {
				return err
			}
			if err := work(); err != nil {
				return err
			}
			if _, err := tx.Exec(ctx, "INSERT INTO schools (id, name) VALUES ($1::uuid, $2::text)", audit.NewID().String(), key); err != nil {
				return err
			}
			return once.Store(tx, 201, "{}")
		})
		return replayed, err
	}
	var wg sync.WaitGroup
	for i := range 8 {
		wg.Go(func() {
			at := midnight.Add(time.Duration(i%2*2-1) * time.Millisecond)
			if _, err := send("midnight", at, func() error { time.Sleep(20 * time.Millisecond); return nil }); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if _, err := send("lost", midnight, func() error { return fmt.Errorf("the power went") }); err == nil {
		t.Error("the error was lost")
	}
	if replayed, err := send("lost", midnight, func() error { return nil }); err != nil || replayed {
		t.Errorf("after the loss: %v %v", replayed, err)
	}
	conn := w.Direct(t)
	rows, err := conn.Query(ctx, `SELECT name || ' ' || count(*) FROM tenant_jamaica.schools GROUP BY name UNION ALL SELECT 'claims ' || count(*) FROM tenant_jamaica.idempotency_claims ORDER BY 1`)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := pgx.CollectRows(rows, pgx.RowTo[string]); err != nil || !slices.Equal(got, []string{"claims 0", "lost 1", "midnight 1"}) {
		t.Errorf("%v %v", got, err)
	}
}
