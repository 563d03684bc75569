// Package chaos takes parts of a working platform away and looks at what its users notice: acknowledged work that is lost,
// another tenant's rows, or a platform that does not come back by itself.
package chaos

import (
	"bytes"
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"lignum/api"
	"lignum/api/areas"
	"lignum/domain/identity"
	"lignum/infra/config"
	"lignum/infra/localcluster"
	"lignum/policy"
	"lignum/tenants"
	"lignum/tenants/audit"
	"lignum/tenants/provision"
	"lignum/tests/load"
	"lignum/tests/school"
	"lignum/tests/tenth"
	"lignum/tests/testkit"
)

func TestMain(m *testing.M) {
	localcluster.SuperviseIfAsked()
	workIfAsked()
	testkit.Main(m)
}

// platform is an installation of its own: a cluster that may be hurt, two tenants, and the API on a real port.
type platform struct {
	cluster  *localcluster.Cluster
	store    *tenants.Store
	rooms    map[string]school.Room
	dbs      map[string]*tenants.DB
	registry *tenants.Registry
	key      []byte
	addr     string
	client   *http.Client
}

func start(t *testing.T) *platform {
	t.Helper()
	return startWith(t, testkit.Fixtures[:2])
}

func startWith(t *testing.T, specs []provision.Spec) *platform {
	t.Helper()
	ctx := t.Context()
	dir, err := os.MkdirTemp("", "lignum-chaos")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	p := &platform{rooms: map[string]school.Room{}, dbs: map[string]*tenants.DB{}}
	// Durable, as in production: what was acknowledged must survive a crash of the database.
	if p.cluster, err = localcluster.Start(ctx, localcluster.Options{Dir: dir + "/c", Name: "chaos"}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := p.cluster.Stop(); err != nil {
			t.Errorf("the cluster's end: %v", err)
		}
	})
	if err := p.cluster.PrepareDatabase(ctx, "lignum"); err != nil {
		t.Fatal(err)
	}
	key := []byte(strings.Repeat("c", 32))
	vault, err := tenants.NewVault(key)
	if err != nil {
		t.Fatal(err)
	}
	prov := &provision.Provisioner{DirectDSN: p.cluster.DirectDSN("lignum"), Installation: "chaos", Vault: vault, ProxyRole: "pgbouncer_auth", FirstAdministrator: identity.FirstAdministrator}
	if _, err := prov.Install(ctx); err != nil {
		t.Fatal(err)
	}
	for _, spec := range specs {
		if _, err := prov.Create(ctx, spec, audit.Actor{Name: "chaos"}); err != nil {
			t.Fatal(err)
		}
	}
	p.store, err = tenants.NewStore(tenants.StoreConfig{Vault: vault, Connections: 16,
		Writer: tenants.Endpoint{Host: p.cluster.ProxyHost(), Port: p.cluster.ProxyPort(), Database: "lignum"}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.store.Close)
	registry, err := tenants.NewRegistry(ctx, p.store.DB(tenants.PlatformRealm("chaos")), "localhost")
	if err != nil {
		t.Fatal(err)
	}
	for _, tenant := range registry.Tenants() {
		p.dbs[tenant.Slug] = p.store.DB(tenant.Realm())
	}
	p.registry, p.key = registry, key
	return p
}

// school gives each tenant learners and lessons, and serves them.
func (p *platform) school(t *testing.T) *platform {
	t.Helper()
	for slug, db := range p.dbs {
		p.rooms[slug] = school.NewRoom(t, db, 3, 6)
	}
	p.serve(t, p.registry, p.key)
	return p
}

