package main

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5"

	"lignum/tenants/audit"
	"lignum/tests/load"
)

// manyTenants measures what it costs to have many tenants, a thousand unless the run says otherwise: provisioning one more, one migration of all, and the latency of
// those that are active, in turn: 3, 200, and all of them.
func manyTenants(ctx context.Context, b *bench) ([]figure, error) {
	data := manyData(b.tenants)
	if err := b.on(ctx, data); err != nil {
		return nil, err
	}
	figures, err := b.provisionMore(ctx)
	if err != nil {
		return figures, err
	}
	migrated, err := b.migrateMany(ctx)
	if err != nil {
		return figures, err
	}
	figures = append(figures, migrated)
	for _, t := range b.registry.Tenants()[:3] { // six people make the whole load there, more than one person's share
		if err := b.limit(ctx, t, 1<<40, 1<<40, 1<<40); err != nil {
			return figures, err
		}
	}
	if err := b.on(ctx, data); err != nil {
		return figures, err
	}
	latency, err := b.tenantsInTurn(ctx)
	return append(figures, latency...), err
}

// provisionMore makes some tenants more, and takes them away again.
func (b *bench) provisionMore(ctx context.Context) ([]figure, error) {
	const more = 20
	var took []float64
	for i := range more {
		spec := landSpec(fmt.Sprintf("fresh%02d", i))
		start := time.Now()
		_, err := b.provisioner.Create(ctx, spec, audit.Actor{Name: "bench"})
		took = append(took, time.Since(start).Seconds())
		if err != nil {
			return nil, err
		}
	}
	for i := range more {
		slug := fmt.Sprintf("fresh%02d", i)
		if err := b.provisioner.Drop(ctx, slug, slug); err != nil {
			return nil, err
		}
	}
	if err := b.registry.Refresh(ctx); err != nil { // a run that was broken off may have left some, which are gone now
		return nil, err
	}
	return []figure{
		atMost(fmt.Sprintf("provisioning a tenant beside %d, the slowest of %d", b.tenants, more), slices.Max(took), "s", 2),
		told("provisioning a tenant, median", median(took), "s"),
	}, nil
}

// tenantsInTurn compares the latency of few and many active tenants: of 3 and 200, for which the server has connections, and of all, in
// the worst of all orders: each comes when its connections have been given to others.
func (b *bench) tenantsInTurn(ctx context.Context) ([]figure, error) {
	client := load.NewClient(b.apiAddr, 4*clients)
	var countries []*load.Country
	for _, t := range b.registry.Tenants() {
		c, err := load.ReadCountry(ctx, b.store.DB(t.Realm()), t, client.Issuer(t.Slug))
		if err != nil {
			return nil, err
		}
		countries = append(countries, c)
	}
	few, err := b.turnOf(client, countries[:3])
	if err != nil {
		return nil, err
	}
	some, err := b.turnOf(client, countries[:min(200, len(countries))])
	if err != nil {
		return nil, err
	}
	all, err := b.turnOf(client, countries)
	if err != nil {
		return nil, err
	}
	const rate, slowRate, rounds = 300, 60, 3
	length := b.length + b.length/2
	some.once(ctx) // loads the rules of all, and opens their connections
	for range b.pairs {
		few.work(ctx, rate, length)
		some.work(ctx, rate, length)
	}
	fast := []figure{
		atMost(fmt.Sprintf("p99 of %d tenants to 3, at the same rate", some.tenants), median(ratios(some.p99, few.p99)), "times", 1.2).between(interval(ratios(some.p99, few.p99)))}
	fast = append(fast, append(few.figures(rate), some.figures(rate)...)...)

	all.once(ctx)
	perSecond := float64(all.tenants) / all.took.Seconds()
	*some = turn{bench: b, client: client, tenants: some.tenants, calls: some.calls, refused: map[string]bool{}}
	for range rounds {
		some.once(ctx)
		some.work(ctx, slowRate, length)
		all.work(ctx, slowRate, time.Duration(float64(all.tenants)/slowRate*float64(time.Second)))
	}
	figures := []figure{
		atLeast("tenants active in turn, none refused", float64(all.tenants-len(all.refused)), "", float64(b.tenants)),
		told(fmt.Sprintf("%d tenants in turn, %d at once: requests a second", all.tenants, clients), perSecond, ""),
		told(fmt.Sprintf("p99 of %d tenants to %d, at the same rate", all.tenants, some.tenants), median(ratios(all.p99, some.p99)), "times").between(interval(ratios(all.p99, some.p99)))}
	figures = append(figures, append(some.figures(slowRate), all.figures(slowRate)...)...)
	return append(fast, figures...), nil
}

