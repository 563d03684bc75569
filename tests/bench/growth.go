package main

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"lignum/domain/catalog"
	"lignum/domain/catalog/pack"
	"lignum/domain/catalog/packs"
	"lignum/domain/people"
	"lignum/infra/localcluster"
	"lignum/tenants"
	"lignum/tenants/audit"
)

// What grows with the tenant: every page and list of each role, asked for in a tenant of thirty learners and in one of the reference's
// size with ten million entries in its trail. The statements of a request must be as many in both, and its processor time, of the API and of the
// database together, at most twice in the large one what it is in the small. Processor time is read from the scheduler in
// nanoseconds, since a clock on the wall would measure the machine's other users.
const (
	growthDir      = ".lignum/growth" // the tenants stay there: filling them takes minutes, measuring does not
	growthGoal     = 2.0
	growthDatabase = "lignum"
	growthSmall    = "few"
	growthLarge    = "many"
)

// growthEntries can be lowered, for a quick look at what does not touch the trail; the small tenant has as many a learner.
var growthCountries = []country{{growthSmall, 30, 3, 6_800}, {growthLarge, 44_025, 900, 10_000_000}}

// growthBench is an installation that is kept, and an API on it.
type growthBench struct {
	cluster     *localcluster.Cluster
	store       *tenants.Store
	registry    *tenants.Registry
	provisioner *tenants.Provisioner
	vault       *tenants.Vault
	conn        *pgx.Conn // direct
	address     string
	apiPID      int
	client      *http.Client
	say         func(string)
}

// grown is what one page or list costs in both tenants.
type grown struct {
	Role, Name string
	Small      growthCost
	Large      growthCost
	Ratio      float64 // of processor time
}

// growthCost is of one request.
type growthCost struct {
	Statements int64   // sent by the tenant's login
	Database   float64 // microseconds of PostgreSQL's processor time
	API        float64 // microseconds of the API's
	Bytes      int
	Status     int
}

func (c growthCost) sum() float64 { return c.Database + c.API }

// failed tells what is wrong with a page's growth; "" nothing.
func (g grown) failed() string {
	switch {
	case g.Small.Status != g.Large.Status:
		return fmt.Sprintf("answers %d and %d", g.Small.Status, g.Large.Status)
	case g.Small.Statements != g.Large.Statements:
		return fmt.Sprintf("sends %d statements and %d", g.Small.Statements, g.Large.Statements)
	case g.Ratio > growthGoal:
		return fmt.Sprintf("costs %.1f times as much", g.Ratio)
	}
	return ""
}

// growth measures it. match, where it is not empty, is a part of the role and name of what is asked for.
func growth(ctx context.Context, match string, say func(string)) (pages []grown, err error) {
	g := &growthBench{say: say, client: &http.Client{Timeout: 60 * time.Second, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}}
	defer func() { err = errors.Join(err, g.close()) }()
	if err := g.start(ctx); err != nil {
		return nil, err
	}
	for _, c := range growthCountries {
		if err := g.prepare(ctx, c); err != nil {
			return nil, err
		}
	}
	stop, err := g.serve(ctx)
	if err != nil {
		return nil, err
	}
	defer stop()
	var asks [2]map[string]growthAsk
	for i, c := range growthCountries {
		if asks[i], err = g.asks(ctx, c, i == 0); err != nil {
			return nil, err
		}
	}
	for _, name := range slices.Sorted(maps.Keys(asks[0])) {
		small, large := asks[0][name], asks[1][name]
		if large.path == "" || match != "" && !strings.Contains(name, match) {
			continue
		}
		page, err := g.compare(ctx, small, large)
		if err != nil {
			return pages, fmt.Errorf("%s: %w", name, err)
		}
		pages = append(pages, page)
		if page.failed() != "" || match != "" {
			say(page.line())
		}
	}
	return pages, g.keep(pages)
}

