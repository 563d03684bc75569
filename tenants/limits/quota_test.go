package limits_test

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"lignum/tenants"
	"lignum/tenants/audit"
	"lignum/tenants/limits"
	"lignum/tests/testkit"
)

func TestMain(m *testing.M) { testkit.Main(m) }

var ctx = context.Background()

// plan is a tenant whose plan has so many classes, and of which some are taken.
type plan struct {
	*testkit.World
	t  *testing.T
	db *tenants.DB
}

func newPlan(t *testing.T) plan {
	w := testkit.New(t)
	return plan{w, t, w.DB("jamaica")}
}

func (p plan) set(limit, used int64) {
	p.t.Helper()
	if _, err := p.Direct(p.t).Exec(ctx, fmt.Sprintf(`UPDATE tenant_jamaica.settings SET limits = jsonb_set(limits, '{classes}', '%d');
		UPDATE tenant_jamaica.usage_counts SET n = %d WHERE kind = 'classes'`, limit, used)); err != nil {
		p.t.Fatal(err)
	}
}

func (p plan) used() (n int64) {
	p.t.Helper()
	if err := p.Direct(p.t).QueryRow(ctx, "SELECT n FROM tenant_jamaica.usage_counts WHERE kind = 'classes'").Scan(&n); err != nil {
		p.t.Fatal(err)
	}
	return n
}

func (p plan) write(fn func(tx *tenants.Tx) error) {
	p.t.Helper()
	if err := p.db.Write(ctx, p.Actor, func(tx *tenants.Tx) error {
		tx.Record(audit.Entry{Action: "setup"})
		return fn(tx)
	}); err != nil {
		p.t.Error(err)
	}
}

// What a statement says of one more, and what a locked count says, is the same, whatever was taken before; and so is what they leave behind.
func TestOneMoreByEitherWay(t *testing.T) {
	p := newPlan(t)
	const limit = 3
	for used := range int64(limit + 3) {
		p.set(limit, used)
		var room bool
		p.write(func(tx *tenants.Tx) (err error) { room, err = limits.Take(ctx, tx, limits.Classes, 1); return err })
		left := p.used()
		p.set(limit, used)
		p.write(func(tx *tenants.Tx) error {
			counts, err := limits.Lock(ctx, tx, limits.Classes)
			if err != nil {
				return err
			}
			if got := counts[limits.Classes].Take(); got != room || room != (used < limit) {
				t.Errorf("%d of %d: the statement says %v, the count %v", used, limit, room, got)
			}
			b := &pgx.Batch{}
			counts.Queue(b)
			if b.Len() > 0 != room {
				t.Errorf("%d of %d: %d statements", used, limit, b.Len())
			}
			return tx.SendBatch(ctx, b).Close()
		})
		if n := p.used(); n != left || (n == used+1) != room {
			t.Errorf("%d of %d: the statement left %d, the count %d", used, limit, left, n)
		}
	}
	// Back, and never below none.
	for _, back := range []int64{0, 1, 2, 5} {
		p.set(limit, 2)
		p.write(func(tx *tenants.Tx) error { return limits.GiveBack(ctx, tx, limits.Classes, back) })
		if n := p.used(); n != max(0, 2-back) {
			t.Errorf("%d given back of 2: %d left", back, n)
		}
		p.set(limit, 2)
		p.write(func(tx *tenants.Tx) error {
			counts, err := limits.Lock(ctx, tx, limits.Classes)
			for range back {
				counts[limits.Classes].GiveBack()
			}
			b := &pgx.Batch{}
			counts.Queue(b)
			if err == nil && b.Len() > 0 {
				err = tx.SendBatch(ctx, b).Close()
			}
			return err
		})
		if n := p.used(); n != max(0, 2-back) {
			t.Errorf("%d given back of 2, by a count: %d left", back, n)
		}
	}
}

