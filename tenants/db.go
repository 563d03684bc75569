package tenants

import (
	"context"
	"errors"
	"net"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"lignum/domain"
	"lignum/domain/words"
	"lignum/tenants/audit"
)

// Querier reads a realm's data: inside a transaction (Tx) or outside one (Reader). Entity is GORM's way through it.
type Querier interface {
	Query(ctx context.Context, sql string, args ...any) (pgx.Rows, error)
	QueryRow(ctx context.Context, sql string, args ...any) pgx.Row
	SendBatch(ctx context.Context, b *pgx.Batch) pgx.BatchResults
	Realm() Realm // whose data it is
}

// DB is one realm's data: the only way to it. The realm's own login opens it, so that a stolen query has
// nowhere else to go.
type DB struct {
	store *Store
	realm Realm
	guard func() error // asked before anything is written; nil: nothing is asked
	along *along       // nil: nothing
}

// along is a statement that waits for a reading to travel with.
type along struct{ queue func(b *pgx.Batch) }

// Along returns the same data, of which the first statement or batch that is read brings the answer of one more statement, in the same round trip.
// queue adds that to a batch, with what is done with its answer, which is there when the rows or the batch are closed. Where nothing is read it is never
// sent. What waits for db already travels with it. What Along returns, and all that is made of it, is for one goroutine.
func (db *DB) Along(queue func(b *pgx.Batch)) *DB {
	more, before := *db, db.along
	more.along = &along{func(b *pgx.Batch) {
		if before != nil && before.queue != nil {
			before.queue(b)
			before.queue = nil
		}
		queue(b)
	}}
	return &more
}

// Guarded returns the same data, written to only while check gives nil. It is asked last before a commit, when a transaction
// has found out what it had to know, and before a batch is sent that is a transaction of its own. Its error is given back,
// and nothing is written.
func (db *DB) Guarded(check func() error) *DB {
	guarded := *db
	guarded.guard = check
	return &guarded
}

// guarded tells why nothing may be written now.
func (db *DB) guarded() error {
	if db.guard == nil {
		return nil
	}
	return db.guard()
}

// Realm is whose data it is.
func (db *DB) Realm() Realm { return db.realm }

// Vault seals and opens the realm's small secrets.
func (db *DB) Vault() *Vault { return db.store.cfg.Vault }

// Reader reads outside a transaction: each statement, or each batch, is a snapshot of its own.
type Reader struct {
	p     *pool
	along *along
	realm Realm
}

// Realm is whose data it is.
func (r *Reader) Realm() Realm { return r.realm }

// waits reports whether something waits to travel with the next statement.
func (r *Reader) waits() bool { return r.along != nil && r.along.queue != nil }

// with is the batch and what waits to travel with it.
func (r *Reader) with(b *pgx.Batch) *pgx.Batch {
	if !r.waits() {
		return b
	}
	all := &pgx.Batch{QueuedQueries: append(make([]*pgx.QueuedQuery, 0, b.Len()+1), b.QueuedQueries...)}
	r.along.queue(all)
	r.along.queue = nil
	return all
}

// Query runs one statement.
func (r *Reader) Query(ctx context.Context, sql string, args ...any) (pgx.Rows, error) {
	if r.waits() {
		return firstOf(r.SendBatch(ctx, only(sql, args)))
	}
	return r.p.pgx.Query(ctx, sql, fullLists(args)...)
}

// QueryRow runs one statement that gives one row.
func (r *Reader) QueryRow(ctx context.Context, sql string, args ...any) pgx.Row {
	if r.waits() {
		res := r.SendBatch(ctx, only(sql, args))
		return firstRow{res.QueryRow(), res}
	}
	return r.p.pgx.QueryRow(ctx, sql, fullLists(args)...)
}

// SendBatch runs several statements in one round trip and one snapshot per statement.
func (r *Reader) SendBatch(ctx context.Context, b *pgx.Batch) pgx.BatchResults {
	return r.p.pgx.SendBatch(ctx, fullListsOf(r.with(b)))
}

// Read runs fn with a reader that may be served by a replica: what it gives may be a moment old and must never
// decide a write. It returns domain.Unavailable when the database is away.
func (db *DB) Read(ctx context.Context, fn func(r *Reader) error) error {
	return db.admitted(ctx, db.store.cfg.Reader, func(p *pool) error { return fn(&Reader{p, db.along, db.realm}) })
}

// ReadFresh is Read on the writer: for what must see the change just made.
func (db *DB) ReadFresh(ctx context.Context, fn func(r *Reader) error) error {
	return db.admitted(ctx, db.store.cfg.Writer, func(p *pool) error { return fn(&Reader{p, db.along, db.realm}) })
}

