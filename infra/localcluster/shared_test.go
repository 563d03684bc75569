package localcluster

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"lignum/infra/pooling"
)

func join(t *testing.T, o Options) *Cluster {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	c, err := Join(ctx, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Stop() })
	return c
}

func gone(dir string) bool {
	_, err := os.Stat(dir)
	return os.IsNotExist(err)
}

func TestJoinersShareOneClusterThatEndsByItself(t *testing.T) {
	o := Options{Dir: dirFor(t), Linger: 100 * time.Millisecond}
	clusters := make([]*Cluster, 4)
	var all sync.WaitGroup
	for i := range clusters {
		all.Go(func() { clusters[i] = join(t, o) })
	}
	all.Wait()
	pg, bouncer := clusters[0].PIDs()
	for _, c := range clusters {
		if got, _ := c.PIDs(); got != pg {
			t.Errorf("PostgreSQL %d and %d: not one cluster", got, pg)
		}
	}
	late := join(t, Options{Dir: o.Dir, Linger: o.Linger, MaxConnections: 50})
	if late.Sizes() != clusters[0].Sizes() || late.Sizes().Server != pooling.Usual {
		t.Errorf("who comes later takes it for one of %+v, and it is one of %+v", late.Sizes(), clusters[0].Sizes())
	}
	if err := late.Stop(); err != nil {
		t.Fatal(err)
	}
	if err := clusters[0].PrepareDatabase(t.Context(), "lignum"); err != nil {
		t.Fatal(err)
	}
	exec1(t, clusters[1], "lignum", "CREATE ROLE jamaica LOGIN PASSWORD '"+verifier(t, "one")+"'; GRANT CONNECT ON DATABASE lignum TO jamaica")
	mustAsk(t, proxyDSN(clusters[2], "jamaica", "one", "lignum"), "jamaica")
	if err := clusters[0].RestartPostgres(t.Context()); err == nil {
		t.Error("a joiner restarted what others use")
	}
	for _, c := range clusters[1:] {
		if err := c.Stop(); err != nil {
			t.Fatal(err)
		}
	}
	exec1(t, clusters[0], "lignum", "SELECT 1") // one user is enough to keep it
	if err := clusters[0].Stop(); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the cluster ends", func() bool { return !alive(pg) && !alive(bouncer) && gone(o.Dir) })
	c := join(t, o)
	if again, _ := c.PIDs(); again == pg {
		t.Error("joined a cluster that has ended")
	}
	exec1(t, c, "postgres", "SELECT 1")
	leave(t, c)
}

// leave waits for the end, so that no directory is taken from under the supervisor.
func leave(t *testing.T, c *Cluster) {
	t.Helper()
	if err := c.Stop(); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the cluster ends", func() bool { return gone(c.opts.Dir) })
}

func TestJoinAfterTheSupervisorWasKilled(t *testing.T) {
	o := Options{Dir: dirFor(t), Linger: 100 * time.Millisecond}
	c := join(t, o)
	pg, _ := c.PIDs()
	if err := syscall.Kill(c.state.PID, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	eventually(t, "PostgreSQL ends with its supervisor", func() bool { return !alive(pg) })
	second := join(t, o)
	exec1(t, second, "postgres", "SELECT 1")
	if err := c.Stop(); err != nil {
		t.Fatal(err)
	}
	leave(t, second)
}

func TestJoinAfterPostgresDied(t *testing.T) {
	o := Options{Dir: dirFor(t), Linger: time.Minute}
	c := join(t, o)
	pg, _ := c.PIDs()
	if err := syscall.Kill(pg, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the supervisor gives up", func() bool { _, ok := running(o.Dir); return !ok })
	if err := c.Stop(); err != nil {
		t.Fatal(err)
	}
	o.Linger = 100 * time.Millisecond
	second := join(t, o)
	exec1(t, second, "postgres", "SELECT 1")
	leave(t, second)
}

func TestJoinTellsWhyTheSupervisorFailed(t *testing.T) {
	dir := dirFor(t)
	if err := os.MkdirAll(filepath.Join(dir, "data"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "data", "PG_VERSION"), []byte("9\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	_, err := Join(t.Context(), Options{Dir: dir})
	if err == nil || !strings.Contains(err.Error(), "PostgreSQL server 9") {
		t.Errorf("got %v; want the supervisor's own error", err)
	}
}

func TestSharedDirIsOnePerCheckout(t *testing.T) {
	a, err := SharedDir("/somewhere/one")
	if err != nil {
		t.Fatal(err)
	}
	again, _ := SharedDir("/somewhere/../somewhere/one")
	b, _ := SharedDir("/somewhere/two")
	if a != again || a == b {
		t.Errorf("%q, %q, %q: want the first two the same, and the third another", a, again, b)
	}
	if root := moduleRoot(); gone(filepath.Join(root, "go.mod")) {
		t.Errorf("no go.mod in %s", root)
	}
}

func TestSweepTakesTheDeadAndLeavesTheLiving(t *testing.T) {
	parent := t.TempDir()
	t.Setenv("TMPDIR", parent)
	dead, living := filepath.Join(parent, sharedPrefix()+"dead"), filepath.Join(parent, sharedPrefix()+"living")
	for _, dir := range []string{dead, living} {
		if err := makeDir(dir); err != nil {
			t.Fatal(err)
		}
		if err := os.Mkdir(filepath.Join(dir, "data"), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	guard, err := lockDir(t.Context(), living)
	if err != nil {
		t.Fatal(err)
	}
	defer guard.Close()
	sweep("")
	if !gone(dead) {
		t.Error("the dead one is still there")
	}
	if gone(filepath.Join(living, "data")) {
		t.Error("the living one lost its data")
	}
}
