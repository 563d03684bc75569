package main

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"lignum/tests/load"
)

const (
	noisyClients = 64
	noisyPeople  = 1000
)

// noise lets Jamaica take all that it can get while The Bahamas goes about its day: first within its quota, which is more than the machine
// can serve, then at ten times a quota of a tenth of what was measured.
func noise(ctx context.Context, b *bench) ([]figure, error) {
	if err := b.on(ctx, post); err != nil {
		return nil, err
	}
	n, err := b.neighbour(ctx, "bahamas")
	if err != nil {
		return nil, err
	}
	defer n.close()
	noisy, err := b.noisy(ctx, "jamaica")
	if err != nil {
		return nil, err
	}
	if _, err := n.work(ctx, aloneWindow, b); err != nil { // opens connections, loads rules
		return nil, err
	}
	noisy.all(ctx, aloneWindow)
	capacity := noisy.all(ctx, 2*aloneWindow).PerSecond()
	within, err := b.noisyWindows(ctx, n, noisy, func() *load.Tally { return noisy.all(ctx, aloneWindow) })
	if err != nil {
		return nil, err
	}
	quota := max(1, int64(capacity/10))
	if err := b.limit(ctx, noisy.country.Tenant, quota, quota, quota); err != nil {
		return nil, err
	}
	time.Sleep(6 * time.Second) // within five the API has heard of it
	over, err := b.noisyWindows(ctx, n, noisy, func() *load.Tally { return noisy.at(ctx, float64(10*quota), aloneWindow) })
	if err != nil {
		return nil, err
	}
	figures := []figure{told(fmt.Sprintf("noisy tenant: requests a second that it gets alone, %d at once, within its quota", noisyClients), capacity, ""),
		told("noisy tenant: the quota of a tenth of it", float64(quota), "a second")}
	figures = append(figures, within.figures("noisy tenant within its quota")...)
	return append(figures, over.figures("noisy tenant at ten times its quota")...), nil
}

// noisy is people of one tenant who look at their classes.
func (b *bench) noisy(ctx context.Context, slug string) (*noisyTenant, error) {
	t := &noisyTenant{client: load.NewClient(b.apiAddr, noisyClients)}
	var err error
	if t.country, err = b.country(ctx, slug); err != nil {
		return nil, err
	}
	return t, t.signIn(noisyPeople)
}

type noisyTenant struct {
	neighbour
	client *load.Client
}

func (t *noisyTenant) next(n int) load.Call {
	at := n % len(t.tokens)
	return load.Call{Kind: "noise", Slug: t.country.Desk.Slug, Token: t.tokens[at], From: load.Address(at / 30), Path: "/api/v1/classes/" + t.country.Learners[at].Class.String()}
}

// all takes what it can get.
func (t *noisyTenant) all(ctx context.Context, length time.Duration) *load.Tally {
	return load.Busy(ctx, t.client, noisyClients, length, t.next)
}

// at asks for so many a second, whatever it gets.
func (t *noisyTenant) at(ctx context.Context, perSecond float64, length time.Duration) *load.Tally {
	return load.Steady(ctx, t.client, perSecond, length, noisyClients, t.next)
}

// noisyOutcome is what a neighbour felt, and what the noisy tenant got: of each second window the part of what it got alone just after.
type noisyOutcome struct {
	windows
	kept            []float64
	refused, failed int
}

// noisyWindows measures the neighbour alone and beside the noise, in turn, and after each second of them the noise alone.
func (b *bench) noisyWindows(ctx context.Context, n *neighbour, noisy *noisyTenant, noise func() *load.Tally) (*noisyOutcome, error) {
	o := &noisyOutcome{}
	got := func(t *load.Tally) float64 {
		o.refused += t.Refused[http.StatusTooManyRequests]
		o.failed += t.Failed() - t.Refused[http.StatusTooManyRequests]
		if err := t.Err(http.StatusTooManyRequests); err != nil {
			fmt.Printf("  the noisy tenant: %v\n", err)
		}
		return t.PerSecond()
	}
	for i := range b.windows {
		if err := n.signIn(neighbourPeople); err != nil {
			return nil, err
		}
		if err := noisy.signIn(noisyPeople); err != nil {
			return nil, err
		}
		quiet, err := n.work(ctx, aloneWindow, b)
		if err != nil {
			return nil, err
		}
		var made, met *load.Tally
		load.Meanwhile(func() { made = noise() }, func() { met, err = n.work(ctx, aloneWindow, b) })
		if err != nil {
			return nil, err
		}
		o.alone, o.beside = append(o.alone, load.Percentile(quiet.All(), 0.99)), append(o.beside, load.Percentile(met.All(), 0.99))
		served := got(made)
		fmt.Printf("  window %d: neighbour's p99 alone %.1f ms, beside the noise %.1f ms; the noisy tenant gets %.0f a second\n", i+1, o.alone[i], o.beside[i], served)
		if i%2 == 0 {
			alone := got(noise())
			o.kept = append(o.kept, served/max(alone, 1e-9))
			fmt.Printf("  alone the noisy tenant gets %.0f a second\n", alone)
		}
	}
	return o, nil
}

func (o *noisyOutcome) figures(name string) []figure {
	return append(o.windows.figures("beside a "+name, 2),
		atLeast(name+": throughput that it keeps beside the neighbour", median(o.kept), "of its own alone", 0.9).between(interval(o.kept)),
		told(name+": requests refused as over the quota", float64(o.refused), ""),
		atMost(name+": requests that failed otherwise", float64(o.failed), "", 0))
}
