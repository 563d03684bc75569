package localcluster

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

var errLocked = errors.New("locked by another process")

// lockFile takes a lock (syscall.LOCK_EX or LOCK_SH) on a file, which it makes if missing, and waits
// for it until ctx ends (then errLocked). The kernel lets go when the holder dies, so that a lock is never stale.
// Closing the file gives the lock back.
func lockFile(ctx context.Context, path string, how int) (*os.File, error) {
	for {
		f, err := tryLock(path, how)
		if !errors.Is(err, errLocked) {
			return f, err
		}
		select {
		case <-ctx.Done():
			return nil, errLocked
		case <-time.After(20 * time.Millisecond):
		}
	}
}

func tryLock(path string, how int) (*os.File, error) {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, err
	}
	if err := syscall.Flock(int(f.Fd()), how|syscall.LOCK_NB); err != nil {
		_ = f.Close()
		if errors.Is(err, syscall.EWOULDBLOCK) || errors.Is(err, syscall.EINTR) {
			return nil, errLocked
		}
		return nil, fmt.Errorf("lock %s: %w", path, err)
	}
	// The holder before us may have removed the file while we waited; then this lock guards nothing.
	held, err1 := f.Stat()
	named, err2 := os.Stat(path)
	if err1 != nil || err2 != nil || !os.SameFile(held, named) {
		_ = f.Close()
		return nil, errLocked
	}
	return f, nil
}

// lockDir takes the directory for this program and writes its process id down for those who come second.
func lockDir(ctx context.Context, dir string) (*os.File, error) {
	path := filepath.Join(dir, "lock")
	// A program that is just ending, or a glance at the lock by another, is worth a short wait.
	wait, cancel := context.WithTimeout(ctx, 2*time.Second)
	defer cancel()
	f, err := lockFile(wait, path, syscall.LOCK_EX)
	if errors.Is(err, errLocked) {
		return nil, fmt.Errorf("localcluster: %s is in use by process %s: stop that one first, or choose another directory", dir, lockHolder(path))
	}
	if err != nil {
		return nil, fmt.Errorf("localcluster: %w", err)
	}
	if err = f.Truncate(0); err == nil {
		_, err = fmt.Fprintf(f, "%d\n", os.Getpid())
	}
	if err != nil {
		_ = f.Close()
		return nil, fmt.Errorf("localcluster: write %s: %w", path, err)
	}
	return f, nil
}

func lockHolder(path string) string {
	f, err := os.Open(path)
	if err != nil {
		return "?"
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, 20))
	if err != nil || len(text) == 0 {
		return "?"
	}
	return strings.TrimSpace(string(text))
}
