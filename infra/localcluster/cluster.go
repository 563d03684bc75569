// Package localcluster starts a private PostgreSQL with a PgBouncer before it, under one directory,
// and stops them again: what `lignum dev` and every test run on. Nothing of the machine's own
// database is touched, nothing is left behind, and nothing listens on the network but PgBouncer on
// 127.0.0.1. Only what is needed to run those two programs belongs here; schemas, roles and
// migrations belong to package tenants.
//
// There are two ways in. Start owns the servers: they end with Stop, and with the program should it
// be killed. Join shares one throw-away cluster among the test processes of a checkout.
//
// PostgreSQL refuses to run as root, so a program that root started runs both servers as the system
// user postgres (or lignum-db).
package localcluster

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"time"

	"gopkg.in/natefinch/lumberjack.v2"

	"lignum/infra/pooling"
)

// Options say where a cluster lives and how large it is. The zero value of each field has a default.
type Options struct {
	Dir       string       // where everything lives; made if missing; default .lignum in the working directory
	Name      string       // installation id, ^[a-z0-9]{1,12}$, default "local"; used in file names only
	Ephemeral bool         // for tests: fast instead of safe, and removed at Stop
	Log       *slog.Logger `json:"-"` // default: none

	MaxConnections int           // PostgreSQL's max_connections, 20 to 5000, default 300; all else of both servers follows from it (infra/pooling)
	Linger         time.Duration // Join only: how long the cluster waits for its next user, default 60 s
}

var validName = regexp.MustCompile(`^[a-z0-9]{1,12}$`)

func (o Options) withDefaults() (Options, error) {
	if o.Dir == "" {
		o.Dir = ".lignum"
	}
	if o.Name == "" {
		o.Name = "local"
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.MaxConnections == 0 {
		o.MaxConnections = pooling.Usual
	}
	if o.Linger == 0 {
		o.Linger = time.Minute
	}
	if _, err := pooling.For(o.MaxConnections); err != nil {
		return o, fmt.Errorf("localcluster: %w", err)
	}
	switch {
	case !validName.MatchString(o.Name):
		return o, fmt.Errorf("localcluster: name %q: use 1 to 12 of a-z and 0-9", o.Name)
	case o.Linger < 0:
		return o, fmt.Errorf("localcluster: linger %s: use a positive time", o.Linger)
	}
	dir, err := filepath.Abs(o.Dir)
	if err != nil {
		return o, fmt.Errorf("localcluster: directory %q: %w", o.Dir, err)
	}
	o.Dir = dir
	return o, nil
}

// state is what Dir/cluster.json remembers: for those who join, and for the next start.
type state struct {
	PID       int    `json:"pid"`       // of the program that owns the servers
	Home      string `json:"home"`      // holds the data directory
	Sockets   string `json:"sockets"`   // holds the unix sockets of both servers
	Port      int    `json:"port"`      // PgBouncer's, on 127.0.0.1
	Postgres  int    `json:"postgres"`  // process ids
	PgBouncer int    `json:"pgbouncer"` //

	MaxConnections int `json:"max_connections"` // PostgreSQL's
}

// Cluster is a running PostgreSQL and PgBouncer.
type Cluster struct {
	opts    Options
	account account
	bin     binaries
	guard   *os.File // held lock: Dir/lock for the owner, a share of Dir/users.lock for a joiner
	owner   bool

	mu       sync.Mutex // guards what follows
	state    state
	postgres *process
	bouncer  *process
	logs     map[string]*lumberjack.Logger
	stopped  bool
}

var errNotOwner = errors.New("localcluster: a cluster that was joined is shared; start one of your own to stop or restart its servers")

// Start starts both servers and waits until they take connections. A directory that another program
// uses is refused with that program's process id; what a crash left behind is cleared up. ctx limits
// the start alone: the servers run until Stop.
func Start(ctx context.Context, o Options) (*Cluster, error) {
	o, err := o.withDefaults()
	if err != nil {
		return nil, err
	}
	if err := makeDir(o.Dir); err != nil {
		return nil, err
	}
	guard, err := lockDir(ctx, o.Dir)
	if err != nil {
		return nil, err
	}
	c := &Cluster{opts: o, guard: guard, owner: true, state: readState(o.Dir), logs: map[string]*lumberjack.Logger{}}
	if err := c.start(ctx); err != nil {
		return nil, errors.Join(err, c.Stop())
	}
	return c, nil
}

func (c *Cluster) start(ctx context.Context) (err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.account, err = serverAccount(c.opts.Dir, c.state); err != nil {
		return err
	}
	if err = c.settle(); err != nil {
		return err
	}
	if c.bin, err = findBinaries(dataVersion(c.dataDir())); err != nil {
		return err
	}
	if err = c.saveState(); err != nil {
		return err
	}
	if err = c.initData(ctx); err != nil {
		return err
	}
	if err = c.startPostgres(ctx); err != nil {
		return err
	}
	if err = c.prepareCluster(ctx); err != nil {
		return err
	}
	if err = c.startBouncer(ctx); err != nil {
		return err
	}
	c.opts.Log.Info("database started", "dir", c.opts.Dir, "postgres", c.bin.version, "port", c.state.Port)
	return nil
}

// Stop ends both servers, and removes everything when the cluster is ephemeral. A cluster that was
// joined is left, not ended. Stopping twice does nothing.
func (c *Cluster) Stop() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.stopped {
		return nil
	}
	c.stopped = true
	if !c.owner {
		return c.guard.Close()
	}
	mode := Fast
	if c.opts.Ephemeral {
		mode = Immediate
	}
	c.bouncer.kill()
	errs := []error{c.stopPostgres(context.Background(), mode)}
	for _, l := range c.logs {
		errs = append(errs, l.Close())
	}
	if c.opts.Ephemeral {
		errs = append(errs, c.remove())
	} else if c.state.Sockets != "" {
		errs = append(errs, os.RemoveAll(c.state.Sockets))
	}
	errs = append(errs, c.guard.Close())
	return errors.Join(errs...)
}

