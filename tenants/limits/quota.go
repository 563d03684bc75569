package limits

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"
)

// Kind is a thing of which a tenant has as many as its plan allows. How many there are is kept in the tenant's own schema, in usage_counts, and is
// changed here alone, in the transaction that changes the thing itself: so it is exact, and two who ask for the last one get one between them.
type Kind string

// The kinds.
const (
	Learners Kind = "learners"      // active accounts with the role student
	Staff    Kind = "staff"         // all other active accounts
	Classes  Kind = "classes"       // active classes
	Storage  Kind = "storage_bytes" // bytes of uploaded files (tenants/files)
)

// The kinds of which there are so many a day, of the tenant's calendar; they are counted in daily_counts.
const (
	ImportRows Kind = "import_rows_a_day" // rows of rosters that are imported
	Mails      Kind = "mails_a_day"       // letters that are sent
)

// Sender is a transaction of the tenant: *tenants.Tx, a *tenants.Reader for what only reads, or pgx's own.
type Sender interface {
	SendBatch(ctx context.Context, b *pgx.Batch) pgx.BatchResults
}

// QueueTake queues the statement that takes n of a kind, 1 or more. It touches one row when there is room for all of them, and none when there is not:
// whoever queues it must look, and write nothing of what there is no room for. The platform's own realm has no quotas, and nothing to queue.
func QueueTake(b *pgx.Batch, kind Kind, n int64) {
	b.Queue(`UPDATE usage_counts SET n = n + $2::bigint
		WHERE kind = $1::text AND n + $2::bigint <= coalesce((SELECT (limits->>$1::text)::bigint FROM settings), 0)`, string(kind), n)
}

// QueueGiveBack queues the statement that gives back n of a kind, 0 or more.
func QueueGiveBack(b *pgx.Batch, kind Kind, n int64) {
	b.Queue(`UPDATE usage_counts SET n = greatest(0, n - $2::bigint) WHERE kind = $1::text`, string(kind), n)
}

// TakingToday is the statement that takes n of what a day has of a kind where there is room for all of them, and nothing where there is not. All three are SQL: the kind, the
// day, and a statement that gives n with how many there may be (most), or no row where nothing is to be taken. They are taken for good: a day gives nothing back.
func TakingToday(kind, day, from string) string {
	return `INSERT INTO daily_counts AS c (kind, day, n) SELECT ` + kind + `, ` + day + `, a.n FROM (` + from + `) a WHERE a.n <= a.most
		ON CONFLICT (kind, day) DO UPDATE SET n = c.n + excluded.n WHERE c.n + excluded.n <= (SELECT a.most FROM (` + from + `) a)`
}

// TakeToday takes n, 1 or more, of what a day has of a kind, in a round trip of its own, and reports whether there was room. Without room it takes none, and left is how many there are.
func TakeToday(ctx context.Context, tx Sender, kind Kind, today time.Time, n int64) (room bool, left int64, err error) {
	b := &pgx.Batch{}
	b.Queue(TakingToday("$1::text", "$2::text::date", "SELECT $3::bigint AS n, coalesce((limits->>$1::text)::bigint, 0) AS most FROM settings"), string(kind), today.Format(time.DateOnly), n)
	b.Queue(`SELECT greatest(0, coalesce((limits->>$1::text)::bigint, 0) - coalesce((SELECT n FROM daily_counts WHERE kind = $1::text AND day = $2::text::date), 0)) FROM settings`, string(kind), today.Format(time.DateOnly))
	res := tx.SendBatch(ctx, b)
	defer res.Close()
	tag, err := res.Exec()
	if err == nil {
		err = res.QueryRow().Scan(&left)
	}
	if err != nil {
		return false, 0, err
	}
	return tag.RowsAffected() > 0, left, res.Close()
}

