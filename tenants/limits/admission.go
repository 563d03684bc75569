// Package limits keeps one tenant from using what belongs to all, and one visitor from using what belongs to a tenant: admission
// to the database's connections and to the work of signing in, and the rate of requests. What it keeps is of one process.
package limits

import (
	"container/list"
	"context"
	"sync"
	"time"

	"lignum/domain"
)

// Admission shares a number of slots among tenants: one that is alone may use them all, and while others are here no tenant has more
// than half of them, rounded up. A slot that becomes free goes to the tenant that holds the fewest of those who wait. So a
// tenant that takes all it can get makes way while somebody else is there, even where a slot stays free for that moment: the slots are
// more than the processors, and what runs in the last of them would only take processor time from who has just come.
//
// Slots are few, three for each processor of a database, and most are held for some milliseconds. One that is held for longer than
// a second, by a report over a whole country or by a transaction that waits for a row, no longer counts, so that a handful of them do
// not stop everybody else: whoever waits gets another in its place, up to as many again as there are slots.
//
// Who left a moment ago is still here, since a tenant of some requests a second would else find all slots taken each time it comes.
//
// Half is a compromise, measured on two processors that the database, the program and the load share, in windows of a neighbour alone and
// beside a tenant that takes all it can get. Of six slots with at most three, the neighbour's 99th percentile was 2.2 to 2.6 times its own, and the other
// kept 0.78 to 0.81 of the throughput that it has alone; with at most two 2.1 to 2.2 times and 0.69. Of four slots, all but the one that the neighbour was
// in, 2.1 to 2.6 times and 0.96 to 1.02, but the record day took an eighth longer, since with two slots a processor waits.
//
// The limit of this: it counts slots and not processor time. Where the database is far away a slot is busy with the network, and
// what half of them do is less than a database can.
type Admission struct {
	queue   int           // most that wait of one tenant; more are turned away at once
	wait    time.Duration // the longest that one waits
	long    time.Duration // a slot that is held for longer does not count; 0: all do
	stay    time.Duration // for how long who has left is still here; 0: not at all
	busy    error         // what those get who are turned away
	mu      sync.Mutex
	slots   int               // how many there are; fewer may be free than none, after Resize
	held    list.List         // of *slot: those that count, the oldest first
	slow    int               // held for long, beside those
	queues  map[string]*queue // of those who are here
	gone    list.List         // of *queue: those that neither hold nor wait, the longest gone first
	waiting int
	looking bool // somebody waits, and a timer runs until the oldest of held may be slow
}

// slot is one that is held.
type slot struct {
	tenant string
	since  time.Time
	place  *list.Element // in held; nil when it is slow
}

type queue struct {
	tenant  string
	held    int // those that are slow as well
	slow    int
	waiters []chan *slot
	since   uint64        // when it last got a slot, to break ties
	left    time.Time     // when it last neither held nor waited
	gone    *list.Element // in gone; nil while it holds or waits
}

const (
	// maxQueue bounds how many of one tenant's transactions wait for the database.
	maxQueue = 2000
	// maxWait bounds how long one of them waits.
	maxWait = 5 * time.Second
	// longHold is after how long a transaction is slow: a thousand times what most take.
	longHold = time.Second
	// lately is for how long a tenant is here that has sent something: a handful of requests a second are enough to be.
	lately = 250 * time.Millisecond
)

// nobody is the platform: what it asks its own database for, every second, makes no tenant give way.
const nobody = ""

// NewAdmission shares out n slots of the database; two thousand may wait of each tenant, for five seconds.
func NewAdmission(n int) *Admission {
	a := NewQueue(n, maxQueue, maxWait, "Many people are working at this moment. Please try again.", time.Second)
	a.long, a.stay = longHold, lately
	return a
}

// NewQueue shares out n slots, for which so many of one tenant may wait so long; who is turned away is told message, and to come
// back after again. Each slot counts for as long as it is held, and a tenant has at most half of them while others hold or wait.
func NewQueue(n, waiting int, wait time.Duration, message string, again time.Duration) *Admission {
	return &Admission{queue: waiting, wait: wait, busy: &domain.Error{Code: domain.Unavailable, Message: message, RetryAfter: again}, slots: n, queues: map[string]*queue{}}
}

// Resize changes how many slots there are, to 1 or more. Nobody who holds or waits loses anything: of new ones those who wait get
// theirs at once, and of those taken away each is gone when its holder hands it back.
func (a *Admission) Resize(n int) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.slots = max(1, n)
	a.grant()
}

