// Package api is what every answer passes: Server, Route, the pipeline of a request (Call), problems, and what a process remembers of each realm.
// What is answered is in the folders below, one for each area: its routes, and the use cases behind them, which ask the policy and then call one
// function of a domain package. api/areas lists them; pages for browsers are in portal (a tenant's) and console (the platform's), which register
// through the same Route and call the same use cases. The only SQL here reads what a process itself goes by and tells: a realm's
// rules and looks, and for the metrics what tenants have published of their use.
package api

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/http/pprof"
	"net/netip"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/google/uuid"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humafiber"
	"github.com/gofiber/fiber/v2"
	"github.com/gofiber/fiber/v2/middleware/adaptor"
	lru "github.com/hashicorp/golang-lru/v2"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"lignum/domain"
	"lignum/domain/assessment"
	"lignum/domain/catalog"
	"lignum/domain/identity"
	"lignum/domain/insight"
	"lignum/infra/config"
	"lignum/infra/memory"
	"lignum/policy"
	"lignum/tenants"
	"lignum/tenants/files"
	"lignum/tenants/limits"
	"lignum/tenants/provision"
)

// Deps is what a Server stands on.
type Deps struct {
	Config      *config.Config
	Store       *tenants.Store
	Registry    *tenants.Registry
	Rules       *policy.Engine
	Provisioner *provision.Provisioner // nil: this process may not provision; the console says so
	Files       *files.Bucket          // nil: this process keeps no files, and says so to whoever sends one
	Mailbox     http.Handler           // what mail.<base domain> shows, of a local installation that catches its mail; nil: there is nothing
	Log         *slog.Logger
	Version     string
	Memory      memory.Share // what this process may use; the zero value: as much as it likes
}

// Server answers requests for every realm.
type Server struct {
	// What areas work with: each is of the whole process, and safe for concurrent use.
	Rules    *policy.Engine
	Desk     *identity.Desk
	Exams    *assessment.Exams
	Rankings *insight.Rankings
	Files    *files.Bucket
	Log      *slog.Logger

	app         *fiber.App
	docs        huma.API
	cfg         *config.Config
	store       *tenants.Store
	registry    *tenants.Registry
	provisioner *provision.Provisioner
	tokens      *identity.Verifier
	workdays    *lru.Cache[workday, bool]
	rate        *limits.Rate   // of tenants
	shares      *limits.Shares // of addresses and people
	platform    tenants.Realm
	proxies     []netip.Prefix
	version     string
	metrics     *metrics
	refusals    refusals
	routes      []Route
	slots       sync.Map // slug -> *slot
	base        context.Context
	stop        context.CancelFunc
	draining    atomic.Bool
	readiness   struct {
		sync.Mutex
		at    time.Time
		found Readiness
	}

	// ErrorPage shows a problem to a person in a browser. The portal sets it.
	ErrorPage func(c *Call, fc *fiber.Ctx, p *Problem) error
}

// What a process remembers between requests, at most: how many things of about how many bytes each. Nothing is lost with any of it.
// Where all of it together would take more than a quarter of the memory, less of each is kept.
const (
	itemsKept, itemBytes       = 10_000, 6 << 10
	papersKept, paperBytes     = 50_000, 1 << 10
	tokensKept, tokenBytes     = 50_000, 1 << 10
	workdaysKept, workdayBytes = 200_000, 200
	keptBytes                  = itemsKept*itemBytes + papersKept*paperBytes + tokensKept*tokenBytes + workdaysKept*workdayBytes
)

// A connection is held open by its client, who may be anybody. It takes a goroutine's stack and a buffer for the head of a request,
// and there are never more of them than fit.
const (
	connectionBytes = 32 << 10
	mostConnections = 64 << 10
)

// remembered is how many of most things are remembered.
func remembered(share memory.Share, most int) int {
	return int(min(1, float64(share.Quarter())/keptBytes) * float64(most))
}

