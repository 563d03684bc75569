// Package jobs does what is done apart from requests: at a time, again when it fails, and once when its process dies in the middle of it.
//
// River keeps the jobs, in a schema of its own, and gives each to one process. A change queues its jobs in its own transaction (Queue), through the gate, which
// knows what each realm may queue; what is done by the clock is planned ahead (plan.go). A job is worked with the login of its realm, over the same fair
// share of the database as the realm's requests. Its arguments are whose it is and the id of what it is about.
//
// A job may run twice: its process died, or was taken for dead. So its effect is one of two: a state that the second run brings about again without harm,
// or stored with Once in the same transaction.
package jobs

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/riverqueue/river"

	"lignum/domain"
	"lignum/domain/words"
	"lignum/tenants"
	"lignum/tenants/audit"
)

// Kind is one kind of job. What may queue it, how often it is tried and how long it is kept stands in the table jobs.kinds.
type Kind struct {
	Name     string        // "noun.verb", as in jobs.kinds
	When     Schedule      // by the clock; the zero value: when it is queued
	Platform bool          // of the platform's realm; else of each tenant's
	Always   bool          // for tenants that are read-only or suspended too; else what is queued waits until they work again
	Limit    time.Duration // how long one run may take; it is ended then, and tried again
	Run      func(ctx context.Context, j *Job) error
	Again    func(tried time.Duration) time.Duration // how long one that failed waits, by how long ago it was queued; nil: by the fourth power of its tries, in seconds
}

// Job is one run of a job.
type Job struct {
	ID      int64
	Kind    string
	About   string          // the id of what it is about; "" for the realm as a whole
	Tenant  *tenants.Tenant // nil: the platform
	DB      *tenants.DB     // of its realm
	Attempt int             // 1 for the first
	Last    bool            // its tries are used up with this run, unless it is put off
	PutOff  bool            // after the run: it could not reach the database, waited for somebody in vain, or its process was stopped, which used up no try
	Queued  time.Time       // when it was queued
	Due     time.Time       // when it was to begin
	Now     time.Time       // when it began, UTC
	Begins  Begins          // of days where the tenants are
}

// Actor is who does what a job does, for the trail.
func (j *Job) Actor() audit.Actor {
	return audit.Actor{Name: "lignum", Realm: "platform", RequestID: fmt.Sprintf("job-%d", j.ID)}
}

// Final reports whether no run follows one that ends with err, which is not nil: what is not said now about how the job ended, nobody says. ctx is the run's.
func (j *Job) Final(ctx context.Context, err error) bool { return j.Last && !j.isPutOff(ctx, err) }

// isPutOff reports whether a run that ends with err was in nobody's hands, so that it uses up no try: a job is tried again so for as long as patience.
func (j *Job) isPutOff(ctx context.Context, err error) bool {
	if errors.As(err, new(later)) {
		return true
	}
	if err == nil || time.Since(j.Queued) >= patience {
		return false
	}
	if ctx.Err() == nil {
		return domain.CodeOf(err) == domain.Unavailable
	}
	return errors.Is(ctx.Err(), context.Canceled) && !errors.Is(context.Cause(ctx), river.ErrJobCancelledRemotely) // the process is being stopped
}

// Afterwards gives a context for what a run still has to store when its own time is up: five seconds, within which a process that is being stopped waits for it.
func Afterwards(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
}

// later is what a run ends with that is to be run again at a time.
type later struct {
	until time.Time
	why   words.Text
}

func (l later) Error() string { return l.why.String() }

// Later ends a run that is to be run again at a time, for a reason that is nobody's fault and uses up no try.
func Later(until time.Time, why words.Text) error { return later{until, why} }

// errDone ends a transaction whose job is done already.
var errDone = errors.New("done already")

// Once runs fn in a transaction of the job's realm that counts once, however often the job is run.
func (j *Job) Once(ctx context.Context, fn func(tx *tenants.Tx) error) error {
	err := j.DB.Write(ctx, j.Actor(), func(tx *tenants.Tx) error {
		n, err := tx.Exec(ctx, "INSERT INTO jobs_done (job) VALUES ($1::bigint) ON CONFLICT DO NOTHING", j.ID)
		if err != nil {
			return err
		}
		if n == 0 {
			return errDone
		}
		return fn(tx)
	})
	if errors.Is(err, errDone) {
		return nil
	}
	return err
}

// Sweep forgets which jobs were done long ago: more than 40 days, after which none is run any more.
func Sweep(ctx context.Context, tx *tenants.Tx, now time.Time) error {
	_, err := tx.Exec(ctx, "DELETE FROM jobs_done WHERE done_at < $1::timestamptz - interval '40 days'", now)
	return err
}

// Queue queues a job for each of some things, named by their ids, when the transaction is committed: none when it is not. An id has up to 200 letters, digits and
// ._:-, and there are up to 1,000; none queues one job about the realm as a whole. A kind that is not listed for the realm fails the transaction, and so does
// one of which a tenant has as many that are not done as it may have (jobs.kinds), with domain.OverQuota.
func Queue(tx *tenants.Tx, kind string, about ...string) {
	if len(about) == 0 {
		about = []string{""}
	}
	tx.Last("SELECT gate.queue_jobs($1::text, $2::text[], NULL::timestamptz, NULL::text[])", kind, about)
}

// QueueOnce queues a job about the realm as a whole, unless one with the same name is kept: waiting, running, or done not long ago. One that is due in more than a
// minute is left out where a tenant has too many of them: its kind needs a sweep that finds what it was for.
func QueueOnce(tx *tenants.Tx, kind, once string, at time.Time) {
	tx.Last("SELECT gate.queue_jobs($1::text, '{\"\"}'::text[], $2::timestamptz, ARRAY[$3::text])", kind, at, once)
}

// Ask queues a job about the realm as a whole outside of any change, once for a moment that many may ask in.
func Ask(ctx context.Context, db *tenants.DB, kind string, moment time.Time) error {
	b := &pgx.Batch{}
	b.Queue("SELECT gate.queue_jobs($1::text, '{\"\"}'::text[], NULL::timestamptz, ARRAY[$2::text])", kind, "asked:"+moment.UTC().Format("20060102T150405"))
	return db.WriteOneTrip(ctx, b, func(res pgx.BatchResults) error {
		_, err := res.Exec()
		return err
	})
}
