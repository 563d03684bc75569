package tenants_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math"
	"os"
	"os/exec"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"golang.org/x/sync/errgroup"

	"lignum/infra/localcluster"
	"lignum/infra/pooling"
	"lignum/tenants"
	"lignum/tests/testkit"
)

// serverVar has the test binary be a serving process on the endpoint that it holds as JSON, and tell its slots as they change.
const serverVar = "TENANTS_TEST_SERVER"

func TestMain(m *testing.M) {
	if end := os.Getenv(serverVar); end != "" {
		if err := serve(end); err != nil {
			fmt.Println("failed:", err)
			os.Exit(1)
		}
		return
	}
	testkit.Main(m)
}

// A server is what one of several serving processes is told.
type server struct {
	Writer, Reader tenants.Endpoint
	Capacity       tenants.Capacity
}

func (s server) join(ctx context.Context, log *slog.Logger) (*tenants.Store, *tenants.Registry, *tenants.Process, error) {
	vault, err := tenants.NewVault(testkit.MasterKey)
	if err != nil {
		return nil, nil, nil, err
	}
	store, err := tenants.NewStore(tenants.StoreConfig{Vault: vault, Writer: s.Writer, Reader: s.Reader, Connections: tenants.Slots(s.Capacity.Cores)})
	if err != nil {
		return nil, nil, nil, err
	}
	registry, err := tenants.NewRegistry(ctx, store.DB(tenants.PlatformRealm(testkit.Installation)), "localhost")
	if err != nil {
		return nil, nil, nil, err
	}
	p, err := tenants.Join(ctx, store, registry, fmt.Sprintf("test %d", os.Getpid()), s.Capacity, log)
	return store, registry, p, err
}

// serve is the whole of such a process. It ends in order when its input does.
func serve(text string) error {
	var s server
	if err := json.Unmarshal([]byte(text), &s); err != nil {
		return err
	}
	ctx, stop := context.WithCancel(context.Background())
	defer stop()
	store, registry, p, err := s.join(ctx, slog.New(slog.DiscardHandler))
	if err != nil {
		return err
	}
	go registry.Watch(ctx, 200*time.Millisecond, func(error) {})
	go func() {
		_, _ = io.Copy(io.Discard, os.Stdin)
		stop()
	}()
	for last := 0; ctx.Err() == nil; time.Sleep(20 * time.Millisecond) {
		if n, _ := store.Slots(); n != last {
			fmt.Println("slots", n)
			last = n
		}
	}
	return p.Leave(context.Background())
}

// A child is a serving process of its own.
type child struct {
	cmd   *exec.Cmd
	in    io.Closer
	slots atomic.Int64
}

func start(t *testing.T, s server) *child {
	t.Helper()
	text, err := json.Marshal(s)
	if err != nil {
		t.Fatal(err)
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	c := &child{cmd: exec.Command(self)}
	c.cmd.Env = append(os.Environ(), serverVar+"="+string(text))
	out, err := c.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if c.in, err = c.cmd.StdinPipe(); err != nil {
		t.Fatal(err)
	}
	if err := c.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = c.cmd.Process.Kill() // it may have ended
		_ = c.cmd.Wait()
	})
	go func() {
		for lines := bufio.NewScanner(out); lines.Scan(); {
			var n int64
			if _, err := fmt.Sscanf(lines.Text(), "slots %d", &n); err != nil {
				t.Errorf("a process said %q", lines.Text())
				return
			}
			c.slots.Store(n)
		}
	}()
	return c
}

// reach waits until the processes have just these shares, in any order.
func reach(t *testing.T, what string, children []*child, want ...int64) {
	t.Helper()
	var have []int64
	for deadline := time.Now().Add(time.Minute); time.Now().Before(deadline); time.Sleep(20 * time.Millisecond) {
		have = have[:0]
		left := append([]int64(nil), want...)
		for _, c := range children {
			n := c.slots.Load()
			have = append(have, n)
			for i := range left {
				if left[i] == n {
					left = append(left[:i], left[i+1:]...)
					break
				}
			}
		}
		if len(left) == 0 {
			return
		}
	}
	t.Fatalf("%s: shares of %v, want %v", what, have, want)
}

func endpoint(w *testkit.World) tenants.Endpoint {
	return tenants.Endpoint{Host: w.Cluster.ProxyHost(), Port: w.Cluster.ProxyPort(), Database: w.Database}
}

