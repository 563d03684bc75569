package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"lignum/domain/demo"
	"lignum/tests/load"
)

// signIns measures how many people sign in a second, what that does to others, and a storm of two hundred at the same moment.
func signIns(ctx context.Context, b *bench) ([]figure, error) {
	if err := b.on(ctx, post); err != nil {
		return nil, err
	}
	n, err := b.neighbour(ctx, "bahamas")
	if err != nil {
		return nil, err
	}
	defer n.close()
	client := load.NewClient(b.apiAddr, 200)
	var taken atomic.Int64
	next := func(int) load.Call { return signIn(int(taken.Add(1))) }
	if _, err := n.work(ctx, aloneWindow, b); err != nil { // opens connections, loads rules
		return nil, err
	}
	load.Busy(ctx, client, 4, time.Second, next)
	rate := load.Busy(ctx, client, 8, 2*b.length, next)
	var w windows
	failed := rate.Failed()
	for i := range (b.windows + 1) / 2 { // told without a goal
		quiet, err := n.work(ctx, aloneWindow, b)
		if err != nil {
			return nil, err
		}
		var many, met *load.Tally
		load.Meanwhile(func() { many = load.Busy(ctx, client, 8, aloneWindow, next) }, func() { met, err = n.work(ctx, aloneWindow, b) })
		if err != nil {
			return nil, err
		}
		failed += many.Failed()
		if err := many.Err(); err != nil {
			fmt.Printf("  sign-ins: %v\n", err)
		}
		w.alone, w.beside = append(w.alone, load.Percentile(quiet.All(), 0.99)), append(w.beside, load.Percentile(met.All(), 0.99))
		fmt.Printf("  window %d: neighbour's p99 alone %.1f ms, beside sign-ins %.1f ms; %.0f sign-ins a second\n", i+1, w.alone[i], w.beside[i], many.PerSecond())
	}
	figures := append([]figure{
		told("sign-ins a second, 8 at once", rate.PerSecond(), ""),
		told("sign-in: median", load.Percentile(rate.All(), 0.5), "ms"),
		atMost("sign-ins that failed, 8 at once", float64(failed), "", 0),
	}, w.figures("beside sign-ins, 8 at once", 0)...)
	stormed, err := storm(ctx, client, next, 200)
	return append(append(figures, stormed...), b.memory("storm of 200 sign-ins")...), err
}

// signIn is a sign-in of the n-th student of the demo, each from an address of their own.
func signIn(n int) load.Call {
	return load.Call{Kind: "sign-in", Method: http.MethodPost, Slug: "jamaica", Path: "/api/v1/sign-in", From: load.Address(n),
		Body: fmt.Sprintf(`{"user_name":"student%d","password":%q}`, n, demo.Password)}
}

// stormPatience is how long people try to get in.
const stormPatience = 3 * time.Minute

// storm lets so many people sign in at the same moment. Who is asked to come back does so a second later, as a client does, until all are in.
func storm(ctx context.Context, client *load.Client, next func(int) load.Call, people int) ([]figure, error) {
	t := load.NewTally()
	var later, failed atomic.Int64
	start := time.Now()
	var wg sync.WaitGroup
	for range people {
		wg.Go(func() {
			call := next(0)
			for ctx.Err() == nil {
				_, err := client.Do(call, nil)
				refusal := (*load.Refusal)(nil)
				if errors.As(err, &refusal) && (refusal.Status == http.StatusServiceUnavailable || refusal.Status == http.StatusTooManyRequests) && time.Since(start) < stormPatience {
					later.Add(1)
					time.Sleep(time.Second)
					continue
				}
				if t.Note(call.Kind, start, err); err != nil {
					failed.Add(1)
				}
				return
			}
		})
	}
	wg.Wait()
	name := fmt.Sprintf("storm of %d sign-ins", people)
	return []figure{
		told(name+": until all are in", time.Since(start).Seconds(), "s"),
		told(name+": asked to come back", float64(later.Load()), "times"),
		atMost(name+": who did not get in", float64(failed.Load()), "", 0),
	}, ctx.Err()
}
