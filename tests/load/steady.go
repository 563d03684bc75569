package load

import (
	"context"
	"sync"
	"sync/atomic"
	"time"
)

// Steady sends so many requests a second for a while, each when it is due, whatever became of those before. next gives the n-th; at most
// so many are under way at once as the client has connections.
func Steady(ctx context.Context, c *Client, perSecond float64, length time.Duration, connections int, next func(n int) Call) *Tally {
	t := NewTally()
	start := time.Now()
	total := int64(perSecond * length.Seconds())
	var taken atomic.Int64
	var wg sync.WaitGroup
	for range connections {
		wg.Go(func() {
			for ctx.Err() == nil {
				n := taken.Add(1) - 1
				if n >= total {
					return
				}
				due := start.Add(time.Duration(float64(n) / perSecond * float64(time.Second)))
				time.Sleep(time.Until(due))
				call := next(int(n))
				_, err := c.Do(call, nil)
				t.Note(call.Kind, due, err)
			}
		})
	}
	wg.Wait()
	t.Took = max(time.Since(start), length)
	return t
}

// Busy keeps so many requests under way for a while, a new one for each that is answered: how much a server can do.
func Busy(ctx context.Context, c *Client, atOnce int, length time.Duration, next func(n int) Call) *Tally {
	t := NewTally()
	start := time.Now()
	var taken atomic.Int64
	var wg sync.WaitGroup
	for range atOnce {
		wg.Go(func() {
			for ctx.Err() == nil && time.Since(start) < length {
				call, due := next(int(taken.Add(1)-1)), time.Now()
				_, err := c.Do(call, nil)
				t.Note(call.Kind, due, err)
			}
		})
	}
	wg.Wait()
	t.Took = time.Since(start)
	return t
}

// Meanwhile runs two things at once and returns when both have ended.
func Meanwhile(one, other func()) {
	var wg sync.WaitGroup
	wg.Go(one)
	other()
	wg.Wait()
}
