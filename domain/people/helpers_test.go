package people

import (
	"encoding/base64"
	"fmt"

	"golang.org/x/crypto/argon2"
)

// weakHash is a hash as an older release with lower parameters would have stored it.
func weakHash(password string) string {
	salt := []byte("0123456789abcdef")
	key := argon2.IDKey(normalise(password), salt, 1, 64, 1, 32)
	b64 := base64.RawStdEncoding.EncodeToString
	return fmt.Sprintf("$argon2id$v=19$m=64,t=1,p=1$%s$%s", b64(salt), b64(key))
}