// SweepDays forgets what was counted more than forty days ago.
func SweepDays(ctx context.Context, tx Sender, today time.Time) error {
	b := &pgx.Batch{}
	b.Queue("DELETE FROM daily_counts WHERE day < $1::text::date - 40", today.Format(time.DateOnly))
	return tx.SendBatch(ctx, b).Close()
}

// Take takes n of a kind, 1 or more, in a round trip of its own, and reports whether there was room. Without room it takes none.
func Take(ctx context.Context, tx Sender, kind Kind, n int64) (room bool, err error) {
	b := &pgx.Batch{}
	QueueTake(b, kind, n)
	res := tx.SendBatch(ctx, b)
	defer res.Close()
	tag, err := res.Exec()
	if err != nil {
		return false, err
	}
	return tag.RowsAffected() > 0, res.Close()
}

// GiveBack gives back n of a kind, 0 or more, in a round trip of its own.
func GiveBack(ctx context.Context, tx Sender, kind Kind, n int64) error {
	b := &pgx.Batch{}
	QueueGiveBack(b, kind, n)
	return tx.SendBatch(ctx, b).Close()
}

// Count is how many there are of a kind, for who takes and gives back many of them in one transaction and writes once, at the end.
type Count struct{ used, limit, before int64 }

// Take takes one, and reports whether there was room.
func (c *Count) Take() bool {
	if c.used >= c.limit {
		return false
	}
	c.used++
	return true
}

// GiveBack gives one back.
func (c *Count) GiveBack() { c.used = max(0, c.used-1) }

// Counts are the counts of some kinds.
type Counts map[Kind]*Count

// Lock returns counts whose rows are locked until the transaction ends, in the order of their kinds, which is the same for everybody. Nobody else takes or
// gives back any of them meanwhile: what a Count says of the room is exact.
func Lock(ctx context.Context, tx Sender, kinds ...Kind) (Counts, error) {
	return counts(ctx, tx, " FOR UPDATE", kinds)
}

// Look returns counts as they are at this moment, for a trial that writes nothing and is in nobody's way.
func Look(ctx context.Context, q Sender, kinds ...Kind) (Counts, error) {
	return counts(ctx, q, "", kinds)
}

func counts(ctx context.Context, q Sender, lock string, kinds []Kind) (Counts, error) {
	names := make([]string, len(kinds))
	for i, k := range kinds {
		names[i] = string(k)
	}
	b := &pgx.Batch{}
	b.Queue(`SELECT c.kind, c.n, coalesce((SELECT (limits->>c.kind)::bigint FROM settings), 0) FROM usage_counts c
		WHERE c.kind = ANY($1::text[]) ORDER BY c.kind`+lock, names)
	res := q.SendBatch(ctx, b)
	defer res.Close()
	rows, err := res.Query()
	if err != nil {
		return nil, err
	}
	all := Counts{}
	var kind Kind
	var c Count
	if _, err := pgx.ForEachRow(rows, []any{&kind, &c.used, &c.limit}, func() error {
		all[kind] = &Count{used: c.used, limit: c.limit, before: c.used}
		return nil
	}); err != nil {
		return nil, err
	}
	return all, res.Close()
}

// Add counts n more of a kind, or fewer, that a trial has taken or given back before. It does nothing for a kind that is not among these.
func (all Counts) Add(kind Kind, n int64) {
	if c := all[kind]; c != nil {
		c.used, c.before = c.used+n, c.before+n
	}
}

// Changed returns how many were taken of each kind, less those that were given back.
func (all Counts) Changed() map[Kind]int64 {
	by := map[Kind]int64{}
	for kind, c := range all {
		by[kind] = c.used - c.before
	}
	return by
}

// Queue queues what has changed of locked counts: at most a statement for each kind.
func (all Counts) Queue(b *pgx.Batch) {
	for _, kind := range []Kind{Classes, Learners, Staff, Storage} {
		if c := all[kind]; c != nil && c.used != c.before {
			b.Queue(`UPDATE usage_counts SET n = $2::bigint WHERE kind = $1::text`, string(kind), c.used)
		}
	}
}
