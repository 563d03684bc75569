package load_test

import (
	"testing"
	"time"

	"lignum/tests/apitest"
	"lignum/tests/load"
)

// tamper is the canary: what a store would look like that drops one answer in a thousand, that stores one twice, that forgets one of the
// trail's entries, or writes one twice. Each change is made to the real rows, found by the journal, and taken back.
func tamper(t *testing.T, s *apitest.Server, slug string, j *load.Journal, since time.Time) {
	t.Helper()
	ctx, conn := t.Context(), s.Direct(t)
	if _, err := conn.Exec(ctx, "SET search_path = "+s.Tenant(slug).SchemaName); err != nil {
		t.Fatal(err)
	}
	thousandth := `(SELECT attempt_id, position, counter FROM (SELECT *, row_number() OVER (ORDER BY attempt_id, position, counter) n FROM responses) r WHERE n % 1000 = 500)`
	for _, c := range []struct {
		name, change string
		found        func(d load.Difference) int
	}{
		{"drops one answer in a thousand", `DELETE FROM responses WHERE (attempt_id, position, counter) IN ` + thousandth, func(d load.Difference) int { return d.Lost }},
		{"stores one answer in a thousand twice", `INSERT INTO responses SELECT attempt_id, position, counter + 1000, response FROM responses WHERE (attempt_id, position, counter) IN ` + thousandth,
			func(d load.Difference) int { return d.Unasked }},
		{"stores another answer than the one acknowledged", `UPDATE responses SET response = '{"text": "another"}' WHERE (attempt_id, position, counter) IN ` + thousandth,
			func(d load.Difference) int { return d.Lost }},
		{"forgets an entry of the trail", `DELETE FROM audit_entries WHERE id = (SELECT id FROM audit_entries WHERE action = 'attempt.answer' ORDER BY id LIMIT 1)`,
			func(d load.Difference) int { return d.Lost }},
		{"notes a save twice", `INSERT INTO audit_entries (id, actor_id, action, object_kind, object_id, after)
			SELECT ('0' || substr(md5(id::text), 2))::uuid, actor_id, action, object_kind, object_id, after FROM audit_entries WHERE action = 'attempt.answer' ORDER BY id LIMIT 1`,
			func(d load.Difference) int { return d.Doubled }},
		{"hands an attempt in twice", `INSERT INTO audit_entries (id, actor_id, action, object_kind, object_id, after)
			SELECT gen_random_uuid(), actor_id, action, object_kind, object_id, after FROM audit_entries WHERE action = 'attempt.submit' ORDER BY id LIMIT 1`,
			func(d load.Difference) int { return d.Doubled }},
	} {
		if _, err := conn.Exec(ctx, "BEGIN"); err != nil {
			t.Fatal(err)
		}
		tag, err := conn.Exec(ctx, c.change)
		if err != nil {
			t.Fatalf("%s: %v", c.name, err)
		}
		if tag.RowsAffected() == 0 {
			t.Errorf("%s: nothing was changed", c.name)
		}
		stored, err := load.Read(ctx, conn, s.Tenant(slug).SchemaName, since)
		if err != nil {
			t.Fatal(err)
		}
		d, err := j.Compare(stored)
		if err != nil {
			t.Fatal(err)
		}
		if d.Err() == nil || c.found(d) < int(min(tag.RowsAffected(), 1)) {
			t.Errorf("a store that %s goes unnoticed: %+v", c.name, d)
		}
		if _, err := conn.Exec(ctx, "ROLLBACK"); err != nil {
			t.Fatal(err)
		}
	}
}
