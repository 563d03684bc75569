package files

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"slices"
	"strings"
	"syscall"
)

// directory is a store in a folder that all processes share. Keys are paths in it, out of which nothing leads (os.Root). What is being written has ".<letters>.tmp"
// behind its name; pieces lie beside the object that they are of, with ".<handle>-<number>" behind theirs.
type directory struct{ root *os.Root }

func openDirectory(at string) (*directory, error) {
	if err := os.MkdirAll(at, 0o700); err != nil {
		return nil, err
	}
	root, err := os.OpenRoot(at)
	if err != nil {
		return nil, err
	}
	return &directory{root}, nil
}

func (d *directory) close() error { return d.root.Close() }

func (d *directory) put(_ context.Context, key string, _ head, data []byte) error {
	return d.write(key, func(f *os.File) error {
		_, err := io.Copy(f, bytes.NewReader(data))
		return err
	})
}

// write lets fill write a file, which is there when all of it lasts.
func (d *directory) write(key string, fill func(f *os.File) error) error {
	folder, unfinished := path.Dir(key), key+"."+rand.Text()+".tmp"
	if err := d.root.MkdirAll(folder, 0o700); err != nil {
		return err
	}
	f, err := d.root.OpenFile(unfinished, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	err = fill(f)
	if err == nil {
		err = f.Sync() // or a row could outlive its bytes when the power fails
	}
	if cerr := f.Close(); err == nil {
		err = cerr
	}
	if err == nil {
		err = d.root.Rename(unfinished, key)
	}
	if err != nil {
		return errors.Join(err, d.root.Remove(unfinished))
	}
	at, err := d.root.Open(folder)
	if err != nil {
		return err
	}
	defer at.Close()
	return at.Sync() // the name lasts, too
}

func (d *directory) get(_ context.Context, key string, offset, n int64) (io.ReadCloser, error) {
	f, err := d.root.Open(key)
	if err != nil {
		return nil, none(err)
	}
	if _, err := f.Seek(offset, io.SeekStart); err != nil {
		return nil, errors.Join(err, f.Close())
	}
	if n < 0 {
		return f, nil
	}
	return struct {
		io.Reader
		io.Closer
	}{io.LimitReader(f, n), f}, nil
}

func (d *directory) size(_ context.Context, key string) (int64, error) {
	is, err := d.root.Stat(key)
	if err != nil {
		return 0, none(err)
	}
	return is.Size(), nil
}

func (d *directory) remove(_ context.Context, key string) error {
	if err := d.root.Remove(key); !errors.Is(none(err), errNone) {
		return err
	}
	return nil
}

// none makes errNone of what the system says of a file that is not there.
func none(err error) error {
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ENOTDIR) {
		return errNone
	}
	return err
}

func (d *directory) list(_ context.Context, prefix, after string) (list []object, more bool, err error) {
	err = d.walk(prefix, after, func(o object) bool {
		if more = len(list) == listStep; !more {
			list = append(list, o)
		}
		return !more
	})
	return list, more, err
}

// walk gives the files of a folder and those below in the order of their keys, after one, until see wants no more.
func (d *directory) walk(folder, after string, see func(o object) bool) error {
	entries, err := fs.ReadDir(d.root.FS(), path.Clean(folder))
	if errors.Is(none(err), errNone) {
		return nil
	} else if err != nil {
		return err
	}
	names := make([]string, len(entries))
	by := make(map[string]fs.DirEntry, len(entries))
	for i, e := range entries {
		if names[i] = folder + e.Name(); e.IsDir() {
			names[i] += "/"
		}
		by[names[i]] = e
	}
	slices.Sort(names)
	seeing := true
	for _, name := range names {
		switch {
		case strings.HasSuffix(name, "/"):
			if name > after || strings.HasPrefix(after, name) {
				err = d.walk(name, after, func(o object) bool { seeing = see(o); return seeing })
			}
		case name > after:
			is, gone := by[name].Info()
			if gone == nil {
				seeing = see(object{name, is.ModTime()})
			} else if !errors.Is(none(gone), errNone) {
				err = gone
			}
		}
		if err != nil || !seeing {
			return err
		}
	}
	return nil
}

func (d *directory) begin(context.Context, string, head) (string, error) { return rand.Text(), nil }

func (d *directory) add(ctx context.Context, key, handle string, number int, data []byte) (string, error) {
	return "", d.put(ctx, pieceAt(key, handle, number), head{}, data)
}

func pieceAt(key, handle string, number int) string {
	return fmt.Sprintf("%s.%s-%d", key, handle, number)
}

func (d *directory) join(ctx context.Context, key, handle string, pieces []piece) error {
	if err := d.write(key, func(f *os.File) error {
		for _, p := range pieces {
			from, err := d.root.Open(pieceAt(key, handle, p.Number))
			if err != nil {
				return none(err)
			}
			_, err = io.Copy(f, from) // by the system, where it can
			if cerr := from.Close(); err == nil {
				err = cerr
			}
			if err != nil {
				return err
			}
		}
		return nil
	}); err != nil {
		return err
	}
	_ = d.abandon(ctx, key, handle, pieces) // a sweep sees what stays
	return nil
}

func (d *directory) abandon(ctx context.Context, key, handle string, pieces []piece) error {
	var failed error
	for _, p := range pieces {
		failed = errors.Join(failed, d.remove(ctx, pieceAt(key, handle, p.Number)))
	}
	return failed
}