// Acquire waits for a slot and gives the function that hands it back, to be called once. It gives
// domain.Unavailable when the tenant's queue is full or the wait is too long, and ctx's error when that ends first.
func (a *Admission) Acquire(ctx context.Context, tenant string) (release func(), err error) {
	a.mu.Lock()
	q := a.enter(tenant)
	if a.waiting == 0 && a.held.Len() < a.slots && a.mayHoldMore(q) {
		s := a.take(tenant, q)
		a.mu.Unlock()
		return func() { a.release(s) }, nil
	}
	if len(q.waiters) >= a.queue {
		a.mu.Unlock()
		return nil, a.busy
	}
	turn := make(chan *slot, 1)
	q.waiters = append(q.waiters, turn)
	a.waiting++
	a.grant()
	a.mu.Unlock()

	timer := time.NewTimer(a.wait)
	defer timer.Stop()
	select {
	case s := <-turn:
		return func() { a.release(s) }, nil
	case <-ctx.Done():
		err = ctx.Err()
	case <-timer.C:
		err = a.busy
	}
	if !a.leave(tenant, turn) { // the slot came at the same moment: hand it on
		a.release(<-turn)
	}
	return nil, err
}

// leave takes a waiter out of its queue; false when it was given a slot already.
func (a *Admission) leave(tenant string, turn chan *slot) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	q := a.queues[tenant]
	if q == nil {
		return false
	}
	for i, w := range q.waiters {
		if w == turn {
			q.waiters = append(q.waiters[:i], q.waiters[i+1:]...)
			a.waiting--
			a.forget(tenant)
			return true
		}
	}
	return false
}

func (a *Admission) take(tenant string, q *queue) *slot {
	s := &slot{tenant: tenant, since: time.Now()}
	s.place = a.held.PushBack(s)
	q.held++
	return s
}

func (a *Admission) release(s *slot) {
	a.mu.Lock()
	defer a.mu.Unlock()
	q := a.queues[s.tenant]
	if s.place == nil {
		a.slow--
		q.slow--
	} else {
		a.held.Remove(s.place)
	}
	q.held--
	a.forget(s.tenant)
	a.grant()
}

// enter gives a tenant's queue.
func (a *Admission) enter(tenant string) *queue {
	q := a.queues[tenant]
	if q == nil {
		q = &queue{tenant: tenant}
		a.queues[tenant] = q
	}
	if q.gone != nil {
		a.gone.Remove(q.gone)
		q.gone = nil
	}
	return q
}

// forget lets a tenant go that neither holds nor waits.
func (a *Admission) forget(tenant string) {
	q := a.queues[tenant]
	if q.held > 0 || len(q.waiters) > 0 || q.gone != nil {
		return
	}
	q.left, q.gone = time.Now(), a.gone.PushBack(q)
	a.sweep()
}

// sweep drops the queues of those who left long enough ago.
func (a *Admission) sweep() {
	for e := a.gone.Front(); e != nil; e = a.gone.Front() {
		q := e.Value.(*queue)
		if a.stay > 0 && time.Since(q.left) < a.stay {
			return
		}
		a.gone.Remove(e)
		delete(a.queues, q.tenant)
	}
}

// mayHoldMore says whether a tenant is alone or holds less than half: of the slots that count, since who has slow ones would stop at
// them.
func (a *Admission) mayHoldMore(q *queue) bool {
	a.sweep()
	others := len(a.queues) - 1
	if _, here := a.queues[nobody]; here && q.tenant != nobody {
		others--
	}
	return others <= 0 || (q.held-q.slow)*2 < a.slots
}

// grant gives what is free to those who wait, and sees to it that they get what the slow give free.
func (a *Admission) grant() {
	for a.waiting > 0 {
		if a.held.Len() < a.slots && a.grantOne() {
			continue
		}
		if !a.overtake() {
			return
		}
	}
}

// grantOne gives a slot to the waiting tenant that holds the fewest, the one served longest ago among equals; false when each of those
// who wait has its part already.
func (a *Admission) grantOne() bool {
	var next *queue
	var tenant string
	var latest uint64
	for name, q := range a.queues {
		latest = max(latest, q.since)
		if len(q.waiters) == 0 || !a.mayHoldMore(q) {
			continue
		}
		if next == nil || q.held < next.held || q.held == next.held && q.since < next.since {
			next, tenant = q, name
		}
	}
	if next == nil {
		return false
	}
	turn := next.waiters[0]
	next.waiters = next.waiters[1:]
	next.since = latest + 1
	a.waiting--
	turn <- a.take(tenant, next)
	return true
}

// overtake takes the oldest slot out of the count if it has been held for long; otherwise it looks again when it will have been.
func (a *Admission) overtake() bool {
	if a.long == 0 || a.slow >= a.slots || a.held.Len() > a.slots { // after Resize there are too many already
		return false
	}
	oldest := a.held.Front().Value.(*slot)
	if age := time.Since(oldest.since); age < a.long {
		a.later(a.long - age)
		return false
	}
	a.held.Remove(oldest.place)
	oldest.place = nil
	a.slow++
	a.queues[oldest.tenant].slow++
	return true
}

// later looks again after a time, for those who wait then.
func (a *Admission) later(after time.Duration) {
	if a.looking {
		return
	}
	a.looking = true
	time.AfterFunc(after, func() {
		a.mu.Lock()
		defer a.mu.Unlock()
		a.looking = false
		a.grant()
	})
}

// Waiting is how many wait now.
func (a *Admission) Waiting() int {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.waiting
}

// Slots is how many there are.
func (a *Admission) Slots() int {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.slots
}
