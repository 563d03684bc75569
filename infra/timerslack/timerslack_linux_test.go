package timerslack

import (
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"testing"
)

// As the child of its own test the program allows the slack, and tells what it then is.
func TestMain(m *testing.M) {
	if os.Getenv("SLACK_TEST_CHILD") == "" {
		os.Exit(m.Run())
	}
	Allow()
	var threads sync.WaitGroup
	var told sync.Mutex
	for range 8 {
		threads.Go(func() {
			runtime.LockOSThread() // and never unlocked: each has a thread of its own
			told.Lock()
			defer told.Unlock()
			fmt.Printf("slack %d\n", current())
		})
	}
	threads.Wait()
	input := make([]byte, 100)
	n, _ := os.Stdin.Read(input)
	fmt.Printf("pid %d, arguments %q, input %q, marked %q\n", os.Getpid(), os.Args[1:], input[:n], os.Getenv(begunAnew))
	os.Exit(0)
}

func child(t *testing.T, env ...string) (pid int, said string) {
	t.Helper()
	cmd := exec.Command("/proc/self/exe", "one", "two words")
	cmd.Env = append(append(os.Environ(), "SLACK_TEST_CHILD=1"), env...)
	cmd.Stdin = strings.NewReader("kept open")
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	return cmd.Process.Pid, string(out)
}

func TestEveryThreadMaySleepLonger(t *testing.T) {
	pid, said := child(t)
	want := strings.Repeat(fmt.Sprintf("slack %d\n", Allowed), 8) + fmt.Sprintf("pid %d, arguments [\"one\" \"two words\"], input \"kept open\", marked \"\"\n", pid)
	if said != want {
		t.Errorf("said\n%swanted\n%s", said, want)
	}
}

// Whoever allows more has the last word.
func TestMoreIsLeftAsItIs(t *testing.T) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	before := current()
	set := func(n uintptr) {
		if _, _, failed := syscall.RawSyscall(syscall.SYS_PRCTL, setTimerSlack, n, 0); failed != 0 {
			t.Fatal(failed)
		}
	}
	set(5 * uintptr(Allowed))
	defer set(before)
	if _, said := child(t); !strings.HasPrefix(said, fmt.Sprintf("slack %d\n", 5*Allowed)) {
		t.Errorf("said\n%s", said)
	}
}

// A system that forgets the slack when a program begins anew does not make it begin for ever.
func TestItBeginsAnewOnce(t *testing.T) {
	if _, said := child(t, begunAnew+"=1"); strings.Contains(said, fmt.Sprintf("slack %d\n", Allowed)) || !strings.Contains(said, `marked ""`) {
		t.Errorf("said\n%s", said)
	}
}