// Three processes of a database with five processors share its fifteen slots, each with its own word. One that ends gives its share to
// the others, and so does one that is killed, which says nothing any more.
func TestProcessesShareTheDatabase(t *testing.T) {
	w := testkit.New(t)
	s := server{Writer: endpoint(w), Capacity: tenants.Capacity{Cores: 5}}
	first := start(t, s)
	reach(t, "alone", []*child{first}, 15)
	second := start(t, s)
	reach(t, "two", []*child{first, second}, 8, 7)
	third := start(t, s)
	reach(t, "three", []*child{first, second, third}, 5, 5, 5)
	if err := second.in.Close(); err != nil {
		t.Fatal(err)
	}
	reach(t, "one has ended", []*child{first, third}, 8, 7)
	if err := third.cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	reach(t, "one was killed", []*child{first}, 15)
	var rows int
	if err := w.Direct(t).QueryRow(t.Context(), "SELECT count(*) FROM control.processes WHERE seen_at > now() - interval '10 seconds'").Scan(&rows); err != nil || rows != 1 {
		t.Errorf("%d processes say that they are there, %v", rows, err)
	}
}

// The autoscaler's word goes before the setting while it is fresh, at each endpoint by itself; a figure that the pooler cannot carry is
// cut to what it can. In the midst of this nobody who works or waits is refused.
func TestSharesFollowTheSizeOfTheDatabase(t *testing.T) {
	w := testkit.New(t)
	reader := endpoint(w)
	reader.Host = "localhost" // the same pooler by another name: an endpoint of its own
	var said bytes.Buffer
	var mu sync.Mutex
	log := slog.New(slog.NewTextHandler(writerFunc(func(b []byte) (int, error) {
		mu.Lock()
		defer mu.Unlock()
		return said.Write(b)
	}), nil))
	store, registry, p, err := server{endpoint(w), reader, tenants.Capacity{Cores: 1, Pooler: 60}}.join(t.Context(), log)
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	defer func() {
		if err := p.Leave(context.Background()); err != nil {
			t.Error(err)
		}
	}()
	busy, stop := context.WithCancel(t.Context())
	defer stop()
	var work errgroup.Group
	for range 20 {
		work.Go(func() error {
			for busy.Err() == nil {
				if err := store.DB(w.Tenant("jamaica").Realm()).Ping(context.Background()); err != nil {
					return err
				}
			}
			return nil
		})
	}
	direct := w.Direct(t)
	for _, step := range []struct {
		writer, readers float64
		age             string
		slots, others   int
	}{
		{4, 0, "0", 12, 3},
		{0.5, 2.25, "0", 2, 7},
		{64, 1, "0", 59, 3},
		{4, 4, "20 minutes", 3, 3},
	} {
		if _, err := direct.Exec(t.Context(), "SELECT gate.publish_capacity($1, $2)", step.writer, step.readers); err != nil {
			t.Fatal(err)
		}
		if _, err := direct.Exec(t.Context(), "UPDATE control.database_capacity SET said_at = now() - $1::text::interval", step.age); err != nil {
			t.Fatal(err)
		}
		if err := registry.Refresh(t.Context()); err != nil {
			t.Fatal(err)
		}
		if a, b := store.Slots(); a != step.slots || b != step.others {
			t.Errorf("writer %g and readers %g, %s old: %d and %d slots, want %d and %d", step.writer, step.readers, step.age, a, b, step.slots, step.others)
		}
	}
	stop()
	if err := work.Wait(); err != nil {
		t.Errorf("somebody was refused: %v", err)
	}
	mu.Lock()
	defer mu.Unlock()
	if text := said.String(); !strings.Contains(text, "busy_at_once=192") || !strings.Contains(text, "pooler_connections=60") {
		t.Errorf("the log names not both numbers: %s", text)
	}
}

type writerFunc func([]byte) (int, error)

func (f writerFunc) Write(b []byte) (int, error) { return f(b) }

