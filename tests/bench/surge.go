package main

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"lignum/tests/load"
)

// The surge: so many learners press 'start' within ten seconds, and each saves the paper in three parts, two seconds apart.
const (
	surgeWithin = 10 * time.Second
	surgeSaves  = 3
	surgeEvery  = 2 * time.Second
	aloneWindow = 5 * time.Second // of a neighbour
	mostMemory  = 300             // MB that the API may hold after a surge or a storm
)

// surge lets learners of Jamaica start an exam within ten seconds, again and again, while The Bahamas goes about its day.
func surge(ctx context.Context, b *bench) ([]figure, error) {
	if err := b.on(ctx, post); err != nil {
		return nil, err
	}
	s, err := b.surges(ctx)
	if err != nil {
		return nil, err
	}
	n, err := b.neighbour(ctx, "bahamas")
	if err != nil {
		return nil, err
	}
	defer n.close()
	if _, err := n.work(ctx, aloneWindow, b); err != nil { // opens connections, loads rules
		return nil, err
	}
	if _, err := s.run(ctx, b.crowd/20); err != nil {
		return nil, err
	}
	var w windows
	var beside, alone, p99Beside, p99Alone []float64
	for i := range b.windows {
		if err := n.signIn(neighbourPeople); err != nil {
			return nil, err
		}
		quiet, err := n.work(ctx, aloneWindow, b)
		if err != nil {
			return nil, err
		}
		var surged, met *load.Tally
		var err1, err2 error
		load.Meanwhile(func() { surged, err1 = s.run(ctx, b.crowd) }, func() { met, err2 = n.work(ctx, surgeWithin+surgeSaves*surgeEvery, b) })
		if err1 != nil || err2 != nil {
			return nil, fmt.Errorf("surge %d: %v, %v", i+1, err1, err2)
		}
		w.alone, w.beside = append(w.alone, load.Percentile(quiet.All(), 0.99)), append(w.beside, load.Percentile(met.All(), 0.99))
		beside, p99Beside = append(beside, surged.PerSecond()), append(p99Beside, load.Percentile(surged.All(), 0.99))
		fmt.Printf("  surge %d: neighbour's p99 alone %.1f ms, meanwhile %.1f ms; %d requests of the surge in %.1f s, p99 %.0f ms, %d failed\n", i+1, w.alone[i], w.beside[i],
			surged.Requests, surged.Took.Seconds(), p99Beside[i], surged.Failed())
		if i%5 == 0 {
			if surged, err = s.run(ctx, b.crowd); err != nil {
				return nil, err
			}
			alone, p99Alone = append(alone, surged.PerSecond()), append(p99Alone, load.Percentile(surged.All(), 0.99))
		}
	}
	name := fmt.Sprintf("surge of %d", b.crowd)
	figures := append(w.figures("beside a "+name, 2),
		atLeast(name+": throughput that it keeps beside the neighbour", median(beside)/median(alone), "of its own alone", 0.9),
		spread(name+": p99 of its requests beside the neighbour", p99Beside), spread(name+": p99 of its requests alone", p99Alone))
	return append(figures, append(s.outcome(name), b.memory(name)...)...), nil
}

// surges runs surges of other learners each time, and compares what they were told with the database.
type surges struct {
	b       *bench
	client  *load.Client
	desk    *load.Desk
	course  *load.Course
	crowd   []load.Person
	schema  string
	next    int
	told    int
	failed  int
	against load.Difference
	cpu     float64 // of the load, in seconds
	took    time.Duration
}

func (b *bench) surges(ctx context.Context) (*surges, error) {
	s := &surges{b: b, client: load.NewClient(b.apiAddr, b.crowd)}
	c, err := b.country(ctx, "jamaica")
	if err != nil {
		return nil, err
	}
	s.desk, s.schema = c.Desk, c.Tenant.SchemaName
	if s.course, s.crowd = c.Largest(); len(s.crowd) < b.crowd {
		return nil, fmt.Errorf("there are %d learners for a surge of %d", len(s.crowd), b.crowd)
	}
	return s, nil
}

func (s *surges) run(ctx context.Context, learners int) (*load.Tally, error) {
	var crowd []load.Person
	for range learners {
		crowd = append(crowd, s.crowd[s.next%len(s.crowd)])
		s.next++
	}
	since, j := time.Now().Add(-time.Second), load.NewJournal()
	one := load.Surge{Client: s.client, Desk: s.desk, Test: s.course.Exam, Learners: crowd, Within: surgeWithin, Saves: surgeSaves, Every: surgeEvery, Journal: j}
	before, start := load.OwnTime(), time.Now()
	t, err := one.Run(ctx)
	if err != nil {
		return nil, err
	}
	s.cpu, s.took = s.cpu+load.OwnTime()-before, s.took+time.Since(start)
	if err := t.Err(); err != nil {
		fmt.Printf("  the surge: %v\n", err)
	}
	s.failed += t.Failed()
	s.told += j.Len()
	return t, s.compare(ctx, j, since)
}

// compare holds the journal against the database, and takes the attempts off the learners' desks, so that they can start again.
func (s *surges) compare(ctx context.Context, j *load.Journal, since time.Time) error {
	d, err := s.b.compare(ctx, j, s.schema, since)
	s.against.Add(d)
	if err != nil {
		return err
	}
	return s.b.directly(ctx, s.b.database, "UPDATE "+s.schema+".attempts SET state = 'marked', submitted_at = now() WHERE state = 'open'")
}

func (b *bench) compare(ctx context.Context, j *load.Journal, schema string, since time.Time) (load.Difference, error) {
	conn, err := pgx.Connect(ctx, b.cluster.DirectDSN(b.database))
	if err != nil {
		return load.Difference{}, err
	}
	defer conn.Close(context.WithoutCancel(ctx))
	stored, err := load.Read(ctx, conn, schema, since)
	if err != nil {
		return load.Difference{}, err
	}
	d, err := j.Compare(stored)
	if err == nil && d.Err() != nil {
		fmt.Printf("  the journal: %v\n", d.Err())
	}
	return d, err
}

func (s *surges) outcome(name string) []figure {
	return []figure{
		atMost(name+": requests that failed", float64(s.failed), "", 0),
		told(name+": facts acknowledged, all surges together", float64(s.told), ""),
		atMost(name+": of these lost", float64(s.against.Lost), "", 0),
		atMost(name+": of these doubled, or never sent", float64(s.against.Doubled+s.against.Unasked), "", 0),
		told(name+": processors that the load took", s.cpu/max(s.took.Seconds(), 1e-9), "cores"),
	}
}

// memory is what the API holds now, and the most that it ever held.
func (b *bench) memory(after string) []figure {
	return []figure{atMost("resident memory of the API after a "+after, b.resident(), "MB", mostMemory), told("the most that it held until then", b.status("VmHWM"), "MB")}
}
