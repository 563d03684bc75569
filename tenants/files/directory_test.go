package files_test

import (
	"errors"
	"io"
	"os/signal"
	"path/filepath"
	"syscall"
	"testing"

	"lignum/domain"
	"lignum/tenants/files"
)

// The system itself refuses to write on in the middle of a file (EFBIG, as it says ENOSPC of a full disk). It is for the whole process, so nothing else runs
// beside this test.
func TestADiskThatIsFullInTheMiddleOfAFile(t *testing.T) {
	s := newShelfAt(t, filepath.Join(t.TempDir(), "files"))
	before := s.mustPut(files.General, "was there before")
	signal.Ignore(syscall.SIGXFSZ)
	defer signal.Reset(syscall.SIGXFSZ)
	var was syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_FSIZE, &was); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &syscall.Rlimit{Cur: 1 << 20, Max: was.Max}); err != nil {
		t.Fatal(err)
	}
	_, err := s.put(files.General, "x", io.LimitReader(endless{}, 3<<20))
	if back := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &was); back != nil {
		t.Fatal(back)
	}
	var d *domain.Error
	if !errors.As(err, &d) || d.Code != domain.Unavailable || d.RetryAfter == 0 || !errors.Is(d.Cause, syscall.EFBIG) {
		t.Errorf("%v", err)
	}
	s.has(1, before.Size, 1)
	if s.read(before) != "was there before" {
		t.Error("what was there before is not")
	}
}
