package limits

import (
	"context"
	"errors"
	"slices"
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
	a.long = 0
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

// A tenant that takes all it can get has six of six slots. While a neighbour is served it gets no further one, down to a sixth of them, though
// others stay free; a moment later, or when the neighbour has been served for longer than a moment, it leaves a sixth free, so that who comes
// finds a slot at once; and when nobody has been there for a while all is its own again.
func TestATenantMakesWayWhileOthersAreServed(t *testing.T) {
	a := NewAdmission(6)
	a.long, a.stay, a.brief = 0, time.Hour, time.Hour
	expect := func(what string, noisy, all int) {
		t.Helper()
		a.mu.Lock()
		defer a.mu.Unlock()
		if got := a.queues["noisy"].held; got != noisy || a.held.Len() != all {
			t.Fatalf("%s the noisy tenant holds %d of %d that are held, not %d of %d", what, got, a.held.Len(), noisy, all)
		}
	}
	set := func(stay, brief time.Duration) {
		a.mu.Lock()
		a.stay, a.brief = stay, brief
		a.grant()
		a.mu.Unlock()
	}
	var noisy []func()
	for range 6 {
		noisy = append(noisy, take(t, a, "noisy"))
	}
	backlog := waiters(t, a, "noisy", 40)
	expect("alone", 6, 6)
	neighbour := oneWaits(t, a, "neighbour")
	for i, held := range []int{5, 4, 3, 2, 1} {
		noisy[i]()
		expect("while the neighbour is served", held, held+1)
	}
	noisy[5]()
	expect("at a sixth", 1, 2) // who waits of it gets what it hands back
	other := take(t, a, "other")
	expect("with a third there", 1, 3)
	other()
	next(t, neighbour)()
	expect("when the others have just left", 5, 5)
	again := take(t, a, "neighbour")
	next(t, backlog)()
	expect("when the neighbour is there once more", 4, 5)
	set(time.Hour, time.Nanosecond)
	expect("when the neighbour had its moment", 5, 6)
	again()
	set(time.Nanosecond, time.Hour)
	expect("a while later", 6, 6)
}

// Of those who want more than they have, each has its equal part, and none of them makes way for another.
func TestThoseWhoWantMoreShare(t *testing.T) {
	a := NewAdmission(6)
	a.long, a.stay, a.brief = 0, time.Hour, time.Hour
	var held []func()
	for range 6 {
		held = append(held, take(t, a, "a"))
	}
	waiters(t, a, "a", 20)
	waiters(t, a, "b", 20)
	waiters(t, a, "c", 20)
	for i, want := range []map[string]int{{"a": 5, "b": 1}, {"a": 4, "b": 1, "c": 1}, {"a": 3, "b": 2, "c": 1}, {"a": 2, "b": 2, "c": 2}, {"a": 2, "b": 2, "c": 2}} {
		held[i]()
		a.mu.Lock()
		for tenant, n := range want {
			if got := a.queues[tenant].held; got != n {
				t.Errorf("after %d were handed back %s holds %d, not %d", i+1, tenant, got, n)
			}
		}
		a.mu.Unlock()
	}
}

// Who asks is not among the others that want more, and neither is the platform, nor is it counted twice when it asks itself.
func TestWhoAsksIsNoOther(t *testing.T) {
	a := NewAdmission(1)
	a.long = 0
	take(t, a, "holder")
	for _, tenant := range []string{nobody, "a", "b"} {
		waiters(t, a, tenant, 2)
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	for tenant, want := range map[string]int{nobody: 2, "a": 1, "b": 1, "holder": 2} {
		if got := a.othersWant(a.queues[tenant]); got != want {
			t.Errorf("beside %q %d others want more, not %d", tenant, got, want)
		}
	}
}

// Tenants that hold nothing are served in the order of their coming: of many with one request each, nobody is passed over until it gives up.
func TestEqualsAreServedInTheOrderOfTheirComing(t *testing.T) {
	a := NewAdmission(1)
	a.long = 0
	first := take(t, a, "first")
	got, tenants := make([]<-chan func(), 30), make([]string, 30)
	for i := range got {
		tenants[i] = string(rune('A' + i))
		got[i] = oneWaits(t, a, tenants[i])
	}
	first()
	for i := range got {
		select {
		case release := <-got[i]:
			release()
		case <-time.After(time.Second):
			t.Fatalf("%s is passed over by those who came later", tenants[i])
		}
	}
}

// A tenant of which nobody waits, and that wants one slot, has it whatever else is there.
func TestWhoHoldsNoneMayAlwaysHaveOne(t *testing.T) {
	a := NewAdmission(6)
	a.long, a.stay, a.brief = 0, time.Hour, time.Hour
	for _, tenant := range []string{"a", "b", "c", "d", "e", "f"} {
		take(t, a, tenant)
	}
	a = NewAdmission(1)
	a.long, a.stay = 0, time.Hour
	take(t, a, "a")()
	take(t, a, "b")
}

// The platform asks its own database for something every second, and waits like anybody; no tenant gives way to it.
func TestNobodyMakesWayForThePlatform(t *testing.T) {
	a := NewAdmission(6)
	take(t, a, nobody)
	for range 5 {
		take(t, a, "jamaica")
	}
}

// take gets a slot at once.
func take(t *testing.T, a *Admission, tenant string) (release func()) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	release, err := a.Acquire(ctx, tenant)
	if err != nil {
		t.Fatalf("a slot for %q: %v", tenant, err)
	}
	return release
}

// oneWaits lets somebody come who waits, or holds a slot at once.
func oneWaits(t *testing.T, a *Admission, tenant string) <-chan func() {
	t.Helper()
	got := make(chan func(), 1)
	go func() {
		if release, err := a.Acquire(t.Context(), tenant); err == nil {
			got <- release
		}
	}()
	for {
		a.mu.Lock()
		q := a.queues[tenant]
		here := q != nil && q.held+len(q.waiters) > 0
		a.mu.Unlock()
		if here {
			return got
		}
		time.Sleep(time.Millisecond)
	}
}

// Reports of a tenant that are slow do not count in its part: what else its people ask for goes on while another tenant is there.
func TestWhoHasSlowOnesIsNotStoppedByThem(t *testing.T) {
	a := NewAdmission(4)
	a.long = 20 * time.Millisecond
	for range 2 {
		if _, err := a.Acquire(t.Context(), "jamaica"); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := a.Acquire(t.Context(), "bahamas"); err != nil {
		t.Fatal(err)
	}
	next(t, waiters(t, a, "jamaica", 1))()
}

func TestAWaiterThatGivesUpLosesNoSlot(t *testing.T) {
	a := NewAdmission(1)
	a.stay = 0
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
	a.long = 0
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

// Never more holders than slots, as many as there ever were, and as many again for those who hold theirs for long; and every slot
// is free again in the end, whoever comes, leaves or gives up, and however the number of slots changes meanwhile.
func TestSlotsAreNeitherLostNorMade(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		slots := rapid.SliceOfN(rapid.IntRange(1, 4), 1, 6).Draw(t, "slots")
		workers := rapid.IntRange(1, 12).Draw(t, "workers")
		patience := rapid.SliceOfN(rapid.IntRange(0, 3), workers, workers).Draw(t, "patience")
		hold := rapid.SliceOfN(rapid.IntRange(0, 600), workers, workers).Draw(t, "microseconds")
		a := NewAdmission(slots[0])
		a.stay = time.Duration(rapid.IntRange(0, 1).Draw(t, "stay")) * 200 * time.Microsecond
		limit := int64(slices.Max(slots))
		if a.long = time.Duration(rapid.IntRange(0, 1).Draw(t, "slow")) * 300 * time.Microsecond; a.long > 0 {
			limit *= 2
		}
		var holding, most atomic.Int64
		var all, resizing sync.WaitGroup
		for i := range workers {
			all.Go(func() {
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
					time.Sleep(time.Duration(hold[i]) * time.Microsecond)
					holding.Add(-1)
					release()
				}
			})
		}
		ended := make(chan struct{})
		resizing.Go(func() {
			for i := 0; ; i++ {
				select {
				case <-ended:
					return
				case <-time.After(200 * time.Microsecond):
					a.Resize(slots[i%len(slots)])
				}
			}
		})
		all.Wait()
		close(ended)
		resizing.Wait()
		if most.Load() > limit {
			t.Fatalf("%d at once, of at most %d", most.Load(), limit)
		}
		time.Sleep(a.stay)
		a.mu.Lock()
		defer a.mu.Unlock()
		a.sweep()
		if a.held.Len() != 0 || a.slow != 0 || a.waiting != 0 || len(a.queues) != 0 {
			t.Fatalf("in the end %d held, %d slow, %d waiting, %d queues", a.held.Len(), a.slow, a.waiting, len(a.queues))
		}
	})
}

