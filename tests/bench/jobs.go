package main

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"

	"lignum/tenants"
	"lignum/tenants/audit"
	"lignum/tenants/jobs"
)

// idleWork is a kind of job that finds nothing to do in a tenant that nobody uses: what it costs is what an idle tenant costs each time.
const idleWork = "attempts.close"

// jobsAtWork measures how many jobs are done in a second, how long one waits from its commit until it begins, what one costs, and how much longer a tenant's
// wait beside another's ten thousand.
func jobsAtWork(ctx context.Context, b *bench) ([]figure, error) {
	conn, err := pgx.Connect(ctx, b.cluster.DirectDSN(b.database))
	if err != nil {
		return nil, err
	}
	defer conn.Close(context.WithoutCancel(ctx))
	// Long enough to be looked at.
	if _, err := conn.Exec(ctx, "UPDATE jobs.kinds SET keep = '1 hour' WHERE kind = $1", idleWork); err != nil {
		return nil, err
	}
	if err := b.jobsDone(ctx, conn); err != nil { // those that begin with the installation
		return nil, err
	}
	alone, err := b.jobLatency(ctx, conn, "bahamas")
	if err != nil {
		return nil, err
	}
	const many = 2000
	before, start := b.usage(), time.Now()
	if err := b.queueJobs(ctx, "jamaica", many); err != nil {
		return nil, err
	}
	if err := b.jobsDone(ctx, conn); err != nil {
		return nil, err
	}
	took, used := time.Since(start), b.usage()
	each := func(of, was float64) float64 { return (of - was) * 1e6 / many }
	if err := b.queueJobs(ctx, "jamaica", 10_000); err != nil {
		return nil, err
	}
	beside, err := b.jobLatency(ctx, conn, "bahamas")
	if err != nil {
		return nil, err
	}
	var left int
	if err := conn.QueryRow(ctx, "SELECT count(*) FROM jobs.river_job WHERE args ->> 'tenant' = 'jamaica' AND kind = $1 AND finalized_at IS NULL", idleWork).Scan(&left); err != nil {
		return nil, err
	}
	if left == 0 {
		return nil, fmt.Errorf("ten thousand jobs were done before another tenant's were measured")
	}
	return []figure{
		told("jobs a second, of one tenant, in one process", many/took.Seconds(), ""),
		told("a job that finds nothing to do (each idle tenant has 23 an hour): CPU of the API", each(used.api, before.api), "µs"),
		told("the same: CPU of PgBouncer", each(used.bouncer, before.bouncer), "µs"),
		told("the same: CPU of PostgreSQL", each(used.postgres, before.postgres), "µs"),
		told("from commit to start, alone: median", median(alone), "ms"),
		told("from commit to start, alone: the longest of 40", slices.Max(alone), "ms"),
		told("from commit to start, beside another tenant's 10,000: median", median(beside), "ms"),
		told("jobs of the flood still waiting after that", float64(left), ""),
		atMost("from commit to start, beside another tenant's 10,000, to alone", median(beside)/median(alone), "times", 2),
	}, nil
}

// queueJobs queues so many of a tenant's, each about another thing.
func (b *bench) queueJobs(ctx context.Context, slug string, n int) error {
	t, err := b.registry.Tenant(slug)
	if err != nil {
		return err
	}
	for n > 0 {
		part := min(n, 1000)
		n -= part
		about := make([]string, part)
		for i := range about {
			about[i] = fmt.Sprintf("%d", b.counter.Add(1))
		}
		if err := b.store.DB(t.Realm()).Write(ctx, audit.Actor{Name: "bench"}, func(tx *tenants.Tx) error {
			tx.Record(audit.Entry{Action: "bench.prepare"})
			jobs.Queue(tx, idleWork, about...)
			return nil
		}); err != nil {
			return err
		}
	}
	return nil
}

// jobsDone waits until none is due.
func (b *bench) jobsDone(ctx context.Context, conn *pgx.Conn) error {
	for {
		var left int
		if err := conn.QueryRow(ctx, "SELECT count(*) FROM jobs.river_job WHERE finalized_at IS NULL AND scheduled_at <= now()").Scan(&left); err != nil || left == 0 {
			return err
		}
		time.Sleep(50 * time.Millisecond)
	}
}

// jobLatency queues forty jobs one by one and returns how many milliseconds each waited.
func (b *bench) jobLatency(ctx context.Context, conn *pgx.Conn, slug string) (waited []float64, err error) {
	first := b.counter.Load()
	for range 40 {
		if err := b.queueJobs(ctx, slug, 1); err != nil {
			return nil, err
		}
		time.Sleep(130 * time.Millisecond)
	}
	last := b.counter.Load()
	for {
		rows, err := conn.Query(ctx, `SELECT extract(epoch FROM attempted_at - created_at)::double precision * 1000 FROM jobs.river_job
			WHERE kind = $1 AND args ->> 'tenant' = $2 AND args ->> 'about' <> '' AND (args ->> 'about')::bigint BETWEEN $3 AND $4 AND state = 'completed'`, idleWork, slug, first+1, last)
		if err != nil {
			return nil, err
		}
		if waited, err = pgx.CollectRows(rows, pgx.RowTo[float64]); err != nil || len(waited) == 40 {
			return waited, err
		}
		time.Sleep(50 * time.Millisecond)
	}
}
