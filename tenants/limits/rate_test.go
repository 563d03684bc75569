package limits

import (
	"testing"
	"time"

	"pgregory.net/rapid"
)

// Over any span the bucket lets through at most its burst and what the rate gives in that span, and a steady sender at the
// rate is never refused.
func TestRateHoldsOverAnySpan(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		perSecond := int64(rapid.IntRange(1, 1000).Draw(t, "rate"))
		gaps := rapid.SliceOfN(rapid.IntRange(0, 300), 1, 400).Draw(t, "gaps in ms")
		now := time.Unix(1_700_000_000, 0)
		start := now
		r := NewRate(func() time.Time { return now })
		passed := int64(0)
		for _, gap := range gaps {
			now = now.Add(time.Duration(gap) * time.Millisecond)
			v := r.Allow("k", perSecond)
			if v.OK {
				passed++
			} else {
				if v.RetryAfter <= 0 {
					t.Fatalf("refused without a time to retry")
				}
				again := NewRate(func() time.Time { return now.Add(v.RetryAfter) })
				again.tat["k"] = r.tat["k"]
				if !again.Allow("k", perSecond).OK {
					t.Fatalf("refused again after waiting as told")
				}
			}
			if v.Remaining < 0 {
				t.Fatalf("remaining is %d", v.Remaining)
			}
		}
		most := int64(now.Sub(start)/(time.Second/time.Duration(perSecond))) + 2*perSecond + 1
		if passed > most {
			t.Fatalf("%d passed in %s at %d a second", passed, now.Sub(start), perSecond)
		}
	})
}

func TestRateOfZeroLetsNothingThrough(t *testing.T) {
	if v := NewRate(nil).Allow("k", 0); v.OK || v.RetryAfter == 0 {
		t.Errorf("%+v", v)
	}
}

func TestForgetKeepsBusyTenants(t *testing.T) {
	now := time.Unix(1_700_000_000, 0)
	r := NewRate(func() time.Time { return now })
	r.Allow("busy", 1)
	r.Allow("idle", 1000)
	now = now.Add(10 * time.Millisecond)
	r.Forget()
	if _, ok := r.tat["busy"]; !ok || len(r.tat) != 1 {
		t.Errorf("left: %v", r.tat)
	}
}
