package provision_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"lignum/domain"
	"lignum/domain/identity"
	"lignum/policy"
	"lignum/tenants"
	"lignum/tenants/audit"
	"lignum/tenants/provision"
	"lignum/tests/testkit"
)

// While a tenant is made everybody sees that it is, its people are told that it is not open, and nothing of it is looked for.
func TestATenantThatIsBeingMadeIsSeen(t *testing.T) {
	w, ctx := testkit.New(t), t.Context()
	spec := newSpec(t, w)
	seen := false
	w.Provisioner.FirstAdministrator = func(ctx context.Context, tx *tenants.Tx, realm tenants.Realm, a provision.Admin, now time.Time) (string, time.Time, error) {
		if err := w.Registry.Refresh(ctx); err != nil {
			t.Error(err)
		}
		is, _, err := w.Registry.Lookup(spec.Slug + ".localhost")
		if err != nil || is.State != tenants.Provisioning || is.MadeAt != nil || !strings.Contains(is.Told().String(), "not open yet") {
			t.Errorf("while it is made: %+v, %v", is, err)
		}
		seen = true
		return identity.FirstAdministrator(ctx, tx, realm, a, now)
	}
	made, err := w.Provisioner.Create(ctx, spec, w.Actor)
	if err != nil || !seen || made.Tenant.State != tenants.Active || made.Tenant.MadeAt == nil || made.Invitation == "" {
		t.Fatalf("%+v, %v", made, err)
	}
	if err := w.Registry.Refresh(ctx); err != nil {
		t.Fatal(err)
	}
	if is := w.Tenant(spec.Slug); is.State != tenants.Active || is.MadeAt == nil {
		t.Errorf("made: %+v", is)
	}
	if got := strings.Join(trailOf(t, w, "", spec.Slug), " "); got != "platform.tenant.begin platform.tenant.provision" {
		t.Errorf("the platform's trail: %s", got)
	}
	if got := strings.Join(trailOf(t, w, spec.Slug, spec.Slug), " "); got != "platform.tenant.provision" {
		t.Errorf("the tenant's trail: %s", got)
	}
	if err := w.Provisioner.Abandon(ctx, spec.Slug, "it is there already", w.Actor); domain.CodeOf(err) != domain.Conflict {
		t.Errorf("a tenant that is made was abandoned: %v", err)
	}
}

// trailOf are the actions on a tenant in a realm's trail, the first first.
func trailOf(t *testing.T, w *testkit.World, realm, tenant string) (actions []string) {
	t.Helper()
	if err := w.DB(realm).ReadFresh(t.Context(), func(r *tenants.Reader) error {
		return r.QueryRow(t.Context(), "SELECT coalesce(array_agg(action ORDER BY id), '{}') FROM audit_trail WHERE object_kind = 'tenant' AND object_id = $1::text", tenant).Scan(&actions)
	}); err != nil {
		t.Fatal(err)
	}
	return actions
}

func number(t *testing.T, w *testkit.World, realm, sql string, args ...any) (n int) {
	t.Helper()
	if err := w.DB(realm).ReadFresh(t.Context(), func(r *tenants.Reader) error { return r.QueryRow(t.Context(), sql, args...).Scan(&n) }); err != nil {
		t.Fatal(err)
	}
	return n
}

