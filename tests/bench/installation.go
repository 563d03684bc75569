package main

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"lignum/domain/identity"
	"lignum/infra/localcluster"
	"lignum/tenants"
	"lignum/tenants/audit"
	"lignum/tenants/provision"
)

const (
	installation = "bench"
	working      = "working" // the database of the part under way
	clients      = 8         // of each load, on both sides
	home         = ".lignum/bench"
)

// bench is one run's private installation, and how thoroughly it measures.
type bench struct {
	length  time.Duration // of one measurement
	pairs   int           // how often two sides are compared
	windows int           // how often a neighbour is measured alone and beside somebody
	tenants int           // how many tenants many are
	crowd   int           // learners of one surge
	share   float64       // of the record day
	match   string        // of what grows, what has this in its role and address; "": all of it
	entries int           // of the trail of the large country, where growth is looked at

	dir         string // of this run
	cluster     *localcluster.Cluster
	vault       *tenants.Vault
	database    string // that the part works on
	store       *tenants.Store
	registry    *tenants.Registry
	provisioner *provision.Provisioner
	worlds      map[string]*world
	binary      string
	api         *exec.Cmd
	apiLog      *os.File // its warnings, under home
	apiPID      int
	apiAddr     string
	metricsAddr string
	profile     string   // where a profile of the API is kept; "": none is taken
	profiles    []string // the files it is made of
	pgbenchPath string
	counter     atomic.Int64
}