// WriteOneTrip runs a batch as one transaction in one round trip: the hot path. Either all of its statements count or none.
// Each statement repeats its own conditions in its WHERE, and the one that changes something stores its audit entry in the same
// statement. read must take every result in order; an error of its own undoes nothing.
func (db *DB) WriteOneTrip(ctx context.Context, b *pgx.Batch, read func(pgx.BatchResults) error) error {
	if err := db.guarded(); err != nil {
		return err
	}
	return db.admitted(ctx, db.store.cfg.Writer, func(p *pool) error {
		conn, err := p.pgx.Acquire(ctx)
		if err != nil {
			return err
		}
		defer conn.Release()
		res := conn.SendBatch(ctx, fullListsOf(oneTransaction(b)))
		if _, err = res.Exec(); err == nil {
			err = read(res)
		}
		if cerr := res.Close(); err == nil { // of what was not taken too, and of the commit
			err = cerr
		}
		if conn.Conn().PgConn().TxStatus() != 'I' {
			rollback(ctx, conn.Conn())
		}
		return err
	})
}

// oneTransaction is the batch between its begin and its commit.
func oneTransaction(b *pgx.Batch) *pgx.Batch {
	one := withBegin(b)
	one.Queue("commit")
	return one
}

// Write runs fn in one transaction as who. It commits when fn gives nil, together with the audit entries that fn
// recorded, which travel with the commit in one round trip. A transaction that recorded none is rolled back with
// ErrNotAudited: a change without an entry cannot happen.
func (db *DB) Write(ctx context.Context, who audit.Actor, fn func(tx *Tx) error) error {
	return db.admitted(ctx, db.store.cfg.Writer, func(p *pool) error {
		conn, err := p.pgx.Acquire(ctx)
		if err != nil {
			return err
		}
		defer conn.Release()
		return db.runTx(ctx, conn.Conn(), who, func(tx *Tx) error {
			if err := fn(tx); err != nil {
				return err
			}
			return db.guarded()
		})
	})
}

// admitted waits for the tenant's fair share of the process's connections, then runs fn.
func (db *DB) admitted(ctx context.Context, end Endpoint, fn func(p *pool) error) error {
	release, err := db.store.admission(end).Acquire(ctx, db.realm.Slug)
	if err != nil {
		return err
	}
	defer release()
	p, err := db.store.pool(db.realm, end)
	if err != nil {
		return err
	}
	defer db.store.done(p)
	return Explain(fn(p))
}

// Explain turns the ways in which a database can be away, and waiting in vain for others, into domain.Unavailable, and that a tenant
// has too many jobs into domain.OverQuota. Everything else passes.
func Explain(err error) error {
	if err == nil || domain.CodeOf(err) != "" {
		return err
	}
	if Waited(err) {
		return &domain.Error{Code: domain.Unavailable, Message: words.Say("tenants.somebody_else_is_changing_the"),
			RetryAfter: 2 * time.Second, Cause: err}
	}
	if away(err) {
		return &domain.Error{Code: domain.Unavailable, Message: words.Say("tenants.the_service_cannot_reach_its"),
			RetryAfter: 2 * time.Second, Cause: err}
	}
	if pg := (*pgconn.PgError)(nil); errors.As(err, &pg) && pg.Code == tooManyJobs {
		return &domain.Error{Code: domain.OverQuota, Message: words.Say("tenants.too_much_work_waits"), RetryAfter: time.Minute, Cause: err}
	}
	return err
}

// tooManyJobs is what gate.queue_jobs refuses with when a tenant has as many jobs of a kind that are not done as it may have.
const tooManyJobs = "LJ001"

// Waited reports whether a statement waited for another transaction's lock, longer than the login's lock_timeout or in a circle.
func Waited(err error) bool {
	var pg *pgconn.PgError
	return errors.As(err, &pg) && (pg.Code == "55P03" || pg.Code == "40P01")
}

func away(err error) bool {
	var pg *pgconn.PgError
	if errors.As(err, &pg) {
		switch {
		case strings.HasPrefix(pg.Code, "08"), strings.HasPrefix(pg.Code, "53"), strings.HasPrefix(pg.Code, "57"),
			pg.Code == "0A000" && strings.Contains(pg.Message, "during recovery"), // a writer that became a reader in a failover
			pg.Code == "40001":
			return true
		}
		return false
	}
	var connect *pgconn.ConnectError
	var network net.Error
	return errors.As(err, &connect) || errors.As(err, &network) || errors.Is(err, context.DeadlineExceeded) ||
		errors.Is(err, net.ErrClosed) || pgconn.SafeToRetry(err) || strings.Contains(err.Error(), "unexpected EOF") ||
		strings.Contains(err.Error(), "conn closed")
}

// Ping asks the realm's database for an answer, for readiness.
func (db *DB) Ping(ctx context.Context) error {
	return db.ReadFresh(ctx, func(r *Reader) error {
		var one int
		return r.QueryRow(ctx, "SELECT 1").Scan(&one)
	})
}

// IsReferredTo reports whether PostgreSQL refused to remove a row because others refer to it.
func IsReferredTo(err error) bool {
	var pg *pgconn.PgError
	return errors.As(err, &pg) && pg.Code == "23503"
}

// IsViolation reports whether err is PostgreSQL's refusal by the named constraint or unique index.
func IsViolation(err error, constraint string) bool {
	var pg *pgconn.PgError
	return errors.As(err, &pg) && strings.HasPrefix(pg.Code, "23") && pg.ConstraintName == constraint
}
