package roster

import (
	"encoding/base64"
	"fmt"
	"testing"

	"golang.org/x/crypto/argon2"

	"lignum/domain/identity"
	"lignum/domain/words"
	"lignum/tests/school"
	"lignum/tests/testkit"
)

func TestMain(m *testing.M) { testkit.Main(m) }

// room is one test's tenant.
type room struct{ *testkit.Room }

func newRoom(t *testing.T) *room {
	t.Helper()
	return &room{testkit.NewRoom(t)}
}

// used is how much of a quota is taken.
func (r *room) used(kind string) int {
	r.T.Helper()
	return r.Number("SELECT n FROM usage_counts WHERE kind = $1::text", kind)
}

// limit leaves room for n more of a kind.
func (r *room) limit(kind string, n int) {
	r.T.Helper()
	_, err := r.World.Direct(r.T).Exec(r.Ctx, fmt.Sprintf(`UPDATE tenant_jamaica.settings SET limits = jsonb_set(limits, '{%s}', to_jsonb((SELECT n FROM tenant_jamaica.usage_counts WHERE kind = '%s') + %d))`, kind, kind, n))
	r.OK(err)
}

// signIn gives an account a password and signs in with it.
func (r *room) signIn(desk *identity.Desk, name string) identity.SignedIn {
	r.T.Helper()
	const password = "mango drum kettle orbit"
	salt := []byte("0123456789abcdef")
	b64 := base64.RawStdEncoding.EncodeToString
	school.GivePassword(r.T, r.DB, fmt.Sprintf("$argon2id$v=19$m=64,t=1,p=1$%s$%s", b64(salt), b64(argon2.IDKey([]byte(password), salt, 1, 64, 1, 32))), school.ID(r.T, r.DB, name))
	s, err := desk.SignIn(r.Ctx, r.DB, identity.SignIn{UserName: name, Password: password, Device: identity.Device{Address: "192.0.2.7"}, Day: r.World.Tenant("jamaica").Today(r.Now)}, r.Now)
	r.OK(err)
	return s
}

// said gives notes in words.
func said(notes []words.Text) (list []string) {
	for _, n := range notes {
		list = append(list, n.String())
	}
	return list
}
