package main

import (
	"context"
	"fmt"
	"runtime"
	"time"

	"lignum/tests/load"
)

// dayClients is how many requests of the record day are under way at once.
const dayClients = 32

// recordDay replays the record day of the reference as fast as it goes: 20,000 people of Jamaica, in the order of a day, until PostgreSQL has
// counted as many statements as the reference had database requests. What people sign in with is made before.
func recordDay(ctx context.Context, b *bench) ([]figure, error) {
	if err := b.on(ctx, post); err != nil {
		return nil, err
	}
	client := load.NewClient(b.apiAddr, dayClients)
	country, err := b.country(ctx, "jamaica")
	if err != nil {
		return nil, err
	}
	users := int(load.RecordUsers * b.share)
	staff := min(len(country.Staff), users/20)
	if len(country.Learners) < users-staff {
		return nil, fmt.Errorf("there are %d learners and %d staff for %d users", len(country.Learners), staff, users)
	}
	country.Learners, country.Staff = country.Learners[:users-staff], country.Staff[:staff]
	d := &dayOf{b: b, role: country.Tenant.LoginRole, replay: load.Replay{Client: client, Country: country, Journal: load.NewJournal(), AtOnce: dayClients}, tally: load.NewTally()}
	if err := b.forgetStatements(ctx); err != nil {
		return nil, err
	}
	since, before, own := time.Now().Add(-time.Second), b.usage(), load.OwnTime()
	if err := d.run(ctx, int64(float64(load.RecordRequests)*b.share)); err != nil {
		return nil, err
	}
	used, own := b.usage().minus(before), load.OwnTime()-own
	if err := d.tally.Err(); err != nil {
		fmt.Printf("  the day: %v\n", err)
	}
	difference, err := b.compare(ctx, d.replay.Journal, country.Tenant.SchemaName, since)
	if err != nil {
		return nil, err
	}
	figures := d.figures(users, difference, used, own)
	slow, err := b.slowest(ctx, d)
	return append(figures, slow...), err
}

// dayOf is one replay of the record day.
type dayOf struct {
	b          *bench
	role       string // the tenant's login
	replay     load.Replay
	tally      *load.Tally
	statements int64
	top        []statement
}

// run replays the day, and lets people come again until enough statements were sent: a platform that needs fewer of them for a page is asked
// for more pages.
func (d *dayOf) run(ctx context.Context, enough int64) error {
	people := len(d.replay.Country.Learners)
	steps := load.Plan(people, d.replay.Country.Staff, 1)
	for seed := uint64(2); ; seed++ {
		d.replay.Run(ctx, steps, d.tally)
		if ctx.Err() != nil {
			return ctx.Err()
		}
		var err error
		if d.top, err = d.b.statements(ctx, d.role); err != nil {
			return err
		}
		d.statements = 0
		for _, s := range d.top {
			d.statements += s.Calls
		}
		fmt.Printf("  %d requests, %d statements in %.0f s\n", d.tally.Requests, d.statements, d.tally.Took.Seconds())
		if d.statements >= enough || seed > 20 || d.statements == 0 {
			return nil
		}
		each := float64(d.tally.Requests) / float64(d.statements)
		again := load.Plan(people, nil, seed)
		steps = again[:min(len(again), 1+int(float64(enough-d.statements)*each))]
	}
}

func (d *dayOf) figures(users int, difference load.Difference, used usage, own float64) []figure {
	t := d.tally
	name := "record day"
	if d.b.share < 1 {
		name = fmt.Sprintf("%g of the record day", d.b.share)
	}
	all := t.All()
	return []figure{
		atMost(name+", replayed as fast as it goes", t.Took.Minutes(), "minutes", 5*d.b.share),
		atMost(name+": requests that failed", float64(t.Failed()), "", 0),
		atLeast(name+": statements that PostgreSQL counted, without BEGIN and COMMIT", float64(d.statements), "", float64(load.RecordRequests)*d.b.share),
		told(name+": users", float64(users), ""),
		told(name+": requests to the API", float64(t.Requests), ""),
		told(name+": facts acknowledged", float64(d.replay.Journal.Len()), ""),
		atMost(name+": of these lost", float64(difference.Lost), "", 0),
		atMost(name+": of these doubled, or never sent", float64(difference.Doubled+difference.Unasked), "", 0),
		told(name+": CPU a request, API", micros(used.api, t.Requests), "µs"),
		told(name+": CPU a request, PgBouncer", micros(used.bouncer, t.Requests), "µs"),
		told(name+": CPU a request, PostgreSQL", micros(used.postgres, t.Requests), "µs"),
		told(name+": CPU a request, the load itself", micros(own, t.Requests), "µs"),
		told(name+": share of the processors that the load took", 100*own/max(t.Took.Seconds(), 1e-9)/float64(runtime.NumCPU()), "%"),
		told(fmt.Sprintf("%s: median, %d requests at once", name, dayClients), load.Percentile(all, 0.5), "ms"),
		told(fmt.Sprintf("%s: p99, %d requests at once", name, dayClients), load.Percentile(all, 0.99), "ms"),
	}
}
