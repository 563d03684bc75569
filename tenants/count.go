package tenants

import (
	"context"
	"sync"
	"sync/atomic"

	"github.com/jackc/pgx/v5"
)

// requestCount counts what is sent to the database, by realm, whoever sends it: a statement, a batch and a copy each count
// as one. It is what the dashboards show as database requests.
type requestCount struct{ realms sync.Map } // name of the realm -> *tally

// tally counts one realm's requests, and the statements in them; every connection of the realm's pools carries it as its tracer.
type tally struct{ n, statements atomic.Int64 }

func (c *requestCount) of(realm Realm) *tally {
	t, _ := c.realms.LoadOrStore(realm.Name(), &tally{})
	return t.(*tally)
}

func (t *tally) TraceQueryStart(ctx context.Context, _ *pgx.Conn, _ pgx.TraceQueryStartData) context.Context {
	t.n.Add(1)
	t.statements.Add(1)
	return ctx
}

func (t *tally) TraceBatchStart(ctx context.Context, _ *pgx.Conn, _ pgx.TraceBatchStartData) context.Context {
	t.n.Add(1)
	return ctx
}

func (t *tally) TraceCopyFromStart(ctx context.Context, _ *pgx.Conn, _ pgx.TraceCopyFromStartData) context.Context {
	t.n.Add(1)
	return ctx
}

func (t *tally) TraceBatchQuery(context.Context, *pgx.Conn, pgx.TraceBatchQueryData) {
	t.statements.Add(1)
}

func (*tally) TraceQueryEnd(context.Context, *pgx.Conn, pgx.TraceQueryEndData)       {}
func (*tally) TraceBatchEnd(context.Context, *pgx.Conn, pgx.TraceBatchEndData)       {}
func (*tally) TraceCopyFromEnd(context.Context, *pgx.Conn, pgx.TraceCopyFromEndData) {}

// Requests calls each with every realm's name and how many requests this process has sent to its database since it started.
func (s *Store) Requests(each func(realm string, n int64)) {
	s.requests.realms.Range(func(name, t any) bool {
		each(name.(string), t.(*tally).n.Load())
		return true
	})
}

// Statements tells how many statements this process has sent to a realm's database since it started, those of a batch each for itself.
func (s *Store) Statements(realm Realm) int64 { return s.requests.of(realm).statements.Load() }
