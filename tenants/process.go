package tenants

import (
	"context"
	"fmt"
	"log/slog"
	"math"
	"sync"
	"sync/atomic"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"lignum/infra/pooling"
)

const (
	// slotsPerCore is how many transactions keep one processor of the database busy: while one waits for the network, another works.
	// More of them add nothing but waiting, where fairness no longer reaches: measured on two processors, a noisy tenant's neighbour
	// saw 143 ms at the 99th percentile with 40 busy at once, 17.8 ms with 4, at the same throughput. With two a processor instead
	// of three, the record day takes an eighth longer; who is not alone makes way (package limits).
	slotsPerCore = 3
	// leastSlots is what every process has, however many there are.
	leastSlots = 2
	// beat is how often a process says that it is there.
	beat = 2 * time.Second
	// silent is after how long of nothing a process is taken for dead, in whole seconds.
	silent = 10 * time.Second
	// capacityLife is how long the autoscaler's word counts, which comes every minute; after it the setting is all that is known.
	capacityLife = 15 * time.Minute
)

// Slots is how many transactions a database with so many processors works on at once, all processes together.
func Slots(cores float64) int { return max(leastSlots, int(math.Ceil(slotsPerCore*cores))) }

// share is a process's part of the slots: the one in the given place, of all in a row. The parts are the whole, unless that gives
// one of them less than the least.
func share(whole, processes, place int) int {
	part := whole / processes
	if place < whole%processes {
		part++
	}
	return max(leastSlots, part)
}

// Serving is what the processes that serve know of each other and of the database, as last polled.
type Serving struct {
	Processes []uuid.UUID // that have said lately that they are there, in the order of their ids
	Writer    float64     // processors of the writer, as the autoscaler saw; 0: it has said nothing lately
	Readers   float64     // of all readers together
}

// Capacity is what a process is told of the database.
type Capacity struct {
	Cores  float64 // processors of one database server, above 0; what the autoscaler says goes before it
	Pooler int     // backends that the pooler may open to it (PgBouncer's max_db_connections); 0: what package pooling gives it of the server's
}

// Process is one that serves. It says so to the others, and takes its share of what the database can work on at once: as others
// come and go, within two seconds of their word and ten of their silence, and as the autoscaler makes the database larger and smaller.
type Process struct {
	id       uuid.UUID
	name     string
	store    *Store
	db       *DB
	capacity Capacity
	log      *slog.Logger
	first    atomic.Bool            // of all that serve, by their ids
	told     atomic.Pointer[string] // the last warning, which is not repeated
	stop     context.CancelFunc
	ended    sync.WaitGroup
}

// Join announces a serving process, named for people, by the platform's realm, and gives the store its share; from then on it
// follows the registry's polls. A capacity that does not fit the pooler is an error that names both numbers. Leave ends it.
func Join(ctx context.Context, store *Store, registry *Registry, name string, capacity Capacity, log *slog.Logger) (*Process, error) {
	p := &Process{id: uuid.Must(uuid.NewV7()), name: name[:min(len(name), 200)], store: store, db: registry.db, capacity: capacity, log: log}
	if err := p.checkPooler(ctx); err != nil {
		return nil, err
	}
	// Whoever is told to end at this moment joins first, and leaves: what was said is not left standing.
	whole := context.WithoutCancel(ctx)
	if err := p.say(whole); err != nil {
		return nil, fmt.Errorf("announce the process: %w", err)
	}
	registry.OnPoll(p.follow)
	first, cancel := context.WithTimeout(whole, silent)
	defer cancel()
	if err := registry.Refresh(first); err != nil {
		return nil, err
	}
	running, stop := context.WithCancel(whole)
	p.stop = stop
	p.ended.Go(func() {
		Every(running, beat, p.say, func(err error) {
			p.log.Warn("this process could not say that it is there; the others may take its share of the database for theirs", "err", err)
		})
	})
	return p, nil
}