func (p *platform) serve(t *testing.T, registry *tenants.Registry, key []byte) {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p.addr = ln.Addr().String()
	rules, err := policy.NewEngine(nil)
	if err != nil {
		t.Fatal(err)
	}
	server, err := api.New(api.Deps{Store: p.store, Registry: registry, Rules: rules, Log: slog.New(slog.DiscardHandler), Version: "chaos",
		Config: &config.Config{Listen: p.addr, MetricsListen: "127.0.0.1:0", BaseDomain: "localhost", Scheme: "http", PublicPort: ln.Addr().(*net.TCPAddr).Port,
			Installation: "chaos", MasterKey: base64.StdEncoding.EncodeToString(key), Proxy: "x:1", DrainTime: time.Second, LogLevel: "error"}})
	if err != nil {
		t.Fatal(err)
	}
	areas.Register(server)
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- server.Serve(ctx, ln) }()
	t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("the server ended with %v", err)
		}
	})
	p.client = &http.Client{Timeout: 15 * time.Second, Transport: &http.Transport{MaxIdleConnsPerHost: 32,
		DialContext: func(ctx context.Context, network, _ string) (net.Conn, error) {
			return (&net.Dialer{}).DialContext(ctx, network, p.addr)
		}}}
}

func (p *platform) url(slug, path string) string {
	_, port, _ := net.SplitHostPort(p.addr)
	return "http://" + slug + ".localhost:" + port + path
}

// worker is one learner who reports progress in one lesson again and again; acked is the last report that got a 200.
type worker struct {
	slug            string
	learner, lesson int
	acked           int64
	answers         map[int]int
}

func (w *worker) work(p *platform, stop *atomic.Bool, token string, total *atomic.Int64) error {
	room := p.rooms[w.slug]
	for n := int64(1); !stop.Load(); {
		body := fmt.Sprintf(`{"percent":%d,"seconds":%d,"counter":%d}`, min(99, n%100), n, n)
		req, err := http.NewRequest("PUT", p.url(w.slug, "/api/v1/lessons/"+room.Lessons[w.lesson].String()+"/progress"), bytes.NewBufferString(body))
		if err != nil {
			return err
		}
		req.Header.Set("Authorization", "Bearer "+token)
		req.Header.Set("Content-Type", "application/json")
		res, err := p.client.Do(req)
		if err != nil {
			return fmt.Errorf("the API itself must stay: %w", err)
		}
		text, _ := io.ReadAll(io.LimitReader(res.Body, 4096))
		res.Body.Close()
		w.answers[res.StatusCode]++
		switch res.StatusCode {
		case http.StatusOK:
			w.acked = n
			n++
			total.Add(1)
		case http.StatusServiceUnavailable:
			if res.Header.Get("Retry-After") == "" {
				return errors.New("a 503 without Retry-After")
			}
			time.Sleep(50 * time.Millisecond) // the same report again
		default:
			return fmt.Errorf("%d: %s", res.StatusCode, text)
		}
	}
	return nil
}

func (p *platform) ready() int {
	res, err := p.client.Get(p.url("jamaica", "/readyz"))
	if err != nil {
		return 0
	}
	res.Body.Close()
	return res.StatusCode
}

// until waits for something that must come true by itself, for half a minute.
func until(t *testing.T, what string, true func() bool) {
	t.Helper()
	within(t, 30*time.Second, what, true)
}

func within(t *testing.T, most time.Duration, what string, true func() bool) {
	t.Helper()
	for range most / (50 * time.Millisecond) {
		if true() {
			return
		}
		time.Sleep(50 * time.Millisecond)
	}
	t.Fatalf("after %s still not: %s", most, what)
}

