package identity

import (
	"context"
	"encoding/base64"
	"fmt"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"golang.org/x/crypto/argon2"

	"lignum/domain/people"
	"lignum/tenants"
	"lignum/tests/school"
	"lignum/tests/testkit"
)

func TestMain(m *testing.M) { testkit.Main(m) }

// weakHash is a hash as an older release with lower parameters would have stored it.
func weakHash(password string) string {
	salt := []byte("0123456789abcdef")
	key := argon2.IDKey(normalise(password), salt, 1, 64, 1, 32)
	b64 := base64.RawStdEncoding.EncodeToString
	return fmt.Sprintf("$argon2id$v=19$m=64,t=1,p=1$%s$%s", b64(salt), b64(key))
}

// noon is when all tests begin.
var noon = time.Date(2026, 9, 7, 17, 0, 0, 0, time.UTC)

const goodPassword = "mango drum kettle orbit"

// room is one test's tenant, and a desk in it.
type room struct {
	t    *testing.T
	w    *testkit.World
	db   *tenants.DB
	desk *Desk
	ctx  context.Context
	now  time.Time
}

func newRoom(t *testing.T) *room {
	t.Helper()
	w := testkit.New(t)
	return &room{t, w, w.DB("jamaica"), NewDesk(NewHasher(0)), context.Background(), noon}
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

// do changes rows behind the room's back.
func (r *room) do(sql string, args ...any) {
	r.t.Helper()
	b := &pgx.Batch{}
	b.Queue(sql, args...)
	r.ok(r.db.WriteOneTrip(r.ctx, b, func(pgx.BatchResults) error { return nil }))
}

// user makes an account with a password, quickly hashed.
func (r *room) user(name string, roles ...string) uuid.UUID {
	r.t.Helper()
	var u people.User
	r.ok(r.write(func(tx *tenants.Tx) (err error) {
		u, _, err = CreateUser(r.ctx, tx, r.db.Realm(), people.NewUser{UserName: name, GivenName: "Akeem", FamilyName: "Brown", Roles: roles}, r.now)
		return err
	}))
	school.GivePassword(r.t, r.db, weakHash(goodPassword), u.ID)
	return u.ID
}

func (r *room) entries(action string) int {
	r.t.Helper()
	return r.number("SELECT count(*) FROM audit_entries WHERE action = $1::text", action)
}