// checkPooler compares what may be busy at once with what the pooler may open, and that with what the server takes.
func (p *Process) checkPooler(ctx context.Context) error {
	var server int
	err := p.db.ReadFresh(ctx, func(r *Reader) error {
		return r.QueryRow(ctx, "SELECT current_setting('max_connections')::int").Scan(&server)
	})
	if err != nil {
		return err
	}
	sizes, err := pooling.For(min(max(server, pooling.Least), pooling.Most))
	if err != nil {
		return err
	}
	if p.capacity.Pooler <= 0 {
		p.capacity.Pooler = sizes.Pooler
	}
	if p.capacity.Pooler > sizes.Pooler {
		p.log.Warn("the pooler may open more connections than the database has room for: tenants will be refused when many are active",
			"LIGNUM_POOLER_CONNECTIONS", p.capacity.Pooler, "max_connections", server, "most", sizes.Pooler)
	}
	if slots := Slots(p.capacity.Cores); slots >= p.capacity.Pooler {
		return fmt.Errorf("LIGNUM_DATABASE_CORES = %g lets %d transactions be busy at once, and the pooler may open %d connections to the database: "+
			"it needs more than that, or each transaction takes another's connection (PgBouncer's max_db_connections, LIGNUM_POOLER_CONNECTIONS, max_connections = %d)",
			p.capacity.Cores, slots, p.capacity.Pooler, server)
	}
	return nil
}

// say tells the others that the process is there, and forgets those that have not for long.
func (p *Process) say(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, silent)
	defer cancel()
	b := &pgx.Batch{}
	b.Queue("INSERT INTO processes (id, name) VALUES ($1, $2) ON CONFLICT (id) DO UPDATE SET seen_at = now()", p.id, p.name)
	b.Queue("DELETE FROM processes WHERE seen_at < now() - interval '1 minute'")
	return p.send(ctx, b)
}

func (p *Process) send(ctx context.Context, b *pgx.Batch) error {
	return p.db.WriteOneTrip(ctx, b, func(res pgx.BatchResults) error {
		for range b.Len() {
			if _, err := res.Exec(); err != nil {
				return err
			}
		}
		return nil
	})
}

// Leave gives the share back to the others, who hear of it with their next poll. The store keeps its slots.
func (p *Process) Leave(ctx context.Context) error {
	p.stop()
	p.ended.Wait()
	b := &pgx.Batch{}
	b.Queue("DELETE FROM processes WHERE id = $1", p.id)
	return p.send(ctx, b)
}

// ID is what the others know the process by.
func (p *Process) ID() uuid.UUID { return p.id }

// First reports whether the process comes before all others that serve, as last polled: what one of them is to do, it does. For some seconds it can be two, or none.
func (p *Process) First() bool { return p.first.Load() }

// follow takes the share that is right as of a poll.
func (p *Process) follow(s Serving) {
	place := 0
	for place < len(s.Processes) && s.Processes[place] != p.id {
		place++
	}
	p.first.Store(place == 0 && len(s.Processes) > 0)
	processes := max(len(s.Processes), place+1) // the others may have taken it for dead: it comes last until it has spoken again
	part := func(said float64) int {
		if said <= 0 {
			said = p.capacity.Cores
		}
		whole := Slots(said)
		if most := p.capacity.Pooler - 1; whole > most {
			p.warn("the database is larger than its pooler lets it be used", whole, processes)
			whole = most
		}
		if leastSlots*processes >= p.capacity.Pooler {
			p.warn("so many processes serve that the pooler is too small for them", leastSlots*processes, processes)
		}
		return share(whole, processes, place)
	}
	p.store.Resize(part(s.Writer), part(s.Readers))
}

func (p *Process) warn(what string, slots, processes int) {
	if was := p.told.Swap(&what); was == nil || *was != what {
		p.log.Warn(what, "busy_at_once", slots, "pooler_connections", p.capacity.Pooler, "processes", processes)
	}
}
