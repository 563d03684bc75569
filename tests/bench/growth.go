package main

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"lignum/api"
	"lignum/api/areas"
	"lignum/api/console"
	"lignum/api/portal"
	"lignum/domain"
	"lignum/domain/identity"
	"lignum/infra/config"
	"lignum/policy"
	"lignum/tenants/audit"
	"lignum/tests/growth"
)

// What grows with the tenant: every page and list of each role, asked for in a tenant of thirty learners and in one of the reference's
// size with ten million entries in its trail. The statements of a request must be as many in both, and its processor time, of the API and of the
// database together, at most twice in the large one what it is in the small. Processor time is read from the scheduler in
// nanoseconds, since a clock on the wall would measure the machine's other users.
const growthGoal = 2.0

// growthCountries are a small tenant and a large one, with as many entries a learner.
func (b *bench) growthCountries() []growth.Country {
	return []growth.Country{{Slug: "few", Learners: 30, Schools: 3, Entries: max(100, b.entries*30/44_025)}, {Slug: "many", Learners: 44_025, Schools: 900, Entries: b.entries}}
}

// growthData is worked on in place: nothing but the trail of who was refused is written.
func (b *bench) growthData() *dataset {
	d := &dataset{name: fmt.Sprintf("growth%d", b.entries), fill: fillGrowth, inPlace: true}
	for _, c := range b.growthCountries() {
		d.specs = append(d.specs, landSpec(c.Slug))
	}
	return d
}

func fillGrowth(ctx context.Context, b *bench) error {
	conn, err := pgx.Connect(ctx, b.cluster.DirectDSN(b.database))
	if err != nil {
		return err
	}
	defer conn.Close(context.WithoutCancel(ctx))
	for _, c := range b.growthCountries() {
		t, err := b.registry.Tenant(c.Slug)
		if err != nil {
			return err
		}
		if err := growth.Courses(ctx, b.store.DB(t.Realm())); err != nil {
			return err
		}
		if err := c.Load(ctx, b.store.DB(t.Realm()), conn, t, func(line string) { fmt.Println("  " + line) }); err != nil {
			return err
		}
	}
	return b.lift(ctx)
}

// growthBench asks the API that the bench serves.
type growthBench struct {
	*bench
	conn   *pgx.Conn // direct
	client *http.Client
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

// growing is the part: it prints every page that costs more than twice as much in the large country, or sends more statements there.
func growing(ctx context.Context, b *bench) ([]figure, error) {
	if err := b.on(ctx, b.growthData()); err != nil {
		return nil, err
	}
	conn, err := pgx.Connect(ctx, b.cluster.DirectDSN("postgres"))
	if err != nil {
		return nil, err
	}
	defer conn.Close(context.WithoutCancel(ctx))
	dialer := &net.Dialer{}
	g := &growthBench{bench: b, conn: conn, client: &http.Client{Timeout: 60 * time.Second, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		Transport: &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return dialer.DialContext(ctx, "tcp", b.apiAddr)
		}}}}
	asks, err := g.asks(ctx)
	if err != nil {
		return nil, err
	}
	var pages []grown
	failed, most := 0, 0.0
	for _, name := range slices.Sorted(maps.Keys(asks[0])) {
		small, large := asks[0][name], asks[1][name]
		if large.Path == "" || !strings.Contains(name, b.match) {
			continue
		}
		if strings.Contains(name, "/audit") {
			if err := g.sameNews(ctx); err != nil {
				return nil, err
			}
		}
		page, err := g.compare(ctx, small, large)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		pages = append(pages, page)
		if most = max(most, page.Ratio); page.failed() != "" {
			failed++
		}
		if page.failed() != "" || b.match != "" {
			fmt.Println("  " + page.line())
		}
	}
	if err := keepPages(pages); err != nil {
		return nil, err
	}
	return []figure{
		told("growth: pages and lists measured at 30 and at 44,025 learners", float64(len(pages)), ""),
		atMost("growth: of these that grow with the tenant", float64(failed), "", 0),
		told("growth: the most that one costs at 44,025 learners, to 30", most, "times"),
	}, nil
}

// sameNews puts the same entries on top of both trails. What is refused while we look around is told there in entries of very different length,
// and a page would be compared with another that has more to say.
func (g *growthBench) sameNews(ctx context.Context) error {
	conn, err := pgx.Connect(ctx, g.cluster.DirectDSN(g.database))
	if err != nil {
		return err
	}
	defer conn.Close(context.WithoutCancel(ctx))
	for _, c := range g.growthCountries() {
		t, err := g.registry.Tenant(c.Slug)
		if err != nil {
			return err
		}
		if _, err := conn.Exec(ctx, "SELECT set_config('search_path', $1, false)", t.SchemaName); err != nil {
			return err
		}
		b := &pgx.Batch{}
		for i := range 4 * domain.Rows { // as many refused as not
			e := audit.Entry{Action: "class.read", Refused: i%2 == 0, ObjectKind: "class", ObjectID: t.ID, Before: map[string]int{"seats": i}, After: map[string]int{"seats": i + 1}}
			b.Queue(audit.Insert, e.Args(audit.Actor{Name: "bench", Realm: c.Slug})...)
		}
		if err := conn.SendBatch(ctx, b).Close(); err != nil {
			return err
		}
	}
	return nil
}

