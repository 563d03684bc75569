package testkit

import (
	"context"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"lignum/tenants"
)

// Noon is when the tests of a room begin: a Monday in term, at noon in Jamaica.
var Noon = time.Date(2026, 9, 7, 17, 0, 0, 0, time.UTC)

// Room is one tenant of a world of its own, for tests that look at one room of the domain and need no other tenant.
type Room struct {
	*World
	T   *testing.T
	DB  *tenants.DB
	Ctx context.Context
	Now time.Time // the test's own clock, which it may put forward
}

// NewRoom is Jamaica in a new world, at Noon.
func NewRoom(t *testing.T) *Room {
	t.Helper()
	w := New(t)
	return &Room{w, t, w.DB("jamaica"), context.Background(), Noon}
}

// OK fails the test at once when there is an error.
func (r *Room) OK(err error) {
	r.T.Helper()
	if err != nil {
		r.T.Fatal(err)
	}
}

// Write is a transaction of whoever sets things up.
func (r *Room) Write(fn func(tx *tenants.Tx) error) error {
	return r.DB.Write(r.Ctx, r.Actor, fn)
}

// Read reads, and fails the test when it cannot.
func (r *Room) Read(fn func(q *tenants.Reader) error) {
	r.T.Helper()
	r.OK(r.DB.ReadFresh(r.Ctx, fn))
}

// Number reads one number.
func (r *Room) Number(sql string, args ...any) (n int) {
	r.T.Helper()
	r.Read(func(q *tenants.Reader) error { return q.QueryRow(r.Ctx, sql, args...).Scan(&n) })
	return n
}

// Do changes rows behind the room's back.
func (r *Room) Do(sql string, args ...any) {
	r.T.Helper()
	b := &pgx.Batch{}
	b.Queue(sql, args...)
	r.OK(r.DB.WriteOneTrip(r.Ctx, b, func(pgx.BatchResults) error { return nil }))
}
