package files

import (
	"context"
	"errors"
	"io"

	"lignum/tenants"
)

// Note is a purpose of the tests: any file of up to a megabyte.
const Note Purpose = "note"

func init() { rules[Note] = rule{most: 1 << 20} }

// KeyOf is where the bytes of a file lie.
func KeyOf(realm tenants.Realm, f *File) string { return keyOf(realm, f.Purpose, f.ID) }

// Step is how many files a step of a sweep looks at.
const Step = sweepStep

// Keys are all that lies in a bucket.
func (b *Bucket) Keys() (keys []string, err error) {
	for list := b.blobs.List(nil); ; {
		o, err := list.Next(context.Background())
		if errors.Is(err, io.EOF) {
			return keys, nil
		} else if err != nil {
			return keys, err
		}
		keys = append(keys, o.Key)
	}
}
