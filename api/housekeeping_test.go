package api

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"lignum/infra/aws"
	"lignum/infra/config"
	"lignum/tenants"
	"lignum/tenants/audit"
	"lignum/tenants/jobs"
	"lignum/tests/testkit"
)

func TestMetricsShowWhatEachTenantPublishedAndAskedOfTheDatabase(t *testing.T) {
	w := testkit.New(t)
	s := &Server{store: w.Store, registry: w.Registry, platform: tenants.PlatformRealm(testkit.Installation), Log: slog.New(slog.DiscardHandler)}
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

// A login that changed itself is in the log, in the words that the cloud counts, and in the metrics, until it is put back. A plan
// with other connections is no alarm.
func TestAnAlteredLoginIsTold(t *testing.T) {
	w := testkit.New(t)
	spec := testkit.Fixtures[0]
	spec.Slug = "t" + uuid.NewString()[:8]
	t.Cleanup(func() {
		if err := w.Provisioner.Drop(context.Background(), spec.Slug, spec.Slug); err != nil {
			t.Error(err)
		}
	})
	made, err := w.Provisioner.Create(t.Context(), spec, w.Actor)
	if err != nil {
		t.Fatal(err)
	}
	var said bytes.Buffer
	s := &Server{store: w.Store, registry: w.Registry, platform: tenants.PlatformRealm(testkit.Installation), cfg: &config.Config{Installation: testkit.Installation},
		Log: slog.New(slog.NewTextHandler(&said, nil))}
	s.metrics = newMetrics(s)
	looks := func() (count float64) {
		t.Helper()
		said.Reset()
		s.lookAtLogins(t.Context())
		families, err := s.metrics.registry.Gather()
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range families {
			if f.GetName() == "lignum_altered_logins" {
				return f.GetMetric()[0].GetGauge().GetValue()
			}
		}
		t.Fatal("there is no such metric")
		return 0
	}
	if n := looks(); n != 0 || said.Len() != 0 {
		t.Errorf("%v before anything was altered: %s", n, said.String())
	}
	direct := w.Direct(t)
	if _, err := direct.Exec(t.Context(), "ALTER ROLE "+made.Tenant.LoginRole+" CONNECTION LIMIT 7"); err != nil {
		t.Fatal(err)
	}
	if n := looks(); n != 0 {
		t.Errorf("%v for another plan: %s", n, said.String())
	}
	if _, err := direct.Exec(t.Context(), "SET SESSION AUTHORIZATION "+made.Tenant.LoginRole+"; ALTER ROLE CURRENT_USER SET statement_timeout = 0; RESET SESSION AUTHORIZATION"); err != nil {
		t.Fatal(err)
	}
	if n := looks(); n != 1 || !strings.Contains(said.String(), aws.AlteredLoginWords) || !strings.Contains(said.String(), spec.Slug) {
		t.Errorf("%v altered: %s", n, said.String())
	}
	if _, err := w.Provisioner.Repair(t.Context(), w.Actor); err != nil {
		t.Fatal(err)
	}
	if n := looks(); n != 0 || said.Len() != 0 {
		t.Errorf("%v after it was put back: %s", n, said.String())
	}
}

// What cannot be written down now is written down with the next, and holds up no other realm.
func TestASummaryThatFailsIsNotLost(t *testing.T) {
	w := testkit.New(t)
	s := &Server{store: w.Store, registry: w.Registry, Log: slog.New(slog.DiscardHandler)}
	rename := func(from, to string) {
		t.Helper()
		if _, err := w.Direct(t).Exec(t.Context(), `ALTER TABLE tenant_bahamas.`+from+` RENAME TO `+to); err != nil {
			t.Fatal(err)
		}
	}
	count := func(slug string, n int) {
		realm := w.Tenant(slug).Realm()
		s.refusals.add(subject{realm: realm, network: "192.0.2.1"}, tally{who: audit.Actor{Name: "lignum", Realm: slug}, requests: n, what: map[string]int{"401 GET /": n}})
	}
	for _, slug := range []string{"bahamas", "jamaica"} {
		count(slug, 7)
	}
	rename("audit_entries", "gone")
	s.summarise(t.Context())
	rename("gone", "audit_entries")
	count("bahamas", 1)
	s.summarise(t.Context())
	for slug, want := range map[string]int{"bahamas": 8, "jamaica": 7} {
		var n int
		if err := w.Direct(t).QueryRow(t.Context(), `SELECT sum((after->>'requests')::integer) FROM tenant_`+slug+`.audit_trail WHERE action = 'request.anonymous_refused'`).Scan(&n); err != nil || n != want {
			t.Errorf("%s: %d refusals are written down, %v", slug, n, err)
		}
	}
}

// A job that is tried no more is in the log in the words that the cloud counts, and one that is tried again is not.
func TestAJobThatIsGivenUpIsTold(t *testing.T) {
	var said bytes.Buffer
	s := &Server{Log: slog.New(slog.NewTextHandler(&said, nil))}
	s.metrics = newMetrics(s)
	for _, last := range []bool{false, true} {
		said.Reset()
		s.JobDone(&jobs.Job{ID: 7, Kind: "night.sweep", Tenant: &tenants.Tenant{Slug: "jamaica"}, Last: last}, time.Second, errors.New("disk full"))
		if text := said.String(); strings.Contains(text, aws.JobGivenUpWords) != last || !strings.Contains(text, "jamaica") || !strings.Contains(text, "disk full") || !strings.Contains(text, "job=7") {
			t.Errorf("last: %v, said %s", last, text)
		}
	}
	said.Reset()
	s.JobDone(&jobs.Job{ID: 8, Kind: "night.sweep"}, time.Second, nil)
	if said.Len() != 0 {
		t.Errorf("of one that is done: %s", said.String())
	}
}
