package tenants

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/pbkdf2"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"fmt"
)

// Vault derives and seals secrets from one master key, so that nothing secret is stored in the clear:
// role passwords are derived (HKDF-SHA-256, RFC 5869), small secrets in rows are sealed (AES-256-GCM).
type Vault struct{ master []byte }

// NewVault takes the master key: 32 bytes or more from a secret store.
func NewVault(master []byte) (*Vault, error) {
	if len(master) < 32 {
		return nil, fmt.Errorf("master key: %d bytes, at least 32 are needed", len(master))
	}
	return &Vault{master: master}, nil
}

func (v *Vault) derive(purpose string, n int) []byte {
	key, err := hkdf.Key(sha256.New, v.master, nil, "lignum/"+purpose, n)
	if err != nil { // only for a length beyond 255 hashes
		panic(err)
	}
	return key
}

// RolePassword is the password of a database role.
func (v *Vault) RolePassword(role string) string {
	return hex.EncodeToString(v.derive("role/"+role, 24))
}

// SCRAMVerifier is what CREATE ROLE gets instead of the password (RFC 5803 as PostgreSQL stores it), so that the
// password itself never shows in a log or in pg_stat_statements. The salt is derived: the same role, the same text.
func (v *Vault) SCRAMVerifier(role string) string {
	const rounds = 4096
	salt := v.derive("scram-salt/"+role, 16)
	salted, err := pbkdf2.Key(sha256.New, v.RolePassword(role), salt, rounds, 32)
	if err != nil { // only for a length out of range
		panic(err)
	}
	mac := func(text string) []byte {
		h := hmac.New(sha256.New, salted)
		h.Write([]byte(text))
		return h.Sum(nil)
	}
	stored := sha256.Sum256(mac("Client Key"))
	b64 := base64.StdEncoding.EncodeToString
	return fmt.Sprintf("SCRAM-SHA-256$%d:%s$%s:%s", rounds, b64(salt), b64(stored[:]), b64(mac("Server Key")))
}

func (v *Vault) sealer(realm, purpose string) cipher.AEAD {
	block, err := aes.NewCipher(v.derive("seal/"+realm+"/"+purpose, 32))
	if err != nil {
		panic(err) // the key is always 32 bytes
	}
	aead, err := cipher.NewGCM(block)
	if err != nil {
		panic(err)
	}
	return aead
}

// Seal encrypts a small secret for one realm and purpose; what is sealed for one opens for no other.
func (v *Vault) Seal(realm, purpose string, secret []byte) string {
	aead := v.sealer(realm, purpose)
	nonce := make([]byte, aead.NonceSize())
	rand.Read(nonce)
	return base64.RawStdEncoding.EncodeToString(aead.Seal(nonce, nonce, secret, nil))
}

// Open decrypts what Seal made, or says that it cannot.
func (v *Vault) Open(realm, purpose, sealed string) ([]byte, error) {
	raw, err := base64.RawStdEncoding.Strict().DecodeString(sealed)
	aead := v.sealer(realm, purpose)
	if err != nil || len(raw) < aead.NonceSize() {
		return nil, fmt.Errorf("sealed %s of %s: not in the sealed form", purpose, realm)
	}
	plain, err := aead.Open(nil, raw[:aead.NonceSize()], raw[aead.NonceSize():], nil)
	if err != nil {
		return nil, fmt.Errorf("sealed %s of %s: was sealed with another key", purpose, realm)
	}
	return plain, nil
}

// MAC is a keyed hash of a subject, for rows that must be found again and tell nothing by themselves.
func (v *Vault) MAC(realm, purpose, subject string) []byte {
	h := hmac.New(sha256.New, v.derive("mac/"+realm+"/"+purpose, 32))
	h.Write([]byte(subject))
	return h.Sum(nil)
}