// What fails on the way is taken away at once, also when whoever asked has gone; the name is free.
func TestATenantThatCannotBeMadeIsGone(t *testing.T) {
	w := testkit.New(t)
	spec := newSpec(t, w)
	ctx, leave := context.WithCancel(t.Context())
	w.Provisioner.FirstAdministrator = func(context.Context, *tenants.Tx, tenants.Realm, provision.Admin, time.Time) (string, time.Time, error) {
		leave()
		return "", time.Time{}, errors.New("planted")
	}
	if _, err := w.Provisioner.Create(ctx, spec, w.Actor); err == nil || !strings.Contains(err.Error(), "planted") {
		t.Fatalf("made: %v", err)
	}
	if n := number(t, w, "", "SELECT count(*) FROM tenants WHERE slug = $1", spec.Slug); n != 0 {
		t.Error("its row is still there")
	}
	if got := strings.Join(trailOf(t, w, "", spec.Slug), " "); got != "platform.tenant.begin platform.tenant.abandon" {
		t.Errorf("the platform's trail: %s", got)
	}
	w.Provisioner.FirstAdministrator = identity.FirstAdministrator
	spec.Name, spec.Country = "Another name", "BB"
	if _, err := w.Provisioner.Create(t.Context(), spec, w.Actor); err != nil {
		t.Errorf("the name is not free: %v", err)
	}
}

