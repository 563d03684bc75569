package main

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"

	"lignum/tenants/audit"
	"lignum/tests/classroom"
	"lignum/tests/testkit"
)

// manyTenants measures what it costs to have many tenants: provisioning, migrating, and the latency of those that were there.
func manyTenants(ctx context.Context, b *bench) (figures []figure, err error) {
	many := b.many
	var took []float64
	slugs := []string{"jamaica", "bahamas", "celearn"}
	for i := len(slugs); i < many; i++ {
		spec := testkit.Fixtures[0]
		spec.Slug, spec.Name = fmt.Sprintf("land%03d", i), fmt.Sprintf("Country %d", i)
		start := time.Now()
		if _, err := b.provisioner.Create(ctx, spec, audit.Actor{Name: "bench"}); err != nil {
			return nil, err
		}
		took = append(took, time.Since(start).Seconds())
		slugs = append(slugs, spec.Slug)
	}
	migrated, err := b.migrateMany(ctx)
	if err != nil {
		return nil, err
	}
	figures = append(figures, atMost("provisioning a tenant, the slowest of all", slices.Max(took), "s", 2), told("provisioning a tenant, median", median(took), "s"), migrated)
	if err := b.registry.Refresh(ctx); err != nil {
		return nil, err
	}
	if err := b.lift(ctx); err != nil {
		return nil, err
	}
	var rooms []*classroom.Room
	for _, slug := range slugs {
		t, err := b.registry.Tenant(slug)
		if err != nil {
			return nil, err
		}
		room, err := classroom.New(ctx, b.store.DB(t.Realm()), t, 10, 2)
		if err != nil {
			return nil, err
		}
		rooms = append(rooms, room)
	}
	time.Sleep(2 * time.Second) // for the API to hear of them
	requests := func(n int) (list []request, err error) {
		for i := range rooms[0].Learners { // tenant by tenant in turn, as requests of a whole region arrive
			for _, room := range rooms[:n] {
				token, err := room.Token(i, b.issuer(room.Tenant.Slug)) // a fresh one: the whole run takes longer than a token lives
				if err != nil {
					return nil, err
				}
				list = append(list, request{method: "GET", host: room.Tenant.Slug + ".localhost", path: "/api/v1/classes/" + room.Class.String(), token: token})
			}
		}
		return list, nil
	}
	const perSecond = 300
	var ratios, few, all []float64
	var used [2]sample
	for i := range b.pairs + 1 {
		var runs [2]sample
		for j, n := range []int{3, many} {
			list, err := requests(n)
			if err != nil {
				return nil, err
			}
			if runs[j], err = b.paced(clients, perSecond, 2*b.length, list); err != nil {
				return nil, err
			}
		}
		f, a := runs[0], runs[1]
		used[0], used[1] = sum(used[0], f), sum(used[1], a)
		if i == 0 {
			continue // the first round opens each tenant's connections and loads its rules
		}
		pf, pa := percentile(f.latency, 0.99), percentile(a.latency, 0.99)
		fmt.Printf("  p99 of %d requests a second: 3 tenants %.2f ms, %d tenants %.2f ms\n", perSecond, pf, many, pa)
		ratios, few, all = append(ratios, pa/pf), append(few, percentile(f.latency, 0.5)), append(all, percentile(a.latency, 0.5))
	}
	figures = append(figures, atMost(fmt.Sprintf("latency at the 99th percentile, %d tenants to 3", many), median(ratios), "ratio", 1.2))
	for i, n := range []int{3, many} {
		figures = append(figures, told(fmt.Sprintf("CPU of the API a request at that rate, %d tenants", n), micros(used[i].used.api, used[i].requests), "µs"))
		figures = append(figures, told(fmt.Sprintf("CPU of PgBouncer a request at that rate, %d tenants", n), micros(used[i].used.bouncer, used[i].requests), "µs"))
		figures = append(figures, told(fmt.Sprintf("CPU of PostgreSQL a request at that rate, %d tenants", n), micros(used[i].used.postgres, used[i].requests), "µs"))
	}
	figures = append(figures, told("latency at the median, 3 tenants", median(few), "ms"))
	figures = append(figures, told(fmt.Sprintf("latency at the median, %d tenants", many), median(all), "ms"))
	return figures, nil
}

// migrateMany takes the last migration back from every tenant and lets the platform apply it again.
func (b *bench) migrateMany(ctx context.Context) (figure, error) {
	conn, err := pgx.Connect(ctx, b.cluster.DirectDSN(database))
	if err != nil {
		return figure{}, err
	}
	defer conn.Close(ctx)
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
		if _, err := conn.Exec(ctx, `DELETE FROM `+q+`.schema_versions WHERE name = 'tenant/0005_points'; DROP TABLE `+q+`.point_totals, `+q+`.point_entries; DROP INDEX IF EXISTS `+q+`.users_off_leaderboard`); err != nil {
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

func percentile(latency []time.Duration, p float64) float64 {
	s := slices.Sorted(slices.Values(latency))
	return float64(s[min(len(s)-1, int(float64(len(s))*p))]) / float64(time.Millisecond)
}