// growing is the part: it prints every page that costs more than twice as much in the large country, or sends more statements there.
func growing(ctx context.Context, b *bench) ([]figure, error) {
	pages, err := growth(ctx, b.match, func(line string) { fmt.Println("  " + line) })
	if err != nil {
		return nil, err
	}
	failed, most := 0, 0.0
	for _, p := range pages {
		most = max(most, p.Ratio)
		if p.failed() != "" {
			failed++
		}
	}
	return []figure{
		told("growth: pages and lists measured at 30 and at 44,025 learners", float64(len(pages)), ""),
		atMost("growth: of these that grow with the tenant", float64(failed), "", 0),
		told("growth: the most that one costs at 44,025 learners, to 30", most, "times"),
	}, nil
}

func (g grown) line() string {
	return fmt.Sprintf("%-22s %-72s %5.2f  %6.0f+%-6.0f %7.0f+%-7.0f %s", g.Role, g.Name, g.Ratio, g.Small.API, g.Small.Database, g.Large.API, g.Large.Database, g.failed())
}

func (g *growthBench) keep(pages []grown) error {
	raw, err := json.MarshalIndent(pages, "", "  ")
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(filepath.Dir(growthDir), "growth.json"), raw, 0o644)
}

func (g *growthBench) start(ctx context.Context) (err error) {
	if g.cluster, err = localcluster.Start(ctx, localcluster.Options{Dir: growthDir, Name: "growth", Log: slog.New(slog.DiscardHandler)}); err != nil {
		return err
	}
	if err := g.cluster.PrepareDatabase(ctx, growthDatabase); err != nil {
		return err
	}
	if g.conn, err = pgx.Connect(ctx, g.cluster.DirectDSN(growthDatabase)); err != nil {
		return err
	}
	// Nothing here is worth a flush to the disk.
	for _, s := range []string{"fsync = off", "full_page_writes = off", "synchronous_commit = off", "max_wal_size = '4GB'", "pg_stat_statements.track_planning = on"} {
		if _, err := g.conn.Exec(ctx, "ALTER SYSTEM SET "+s); err != nil {
			return err
		}
	}
	if _, err := g.conn.Exec(ctx, "SELECT pg_reload_conf()"); err != nil {
		return err
	}
	if _, err := g.conn.Exec(ctx, "CREATE EXTENSION IF NOT EXISTS pg_stat_statements SCHEMA public"); err != nil {
		return err
	}
	if g.vault, err = tenants.NewVault([]byte(strings.Repeat("k", 32))); err != nil {
		return err
	}
	g.provisioner = &tenants.Provisioner{DirectDSN: g.cluster.DirectDSN(growthDatabase), Installation: "growth", Vault: g.vault, ProxyRole: "pgbouncer_auth"}
	if _, err := g.provisioner.Install(ctx); err != nil {
		return err
	}
	results, err := g.provisioner.MigrateAll(ctx, 1, nil)
	if err != nil {
		return err
	}
	for _, r := range results {
		if r.Err != nil {
			return r.Err
		}
		if len(r.Applied) > 0 {
			g.say(fmt.Sprintf("  %s: %s applied in %.1f s", r.Realm, strings.Join(r.Applied, ", "), r.Took.Seconds()))
		}
	}
	if g.store, err = tenants.NewStore(tenants.StoreConfig{Vault: g.vault, Connections: 4,
		Writer: tenants.Endpoint{Host: g.cluster.ProxyHost(), Port: g.cluster.ProxyPort(), Database: growthDatabase}}); err != nil {
		return err
	}
	g.registry, err = tenants.NewRegistry(ctx, g.store.DB(tenants.PlatformRealm("growth")), "localhost")
	return err
}

// prepare makes a tenant with a course of the repository and fills it.
func (g *growthBench) prepare(ctx context.Context, c country) error {
	t, err := g.registry.Tenant(c.slug)
	if err != nil {
		spec := tenants.Spec{Slug: c.slug, Name: "Country " + c.slug, Country: "JM", Plan: "country", TimeZone: "America/Jamaica", Locale: "en-JM", Currency: "JMD",
			ExamScheme: "CSEC", Colour: "#14532d", Accent: "#eab308", Admin: tenants.Admin{UserName: "admin1", GivenName: "Ada", FamilyName: "Ministrator", Email: "admin@example.org"}}
		if _, err := g.provisioner.Create(ctx, spec, audit.Actor{Name: "bench"}); err != nil {
			return err
		}
		if err := g.registry.Refresh(ctx); err != nil {
			return err
		}
		if t, err = g.registry.Tenant(c.slug); err != nil {
			return err
		}
		lim := t.Limits
		lim.ReadsPerSec, lim.WritesPerSec, lim.SignInsPerSec = 1<<40, 1<<40, 1<<40
		if err := g.store.DB(tenants.PlatformRealm("growth")).Write(ctx, audit.Actor{Name: "bench"}, func(tx *tenants.Tx) error {
			_, err := tenants.SetPlan(ctx, tx, t.Slug, t.Plan, &lim, audit.Entry{Action: "bench.prepare"})
			return err
		}); err != nil {
			return err
		}
		if err := g.course(ctx, t); err != nil {
			return err
		}
	}
	if err := people.EnsureKeys(ctx, g.store.DB(t.Realm()), time.Now().UTC()); err != nil {
		return err
	}
	return c.load(ctx, g.conn, t, g.say)
}