// A tenant that was only invited, or whose making was interrupted, is a row and nothing else: whatever looks at all tenants passes by.
func TestWhatIsNotMadeIsInNobodysWay(t *testing.T) {
	w, ctx := testkit.New(t), t.Context()
	w.Provisioner.FirstAdministrator = identity.FirstAdministrator
	direct := w.Direct(t)
	specs := map[string]provision.Spec{}
	for _, state := range []string{"invited", "provisioning"} {
		spec := newSpec(t, w)
		specs[state] = spec
		if _, err := direct.Exec(ctx, `INSERT INTO control.tenants (slug, id, name, country, state, plan, limits, time_zone, locale, currency, exam_scheme, schema_name, login_role, owner_role, made_at)
			SELECT $1, gen_random_uuid(), $2, $3, $4, plan, limits, time_zone, locale, currency, exam_scheme, 'tenant_' || $1, 'test_' || $1, 'test_' || $1 || '_owner', NULL FROM control.tenants WHERE slug = 'jamaica'`,
			spec.Slug, spec.Name, spec.Country, state); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := direct.Exec(ctx, "UPDATE control.tenants SET state = 'active' WHERE slug = $1", specs["invited"].Slug); err == nil {
		t.Error("what is not made became active")
	}
	results, err := w.Provisioner.MigrateAll(ctx, 2, nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range results {
		if r.Err != nil || r.Realm == specs["invited"].Slug || r.Realm == specs["provisioning"].Slug {
			t.Errorf("migrated: %+v", r)
		}
	}
	if altered, err := w.Provisioner.Repair(ctx, w.Actor); err != nil || len(altered) > 0 {
		t.Errorf("repaired: %+v, %v", altered, err)
	}
	for state, spec := range specs {
		err := w.DB("").Write(ctx, w.Actor, func(tx *tenants.Tx) error {
			_, err := tenants.SetState(ctx, tx, spec.Slug, tenants.Suspended, "because of planting", tenants.By{Server: true})
			return err
		})
		if domain.CodeOf(err) != domain.Conflict || !strings.Contains(err.Error(), "cannot become suspended") {
			t.Errorf("%s was suspended: %v", state, err)
		}
		err = w.DB("").Write(ctx, w.Actor, func(tx *tenants.Tx) error {
			_, err := tenants.SetState(ctx, tx, spec.Slug, tenants.Active, "", tenants.By{Program: true, Server: true})
			return err
		})
		if domain.CodeOf(err) != domain.Conflict {
			t.Errorf("%s became active by a state alone: %v", state, err)
		}
		err = w.DB("").Write(ctx, w.Actor, func(tx *tenants.Tx) error {
			_, err := tenants.SetPlan(ctx, tx, spec.Slug, "college", nil, audit.Entry{Action: policy.PlatformTenantChange.Name()})
			return err
		})
		if domain.CodeOf(err) != domain.Conflict {
			t.Errorf("%s got another plan: %v", state, err)
		}
		if err := w.Provisioner.Drop(ctx, spec.Slug, spec.Slug); domain.CodeOf(err) != domain.Conflict {
			t.Errorf("%s was dropped: %v", state, err)
		}
	}
	// the interrupted one goes on with the same request alone
	other := specs["provisioning"]
	other.Name = "Another name"
	if _, err := w.Provisioner.Create(ctx, other, w.Actor); domain.CodeOf(err) != domain.Conflict || !strings.Contains(err.Error(), "another name") {
		t.Errorf("another request went on with it: %v", err)
	}
	if n := number(t, w, "", "SELECT count(*) FROM tenants WHERE slug = $1", other.Slug); n != 1 {
		t.Error("and took it away")
	}
	for state, spec := range specs {
		if state == "invited" {
			spec.Name = "What they call themselves"
		}
		made, err := w.Provisioner.Create(ctx, spec, w.Actor)
		if err != nil || made.Tenant.State != tenants.Active || made.Tenant.Name != spec.Name {
			t.Errorf("%s: %+v, %v", state, made.Tenant, err)
		}
	}
}

// Of two who lead a tenant to states between which there is no way, one does and the other is told where it is now.
func TestOfTwoTransitionsOneWins(t *testing.T) {
	w, ctx := testkit.New(t), t.Context()
	to := func(state tenants.State, by tenants.By) error {
		return w.DB("").Write(ctx, w.Actor, func(tx *tenants.Tx) error {
			_, err := tenants.SetState(ctx, tx, "bahamas", state, "as was agreed with them", by)
			return err
		})
	}
	server := tenants.By{Server: true}
	for range 8 {
		if err := to(tenants.Closing, server); err != nil {
			t.Fatal(err)
		}
		var wg sync.WaitGroup
		got := make([]error, 2)
		for i, state := range []tenants.State{tenants.Active, tenants.Closed} {
			wg.Go(func() { got[i] = to(state, server) })
		}
		wg.Wait()
		if (got[0] == nil) == (got[1] == nil) {
			t.Fatalf("both or none: %v", got)
		}
		lost := got[0]
		if lost == nil {
			lost = got[1]
			if !strings.Contains(lost.Error(), "is active: from there it cannot become closed") {
				t.Errorf("the refusal: %v", lost)
			}
		} else if !strings.Contains(lost.Error(), "is closed: from there it cannot become active") {
			t.Errorf("the refusal: %v", lost)
		}
		if domain.CodeOf(lost) != domain.Conflict {
			t.Errorf("the refusal is %v", domain.CodeOf(lost))
		}
		if got[1] == nil {
			if err := to(tenants.Closing, server); err != nil {
				t.Fatal(err)
			}
			if err := to(tenants.Active, server); err != nil {
				t.Fatal(err)
			}
		}
		if a, b := number(t, w, "bahamas", "SELECT count(*) FROM settings WHERE state = 'active'"), number(t, w, "", "SELECT count(*) FROM tenants WHERE slug = 'bahamas' AND state = 'active'"); a != 1 || b != 1 {
			t.Fatalf("the two copies: %d, %d", a, b)
		}
	}
	// each with an entry in both trails, and none for what was refused
	if a, b := trailOf(t, w, "bahamas", "bahamas"), trailOf(t, w, "", "bahamas"); !slices.Equal(a, b[1:]) || len(a) < 16 { // the platform's has that it was begun
		t.Errorf("the trails differ: %v, %v", a, b)
	}
	if err := to(tenants.Closing, tenants.By{Permission: policy.PlatformTenantSuspend}); domain.CodeOf(err) != domain.Conflict {
		t.Errorf("by another permission: %v", err)
	}
	if err := to(tenants.ReadOnly, tenants.By{Program: true}); err != nil {
		t.Errorf("what is overdue: %v", err)
	}
	if err := to(tenants.Suspended, tenants.By{Program: true}); domain.CodeOf(err) != domain.Conflict {
		t.Errorf("the program suspended by itself: %v", err)
	}
	if err := to(tenants.Suspended, server); err != nil {
		t.Errorf("read-only was not suspended directly: %v", err)
	}
}
