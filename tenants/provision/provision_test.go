package provision_test

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"reflect"
	"strings"
	"testing"
	"time"

	"lignum/domain"
	"lignum/domain/identity"
	"lignum/tenants"
	"lignum/tenants/audit"
	"lignum/tenants/provision"
	"lignum/tests/tenth"
	"lignum/tests/testkit"
)

func TestMain(m *testing.M) { testkit.Main(m) }

// newSpec is a valid spec with a slug of its own, since roles are global to the cluster.
func newSpec(t *testing.T, w *testkit.World) provision.Spec {
	t.Helper()
	raw := make([]byte, 5)
	rand.Read(raw)
	s := testkit.Fixtures[0]
	s.Slug, s.Name = "t"+hex.EncodeToString(raw), "Trial"
	t.Cleanup(func() {
		if err := w.Provisioner.Drop(context.Background(), s.Slug, s.Slug); err != nil && domain.CodeOf(err) != domain.NotFound {
			t.Errorf("drop: %v", err)
		}
	})
	return s
}

func TestCreateMakesATenantThatWorks(t *testing.T) {
	w, ctx := testkit.New(t), t.Context()
	w.Provisioner.FirstAdministrator = identity.FirstAdministrator
	spec := newSpec(t, w)
	made, err := w.Provisioner.Create(ctx, spec, w.Actor)
	if err != nil {
		t.Fatal(err)
	}
	if err := w.Registry.Refresh(ctx); err != nil {
		t.Fatal(err)
	}
	host := spec.Slug + ".localhost"
	found, _, err := w.Registry.Lookup(strings.ToUpper(host) + ".:8080")
	if err != nil || found.ID != made.Tenant.ID {
		t.Fatalf("lookup of %s: %v %v", host, found, err)
	}
	db := w.Store.DB(found.Realm())
	if pending, err := provision.Pending(ctx, db); err != nil || len(pending) > 0 {
		t.Fatalf("pending %v %v", pending, err)
	}
	err = db.Read(ctx, func(r *tenants.Reader) error {
		var rules, entries, cards int
		row := r.QueryRow(ctx, `SELECT (SELECT count(*) FROM casbin_rules), (SELECT count(*) FROM audit_entries), (SELECT count(*) FROM sign_in_cards)`)
		if err := row.Scan(&rules, &entries, &cards); err != nil {
			return err
		}
		if rules < 30 || entries != 2 || cards != 1 {
			t.Errorf("%d rules, %d entries, %d cards", rules, entries, cards)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	again, err := w.Provisioner.Create(ctx, spec, w.Actor)
	if err != nil || again.Tenant.ID != made.Tenant.ID || again.Invitation == made.Invitation {
		t.Errorf("repeated before the invitation was used, it must give the same tenant a new invitation: %v", err)
	}
	desk := identity.NewDesk(identity.NewHasher(1))
	redeem := func(code string) error {
		_, err := desk.RedeemCard(ctx, db, identity.RedeemCard{Code: code, Password: "mango drum kettle orbit", Device: identity.Device{Address: "192.0.2.1"}}, time.Now())
		return err
	}
	if err := redeem(made.Invitation); domain.CodeOf(err) != domain.Invalid {
		t.Errorf("the invitation that another was made in place of: %v", err)
	}
	if err := redeem(strings.ToLower(again.Invitation)); err != nil {
		t.Errorf("the invitation: %v", err)
	}
	spec.Name = "Another"
	if _, err := w.Provisioner.Create(ctx, spec, w.Actor); domain.CodeOf(err) != domain.Conflict {
		t.Errorf("another tenant of the same slug: %v", err)
	}
}

// The platform invites a tenant's first administrator, and after that has no way to any account there: not even when the only
// account has no password for a while.
func TestAnInvitationThatWasUsedIsTheLast(t *testing.T) {
	w, ctx := testkit.New(t), t.Context()
	w.Provisioner.FirstAdministrator = identity.FirstAdministrator
	spec := newSpec(t, w)
	made, err := w.Provisioner.Create(ctx, spec, w.Actor)
	if err != nil {
		t.Fatal(err)
	}
	direct := w.Direct(t)
	for _, now := range []string{"INSERT INTO %[1]s.credentials (user_id, password_hash) SELECT id, 'chosen' FROM %[1]s.users", "UPDATE %[1]s.credentials SET password_hash = NULL"} {
		if _, err := direct.Exec(ctx, fmt.Sprintf(now, made.Tenant.SchemaName)); err != nil {
			t.Fatal(err)
		}
		if again, err := w.Provisioner.Create(ctx, spec, w.Actor); domain.CodeOf(err) != domain.Conflict || again.Invitation != "" {
			t.Errorf("%s: invited again: %v", now, err)
		}
	}
}

func TestCreateRefusesWhatIsWrongAllAtOnce(t *testing.T) {
	w := testkit.New(t)
	_, err := w.Provisioner.Create(t.Context(), provision.Spec{Slug: "www", Country: "Jamaica", Plan: "huge", TimeZone: "Kingston"}, w.Actor)
	for _, field := range []string{"slug", "name", "country", "plan", "time_zone", "currency", "colour", "admin.user_name", "admin.given_name"} {
		if err == nil || !strings.Contains(err.Error(), field+":") {
			t.Errorf("%s is not named in %v", field, err)
		}
	}
}

// A tenant's login, its owner and the roles of the installation are called by the same pattern: no name may be two of them.
func TestNoSlugClashesWithAnotherRole(t *testing.T) {
	for _, slug := range []string{"platform", "gate", "autoscale", "jamaica-owner", "platform-owner", "a-b-owner"} {
		if err := tenants.CheckSlug(slug); domain.CodeOf(err) != domain.Invalid {
			t.Errorf("%s: %v", slug, err)
		}
	}
	for _, slug := range []string{"jamaica", "land-owners", "coowner", "owner-one"} {
		if err := tenants.CheckSlug(slug); err != nil {
			t.Errorf("%s: %v", slug, err)
		}
	}
}

// The child process of the test below: provisions once and prints.
func TestProvisionInAChild(t *testing.T) {
	dsn := os.Getenv("LIGNUM_TEST_CHILD_DSN")
	if dsn == "" {
		return
	}
	spec := testkit.Fixtures[0]
	spec.Slug, spec.Name = os.Getenv("LIGNUM_TEST_CHILD_SLUG"), "Trial"
	vault := testkit.New(t).Vault
	p := provision.Provisioner{DirectDSN: dsn, Installation: testkit.Installation, Vault: vault, ProxyRole: "pgbouncer_auth", FirstAdministrator: identity.FirstAdministrator}
	fmt.Println("begin")
	if _, err := p.Create(context.Background(), spec, audit.Actor{Name: "child"}); err != nil {
		t.Fatal(err)
	}
	fmt.Println("made")
}

// A provisioning that is killed leaves nothing, or the word that it is being made, or everything; run again it completes, and what was only begun can be taken
// away. The kills are spread over the whole time that it takes. Which of them are tried follows from the commit.
func TestCreateKilledAtAnyMomentLeavesNothing(t *testing.T) {
	w, ctx := testkit.New(t), t.Context()
	w.Provisioner.FirstAdministrator = identity.FirstAdministrator
	direct := w.Direct(t)
	spec := newSpec(t, w)
	start := time.Now()
	if _, err := w.Provisioner.Create(ctx, spec, w.Actor); err != nil {
		t.Fatal(err)
	}
	whole := time.Since(start)
	left := func(slug string) (schemas, roles, rows int, state string) {
		err := direct.QueryRow(ctx, `SELECT (SELECT count(*) FROM pg_namespace WHERE nspname = 'tenant_' || $1),
			(SELECT count(*) FROM pg_roles WHERE rolname IN ('test_' || $1, 'test_' || $1 || '_owner')), (SELECT count(*) FROM control.tenants WHERE slug = $1),
			coalesce((SELECT state FROM control.tenants WHERE slug = $1), '')`, slug).Scan(&schemas, &roles, &rows, &state)
		if err != nil {
			t.Fatal(err)
		}
		return schemas, roles, rows, state
	}
	const kills = 40
	var moments []int
	for i := range kills {
		moments = append(moments, i)
	}
	nothing, begun := 0, 0
	for _, i := range tenth.Of(t, moments) {
		spec := newSpec(t, w)
		child := exec.Command(os.Args[0], "-test.run=^TestProvisionInAChild$", "-test.v")
		child.Env = append(os.Environ(), "LIGNUM_TEST_CHILD_DSN="+w.Provisioner.DirectDSN, "LIGNUM_TEST_CHILD_SLUG="+spec.Slug)
		out, err := child.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := child.Start(); err != nil {
			t.Fatal(err)
		}
		buf := make([]byte, 4096)
		for seen := ""; !strings.Contains(seen, "begin\n"); {
			n, err := out.Read(buf)
			if err != nil {
				t.Fatalf("the child ended early: %v\n%s", err, seen)
			}
			seen += string(buf[:n])
		}
		time.Sleep(whole * time.Duration(i) / kills)
		_ = child.Process.Kill() // it may have ended
		_ = child.Wait()
		waitForNoBackends(t, w)
		switch schemas, roles, rows, state := left(spec.Slug); {
		case schemas+roles+rows == 0:
			nothing++
		case schemas+roles == 0 && state == "provisioning":
			if begun++; begun%2 == 0 {
				if err := w.Provisioner.Abandon(ctx, spec.Slug, "its process was killed", w.Actor); err != nil {
					t.Errorf("abandoned after the kill: %v", err)
				}
				if schemas, roles, rows, _ := left(spec.Slug); schemas+roles+rows > 0 {
					t.Errorf("abandoned after the kill: %d schemas, %d roles, %d rows", schemas, roles, rows)
				}
			}
		case schemas != 1 || roles != 2 || rows != 1 || state != "active":
			t.Errorf("killed after %d/%d: %d schemas, %d roles, %d rows, %s: half a tenant", i, kills, schemas, roles, rows, state)
		}
		if _, err := w.Provisioner.Create(ctx, spec, w.Actor); err != nil {
			t.Errorf("run again after the kill: %v", err)
		}
		if schemas, roles, rows, state := left(spec.Slug); schemas != 1 || roles != 2 || rows != 1 || state != "active" {
			t.Errorf("run again after the kill: %d schemas, %d roles, %d rows, %s", schemas, roles, rows, state)
		}
	}
	if nothing+begun == 0 {
		t.Error("no kill came in the middle: the test shows nothing")
	}
}

// waitForNoBackends waits until PostgreSQL has noticed that the killed child is gone.
func waitForNoBackends(t *testing.T, w *testkit.World) {
	t.Helper()
	direct := w.Direct(t)
	for range 200 {
		var n int
		err := direct.QueryRow(t.Context(), `SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid() AND state <> 'idle'
			AND usename = current_user`).Scan(&n)
		if err != nil {
			t.Fatal(err)
		}
		if n == 0 {
			return
		}
		time.Sleep(20 * time.Millisecond)
	}
	t.Fatal("the killed child's backend is still at work")
}

func TestMigrationsThatFailStopOneTenantAlone(t *testing.T) {
	w, ctx := testkit.New(t), t.Context()
	// Bahamas loses the record of a migration, whose table is there: applying it again must fail.
	direct := w.Direct(t)
	var lost string
	if err := direct.QueryRow(ctx, `DELETE FROM tenant_bahamas.schema_versions WHERE name LIKE '%0004_notices%' RETURNING name`).Scan(&lost); err != nil {
		t.Fatal(err)
	}
	// Jamaica lost the same one as a whole: it must come back.
	if _, err := direct.Exec(ctx, `DELETE FROM tenant_jamaica.schema_versions WHERE name = $1`, lost); err != nil {
		t.Fatal(err)
	}
	if _, err := direct.Exec(ctx, `DROP TABLE tenant_jamaica.notices`); err != nil {
		t.Fatal(err)
	}
	results, err := w.Provisioner.MigrateAll(ctx, 3, nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range results {
		switch r.Realm {
		case "bahamas":
			if r.Err == nil || !strings.Contains(r.Err.Error(), lost) {
				t.Errorf("bahamas: %v", r.Err)
			}
		case "jamaica":
			if r.Err != nil || len(r.Applied) != 1 || r.Applied[0] != lost {
				t.Errorf("jamaica: applied %v, %v", r.Applied, r.Err)
			}
		default:
			if r.Err != nil || len(r.Applied) != 0 {
				t.Errorf("%s: applied %v, %v", r.Realm, r.Applied, r.Err)
			}
		}
	}
	if pending, err := provision.Pending(ctx, w.DB("jamaica")); err != nil || len(pending) != 0 {
		t.Errorf("jamaica still lacks %v, %v", pending, err)
	}
	if pending, err := provision.Pending(ctx, w.DB("bahamas")); err != nil || len(pending) != 1 {
		t.Errorf("bahamas lacks %v, %v; want the failed one", pending, err)
	}
}

// A realm that takes the connection along, as one does that runs out of memory, leaves those after it their turn.
func TestABrokenConnectionStopsOneTenantAlone(t *testing.T) {
	w, ctx := testkit.New(t), t.Context()
	if _, err := w.Direct(t).Exec(ctx, `CREATE FUNCTION public.cut() RETURNS event_trigger LANGUAGE plpgsql SECURITY DEFINER AS $$
		BEGIN IF current_schema = 'tenant_bahamas' THEN PERFORM pg_terminate_backend(pg_backend_pid()); END IF; END $$;
		CREATE EVENT TRIGGER cut ON ddl_command_start EXECUTE FUNCTION public.cut()`); err != nil {
		t.Fatal(err)
	}
	results, err := w.Provisioner.MigrateAll(ctx, 1, nil)
	if err != nil || len(results) < 2 {
		t.Fatalf("%d results, %v", len(results), err)
	}
	for _, r := range results {
		if failed := r.Err != nil; failed != (r.Realm == "bahamas") {
			t.Errorf("%s: %v", r.Realm, r.Err)
		}
	}
}

func TestSetStateReachesBothCopiesAndBothTrails(t *testing.T) {
	w, ctx := testkit.New(t), t.Context()
	err := w.DB("").Write(ctx, w.Actor, func(tx *tenants.Tx) error {
		_, err := tenants.SetState(ctx, tx, "bahamas", tenants.Suspended, "hurricane damage at the data centre", tenants.By{Server: true})
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := w.Registry.Refresh(ctx); err != nil {
		t.Fatal(err)
	}
	if got := w.Tenant("bahamas"); got.State != tenants.Suspended || got.StateReason != "hurricane damage at the data centre" {
		t.Errorf("the registry says %s, %q", got.State, got.StateReason)
	}
	err = w.DB("bahamas").Read(ctx, func(r *tenants.Reader) error {
		var state, who, realm, reason string
		err := r.QueryRow(ctx, `SELECT (SELECT state FROM settings), actor_name, actor_realm, reason FROM audit_trail WHERE action = 'platform.tenant.suspend'`).Scan(&state, &who, &realm, &reason)
		if state != "suspended" || who != "setup" || realm != "platform" || !strings.Contains(reason, "hurricane") {
			t.Errorf("the tenant's own copy: %s by %s of %s because %q", state, who, realm, reason)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	err = w.DB("").Write(ctx, w.Actor, func(tx *tenants.Tx) error {
		_, err := tenants.SetState(ctx, tx, "jamaica", tenants.Suspended, " ", tenants.By{Server: true})
		return err
	})
	if domain.CodeOf(err) != domain.Invalid {
		t.Errorf("a suspension without a reason: %v", err)
	}
}

// A new tenant begins with what was said of it and what is undecided, within the bounds that hold for itself.
func TestATenantBeginsWithItsSettings(t *testing.T) {
	w := testkit.New(t)
	spec := newSpec(t, w)
	spec.Name = "Two\nlines"
	var e *domain.Error
	if _, err := w.Provisioner.Create(t.Context(), spec, w.Actor); !errors.As(err, &e) || len(e.Fields) != 1 || e.Fields[0].Name != "name" {
		t.Errorf("a name of two lines: %v", err)
	}
	spec.Name, spec.Colour, spec.Accent = " Trial ", "#ABCDEF", "#123456"
	made, err := w.Provisioner.Create(t.Context(), spec, w.Actor)
	if err != nil {
		t.Fatal(err)
	}
	decided := func(db *tenants.DB) (b tenants.Branding) {
		t.Helper()
		if err := db.ReadFresh(t.Context(), func(r *tenants.Reader) (err error) {
			b, err = tenants.ReadBranding(t.Context(), r)
			return err
		}); err != nil {
			t.Fatal(err)
		}
		return b
	}
	is, want := decided(w.Store.DB(made.Tenant.Realm())), decided(w.DB("jamaica")) // which never decided anything
	want.Name, want.Colour, want.Accent, want.Version = "Trial", "#abcdef", "#123456", is.Version
	if !reflect.DeepEqual(is, want) {
		t.Errorf("it begins with %+v, want %+v", is, want)
	}
}
