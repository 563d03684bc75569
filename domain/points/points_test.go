package points_test

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"pgregory.net/rapid"

	"lignum/domain"
	"lignum/domain/people"
	"lignum/domain/points"
	"lignum/tenants"
	"lignum/tenants/audit"
	"lignum/tests/school"
	_ "lignum/tests/tenth"
	"lignum/tests/testkit"
)

func TestMain(m *testing.M) { testkit.Main(m) }

var (
	ctx   = context.Background()
	now   = time.Date(2026, 11, 23, 15, 0, 0, 0, time.UTC)
	today = time.Date(2026, 11, 23, 0, 0, 0, 0, time.UTC)
)

type world struct {
	*testkit.World
	t  *testing.T
	db *tenants.DB
}

func newWorld(t *testing.T) *world {
	w := testkit.New(t)
	return &world{w, t, w.DB("jamaica")}
}

func (w *world) write(fn func(tx *tenants.Tx) error) {
	w.t.Helper()
	if err := w.db.Write(ctx, w.Actor, func(tx *tenants.Tx) error { tx.Record(audit.Entry{Action: "setup"}); return fn(tx) }); err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) do(sql string, args ...any) {
	w.t.Helper()
	w.write(func(tx *tenants.Tx) error { _, err := tx.Exec(ctx, sql, args...); return err })
}

func (w *world) learner(given, family string, at *uuid.UUID) uuid.UUID {
	w.t.Helper()
	p := school.Person{GivenName: given, FamilyName: family}
	if at != nil {
		p.SchoolID = *at
	}
	return school.People(w.t, w.db, p)[0]
}

// award stores earnings as lessons and tests do, in SQL, and gives how many points were new.
func award(tx *tenants.Tx, learner uuid.UUID, earnings ...points.Earning) (fresh int, err error) {
	n := len(earnings)
	rules, refs, worth := make([]string, n), make([]string, n), make([]int32, n)
	for i, e := range earnings {
		rules[i], refs[i], worth[i] = e.Rule, e.Ref, int32(e.Points)
	}
	err = tx.QueryRow(ctx, `SELECT coalesce(sum(points), 0)::integer FROM award_points($1::text[]::uuid[], $2::text[], $3::text[], $4::integer[], $5::timestamptz[], $6::text)`,
		slices.Repeat([]string{learner.String()}, n), rules, refs, worth, slices.Repeat([]time.Time{now.UTC()}, n), points.Month(today)).Scan(&fresh)
	return fresh, err
}

func (w *world) award(learner uuid.UUID, earnings ...points.Earning) (fresh int) {
	w.t.Helper()
	w.write(func(tx *tenants.Tx) (err error) {
		fresh, err = award(tx, learner, earnings...)
		return err
	})
	return fresh
}

func (w *world) board(scope points.Scope, period string, me uuid.UUID, limit int) (b *points.Board) {
	w.t.Helper()
	if err := w.db.Read(ctx, func(r *tenants.Reader) (err error) {
		b, err = points.Leaderboard(ctx, r, scope, period, me, limit)
		return err
	}); err != nil {
		w.t.Fatal(err)
	}
	return b
}

func TestTheSameThingEarnsOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	me := w.learner("Ann", "Brown", nil)
	lesson, test := uuid.New(), uuid.New()
	var wg sync.WaitGroup
	for range 30 {
		wg.Go(func() {
			err := w.db.Write(ctx, w.Actor, func(tx *tenants.Tx) error {
				tx.Record(audit.Entry{Action: "test"})
				_, err := award(tx, me, points.ForLesson(lesson))
				return err
			})
			if err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	for i, c := range []struct {
		percent int
		passed  bool
		want    int
	}{{34, false, 35}, {34, false, 0}, {20, false, 0}, {77, true, 65}, {100, true, 30}, {100, true, 0}} {
		if got := w.award(me, points.ForTest(test, c.percent, c.passed)...); got != c.want {
			t.Errorf("attempt %d earns %d, want %d", i, got, c.want)
		}
	}
	if got := w.award(me, points.ForLesson(uuid.New()), points.ForLesson(lesson)); got != 10 {
		t.Errorf("one new and one old lesson earn %d", got)
	}
	twice := points.ForLesson(uuid.New())
	if got := w.award(me, twice, twice); got != 10 {
		t.Errorf("the same earning twice in one award earns %d", got)
	}
	var own *points.Own
	if err := w.db.Read(ctx, func(r *tenants.Reader) (err error) { own, err = points.Mine(ctx, r, me, today); return err }); err != nil {
		t.Fatal(err)
	}
	if own.Total != 160 || own.Month != 160 || own.Listed || own.Decides != people.ByLearner || len(own.Recent) != 4 {
		t.Errorf("own points: %+v", own)
	}
}

// Totals are the sum of the entries, whatever is awarded in whatever mixture.
func TestTotalsAreTheEntries(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	learners := []uuid.UUID{w.learner("Ann", "Brown", nil), w.learner("Ben", "Clarke", nil)}
	refs := []uuid.UUID{uuid.New(), uuid.New(), uuid.New()}
	rapid.Check(t, func(rt *rapid.T) {
		var list []points.Earning
		for range rapid.IntRange(0, 3).Draw(rt, "n") {
			ref := rapid.SampledFrom(refs).Draw(rt, "ref")
			if rapid.Bool().Draw(rt, "lesson") {
				list = append(list, points.ForLesson(ref))
			} else {
				list = append(list, points.ForTest(ref, rapid.IntRange(0, 100).Draw(rt, "percent"), rapid.Bool().Draw(rt, "passed"))...)
			}
		}
		w.award(rapid.SampledFrom(learners).Draw(rt, "learner"), list...)
		var wrong int
		err := w.db.ReadFresh(ctx, func(r *tenants.Reader) error {
			return r.QueryRow(ctx, `SELECT count(*) FROM (SELECT learner_id, sum(points) AS n FROM point_entries GROUP BY 1) e
				FULL JOIN point_totals t ON t.learner_id = e.learner_id WHERE t.points IS DISTINCT FROM e.n`).Scan(&wrong)
		})
		if err != nil || wrong != 0 {
			rt.Fatalf("%d totals are not their entries (%v)", wrong, err)
		}
	})
}

func names(list []points.Standing) (out []string) {
	for _, s := range list {
		mark := ""
		if s.Me {
			mark = "*"
		}
		out = append(out, fmt.Sprintf("%d %s %d%s", s.Rank, s.Name, s.Points, mark))
	}
	return out
}

func TestLeaderboardTiesAndPrivacy(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	harbour := school.Schools(t, w.db, school.School{Name: "Harbour High"})[0]
	ids := map[string]uuid.UUID{}
	for i, c := range []struct {
		name    string
		lessons int
	}{{"Ann", 5}, {"Ben", 4}, {"Cleo", 4}, {"Dora", 3}, {"Eli", 2}, {"Fay", 2}, {"Gus", 1}} {
		at := &harbour
		if i%2 == 1 {
			at = nil
		}
		ids[c.name] = w.learner(c.name, "Élan", at)
		var list []points.Earning
		for range c.lessons {
			list = append(list, points.ForLesson(uuid.New()))
		}
		w.award(ids[c.name], list...)
	}
	// Nobody is on a leaderboard who did not choose it.
	if b := w.board(points.Scope{Among: points.AmongTenant}, points.AllTime, ids["Eli"], 3); len(b.Top) != 0 || len(b.Near) != 1 {
		t.Errorf("unasked: %+v", b)
	}
	w.write(func(tx *tenants.Tx) error {
		for _, id := range ids {
			if err := people.SetListed(ctx, tx, id, true, people.ByLearner, now); err != nil {
				return err
			}
		}
		return nil
	})
	all := points.Scope{Among: points.AmongTenant}
	check := func(what string, got []points.Standing, want ...string) {
		t.Helper()
		if list := names(got); !slices.Equal(list, want) {
			t.Errorf("%s: %q, want %q", what, list, want)
		}
	}
	b := w.board(all, points.AllTime, ids["Eli"], 3)
	check("top", b.Top, "1 Ann É. 50", "2 Cleo É. 40", "2 Ben É. 40")
	check("near", b.Near, "4 Dora É. 30", "5 Fay É. 20", "5 Eli É. 20*", "7 Gus É. 10")
	if b.Me == nil || b.Me.Rank != 5 {
		t.Errorf("me: %+v", b.Me)
	}
	b = w.board(all, "2026-11", ids["Ann"], 0)
	check("near the first", b.Near, "1 Ann É. 50*", "2 Cleo É. 40", "2 Ben É. 40")
	if len(b.Top) != 7 {
		t.Errorf("%d in the month", len(b.Top))
	}
	if b := w.board(all, "2026-10", ids["Ann"], 0); len(b.Top)+len(b.Near) != 0 || b.Me != nil {
		t.Errorf("another month: %+v", b)
	}

	// Whoever opted out or is gone is not there for others, and nobody's rank shows the gap.
	w.do("UPDATE users SET on_leaderboard = false WHERE id = $1::uuid", ids["Cleo"].String())
	w.do("UPDATE users SET state = 'suspended' WHERE id = $1::uuid", ids["Dora"].String())
	b = w.board(all, points.AllTime, ids["Eli"], 5)
	check("top without the hidden", b.Top, "1 Ann É. 50", "2 Ben É. 40", "3 Fay É. 20", "3 Eli É. 20*", "5 Gus É. 10")
	check("near without the hidden", b.Near, "2 Ben É. 40", "3 Fay É. 20", "3 Eli É. 20*", "5 Gus É. 10")
	b = w.board(all, points.AllTime, ids["Cleo"], 5)
	check("what a hidden learner sees near", b.Near, "1 Ann É. 50", "2 Cleo É. 40*", "2 Ben É. 40", "3 Fay É. 20")
	for _, s := range b.Top {
		if s.Me || s.Name == "Cleo É." {
			t.Error("a hidden learner is in the list")
		}
	}

	b = w.board(points.Scope{Among: points.AmongSchool, School: harbour}, points.AllTime, ids["Gus"], 5)
	check("school", b.Top, "1 Ann É. 50", "2 Eli É. 20", "3 Gus É. 10*")
	if b := w.board(points.Scope{Among: points.AmongSchool, School: harbour}, points.AllTime, ids["Ben"], 5); b.Me != nil {
		t.Errorf("a learner of another school has rank %d", b.Me.Rank)
	}
	classmates := people.GroupOf(`SELECT id FROM users WHERE id IN (?::uuid, ?::uuid)`, ids["Gus"], ids["Ben"])
	b = w.board(points.Scope{Among: points.AmongClass, Class: classmates}, points.AllTime, ids["Gus"], 5)
	check("class", b.Top, "1 Ben É. 40", "2 Gus É. 10*")
	check("near in the class", b.Near, "1 Ben É. 40", "2 Gus É. 10*")
	if b := w.board(points.Scope{Among: points.AmongClass}, points.AllTime, ids["Gus"], 5); len(b.Top) != 0 || b.Me != nil {
		t.Errorf("among nobody: %+v", b)
	}
}

func TestLeaderboardRefuses(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	err := w.db.Read(ctx, func(r *tenants.Reader) error {
		for _, c := range []struct {
			among  points.Among
			period string
			limit  int
		}{{"world", "all", 5}, {points.AmongTenant, "2026-13", 5}, {points.AmongTenant, "all'", 5}, {points.AmongTenant, "all", 101}, {points.AmongTenant, "all", -1}} {
			if _, err := points.Leaderboard(ctx, r, points.Scope{Among: c.among}, c.period, uuid.New(), c.limit); domain.CodeOf(err) != domain.Invalid {
				t.Errorf("%+v gives %v", c, err)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// The board agrees with a plain count over everybody, for any points and any who hide.
func TestRanksAgreeWithACount(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	var ids []uuid.UUID
	for i := range 12 {
		ids = append(ids, w.learner(fmt.Sprintf("L%02d", i), "X", nil))
	}
	all := points.Scope{Among: points.AmongTenant}
	rapid.Check(t, func(rt *rapid.T) {
		have, hidden := make([]int, len(ids)), make([]bool, len(ids))
		texts, shown, totals := make([]string, len(ids)), make([]bool, len(ids)), map[uuid.UUID]int{}
		for i, id := range ids {
			have[i], hidden[i] = rapid.IntRange(1, 5).Draw(rt, "points"), rapid.IntRange(0, 3).Draw(rt, "hide") == 0
			texts[i], shown[i], totals[id] = id.String(), !hidden[i], have[i]
		}
		school.Points(t, w.db, totals)
		w.do(`UPDATE users u SET on_leaderboard = v.s FROM unnest($1::text[]::uuid[], $2::boolean[]) v (l, s) WHERE u.id = v.l`, texts, shown)
		me := rapid.IntRange(0, len(ids)-1).Draw(rt, "me")
		rank := func(p int) int {
			r := 1
			for i := range ids {
				if !hidden[i] && have[i] > p {
					r++
				}
			}
			return r
		}
		b := w.board(all, points.AllTime, ids[me], 100)
		if b.Me == nil || b.Me.Points != have[me] || b.Me.Rank != rank(have[me]) {
			rt.Fatalf("me %+v, want rank %d", b.Me, rank(have[me]))
		}
		for _, s := range slices.Concat(b.Top, b.Near) {
			if s.Rank != rank(s.Points) {
				rt.Fatalf("%+v, want rank %d", s, rank(s.Points))
			}
			var i int
			if _, err := fmt.Sscanf(s.Name, "L%d", &i); err != nil && !s.Me {
				rt.Fatalf("%q is no learner of this test: %v", s.Name, err)
			}
			if hidden[i] && !s.Me {
				rt.Fatalf("hidden %s is shown", s.Name)
			}
		}
	})
}

// Who turns a learner's place on is the tenant's to say; taking it away is open to both.
func TestWhoDecides(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	me := w.learner("Ann", "Élan", nil)
	listed := func(yes bool, by string) (err error) {
		w.write(func(tx *tenants.Tx) error { err = people.SetListed(ctx, tx, me, yes, by, now); return nil })
		return err
	}
	for _, c := range []struct{ decides, other string }{{people.ByLearner, people.ByGuardian}, {people.ByGuardian, people.ByLearner}} {
		w.do("UPDATE branding SET document = document || jsonb_build_object('leaderboard_by', $1::text)", c.decides)
		if err := listed(true, c.other); domain.CodeOf(err) != domain.Forbidden {
			t.Errorf("%s decides, and %s turned it on: %v", c.decides, c.other, err)
		}
		if err := listed(true, c.decides); err != nil {
			t.Error(err)
		}
		if err := listed(false, c.other); err != nil {
			t.Errorf("%s could not take it away: %v", c.other, err)
		}
	}
	if err := listed(true, people.ByGuardian); err != nil {
		t.Error(err)
	}
	w.write(func(tx *tenants.Tx) error { return people.UnlistAll(ctx, tx, now) })
	if err := w.db.Read(ctx, func(r *tenants.Reader) error {
		own, err := points.Mine(ctx, r, me, today)
		if err == nil && (own.Listed || own.Decides != people.ByGuardian) {
			t.Errorf("%+v", own)
		}
		return err
	}); err != nil {
		t.Fatal(err)
	}
}

// The trail tells alike of who is put on leaderboards, one by one or many at once, and always by whose decision.
func TestTheTrailTellsOfEveryListingAlike(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	one, many := w.learner("Ann", "One", nil), w.learner("Ben", "Many", nil)
	w.do("UPDATE branding SET document = document || jsonb_build_object('leaderboard_by', $1::text)", people.ByLearner)
	w.write(func(tx *tenants.Tx) error { return people.SetListed(ctx, tx, one, true, people.ByLearner, now) })
	w.write(func(tx *tenants.Tx) error { return people.ListAll(ctx, tx, []uuid.UUID{one, many}, now) })
	var n, kinds int
	if err := w.db.Read(ctx, func(r *tenants.Reader) error {
		return r.QueryRow(ctx, `SELECT count(*), count(DISTINCT (before, after)) FROM audit_trail WHERE action = 'leaderboard.listed' AND after ->> 'by' = $1::text`, people.ByLearner).Scan(&n, &kinds)
	}); err != nil || n != 2 || kinds != 1 {
		t.Errorf("%d entries of %d kinds for two learners, %v", n, kinds, err)
	}
}
