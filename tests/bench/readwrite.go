package main

import (
	"context"
	"fmt"
	"strings"

	"lignum/domain/classes"
)

// reads compares the page of a class through the API with pgbench sending the same three statements in one pipeline.
func reads(ctx context.Context, b *bench) ([]figure, error) {
	w, err := b.world(ctx, "jamaica")
	if err != nil {
		return nil, err
	}
	host := w.tenant.Slug + ".localhost"
	var scripts []script
	for _, learner := range w.learners[:clients] {
		args := []string{learner.String(), w.class.String()}
		scripts = append(scripts, script{"read", "\\startpipeline\n" + literal(classes.PageClassSQL, args...) + literal(classes.PageLessonsSQL, args...) +
			literal(classes.PageTestsSQL, args...) + "\\endpipeline\n"})
	}
	request := func() (list []request) {
		for i := range clients {
			list = append(list, request{method: "GET", host: host, path: "/api/v1/classes/" + w.class.String(), token: w.tokens[i]})
		}
		return list
	}
	var ratios []float64
	var api, peer sample
	for range b.pairs {
		if err := b.issue(w); err != nil {
			return nil, err
		}
		p, err := b.pgbench(ctx, clients, b.length, w.tenant.LoginRole, scripts)
		if err != nil {
			return nil, err
		}
		a, err := b.load(clients, b.length, request())
		if err != nil {
			return nil, err
		}
		fmt.Printf("  API %6.0f/s   pgbench, same SQL pipelined %6.0f/s\n", a.perSecond(), p.perSecond())
		ratios = append(ratios, a.perSecond()/p.perSecond())
		api, peer = sum(api, a), sum(peer, p)
	}
	return append([]figure{atLeast("read: requests a second, API to pgbench", median(ratios), "ratio", 0.5)}, costs("read", api, peer, "pgbench")...), nil
}

// writes compares an audited write through the API with pgbench doing the same work statement by statement in a transaction, and
// as the same one statement.
func writes(ctx context.Context, b *bench) ([]figure, error) {
	w, err := b.world(ctx, "jamaica")
	if err != nil {
		return nil, err
	}
	host := w.tenant.Slug + ".localhost"
	lesson := w.lessons[3].String()
	request := func() (list []request) {
		for i := range clients {
			list = append(list, request{method: "PUT", host: host, path: "/api/v1/lessons/" + lesson + "/progress", token: w.tokens[i],
				body: func(n int64) string { return fmt.Sprintf(`{"percent":50,"seconds":%d,"counter":%d}`, n%1_000_000, n) }})
		}
		return list
	}
	var single, piped []script
	for _, learner := range w.learners[:clients] {
		single = append(single, script{"single", "\\set n :n + 1\nBEGIN;\n" + strings.Join(b.progressSteps(learner.String(), lesson), "") + "COMMIT;\n"})
		piped = append(piped, script{"piped", "\\set n :n + 1\n\\startpipeline\n" + "BEGIN;\n" + strings.Join(b.progressSteps(learner.String(), lesson), "") + "COMMIT;\n\\endpipeline\n"})
	}
	var toSingle, toPiped []float64
	var api, one, pipe sample
	for range b.pairs {
		if err := b.issue(w); err != nil {
			return nil, err
		}
		s, err := b.pgbench(ctx, clients, b.length, w.tenant.LoginRole, single)
		if err != nil {
			return nil, err
		}
		a, err := b.load(clients, b.length, request())
		if err != nil {
			return nil, err
		}
		p, err := b.pgbench(ctx, clients, b.length, w.tenant.LoginRole, piped)
		if err != nil {
			return nil, err
		}
		fmt.Printf("  API %6.0f/s   pgbench one by one %6.0f/s   pipelined %6.0f/s\n", a.perSecond(), s.perSecond(), p.perSecond())
		toSingle, toPiped = append(toSingle, a.perSecond()/s.perSecond()), append(toPiped, a.perSecond()/p.perSecond())
		api, one, pipe = sum(api, a), sum(one, s), sum(pipe, p)
	}
	figures := []figure{atLeast("write: requests a second, API to pgbench one by one", median(toSingle), "ratio", 1.0),
		told("write: requests a second, API to pgbench pipelined", median(toPiped), "ratio")}
	figures = append(figures, costs("write", api, one, "pgbench one by one")...)
	return append(figures, told("write: CPU of PostgreSQL and PgBouncer a transaction, pgbench pipelined", micros(pipe.used.bouncer+pipe.used.postgres, pipe.requests), "µs")), nil
}

// progressSteps is what a report of progress needs, as separate statements: who and where, what was there, the progress, the day's
// attendance, and the entry in the audit trail.
func (b *bench) progressSteps(learner, lesson string) []string {
	return []string{
		literal(`SELECT l.course_id, u.school_id, EXISTS (SELECT FROM enrolments e JOIN classes c ON c.id = e.class_id WHERE e.learner_id = u.id AND e.state = 'active' AND c.course_id = l.course_id)
			FROM lessons l CROSS JOIN users u WHERE l.id = $2::uuid AND u.id = $1::uuid`, learner, lesson),
		literal(`SELECT percent, seconds, counter, completed_at FROM lesson_progress WHERE learner_id = $1::uuid AND lesson_id = $2::uuid`, learner, lesson),
		literal(`INSERT INTO lesson_progress AS p (learner_id, course_id, lesson_id, percent, seconds, counter) SELECT $1::uuid, course_id, id, 50, $3::bigint % 1000000, $3::bigint FROM lessons WHERE id = $2::uuid
			ON CONFLICT (learner_id, course_id, lesson_id) DO UPDATE SET percent = greatest(p.percent, excluded.percent), seconds = greatest(p.seconds, excluded.seconds),
			counter = greatest(p.counter, excluded.counter), updated_at = now() WHERE excluded.counter > p.counter`, learner, lesson, ":n"),
		literal(`INSERT INTO attendance (day, learner_id) VALUES (current_date, $1::uuid) ON CONFLICT DO NOTHING`, learner),
		literal(`INSERT INTO audit_entries (id, actor_id, actor_name, action, object_kind, object_id, after) VALUES (gen_random_uuid(), $1::uuid, 'learner', 'progress.record', 'lesson', $2,
			jsonb_build_object('counter', $3::bigint))`, learner, lesson, ":n"),
	}
}

func sum(a, b sample) sample {
	return sample{requests: a.requests + b.requests, took: a.took + b.took, failed: a.failed + b.failed,
		used: usage{a.used.api + b.used.api, a.used.bouncer + b.used.bouncer, a.used.postgres + b.used.postgres}}
}

// costs tells the processor time of one request, part by part: the figure that holds although the load shares the machine.
func costs(name string, api, peer sample, peerName string) []figure {
	return []figure{
		told(name+": CPU of the API a request", micros(api.used.api, api.requests), "µs"),
		told(name+": CPU of PgBouncer a request", micros(api.used.bouncer, api.requests), "µs"),
		told(name+": CPU of PostgreSQL a request", micros(api.used.postgres, api.requests), "µs"),
		told(name+": CPU of PgBouncer a transaction, "+peerName, micros(peer.used.bouncer, peer.requests), "µs"),
		told(name+": CPU of PostgreSQL a transaction, "+peerName, micros(peer.used.postgres, peer.requests), "µs"),
	}
}