// New builds a server that has no routes but those of its own health and reference. What it answers registers on it: areas, portal and console.
func New(d Deps) (*Server, error) {
	if err := d.Config.Validate(); err != nil {
		return nil, err
	}
	hashing := d.Memory.Fits(identity.HashBytes, runtime.GOMAXPROCS(0))
	s := &Server{cfg: d.Config, store: d.Store, registry: d.Registry, Rules: d.Rules, provisioner: d.Provisioner, Log: d.Log, Files: d.Files, version: d.Version,
		rate: limits.NewRate(nil), shares: limits.NewShares(nil), platform: tenants.PlatformRealm(d.Config.Installation), proxies: d.Config.Proxies(),
		Desk: identity.NewDesk(identity.NewHasher(hashing)), tokens: identity.NewVerifier(remembered(d.Memory, tokensKept))}
	items, err := catalog.NewItems(remembered(d.Memory, itemsKept))
	if err != nil {
		return nil, err
	}
	s.Rankings = insight.NewRankings()
	if s.workdays, err = lru.New[workday, bool](remembered(d.Memory, workdaysKept)); err != nil {
		return nil, err
	}
	if s.Exams, err = assessment.New(items, remembered(d.Memory, papersKept)); err != nil {
		return nil, err
	}
	d.Files.Limit(d.Memory.Fits(files.SenderBytes, files.MostSenders))
	s.base, s.stop = context.WithCancel(context.Background())
	s.metrics = newMetrics(s)
	s.metrics.memory.Set(float64(d.Memory.Total))
	s.metrics.hashing.Set(float64(hashing))
	s.app = fiber.New(fiber.Config{
		// Without Immutable, strings of a request change after its handler has returned: measured.
		Immutable: true, DisableStartupMessage: true, ServerHeader: "", AppName: "lignum",
		// The pipeline reads bodies, so the server in front of it reads none: not even the parts of a form.
		// Without ReduceMemoryUsage an open connection keeps the largest answer that it ever sent: measured, 25 KB a learner in an exam.
		ReduceMemoryUsage: true,
		StreamRequestBody: true, BodyLimit: 1, DisablePreParseMultipartForm: true, ReadTimeout: 30 * time.Second, WriteTimeout: 60 * time.Second, IdleTimeout: 75 * time.Second,
		ReadBufferSize: 16 << 10, Concurrency: int(min(mostConnections, 4*d.Memory.Quarter()/connectionBytes)), StrictRouting: true, CaseSensitive: true,
		ErrorHandler: func(fc *fiber.Ctx, err error) error { return problemOf(err).write(fc) },
	})
	if d.Mailbox != nil { // which sets its own headers
		s.app.Use(mailbox(tenants.NormalHost("mail."+d.Config.BaseDomain), d.Mailbox))
	}
	s.app.Use(s.recovered, s.sandbox, s.head, func(fc *fiber.Ctx) error {
		s.secure(fc)
		return fc.Next()
	})
	s.openAPI()
	s.health()
	s.reference()
	return s, nil
}

// mailbox answers on a host of its own, to this machine alone.
func mailbox(host string, show http.Handler) fiber.Handler {
	handle := adaptor.HTTPHandler(show)
	return func(fc *fiber.Ctx) error {
		if tenants.NormalHost(fc.Hostname()) != host || !fc.Context().RemoteIP().IsLoopback() {
			return fc.Next()
		}
		return handle(fc)
	}
}

// head lets every GET route answer HEAD: the same, without the body.
func (s *Server) head(fc *fiber.Ctx) error {
	if fc.Method() == fiber.MethodHead {
		fc.Method(fiber.MethodGet)
		return fc.RestartRouting()
	}
	return fc.Next()
}

// secure sets the headers that are on every answer. Pages set their own Content-Security-Policy, with a nonce.
func (s *Server) secure(fc *fiber.Ctx) {
	fc.Set("X-Content-Type-Options", "nosniff")
	fc.Set("Referrer-Policy", "same-origin")
	fc.Set("X-Frame-Options", "DENY")
	fc.Set("Cross-Origin-Opener-Policy", "same-origin")
	fc.Set("Cross-Origin-Resource-Policy", "same-origin")
	fc.Set("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'")
	fc.Set("Cache-Control", "no-store")
	if s.cfg.Scheme == "https" {
		fc.Set("Strict-Transport-Security", "max-age=63072000; includeSubDomains")
	}
}

// App is the Fiber application, for tests that call it in process.
func (s *Server) App() *fiber.App { return s.app }

// Serve answers on ln until ctx ends, then lets the requests under way finish, for the configured drain time at most.
func (s *Server) Serve(ctx context.Context, ln net.Listener) error {
	s.notFound()
	go s.registry.Watch(s.base, time.Second, func(err error) { s.Log.Warn("the registry could not be refreshed", "err", Causes(err)) })
	go s.housekeeping()
	if dir := s.cfg.PolicyDir; dir != "" {
		go s.Rules.Watch(s.base, dir, 2*time.Second, func(version string, err error) {
			if err != nil {
				s.Log.Error("a policy was refused; the one before stays", "err", err)
				return
			}
			s.Log.Info("policy replaced", "version", version)
		})
	}
	failed := make(chan error, 1)
	go func() { failed <- s.app.Listener(politeListener{ln}) }()
	select {
	case err := <-failed:
		s.stop()
		return err
	case <-ctx.Done():
	}
	s.draining.Store(true)
	defer s.stop()
	defer func() {
		ctx, cancel := context.WithTimeout(context.Background(), 3*time.Second)
		defer cancel()
		s.summarise(ctx)
	}()
	if err := s.app.ShutdownWithTimeout(s.cfg.DrainTime); err != nil && !errors.Is(err, context.DeadlineExceeded) {
		return fmt.Errorf("drain: %w", err)
	}
	return nil
}