// start makes a cluster of its own with the settings of `lignum dev`, durable writes included, and builds what is delivered.
func (b *bench) start(ctx context.Context) error {
	var err error
	if b.pgbenchPath, err = findTool("pgbench"); err != nil {
		return err
	}
	if b.dir, err = os.MkdirTemp("", "lignum-bench"); err != nil {
		return err
	}
	if err := os.Chmod(b.dir, 0o755); err != nil {
		return err
	}
	fmt.Println("building, and starting a private PostgreSQL and PgBouncer ...")
	b.binary = filepath.Join(b.dir, "lignum")
	build := exec.CommandContext(ctx, "go", "build", "-o", b.binary, "lignum/api/cmd/lignum")
	build.Stdout, build.Stderr = os.Stderr, os.Stderr
	if err := build.Run(); err != nil {
		return err
	}
	if b.vault, err = tenants.NewVault([]byte(strings.Repeat("k", 32))); err != nil {
		return err
	}
	b.cluster, err = localcluster.Start(ctx, localcluster.Options{Dir: home, Name: installation, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		return err
	}
	if b.apiLog, err = os.Create(filepath.Join(home, "api.log")); err != nil {
		return err
	}
	return b.administer(ctx, "CREATE EXTENSION IF NOT EXISTS pg_stat_statements")
}

func (b *bench) provisionerOf(database string) *provision.Provisioner {
	return &provision.Provisioner{DirectDSN: b.cluster.DirectDSN(database), Installation: installation, Vault: b.vault, ProxyRole: "pgbouncer_auth", FirstAdministrator: identity.FirstAdministrator}
}

// open reaches the tenants of a database.
func (b *bench) open(ctx context.Context, database string) (err error) {
	b.database, b.worlds, b.provisioner = database, map[string]*world{}, b.provisionerOf(database)
	b.store, err = tenants.NewStore(tenants.StoreConfig{Vault: b.vault, Connections: 20,
		Writer: tenants.Endpoint{Host: b.cluster.ProxyHost(), Port: b.cluster.ProxyPort(), Database: database}})
	if err != nil {
		return err
	}
	b.registry, err = tenants.NewRegistry(ctx, b.store.DB(tenants.PlatformRealm(installation)), "localhost")
	return err
}

// leave closes what open opened.
func (b *bench) leave() {
	if b.store != nil {
		b.store.Close()
	}
	b.store, b.registry = nil, nil
}

// lift takes the quotas away, for loads of few people, who would soon have used up their shares. That they are asked is in the figures
// all the same.
func (b *bench) lift(ctx context.Context) error {
	for _, t := range b.registry.Tenants() {
		if err := b.limit(ctx, t, 1<<40, 1<<40, 1<<40); err != nil {
			return err
		}
	}
	return b.registry.Refresh(ctx)
}

// limit gives a tenant other rates, in requests a second.
func (b *bench) limit(ctx context.Context, t *tenants.Tenant, reads, writes, signIns int64) error {
	return b.store.DB(tenants.PlatformRealm(installation)).Write(ctx, audit.Actor{Name: "bench"}, func(tx *tenants.Tx) error {
		lim := t.Limits
		lim.ReadsPerSec, lim.WritesPerSec, lim.SignInsPerSec = reads, writes, signIns
		_, err := tenants.SetPlan(ctx, tx, t.Slug, t.Plan, &lim, audit.Entry{Action: "bench.prepare"})
		return err
	})
}

// serve starts the API as a process of its own, so that what it uses can be told from what the load uses. Its settings are those that
// are delivered; what is set here says only where things are.
func (b *bench) serve(ctx context.Context) error {
	var err error
	if b.apiAddr, err = freeAddress(); err != nil {
		return err
	}
	if b.metricsAddr == "" { // once, since whoever takes profiles reads it meanwhile
		if b.metricsAddr, err = freeAddress(); err != nil {
			return err
		}
	}
	_, port, _ := net.SplitHostPort(b.apiAddr)
	cmd := exec.CommandContext(ctx, b.binary, "serve")
	cmd.Env = append(os.Environ(), "LIGNUM_LISTEN="+b.apiAddr, "LIGNUM_METRICS_LISTEN="+b.metricsAddr, "LIGNUM_BASE_DOMAIN=localhost", "LIGNUM_SCHEME=http",
		"LIGNUM_PUBLIC_PORT="+port, "LIGNUM_INSTALLATION="+installation, "LIGNUM_MASTER_KEY="+base64.StdEncoding.EncodeToString([]byte(strings.Repeat("k", 32))),
		"LIGNUM_PROXY="+net.JoinHostPort(b.cluster.ProxyHost(), strconv.Itoa(b.cluster.ProxyPort())), "LIGNUM_DATABASE="+b.database, "LIGNUM_SSLMODE=disable",
		"LIGNUM_TRUSTED_PROXIES=127.0.0.0/8", "LIGNUM_MEMORY=512MiB", "LIGNUM_LOG_LEVEL=warn", "LIGNUM_FILES="+filepath.Join(b.dir, "files"), "LIGNUM_MAIL_SERVER=off")
	cmd.Stdout, cmd.Stderr = io.Discard, b.apiLog
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) }
	cmd.WaitDelay = 10 * time.Second
	if err := cmd.Start(); err != nil {
		return err
	}
	b.api, b.apiPID = cmd, cmd.Process.Pid
	for range 200 {
		conn, err := net.Dial("tcp", b.apiAddr)
		if err == nil {
			return conn.Close()
		}
		time.Sleep(50 * time.Millisecond)
	}
	b.stop()
	return errors.New("the API did not start")
}

// freeAddress is one on this machine that nobody listens at.
func freeAddress() (string, error) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	return ln.Addr().String(), ln.Close()
}

// stop ends the API.
func (b *bench) stop() {
	if b.api == nil {
		return
	}
	_ = b.api.Process.Signal(os.Interrupt) // it may have ended
	_ = b.api.Wait()
	b.api, b.apiPID = nil, 0
}

// issuer is what tokens of a tenant say, as the API expects it.
func (b *bench) issuer(slug string) string {
	_, port, _ := net.SplitHostPort(b.apiAddr)
	return "http://" + slug + ".localhost:" + port
}

func (b *bench) close() error {
	b.stop()
	b.leave()
	var err error
	if b.apiLog != nil {
		err = b.apiLog.Close()
	}
	if b.cluster != nil {
		err = errors.Join(err, b.cluster.Stop())
	}
	return errors.Join(err, os.RemoveAll(b.dir))
}
