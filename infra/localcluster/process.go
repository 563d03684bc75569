package localcluster

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"time"
)

// process is a program that this one started. A nil process is one that does not run.
type process struct {
	cmd  *exec.Cmd
	done chan struct{} // closed when it has ended; err is set then
	err  error
}

// starter runs jobs on one operating-system thread that never ends: the signal that ends our children
// with us (Pdeathsig) is bound to the thread that started them, not to the process, and Go ends
// threads as it likes.
var starter = sync.OnceValue(func() chan<- func() {
	jobs := make(chan func())
	go func() {
		runtime.LockOSThread()
		for job := range jobs {
			job()
		}
	}()
	return jobs
})

// spawn starts a program as the given account. It ends with this program, by signal onDeath, where
// the system can do that (Linux).
func spawn(as account, onDeath syscall.Signal, out io.Writer, argv ...string) (*process, error) {
	p := &process{cmd: exec.Command(argv[0], argv[1:]...), done: make(chan struct{})}
	p.cmd.Dir = "/" // ours may be closed to the account
	p.cmd.Stdout, p.cmd.Stderr = out, out
	p.cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=/", "LC_ALL=C", "TZ=UTC"}
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // Ctrl-C is for us; we end them in order
	if as.switchTo {
		p.cmd.SysProcAttr.Credential = &syscall.Credential{Uid: as.uid, Gid: as.gid}
	}
	endWithParent(p.cmd.SysProcAttr, onDeath)
	p.cmd.WaitDelay = 5 * time.Second // grandchildren may hold the output open for a moment
	started := make(chan error)
	starter() <- func() { started <- p.cmd.Start() }
	if err := <-started; err != nil {
		return nil, fmt.Errorf("start %s: %w", argv[0], err)
	}
	go func() {
		p.err = p.cmd.Wait()
		close(p.done)
	}()
	return p, nil
}

// run starts a program, waits for its end and gives what it said.
func run(ctx context.Context, as account, argv ...string) (string, error) {
	var out bytes.Buffer
	p, err := spawn(as, syscall.SIGKILL, &out, argv...)
	if err != nil {
		return "", err
	}
	select {
	case <-p.done:
	case <-ctx.Done():
		p.kill()
		return "", fmt.Errorf("%s: %w", argv[0], ctx.Err())
	}
	if p.err != nil {
		return out.String(), fmt.Errorf("%s: %w: %s", argv[0], p.err, strings.TrimSpace(out.String()))
	}
	return out.String(), nil
}

// ended returns a channel that is closed when the process has ended.
func (p *process) ended() <-chan struct{} {
	if p == nil {
		c := make(chan struct{})
		close(c)
		return c
	}
	return p.done
}

// pid returns the process id, 0 when the process has ended.
func (p *process) pid() int {
	select {
	case <-p.ended():
		return 0
	default:
		return p.cmd.Process.Pid
	}
}

// signal sends a signal and waits for the end, for as long as wait and ctx allow; it says whether the process ended.
func (p *process) signal(ctx context.Context, s syscall.Signal, wait time.Duration) bool {
	if p == nil {
		return true
	}
	_ = p.cmd.Process.Signal(s) // fails only for one that has ended
	select {
	case <-p.done:
		return true
	case <-ctx.Done():
	case <-time.After(wait):
	}
	return false
}

// kill ends the process at once.
func (p *process) kill() {
	p.signal(context.Background(), syscall.SIGKILL, time.Minute)
}
