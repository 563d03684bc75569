// Package limits keeps one tenant from using what belongs to all, and one visitor from using what belongs to a tenant: admission
// to the database's connections and to the work of signing in, and the rate of requests, which are of one process; and how many accounts and
// classes a tenant has of those that its plan allows, which is counted in the tenant's own schema.
package limits

import (
	"container/list"
	"context"
	"sync"
	"time"

	"lignum/domain"
	"lignum/domain/words"
)

// Admission shares a number of slots among tenants. One that is alone may use them all. One that wants more than it has makes way while
// others are there:
//
//   - while somebody else is served who wants no more than that, it gets no further one beyond a sixth of the slots, so that who has just come
//     has the processors nearly for itself for the few milliseconds that it takes;
//   - while others want more as well, each has its equal part;
//   - for a moment after others were there it leaves a sixth of the slots free, so that who comes back finds one.
//
// A sixth is one slot for each two processors. A slot that becomes free goes to the tenant that holds the fewest of those who wait.
//
// Slots are few, three for each processor of a database, and most are held for some milliseconds. One that is held for longer than
// a second, by a report over a whole country or by a transaction that waits for a row, no longer counts, so that a handful of them do
// not stop everybody else: whoever waits gets another in its place, up to as many again as there are slots. Nobody makes way for long
// either: who has been served for twenty milliseconds has had its moment.
//
// Measured on two processors that the database, the program and the load share, in windows of a neighbour alone and beside a tenant that
// takes all it can get, in nine runs, since the machine is noisy: the neighbour's 99th percentile was 1.7 to 2.7 times its own, in the middle 2.0, and
// the other kept 0.79 to 0.97, in the middle 0.86, of the throughput that it has alone. With half of the slots for the other and no making way it was
// 2.2 to 2.6 times and 0.72 to 0.81; with a sixth but none left free 2.9 and 0.81; with a third in place of the sixth while the neighbour is served 2.0
// to 2.5 and 0.82 to 0.90. Fewer collections of garbage, with 1000 or
// 1500 percent in place of 400, brought nothing that could be told from the noise of the machine.
//
// The limit of this: it counts slots and not processor time. Where the database is far away a slot is busy with the network, and
// what a sixth of them does is less than a database can.
type Admission struct {
	queue   int           // most that wait of one tenant; more are turned away at once
	wait    time.Duration // the longest that one waits
	long    time.Duration // a slot that is held for longer does not count; 0: all do
	stay    time.Duration // for how long who has left is still here; 0: not at all
	brief   time.Duration // for how long others make way for one who is served; 0: not at all
	busy    error         // what those get who are turned away
	mu      sync.Mutex
	slots   int               // how many there are; fewer may be free than none, after Resize
	held    list.List         // of *slot: those that count, the oldest first
	slow    int               // held for long, beside those
	queues  map[string]*queue // of those who are here
	gone    list.List         // of *queue: those that neither hold nor wait, the longest gone first
	waiting int
	wanting int    // tenants of which somebody waits
	last    uint64 // the last place in the row
	looking bool   // somebody waits, and a timer runs until the oldest of held may be slow, or had its moment
}

// slot is one that is held.
type slot struct {
	of    *queue
	since time.Time
	place *list.Element // in held; nil when it is slow
}

type queue struct {
	tenant  string
	held    int // those that are slow as well
	slow    int
	waiters []chan *slot
	since   uint64        // its place in the row: it goes to the end when it begins to wait, and when it gets a slot
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
	// moment is for how long others make way for one who is served: several times what most take.
	moment = 20 * time.Millisecond
)

// nobody is the platform: what it asks its own database for, every second, makes no tenant give way.
const nobody = ""

// NewAdmission shares out n slots of the database; two thousand may wait of each tenant, for five seconds.
func NewAdmission(n int) *Admission {
	a := NewQueue(n, maxQueue, maxWait, words.Say("limits.many_people_are_working_at"), time.Second)
	a.long, a.stay, a.brief = longHold, lately, moment
	return a
}