// Several are taken or none; and a trial counts what it took before.
func TestSeveralOrNone(t *testing.T) {
	p := newPlan(t)
	p.set(10, 7)
	for _, c := range []struct {
		n    int64
		room bool
		used int64
	}{{4, false, 7}, {3, true, 10}, {1, false, 10}} {
		p.write(func(tx *tenants.Tx) error {
			if room, err := limits.Take(ctx, tx, limits.Classes, c.n); room != c.room {
				t.Errorf("%d more: %v, %v", c.n, room, err)
			}
			return nil
		})
		if n := p.used(); n != c.used {
			t.Errorf("after %d more there are %d, want %d", c.n, n, c.used)
		}
	}
	p.set(10, 7)
	if err := p.db.ReadFresh(ctx, func(r *tenants.Reader) error {
		counts, err := limits.Look(ctx, r, limits.Classes, limits.Staff)
		if err != nil {
			return err
		}
		counts.Add(limits.Classes, 2)
		counts.Add(limits.Learners, 2) // is not among them
		c := counts[limits.Classes]
		if !c.Take() || c.Take() {
			t.Error("one of ten is left after seven and two")
		}
		if got := counts.Changed(); got[limits.Classes] != 1 || got[limits.Staff] != 0 {
			t.Errorf("changed %v", got)
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	if n := p.used(); n != 7 {
		t.Errorf("a trial left %d", n)
	}
}

// Ten at once, some by a statement and some by a locked count, get exactly what there is.
func TestTheLastOnesAreTakenOnce(t *testing.T) {
	p := newPlan(t)
	const limit, before = 50, 46
	p.set(limit, before)
	var mu sync.Mutex
	got := 0
	var all sync.WaitGroup
	for i := range 10 {
		all.Go(func() {
			p.write(func(tx *tenants.Tx) error {
				var room bool
				var err error
				if i%2 == 0 {
					room, err = limits.Take(ctx, tx, limits.Classes, 1)
				} else {
					var counts limits.Counts
					if counts, err = limits.Lock(ctx, tx, limits.Classes); err == nil {
						room = counts[limits.Classes].Take()
						b := &pgx.Batch{}
						counts.Queue(b)
						err = tx.SendBatch(ctx, b).Close()
					}
				}
				if room {
					mu.Lock()
					got++
					mu.Unlock()
				}
				return err
			})
		})
	}
	all.Wait()
	if n := p.used(); n != limit || got != limit-before {
		t.Errorf("%d got one, %d are counted; want %d and %d", got, n, limit-before, limit)
	}
}

// A day has so many, however many ask at once, and the next has them again; without room nothing is taken.
func TestADayHasSoMany(t *testing.T) {
	p := newPlan(t)
	if _, err := p.Direct(t).Exec(ctx, `UPDATE tenant_jamaica.settings SET limits = jsonb_set(limits, '{import_rows_a_day}', '100')`); err != nil {
		t.Fatal(err)
	}
	monday := time.Date(2026, 11, 30, 0, 0, 0, 0, time.UTC)
	take := func(day time.Time, n int64) (room bool, left int64) {
		p.write(func(tx *tenants.Tx) (err error) {
			room, left, err = limits.TakeToday(ctx, tx, limits.ImportRows, day, n)
			return err
		})
		return room, left
	}
	if room, left := take(monday, 101); room || left != 100 {
		t.Errorf("101 of 100: %v, %d left", room, left)
	}
	var wg sync.WaitGroup
	var taken atomic.Int64
	for range 30 {
		wg.Go(func() {
			if room, _ := take(monday, 7); room {
				taken.Add(7)
			}
		})
	}
	wg.Wait()
	if taken.Load() != 98 {
		t.Errorf("%d were taken", taken.Load())
	}
	if room, left := take(monday, 3); room || left != 2 {
		t.Errorf("3 of 2: %v, %d left", room, left)
	}
	if room, left := take(monday.AddDate(0, 0, 1), 100); !room || left != 0 {
		t.Errorf("on the next day: %v, %d left", room, left)
	}
	if _, err := p.Direct(t).Exec(ctx, `UPDATE tenant_jamaica.settings SET limits = limits - 'import_rows_a_day'`); err != nil {
		t.Fatal(err)
	}
	if room, left := take(monday.AddDate(0, 0, 2), 1); room || left != 0 {
		t.Errorf("without a limit: %v, %d left", room, left)
	}
	p.write(func(tx *tenants.Tx) error { return limits.SweepDays(ctx, tx, monday.AddDate(0, 0, 41)) })
	var days int
	if err := p.Direct(t).QueryRow(ctx, "SELECT count(*) FROM tenant_jamaica.daily_counts").Scan(&days); err != nil || days != 1 {
		t.Errorf("%d days are kept, %v", days, err)
	}
}