// waiters asks n times for a tenant, each in a goroutine of its own, and gives the channel on which they tell that they got a slot,
// when all of them wait.
func waiters(t *testing.T, a *Admission, tenant string, n int) <-chan func() {
	t.Helper()
	got, before := make(chan func(), n), a.Waiting()
	for range n {
		go func() {
			if release, err := a.Acquire(t.Context(), tenant); err == nil {
				got <- release
			}
		}()
	}
	for a.Waiting() < before+n {
		time.Sleep(time.Millisecond)
	}
	return got
}

// next is a slot of those who wait, which comes before they give up.
func next(t *testing.T, got <-chan func()) (release func()) {
	t.Helper()
	select {
	case release = <-got:
	case <-time.After(2 * maxWait):
		t.Fatal("nobody who waits gets a slot")
	}
	return release
}

func TestNewSlotsGoToThoseWhoWaitAtOnce(t *testing.T) {
	a := NewAdmission(1)
	a.long = 0
	release, err := a.Acquire(t.Context(), "jamaica")
	if err != nil {
		t.Fatal(err)
	}
	got := waiters(t, a, "jamaica", 5)
	a.Resize(4)
	for range 3 {
		next(t, got)
	}
	if a.Waiting() != 2 || a.held.Len() != 4 {
		t.Fatalf("%d wait and %d hold, of 5 and the first with 4 slots", a.Waiting(), a.held.Len())
	}
	release()
	next(t, got)
}

