package files

import (
	"context"
	"errors"
	"io"
	"time"
)

// store is where bytes lie: a directory, or a bucket of S3. Keys are made of letters, digits and -_./ by this package alone. An object is there whole or not at
// all, also when the power fails. What is not there is errNone; all other errors are the store's own, and it may be asked again.
type store interface {
	put(ctx context.Context, key string, h head, data []byte) error
	get(ctx context.Context, key string, offset, n int64) (io.ReadCloser, error) // n bytes, or -1 for all the rest
	size(ctx context.Context, key string) (int64, error)
	remove(ctx context.Context, key string) error // also of what is not there
	// list gives at most listStep objects below a prefix that ends in a slash, in the order of their keys, after a key; more says whether there are others.
	list(ctx context.Context, prefix, after string) (list []object, more bool, err error)

	// An object of several pieces, each of pieceSize but the last, which may come from different processes. begin gives how the store calls it, add keeps a piece under
	// a number from 1 and gives what join asks for, and join makes the object of those that it is given, in the order of their numbers: errNone when the pieces
	// are not there, perhaps since it was made already. A number must not be used again while it is not known what became of it.
	begin(ctx context.Context, key string, h head) (handle string, err error)
	add(ctx context.Context, key, handle string, number int, data []byte) (tag string, err error)
	join(ctx context.Context, key, handle string, pieces []piece) error
	abandon(ctx context.Context, key, handle string, pieces []piece) error

	close() error
}

// head is what S3 answers beside the bytes of an object, to whoever asks there. A directory answers nobody, and keeps none of it.
type head struct {
	contentType string
	disposition string // as what it is offered; "": nothing is said
}

// object is one that is listed.
type object struct {
	key      string
	modified time.Time
}

// piece is one of an object that is being put together.
type piece struct {
	Number int
	Tag    string // the store's
}

const (
	listStep   = 500
	pieceSize  = 5 << 20 // the least that S3 takes of a piece that is not the last
	mostPieces = 10_000  // S3's
)

var errNone = errors.New("there is no such object")
