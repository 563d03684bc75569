package tenants

import (
	"context"
	"fmt"
	"net"
	"net/url"
	"strconv"
	"sync"
	"time"

	lru "github.com/hashicorp/golang-lru/v2"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"lignum/tenants/limits"
)

// Endpoint is where a cluster is reached: the proxy for all work, never the database itself.
type Endpoint struct {
	Host     string // a name, an address, or the directory of a unix socket
	Port     int
	Database string
	SSLMode  string // as libpq has it; empty: "disable" (only ever right on the same machine)
}

// StoreConfig is what a Store needs.
type StoreConfig struct {
	Writer Endpoint // the proxy's read-write endpoint
	Reader Endpoint // its read-only endpoint; the zero value: the writer serves reads as well
	Vault  *Vault
	// Password gives the password with which a role opens a connection to an endpoint (host:port), asked for each connection
	// anew; nil: the vault's.
	Password    func(ctx context.Context, endpoint, role string) (string, error)
	Connections int // what this process may have busy at once at each endpoint, until Resize; a tenant may use all of it when others are idle
	Realms      int // how many realms' pools are kept before the least used is closed, some 75 KB each while connected; 0: 2048
}

// Store opens each realm's data with the realm's own login. It is safe for concurrent use.
type Store struct {
	cfg      StoreConfig
	writer   *limits.Admission // each server has processors of its own
	reader   *limits.Admission // the writer's when there is no other
	requests requestCount
	mu       sync.Mutex
	pools    *lru.Cache[string, *pool]
}

// pool is one realm's connections.
type pool struct {
	pgx *pgxpool.Pool

	// Of the store's lock: how many use it, and whether it fell out meanwhile. Closed under its users it would refuse them the
	// connections that they have yet to ask for.
	users int
	out   bool
}

// NewStore prepares a Store. Nothing is opened before it is used.
func NewStore(cfg StoreConfig) (*Store, error) {
	if cfg.Connections <= 0 {
		return nil, fmt.Errorf("store: Connections must be positive, is %d", cfg.Connections)
	}
	if cfg.Realms <= 0 {
		cfg.Realms = 2048
	}
	if cfg.Reader == (Endpoint{}) {
		cfg.Reader = cfg.Writer
	}
	pools, err := lru.NewWithEvict(cfg.Realms, func(_ string, p *pool) { // under the store's lock
		if p.out = true; p.users == 0 {
			go p.pgx.Close()
		}
	})
	if err != nil {
		return nil, err
	}
	s := &Store{cfg: cfg, writer: limits.NewAdmission(cfg.Connections), pools: pools}
	if s.reader = s.writer; cfg.Reader != cfg.Writer {
		s.reader = limits.NewAdmission(cfg.Connections)
	}
	return s, nil
}

// Resize changes how many transactions this process may have busy at once, at the writer and, where there is one, at the reader.
// Nobody who works or waits loses anything by it.
func (s *Store) Resize(writer, reader int) {
	s.writer.Resize(writer)
	if s.reader != s.writer {
		s.reader.Resize(reader)
	}
}

// Slots is how many transactions this process may have busy at once, at the writer and at the reader.
func (s *Store) Slots() (writer, reader int) { return s.writer.Slots(), s.reader.Slots() }

func (s *Store) admission(end Endpoint) *limits.Admission {
	if end == s.cfg.Writer {
		return s.writer
	}
	return s.reader
}

// Close ends all pools.
func (s *Store) Close() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, p := range s.pools.Values() {
		p.pgx.Close()
	}
}

// DB is the handle of one realm's data. It costs nothing to make.
func (s *Store) DB(realm Realm) *DB { return &DB{store: s, realm: realm} }

// Vault is the store's vault.
func (s *Store) Vault() *Vault { return s.cfg.Vault }

// Waiting is how many transactions wait for admission now, for the metrics.
func (s *Store) Waiting() int {
	if s.reader == s.writer {
		return s.writer.Waiting()
	}
	return s.writer.Waiting() + s.reader.Waiting()
}

// pool borrows a realm's connections at an endpoint; done gives them back.
func (s *Store) pool(realm Realm, end Endpoint) (*pool, error) {
	key := realm.Login + "@" + end.Host + ":" + strconv.Itoa(end.Port)
	s.mu.Lock()
	defer s.mu.Unlock()
	p, ok := s.pools.Get(key)
	if !ok {
		var err error
		if p, err = s.open(realm, end, poolMost); err != nil {
			return nil, err
		}
		s.pools.Add(key, p)
	}
	p.users++
	return p, nil
}

func (s *Store) done(p *pool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if p.users--; p.out && p.users == 0 {
		go p.pgx.Close()
	}
}

// poolMost is more than admission ever lets one process use at once: pgx wants a number, and it cannot be changed later.
const poolMost = 1000

// Jobs opens connections of the login of the jobs, JobsLogin, most at once. They are outside of the realms' shares, which they would have to wait for; whoever asks
// closes them.
func (s *Store) Jobs(login string, most int) (*pgxpool.Pool, error) {
	p, err := s.open(Realm{Schema: JobsSchema, Login: login}, s.cfg.Writer, most)
	if err != nil {
		return nil, err
	}
	return p.pgx, nil
}

func (s *Store) open(realm Realm, end Endpoint, most int) (*pool, error) {
	cfg, err := pgxpool.ParseConfig(dsn(end, realm.Login, s.cfg.Vault.RolePassword(realm.Login)))
	if err != nil {
		return nil, fmt.Errorf("connection settings of realm %s are not valid", realm.Name()) // the cause would show the password
	}
	cfg.MinConns, cfg.MaxConns = 0, int32(most)
	cfg.MaxConnIdleTime, cfg.MaxConnLifetime = time.Minute, time.Hour
	cfg.MaxConnLifetimeJitter = 5 * time.Minute
	cfg.HealthCheckPeriod = time.Minute
	cfg.PingTimeout = 2 * time.Second
	cfg.ConnConfig.Tracer = s.requests.of(realm)
	cfg.AfterConnect = readsIDs
	if s.cfg.Password != nil {
		cfg.BeforeConnect = func(ctx context.Context, conn *pgx.ConnConfig) (err error) {
			conn.Password, err = s.cfg.Password(ctx, net.JoinHostPort(end.Host, strconv.Itoa(end.Port)), realm.Login)
			return err
		}
	}
	px, err := pgxpool.NewWithConfig(context.Background(), cfg)
	if err != nil {
		return nil, fmt.Errorf("pool of realm %s: %w", realm.Name(), err)
	}
	return &pool{pgx: px}, nil
}

// dsn asks for the extended protocol without named statements: what a transaction-mode proxy can serve.
func dsn(end Endpoint, user, password string) string {
	if end.SSLMode == "" {
		end.SSLMode = "disable"
	}
	q := url.Values{"default_query_exec_mode": {"exec"}, "sslmode": {end.SSLMode}, "connect_timeout": {"5"},
		"host": {end.Host}, "port": {strconv.Itoa(end.Port)}}
	u := url.URL{Scheme: "postgres", User: url.UserPassword(user, password), Path: "/" + end.Database, RawQuery: q.Encode()}
	return u.String()
}