func (g *growthBench) course(ctx context.Context, t *tenants.Tenant) error {
	for _, name := range []string{"csec-principles-of-business", "csec-mathematics"} {
		files, err := packs.Open(name)
		if err != nil {
			return err
		}
		p, err := pack.Read(files)
		if err != nil {
			return err
		}
		if err := g.store.DB(t.Realm()).Write(ctx, audit.Actor{Name: "bench"}, func(tx *tenants.Tx) error {
			_, err := catalog.Import(ctx, tx, p, time.Now().UTC())
			return err
		}); err != nil {
			return err
		}
	}
	return nil
}

func (g *growthBench) serve(ctx context.Context) (stop func(), err error) {
	binary := filepath.Join(growthDir, "lignum")
	build := exec.CommandContext(ctx, "go", "build", "-o", binary, "lignum/api/cmd/lignum")
	build.Stdout, build.Stderr = os.Stderr, os.Stderr
	if err := build.Run(); err != nil {
		return nil, err
	}
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	g.address = ln.Addr().String()
	_, port, _ := net.SplitHostPort(g.address)
	ln.Close()
	dialer := &net.Dialer{}
	g.client.Transport = &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return dialer.DialContext(ctx, "tcp", g.address)
	}}
	cmd := exec.CommandContext(ctx, binary, "serve")
	cmd.Env = append(os.Environ(), "LIGNUM_LISTEN="+g.address, "LIGNUM_METRICS_LISTEN=127.0.0.1:0", "LIGNUM_BASE_DOMAIN=localhost", "LIGNUM_SCHEME=http",
		"LIGNUM_PUBLIC_PORT="+port, "LIGNUM_INSTALLATION=growth", "LIGNUM_MASTER_KEY="+base64.StdEncoding.EncodeToString([]byte(strings.Repeat("k", 32))),
		"LIGNUM_PROXY="+net.JoinHostPort(g.cluster.ProxyHost(), strconv.Itoa(g.cluster.ProxyPort())), "LIGNUM_DATABASE="+growthDatabase, "LIGNUM_SSLMODE=disable",
		"LIGNUM_CONNECTIONS=4", "LIGNUM_LOG_LEVEL=warn")
	cmd.Stdout, cmd.Stderr = io.Discard, os.Stderr
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) }
	cmd.WaitDelay = 10 * time.Second
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	g.apiPID = cmd.Process.Pid
	stop = func() {
		_ = cmd.Process.Signal(os.Interrupt) // it may have ended
		_ = cmd.Wait()
	}
	for range 400 {
		conn, err := net.Dial("tcp", g.address)
		if err == nil {
			conn.Close()
			return stop, nil
		}
		time.Sleep(50 * time.Millisecond)
	}
	stop()
	return nil, errors.New("the API did not start")
}

func (g *growthBench) close() error {
	if g.conn != nil {
		g.conn.Close(context.Background())
	}
	if g.store != nil {
		g.store.Close()
	}
	if g.cluster != nil {
		return g.cluster.Stop()
	}
	return nil
}

// get asks for a page and reads the answer.
func (g *growthBench) get(ctx context.Context, a growthAsk) (int, []byte, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+a.host+a.path, nil)
	if err != nil {
		return 0, nil, err
	}
	token, err := a.who.token(g.issuer(a.who.slug))
	if err != nil {
		return 0, nil, err
	}
	req.Header.Set("Authorization", "Bearer "+token)
	req.Header.Set("Accept", "text/html, application/json")
	res, err := g.client.Do(req)
	if err != nil {
		return 0, nil, err
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	return res.StatusCode, body, err
}

