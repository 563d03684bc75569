package identity

import (
	"encoding/base64"
	"fmt"
	"testing"

	"github.com/google/uuid"
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

const goodPassword = "mango drum kettle orbit"

// room is one test's tenant, and a desk in it.
type room struct {
	*testkit.Room
	desk *Desk
}

func newRoom(t *testing.T) *room {
	t.Helper()
	return &room{testkit.NewRoom(t), NewDesk(NewHasher(0))}
}

// user makes an account with a password, quickly hashed.
func (r *room) user(name string, roles ...string) uuid.UUID {
	r.T.Helper()
	var u people.User
	r.OK(r.Write(func(tx *tenants.Tx) (err error) {
		u, _, err = CreateUser(r.Ctx, tx, r.DB.Realm(), people.NewUser{UserName: name, GivenName: "Akeem", FamilyName: "Brown", Roles: roles}, r.Now)
		return err
	}))
	school.GivePassword(r.T, r.DB, weakHash(goodPassword), u.ID)
	return u.ID
}

func (r *room) entries(action string) int {
	r.T.Helper()
	return r.Number("SELECT count(*) FROM audit_entries WHERE action = $1::text", action)
}
