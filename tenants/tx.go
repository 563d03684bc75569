package tenants

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"lignum/tenants/audit"
)

// ErrNotAudited is a fault of the program: a transaction changed data and recorded no entry. It was rolled back.
var ErrNotAudited = errors.New("the change recorded no audit entry and was rolled back")

// beginWrite begins a transaction that changes something. A login's transactions read, unless they say otherwise (loginSettings):
// so what goes through a Reader cannot write, whatever its statement is.
const beginWrite = "begin read write"

// Tx is one transaction on one connection, shared by pgx statements, batches and GORM. It is for one goroutine. It begins with its
// first statement, in the same round trip.
type Tx struct {
	conn    *pgx.Conn
	begun   bool
	who     audit.Actor
	entries []audit.Entry
	written int // entries that a statement of the transaction has stored already
	last    []queued
	realm   Realm
	vault   *Vault
	foreign bool // over a direct connection, and not as the realm's login
}

type queued struct {
	sql  string
	args []any
}

// begin begins the transaction in a round trip of its own, for what cannot travel with it.
func (tx *Tx) begin(ctx context.Context) error {
	if tx.begun {
		return nil
	}
	tx.begun = true // as far as we know: should it fail, the connection is not trusted without a rollback
	_, err := tx.conn.Exec(ctx, beginWrite)
	return err
}

// beginWith begins the transaction with its first statements. When it cannot begin, the first of their results is the error.
func (tx *Tx) beginWith(ctx context.Context, b *pgx.Batch) pgx.BatchResults {
	tx.begun = true
	res := tx.conn.SendBatch(ctx, fullListsOf(withBegin(b)))
	_, _ = res.Exec() // whoever asks for the next gets this error once more
	return res
}

// withBegin is the batch with the transaction's begin before it.
func withBegin(b *pgx.Batch) *pgx.Batch {
	all := &pgx.Batch{QueuedQueries: make([]*pgx.QueuedQuery, 0, b.Len()+2)}
	all.Queue(beginWrite)
	all.QueuedQueries = append(all.QueuedQueries, b.QueuedQueries...)
	return all
}

// only is a batch of one statement.
func only(sql string, args []any) *pgx.Batch {
	b := &pgx.Batch{}
	b.Queue(sql, args...)
	return b
}

// firstRows are the rows of a batch's first statement, which close the batch with them.
type firstRows struct {
	pgx.Rows
	res pgx.BatchResults
	err error
}

// Next is pgx's.
func (r *firstRows) Next() bool {
	if r.Rows.Next() { //nolint:forbidigo // this is Next, of rows that close what they came with
		return true
	}
	r.Close()
	return false
}

// Scan is pgx's.
func (r *firstRows) Scan(dest ...any) error {
	err := r.Rows.Scan(dest...)
	if err != nil {
		r.Close()
	}
	return err
}

// Close is pgx's.
func (r *firstRows) Close() {
	r.Rows.Close()
	r.err = r.res.Close()
}

// Err is pgx's.
func (r *firstRows) Err() error {
	if err := r.Rows.Err(); err != nil {
		return err
	}
	return r.err
}

// firstOf gives the rows of the next statement of a batch, which is the last that gives some.
func firstOf(res pgx.BatchResults) (pgx.Rows, error) {
	rows, err := res.Query()
	first := &firstRows{Rows: rows, res: res}
	if err != nil {
		first.Close()
	}
	return first, err
}

// firstRow is the same of a statement that gives one row.
type firstRow struct {
	pgx.Row
	res pgx.BatchResults
}

// Scan is pgx's.
func (r firstRow) Scan(dest ...any) error {
	err := r.Row.Scan(dest...)
	if cerr := r.res.Close(); err == nil {
		err = cerr
	}
	return err
}

// Query runs one statement that gives rows.
func (tx *Tx) Query(ctx context.Context, sql string, args ...any) (pgx.Rows, error) {
	if tx.begun {
		return tx.conn.Query(ctx, sql, fullLists(args)...)
	}
	return firstOf(tx.beginWith(ctx, only(sql, args)))
}

// QueryRow runs one statement that gives one row.
func (tx *Tx) QueryRow(ctx context.Context, sql string, args ...any) pgx.Row {
	if tx.begun {
		return tx.conn.QueryRow(ctx, sql, fullLists(args)...)
	}
	res := tx.beginWith(ctx, only(sql, args))
	return firstRow{res.QueryRow(), res}
}

// Exec runs one statement and tells how many rows it touched. Without arguments it would use the simple protocol,
// so never build its text from input.
func (tx *Tx) Exec(ctx context.Context, sql string, args ...any) (int64, error) {
	if !tx.begun && len(args) > 0 {
		res := tx.beginWith(ctx, only(sql, args))
		tag, err := res.Exec()
		if cerr := res.Close(); err == nil {
			err = cerr
		}
		return tag.RowsAffected(), err
	}
	if err := tx.begin(ctx); err != nil {
		return 0, err
	}
	tag, err := tx.conn.Exec(ctx, sql, fullLists(args)...)
	return tag.RowsAffected(), err
}

// SendBatch runs several statements in one round trip.
func (tx *Tx) SendBatch(ctx context.Context, b *pgx.Batch) pgx.BatchResults {
	if !tx.begun {
		return tx.beginWith(ctx, b)
	}
	return tx.conn.SendBatch(ctx, fullListsOf(b))
}

