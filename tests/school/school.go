// Package school builds the schools of tests: people, classes, courses and what was done in them, in any state and at any date, in one
// call a set and one transaction each. It stands on the rows of which the demo countries are made (domain/demo/rows), so that a table
// with another column is changed there and in its own room, and in no test.
//
// What is left empty is filled in with something plain that is named beside the field; an id that is left empty is a new one, and comes
// back. All of it satisfies the schema and is counted against the quotas, and a refusal fails the test. An entry "test.setup" of each
// call is in the audit trail, and no other; nobody is told of anything.
//
// It may be used by the tests of every room, their inner ones too: it imports no rooms but the catalogue, whose import makes the courses, and the
// notices.
package school

import (
	"context"
	"testing"
	"time"

	"github.com/google/uuid"

	"lignum/tenants"
	"lignum/tenants/audit"
)

// set lets fn write a set of things in a transaction of its own.
func set(t testing.TB, db *tenants.DB, fn func(ctx context.Context, tx *tenants.Tx) error) {
	t.Helper()
	ctx := context.Background() // a test's own may have ended, in its cleanup
	err := db.Write(ctx, audit.Actor{Name: "setup", Realm: "platform"}, func(tx *tenants.Tx) error {
		tx.Record(audit.Entry{Action: "test.setup"})
		return fn(ctx, tx)
	})
	if err != nil {
		t.Fatal(err)
	}
}

// identify gives an id to those that have none, and returns the ids of all.
func identify[T any](list []T, id func(*T) *uuid.UUID) []uuid.UUID {
	ids := make([]uuid.UUID, len(list))
	for i := range list {
		at := id(&list[i])
		if *at == uuid.Nil {
			*at = audit.NewID()
		}
		ids[i] = *at
	}
	return ids
}

// Date reads a date such as 2026-09-07.
func Date(t testing.TB, s string) time.Time {
	t.Helper()
	d, err := time.Parse(time.DateOnly, s)
	if err != nil {
		t.Fatal(err)
	}
	return d
}
