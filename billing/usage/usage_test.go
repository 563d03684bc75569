package usage_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"lignum/billing"
	"lignum/billing/meter"
	"lignum/billing/usage"
	"lignum/domain"
	"lignum/tenants"
	"lignum/tenants/audit"
	"lignum/tests/bills"
	"lignum/tests/testkit"
)

func TestMain(m *testing.M) { testkit.Main(m) }

// house is a tenant whose rows are written as PostgreSQL takes them, whatever the program thinks of them.
type house struct {
	*testkit.World
	t    *testing.T
	conn *pgx.Conn
	zone *time.Location
}

func newHouse(t *testing.T) *house {
	t.Helper()
	w := testkit.New(t)
	h := &house{w, t, w.Direct(t), w.Tenant("jamaica").Location()}
	h.do("SET search_path = tenant_jamaica, public")
	return h
}

func (h *house) do(sql string, args ...any) {
	h.t.Helper()
	if _, err := h.conn.Exec(h.t.Context(), sql, args...); err != nil {
		h.t.Fatalf("%s: %v", sql, err)
	}
}

// count counts a meter in a period, by the platform's facts; the tenant's own must be the same.
func (h *house) count(name string, periods ...billing.Period) (counts []int64) {
	h.t.Helper()
	ctx := h.t.Context()
	spans := make([]usage.Span, len(periods))
	for i, p := range periods {
		spans[i].Begins, spans[i].Ends = p.Moments(h.zone)
	}
	var facts, own []meter.Fact
	if err := errors.Join(h.DB("").ReadFresh(ctx, func(r *tenants.Reader) (err error) {
		facts, err = usage.Facts(ctx, r, "jamaica", spans)
		return err
	}), h.DB("jamaica").ReadFresh(ctx, func(r *tenants.Reader) (err error) {
		own, err = usage.Own(ctx, r, "America/Jamaica", spans)
		return err
	})); err != nil {
		h.t.Fatal(err)
	}
	facts, err := meter.Normal(facts)
	if err != nil {
		h.t.Fatal(err)
	}
	if own, err = meter.Normal(own); err != nil || !slices.Equal(own, facts) {
		h.t.Errorf("the tenant sees %d facts, the platform %d: %v", len(own), len(facts), err)
	}
	m, _ := meter.Find(meter.Meters(), name)
	for _, p := range periods {
		n, err := m.Count(facts, p, h.zone)
		if err != nil {
			h.t.Fatal(err)
		}
		counts = append(counts, n)
	}
	return counts
}

func (h *house) wants(name string, p billing.Period, want int64) {
	h.t.Helper()
	if got := h.count(name, p); got[0] != want {
		h.t.Errorf("%s in %v: %d, want %d", name, p, got[0], want)
	}
}

var september, october = bills.Days("2026-09-01", "2026-10-01"), bills.Days("2026-10-01", "2026-11-01")

// An active student both signed in and worked in the period, on whichever days; nobody counts twice, and staff never.
func TestActiveStudents(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	id := func(n int) string { return uuid.UUID{15: byte(n)}.String() }
	both := func(n int, signed, worked string) {
		if signed != "" {
			h.do("INSERT INTO active_days (day, user_id) VALUES ($1, $2)", signed, id(n))
		}
		if worked != "" {
			h.do("INSERT INTO attendance (day, learner_id, first_at) VALUES ($1, $2, now())", worked, id(n))
		}
	}
	both(1, "2026-09-01", "2026-09-30")
	both(2, "2026-08-31", "2026-09-02") // signed in before
	both(3, "2026-09-05", "")           // staff, or somebody who only looked
	both(4, "", "2026-09-06")
	both(5, "2026-09-07", "2026-09-07")
	both(5, "2026-09-08", "2026-09-09")
	both(6, "2026-10-01", "2026-10-31")
	h.wants("active_students", september, 2)
	h.wants("active_students", october, 1)
	h.wants("work", september, 4)
	both(2, "2026-09-30", "") // and is late
	h.wants("active_students", september, 3)
	if got := h.count("active_students", september, october); !slices.Equal(got, []int64{3, 1}) {
		t.Errorf("both months at once: %d", got)
	}
	var named int
	if err := h.conn.QueryRow(t.Context(), `SELECT count(*) FROM usage_facts('{"[2026-01-01,2027-01-01)"}', 'America/Jamaica', '{}', '{}') f WHERE f.key || f.subject LIKE '%00000000%'`).Scan(&named); err != nil || named != 0 {
		t.Errorf("%d facts have an id: %v", named, err)
	}
}