// DirectDSN connects to PostgreSQL itself, as superuser, over its unix socket. It is for migrations,
// provisioning and the cloning of test databases; all other work goes through the proxy.
func (c *Cluster) DirectDSN(database string) string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return directDSN(c.state.Sockets, database)
}

func directDSN(sockets, database string) string {
	quote := strings.NewReplacer(`\`, `\\`, `'`, `\'`)
	return fmt.Sprintf("host='%s' port=%d user=%s dbname='%s' sslmode=disable",
		quote.Replace(sockets), postgresPort, superuser, quote.Replace(database))
}

// Sizes are how the connections of both servers are divided; of a cluster that was joined, as whoever came first asked for.
func (c *Cluster) Sizes() pooling.Sizes {
	n := c.opts.MaxConnections
	if !c.owner && c.state.MaxConnections != 0 {
		n = c.state.MaxConnections
	}
	s, _ := pooling.For(n) // checked at the start
	return s
}

// ProxyHost is the address of PgBouncer.
func (c *Cluster) ProxyHost() string { return "127.0.0.1" }

// ProxyPort is PgBouncer's port. It stays the same over restarts while it is free.
func (c *Cluster) ProxyPort() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.state.Port
}

// ProxySocketDir holds PgBouncer's unix socket, for the same port; a DSN takes it as its host. Only
// the system user that runs the servers, and root, can enter it.
func (c *Cluster) ProxySocketDir() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.state.Sockets
}

// PIDs returns the process ids of the two servers, 0 for one that is stopped.
func (c *Cluster) PIDs() (postgres, pgbouncer int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.owner {
		return c.state.Postgres, c.state.PgBouncer
	}
	return c.postgres.pid(), c.bouncer.pid()
}

// RestartPostgres stops PostgreSQL cleanly and starts it again. PgBouncer runs on.
func (c *Cluster) RestartPostgres(ctx context.Context) error {
	if err := c.StopPostgres(ctx, Fast); err != nil {
		return err
	}
	return c.StartPostgres(ctx)
}

// StopPostgres ends PostgreSQL alone, in mode Fast or Immediate. One that has ended is no error.
func (c *Cluster) StopPostgres(ctx context.Context, mode string) error {
	if !c.owner {
		return errNotOwner
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.stopPostgres(ctx, mode)
}

// StartPostgres starts PostgreSQL after StopPostgres, or after it was killed. One that runs is no error.
func (c *Cluster) StartPostgres(ctx context.Context) error {
	if !c.owner {
		return errNotOwner
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.stopped {
		return errors.New("localcluster: the cluster is stopped")
	}
	if c.postgres.pid() != 0 {
		return nil
	}
	return c.startPostgres(ctx)
}

// RestartPgBouncer ends PgBouncer at once, with every connection through it, and starts it again on the same port.
func (c *Cluster) RestartPgBouncer(ctx context.Context) error {
	if !c.owner {
		return errNotOwner
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.stopped {
		return errors.New("localcluster: the cluster is stopped")
	}
	c.bouncer.kill()
	return c.startBouncer(ctx)
}

// logFile returns a file under Dir/log that never grows beyond some 15 MB with its predecessors.
func (c *Cluster) logFile(name string) io.Writer {
	if c.logs[name] == nil {
		c.logs[name] = &lumberjack.Logger{Filename: c.logPath(name), MaxSize: 5, MaxBackups: 2}
	}
	return c.logs[name]
}

func (c *Cluster) logPath(name string) string { return filepath.Join(c.opts.Dir, "log", name+".log") }
func (c *Cluster) dataDir() string            { return filepath.Join(c.state.Home, "data") }

func (c *Cluster) saveState() error {
	c.state.PID, c.state.MaxConnections = os.Getpid(), c.opts.MaxConnections
	c.state.Postgres, c.state.PgBouncer = c.postgres.pid(), c.bouncer.pid()
	text, err := json.Marshal(c.state)
	if err != nil {
		return err
	}
	path := filepath.Join(c.opts.Dir, "cluster.json")
	if err := os.WriteFile(path+".new", text, 0o600); err != nil {
		return err
	}
	return os.Rename(path+".new", path)
}

// readState returns what the last start left; nothing readable is the same as nothing.
func readState(dir string) (s state) {
	text, err := os.ReadFile(filepath.Join(dir, "cluster.json"))
	if err != nil || json.Unmarshal(text, &s) != nil {
		return state{}
	}
	return s
}
