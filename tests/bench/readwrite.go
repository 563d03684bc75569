package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
)

// reads compares the page of a class through the API with pgbench sending the same statements, in one pipeline as the API does.
func reads(ctx context.Context, b *bench) ([]figure, error) {
	w, err := b.world(ctx, "jamaica")
	if err != nil {
		return nil, err
	}
	v := versus{b: b, w: w, request: func(i int) request {
		return request{method: "GET", host: w.tenant.Slug + ".localhost", path: "/api/v1/classes/" + w.class.String(), token: w.tokens[i]}
	}}
	if err := v.run(ctx); err != nil {
		return nil, err
	}
	return append([]figure{
		atLeast("read: requests a second, API to pgbench pipelined, same query ids", median(v.toPiped), "ratio", 0.5).between(interval(v.toPiped)),
		told("read: requests a second, API to pgbench statement by statement", median(v.toSingle), "ratio").between(interval(v.toSingle)),
	}, v.costs("read")...), nil
}

// writes compares an audited write through the API, progress in a lesson, with pgbench sending the same statements, pipelined and one by one.
// The goal is on the API's own processor time: dearer statements would flatter a ratio.
func writes(ctx context.Context, b *bench) ([]figure, error) {
	w, err := b.world(ctx, "jamaica")
	if err != nil {
		return nil, err
	}
	v := versus{b: b, w: w, request: func(i int) request {
		return request{method: "PUT", host: w.tenant.Slug + ".localhost", path: "/api/v1/lessons/" + w.lessons[3].String() + "/progress", token: w.tokens[i],
			body: func(n int64) string { return fmt.Sprintf(`{"percent":50,"seconds":%d,"counter":%d}`, n%1_000_000, n) }}
	}}
	if err := v.run(ctx); err != nil {
		return nil, err
	}
	figures := append([]figure{
		told("write: requests a second, API to pgbench pipelined, same query ids", median(v.toPiped), "ratio").between(interval(v.toPiped)),
		told("write: requests a second, API to pgbench statement by statement", median(v.toSingle), "ratio").between(interval(v.toSingle)),
	}, v.costs("write")...)
	own := &figures[slices.IndexFunc(figures, func(f figure) bool { return f.Name == "write: CPU a request, API" })]
	*own = atMost(own.Name, own.Value, own.Unit, 120)
	return figures, nil
}

// versus measures the API against pgbench in turn: the same request of several learners, and the statements that it sends.
type versus struct {
	b       *bench
	w       *world
	request func(learner int) request

	toPiped, toSingle []float64
	api, piped        sample
}

func (v *versus) run(ctx context.Context) error {
	b, role := v.b, v.w.tenant.LoginRole
	piped, single, values, err := v.scripts(ctx)
	if err != nil {
		return err
	}
	var list []request
	for i := range clients {
		list = append(list, v.request(i))
	}
	for pair := range b.pairs {
		if err := b.issue(v.w); err != nil {
			return err
		}
		for i := range list {
			list[i].token = v.w.tokens[i]
		}
		if err := b.forgetStatements(ctx); err != nil {
			return err
		}
		p, err := b.pgbench(ctx, clients, b.length, role, piped, values)
		if err != nil {
			return err
		}
		theirs, err := b.statements(ctx, role)
		if err != nil {
			return err
		}
		if err := b.forgetStatements(ctx); err != nil {
			return err
		}
		a, err := b.load(clients, b.length, list)
		if err != nil {
			return err
		}
		ours, err := b.statements(ctx, role)
		if err != nil {
			return err
		}
		if err := sameStatements(ours, theirs); err != nil {
			return err
		}
		s, err := b.pgbench(ctx, clients, b.length, role, single, values)
		if err != nil {
			return err
		}
		fmt.Printf("  pair %d: API %6.0f/s   pgbench pipelined %6.0f/s   statement by statement %6.0f/s\n", pair+1, a.perSecond(), p.perSecond(), s.perSecond())
		v.toPiped, v.toSingle = append(v.toPiped, a.perSecond()/p.perSecond()), append(v.toSingle, a.perSecond()/s.perSecond())
		v.api, v.piped = sum(v.api, a), sum(v.piped, p)
	}
	return nil
}

// scripts overhears what the request of each learner sends, and writes it down for pgbench: each of its clients is one of the learners, so that
// they wait for each other no more than ours do.
func (v *versus) scripts(ctx context.Context) (piped, single string, values map[string]string, err error) {
	ear, err := v.b.listen(ctx, v.w.tenant.LoginRole)
	if err != nil {
		return "", "", nil, err
	}
	defer func() { err = errors.Join(err, ear.close()) }()
	values = map[string]string{}
	for i := range clients {
		r := []request{v.request(i)}
		one, again, err := ear.twice(func() error { return v.b.once(r) })
		if err != nil {
			return "", "", nil, err
		}
		for script, pipelined := range map[*string]bool{&piped: true, &single: false} {
			text, more := imitate(fmt.Sprintf("c%d", i), one, again, pipelined)
			*script += fmt.Sprintf("\\if :client_id = %d\n%s\\endif\n", i, text)
			maps.Copy(values, more)
		}
	}
	return piped, single, values, nil
}

// costs tells the processor time of one request, part by part: the figure that holds although the load shares the machine.
func (v *versus) costs(name string) []figure {
	return []figure{
		told(name+": CPU a request, API", micros(v.api.used.api, v.api.requests), "µs"),
		told(name+": CPU a request, PgBouncer", micros(v.api.used.bouncer, v.api.requests), "µs"),
		told(name+": CPU a request, PostgreSQL", micros(v.api.used.postgres, v.api.requests), "µs"),
		told(name+": CPU of the same from pgbench pipelined, PgBouncer", micros(v.piped.used.bouncer, v.piped.requests), "µs"),
		told(name+": CPU of the same from pgbench pipelined, PostgreSQL", micros(v.piped.used.postgres, v.piped.requests), "µs"),
	}
}

func sum(a, b sample) sample {
	return sample{requests: a.requests + b.requests, took: a.took + b.took, failed: a.failed + b.failed,
		used: usage{a.used.api + b.used.api, a.used.bouncer + b.used.bouncer, a.used.postgres + b.used.postgres}}
}
