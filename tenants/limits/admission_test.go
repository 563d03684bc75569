package limits

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"pgregory.net/rapid"

	"lignum/domain"
	_ "lignum/tests/tenth"
)

func TestOneTenantMayUseEverySlotWhenOthersAreIdle(t *testing.T) {
	a := NewAdmission(5)
	for i := range 5 {
		if _, err := a.Acquire(t.Context(), "jamaica"); err != nil {
			t.Fatalf("slot %d: %v", i, err)
		}
	}
}

// A surging tenant holds every slot and has a long queue; the next free slot still goes to the newcomer.
func TestAFreeSlotGoesToTheTenantThatHoldsTheFewest(t *testing.T) {
	a := NewAdmission(2)
	ctx := t.Context()
	first, err := a.Acquire(ctx, "jamaica")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := a.Acquire(ctx, "jamaica"); err != nil {
		t.Fatal(err)
	}
	got := make(chan string, 100)
	ask := func(tenant string) {
		before := a.Waiting()
		go func() {
			if _, err := a.Acquire(ctx, tenant); err == nil {
				got <- tenant
			}
		}()
		for a.Waiting() == before {
			time.Sleep(time.Millisecond)
		}
	}
	for range 20 {
		ask("jamaica")
	}
	ask("bahamas")
	first()
	if who := <-got; who != "bahamas" {
		t.Errorf("the slot went to %s, which held one already and came first; the other held none", who)
	}
}

func TestAWaiterThatGivesUpLosesNoSlot(t *testing.T) {
	a := NewAdmission(1)
	release, err := a.Acquire(t.Context(), "x")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error)
	go func() {
		_, err := a.Acquire(ctx, "y")
		ended <- err
	}()
	for a.Waiting() == 0 {
		time.Sleep(time.Millisecond)
	}
	cancel()
	if err := <-ended; !errors.Is(err, context.Canceled) {
		t.Fatalf("gave up with %v", err)
	}
	release()
	if _, err := a.Acquire(t.Context(), "y"); err != nil {
		t.Fatal(err)
	}
	if len(a.queues) != 1 || a.Waiting() != 0 {
		t.Errorf("%d queues, %d waiting are left", len(a.queues), a.Waiting())
	}
}

func TestAQueueIsBounded(t *testing.T) {
	a := NewAdmission(1)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	if _, err := a.Acquire(ctx, "x"); err != nil {
		t.Fatal(err)
	}
	for range maxQueue {
		go func() { _, _ = a.Acquire(ctx, "x") }() // waits until the end of the test
	}
	for a.Waiting() < maxQueue {
		time.Sleep(time.Millisecond)
	}
	if _, err := a.Acquire(ctx, "x"); domain.CodeOf(err) != domain.Unavailable {
		t.Errorf("one more: %v", err)
	}
}

// Never more holders than slots, and every slot is free again in the end, whoever comes, leaves or gives up.
func TestSlotsAreNeitherLostNorMade(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		slots := rapid.IntRange(1, 4).Draw(t, "slots")
		workers := rapid.IntRange(1, 12).Draw(t, "workers")
		patience := rapid.SliceOfN(rapid.IntRange(0, 3), workers, workers).Draw(t, "patience")
		a := NewAdmission(slots)
		var holding, most atomic.Int64
		var wg sync.WaitGroup
		for i := range workers {
			wg.Go(func() {
				for range 10 {
					ctx, cancel := context.WithTimeout(context.Background(), time.Duration(patience[i])*time.Millisecond)
					release, err := a.Acquire(ctx, string(rune('a'+i%3)))
					cancel()
					if err != nil {
						continue
					}
					n := holding.Add(1)
					for m := most.Load(); n > m && !most.CompareAndSwap(m, n); m = most.Load() {
					}
					time.Sleep(50 * time.Microsecond)
					holding.Add(-1)
					release()
				}
			})
		}
		wg.Wait()
		if most.Load() > int64(slots) {
			t.Fatalf("%d held %d slots", most.Load(), slots)
		}
		if a.free != slots || a.Waiting() != 0 || len(a.queues) != 0 {
			t.Fatalf("in the end %d of %d free, %d waiting, %d queues", a.free, slots, a.Waiting(), len(a.queues))
		}
	})
}