// turn is the requests of some tenants one after the other, as those of a whole region arrive, and what became of them.
type turn struct {
	bench   *bench
	client  *load.Client
	tenants int
	calls   []load.Call // each tenant's first, then each tenant's second ...
	next    int         // of calls
	took    time.Duration
	p99     []float64 // in milliseconds, a window each
	p50     []float64
	used    sample
	refused map[string]bool // tenants of which a request went wrong
}

func (b *bench) turnOf(client *load.Client, countries []*load.Country) (*turn, error) {
	t := &turn{bench: b, client: client, tenants: len(countries), refused: map[string]bool{}}
	for i := range 2 { // learners of each
		for _, c := range countries {
			p := c.Learners[i%len(c.Learners)]
			token, err := c.Desk.Token(p)
			if err != nil {
				return nil, err
			}
			t.calls = append(t.calls, load.Call{Kind: c.Desk.Slug, Slug: c.Desk.Slug, Path: "/api/v1/classes/" + p.Class.String(), Token: token})
		}
	}
	return t, nil
}

// once asks for each tenant once, as fast as it goes.
func (t *turn) once(ctx context.Context) {
	var next atomic.Int64
	var all sync.WaitGroup
	var mu sync.Mutex // refused
	begin := time.Now()
	for range clients {
		all.Go(func() {
			for n := int(next.Add(1)) - 1; n < t.tenants && ctx.Err() == nil; n = int(next.Add(1)) - 1 {
				if _, err := t.client.Do(t.calls[n], nil); err != nil {
					mu.Lock()
					t.refused[t.calls[n].Slug] = true
					mu.Unlock()
				}
			}
		})
	}
	all.Wait()
	t.took = time.Since(begin)
}

// work goes on with the turn for a while, so many requests a second.
func (t *turn) work(ctx context.Context, perSecond float64, length time.Duration) {
	start, before := t.next, t.bench.usage()
	tally := load.Steady(ctx, t.client, perSecond, length, 4*clients, func(n int) load.Call { return t.calls[(start+n)%len(t.calls)] })
	t.next += tally.Requests + tally.Failed()
	t.used = sum(t.used, sample{requests: tally.Requests, used: t.bench.usage().minus(before)})
	t.p99, t.p50 = append(t.p99, load.Percentile(tally.All(), 0.99)), append(t.p50, load.Percentile(tally.All(), 0.5))
	if err := tally.Err(); err != nil {
		fmt.Printf("  %d tenants: %v\n", t.tenants, err)
	}
	sent := map[string]int{}
	for n := start; n < t.next; n++ {
		sent[t.calls[n%len(t.calls)].Slug]++
	}
	for slug, n := range sent {
		if len(tally.Waited[slug]) != n {
			t.refused[slug] = true
		}
	}
}

func (t *turn) figures(rate int) []figure {
	name := fmt.Sprintf("%d tenants, %d requests a second: ", t.tenants, rate)
	return []figure{
		spread(name+"p99", t.p99), spread(name+"median", t.p50),
		told(name+"CPU a request, API", micros(t.used.used.api, t.used.requests), "µs"),
		told(name+"CPU a request, PgBouncer", micros(t.used.used.bouncer, t.used.requests), "µs"),
		told(name+"CPU a request, PostgreSQL", micros(t.used.used.postgres, t.used.requests), "µs")}
}

func ratios(over, under []float64) (list []float64) {
	for i := range over {
		list = append(list, over[i]/max(under[i], 1e-3))
	}
	return list
}

// migrateMany takes one migration back from every tenant and lets the platform apply it again.
func (b *bench) migrateMany(ctx context.Context) (figure, error) {
	conn, err := pgx.Connect(ctx, b.cluster.DirectDSN(b.database))
	if err != nil {
		return figure{}, err
	}
	defer conn.Close(context.WithoutCancel(ctx))
	rows, err := conn.Query(ctx, "SELECT schema_name FROM control.tenants")
	if err != nil {
		return figure{}, err
	}
	schemas, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		return figure{}, err
	}
	for _, s := range schemas {
		q := pgx.Identifier{s}.Sanitize()
		if _, err := conn.Exec(ctx, `DELETE FROM `+q+`.schema_versions WHERE name = 'tenant/0005_points'; DROP TABLE IF EXISTS `+q+`.point_totals, `+q+`.point_entries; DROP INDEX IF EXISTS `+q+`.users_off_leaderboard`); err != nil {
			return figure{}, err
		}
	}
	start := time.Now()
	results, err := b.provisioner.MigrateAll(ctx, 4, nil)
	if err != nil {
		return figure{}, err
	}
	took := time.Since(start).Seconds()
	for _, r := range results {
		if r.Err != nil || len(r.Applied) != 1 {
			return figure{}, fmt.Errorf("migrating %s: applied %v, %v", r.Realm, r.Applied, r.Err)
		}
	}
	return atMost(fmt.Sprintf("one migration of %d tenants", len(results)), took, "s", 60), nil
}