// NewQueue shares out n slots, for which so many of one tenant may wait so long; who is turned away is told message, and to come
// back after again. Each slot counts for as long as it is held, nobody makes way for a moment, and who has left is gone.
func NewQueue(n, waiting int, wait time.Duration, message words.Text, again time.Duration) *Admission {
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
		s := a.take(q)
		a.mu.Unlock()
		return func() { a.release(s) }, nil
	}
	if len(q.waiters) >= a.queue {
		a.mu.Unlock()
		return nil, a.busy
	}
	turn := make(chan *slot, 1)
	if q.waiters = append(q.waiters, turn); len(q.waiters) == 1 {
		a.wanting++
		a.last++
		q.since = a.last
	}
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
			a.drop(q, i)
			a.forget(q)
			return true
		}
	}
	return false
}

// drop takes the i-th waiter out of a queue.
func (a *Admission) drop(q *queue, i int) {
	copy(q.waiters[1:i+1], q.waiters[:i]) // mostly it is the first of many
	q.waiters = q.waiters[1:]
	if a.waiting--; len(q.waiters) == 0 {
		a.wanting--
	}
}

func (a *Admission) take(q *queue) *slot {
	s := &slot{of: q, since: time.Now()}
	s.place = a.held.PushBack(s)
	q.held++
	return s
}

func (a *Admission) release(s *slot) {
	a.mu.Lock()
	defer a.mu.Unlock()
	q := s.of
	if s.place == nil {
		a.slow--
		q.slow--
	} else {
		a.held.Remove(s.place)
	}
	q.held--
	a.forget(q)
	a.grant()
}

// enter returns a tenant's queue.
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
func (a *Admission) forget(q *queue) {
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

// mayHoldMore says whether one more slot is within a tenant's part: of the slots that count, since who has slow ones would stop at
// them. One that holds none may always have one.
func (a *Admission) mayHoldMore(q *queue) bool {
	a.sweep()
	held := q.held - q.slow
	others := len(a.queues) - 1
	if _, here := a.queues[nobody]; here && q.tenant != nobody {
		others--
	}
	if others <= 0 || held == 0 {
		return true
	}
	sixth := (a.slots + 5) / 6
	switch wanting := a.othersWant(q); {
	case held >= sixth && a.makesWay(q):
		return false
	case wanting > 0:
		return held < (a.slots+wanting)/(wanting+1)
	default:
		return held < a.slots-sixth
	}
}

// othersWant is how many other tenants want more than they have; the platform is none.
func (a *Admission) othersWant(q *queue) int {
	n := a.wanting
	if len(q.waiters) > 0 {
		n--
	}
	if p := a.queues[nobody]; p != nil && p != q && len(p.waiters) > 0 {
		n--
	}
	return n
}

// makesWay says whether another is served at this moment who wants no more than it has.
func (a *Admission) makesWay(q *queue) bool {
	now := time.Now()
	for e := a.held.Back(); e != nil; e = e.Prev() {
		s := e.Value.(*slot)
		if now.Sub(s.since) >= a.brief {
			return false
		}
		if s.of != q && s.of.tenant != nobody && len(s.of.waiters) == 0 {
			return true
		}
	}
	return false
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

// grantOne returns a slot to the waiting tenant that holds the fewest, among equals the one that has waited for longest; false when each of those
// who wait has its part already.
func (a *Admission) grantOne() bool {
	var next *queue
	for _, q := range a.queues {
		if len(q.waiters) == 0 || !a.mayHoldMore(q) {
			continue
		}
		if next == nil || q.held < next.held || q.held == next.held && q.since < next.since {
			next = q
		}
	}
	if next == nil {
		return false
	}
	turn := next.waiters[0]
	a.drop(next, 0)
	a.last++
	next.since = a.last
	turn <- a.take(next)
	return true
}

// overtake takes the oldest slot out of the count if it has been held for long; otherwise it looks again when it will have been.
func (a *Admission) overtake() bool {
	if a.long == 0 || a.slow >= a.slots || a.held.Len() > a.slots { // after Resize there are too many already
		return false
	}
	oldest := a.held.Front().Value.(*slot)
	if age := time.Since(oldest.since); age < a.long {
		again := a.long - age
		if a.brief > 0 {
			again = min(again, a.brief)
		}
		a.later(again)
		return false
	}
	a.held.Remove(oldest.place)
	oldest.place = nil
	a.slow++
	oldest.of.slow++
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
