package tenants_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"lignum/tenants"
	"lignum/tenants/audit"
	"lignum/tests/testkit"
)

const longTrail = 6_000

// newTrail makes a trail of some days: refusals and a rare action are old, one action is always refused. One actor did half of it, and was
// refused once.
func newTrail(t *testing.T) (*testkit.World, []audit.Stored) {
	t.Helper()
	w := testkit.New(t)
	conn := w.Direct(t)
	if _, err := conn.Exec(t.Context(), fmt.Sprintf(`SET search_path = tenant_jamaica;
		INSERT INTO audit_entries (id, at, actor_id, action, outcome, object_kind, object_id)
		SELECT (lpad(to_hex((extract(epoch FROM at) * 1000)::bigint + i %% 7), 12, '0') || '7' || lpad(to_hex(i %% 4096), 3, '0') || '8000' || lpad(to_hex(i), 12, '0'))::uuid, at, ('a0000000-0000-7000-8000-' || lpad((CASE WHEN i >= 20 AND i %% 2 = 0 THEN 8 ELSE i %% 40 END)::text, 12, '0'))::uuid,
			CASE WHEN i < 20 THEN 'role.change' WHEN i %% 50 = 3 THEN 'sign_in.failed' WHEN i %% 3 = 0 THEN 'sign_in.done' WHEN i %% 3 = 1 THEN 'progress.record' ELSE 'attempt.answer' END,
			CASE WHEN i %% 50 = 3 OR i < 10 THEN 'refused' ELSE 'done' END, CASE WHEN i < 20 THEN 'role' WHEN i %% 50 = 3 OR i %% 3 = 0 THEN '' WHEN i %% 3 = 1 THEN 'lesson' ELSE 'attempt' END,
			CASE WHEN i < 20 THEN 'teacher' WHEN i %% 3 = 0 THEN '' ELSE 'thing ' || i %% 60 END
		FROM (SELECT i, now() - interval '5 days' + interval '1 minute' * i AS at FROM generate_series(0, %d) i) e; ANALYZE audit_entries`, longTrail)); err != nil {
		t.Fatal(err)
	}
	rows, err := conn.Query(t.Context(), `SELECT id, at, actor_id, actor_name, actor_roles, actor_realm, address, action, outcome, object_kind, object_id, before, after, reason, request_id, actor_erased, content_erased FROM audit_trail ORDER BY id DESC`)
	if err != nil {
		t.Fatal(err)
	}
	all, err := pgx.CollectRows(rows, pgx.RowToStructByPos[audit.Stored])
	if err != nil {
		t.Fatal(err)
	}
	return w, all
}

// filters are combinations of everything that a trail can be narrowed by.
func filters(now time.Time) (list []tenants.TrailFilter) {
	actor := uuid.MustParse("a0000000-0000-7000-8000-000000000007")
	for _, action := range []string{"", "sign_in.", "sign_in.failed", "role.change", "attempt.answer", "nothing", "s", "zz."} {
		for _, kind := range []string{"", "lesson", "role", "nothing"} {
			for _, outcome := range []string{"", "done", "refused"} {
				for i := range 8 {
					f := tenants.TrailFilter{Action: action, ObjectKind: kind, Outcome: outcome}
					if i&1 != 0 {
						f.ActorID = actor
					}
					if i&2 != 0 {
						f.ObjectID = "thing 7"
					}
					if i&4 != 0 {
						f.From, f.To = now.Add(-80*time.Hour), now.Add(-30*time.Hour)
					}
					list = append(list, f)
				}
			}
		}
	}
	busy := uuid.MustParse("a0000000-0000-7000-8000-000000000008")
	return append(list, tenants.TrailFilter{ActorID: busy, Outcome: "refused"}, tenants.TrailFilter{ActorID: busy}, tenants.TrailFilter{To: now.Add(-100 * time.Hour)}, tenants.TrailFilter{From: now.Add(-2 * time.Hour)})
}