// A file is a level from when it is stored until it is gone, and a class from when it runs: also what was there before the period. What was rolled back was not.
func TestLevels(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	today := billing.On(time.Now().In(h.zone).Date())
	days := billing.Period{From: today, To: today + 3}
	file := func(n byte, size int) {
		h.do(`INSERT INTO files (id, purpose, state, sha256, content_type, size, width, height, name, created_at) VALUES ($1, 'general', 'stored', repeat('a', 64), 'text/plain', $2, 0, 0, 'x', now())`, uuid.UUID{15: n}, size)
	}
	file(1, 1000)
	file(2, 50)
	h.do("DELETE FROM files WHERE id = $1", uuid.UUID{15: 2})
	h.do("BEGIN")
	file(3, 7_000_000)
	h.do("ROLLBACK")
	h.wants("storage", days, 3*1000)
	h.do("UPDATE files SET name = 'y'")
	h.do("UPDATE files SET size = 400")
	h.wants("storage", days, 3*400)
	h.wants("storage", billing.Period{From: today + 5, To: today + 7}, 2*400) // a level from before the period
	h.wants("storage", billing.Period{From: today - 9, To: today - 2}, 0)

	class := func(n byte, created string) {
		h.do(`INSERT INTO classes (id, title, kind, starts_on, ends_on, seats, created_at) VALUES ($1, 'Class', 'live', '2026-09-01', '2027-06-30', 30, $2)`, uuid.UUID{15: n}, created)
	}
	class(1, "2026-09-10T12:00:00Z")
	class(2, "2026-10-03T12:00:00Z")
	class(3, "2026-10-20T12:00:00Z")
	h.wants("classes", september, 1)
	h.wants("classes", october, 3)
	h.do("UPDATE classes SET taken = 1")
	h.do("UPDATE classes SET state = 'cancelled' WHERE id = $1", uuid.UUID{15: 1})
	h.do("UPDATE classes SET state = 'active' WHERE id = $1", uuid.UUID{15: 1})
	h.do("DELETE FROM classes WHERE id <> $1", uuid.UUID{15: 3})
	h.wants("classes", billing.Period{From: today + 1, To: today + 2}, 1)
	var facts int
	if err := h.conn.QueryRow(t.Context(), "SELECT count(*) FROM meter_facts WHERE meter = 'classes'").Scan(&facts); err != nil || facts != 7 {
		t.Errorf("%d facts of classes: %v", facts, err)
	}
}

// Of two transactions that change one row the second has the last word, also when it began first.
func TestWhoIsSecondHasTheLastWord(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	id := uuid.UUID{15: 1}
	h.do(`INSERT INTO files (id, purpose, state, sha256, content_type, size, width, height, name, created_at) VALUES ($1, 'general', 'stored', repeat('a', 64), 'text/plain', 10, 0, 0, 'x', now())`, id)
	other := h.Direct(t)
	for _, q := range []string{"SET search_path = tenant_jamaica, public", "BEGIN", "SELECT 1"} {
		if _, err := other.Exec(t.Context(), q); err != nil {
			t.Fatal(err)
		}
	}
	h.do("UPDATE files SET size = 20") // begins and ends within the other
	for _, q := range []string{"UPDATE files SET size = 30", "COMMIT"} {
		if _, err := other.Exec(t.Context(), q); err != nil {
			t.Fatal(err)
		}
	}
	today := billing.On(time.Now().In(h.zone).Date())
	h.wants("storage", billing.Period{From: today + 1, To: today + 2}, 30)
}

