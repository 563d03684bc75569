package limits

import (
	"sync"
	"time"
)

// Class is a kind of request with a quota of its own per tenant.
type Class string

// The classes. A route names one.
const (
	Read   Class = "read"
	Write  Class = "write"
	SignIn Class = "sign_in"
	Files  Class = "files" // static files: of no tenant, and an address has a quota of its own for them
	Free   Class = "free"  // asked by load balancers, never refused
)

// Rate is a set of token buckets by the generic cell rate algorithm (GCRA, ITU-T I.371): a steady rate with a
// burst of two seconds' worth, for keys that the installation itself brings, such as tenants; keys from outside go to Shares. It
// is of this process; several processes share a quota by dividing it.
type Rate struct {
	mu  sync.Mutex
	tat map[string]time.Time // theoretical arrival time per key
	now func() time.Time
}

// NewRate takes the clock; nil: the system's.
func NewRate(now func() time.Time) *Rate {
	if now == nil {
		now = time.Now
	}
	return &Rate{tat: map[string]time.Time{}, now: now}
}

// Verdict is what a request got.
type Verdict struct {
	OK         bool
	Limit      int64         // requests a second
	Window     time.Duration // over which Burst is counted
	Remaining  int64         // requests that would be let through at once
	Reset      time.Duration // until the bucket is full again
	RetryAfter time.Duration // when not OK: until the next one is let through
}

// maxKeys bounds the buckets in use at one moment, of some 100 bytes each; more keys than that are a flood.
const maxKeys = 200_000

const burstWindow = 2 * time.Second

// Allow takes one request of the key at perSecond; a limit of 0 lets nothing through.
func (r *Rate) Allow(key string, perSecond int64) Verdict {
	if perSecond <= 0 {
		return Verdict{Window: burstWindow, RetryAfter: time.Minute}
	}
	step := max(1, time.Second/time.Duration(perSecond))
	r.mu.Lock()
	defer r.mu.Unlock()
	now := r.now()
	tat, known := r.tat[key]
	if !known && len(r.tat) >= maxKeys {
		if r.forget(now); len(r.tat) >= maxKeys {
			return Verdict{Limit: perSecond, Window: burstWindow, RetryAfter: burstWindow}
		}
	}
	if tat.Before(now) {
		tat = now
	}
	v := Verdict{Limit: perSecond, Window: burstWindow}
	next := tat.Add(step)
	if wait := next.Sub(now) - burstWindow; wait > 0 {
		v.RetryAfter, v.Reset = wait, tat.Sub(now)
		return v
	}
	r.tat[key] = next
	v.OK, v.Reset = true, next.Sub(now)
	v.Remaining = int64((burstWindow - v.Reset) / step)
	return v
}

// Forget drops the buckets that are full, so that the map stays as small as the set of busy tenants.
func (r *Rate) Forget() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.forget(r.now())
}

func (r *Rate) forget(now time.Time) {
	for k, t := range r.tat {
		if t.Before(now) {
			delete(r.tat, k)
		}
	}
}
