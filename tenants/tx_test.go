package tenants_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"lignum/domain"
	"lignum/tenants"
	"lignum/tenants/audit"
	"lignum/tests/testkit"
)

func count(t *testing.T, db *tenants.DB, sql string, args ...any) (n int) {
	t.Helper()
	err := db.ReadFresh(t.Context(), func(r *tenants.Reader) error { return r.QueryRow(t.Context(), sql, args...).Scan(&n) })
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func TestWriteIsOneTransactionForPgxBatchAndGorm(t *testing.T) {
	w, ctx := testkit.New(t), t.Context()
	db := w.DB("jamaica")
	work := func(fail error) error {
		return db.Write(ctx, w.Actor, func(tx *tenants.Tx) error {
			if err := tenants.Entity[school](tx).Create(ctx, &school{ID: audit.NewID(), Name: "by gorm"}); err != nil {
				return err
			}
			if _, err := tx.Exec(ctx, "INSERT INTO schools (id, name) VALUES ($1::uuid, $2::text)", audit.NewID().String(), "by pgx"); err != nil {
				return err
			}
			b := &pgx.Batch{}
			b.Queue("INSERT INTO schools (id, name) VALUES ($1::uuid, $2::text)", audit.NewID().String(), "by batch")
			if err := tx.SendBatch(ctx, b).Close(); err != nil {
				return err
			}
			if seen, err := tenants.Entity[school](tx).Count(ctx, "*"); err != nil || seen != 3 {
				t.Errorf("inside the transaction gorm sees %d of 3, %v", seen, err)
			}
			tx.Record(audit.Entry{Action: "test"})
			return fail
		})
	}
	if err := work(errors.New("changed my mind")); err == nil {
		t.Fatal("the error was lost")
	}
	if n := count(t, db, "SELECT count(*) FROM schools"); n != 0 {
		t.Errorf("%d rows after a rollback", n)
	}
	if err := work(nil); err != nil {
		t.Fatal(err)
	}
	if n := count(t, db, "SELECT count(*) FROM schools"); n != 3 {
		t.Errorf("%d rows after the commit", n)
	}
	if n := count(t, db, "SELECT count(*) FROM audit_entries WHERE action = 'test'"); n != 1 {
		t.Errorf("%d entries", n)
	}
}

// A transaction begins with its first statement, whichever way that takes, and not in a round trip before it; one that is refused before
// there was any costs none. What the first statement gives is what any other would: its rows, however they are read, its count, its error.
func TestAWriteBeginsWithItsFirstStatement(t *testing.T) {
	w, ctx := testkit.New(t), t.Context()
	db := w.DB("jamaica")
	const insert = "INSERT INTO schools (id, name) VALUES ($1::uuid, $2::text)"
	batch := func(names ...string) *pgx.Batch {
		b := &pgx.Batch{}
		for _, name := range names {
			b.Queue(insert, audit.NewID().String(), name)
		}
		return b
	}
	tooMany := errors.New("enough")
	ways := map[string]struct {
		trips int64
		first func(tx *tenants.Tx, name string) error // stores a school of the name; "" is against a constraint
	}{
		"the entry alone": {1, func(tx *tenants.Tx, name string) error {
			tx.Last(insert, audit.NewID().String(), name)
			return nil
		}},
		"Exec": {2, func(tx *tenants.Tx, name string) error {
			n, err := tx.Exec(ctx, insert, audit.NewID().String(), name)
			if err == nil && n != 1 {
				t.Errorf("Exec touched %d rows", n)
			}
			return err
		}},
		"Exec without arguments": {3, func(tx *tenants.Tx, name string) error {
			_, err := tx.Exec(ctx, "SELECT 1; INSERT INTO schools (id, name) VALUES (gen_random_uuid(), '"+name+"')")
			return err
		}},
		"QueryRow": {2, func(tx *tenants.Tx, name string) error {
			var got string
			err := tx.QueryRow(ctx, insert+" RETURNING name", audit.NewID().String(), name).Scan(&got)
			if err == nil && got != name {
				t.Errorf("QueryRow gave %q", got)
			}
			return err
		}},
		"QueryRow of nothing": {3, func(tx *tenants.Tx, name string) error {
			if err := tx.QueryRow(ctx, "SELECT name FROM schools WHERE name = $1::text", "none").Scan(nil); !errors.Is(err, pgx.ErrNoRows) {
				t.Errorf("QueryRow of nothing: %v", err)
			}
			_, err := tx.Exec(ctx, insert, audit.NewID().String(), name)
			return err
		}},
		"Query": {2, func(tx *tenants.Tx, name string) error {
			rows, err := tx.Query(ctx, insert+", (gen_random_uuid(), $2::text) RETURNING name", audit.NewID().String(), name)
			if err != nil {
				return err
			}
			got, err := pgx.CollectRows(rows, pgx.RowTo[string])
			if err == nil && (len(got) != 2 || got[0] != name) {
				t.Errorf("Query gave %q", got)
			}
			return err
		}},
		"Query read in part": {3, func(tx *tenants.Tx, name string) error {
			rows, err := tx.Query(ctx, "SELECT n FROM generate_series(1, $1::integer) n", 5000)
			if err != nil {
				return err
			}
			var n int
			if _, err := pgx.ForEachRow(rows, []any{&n}, func() error { return tooMany }); !errors.Is(err, tooMany) {
				t.Errorf("Query read in part: %v", err)
			}
			_, err = tx.Exec(ctx, insert, audit.NewID().String(), name)
			return err
		}},
		"Query that does not fit": {3, func(tx *tenants.Tx, name string) error {
			rows, err := tx.Query(ctx, "SELECT $1::text", "no number")
			if err != nil {
				return err
			}
			var n int
			if _, err := pgx.ForEachRow(rows, []any{&n}, func() error { return nil }); err == nil {
				t.Error("a word was read as a number")
			}
			_, err = tx.Exec(ctx, insert, audit.NewID().String(), name)
			return err
		}},
		"SendBatch": {2, func(tx *tenants.Tx, name string) error { return tx.SendBatch(ctx, batch("other", name)).Close() }},
		"SendBatch read one by one": {2, func(tx *tenants.Tx, name string) error {
			res := tx.SendBatch(ctx, batch("other", name))
			for range 2 {
				if tag, err := res.Exec(); err != nil || tag.RowsAffected() != 1 {
					return errors.Join(err, res.Close())
				}
			}
			return res.Close()
		}},
		"CopyFrom": {3, func(tx *tenants.Tx, name string) error {
			_, err := tx.CopyFrom(ctx, "schools", []string{"id", "name"}, pgx.CopyFromRows([][]any{{audit.NewID(), name}}))
			return err
		}},
		"GORM": {2, func(tx *tenants.Tx, name string) error {
			return tenants.Entity[school](tx).Create(ctx, &school{ID: audit.NewID(), Name: name})
		}},
		"GORM in a batch": {2, func(tx *tenants.Tx, name string) error {
			b := batch("other", name)
			if err := tenants.Entity[school](tenants.Into(b)).Create(ctx, &school{ID: audit.NewID(), Name: name}); err != nil {
				return err
			}
			return tx.SendBatch(ctx, b).Close()
		}},
	}
	trips := func() (n int64) {
		w.Store.Requests(func(realm string, sent int64) {
			if realm == "jamaica" {
				n = sent
			}
		})
		return n
	}
	for way, does := range ways {
		before := trips()
		err := db.Write(ctx, w.Actor, func(tx *tenants.Tx) error {
			tx.Record(audit.Entry{Action: "test", ObjectID: way})
			return does.first(tx, way)
		})
		if took := trips() - before; err != nil || took != does.trips {
			t.Errorf("%s: %d trips instead of %d, %v", way, took, does.trips, err)
		}
		if count(t, db, "SELECT count(*) FROM schools WHERE name = $1::text", way) == 0 || count(t, db, "SELECT count(*) FROM audit_entries WHERE object_id = $1::text", way) != 1 {
			t.Errorf("%s: not stored", way)
		}
		err = db.Write(ctx, w.Actor, func(tx *tenants.Tx) error {
			tx.Record(audit.Entry{Action: "failed"})
			return does.first(tx, "")
		})
		if !tenants.IsViolation(err, "schools_name_check") {
			t.Errorf("%s: a name that is refused gives %v", way, err)
		}
	}
	before := trips()
	if err := db.Write(ctx, w.Actor, func(*tenants.Tx) error { return tooMany }); !errors.Is(err, tooMany) || trips() != before {
		t.Errorf("refused before the first statement: %v, after %d trips", err, trips()-before)
	}
	if n := count(t, db, "SELECT count(*) FROM audit_entries WHERE action = 'failed'") + count(t, db, "SELECT count(*) FROM schools WHERE name = ''"); n != 0 {
		t.Errorf("%d rows of what failed", n)
	}
}

func TestAWriteWithoutAnEntryIsRolledBack(t *testing.T) {
	w, ctx := testkit.New(t), t.Context()
	db := w.DB("jamaica")
	err := db.Write(ctx, w.Actor, func(tx *tenants.Tx) error {
		_, err := tx.Exec(ctx, "INSERT INTO schools (id, name) VALUES ($1::uuid, 'silent')", audit.NewID().String())
		return err
	})
	if !errors.Is(err, tenants.ErrNotAudited) {
		t.Fatalf("%v", err)
	}
	if n := count(t, db, "SELECT count(*) FROM schools"); n != 0 {
		t.Error("the silent change stayed")
	}
}

func TestAFailureInTheLastBatchUndoesEverything(t *testing.T) {
	w, ctx := testkit.New(t), t.Context()
	db := w.DB("jamaica")
	err := db.Write(ctx, w.Actor, func(tx *tenants.Tx) error {
		if _, err := tx.Exec(ctx, "INSERT INTO schools (id, name) VALUES ($1::uuid, 'x')", audit.NewID().String()); err != nil {
			return err
		}
		tx.Last("INSERT INTO schools (id, name) VALUES ($1::uuid, '')", audit.NewID().String())
		tx.Record(audit.Entry{Action: "test"})
		return nil
	})
	if !tenants.IsViolation(err, "schools_name_check") {
		t.Fatalf("%v", err)
	}
	if n := count(t, db, "SELECT count(*) FROM schools"); n != 0 {
		t.Error("half of it stayed")
	}
	if err := db.Write(ctx, w.Actor, func(tx *tenants.Tx) error { tx.Record(audit.Entry{Action: "test"}); return nil }); err != nil {
		t.Errorf("the connection is not usable after the failure: %v", err)
	}
}

func TestOneTripIsAllOrNothing(t *testing.T) {
	w, ctx := testkit.New(t), t.Context()
	db := w.DB("bahamas")
	b := &pgx.Batch{}
	b.Queue("INSERT INTO schools (id, name) VALUES ($1::uuid, 'first')", audit.NewID().String())
	b.Queue("INSERT INTO schools (id, name) VALUES ($1::uuid, '')", audit.NewID().String())
	err := db.WriteOneTrip(ctx, b, func(res pgx.BatchResults) error {
		if _, err := res.Exec(); err != nil {
			return err
		}
		_, err := res.Exec()
		return err
	})
	if err == nil {
		t.Fatal("the bad statement passed")
	}
	if n := count(t, db, "SELECT count(*) FROM schools"); n != 0 {
		t.Error("the first statement stayed without the second")
	}
}

// A reader reads, whatever it is given: what it would write, no guard has looked at and no entry tells.
func TestAReaderWritesNothing(t *testing.T) {
	w, ctx := testkit.New(t), t.Context()
	db := w.DB("jamaica")
	const insert = `INSERT INTO schools (id, name) VALUES (gen_random_uuid(), $1::text) RETURNING name`
	var name string
	ways := map[string]func(r *tenants.Reader) error{
		"a row that is given back": func(r *tenants.Reader) error { return r.QueryRow(ctx, insert, "x").Scan(&name) },
		"under a WITH": func(r *tenants.Reader) error {
			return r.QueryRow(ctx, "WITH made AS ("+insert+") SELECT name FROM made", "x").Scan(&name)
		},
		"a function that writes": func(r *tenants.Reader) error { return r.QueryRow(ctx, "SELECT gate.bump($1::text)", "rules").Scan(nil) },
		"a row that is locked": func(r *tenants.Reader) error {
			return r.QueryRow(ctx, "SELECT document FROM branding FOR UPDATE").Scan(&name)
		},
		"a batch": func(r *tenants.Reader) error {
			b := &pgx.Batch{}
			b.Queue(insert, "x")
			return r.SendBatch(ctx, b).Close()
		},
		"GORM": func(r *tenants.Reader) error {
			return tenants.Entity[school](r).Create(ctx, &school{ID: audit.NewID(), Name: "x"})
		},
	}
	for way, write := range ways {
		for which, read := range map[string]func(context.Context, func(*tenants.Reader) error) error{"Read": db.Read, "ReadFresh": db.ReadFresh} {
			var pg *pgconn.PgError
			err := read(ctx, write)
			if !errors.As(err, &pg) || pg.Code != "25006" || domain.CodeOf(err) != "" { // a fault of the program, not a database that is away
				t.Errorf("%s, %s: %v", which, way, err)
			}
		}
	}
	if n := count(t, db, "SELECT count(*) FROM schools WHERE name = 'x'"); n != 0 {
		t.Errorf("%d rows were written", n)
	}
}

func TestAKeyAnswersOnceAndTheBodyMustBeTheSame(t *testing.T) {
	w, ctx := testkit.New(t), t.Context()
	db := w.DB("jamaica")
	now := time.Now().UTC()
	send := func(body string, at time.Time) (answer string, replayed bool, err error) {
		once := tenants.Once{Actor: w.Actor.ID, Key: "k1", Route: "POST /x", BodyHash: []byte(body), Now: at}
		err = db.Write(ctx, w.Actor, func(tx *tenants.Tx) error {
			tx.Record(audit.Entry{Action: "test"})
			answer, replayed, err = once.Find(ctx, tx)
			if err != nil || replayed {
				return err
			}
			answer = `{"n":1}`
			if _, err := tx.Exec(ctx, "INSERT INTO schools (id, name) VALUES ($1::uuid, 'once')", audit.NewID().String()); err != nil {
				return err
			}
			return once.Store(tx, 201, answer)
		})
		return answer, replayed, err
	}
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			if _, _, err := send("a", now); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if n := count(t, db, "SELECT count(*) FROM schools"); n != 1 {
		t.Errorf("eight identical requests made %d changes", n)
	}
	if answer, replayed, err := send("a", now.Add(23*time.Hour)); err != nil || !replayed || answer != `{"n":1}` {
		t.Errorf("the next day: %q %v %v", answer, replayed, err)
	}
	if _, _, err := send("b", now); domain.CodeOf(err) != domain.Invalid {
		t.Errorf("another body under the same key: %v", err)
	}
	if err := db.EmptyBucket(ctx, now.Add(24*time.Hour)); err != nil {
		t.Fatal(err)
	}
	if n := count(t, db, "SELECT count(*) FROM idempotency_keys"); n != 1 {
		t.Error("a key younger than 24 hours was dropped")
	}
	if err := db.EmptyBucket(ctx, now.Add(48*time.Hour)); err != nil {
		t.Fatal(err)
	}
	if n := count(t, db, "SELECT count(*) FROM idempotency_keys"); n != 0 {
		t.Error("an old key was kept")
	}
}

// A nil list is an empty list to PostgreSQL, whichever way a statement takes.
func TestNilListsAreEmptyLists(t *testing.T) {
	w, ctx := testkit.New(t), t.Context()
	db := w.DB("jamaica")
	const sql = "SELECT coalesce(cardinality($1::text[]), -1) + coalesce(cardinality($2::text[]::uuid[]), -1) + CASE WHEN NOT 'x' = ANY($1::text[]) THEN 0 ELSE 100 END + CASE WHEN $3::bytea IS NULL THEN 0 ELSE 1000 END"
	var texts, ids []string
	var none []byte
	args := []any{texts, ids, none}
	read := func(what string, row interface{ Scan(...any) error }) {
		t.Helper()
		n := -1
		if err := row.Scan(&n); err != nil || n != 0 {
			t.Errorf("%s: %d, %v", what, n, err)
		}
	}
	batch := func() *pgx.Batch { b := &pgx.Batch{}; b.Queue(sql, args...); return b }
	both := func(q tenants.Querier) {
		read("QueryRow", q.QueryRow(ctx, sql, args...))
		rows, err := q.Query(ctx, sql, args...)
		if err != nil {
			t.Fatal(err)
		}
		n, err := pgx.CollectOneRow(rows, pgx.RowTo[int])
		if err != nil || n != 0 {
			t.Errorf("Query: %d, %v", n, err)
		}
		res := q.SendBatch(ctx, batch())
		read("SendBatch", res.QueryRow())
		if err := res.Close(); err != nil {
			t.Fatal(err)
		}
	}
	err := db.ReadFresh(ctx, func(r *tenants.Reader) error { both(r); return nil })
	if err != nil {
		t.Fatal(err)
	}
	err = db.Write(ctx, w.Actor, func(tx *tenants.Tx) error {
		both(tx)
		if n, err := tx.Exec(ctx, "SELECT 1 WHERE NOT 'x' = ANY($1::text[])", texts); err != nil || n != 1 {
			t.Errorf("Exec: %d, %v", n, err)
		}
		tx.Last("INSERT INTO schools (id, name) SELECT $1::uuid, 'School' WHERE NOT 'x' = ANY($2::text[])", audit.NewID().String(), texts)
		tx.Record(audit.Entry{Action: "test"})
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if n := count(t, db, "SELECT count(*) FROM schools WHERE name = 'School'"); n != 1 {
		t.Errorf("Last: %d", n)
	}
	err = db.WriteOneTrip(ctx, batch(), func(res pgx.BatchResults) error { read("WriteOneTrip", res.QueryRow()); return nil })
	if err != nil {
		t.Fatal(err)
	}
	if args[0].([]string) != nil {
		t.Error("the caller's arguments were changed")
	}
}

// What goes along with a reading costs no round trip of its own, comes once, and changes nothing of what the reading gives.
func TestOneMoreAnswerComesAlongWithAReading(t *testing.T) {
	w, ctx := testkit.New(t), t.Context()
	trips := func() (all int64) {
		w.Store.Requests(func(_ string, n int64) { all += n })
		return all
	}
	for name, read := range map[string]func(r *tenants.Reader) error{
		"a row": func(r *tenants.Reader) error {
			var n int
			if err := r.QueryRow(ctx, "SELECT $1::integer + 1", 1).Scan(&n); err != nil || n != 2 {
				t.Errorf("a row: %d %v", n, err)
			}
			return nil
		},
		"no row": func(r *tenants.Reader) error {
			var n int
			if err := r.QueryRow(ctx, "SELECT 1 WHERE $1::boolean", false).Scan(&n); !errors.Is(err, pgx.ErrNoRows) {
				t.Errorf("no row: %v", err)
			}
			return nil
		},
		"rows": func(r *tenants.Reader) error {
			rows, err := r.Query(ctx, "SELECT generate_series(1, $1::integer)", 3)
			if err != nil {
				return err
			}
			if list, err := pgx.CollectRows(rows, pgx.RowTo[int]); err != nil || len(list) != 3 {
				t.Errorf("rows: %v %v", list, err)
			}
			return nil
		},
		"a batch": func(r *tenants.Reader) error {
			b, sum := &pgx.Batch{}, 0
			for range 2 {
				b.Queue("SELECT $1::integer", 7).QueryRow(func(row pgx.Row) error {
					var n int
					err := row.Scan(&n)
					sum += n
					return err
				})
			}
			if err := r.SendBatch(ctx, b).Close(); err != nil || sum != 14 || b.Len() != 2 {
				t.Errorf("a batch of %d: %d %v", b.Len(), sum, err)
			}
			return nil
		},
		"an empty batch": func(r *tenants.Reader) error { return r.SendBatch(ctx, &pgx.Batch{}).Close() },
	} {
		came := 0
		db := w.DB("jamaica").Along(func(b *pgx.Batch) {
			b.Queue("SELECT $1::integer", 42).QueryRow(func(row pgx.Row) error {
				var n int
				err := row.Scan(&n)
				came += n
				return err
			})
		})
		before := trips()
		if err := db.Guarded(nil).ReadFresh(ctx, read); err != nil || came != 42 {
			t.Errorf("%s: along came %d, %v", name, came, err)
		}
		if n := trips() - before; n != 1 {
			t.Errorf("%s: %d round trips", name, n)
		}
		if name == "an empty batch" {
			continue
		}
		if err := db.Read(ctx, read); err != nil || came != 42 {
			t.Errorf("%s, once more: along came %d, %v", name, came, err)
		}
	}
	db := w.DB("jamaica").Along(func(b *pgx.Batch) { b.Queue("SELECT 1") })
	var pg *pgconn.PgError
	err := db.ReadFresh(ctx, func(r *tenants.Reader) error { return r.QueryRow(ctx, "SELECT 1 / $1::integer", 0).Scan(nil) })
	if !errors.As(err, &pg) || pg.Code != "22012" {
		t.Errorf("a reading that fails: %v", err)
	}
	if n := count(t, db, "SELECT $1::integer", 5); n != 5 { // the connection is whole
		t.Errorf("afterwards: %d", n)
	}
}
