package files

import (
	"context"
	"errors"
	"io"
	"path"
	"strings"
	"sync"

	"lignum/tenants"
)

// Note is a purpose of the tests: any file of up to a megabyte.
const Note Purpose = "note"

func init() { rules[Note] = rule{most: 1 << 20} }

// KeyOf is where the bytes of a file lie.
func KeyOf(realm tenants.Realm, f *File) string { return keyOf(realm, f.Purpose, f.ID) }

// Step is how many files a step of a sweep looks at; Piece is how large the pieces of a file are.
const (
	Step  = listStep
	Piece = pieceSize
)

// Elsewhere is the same bucket as one that is no directory: its files lie nowhere where they could be read in any order.
func (b *Bucket) Elsewhere() *Bucket { return &Bucket{store: far{b.store}, senders: b.senders} }

type far struct{ store }

func (e far) get(ctx context.Context, key string, offset, n int64) (io.ReadCloser, error) {
	r, err := e.store.get(ctx, key, offset, n)
	if err != nil {
		return nil, err
	}
	return struct{ io.ReadCloser }{r}, nil
}

// Orientation is how a JPEG says that its camera was held.
func Orientation(data []byte) int { return orientation(data) }

// Keys are all that lies in a bucket, below a prefix.
func (b *Bucket) Keys(prefix string) (keys []string, err error) {
	for more, after := true, ""; more; {
		var list []object
		if list, more, err = b.store.list(context.Background(), prefix, after); err != nil {
			return keys, err
		}
		for _, o := range list {
			keys, after = append(keys, o.key), o.key
		}
	}
	return keys, nil
}

// Lay puts something into the bucket, and Take takes it away.
func (b *Bucket) Lay(key string) error {
	return b.store.put(context.Background(), key, head{contentType: "text/plain"}, []byte("orphan"))
}
func (b *Bucket) Take(key string) error { return b.store.remove(context.Background(), key) }

// broken is a store that makes files as it is asked, and cannot say so.
type broken struct{ store }

func (s broken) join(ctx context.Context, key, handle string, pieces []piece) error {
	if err := s.store.join(ctx, key, handle, pieces); err != nil {
		return err
	}
	return errors.New("the answer is lost")
}

func (s broken) size(context.Context, string) (int64, error) {
	return 0, errors.New("the answer is lost")
}

// put makes objects, but not what nobody can read yet.
func (s broken) put(ctx context.Context, key string, h head, data []byte) error {
	if err := s.store.put(ctx, key, h, data); err != nil || strings.Contains(path.Base(key), ".") {
		return err
	}
	return errors.New("the answer is lost")
}

// Breaking lets fn work with a bucket whose answers are lost when a file was made.
func (b *Bucket) Breaking(fn func()) {
	whole := b.store
	b.store = broken{whole}
	defer func() { b.store = whole }()
	fn()
}

// Heads lets fn work with a bucket, and tells of each object that it began or put as what it is offered.
func (b *Bucket) Heads(fn func()) map[string]string {
	whole := b.store
	seen := seeing{whole, map[string]string{}}
	b.store = seen
	defer func() { b.store = whole }()
	fn()
	return seen.heads
}

type seeing struct {
	store
	heads map[string]string
}

func (s seeing) put(ctx context.Context, key string, h head, data []byte) error {
	s.heads[key] = h.disposition
	return s.store.put(ctx, key, h, data)
}

func (s seeing) begin(ctx context.Context, key string, h head) (string, error) {
	s.heads[key] = h.disposition
	return s.store.begin(ctx, key, h)
}

// Apart are the purposes whose files leave by the distribution.
func Apart() (list []string) {
	for _, p := range []Purpose{Logo, General, Roster, Lesson, Package, Export} {
		if rules[p].apart {
			list = append(list, string(p))
		}
	}
	return list
}

// JoinAlone keeps the bucket from putting an object together while pieces come: the emulator of S3 answers 500 then, and loses the upload.
func (b *Bucket) JoinAlone() { b.store = &joiningAlone{store: b.store} }

type joiningAlone struct {
	store
	mu sync.RWMutex
}

func (o *joiningAlone) add(ctx context.Context, key, handle string, number int, data []byte) (string, error) {
	o.mu.RLock()
	defer o.mu.RUnlock()
	return o.store.add(ctx, key, handle, number, data)
}

func (o *joiningAlone) join(ctx context.Context, key, handle string, pieces []piece) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.store.join(ctx, key, handle, pieces)
}
