package people

import (
	"context"
	"testing"
	"time"

	"github.com/google/uuid"

	"lignum/tenants"
	"lignum/tests/testkit"
)

func TestMain(m *testing.M) { testkit.Main(m) }

// noon is when all tests begin.
var noon = time.Date(2026, 9, 7, 17, 0, 0, 0, time.UTC)

// room is one test's tenant.
type room struct {
	t   *testing.T
	w   *testkit.World
	db  *tenants.DB
	ctx context.Context
	now time.Time
}

func newRoom(t *testing.T) *room {
	t.Helper()
	w := testkit.New(t)
	return &room{t, w, w.DB("jamaica"), context.Background(), noon}
}

func (r *room) ok(err error) {
	r.t.Helper()
	if err != nil {
		r.t.Fatal(err)
	}
}

func (r *room) write(fn func(tx *tenants.Tx) error) error {
	return r.db.Write(r.ctx, r.w.Actor, fn)
}

func (r *room) read(fn func(q *tenants.Reader) error) {
	r.t.Helper()
	r.ok(r.db.ReadFresh(r.ctx, fn))
}

// number reads one number.
func (r *room) number(sql string, args ...any) (n int) {
	r.t.Helper()
	r.read(func(q *tenants.Reader) error { return q.QueryRow(r.ctx, sql, args...).Scan(&n) })
	return n
}

// user makes an account.
func (r *room) user(name string, roles ...string) uuid.UUID {
	r.t.Helper()
	var u User
	r.ok(r.write(func(tx *tenants.Tx) (err error) {
		u, err = CreateUser(r.ctx, tx, r.db.Realm(), NewUser{UserName: name, GivenName: "Akeem", FamilyName: "Brown", Roles: roles}, r.now)
		return err
	}))
	return u.ID
}