// Who waits when slots are taken away goes on waiting, and gets what is handed back beyond those that are gone.
func TestFewerSlotsDropNobody(t *testing.T) {
	a := NewAdmission(3)
	a.long = 0
	var held []func()
	for range 3 {
		release, err := a.Acquire(t.Context(), "jamaica")
		if err != nil {
			t.Fatal(err)
		}
		held = append(held, release)
	}
	got := waiters(t, a, "bahamas", 2)
	a.Resize(1)
	for i, release := range held {
		if len(got) > 0 {
			t.Fatalf("somebody got a slot with %d of 1 held", len(held)-i)
		}
		release()
	}
	next(t, got)()
	next(t, got)()
	a.Resize(0) // there is always one
	if release, err := a.Acquire(t.Context(), "jamaica"); err != nil {
		t.Error(err)
	} else {
		release()
	}
}

// One tenant holds every slot and does not hand them back. Others are served all the same, when the slots have been held for long,
// but no more than as many again; what is handed back then is shared out as always.
func TestLongHoldersDoNotStopEverybodyElse(t *testing.T) {
	a := NewAdmission(2)
	a.long, a.stay = 0, 0
	var held []func()
	for range 2 {
		release, err := a.Acquire(t.Context(), "jamaica")
		if err != nil {
			t.Fatal(err)
		}
		held = append(held, release)
	}
	again := waiters(t, a, "jamaica", 3) // who came first, and are behind those who hold none
	var others []<-chan func()
	for _, tenant := range []string{"bahamas", "celearn", "barbados"} {
		others = append(others, waiters(t, a, tenant, 1))
	}
	a.mu.Lock()
	a.long = 20 * time.Millisecond
	a.grant()
	a.mu.Unlock()
	var served []func()
	for begun := time.Now(); len(served) < 3; {
		if time.Since(begun) > maxWait {
			t.Fatalf("%d of those who hold none were served", len(served))
		}
		for _, got := range others {
			select {
			case release := <-got:
				served = append(served, release)
			case <-time.After(time.Millisecond):
			}
		}
		if len(served) == 2 { // as many again, and the third waits for one of them
			time.Sleep(3 * a.long)
			if a.Waiting() != 4 || a.slow != 2 || a.held.Len() != 2 {
				t.Fatalf("%d wait, %d hold and %d are slow, with 2 slots", a.Waiting(), a.held.Len(), a.slow)
			}
			served[0]()
		}
	}
	served[1]()
	served[2]()
	for range 3 {
		next(t, again)()
	}
	held[0]()
	held[1]()
	if a.held.Len() != 0 || a.slow != 0 || len(a.queues) != 0 {
		t.Errorf("in the end %d held, %d slow, %d queues", a.held.Len(), a.slow, len(a.queues))
	}
}

// A noisy tenant asks without end, and its neighbour for one slot at a time: the neighbour has its turn after a handful of the
// other's at most, where it would wait for each of the hundred in the order of their coming.
func TestANeighbourWaitsForOneSlotAndNotForTheQueue(t *testing.T) {
	const slots, noise, asked = 4, 100, 200
	a := NewAdmission(slots)
	ctx, cancel := context.WithCancel(t.Context())
	var granted atomic.Int64
	var all sync.WaitGroup
	for range noise {
		all.Go(func() {
			for ctx.Err() == nil {
				release, err := a.Acquire(ctx, "noisy")
				if err != nil {
					continue
				}
				granted.Add(1)
				time.Sleep(100 * time.Microsecond)
				release()
			}
		})
	}
	for a.Waiting() < noise/2 {
		time.Sleep(time.Millisecond)
	}
	worst, behind := int64(0), 0
	for range asked {
		before := granted.Load()
		release, err := a.Acquire(ctx, "neighbour")
		if err != nil {
			t.Fatal(err)
		}
		n := granted.Load() - before
		if worst = max(worst, n); n > 3*slots {
			behind++
		}
		release()
	}
	cancel()
	all.Wait()
	if behind > asked/20 { // a goroutine that is not run for a moment sees more pass
		t.Errorf("of %d, %d waited for more than %d of the noisy tenant's, the worst for %d", asked, behind, 3*slots, worst)
	}
}
