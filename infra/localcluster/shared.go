package localcluster

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// How the test processes of a checkout share one cluster.
//
// Each holds a shared lock on Dir/users.lock for as long as it lives. Under Dir/start.lock the first
// re-executes its own binary, detached, with superviseVar set: SuperviseIfAsked, called at the top of
// TestMain, turns that process into the supervisor, which owns the cluster like any program that called
// Start. Once nobody has held users.lock for Options.Linger, the supervisor takes it for itself, stops
// the servers, removes the directory and ends. Locks die with their holders, so that a killed test or
// supervisor needs no clearing up.

const superviseVar = "LIGNUM_LOCALCLUSTER_SUPERVISE"

// Join returns the ephemeral cluster at Dir, which it starts if nobody has yet. An empty Dir means
// SharedDir of the working directory's module. Sizes are those of the process that came first. Stop
// leaves the cluster. A program that calls Join calls SuperviseIfAsked first thing in main or TestMain.
func Join(ctx context.Context, o Options) (*Cluster, error) {
	if os.Getenv(superviseVar) != "" {
		return nil, errors.New("localcluster: call SuperviseIfAsked at the top of main or TestMain: this process was started to be the supervisor")
	}
	if o.Dir == "" {
		dir, err := SharedDir(moduleRoot())
		if err != nil {
			return nil, err
		}
		o.Dir = dir
	}
	o.Ephemeral = true
	o, err := o.withDefaults()
	if err != nil {
		return nil, err
	}
	users, err := lockInDir(ctx, o.Dir, "users.lock", syscall.LOCK_SH)
	if err != nil {
		return nil, err
	}
	s, err := findOrStart(ctx, o)
	if err != nil {
		_ = users.Close()
		return nil, err
	}
	return &Cluster{opts: o, guard: users, state: s}, nil
}

// lockInDir makes the directory again as often as an ending supervisor removes it.
func lockInDir(ctx context.Context, dir, name string, how int) (*os.File, error) {
	for {
		if err := makeDir(dir); err != nil {
			return nil, err
		}
		f, err := lockFile(ctx, filepath.Join(dir, name), how)
		if errors.Is(err, os.ErrNotExist) && ctx.Err() == nil {
			continue
		}
		if err != nil {
			return nil, fmt.Errorf("localcluster: %s: %w", filepath.Join(dir, name), err)
		}
		return f, nil
	}
}