// A process that is told to end while it joins joins first, and leaves as any other does: nothing of it stays.
func TestEndsWhileItJoins(t *testing.T) {
	w := testkit.New(t)
	lock, err := w.Direct(t).Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := lock.Exec(t.Context(), "LOCK TABLE control.processes IN EXCLUSIVE MODE"); err != nil {
		t.Fatal(err)
	}
	ctx, end := context.WithCancel(t.Context())
	var p *tenants.Process
	joined := make(chan error, 1)
	go func() {
		var err error
		p, err = tenants.Join(ctx, w.Store, w.Registry, "test", tenants.Capacity{Cores: 1}, slog.New(slog.DiscardHandler))
		joined <- err
	}()
	direct := w.Direct(t)
	for waits := 0; waits == 0; time.Sleep(5 * time.Millisecond) {
		if err := direct.QueryRow(t.Context(), "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'").Scan(&waits); err != nil {
			t.Fatal(err)
		}
	}
	end()
	if err := lock.Commit(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := <-joined; err != nil {
		t.Fatal(err)
	}
	if err := p.Leave(t.Context()); err != nil {
		t.Error(err)
	}
	var left int
	if err := direct.QueryRow(t.Context(), "SELECT count(*) FROM control.processes").Scan(&left); err != nil || left != 0 {
		t.Errorf("%d are left, %v", left, err)
	}
}

// Slots that the pooler cannot carry are refused at the start, by name and number; a pooler that the server cannot carry is told.
func TestSlotsAreComparedWithThePooler(t *testing.T) {
	w := testkit.New(t)
	sizes := w.Cluster.Sizes()
	var said bytes.Buffer
	log := slog.New(slog.NewTextHandler(&said, nil))
	for _, c := range []struct {
		capacity tenants.Capacity
		refused  []string // words of the error; none: it is taken
		warned   []string
	}{
		{tenants.Capacity{Cores: 10, Pooler: 30}, []string{"30 transactions", "30 connections", "LIGNUM_DATABASE_CORES", "max_db_connections"}, nil},
		{tenants.Capacity{Cores: 10, Pooler: 31}, nil, nil},
		{tenants.Capacity{Cores: 200}, []string{"600 transactions", fmt.Sprint(sizes.Pooler, " connections")}, nil},
		{tenants.Capacity{Cores: 1}, nil, nil},
		{tenants.Capacity{Cores: 1, Pooler: sizes.Server}, nil, []string{fmt.Sprint("LIGNUM_POOLER_CONNECTIONS=", sizes.Server), fmt.Sprint("max_connections=", sizes.Server)}},
	} {
		said.Reset()
		store, _, p, err := server{Writer: endpoint(w), Capacity: c.capacity}.join(t.Context(), log)
		switch {
		case err == nil && c.refused != nil:
			t.Errorf("%+v was taken", c.capacity)
		case err != nil && c.refused == nil:
			t.Errorf("%+v: %v", c.capacity, err)
		}
		for _, words := range c.refused {
			if err != nil && !strings.Contains(err.Error(), words) {
				t.Errorf("%+v: %q is not in: %v", c.capacity, words, err)
			}
		}
		for _, words := range c.warned {
			if !strings.Contains(said.String(), words) {
				t.Errorf("%+v: %q is not in: %s", c.capacity, words, &said)
			}
		}
		if c.warned == nil && said.Len() > 0 {
			t.Errorf("%+v: %s", c.capacity, &said)
		}
		if p != nil {
			if err := p.Leave(t.Context()); err != nil {
				t.Error(err)
			}
		}
		if store != nil {
			store.Close()
		}
	}
}

func TestSlotsOfADatabase(t *testing.T) {
	for cores, want := range map[float64]int{0.25: 2, 0.5: 2, 1: 3, 1.25: 4, 2: 6, 8: 24, 64: 192} {
		if n := tenants.Slots(cores); n != want {
			t.Errorf("%g processors: %d slots, want %d", cores, n, want)
		}
	}
	if n := tenants.Slots(math.Nextafter(2, 0)); n != 6 {
		t.Errorf("a little less than two processors: %d slots", n)
	}
	sizes, err := pooling.For(pooling.Usual)
	if err != nil {
		t.Fatal(err)
	}
	for _, plan := range tenants.Plans { // or a login is refused where it should wait, while a backend that was told to end still counts
		if n := sizes.Login; int64(n)+4 > plan.Limits.Connections {
			t.Errorf("the pooler opens %d backends for a login of the plan %s, whose role may have %d", n, plan.Name, plan.Limits.Connections)
		}
	}
}

// Twice as many tenants as the pooler may have backends work through one store, several at once, with pools kept for only a few of
// them: nobody is refused, neither by the database nor because a pool was closed under those who use it.
func TestManyTenantsActiveInTurn(t *testing.T) {
	dir, err := os.MkdirTemp("", "lignum-many")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	if err := os.Chmod(dir, 0o755); err != nil { // for the servers' user
		t.Fatal(err)
	}
	c, err := localcluster.Start(t.Context(), localcluster.Options{Dir: dir + "/c", Name: "many", Ephemeral: true, MaxConnections: 30})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := c.Stop(); err != nil {
			t.Error(err)
		}
	})
	if err := c.PrepareDatabase(t.Context(), "lignum"); err != nil {
		t.Fatal(err)
	}
	vault, err := tenants.NewVault(testkit.MasterKey)
	if err != nil {
		t.Fatal(err)
	}
	const lands, slots = 60, 4
	direct, err := pgx.Connect(t.Context(), c.DirectDSN("lignum"))
	if err != nil {
		t.Fatal(err)
	}
	defer direct.Close(t.Context())
	var realms []tenants.Realm
	for i := range lands {
		login := fmt.Sprintf("many_land%d", i)
		realms = append(realms, tenants.Realm{Slug: fmt.Sprintf("land%d", i), Schema: "public", Login: login})
		if _, err := direct.Exec(t.Context(), fmt.Sprintf("CREATE ROLE %[1]s LOGIN CONNECTION LIMIT 20 PASSWORD '%[2]s'; GRANT CONNECT ON DATABASE lignum TO %[1]s", login, vault.RolePassword(login))); err != nil {
			t.Fatal(err)
		}
	}
	store, err := tenants.NewStore(tenants.StoreConfig{Vault: vault, Connections: slots, Realms: 8,
		Writer: tenants.Endpoint{Host: c.ProxyHost(), Port: c.ProxyPort(), Database: "lignum"}})
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	var turn atomic.Int64
	var work errgroup.Group
	for range 3 * slots {
		work.Go(func() error {
			for {
				n := turn.Add(1) - 1
				if n >= 5*lands {
					return nil
				}
				realm := realms[n%lands]
				err := store.DB(realm).ReadFresh(t.Context(), func(r *tenants.Reader) error {
					for range 3 {
						var who string
						if err := r.QueryRow(t.Context(), "SELECT session_user").Scan(&who); err != nil || who != realm.Login {
							return errors.Join(err, fmt.Errorf("as %q", who))
						}
					}
					return nil
				})
				if err != nil {
					return fmt.Errorf("request %d, of %s: %w", n, realm.Slug, err)
				}
			}
		})
	}
	if err := work.Wait(); err != nil {
		t.Error(err)
	}
}

