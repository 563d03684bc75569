package api

import (
	"log/slog"
	"testing"
	"time"

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
