package jobs

import (
	"context"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"lignum/domain"
	"lignum/domain/words"
	"lignum/tenants"
	"lignum/tenants/audit"
)

// State is where a job is.
type State string

// The states of a job.
const (
	Waiting   State = "waiting" // for its time, or for a place
	Running   State = "running"
	Failing   State = "failing" // failed, and is tried again
	Finished  State = "done"
	GivenUp   State = "given_up"  // failed as often as it may
	Cancelled State = "cancelled" // by a person
)

// states are ours by River's, which tells those that wait for their time from those that wait for a place.
var states = map[string]State{"available": Waiting, "scheduled": Waiting, "pending": Waiting, "running": Running, "retryable": Failing, "completed": Finished,
	"discarded": GivenUp, "cancelled": Cancelled}

// Stored is a job as it is listed.
type Stored struct {
	ID          int64      `json:"id"`
	Realm       string     `json:"realm" doc:"The tenant, or platform"`
	Kind        string     `json:"kind"`
	About       string     `json:"about" doc:"The id of what it is about; empty for the tenant as a whole"`
	State       State      `json:"state" enum:"waiting,running,failing,done,given_up,cancelled"`
	Attempt     int        `json:"attempt" doc:"How often it was begun"`
	MaxAttempts int        `json:"max_attempts"`
	QueuedAt    time.Time  `json:"queued_at"`
	DueAt       time.Time  `json:"due_at" doc:"Not before then it begins"`
	BegunAt     *time.Time `json:"begun_at" doc:"When it was begun last"`
	EndedAt     *time.Time `json:"ended_at"`
	Fault       words.Text `json:"fault" doc:"What went wrong last"`
}

// MayRetry reports whether it can be started again.
func (s Stored) MayRetry() bool {
	return s.State == Failing || s.State == GivenUp || s.State == Cancelled
}

// MayCancel reports whether it can be kept from running again.
func (s Stored) MayCancel() bool {
	return s.State == Waiting || s.State == Failing || s.State == Running
}

// Filter narrows a list of jobs. Empty fields narrow nothing.
type Filter struct {
	Realm string // a tenant's slug; only the platform sees others than its own
	Kind  string
	State State
}

// List lists jobs, newest first: a tenant's own, on the platform everybody's.
func List(ctx context.Context, q tenants.Querier, f Filter, page domain.Page) (domain.List[Stored], error) {
	none := domain.List[Stored]{}
	limit, after, err := page.Read(1, 0)
	if err != nil {
		return none, err
	}
	var before *int64
	if len(after) > 0 {
		id, err := strconv.ParseInt(after[0], 10, 64)
		if err != nil {
			return none, domain.BadCursor()
		}
		before = &id
	}
	var in []string
	if f.State != "" && !slices.Contains(slices.Collect(maps.Values(states)), f.State) {
		return none, domain.InvalidField("state", "domain.must_be_one_of_those")
	}
	for theirs, ours := range states {
		if ours == f.State {
			in = append(in, theirs)
		}
	}
	rows, err := q.Query(ctx, "SELECT * FROM gate.list_jobs(nullif($1::text, ''), nullif($2::text, ''), $3::text[], $4::bigint, $5::integer)", f.Realm, f.Kind, in, before, limit+1)
	if err != nil {
		return none, err
	}
	list, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (s Stored, err error) {
		var state, fault string
		err = row.Scan(&s.ID, &s.Realm, &s.Kind, &s.About, &state, &s.Attempt, &s.MaxAttempts, &s.QueuedAt, &s.DueAt, &s.BegunAt, &s.EndedAt, &fault)
		s.Fault = words.Kept(strings.TrimPrefix(fault, "JobCancelError: ")) // River's, of one that can never be done
		if s.State = states[state]; s.Realm == "" {
			s.Realm = "platform"
		}
		return s, err
	})
	if err != nil {
		return none, err
	}
	return domain.Cut(list, limit, func(s Stored) []string { return []string{strconv.FormatInt(s.ID, 10)} }), nil
}

// Retry lets a job that failed, was given up or was cancelled run again now. It returns domain.NotFound for one that is not the realm's, or in no such state.
func Retry(ctx context.Context, tx *tenants.Tx, job int64) error {
	return change(ctx, tx, job, "SELECT coalesce(gate.retry_job($1::bigint), '')", "job.retry")
}

// Cancel keeps a job that waits from running, and one that runs from being tried again. It returns domain.NotFound for one that is not the realm's, or has ended.
func Cancel(ctx context.Context, tx *tenants.Tx, job int64) error {
	return change(ctx, tx, job, "SELECT coalesce(gate.cancel_job($1::bigint), '')", "job.cancel")
}

func change(ctx context.Context, tx *tenants.Tx, job int64, sql, action string) error {
	var kind string
	if err := tx.QueryRow(ctx, sql, job).Scan(&kind); err != nil {
		return err
	}
	if kind == "" {
		return domain.Refuse(domain.NotFound, "tenants.there_is_no_such_job")
	}
	tx.Record(audit.Entry{Action: action, ObjectKind: "job", ObjectID: strconv.FormatInt(job, 10), After: map[string]any{"kind": kind}})
	return nil
}

// Stopped gives an SQL condition: that no job of a kind about an id runs or will, so that nobody works on what waits for it. kind and about are SQL. Where a realm has so many that
// not all are looked at, they are taken to live. It is of the statement's own moment, so that a job that ends meanwhile has said what it did.
func Stopped(kind, about string) string {
	live := "gate.list_jobs('', " + kind + ", '{available,scheduled,pending,running,retryable}'::text[], NULL, 1000) j" // the platform's own are those of the tenant of no name
	return "(NOT EXISTS (SELECT FROM " + live + " WHERE j.about = " + about + ") AND (SELECT count(*) FROM " + live + ") < 1000)"
}
