package api

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/uuid"

	"lignum/tenants"
)

// However many people and networks are refused, what is kept of them is bounded, and the sum is right; what could not be written is
// counted on.
func TestTalliesAreBoundedAndLoseNothing(t *testing.T) {
	var r refusals
	now := time.Unix(1_700_000_000, 0)
	jamaica := tenants.Realm{Slug: "jamaica"}
	one := func(i int) tally {
		return tally{from: now, to: now, requests: 1, what: map[string]int{fmt.Sprint("what ", i): 1}, things: map[string]int{fmt.Sprint("user ", i): 1}}
	}
	person := uuid.New()
	for i := range 20_000 {
		r.add(subject{realm: jamaica, network: fmt.Sprint(i)}, one(i))
		r.add(subject{realm: jamaica, actor: person}, one(i))
		r.allow(uuid.New(), now)
	}
	if len(r.tallies) > maxSubjects+1 || len(r.written) > maxSubjects {
		t.Errorf("%d tallies, %d actors are kept", len(r.tallies), len(r.written))
	}
	for range 2 {
		sum := 0
		for realm, list := range r.take() {
			if realm != jamaica || len(list) > maxEntries+1 {
				t.Errorf("%d entries of %v", len(list), realm)
			}
			for of, tally := range list {
				if sum += tally.requests; len(tally.what) > maxKinds+1 || len(tally.things) > maxKinds+1 {
					t.Errorf("%d kinds, %d things in one entry", len(tally.what), len(tally.things))
				}
				r.add(of, *tally)
			}
		}
		if sum != 40_000 {
			t.Errorf("%d of 40000 were counted", sum)
		}
	}
	if got := r.take(); len(got) != 1 || len(r.take()) != 0 {
		t.Error("taken twice")
	}
}