func findOrStart(ctx context.Context, o Options) (state, error) {
	turn, err := lockInDir(ctx, o.Dir, "start.lock", syscall.LOCK_EX)
	if err != nil {
		return state{}, err
	}
	defer turn.Close()
	if s, ok := running(o.Dir); ok {
		return s, nil
	}
	asked, err := json.Marshal(o)
	if err != nil {
		return state{}, err
	}
	self, err := os.Executable()
	if err != nil {
		return state{}, fmt.Errorf("localcluster: %w", err)
	}
	report, err := os.Create(filepath.Join(o.Dir, "log", "supervisor.log"))
	if err != nil {
		return state{}, fmt.Errorf("localcluster: %w", err)
	}
	defer report.Close()
	cmd := exec.Command(self)
	cmd.Dir = "/"
	cmd.Env = append(os.Environ(), superviseVar+"="+string(asked))
	cmd.Stderr = report
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true} // outlives us and our terminal
	if err := cmd.Start(); err != nil {
		return state{}, fmt.Errorf("localcluster: start the supervisor: %w", err)
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	for {
		if s := readState(o.Dir); s.PID == cmd.Process.Pid && s.PgBouncer != 0 {
			return s, nil
		}
		select {
		case err := <-ended:
			text, _ := io.ReadAll(io.NewSectionReader(report, 0, 4096)) // the name may be gone with the directory
			return state{}, fmt.Errorf("localcluster: the supervisor ended (%v): %s", err, strings.TrimSpace(string(text)))
		case <-ctx.Done():
			return state{}, fmt.Errorf("localcluster: wait for the supervisor: %w", ctx.Err())
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// running returns the state of the cluster at dir if its owner lives, which the owner's lock tells.
func running(dir string) (state, bool) {
	path := filepath.Join(dir, "lock")
	f, err := tryLock(path, syscall.LOCK_SH)
	if err == nil {
		_ = f.Close()
	}
	if !errors.Is(err, errLocked) {
		return state{}, false
	}
	s := readState(dir)
	return s, s.PgBouncer != 0 && strconv.Itoa(s.PID) == lockHolder(path)
}

// SuperviseIfAsked returns at once in any process but the one that Join starts to own a shared
// cluster; there it works until the cluster has no users left, and exits.
func SuperviseIfAsked() {
	asked := os.Getenv(superviseVar)
	if asked == "" {
		return
	}
	var o Options
	err := json.Unmarshal([]byte(asked), &o)
	if err == nil {
		err = supervise(o)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	os.Exit(0)
}

func supervise(o Options) error {
	signal.Ignore(syscall.SIGHUP, syscall.SIGINT)
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	sweep(o.Dir)
	c, err := Start(ctx, o)
	if err != nil {
		return err
	}
	users, err := c.untilUnused(ctx, o.Linger)
	if users != nil {
		defer users.Close() // after the directory is gone
	}
	return errors.Join(err, c.Stop())
}

// untilUnused waits until nobody has used the cluster for the given time and gives the users' lock,
// which keeps new ones out; or until a server ends or ctx does, and gives no lock.
func (c *Cluster) untilUnused(ctx context.Context, linger time.Duration) (*os.File, error) {
	path := filepath.Join(c.opts.Dir, "users.lock")
	pause := min(time.Second, max(linger/10, 10*time.Millisecond))
	for idleSince := time.Now(); ; {
		users, err := tryLock(path, syscall.LOCK_EX)
		switch {
		case errors.Is(err, errLocked):
			idleSince = time.Now()
		case err != nil:
			return nil, fmt.Errorf("localcluster: %w", err)
		case time.Since(idleSince) >= linger:
			return users, nil
		default:
			_ = users.Close()
		}
		select {
		case <-ctx.Done():
			return nil, nil
		case <-c.postgres.ended():
			return nil, errors.New("localcluster: PostgreSQL ended by itself")
		case <-c.bouncer.ended():
			return nil, errors.New("localcluster: PgBouncer ended by itself")
		case <-time.After(pause):
		}
	}
}

// sharedPrefix begins the names of shared directories of this user.
func sharedPrefix() string { return fmt.Sprintf("lignum-test-%d-", os.Geteuid()) }

// SharedDir returns the directory of the cluster that the tests of a checkout share: in memory
// (/dev/shm) when more than 2 GB are free there, else under the system's temporary directory. The name comes from
// the checkout's path, the user, and the container. One that exists already is kept.
func SharedDir(root string) (string, error) {
	root, err := filepath.Abs(root)
	if err != nil {
		return "", fmt.Errorf("localcluster: %w", err)
	}
	sum := sha256.Sum256([]byte(root + "\n" + namespace()))
	name := sharedPrefix() + hex.EncodeToString(sum[:5])
	memory, disk := filepath.Join("/dev/shm", name), filepath.Join(os.TempDir(), name)
	switch {
	case ownerOf(memory) == os.Geteuid():
		return memory, nil
	case ownerOf(disk) == os.Geteuid():
		return disk, nil
	case freeBytes("/dev/shm") > 2<<30:
		return memory, nil
	}
	return disk, nil
}

func freeBytes(dir string) uint64 {
	var s syscall.Statfs_t
	if syscall.Statfs(dir, &s) != nil {
		return 0
	}
	return uint64(s.Bavail) * uint64(s.Bsize) // their types differ between systems
}

// sweep removes what clusters of this user left behind that were killed together with their
// supervisor, as happens to a container; memory is too dear to leave them. Locks tell the dead from the living.
func sweep(except string) {
	for _, parent := range []string{"/dev/shm", os.TempDir()} {
		found, _ := filepath.Glob(filepath.Join(parent, sharedPrefix()+"*")) // only a malformed pattern fails
		for _, dir := range found {
			if dir == except || ownerOf(dir) != os.Geteuid() {
				continue
			}
			users, err := tryLock(filepath.Join(dir, "users.lock"), syscall.LOCK_EX)
			if err != nil {
				continue
			}
			if guard, err := tryLock(filepath.Join(dir, "lock"), syscall.LOCK_EX); err == nil {
				dead := &Cluster{opts: Options{Dir: dir}, state: readState(dir)}
				_ = dead.remove() // in part at worst: the next sweep tries again
				_ = guard.Close()
			}
			_ = users.Close()
		}
	}
}

// moduleRoot returns the nearest folder upwards that holds a go.mod, else the working directory.
func moduleRoot() string {
	here, err := os.Getwd()
	if err != nil {
		return "."
	}
	for dir := here; ; dir = filepath.Dir(dir) {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			return dir
		}
		if dir == filepath.Dir(dir) {
			return here
		}
	}
}
