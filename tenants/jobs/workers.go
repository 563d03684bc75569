package jobs

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime/debug"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/riverqueue/river"
	"github.com/riverqueue/river/riverdriver/riverpgxv5"

	"lignum/domain"
	"lignum/domain/words"
	"lignum/tenants"
)

const (
	// Short jobs take seconds; what may take minutes has places of its own, and so have letters (tenants/mail).
	shortPlaces, longPlaces = 8, 2
	// most is how many of its places a process gives to one realm's short jobs while others may come.
	most = shortPlaces - 2
	// wait is how long a job that found no place for its realm waits before it asks again.
	wait = time.Second
	// again is when a job is tried once more that could not reach the database, waited for somebody in vain, or was ended with its process, which uses up none of its tries,
	// so that an outage of a minute makes nobody's night late by River's growing waits. A job that is older than patience has those.
	again, patience = 3 * time.Second, 30 * time.Minute
	// rest is how long what is queued for a tenant that takes no changes waits before it is looked at again.
	rest = 5 * time.Minute
	// look is how often a process asks for jobs while there are none: half of it is how long a job waits at least, on average.
	look = 500 * time.Millisecond
	// silence is after how long of nothing a process is taken for dead, and its jobs given to others.
	silence = 12 * time.Second
	// connections is what one process may have open for asking and telling; the work goes over the realms' own.
	connections = 6
)

// Deps is what Workers need.
type Deps struct {
	Store    *tenants.Store
	Registry *tenants.Registry
	Process  *tenants.Process
	Login    string // tenants.JobsLogin of the installation
	Kinds    []Kind
	Begins   Begins // of days where the tenants are
	Log      *slog.Logger
	Done     func(j *Job, took time.Duration, err error) // what became of each run, for the metrics and the log; nil: nobody asks
}

// Workers work jobs in one process.
type Workers struct {
	Deps
	pool    *pgxpool.Pool
	client  *river.Client[pgx.Tx]
	planner planner
	stop    context.CancelFunc
	ended   sync.WaitGroup

	mu      sync.Mutex
	running map[string]int      // by queue and realm
	held    map[int64]time.Time // jobs that run here, and those that ended within silence, with when; zero: it runs
}

// Start begins to work. The jobs that it has begun end with Stop.
func Start(ctx context.Context, d Deps) (*Workers, error) {
	pool, err := d.Store.Jobs(d.Login, connections)
	if err != nil {
		return nil, err
	}
	w := &Workers{Deps: d, pool: pool, running: map[string]int{}, held: map[int64]time.Time{}, planner: planner{kinds: d.Kinds, begins: d.Begins, planned: map[[2]string]time.Time{}}}
	workers := river.NewWorkers()
	longest := time.Minute
	seen := map[string]*worker{}
	for _, k := range d.Kinds {
		if k.Limit < time.Second || k.Limit > time.Hour || k.Run == nil {
			return nil, fmt.Errorf("jobs: %s has no limit of 1 s to 1 h, or nothing to run", k.Name)
		}
		longest = max(longest, k.Limit)
		of := seen[k.Name]
		if of == nil {
			of = &worker{workers: w}
			seen[k.Name] = of
			river.AddWorkerArgs(workers, args{kind: k.Name}, of)
		}
		if k.Platform {
			of.platform = k
		} else {
			of.tenant = k
		}
	}
	w.client, err = river.NewClient(riverpgxv5.New(pool), &river.Config{ID: d.Process.ID().String(), Schema: tenants.JobsSchema, PollOnly: true, Workers: workers,
		Queues:            map[string]river.QueueConfig{"short": {MaxWorkers: shortPlaces}, "long": {MaxWorkers: longPlaces}, "mail": {MaxWorkers: 1}},
		FetchPollInterval: look, FetchCooldown: 20 * time.Millisecond, FetchOnlyKnownKinds: true, JobTimeout: longest, RescueStuckJobsAfter: longest + 10*time.Minute,
		CompletedJobRetentionPeriod: 90 * 24 * time.Hour, CancelledJobRetentionPeriod: 40 * 24 * time.Hour, DiscardedJobRetentionPeriod: 40 * 24 * time.Hour,
		Logger: slog.New(warnings{d.Log.Handler()})})
	if err != nil {
		pool.Close()
		return nil, err
	}
	running, stop := context.WithCancel(context.WithoutCancel(ctx))
	w.stop = stop
	if err := w.client.Start(running); err != nil {
		stop()
		pool.Close()
		return nil, err
	}
	w.ended.Go(func() {
		turns(running, 5*time.Second, w.rescue, func(err error) { w.Log.Warn("the jobs of dead processes could not be given to others", "err", err) })
	})
	w.ended.Go(func() {
		turns(running, 20*time.Second, func(ctx context.Context) error {
			if !d.Process.First() {
				return nil
			}
			if err := w.plan(ctx); err != nil {
				return err
			}
			return w.sweep(ctx)
		}, func(err error) { w.Log.Warn("the jobs of the coming minutes could not be planned", "err", err) })
	})
	return w, nil
}

