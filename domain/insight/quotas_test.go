package insight_test

import (
	"slices"
	"testing"
	"time"

	"lignum/domain/insight"
	"lignum/tenants"
	"lignum/tenants/audit"
	"lignum/tests/school"
	"lignum/tests/testkit"
)

// Administrators and account managers are warned at 80, 95 and 100 per cent, once for each, and again only when it was clearly less meanwhile.
func TestWhoIsNearALimitIsWarnedOnce(t *testing.T) {
	t.Parallel()
	w, ctx := testkit.New(t), t.Context()
	db, platform := w.DB("jamaica"), w.DB("")
	admin := school.People(t, db, school.Person{Roles: []string{"tenant_administrator"}}, school.Person{Roles: []string{"teacher"}})
	manager := school.People(t, platform, school.Person{Roles: []string{"account_manager"}}, school.Person{Roles: []string{"operator"}})
	today := w.Tenant("jamaica").Today(time.Now())
	direct := w.Direct(t)
	if _, err := direct.Exec(ctx, `UPDATE tenant_jamaica.settings SET limits = limits || '{"classes": 1000, "storage_bytes": 0}'; UPDATE control.tenants SET limits = limits || '{"classes": 1000}' WHERE slug = 'jamaica'`); err != nil {
		t.Fatal(err)
	}
	said := func(db *tenants.DB, who int, list []string) []string {
		t.Helper()
		ids := admin
		if db == platform {
			ids = manager
		}
		if err := db.ReadFresh(ctx, func(r *tenants.Reader) error {
			told, err := school.Unseen(ctx, r, ids[who])
			for _, n := range told {
				list = append(list, n.Text.String())
			}
			return err
		}); err != nil {
			t.Fatal(err)
		}
		slices.Sort(list)
		return list
	}
	total := 0
	for i, c := range []struct {
		used int64
		told int // beside those before
	}{{799, 0}, {800, 1}, {800, 0}, {794, 0}, {801, 0}, {949, 0}, {950, 1}, {999, 0}, {1000, 1}, {1200, 0}, {990, 0}, {1000, 0}, {940, 0}, {1000, 1}, {100, 0}, {100, 0}, {1000, 1}} {
		if _, err := direct.Exec(ctx, "UPDATE tenant_jamaica.usage_counts SET n = $1 WHERE kind = 'classes'", c.used); err != nil {
			t.Fatal(err)
		}
		if err := db.Write(ctx, w.Actor, func(tx *tenants.Tx) error {
			tx.Record(audit.Entry{Action: "usage.publish", ObjectKind: "day"})
			return insight.WatchQuotas(ctx, tx, today, time.Now())
		}); err != nil {
			t.Fatal(err)
		}
		if err := insight.TellQuotas(ctx, platform, w.Actor, time.Now()); err != nil {
			t.Fatal(err)
		}
		total += c.told
		if mine, theirs := said(db, 0, nil), said(platform, 0, nil); len(mine) != total || len(theirs) != total {
			t.Fatalf("step %d, %d used: administrators were told %q, account managers %q; not %d times", i, c.used, mine, theirs, total)
		}
	}
	mine, theirs := said(db, 0, nil), said(platform, 0, nil)
	if mine[0] != "80 % of what your plan allows is used of: Running classes. Please ask your account manager in time if you will need more." ||
		theirs[0] != "Ministry of Education, Jamaica uses 80 % of what its plan allows of: Running classes." {
		t.Errorf("%q, %q", mine, theirs)
	}
	if others := append(said(db, 1, nil), said(platform, 1, nil)...); len(others) != 0 {
		t.Errorf("others were told %q", others)
	}
	if err := platform.ReadFresh(ctx, func(r *tenants.Reader) error {
		used, err := insight.UsedBy(ctx, r, "jamaica")
		if u := used["classes"]; u.Used != 1000 || u.Warned != 100 || u.AsOf == nil || len(used) != 6 {
			t.Errorf("the platform knows %+v", used)
		}
		return err
	}); err != nil {
		t.Fatal(err)
	}
}
