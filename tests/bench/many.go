package main

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"

	"lignum/tenants/audit"
	"lignum/tests/load"
)

// manyRate is the requests a second of all tenants together, whether they are few or many.
const manyRate = 300

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
	return []figure{
		atMost(fmt.Sprintf("provisioning a tenant beside %d, the slowest of %d", b.tenants, more), slices.Max(took), "s", 2),
		told("provisioning a tenant, median", median(took), "s"),
	}, nil
}

// tenantsInTurn compares the latency of few and many active tenants, at the same rate of requests.
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
	counts := []int{3, min(200, len(countries)), len(countries)}
	p99, p50, used := make([][]float64, 3), make([][]float64, 3), make([]sample, 3)
	served := len(countries)
	for round := range b.pairs + 1 {
		for i, n := range counts {
			next, err := inTurn(countries[:n])
			if err != nil {
				return nil, err
			}
			before := b.usage()
			t := load.Steady(ctx, client, manyRate, b.length+b.length/2, 4*clients, next)
			if err := t.Err(); err != nil {
				fmt.Printf("  %d tenants: %v\n", n, err)
			}
			if i == 2 {
				served = min(served, allAnswered(t, countries, next))
			}
			if round == 0 {
				continue // the first round opens connections and loads rules
			}
			used[i] = sum(used[i], sample{requests: t.Requests, used: b.usage().minus(before)})
			p99[i], p50[i] = append(p99[i], load.Percentile(t.All(), 0.99)), append(p50[i], load.Percentile(t.All(), 0.5))
		}
	}
	few, some, all := p99[0], p99[1], p99[2]
	figures := []figure{
		atLeast("tenants active in turn, none refused", float64(served), "", float64(b.tenants)),
		atMost(fmt.Sprintf("p99 of %d tenants to 3, at the same rate", counts[1]), median(ratios(some, few)), "times", 1.2).between(interval(ratios(some, few))),
		told(fmt.Sprintf("p99 of %d tenants to %d, at the same rate", counts[2], counts[1]), median(ratios(all, some)), "times").between(interval(ratios(all, some))),
	}
	for i, n := range counts {
		u := used[i]
		figures = append(figures,
			spread(fmt.Sprintf("%d tenants, %d requests a second: p99", n, manyRate), p99[i], "ms"),
			spread(fmt.Sprintf("%d tenants, %d requests a second: median", n, manyRate), p50[i], "ms"),
			told(fmt.Sprintf("%d tenants: CPU a request, API", n), micros(u.used.api, u.requests), "µs"),
			told(fmt.Sprintf("%d tenants: CPU a request, PgBouncer", n), micros(u.used.bouncer, u.requests), "µs"),
			told(fmt.Sprintf("%d tenants: CPU a request, PostgreSQL", n), micros(u.used.postgres, u.requests), "µs"))
	}
	return figures, nil
}

func ratios(over, under []float64) (list []float64) {
	for i := range over {
		list = append(list, over[i]/max(under[i], 1e-3))
	}
	return list
}

// inTurn gives requests of the tenants one after the other, as those of a whole region arrive.
func inTurn(countries []*load.Country) (func(n int) load.Call, error) {
	var calls []load.Call
	for i := range 2 { // learners of each
		for _, c := range countries {
			p := c.Learners[i%len(c.Learners)]
			token, err := c.Desk.Token(p)
			if err != nil {
				return nil, err
			}
			calls = append(calls, load.Call{Kind: c.Desk.Slug, Slug: c.Desk.Slug, Path: "/api/v1/classes/" + p.Class.String(), Token: token})
		}
	}
	return func(n int) load.Call { return calls[n%len(calls)] }, nil
}

// allAnswered counts the tenants of which every request was answered with success.
func allAnswered(t *load.Tally, countries []*load.Country, next func(n int) load.Call) (tenants int) {
	sent := map[string]int{}
	for n := range t.Requests + t.Failed() {
		sent[next(n).Slug]++
	}
	for _, c := range countries {
		if n := sent[c.Desk.Slug]; n > 0 && len(t.Waited[c.Desk.Slug]) == n {
			tenants++
		}
	}
	return tenants
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
