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

// Admission shares a number of slots among tenants: one that is alone may use them all, and while others hold or wait as well, each
// has at most its equal part, rounded up. A slot that becomes free goes to the tenant that holds the fewest of those who wait. So a
// tenant that takes all it can get makes way while somebody else is there, even where a slot stays free for that moment: the slots are
// more than the processors, and what runs in the last of them would only take processor time from who has just come.
//
// Slots are few, two for each processor of a database, and most are held for some milliseconds. One that is held for longer than
// a second, by a report over a whole country or by a transaction that waits for a row, no longer counts, so that four of them do
// not stop everybody else: whoever waits gets another in its place, up to as many again as there are slots.
type Admission struct {
	queue   int           // most that wait of one tenant; more are turned away at once
	wait    time.Duration // the longest that one waits
	long    time.Duration // a slot that is held for longer does not count; 0: all do
	busy    error         // what those get who are turned away
	mu      sync.Mutex
	slots   int       // how many there are; fewer may be free than none, after Resize
	held    list.List // of *slot: those that count, the oldest first
	slow    int       // held for long, beside those
	queues  map[string]*queue
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
	held    int // those that are slow as well
	slow    int
	waiters []chan *slot
	since   uint64 // when it last got a slot, to break ties
}

const (
	// maxQueue bounds how many of one tenant's transactions wait for the database.
	maxQueue = 2000
	// maxWait bounds how long one of them waits.
	maxWait = 5 * time.Second
	// longHold is after how long a transaction is slow: a thousand times what most take.
	longHold = time.Second
)

// NewAdmission shares out n slots of the database; two thousand may wait of each tenant, for five seconds.
func NewAdmission(n int) *Admission {
	a := NewQueue(n, maxQueue, maxWait, "Many people are working at this moment. Please try again.", time.Second)
	a.long = longHold
	return a
}

// NewQueue shares out n slots, for which so many of one tenant may wait so long; who is turned away is told message, and to come
// back after again. Each slot counts for as long as it is held.
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
	q := a.queues[tenant]
	if q == nil {
		q = &queue{}
		a.queues[tenant] = q
	}
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

// mayHoldMore says whether a tenant holds less than its part: of the slots that count, since who has slow ones would stop at them.
func (a *Admission) mayHoldMore(q *queue) bool {
	present := len(a.queues) // who neither holds nor waits is forgotten
	return (q.held-q.slow)*present < a.slots
}

// forget drops the queue of a tenant that neither holds nor waits.
func (a *Admission) forget(tenant string) {
	if q := a.queues[tenant]; q.held == 0 && len(q.waiters) == 0 {
		delete(a.queues, tenant)
	}
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