// Stop takes no more jobs, gives those that run the rest of ctx to end, and then ends them: others take them up.
func (w *Workers) Stop(ctx context.Context) error {
	err := w.client.Stop(ctx)
	if err != nil {
		hard, cancel := context.WithTimeout(context.WithoutCancel(ctx), 2*time.Second)
		defer cancel()
		err = w.client.StopAndCancel(hard)
	}
	w.stop()
	w.ended.Wait()
	w.pool.Close()
	return err
}

// turns does something at once and then again and again, until ctx ends. What fails, or takes longer than a turn, is tried at the next.
func turns(ctx context.Context, step time.Duration, do func(ctx context.Context) error, failed func(error)) {
	turn := func(ctx context.Context) error {
		ctx, cancel := context.WithTimeout(ctx, 15*time.Second)
		defer cancel()
		return do(ctx)
	}
	if err := turn(ctx); err != nil && ctx.Err() == nil {
		failed(err)
	}
	tenants.Every(ctx, step, turn, failed)
}

// rescue gives the jobs of processes that are silent to others, and those that this process has and knows nothing of: it was given them when the database went
// away, or it could not tell in time that they are done, and River tells no more after some seconds. One that was tried as often as it may is given up. A process
// that cannot be heard itself takes nothing: when the database was away, nobody could be heard.
func (w *Workers) rescue(ctx context.Context) error {
	_, err := w.pool.Exec(ctx, `UPDATE river_job j SET state = CASE WHEN j.attempt >= j.max_attempts THEN 'discarded' ELSE 'available' END::river_job_state,
			finalized_at = CASE WHEN j.attempt >= j.max_attempts THEN now() END,
			errors = array_append(j.errors, jsonb_build_object('at', now(), 'attempt', j.attempt, 'error', $4::text, 'trace', ''))
		WHERE j.state = 'running' AND j.attempted_at < now() - $1::interval
			AND CASE WHEN j.attempted_by[array_upper(j.attempted_by, 1)] = $2::uuid::text THEN j.id <> ALL ($3::bigint[])
				ELSE NOT EXISTS (SELECT FROM control.processes p WHERE p.id::text = j.attempted_by[array_upper(j.attempted_by, 1)] AND p.seen_at > now() - $1::interval) END
			AND EXISTS (SELECT FROM control.processes p WHERE p.id = $2::uuid AND p.seen_at > now() - interval '5 seconds')`, silence, w.Process.ID(), w.known(), words.Say("tenants.its_process_ended").Keep(mostFault))
	return err
}

// known are the jobs that run in this process, and those of which it has told a moment ago that they ended.
func (w *Workers) known() []int64 {
	w.mu.Lock()
	defer w.mu.Unlock()
	ids := []int64{}
	for id, ended := range w.held {
		if ended.IsZero() || time.Since(ended) < silence {
			ids = append(ids, id)
		} else {
			delete(w.held, id)
		}
	}
	return ids
}

// hold notes that a job runs here, until what it gives is called.
func (w *Workers) hold(id int64) (release func()) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.held[id] = time.Time{}
	return func() {
		w.mu.Lock()
		defer w.mu.Unlock()
		w.held[id] = time.Now()
	}
}

// sweep forgets jobs that are done for as long as their kind is kept, some at a time.
func (w *Workers) sweep(ctx context.Context) error {
	_, err := w.pool.Exec(ctx, `DELETE FROM river_job WHERE id IN (SELECT j.id FROM river_job j JOIN kinds k ON k.kind = j.kind AND k.realm = CASE WHEN j.args ->> 'tenant' = '' THEN 'platform' ELSE 'tenant' END
		WHERE j.state = 'completed' AND j.finalized_at < now() - k.keep ORDER BY j.finalized_at LIMIT 5000)`)
	return err
}

