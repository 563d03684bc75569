// Package limits keeps one tenant from using what belongs to all, and one visitor from using what belongs to a tenant: admission
// to the database's connections and to the work of signing in, and the rate of requests. What it keeps is of one process.
package limits

import (
	"context"
	"sync"
	"time"

	"lignum/domain"
)

// Admission shares a number of slots among tenants: work-conserving, since one tenant may use every idle slot, and
// fair, since a slot that becomes free while several wait goes to the tenant that holds the fewest.
type Admission struct {
	queue   int           // most that wait of one tenant; more are turned away at once
	wait    time.Duration // the longest that one waits
	busy    error         // what those get who are turned away
	mu      sync.Mutex
	free    int
	queues  map[string]*queue
	waiting int
}

type queue struct {
	held    int
	waiters []chan struct{}
	since   uint64 // when it last got a slot, to break ties
}

// maxQueue bounds how many of one tenant's transactions wait for the database.
const maxQueue = 2000

// maxWait bounds how long one of them waits.
const maxWait = 5 * time.Second

// NewAdmission shares out n slots; two thousand may wait of each tenant, for five seconds.
func NewAdmission(n int) *Admission {
	return NewQueue(n, maxQueue, maxWait, "Many people are working at this moment. Please try again.", time.Second)
}

// NewQueue shares out n slots, for which so many of one tenant may wait so long; who is turned away is told message, and to come
// back after again.
func NewQueue(n, waiting int, wait time.Duration, message string, again time.Duration) *Admission {
	return &Admission{queue: waiting, wait: wait, busy: &domain.Error{Code: domain.Unavailable, Message: message, RetryAfter: again}, free: n, queues: map[string]*queue{}}
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
	release = func() { a.release(tenant) }
	if a.free > 0 {
		a.free--
		q.held++
		a.mu.Unlock()
		return release, nil
	}
	if len(q.waiters) >= a.queue {
		a.mu.Unlock()
		return nil, a.busy
	}
	turn := make(chan struct{})
	q.waiters = append(q.waiters, turn)
	a.waiting++
	a.mu.Unlock()

	timer := time.NewTimer(a.wait)
	defer timer.Stop()
	select {
	case <-turn:
		return release, nil
	case <-ctx.Done():
		err = ctx.Err()
	case <-timer.C:
		err = a.busy
	}
	if !a.leave(tenant, turn) { // the slot came at the same moment: hand it on
		a.release(tenant)
	}
	return nil, err
}

// leave takes a waiter out of its queue; false when it was given a slot already.
func (a *Admission) leave(tenant string, turn chan struct{}) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	q := a.queues[tenant]
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

func (a *Admission) release(tenant string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.queues[tenant].held--
	a.free++
	if a.waiting > 0 {
		a.grant()
	}
	a.forget(tenant)
}

// forget drops the queue of a tenant that neither holds nor waits.
func (a *Admission) forget(tenant string) {
	if q := a.queues[tenant]; q.held == 0 && len(q.waiters) == 0 {
		delete(a.queues, tenant)
	}
}

// grant gives the free slot to the waiting tenant that holds the fewest, the one served longest ago among equals.
func (a *Admission) grant() {
	var next *queue
	var latest uint64
	for _, q := range a.queues {
		latest = max(latest, q.since)
		if len(q.waiters) == 0 {
			continue
		}
		if next == nil || q.held < next.held || q.held == next.held && q.since < next.since {
			next = q
		}
	}
	turn := next.waiters[0]
	next.waiters = next.waiters[1:]
	next.since = latest + 1
	next.held++
	a.free--
	a.waiting--
	close(turn)
}

// Waiting is how many wait now.
func (a *Admission) Waiting() int {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.waiting
}
