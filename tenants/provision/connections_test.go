package provision_test

import (
	"testing"

	"lignum/domain"
	"lignum/tenants"
	"lignum/tenants/audit"
	"lignum/tenants/provision"
	"lignum/tests/testkit"
)

// A login has as many connections as its plan, once that was changed and the job is done; doing it again does nothing.
func TestConnectionsFollowThePlan(t *testing.T) {
	w, ctx := testkit.New(t), t.Context()
	tenant := madeTenant(t, w)
	now := func() (n int64) {
		t.Helper()
		if err := w.DB("").ReadFresh(ctx, func(r *tenants.Reader) (err error) {
			n, err = provision.Connections(ctx, r, tenant.LoginRole)
			return err
		}); err != nil {
			t.Fatal(err)
		}
		return n
	}
	before := now()
	if before != tenant.Limits.Connections {
		t.Fatalf("it begins with %d connections of %d", before, tenant.Limits.Connections)
	}
	own := tenant.Limits
	own.Connections = before + 7
	if err := w.DB("").Write(ctx, w.Actor, func(tx *tenants.Tx) error {
		_, err := tenants.SetPlan(ctx, tx, tenant.Slug, tenant.Plan, &own, audit.Entry{Action: "platform.tenant.change"})
		return err
	}); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if err := w.Provisioner.SetConnections(ctx, tenant.Slug, actor); err != nil {
			t.Fatal(err)
		}
	}
	if n := now(); n != before+7 {
		t.Errorf("it has %d connections, not %d", n, before+7)
	}
	var told int
	if err := w.Direct(t).QueryRow(ctx, "SELECT count(*) FROM control.audit_entries WHERE action = 'platform.login.connections' AND object_id = $1", tenant.LoginRole).Scan(&told); err != nil || told != 1 {
		t.Errorf("%d entries of it, %v", told, err)
	}
	if err := w.Provisioner.SetConnections(ctx, "nobody", actor); domain.CodeOf(err) != domain.NotFound {
		t.Errorf("of no tenant: %v", err)
	}
}