// Beside a noisy tenant with sixty requests at a time, its neighbour with four, on two processes of a database with two processors,
// gets the half that is its due, or half of that at least. With 40 busy at once in each process it got a sixteenth: what is let in
// all at once is no longer shared out.
func TestANeighbourKeepsItsShareBesideANoisyTenant(t *testing.T) {
	w := testkit.New(t)
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	var noise atomic.Int64
	var all sync.WaitGroup
	work := func(store *tenants.Store, slug string) error {
		return store.DB(w.Tenant(slug).Realm()).ReadFresh(t.Context(), func(r *tenants.Reader) error {
			time.Sleep(4 * time.Millisecond)
			var one int
			return r.QueryRow(t.Context(), "SELECT 1").Scan(&one)
		})
	}
	var stores []*tenants.Store
	for range 2 {
		store, registry, p, err := server{Writer: endpoint(w), Capacity: tenants.Capacity{Cores: 2}}.join(t.Context(), slog.New(slog.DiscardHandler))
		if err != nil {
			t.Fatal(err)
		}
		defer store.Close()
		defer func() {
			if err := p.Leave(context.Background()); err != nil {
				t.Error(err)
			}
		}()
		stores = append(stores, store)
		go registry.Watch(ctx, 100*time.Millisecond, func(error) {})
	}
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(10 * time.Millisecond) {
		if a, _ := stores[0].Slots(); a == tenants.Slots(2)/2 {
			break
		} else if time.Now().After(deadline) {
			t.Fatalf("the first still has %d slots", a)
		}
	}
	for _, store := range stores {
		for range 30 {
			all.Go(func() {
				for ctx.Err() == nil {
					if err := work(store, "jamaica"); err != nil {
						t.Error(err)
						return
					}
					noise.Add(1)
				}
			})
		}
	}
	for noise.Load() < 200 { // until each has its connection
		time.Sleep(time.Millisecond)
	}
	const asked = 50
	var neighbour errgroup.Group
	before := noise.Load()
	for i := range 4 {
		neighbour.Go(func() error {
			for range asked {
				if err := work(stores[i%2], "bahamas"); err != nil {
					return err
				}
			}
			return nil
		})
	}
	if err := neighbour.Wait(); err != nil {
		t.Error(err)
	}
	beside := noise.Load() - before
	stop()
	all.Wait()
	t.Logf("%d of the neighbour, %d of the noisy tenant beside them", 4*asked, beside)
	if beside > 3*4*asked {
		t.Errorf("the neighbour got %d, the noisy tenant %d meanwhile: less than half of its half", 4*asked, beside)
	}
}