// asks finds what there is to ask for in both countries.
func (g *growthBench) asks(ctx context.Context) (asks [2]map[string]growth.Ask, err error) {
	routes, err := g.routes()
	if err != nil {
		return asks, err
	}
	for i, c := range g.growthCountries() {
		t, err := g.registry.Tenant(c.Slug)
		if err != nil {
			return asks, err
		}
		db := g.store.DB(t.Realm())
		if err := identity.EnsureKeys(ctx, db, time.Now().UTC()); err != nil {
			return asks, err
		}
		f := &growth.Finder{Tenant: t, DB: db, Routes: routes, Get: g.get}
		found, silent, failed, err := f.Asks(ctx)
		if err != nil {
			return asks, err
		}
		asks[i] = found
		fmt.Printf("  %s: %d pages and lists; nobody was answered at %s\n", c.Slug, len(found), strings.Join(silent, " "))
		if len(failed) > 0 {
			return asks, fmt.Errorf("%s", strings.Join(failed, "\n"))
		}
	}
	return asks, nil
}

// routes are all that the API has.
func (g *growthBench) routes() ([]api.Route, error) {
	rules, err := policy.NewEngine(nil)
	if err != nil {
		return nil, err
	}
	s, err := api.New(api.Deps{Config: &config.Config{Listen: "127.0.0.1:0", MetricsListen: "127.0.0.1:0", BaseDomain: "localhost", Scheme: "http", PublicPort: 1, Installation: installation, Database: g.database,
		MasterKey: base64.StdEncoding.EncodeToString(make([]byte, 32)), Proxy: "127.0.0.1:1", DrainTime: time.Second, LogLevel: "warn"}, Store: g.store, Registry: g.registry,
		Rules: rules, Provisioner: g.provisioner, Log: slog.New(slog.DiscardHandler), Version: "bench"})
	if err != nil {
		return nil, err
	}
	areas.Register(s)
	portal.Register(s)
	console.Register(s)
	return s.Routes(), nil
}

func (g grown) line() string {
	return fmt.Sprintf("%-22s %-72s %5.2f  %6.0f+%-6.0f %7.0f+%-7.0f %s", g.Role, g.Name, g.Ratio, g.Small.API, g.Small.Database, g.Large.API, g.Large.Database, g.failed())
}

func keepPages(pages []grown) error {
	raw, err := json.MarshalIndent(pages, "", "  ")
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(filepath.Dir(home), "growth.json"), raw, 0o644)
}

// get asks for a page and reads the answer.
func (g *growthBench) get(ctx context.Context, a growth.Ask) (int, []byte, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, g.issuer(a.Slug)+a.Path, nil)
	if err != nil {
		return 0, nil, err
	}
	token, err := a.Who.Token(g.issuer(a.Slug))
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

// compare asks for a page in both tenants in turn. What is over the goal is measured again, longer: a machine that others use errs upwards.
func (g *growthBench) compare(ctx context.Context, small, large growth.Ask) (page grown, err error) {
	// It forgets the rarest statements when it has too many, which would be missing from a sum meanwhile.
	if _, err := g.conn.Exec(ctx, "SELECT pg_stat_statements_reset()"); err != nil {
		return page, err
	}
	for try, requests := range []int{8, 20, 40} {
		again := grown{Role: small.Role, Name: small.Name}
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
		if page.Ratio <= growthGoal || page.Ratio > 6 && try > 0 {
			break
		}
	}
	for range 8 { // something else is sent now and then
		if page.Small.Statements == page.Large.Statements {
			break
		}
		for _, of := range []struct {
			ask  growth.Ask
			cost *growthCost
		}{{small, &page.Small}, {large, &page.Large}} {
			n, err := g.fewest(ctx, of.ask, 4)
			if err != nil {
				return page, err
			}
			of.cost.Statements = min(of.cost.Statements, n)
		}
	}
	return page, nil
}

func (g *growthBench) measure(ctx context.Context, a growth.Ask, requests int) (cost growthCost, err error) {
	for range 2 { // pools, caches and plans
		start := time.Now()
		if cost.Status, _, err = g.get(ctx, a); err != nil {
			return cost, err
		}
		if time.Since(start) > time.Second {
			requests = 1 // plain enough
		}
	}
	pg, own := g.inDatabase(), g.inAPI()
	for range requests {
		status, body, err := g.get(ctx, a)
		if err != nil {
			return cost, err
		}
		cost.Status, cost.Bytes = status, len(body)
	}
	cost.Database, cost.API = float64(g.inDatabase()-pg)/float64(requests)/1e3, float64(g.inAPI()-own)/float64(requests)/1e3
	cost.Statements, err = g.fewest(ctx, a, min(requests, 4))
	return cost, err
}

// fewest counts the statements of a request: those of the quietest of some, since the minute's work of the API comes in between.
func (g *growthBench) fewest(ctx context.Context, a growth.Ask, requests int) (least int64, err error) {
	for i := range requests {
		before, err := g.statements(ctx, a.Who.Login)
		if err != nil {
			return 0, err
		}
		if _, _, err := g.get(ctx, a); err != nil {
			return 0, err
		}
		after, err := g.statements(ctx, a.Who.Login)
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
	err = g.conn.QueryRow(ctx, "SELECT coalesce(sum(calls), 0)::bigint FROM pg_stat_statements s JOIN pg_roles r ON r.oid = s.userid JOIN pg_database d ON d.oid = s.dbid WHERE r.rolname = $1 AND d.datname = $2 AND s.query !~* '^(discard|set|reset|close|unlisten|begin|commit)'", login, g.database).Scan(&n)
	return n, err
}

// inDatabase returns the processor time of PostgreSQL so far, in nanoseconds: of the backends that are there, and of those that were, such
// as the workers of a parallel plan.
func (g *growthBench) inDatabase() (ns int64) {
	pg, _ := g.cluster.PIDs()
	for _, child := range children(pg) {
		ns += scheduled(child)
	}
	return ns + int64((processorTime(pg, true)-processorTime(pg, false))*1e9)
}

func (g *growthBench) inAPI() (ns int64) {
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