func fits(f tenants.TrailFilter, e audit.Stored) bool {
	return (f.ActorID == uuid.Nil || e.ActorID != nil && *e.ActorID == f.ActorID) && (f.ObjectKind == "" || e.ObjectKind == f.ObjectKind) && (f.ObjectID == "" || e.ObjectID == f.ObjectID) &&
		(f.Outcome == "" || e.Outcome == f.Outcome) && (f.Action == "" || e.Action == f.Action || strings.HasSuffix(f.Action, ".") && strings.HasPrefix(e.Action, f.Action)) &&
		(f.From.IsZero() || !e.At.Before(f.From)) && (f.To.IsZero() || e.At.Before(f.To))
}

// Whatever a trail is narrowed by, page after page has exactly the entries that fit, newest first; and none of the statements reads
// the trail from end to end, nor an index of it.
func TestATrailIsReadThroughIndexes(t *testing.T) {
	w, all := newTrail(t)
	conn := w.Direct(t)
	if _, err := conn.Exec(t.Context(), "SET search_path = tenant_jamaica"); err != nil {
		t.Fatal(err)
	}
	for _, f := range filters(time.Now()) {
		var want []uuid.UUID
		for _, e := range all {
			if fits(f, e) {
				want = append(want, e.ID)
			}
		}
		want = want[:min(len(want), 24)]
		var got []uuid.UUID
		f.Limit = 8
		for more := true; more && len(got) < 24; {
			if err := w.DB("jamaica").ReadFresh(t.Context(), func(r *tenants.Reader) error {
				a := &testkit.Heard{Querier: r}
				list, m, err := tenants.Trail(t.Context(), a, f)
				if err != nil {
					return err
				}
				more = m
				for _, e := range list {
					got, f.Before = append(got, e.ID), e.ID
				}
				if p := a.Explain(t, conn); p.Read("audit_entries") > 500 || p.Scans("audit_entries") {
					t.Errorf("%+v reads %d of %d entries: %s", f, p.Read("audit_entries"), longTrail, a.SQL)
				}
				return nil
			}); err != nil {
				t.Fatal(err)
			}
		}
		if !slices.Equal(got, want) {
			t.Errorf("%+v: %d entries, want %d", f, len(got), len(want))
		}
	}
}

// What one person was refused is found as fast where others are refused all day, and where they themselves did a lot.
func TestAnActorsRefusalsAreReadThroughAnIndex(t *testing.T) {
	w := testkit.New(t)
	conn := w.Direct(t)
	if _, err := conn.Exec(t.Context(), `SET search_path = tenant_jamaica;
		INSERT INTO audit_entries (id, actor_id, action, outcome, object_kind, object_id)
		SELECT ('01900000-0000-7000-8000-' || lpad(i::text, 12, '0'))::uuid, ('a0000000-0000-7000-8000-' || lpad((i / 3 % 2)::text, 12, '0'))::uuid, 'class.read',
			CASE WHEN i / 3 % 2 = 0 OR i = 5 THEN 'refused' ELSE 'done' END, '', '' FROM generate_series(0, 6000) i; ANALYZE audit_entries`); err != nil {
		t.Fatal(err)
	}
	if err := w.DB("jamaica").ReadFresh(t.Context(), func(r *tenants.Reader) error {
		a := &testkit.Heard{Querier: r}
		list, _, err := tenants.Trail(t.Context(), a, tenants.TrailFilter{ActorID: uuid.MustParse("a0000000-0000-7000-8000-000000000001"), Outcome: "refused", Limit: 8})
		if err != nil {
			return err
		}
		if p := a.Explain(t, conn); len(list) != 1 || p.Read("audit_entries") > 100 || p.Scans("audit_entries") {
			t.Errorf("%d entries, %d read: %s", len(list), p.Read("audit_entries"), a.SQL)
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
}
