package roster

import (
	"context"
	"encoding/base64"
	"fmt"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"golang.org/x/crypto/argon2"

	"lignum/domain/identity"
	"lignum/domain/words"
	"lignum/tenants"
	"lignum/tests/school"
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

// number reads one number.
func (r *room) number(sql string, args ...any) (n int) {
	r.t.Helper()
	r.ok(r.db.ReadFresh(r.ctx, func(q *tenants.Reader) error { return q.QueryRow(r.ctx, sql, args...).Scan(&n) }))
	return n
}

// do changes rows behind the room's back.
func (r *room) do(sql string, args ...any) {
	r.t.Helper()
	b := &pgx.Batch{}
	b.Queue(sql, args...)
	r.ok(r.db.WriteOneTrip(r.ctx, b, func(pgx.BatchResults) error { return nil }))
}

// used is how much of a quota is taken.
func (r *room) used(kind string) int {
	r.t.Helper()
	return r.number("SELECT n FROM usage_counts WHERE kind = $1::text", kind)
}

// limit leaves room for n more of a kind.
func (r *room) limit(kind string, n int) {
	r.t.Helper()
	_, err := r.w.Direct(r.t).Exec(r.ctx, fmt.Sprintf(`UPDATE tenant_jamaica.settings SET limits = jsonb_set(limits, '{%s}', to_jsonb((SELECT n FROM tenant_jamaica.usage_counts WHERE kind = '%s') + %d))`, kind, kind, n))
	r.ok(err)
}

// signIn gives an account a password and signs in with it.
func (r *room) signIn(desk *identity.Desk, name string) identity.SignedIn {
	r.t.Helper()
	const password = "mango drum kettle orbit"
	salt := []byte("0123456789abcdef")
	b64 := base64.RawStdEncoding.EncodeToString
	school.GivePassword(r.t, r.db, fmt.Sprintf("$argon2id$v=19$m=64,t=1,p=1$%s$%s", b64(salt), b64(argon2.IDKey([]byte(password), salt, 1, 64, 1, 32))), school.ID(r.t, r.db, name))
	s, err := desk.SignIn(r.ctx, r.db, identity.SignIn{UserName: name, Password: password, Device: identity.Device{Address: "192.0.2.7"}, Day: r.w.Tenant("jamaica").Today(r.now)}, r.now)
	r.ok(err)
	return s
}

// said gives notes in words.
func said(notes []words.Text) (list []string) {
	for _, n := range notes {
		list = append(list, n.String())
	}
	return list
}
