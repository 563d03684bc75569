package limits

import (
	"encoding/binary"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// Over any span a key gets at most its burst and what the rate gives in that span, whatever it costs and whoever shares its cells;
// who is refused gets through after the time that was said.
func TestAShareHoldsOverAnySpan(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		q := Quota{PerSecond: int64(rapid.IntRange(1, 1000).Draw(t, "rate")), Window: time.Duration(rapid.IntRange(1, 20).Draw(t, "window")) * time.Second}
		now := time.Unix(1_700_000_000, 0)
		start := now
		s := NewShares(func() time.Time { return now })
		passed := int64(0)
		for _, gap := range rapid.SliceOfN(rapid.IntRange(0, 300), 1, 200).Draw(t, "gaps in ms") {
			now = now.Add(time.Duration(gap) * time.Millisecond)
			cost := min(int64(rapid.IntRange(1, 50).Draw(t, "cost")), q.PerSecond)
			v := s.Take([]byte("k"), cost, q)
			if v.OK {
				passed += cost
				continue
			}
			if v.RetryAfter <= 0 || v.Remaining != 0 {
				t.Fatalf("refused with %+v", v)
			}
			now = now.Add(v.RetryAfter)
			if !s.Take([]byte("k"), cost, q).OK {
				t.Fatal("refused again after waiting as told")
			}
			passed += cost
		}
		step := max(1, time.Second/time.Duration(q.PerSecond))
		if most := int64((now.Sub(start) + q.Window) / step); passed > most {
			t.Fatalf("%d passed in %s at %+v, at most %d may", passed, now.Sub(start), q, most)
		}
	})
}

// A stranger with a million addresses takes no memory, and those who come after him are let in.
func TestAMillionAddressesTakeNoMemoryAndShutNobodyOut(t *testing.T) {
	now := time.Unix(1_700_000_000, 0)
	s, q := NewShares(func() time.Time { return now }), Quota{PerSecond: 100, Window: 10 * time.Second}
	live := func() uint64 {
		var m runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&m)
		return m.HeapAlloc
	}
	before := live()
	key := make([]byte, 9)
	for i := range 1_000_000 {
		key[0] = 'x'
		binary.BigEndian.PutUint64(key[1:], uint64(i))
		s.Take(key, 1, q)
	}
	if grown := int64(live()) - int64(before); grown > 1<<20 {
		t.Errorf("a million addresses took %d bytes", grown)
	}
	refused := 0
	for i := range 10_000 {
		key[0] = 'y'
		binary.BigEndian.PutUint64(key[1:], uint64(i))
		if !s.Take(key, 1, q).OK {
			refused++
		}
	}
	if refused > 0 {
		t.Errorf("%d of 10000 newcomers were refused", refused)
	}
	runtime.KeepAlive(s)
}

// Some hundred that use up their own share take nobody else's.
func TestWhoUsesUpTheirShareTakesNobodyElses(t *testing.T) {
	now := time.Unix(1_700_000_000, 0)
	s, q := NewShares(func() time.Time { return now }), Quota{PerSecond: 10, Window: 4 * time.Second}
	for i := range 100 {
		key := []byte{'h', byte(i)}
		for s.Take(key, 1, q).OK {
		}
	}
	refused := 0
	for i := range 2000 {
		if !s.Take([]byte{'g', byte(i), byte(i >> 8)}, 1, q).OK {
			refused++
		}
	}
	if refused > 2 { // one in some two million is to be expected
		t.Errorf("%d of 2000 bystanders were refused", refused)
	}
}

func TestTakingAtOnceGivesNoMoreThanTheShare(t *testing.T) {
	now := time.Unix(1_700_000_000, 0)
	q := Quota{PerSecond: 100, Window: 5 * time.Second}
	s := NewShares(func() time.Time { return now })
	for n := range 20 { // each key with cells of its own
		key := []byte{byte(n)}
		var passed atomic.Int64
		var wg sync.WaitGroup
		for range 8 {
			wg.Go(func() {
				for range 500 {
					if s.Take(key, 1, q).OK {
						passed.Add(1)
					}
				}
			})
		}
		wg.Wait()
		if passed.Load() != 500 {
			t.Fatalf("%d passed, the share is 500", passed.Load())
		}
	}
}

func TestADebtIsPaidAndBounded(t *testing.T) {
	now := time.Unix(1_700_000_000, 0)
	s, q := NewShares(func() time.Time { return now }), Quota{PerSecond: 10, Window: 10 * time.Second}
	for range 1000 {
		s.Charge([]byte("k"), 50, q)
	}
	v := s.Take([]byte("k"), 1, q)
	if v.OK || v.RetryAfter > q.Window+time.Second {
		t.Fatalf("%+v", v)
	}
	now = now.Add(v.RetryAfter)
	if !s.Take([]byte("k"), 1, q).OK {
		t.Error("refused after the debt was paid")
	}
	if v := s.Take([]byte("k"), 1, Quota{Window: time.Second}); v.OK || v.RetryAfter == 0 {
		t.Errorf("a rate of 0: %+v", v)
	}
}