func (g *growthBench) issuer(slug string) string {
	_, port, _ := net.SplitHostPort(g.address)
	return "http://" + slug + ".localhost:" + port
}

// compare asks for a page in both tenants in turn. What is over the goal is measured again, longer: a machine that others use errs upwards.
func (g *growthBench) compare(ctx context.Context, small, large growthAsk) (page grown, err error) {
	for try, requests := range []int{8, 20, 40} {
		again := grown{Role: small.role, Name: small.name}
		if again.Small, err = g.measure(ctx, small, requests); err != nil {
			return again, err
		}
		if again.Large, err = g.measure(ctx, large, requests); err != nil {
			return again, err
		}
		again.Ratio = again.Large.sum() / max(1, again.Small.sum())
		if try == 0 || again.Ratio < page.Ratio {
			page = again
		}
		if page.failed() == "" || page.Ratio > 6 {
			break
		}
	}
	return page, nil
}

func (g *growthBench) measure(ctx context.Context, a growthAsk, requests int) (cost growthCost, err error) {
	for range 2 { // pools, caches and plans
		start := time.Now()
		if cost.Status, _, err = g.get(ctx, a); err != nil {
			return cost, err
		}
		if time.Since(start) > time.Second {
			requests = 1 // plain enough
		}
	}
	pg, api := g.database(), g.api()
	for range requests {
		status, body, err := g.get(ctx, a)
		if err != nil {
			return cost, err
		}
		cost.Status, cost.Bytes = status, len(body)
	}
	cost.Database, cost.API = float64(g.database()-pg)/float64(requests)/1e3, float64(g.api()-api)/float64(requests)/1e3
	cost.Statements, err = g.fewest(ctx, a, min(requests, 4))
	return cost, err
}

// fewest counts the statements of a request: those of the quietest of some, since the minute's work of the API comes in between.
func (g *growthBench) fewest(ctx context.Context, a growthAsk, requests int) (least int64, err error) {
	for i := range requests {
		before, err := g.statements(ctx, a.who.login)
		if err != nil {
			return 0, err
		}
		if _, _, err := g.get(ctx, a); err != nil {
			return 0, err
		}
		after, err := g.statements(ctx, a.who.login)
		if err != nil {
			return 0, err
		}
		if i == 0 || after-before < least {
			least = after - before
		}
	}
	return least, nil
}

// statements counts what a login has sent so far, without what PgBouncer sends when a connection goes to another client.
func (g *growthBench) statements(ctx context.Context, login string) (n int64, err error) {
	err = g.conn.QueryRow(ctx, "SELECT coalesce(sum(calls), 0)::bigint FROM public.pg_stat_statements s JOIN pg_roles r ON r.oid = s.userid WHERE r.rolname = $1 AND s.query !~* '^(discard|set|reset|begin|commit)'", login).Scan(&n)
	return n, err
}

// database gives the processor time of PostgreSQL so far, in nanoseconds: of the backends that are there, and of those that were, such
// as the workers of a parallel plan.
func (g *growthBench) database() (ns int64) {
	pg, _ := g.cluster.PIDs()
	for _, child := range children(pg) {
		ns += scheduled(child)
	}
	return ns + int64((processorTime(pg, true)-processorTime(pg, false))*1e9)
}

func (g *growthBench) api() (ns int64) {
	tasks, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/[0-9]*", g.apiPID))
	if err != nil {
		return 0
	}
	for _, task := range tasks {
		ns += scheduledIn(task)
	}
	return ns
}

func scheduled(pid int) int64 { return scheduledIn(fmt.Sprintf("/proc/%d", pid)) }

// scheduledIn reads how long a task has run, in nanoseconds.
func scheduledIn(dir string) int64 {
	raw, err := os.ReadFile(dir + "/schedstat")
	if err != nil {
		return 0 // it has ended
	}
	first, _, _ := strings.Cut(string(raw), " ")
	ns, err := strconv.ParseInt(first, 10, 64)
	if err != nil {
		return 0
	}
	return ns
}