// A fact that is recorded again counts once; another of its name is refused with all that was to be stored with it.
func TestFactsAreRecordedOnce(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	ctx := t.Context()
	who := uuid.New()
	list := make([]usage.Recorded, 50)
	for i := range list {
		list[i] = usage.Recorded{Key: fmt.Sprint("live:", i), Meter: "live_minutes", Subject: &who, At: time.Date(2026, 9, 10, 12, i, 0, 123, time.UTC), Quantity: 2}
	}
	record := func(facts ...usage.Recorded) (n int64, err error) {
		err = h.DB("jamaica").Write(ctx, h.Actor, func(tx *tenants.Tx) error {
			tx.Record(audit.Entry{Action: "live.end", ObjectKind: "class"})
			n, err = usage.Record(ctx, tx, facts...)
			return err
		})
		return n, err
	}
	for i, want := range []int64{50, 0} {
		if n, err := record(list...); err != nil || n != want {
			t.Errorf("time %d: %d new: %v", i, n, err)
		}
	}
	h.wants("live_minutes", september, 100)
	changed := list[7]
	changed.Quantity = 3
	fresh := list[8]
	fresh.Key = "live:new"
	if _, err := record(fresh, changed); err == nil || !strings.Contains(err.Error(), "one key has two facts") {
		t.Errorf("another fact of the same key: %v", err)
	}
	h.wants("live_minutes", september, 100)
	for _, name := range []string{"storage", "sign_ins", "active_students", "nothing"} {
		if _, err := record(usage.Recorded{Key: "k", Meter: name, At: time.Now()}); domain.CodeOf(err) != domain.Invalid {
			t.Errorf("%s was recorded: %v", name, err)
		}
	}
}

// What is measured of a tenant is its own and the platform's, and whose it is its own alone.
func TestWhoSeesFacts(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	for _, c := range []struct{ who, sql string }{
		{"", "SELECT salt FROM tenant_jamaica.meter_salt"}, {"", "SELECT * FROM tenant_jamaica.meter_facts"}, {"", "SELECT tenant_jamaica.meter_subject(gen_random_uuid())"}, {"", `SELECT * FROM tenant_jamaica.usage_facts('{"[2026-01-01,2026-02-01)"}', 'UTC', '{}', '{}')`},
		{"bahamas", "SELECT salt FROM tenant_jamaica.meter_salt"}, {"bahamas", `SELECT * FROM gate.usage_facts('jamaica', '{"[2026-01-01,2026-02-01)"}', '{}', '{}')`},
		{"jamaica", `SELECT * FROM gate.usage_facts('jamaica', '{"[2026-01-01,2026-02-01)"}', '{}', '{}')`}, {"jamaica", "UPDATE meter_facts SET quantity = 0"}, {"jamaica", "DELETE FROM meter_facts"}, {"jamaica", "UPDATE meter_salt SET salt = salt"},
	} {
		conn, err := h.As(t, h.login(c.who))
		if err != nil {
			t.Fatal(err)
		}
		if err := testkit.Writes(t.Context(), conn, c.sql, nil); err == nil || !strings.Contains(err.Error(), "denied") && !strings.Contains(err.Error(), "only the platform") {
			t.Errorf("%q: %s: %v", c.who, c.sql, err)
		}
	}
	for _, periods := range []string{"{}", "{empty}", "{\"[2026-01-01,)\"}", "{\"[2020-01-01,2026-01-01)\"}"} {
		err := h.DB("").ReadFresh(t.Context(), func(r *tenants.Reader) error {
			rows, err := r.Query(t.Context(), "SELECT * FROM gate.usage_facts('jamaica', $1::text::tstzrange[], '{}', '{}')", periods)
			if err != nil {
				return err
			}
			rows.Close()
			return rows.Err()
		})
		if err == nil || !strings.Contains(err.Error(), "out of bounds") {
			t.Errorf("%s: %v", periods, err)
		}
	}
}

func (h *house) login(slug string) string {
	if slug == "" {
		return h.DB("").Realm().Login
	}
	return h.Tenant(slug).LoginRole
}