// args are a job's arguments.
type args struct {
	kind   string
	Tenant string `json:"tenant"`
	About  string `json:"about"`
}

// Kind is River's.
func (a args) Kind() string { return a.kind }

// worker works the jobs of one kind.
type worker struct {
	river.WorkerDefaults[args]
	workers          *Workers
	tenant, platform Kind
}

func (w *worker) kindOf(a args) Kind {
	if a.Tenant == "" {
		return w.platform
	}
	return w.tenant
}

// Timeout is River's.
func (w *worker) Timeout(job *river.Job[args]) time.Duration { return w.kindOf(job.Args).Limit }

// NextRetry is River's.
func (w *worker) NextRetry(job *river.Job[args]) time.Time {
	if again := w.kindOf(job.Args).Again; again != nil {
		return time.Now().Add(again(time.Since(job.CreatedAt)))
	}
	return time.Time{} // as River has it
}

// Work is River's.
func (w *worker) Work(ctx context.Context, job *river.Job[args]) error {
	k, all := w.kindOf(job.Args), w.workers
	defer all.hold(job.ID)()
	j := &Job{ID: job.ID, Kind: job.Kind, About: job.Args.About, Attempt: job.Attempt, Last: job.Attempt >= job.MaxAttempts, Queued: job.CreatedAt, Due: job.ScheduledAt, Now: time.Now().UTC(), Begins: all.Begins}
	if k.Run == nil {
		return river.JobCancel(stored("tenants.there_is_no_such_work_here"))
	}
	if job.Args.Tenant == "" {
		j.DB = all.Registry.Platform()
	} else {
		t, err := all.Registry.Tenant(job.Args.Tenant)
		if err != nil {
			if domain.CodeOf(err) == domain.NotFound {
				return river.JobCancel(stored("tenants.the_tenant_is_gone"))
			}
			return err
		}
		if !t.Allows().Jobs.Do(k.Always) {
			return river.JobSnooze(rest)
		}
		j.Tenant, j.DB = t, all.Store.DB(t.Realm())
	}
	leave, room := all.enter(job.Queue, job.Args.Tenant)
	if !room {
		return river.JobSnooze(wait)
	}
	defer leave()
	err := run(ctx, k, j)
	j.PutOff = j.isPutOff(ctx, err)
	j.Last = j.Last && !j.PutOff
	if all.Done != nil {
		all.Done(j, time.Since(j.Now), err)
	}
	if l := (later{}); errors.As(err, &l) {
		return river.JobSnooze(max(again, time.Until(l.until)))
	}
	if j.PutOff {
		return river.JobSnooze(again)
	}
	return said(err)
}

// run runs a job. What a panic says goes to the log, not to who looks at the job.
func run(ctx context.Context, k Kind, j *Job) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("panic: %v\n%s", p, debug.Stack())
		}
	}()
	return k.Run(ctx, j)
}

// enter takes one of a realm's places in a queue.
func (w *Workers) enter(queue, realm string) (leave func(), room bool) {
	key, places := queue+" "+realm, 1
	if queue == "short" {
		places = most
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.running[key] >= places {
		return nil, false
	}
	w.running[key]++
	return func() {
		w.mu.Lock()
		defer w.mu.Unlock()
		if w.running[key]--; w.running[key] == 0 {
			delete(w.running, key)
		}
	}, true
}

// fault is what went wrong as it is stored with its job, to be said in the language of whoever reads it.
type fault struct{ words.Text }

// mostFault is how many bytes of it are stored.
const mostFault = 2000

// Error is what River stores.
func (f fault) Error() string { return f.Keep(mostFault) }

func stored(key string) error { return fault{words.Say(key)} }

// said is an error as it is stored with its job, where people of the tenant read it: what the program says to people as it is, and of anything else that there
// was something, whose cause is in the log under the job's number.
func said(err error) error {
	if err == nil {
		return nil
	}
	if is := (*domain.Error)(nil); errors.As(err, &is) {
		return fault{is.Text()}
	}
	return stored("tenants.it_failed_the_log_has")
}

// warnings lets through what River warns of.
type warnings struct{ slog.Handler }

// Enabled is slog's.
func (h warnings) Enabled(ctx context.Context, l slog.Level) bool {
	return l >= slog.LevelWarn && h.Handler.Enabled(ctx, l)
}
