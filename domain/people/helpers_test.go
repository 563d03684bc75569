package people

import (
	"testing"

	"github.com/google/uuid"

	"lignum/tenants"
	"lignum/tests/testkit"
)

func TestMain(m *testing.M) { testkit.Main(m) }

// room is one test's tenant.
type room struct{ *testkit.Room }

func newRoom(t *testing.T) *room {
	t.Helper()
	return &room{testkit.NewRoom(t)}
}

// user makes an account.
func (r *room) user(name string, roles ...string) uuid.UUID {
	r.T.Helper()
	var u User
	r.OK(r.Write(func(tx *tenants.Tx) (err error) {
		u, err = CreateUser(r.Ctx, tx, r.DB.Realm(), NewUser{UserName: name, GivenName: "Akeem", FamilyName: "Brown", Roles: roles}, r.Now)
		return err
	}))
	return u.ID
}
