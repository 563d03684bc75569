package limits

import (
	"hash/maphash"
	"sync/atomic"
	"time"
)

// Quota is a steady rate and how much of it may come at once.
type Quota struct {
	PerSecond int64
	Window    time.Duration // whose worth may come at once; a second or more
}

// Shares are token buckets for keys that come from outside, such as addresses and people, in memory whose size is fixed: however
// many keys a stranger brings, nothing grows, nothing has to be forgotten, and no newcomer is turned away for lack of room.
//
// The buckets are cells of two rows, as in a count-min sketch (Cormode and Muthukrishnan, 2005), each cell a theoretical
// arrival time (GCRA, ITU-T I.371). A key has a cell in each row, and the emptier of the two counts. Keys whose cells coincide
// share: nobody gets more than their share, and to take another's away one must fill both cells, which are unknown outside.
// They are of this process. It is safe for concurrent use.
type Shares struct {
	rows [2][]atomic.Int64 // nanoseconds since epoch
	seed maphash.Seed
	now  func() time.Time
	zero time.Time
}

// cells is how many buckets a row has; two rows of them are 2 MB.
const cells = 1 << 17

// NewShares takes the clock; nil: the system's.
func NewShares(now func() time.Time) *Shares {
	if now == nil {
		now = time.Now
	}
	s := &Shares{seed: maphash.MakeSeed(), now: now, zero: now()}
	for i := range s.rows {
		s.rows[i] = make([]atomic.Int64, cells)
	}
	return s
}

// Take takes cost from the key's share, or nothing when there is not so much. A rate of 0 lets nothing through.
func (s *Shares) Take(key []byte, cost int64, q Quota) Verdict {
	return s.take(key, cost, q, false)
}

// Charge takes cost whatever is left: for what turned out to cost more than was asked when it came in. The debt is never more than
// one window's worth.
func (s *Shares) Charge(key []byte, cost int64, q Quota) {
	s.take(key, cost, q, true)
}

func (s *Shares) take(key []byte, cost int64, q Quota, anyway bool) Verdict {
	if q.PerSecond <= 0 {
		return Verdict{Window: q.Window, RetryAfter: time.Minute}
	}
	h := maphash.Bytes(s.seed, key)
	low, high := &s.rows[0][h%cells], &s.rows[1][(h>>32)%cells]
	now := int64(s.now().Sub(s.zero))
	step := max(1, int64(time.Second)/q.PerSecond)
	v := Verdict{Limit: q.PerSecond, Window: q.Window}
	for {
		cell, other := low, high
		at, beside := low.Load(), high.Load()
		if beside < at {
			cell, other, at, beside = high, low, beside, at
		}
		from := max(at, now)
		next := from + cost*step
		if wait := time.Duration(next-now) - q.Window; wait > 0 && !anyway {
			v.RetryAfter, v.Reset = wait, time.Duration(from-now)
			return v
		}
		if anyway {
			next = max(from, min(next, now+2*int64(q.Window)))
		}
		// The fuller cell first: whoever sees the emptier one moved must not find the other behind, and take the same once more.
		for beside < next && !other.CompareAndSwap(beside, next) {
			beside = other.Load()
		}
		if !cell.CompareAndSwap(at, next) {
			continue // somebody else took from it at this moment
		}
		v.OK, v.Reset = true, time.Duration(next-now)
		v.Remaining = max(0, int64(q.Window-v.Reset)/step)
		return v
	}
}
