package demo

import (
	"crypto/sha256"
	"encoding/binary"
	"math/rand/v2"
	"strconv"
	"time"

	"github.com/google/uuid"
)

// seed is where everything begins. Another seed makes other data.
const seed = "lignum demo 1"

// random returns the source for one part, so that parts do not depend on the order in which they are made.
func (r *room) random(part string) *rand.Rand {
	sum := sha256.Sum256([]byte(seed + "\x00" + r.slug + "\x00" + part))
	return rand.New(rand.NewPCG(binary.BigEndian.Uint64(sum[:8]), binary.BigEndian.Uint64(sum[8:16])))
}

// idEpoch is the time in the first id of each kind: the ids of a kind follow each other by a millisecond.
var idEpoch = time.Date(2020, 3, 2, 12, 0, 0, 0, time.UTC).UnixMilli()

// id returns the n-th id of a kind, the same each time: a UUID in the form of version 7 (RFC 9562), whose time rises with n and whose other bits
// follow from the seed.
func (r *room) id(kind string, n int) uuid.UUID {
	b := make([]byte, 0, 64)
	b = append(b, seed...)
	b = append(b, 0)
	b = append(b, r.slug...)
	b = append(b, 0)
	b = append(b, kind...)
	b = append(b, 0)
	b = strconv.AppendInt(b, int64(n), 10)
	sum := sha256.Sum256(b)
	var id uuid.UUID
	copy(id[:], sum[:16])
	var ms [8]byte
	binary.BigEndian.PutUint64(ms[:], uint64(idEpoch+int64(n)))
	copy(id[:6], ms[2:])
	id[6] = id[6]&0x0f | 0x70
	id[8] = id[8]&0x3f | 0x80
	return id
}

func pick[T any](rnd *rand.Rand, list []T) T { return list[rnd.IntN(len(list))] }

// sample returns k different numbers below n, in rising order (Knuth's algorithm S). k is at most n.
func sample(rnd *rand.Rand, n, k int) []int {
	out := make([]int, 0, k)
	for i := 0; len(out) < k; i++ {
		if rnd.IntN(n-i) < k-len(out) {
			out = append(out, i)
		}
	}
	return out
}
