package load_test

import (
	"testing"
	"time"

	"lignum/tests/apitest"
	"lignum/tests/load"
)

// canary shows that the journal would notice. The database is read as it is, and then given on as a store would hold it that drops one
// answer in a thousand, that keeps one twice, or keeps another one than it acknowledged.
func canary(t *testing.T, s *apitest.Server, slug string, j *load.Journal, since time.Time) {
	t.Helper()
	for _, c := range []struct {
		name  string
		give  func(f load.Fact, yield func(load.Fact) bool) bool // one answer in a thousand
		found func(d load.Difference) int
	}{
		{"drops an answer", func(load.Fact, func(load.Fact) bool) bool { return true }, func(d load.Difference) int { return d.Lost }},
		{"keeps an answer twice", func(f load.Fact, yield func(load.Fact) bool) bool {
			again := f
			return yield(f) && yield(again)
		}, func(d load.Difference) int { return d.Doubled }},
		{"keeps another answer", func(f load.Fact, yield func(load.Fact) bool) bool { f.Thing++; return yield(f) }, func(d load.Difference) int { return min(d.Lost, d.Unasked) }},
		{"counts an answer anew", func(f load.Fact, yield func(load.Fact) bool) bool {
			again := f
			again.Counter++
			return yield(f) && yield(again)
		}, func(d load.Difference) int { return d.Unasked }},
	} {
		stored, err := load.Read(t.Context(), s.Direct(t), s.Tenant(slug).SchemaName, since)
		if err != nil {
			t.Fatal(err)
		}
		changed := 0
		stored.Facts = thousandth(stored, c.give, &changed)
		d, err := j.Compare(stored)
		if err != nil {
			t.Fatal(err)
		}
		if changed == 0 || c.found(d) != changed || d.Err() == nil {
			t.Errorf("a store that %s in a thousand: %d changed, noticed %+v", c.name, changed, d)
		}
	}
}

// thousandth hands the facts of a database on, but for one answer in a thousand, with which give does as it likes.
func thousandth(stored load.Stored, give func(load.Fact, func(load.Fact) bool) bool, changed *int) func(func(load.Fact, error) bool) {
	return func(yield func(load.Fact, error) bool) {
		n := 0
		for f, err := range stored.Facts {
			if err == nil && f.Kind == load.Answered {
				if n++; n%1000 == 500 {
					*changed++
					if !give(f, func(f load.Fact) bool { return yield(f, nil) }) {
						return
					}
					continue
				}
			}
			if !yield(f, err) {
				return
			}
		}
	}
}

// canaryOfTheTrail is the same for what the audit trail says of the answers, with its real rows; each change is taken back.
func canaryOfTheTrail(t *testing.T, s *apitest.Server, slug string, j *load.Journal, since time.Time) {
	t.Helper()
	ctx, conn := t.Context(), s.Direct(t)
	if _, err := conn.Exec(ctx, "SET search_path = "+s.Tenant(slug).SchemaName); err != nil {
		t.Fatal(err)
	}
	const again = `INSERT INTO audit_entries (id, actor_id, action, object_kind, object_id, after)
		SELECT overlay(gen_random_uuid()::text placing left(id::text, 13) from 1)::uuid, actor_id, action, object_kind, object_id, after FROM audit_trail WHERE action = `
	for _, c := range []struct {
		name, change string
		found        func(d load.Difference) int
	}{
		{"forgets an entry of a save", `DELETE FROM audit_entries WHERE id = (SELECT id FROM audit_entries WHERE action = 'attempt.answer' ORDER BY id DESC LIMIT 1)`, func(d load.Difference) int { return d.Lost }},
		{"forgets an entry of a hand-in", `DELETE FROM audit_entries WHERE id = (SELECT id FROM audit_entries WHERE action = 'attempt.submit' ORDER BY id DESC LIMIT 1)`, func(d load.Difference) int { return d.Lost }},
		{"notes a save twice", again + `'attempt.answer' ORDER BY id DESC LIMIT 1`, func(d load.Difference) int { return d.Doubled }},
		{"hands an attempt in twice", again + `'attempt.submit' ORDER BY id DESC LIMIT 1`, func(d load.Difference) int { return d.Doubled }},
	} {
		if _, err := conn.Exec(ctx, "BEGIN"); err != nil {
			t.Fatal(err)
		}
		tag, err := conn.Exec(ctx, c.change)
		if err != nil || tag.RowsAffected() != 1 {
			t.Fatalf("%s: %v, %s", c.name, err, tag)
		}
		stored, err := load.Read(ctx, conn, s.Tenant(slug).SchemaName, since)
		if err != nil {
			t.Fatal(err)
		}
		d, err := j.Compare(stored)
		if err != nil {
			t.Fatal(err)
		}
		if c.found(d) != 1 || d.Err() == nil {
			t.Errorf("a store that %s goes unnoticed: %+v", c.name, d)
		}
		if _, err := conn.Exec(ctx, "ROLLBACK"); err != nil {
			t.Fatal(err)
		}
	}
}
