package api

import (
	"log/slog"
	"testing"
	"time"

	"lignum/tenants"
	"lignum/tests/testkit"
)

func TestNightsWorkIsDoneOnceADayAndPublished(t *testing.T) {
	w := testkit.New(t)
	s := &Server{store: w.Store, registry: w.Registry, log: slog.New(slog.DiscardHandler)}
	nights := map[string]time.Time{}
	now := time.Now().UTC()
	s.everyHour(t.Context(), now, nights)
	s.everyHour(t.Context(), now, nights)
	var today, yesterday, sweeps int
	err := w.Direct(t).QueryRow(t.Context(), `SELECT count(*) FILTER (WHERE day = $1::date), count(*) FILTER (WHERE day = $1::date - 1),
		(SELECT count(*) FROM tenant_jamaica.audit_entries WHERE action = 'sign_in.sweep') FROM control.usage_days WHERE slug = 'jamaica'`,
		w.Tenant("jamaica").Today(now).Format(time.DateOnly)).Scan(&today, &yesterday, &sweeps)
	if err != nil || today != 1 || yesterday != 1 || sweeps != 1 {
		t.Errorf("%d rows of today, %d of yesterday, %d sweeps, %v", today, yesterday, sweeps, err)
	}
}

func TestMetricsShowWhatEachTenantPublishedAndAskedOfTheDatabase(t *testing.T) {
	w := testkit.New(t)
	s := &Server{store: w.Store, registry: w.Registry, platform: tenants.PlatformRealm(testkit.Installation), log: slog.New(slog.DiscardHandler)}
	s.metrics = newMetrics(s)
	now := time.Now().UTC()
	day := w.Tenant("jamaica").Today(now).Format(time.DateOnly)
	if _, err := w.Direct(t).Exec(t.Context(), `INSERT INTO control.usage_days (slug, day, active_users, attendance, learners, classes, attempts)
		VALUES ('jamaica', $1::date, 20000, 12000, 44025, 1, 1), ('bahamas', $1::date - 2, 7, 7, 7, 7, 7)`, day); err != nil {
		t.Fatal(err)
	}
	if err := s.showUsage(t.Context(), now); err != nil {
		t.Fatal(err)
	}
	families, err := s.metrics.registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]float64{}
	for _, f := range families {
		for _, m := range f.GetMetric() {
			if l := m.GetLabel(); len(l) == 1 && l[0].GetName() == "realm" {
				got[f.GetName()+" "+l[0].GetValue()] = m.GetGauge().GetValue() + m.GetCounter().GetValue()
			}
		}
	}
	if got["lignum_active_users jamaica"] != 20000 || got["lignum_attendance jamaica"] != 12000 || got["lignum_database_requests_total platform"] < 1 {
		t.Errorf("the metrics show %v", got)
	}
	if _, shown := got["lignum_active_users bahamas"]; shown {
		t.Error("figures of another day are shown as today's")
	}
}
