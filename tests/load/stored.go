package load

import (
	"context"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
)

// Read returns what a tenant's schema holds since a time, for a Journal to be compared with. conn is a direct connection of somebody who may
// read the schema: statements of a tenant's own login end too soon for a whole day's rows.
func Read(ctx context.Context, conn *pgx.Conn, schema string, since time.Time) (Stored, error) {
	s := Stored{Noted: map[uuid.UUID]int{}, Progress: map[furthest]int64{}}
	if _, err := conn.Exec(ctx, "SET search_path = "+pgx.Identifier{schema}.Sanitize()); err != nil {
		return s, err
	}
	var attempt, learner, lesson uuid.UUID
	var n int
	rows, err := conn.Query(ctx, `SELECT object_id::uuid, sum((after->>'rows')::integer)::integer FROM audit_entries
		WHERE action = 'attempt.answer' AND outcome = 'done' AND id >= $1 GROUP BY 1`, firstID(since))
	if err != nil {
		return s, err
	}
	if _, err := pgx.ForEachRow(rows, []any{&attempt, &n}, func() error { s.Noted[attempt] = n; return nil }); err != nil {
		return s, err
	}
	var counter int64
	if rows, err = conn.Query(ctx, "SELECT learner_id, lesson_id, counter FROM lesson_progress WHERE updated_at >= $1", since); err != nil {
		return s, err
	}
	if _, err := pgx.ForEachRow(rows, []any{&learner, &lesson, &counter}, func() error {
		s.Progress[furthest{learner, hashID(lesson)}] = counter
		return nil
	}); err != nil {
		return s, err
	}
	s.Facts = func(yield func(Fact, error) bool) {
		_ = facts(ctx, conn, answersSQL, since, readAnswer, yield) &&
			facts(ctx, conn, submissionsSQL, firstID(since), readSubmission, yield) &&
			facts(ctx, conn, reportsSQL, firstID(since), readReport, yield)
	}
	return s, nil
}

const (
	answersSQL = `SELECT r.attempt_id, r.position, r.counter, r.response::text FROM attempts a JOIN responses r ON r.attempt_id = a.id WHERE a.started_at >= $1`
	// What is handed in again has a reason in the trail.
	submissionsSQL = `SELECT object_id::uuid FROM audit_trail WHERE action = 'attempt.submit' AND outcome = 'done' AND reason = '' AND id >= $1`
	reportsSQL     = `SELECT actor_id, object_id::uuid, (after->>'counter')::bigint FROM audit_entries WHERE action = 'progress.record' AND outcome = 'done' AND id >= $1`
)

func readAnswer(row pgx.Rows) (Fact, error) {
	f, text := Fact{Kind: Answered}, ""
	if err := row.Scan(&f.Of, &f.At, &f.Counter, &text); err != nil {
		return f, err
	}
	var err error
	f.Thing, err = responseHash([]byte(text))
	return f, err
}

func readSubmission(row pgx.Rows) (Fact, error) {
	f := Fact{Kind: HandedIn}
	return f, row.Scan(&f.Of)
}

func readReport(row pgx.Rows) (Fact, error) {
	f, lesson := Fact{Kind: Reported}, uuid.UUID{}
	err := row.Scan(&f.Of, &lesson, &f.Counter)
	f.Thing = hashID(lesson)
	return f, err
}

// facts yields what a query gives, and false when no more is wanted.
func facts(ctx context.Context, conn *pgx.Conn, sql string, since any, read func(pgx.Rows) (Fact, error), yield func(Fact, error) bool) bool {
	rows, err := conn.Query(ctx, sql, since)
	if err != nil {
		return yield(Fact{}, err)
	}
	defer rows.Close()
	for rows.Next() { //nolint:forbidigo // each row is yielded before the next is read; all are closed above, and their error is told below
		if f, err := read(rows); !yield(f, err) {
			return false
		}
	}
	return rows.Err() == nil || yield(Fact{}, rows.Err())
}

// firstID is the lowest UUIDv7 (RFC 9562) of a time: ids of the trail are in its order.
func firstID(t time.Time) uuid.UUID {
	var id uuid.UUID
	ms := t.UnixMilli()
	for i := range 6 {
		id[i] = byte(ms >> (40 - 8*i))
	}
	id[6] = 0x70
	return id
}