// ServeMetrics answers Prometheus on a listener of its own until ctx ends.
func (s *Server) ServeMetrics(ctx context.Context, ln net.Listener) error {
	mux := http.NewServeMux()
	// Profiles tell where the time goes on a real machine; like the metrics they are for the operator's network alone.
	mux.HandleFunc("GET /debug/pprof/", pprof.Index)
	mux.HandleFunc("GET /debug/pprof/profile", pprof.Profile)
	mux.Handle("GET /metrics", promhttp.HandlerFor(s.metrics.registry, promhttp.HandlerOpts{}))
	srv := &http.Server{Handler: mux, ReadHeaderTimeout: 5 * time.Second}
	go func() {
		<-ctx.Done()
		srv.Close()
	}()
	if err := srv.Serve(ln); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}

// notFound is the last route: what nothing else took passes the pipeline all the same, so that it is counted and limited, and
// a person in a browser gets a page.
func (s *Server) notFound() {
	s.app.Use(func(fc *fiber.Ctx) error {
		rt := nowhere(fc, fc.Method() == fiber.MethodGet && strings.Contains(fc.Get(fiber.HeaderAccept), "text/html"))
		c, err := s.enter(fc, rt)
		if err == nil {
			err = domain.Refuse(domain.NotFound, "domain.there_is_nothing_at_this")
		}
		return s.refuse(fc, rt, c, err)
	})
}

func (s *Server) errorPage(c *Call, fc *fiber.Ctx, p *Problem) error {
	if s.ErrorPage == nil {
		return p.write(fc)
	}
	fc.Status(p.Status)
	c.countUnseen()
	var err error
	for range 2 { // a form that cannot be shown again, because what it is about is not there, gives way to the plain page
		c.parts, c.fault = nil, nil // of the handler that failed: nothing of it is shown
		if err = s.ErrorPage(c, fc, p); err == nil {
			break
		}
	}
	if err != nil {
		return err
	}
	// A form that is shown again has parts like any page.
	if err := c.partsAsked(); err != nil {
		c.discard()
		s.Log.ErrorContext(c.ctx, "a form could not be shown again", "err", err, "request_id", c.Actor.RequestID, "route", c.route.Method+" "+c.route.Path)
		return problemOf(err).write(fc)
	}
	return nil
}

// openAPI prepares the document and the reference page. Huma's own routes would bypass Route, so they are off.
func (s *Server) openAPI() {
	cfg := huma.DefaultConfig("Lignum", s.version)
	cfg.OpenAPIPath, cfg.DocsPath, cfg.SchemasPath, cfg.CreateHooks = "", "", "", nil
	cfg.RejectUnknownQueryParameters = true
	cfg.Components.Schemas = huma.NewMapRegistry("#/components/schemas/", schemaName)
	cfg.Info.Description = "The API of one tenant, or of the platform on its own host. The host name says whose data a request is about; " +
		"a token is good for the host that gave it. Errors are problem details (RFC 9457)."
	cfg.Components.SecuritySchemes = map[string]*huma.SecurityScheme{
		"bearer": {Type: "http", Scheme: "bearer", BearerFormat: "JWT"},
		"cookie": {Type: "apiKey", In: "cookie", Name: s.cookieNames().access},
	}
	s.docs = humafiber.New(s.app, cfg)
}

// workday is a learner's day that is marked in the attendance. A mark is never taken back, so that a process may remember it
// and leave the statement out: a fifth of what a report costs the database.
type workday struct {
	realm   string
	learner uuid.UUID
	day     time.Time
}

func (c *Call) workday() workday { return workday{c.Realm.Slug, c.Claims.UserID, c.Day()} }

// Attended reports whether this process knows that the signed-in learner's day is marked in the attendance.
func (c *Call) Attended() bool {
	_, known := c.Server.workdays.Get(c.workday())
	return known
}

// NoteAttended remembers that it is marked.
func (c *Call) NoteAttended() { c.Server.workdays.Add(c.workday(), true) }