func TestRestartsUnderLoadLoseNoAcknowledgedWrite(t *testing.T) {
	p := start(t).school(t)
	var stop atomic.Bool
	total := map[string]*atomic.Int64{} // acknowledged reports of each tenant
	var workers []*worker
	var wg sync.WaitGroup
	for slug, room := range p.rooms {
		done := &atomic.Int64{}
		total[slug] = done
		desk, err := load.NewDesk(t.Context(), p.dbs[slug], p.url(slug, ""))
		if err != nil {
			t.Fatal(err)
		}
		for i, id := range room.Learners {
			token, err := desk.Token(load.Person{ID: id, UserName: school.UserName(id), Roles: []string{"student"}})
			if err != nil {
				t.Fatal(err)
			}
			w := &worker{slug: slug, learner: i, lesson: i % len(room.Lessons), answers: map[int]int{}}
			workers = append(workers, w)
			wg.Go(func() {
				if err := w.work(p, &stop, token, done); err != nil {
					t.Errorf("%s, learner %d: %v", w.slug, w.learner, err)
				}
			})
		}
	}
	defer wg.Wait()
	defer stop.Store(true)
	// Every tenant has server connections of its own: that one came back says nothing of another.
	goesOn := func(after string) {
		t.Helper()
		marks := map[string]int64{}
		for slug, n := range total {
			marks[slug] = n.Load()
		}
		for slug, n := range total {
			until(t, slug+"'s work goes on "+after, func() bool { return n.Load() > marks[slug]+100 })
		}
	}
	goesOn("at the start")
	if got := p.ready(); got != http.StatusOK {
		t.Fatalf("readyz is %d before anything has happened", got)
	}
	type step struct {
		name string
		do   func(ctx context.Context) error
	}
	steps := []step{
		{"after PgBouncer was restarted", p.cluster.RestartPgBouncer},
		{"after PostgreSQL was restarted", p.cluster.RestartPostgres},
		{"after PostgreSQL crashed and came back", func(ctx context.Context) error {
			if err := p.cluster.StopPostgres(ctx, localcluster.Immediate); err != nil {
				return err
			}
			until(t, "readyz is red while the database is away", func() bool { return p.ready() == http.StatusServiceUnavailable })
			return p.cluster.StartPostgres(ctx)
		}},
	}
	for _, s := range tenth.Of(t, steps) {
		if err := s.do(t.Context()); err != nil {
			t.Fatalf("%s: %v", s.name, err)
		}
		goesOn(s.name)
		until(t, "readyz is green "+s.name, func() bool { return p.ready() == http.StatusOK })
	}
	stop.Store(true)
	wg.Wait()

	refused, acknowledged := 0, int64(0)
	for _, n := range total {
		acknowledged += n.Load()
	}
	for _, w := range workers {
		refused += w.answers[http.StatusServiceUnavailable]
		room := p.rooms[w.slug]
		var counter, entries int64
		err := p.dbs[w.slug].ReadFresh(t.Context(), func(r *tenants.Reader) error {
			return r.QueryRow(t.Context(), `SELECT (SELECT counter FROM lesson_progress WHERE learner_id = $1::uuid AND lesson_id = $2::uuid),
				(SELECT count(*) FROM audit_entries WHERE actor_id = $1::uuid AND action = 'progress.record' AND outcome = 'done')`,
				room.Learners[w.learner].String(), room.Lessons[w.lesson].String()).Scan(&counter, &entries)
		})
		if err != nil {
			t.Fatal(err)
		}
		// One more than acknowledged may be there: written, and the answer lost.
		if counter < w.acked || counter > w.acked+1 {
			t.Errorf("%s, learner %d: acknowledged up to %d, stored %d", w.slug, w.learner, w.acked, counter)
		}
		if entries != counter {
			t.Errorf("%s, learner %d: %d changes, %d entries in the trail", w.slug, w.learner, counter, entries)
		}
	}
	for slug, db := range p.dbs {
		var ids []string
		for _, id := range p.rooms[slug].Learners {
			ids = append(ids, id.String())
		}
		var foreign int
		err := db.ReadFresh(t.Context(), func(r *tenants.Reader) error {
			return r.QueryRow(t.Context(), `SELECT (SELECT count(*) FROM lesson_progress WHERE learner_id <> ALL ($1::text[]::uuid[])) +
				(SELECT count(*) FROM audit_entries WHERE action = 'progress.record' AND actor_id <> ALL ($1::text[]::uuid[]))`, ids).Scan(&foreign)
		})
		if err != nil {
			t.Fatal(err)
		}
		if foreign != 0 {
			t.Errorf("%s has %d rows of people it does not know", slug, foreign)
		}
	}
	t.Logf("%d reports acknowledged, %d times asked to come back", acknowledged, refused)
	if refused == 0 {
		t.Error("nobody noticed anything: the restarts did not hit the load")
	}
}
