package identity

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"encoding/base64"
	"fmt"
	"runtime"
	"strings"
	"sync"
	"time"

	"golang.org/x/crypto/argon2"
	"golang.org/x/text/unicode/norm"

	"lignum/domain/words"
	"lignum/tenants/limits"
)

// Argon2id as the OWASP password storage cheat sheet recommends (RFC 9106 gives the function): 19 MiB, two passes,
// one lane. They may rise, and every password is hashed anew at its next sign-in; they are never lowered. A program of before the rise
// cannot read the new hashes.
const (
	argonMemory  = 19 * 1024 // KiB
	argonTime    = 2
	argonThreads = 1
	argonSalt    = 16
	argonKey     = 32
)

// HashBytes is the memory that hashing one password takes while it goes on; after it, it is garbage.
const HashBytes = argonMemory << 10

// Hasher makes and checks password hashes, a bounded number at a time, so that a morning's sign-ins cannot take all
// memory and processors. Tenants share the slots fairly: one may use all that are idle, and however many of its people wait, the
// next free slot goes to whoever else has fewer. It is safe for concurrent use; a process has one.
type Hasher struct {
	slots *limits.Admission
	dummy string // what an unknown account's password is compared with
}

// dummy is made once a process, since it costs what a hash costs.
var dummy = sync.OnceValue(func() string { return encodeHash(rand.Text()) })

// hashWait is how long a sign-in waits for its turn.
const hashWait = 5 * time.Second

// NewHasher works on at most slots hashes at once (0: as many as processors) and lets two hundred callers per slot and tenant
// wait, which is more than a slot works off in the time that they wait.
func NewHasher(slots int) *Hasher {
	if slots <= 0 {
		slots = runtime.GOMAXPROCS(0)
	}
	return &Hasher{dummy: dummy(),
		slots: limits.NewQueue(slots, 200*slots, hashWait, words.Say("identity.many_people_are_signing_in"), 3*time.Second)}
}

// Hash makes a PHC string of a password in the turn of a tenant (its slug, "" for the platform). It returns domain.Unavailable when too many wait.
func (h *Hasher) Hash(ctx context.Context, tenant, password string) (string, error) {
	leave, err := h.slots.Acquire(ctx, tenant)
	if err != nil {
		return "", err
	}
	defer leave()
	return encodeHash(password), nil
}

// Verify compares a password with a PHC string in the turn of a tenant. With an empty one it does the same work on a dummy and says no, so
// that an unknown account answers as a known one. stale: right, but to be hashed anew with today's parameters. It
// gives domain.Unavailable when too many wait, and an error for a string that is no argon2id hash.
func (h *Hasher) Verify(ctx context.Context, tenant, password, phc string) (ok, stale bool, err error) {
	leave, err := h.slots.Acquire(ctx, tenant)
	if err != nil {
		return false, false, err
	}
	defer leave()
	known := phc != ""
	if !known {
		phc = h.dummy
	}
	want, err := parseHash(phc)
	if err != nil {
		return false, false, err
	}
	got := argon2.IDKey(normalise(password), want.salt, want.time, want.memory, want.threads, uint32(len(want.key)))
	ok = subtle.ConstantTimeCompare(got, want.key) == 1 && known
	stale = ok && (want.memory < argonMemory || want.time < argonTime || len(want.key) < argonKey)
	return ok, stale, nil
}

// normalise is the process for stabilised strings of SP 800-63B-4 section 3.1.1.2: NFKC.
func normalise(password string) []byte { return norm.NFKC.Bytes([]byte(password)) }

func encodeHash(password string) string {
	salt := make([]byte, argonSalt)
	rand.Read(salt)
	key := argon2.IDKey(normalise(password), salt, argonTime, argonMemory, argonThreads, argonKey)
	b64 := base64.RawStdEncoding.EncodeToString
	return fmt.Sprintf("$argon2id$v=%d$m=%d,t=%d,p=%d$%s$%s", argon2.Version, argonMemory, argonTime, argonThreads, b64(salt), b64(key))
}

type argonHash struct {
	memory, time uint32
	threads      uint8
	salt, key    []byte
}

// parseHash reads a PHC string. It refuses costs above today's, which no hash of ours ever had: a row that asks for a gigabyte and an
// hour is damaged, or was put there to stop everybody's sign-ins.
func parseHash(phc string) (argonHash, error) {
	var h argonHash
	var version int
	bad := fmt.Errorf("stored password hash is not an argon2id PHC string")
	parts := strings.Split(phc, "$")
	if len(parts) != 6 || parts[1] != "argon2id" {
		return h, bad
	}
	if _, err := fmt.Sscanf(parts[2], "v=%d", &version); err != nil || version != argon2.Version {
		return h, bad
	}
	if _, err := fmt.Sscanf(parts[3], "m=%d,t=%d,p=%d", &h.memory, &h.time, &h.threads); err != nil {
		return h, bad
	}
	var err1, err2 error
	h.salt, err1 = base64.RawStdEncoding.Strict().DecodeString(parts[4])
	h.key, err2 = base64.RawStdEncoding.Strict().DecodeString(parts[5])
	if err1 != nil || err2 != nil || h.memory < 8 || h.memory > argonMemory || h.time < 1 || h.time > argonTime || h.threads < 1 || h.threads > argonThreads ||
		len(h.salt) < 8 || len(h.key) < 16 || len(h.key) > 128 {
		return h, bad
	}
	return h, nil
}