// CopyFrom streams many rows into a table of the realm and tells how many.
func (tx *Tx) CopyFrom(ctx context.Context, table string, columns []string, rows pgx.CopyFromSource) (int64, error) {
	if err := tx.begin(ctx); err != nil {
		return 0, err
	}
	return tx.conn.CopyFrom(ctx, pgx.Identifier{table}, columns, rows)
}

// Realm is whose data it is.
func (tx *Tx) Realm() Realm { return tx.realm }

// Who is the actor of the transaction.
func (tx *Tx) Who() audit.Actor { return tx.who }

// Seal encrypts a small secret for the realm and a purpose (Vault.Seal).
func (tx *Tx) Seal(purpose string, secret []byte) string {
	return tx.vault.Seal(tx.realm.Name(), purpose, secret)
}

// Foreign reports whether the transaction is not the realm's own (Within): the gate does not know whose it is.
func (tx *Tx) Foreign() bool { return tx.foreign }

// Record adds an entry to the audit trail. It is stored with the commit, or not at all.
func (tx *Tx) Record(e audit.Entry) { tx.entries = append(tx.entries, e) }

// RecordWith runs a statement that stores an entry itself, with what it adds to it: $1 and $2 are those of audit.Parameters.
func (tx *Tx) RecordWith(ctx context.Context, e audit.Entry, sql string) error {
	_, err := tx.Exec(ctx, sql, e.Args(tx.who)...)
	if err == nil {
		tx.written++
	}
	return err
}

// Recorded is how many entries the transaction will store.
func (tx *Tx) Recorded() int { return tx.written + len(tx.entries) }

// Last queues a statement that travels with the commit. It may touch no row.
func (tx *Tx) Last(sql string, args ...any) { tx.last = append(tx.last, queued{sql, args}) }

// lockRow takes the row of a name, made when it is used first, and waits for the transaction that has it.
const lockRow = "INSERT INTO locks (name) VALUES ($1::text) ON CONFLICT (name) DO UPDATE SET name = excluded.name"

// Lock lets one transaction of the realm at a time go on from here, until it ends. name is the part that it changes, such as
// 'rules', 1 to 200 characters; names stay, so there are few. One that waits longer than the login's lock_timeout gives
// domain.Unavailable. It is a row and not an advisory lock, which any tenant's login could take from all others.
func (tx *Tx) Lock(ctx context.Context, name string) error {
	_, err := tx.Exec(ctx, lockRow, name)
	return err
}

// Bump tells all processes that something they cache has changed: 'registry', 'rules', 'keys', 'sessions',
// 'settings' or 'content'.
func (tx *Tx) Bump(what string) { tx.Last("SELECT gate.bump($1::text)", what) }

func (db *DB) runTx(ctx context.Context, px *pgx.Conn, who audit.Actor, fn func(tx *Tx) error) error {
	tx := &Tx{conn: px, who: who, realm: db.realm, vault: db.Vault()}
	done := false
	defer func() {
		if !done && tx.begun {
			rollback(ctx, px)
		}
	}()
	if err := fn(tx); err != nil {
		return err
	}
	if tx.Recorded() == 0 {
		return ErrNotAudited
	}
	if err := tx.finish(ctx); err != nil {
		return err
	}
	done = true
	return nil
}

// rollback ends a transaction that failed. The caller may be gone; it must end all the same, or the connection is thrown away.
func rollback(ctx context.Context, px *pgx.Conn) {
	clean, cancel := context.WithTimeout(context.WithoutCancel(ctx), 2*time.Second)
	defer cancel()
	if _, err := px.Exec(clean, "rollback"); err != nil {
		px.Close(clean)
	}
}

// rest is what was queued, and the entries.
func (tx *Tx) rest() *pgx.Batch {
	b := &pgx.Batch{}
	for _, q := range tx.last {
		b.Queue(q.sql, q.args...)
	}
	for i := range tx.entries {
		b.Queue(audit.Insert, tx.entries[i].Args(tx.who)...)
	}
	return b
}

// Within lets fn work in a realm's schema as if it were the realm's own transaction, which this is not: others may follow in it. What fn records is
// stored before Within returns.
func Within(ctx context.Context, tx pgx.Tx, realm Realm, vault *Vault, by audit.Actor, fn func(tx *Tx) error) error {
	var before string
	if err := tx.QueryRow(ctx, "SELECT current_setting('search_path'), set_config('search_path', $1, true)", pgx.Identifier{realm.Schema}.Sanitize()).Scan(&before, nil); err != nil {
		return err
	}
	inner := &Tx{conn: tx.Conn(), begun: true, who: by, realm: realm, vault: vault, foreign: true}
	if err := fn(inner); err != nil {
		return err
	}
	b := inner.rest()
	b.Queue("SELECT set_config('search_path', $1, true)", before)
	return tx.SendBatch(ctx, b).Close()
}

// finish sends what was queued, the entries and the commit in one round trip.
func (tx *Tx) finish(ctx context.Context) error {
	b := tx.rest()
	if !tx.begun { // nothing but what is queued
		tx.begun, b = true, withBegin(b)
	}
	b.Queue("commit")
	res := tx.conn.SendBatch(ctx, fullListsOf(b))
	for range b.Len() - 1 {
		if _, err := res.Exec(); err != nil {
			res.Close()
			return err
		}
	}
	tag, err := res.Exec()
	if cerr := res.Close(); err == nil {
		err = cerr
	}
	if err == nil && tag.String() != "COMMIT" {
		err = fmt.Errorf("the transaction ended as %s", tag)
	}
	return err
}
