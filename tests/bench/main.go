// Command bench measures what an operator pays for: a signed-in read and an audited write through the whole API against
// pgbench doing the same SQL through the same PgBouncer, the price of the authorization chain, and what many tenants cost.
// Everything is a ratio of two measurements taken in turn in the same run, since machines are noisy. It talks to
// loopback only, ends by itself, and writes .lignum/bench.json.
package main

import (
	"context"
	"encoding/base64"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"lignum/infra/localcluster"
	"lignum/tenants"
	"lignum/tenants/audit"
	"lignum/tests/testkit"
)

const (
	installation = "bench"
	database     = "lignum"
	clients      = 8 // of each load, on both sides
)

// bench is one run's private installation.
type bench struct {
	dir         string
	cluster     *localcluster.Cluster
	vault       *tenants.Vault
	store       *tenants.Store
	registry    *tenants.Registry
	provisioner *tenants.Provisioner
	binary      string
	apiPID      int
	apiAddr     string
	pgbenchPath string
	counter     atomic.Int64
	report      report
}

func main() {
	seconds := flag.Int("seconds", 4, "length of each measurement")
	pairs := flag.Int("pairs", 5, "how often each pair of measurements is taken in turn")
	many := flag.Int("tenants", 200, "how many tenants 'many' is")
	only := flag.String("only", "abcde", "which measurements: a reads, b writes, c authorization, d many tenants, e exam attempts")
	out := flag.String("out", ".lignum/bench.json", "where the figures are kept")
	grow := flag.Bool("growth", false, "only measure what grows with the tenant")
	match := flag.String("match", "", "of that, what has this in its role and address")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if *grow {
		if err := showGrowth(ctx, *match); err != nil {
			fmt.Fprintln(os.Stderr, "bench:", err)
			os.Exit(1)
		}
		return
	}
	ctx, cancel := context.WithTimeout(ctx, 40*time.Minute)
	defer cancel()
	if err := run(ctx, time.Duration(*seconds)*time.Second, *pairs, *many, *only, *out); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, length time.Duration, pairs, many int, only, out string) (err error) {
	b := &bench{}
	defer func() { err = errors.Join(err, b.close()) }()
	if err := b.start(ctx); err != nil {
		return err
	}
	stopAPI, err := b.serve(ctx)
	if err != nil {
		return err
	}
	defer stopAPI()
	world, err := b.world(ctx, "jamaica")
	if err != nil {
		return err
	}
	parts := []struct {
		letter, name string
		measure      func() error
	}{
		{"a", "reads", func() error { return b.reads(ctx, world, length, pairs) }},
		{"b", "writes", func() error { return b.writes(ctx, world, length, pairs) }},
		{"c", "authorization chain", func() error { return b.chain(ctx) }},
		{"e", "exam attempts", func() error { return b.attempts(ctx, 2*pairs) }},
		{"d", "many tenants", func() error { return b.manyTenants(ctx, length, pairs, many) }},
	}
	for _, p := range parts {
		if !strings.Contains(only, p.letter) {
			continue
		}
		if err := p.measure(); err != nil {
			return fmt.Errorf("%s: %w", p.name, err)
		}
	}
	if err := b.report.save(out); err != nil {
		return err
	}
	if missed := b.report.missed(); len(missed) > 0 {
		fmt.Printf("\n%d goals were not met: %s\n", len(missed), strings.Join(missed, "; "))
	}
	return nil
}

// start makes a cluster of its own with the settings of `lignum dev`, durable writes included.
func (b *bench) start(ctx context.Context) error {
	var err error
	if b.pgbenchPath, err = findPgbench(); err != nil {
		return err
	}
	if b.dir, err = os.MkdirTemp("", "lignum-bench"); err != nil {
		return err
	}
	if err := os.Chmod(b.dir, 0o755); err != nil {
		return err
	}
	fmt.Println("starting a private PostgreSQL and PgBouncer, building, provisioning ...")
	b.cluster, err = localcluster.Start(ctx, localcluster.Options{Dir: filepath.Join(b.dir, "cluster"), Name: installation, Log: slog.New(slog.DiscardHandler), MaxConnections: 500})
	if err != nil {
		return err
	}
	if err := b.cluster.PrepareDatabase(ctx, database); err != nil {
		return err
	}
	if b.vault, err = tenants.NewVault([]byte(strings.Repeat("k", 32))); err != nil {
		return err
	}
	b.provisioner = &tenants.Provisioner{DirectDSN: b.cluster.DirectDSN(database), Installation: installation, Vault: b.vault, ProxyRole: "pgbouncer_auth"}
	if _, err := b.provisioner.Install(ctx); err != nil {
		return err
	}
	for _, spec := range testkit.Fixtures {
		if _, err := b.provisioner.Create(ctx, spec, audit.Actor{Name: "bench"}); err != nil {
			return err
		}
	}
	b.store, err = tenants.NewStore(tenants.StoreConfig{Vault: b.vault, Connections: 20,
		Writer: tenants.Endpoint{Host: b.cluster.ProxyHost(), Port: b.cluster.ProxyPort(), Database: database}})
	if err != nil {
		return err
	}
	b.registry, err = tenants.NewRegistry(ctx, b.store.DB(tenants.PlatformRealm(installation)), "localhost")
	if err != nil {
		return err
	}
	if err := b.lift(ctx); err != nil {
		return err
	}
	b.binary = filepath.Join(b.dir, "lignum")
	build := exec.CommandContext(ctx, "go", "build", "-o", b.binary, "lignum/api/cmd/lignum")
	build.Stdout, build.Stderr = os.Stderr, os.Stderr
	return build.Run()
}

// lift takes the quotas away: the load comes from few people and one address, who would soon have used up their shares. That they
// are asked is in the figures all the same.
func (b *bench) lift(ctx context.Context) error {
	return b.store.DB(tenants.PlatformRealm(installation)).Write(ctx, audit.Actor{Name: "bench"}, func(tx *tenants.Tx) error {
		for _, t := range b.registry.Tenants() {
			lim := t.Limits
			lim.ReadsPerSec, lim.WritesPerSec, lim.SignInsPerSec = 1<<40, 1<<40, 1<<40
			if _, err := tenants.SetPlan(ctx, tx, t.Slug, t.Plan, &lim, audit.Entry{Action: "bench.prepare"}); err != nil {
				return err
			}
		}
		return nil
	})
}

// serve starts the API as a process of its own, so that what it uses can be told from what the load uses.
func (b *bench) serve(ctx context.Context) (stop func(), err error) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	b.apiAddr = ln.Addr().String()
	port := ln.Addr().(*net.TCPAddr).Port
	ln.Close()
	cmd := exec.CommandContext(ctx, b.binary, "serve")
	cmd.Env = append(os.Environ(), "LIGNUM_LISTEN="+b.apiAddr, "LIGNUM_METRICS_LISTEN=127.0.0.1:0", "LIGNUM_BASE_DOMAIN=localhost", "LIGNUM_SCHEME=http",
		"LIGNUM_PUBLIC_PORT="+strconv.Itoa(port), "LIGNUM_INSTALLATION="+installation, "LIGNUM_MASTER_KEY="+base64.StdEncoding.EncodeToString([]byte(strings.Repeat("k", 32))),
		"LIGNUM_PROXY="+net.JoinHostPort(b.cluster.ProxyHost(), strconv.Itoa(b.cluster.ProxyPort())), "LIGNUM_DATABASE="+database, "LIGNUM_SSLMODE=disable",
		"LIGNUM_CONNECTIONS=40", "LIGNUM_LOG_LEVEL=warn")
	cmd.Stdout, cmd.Stderr = io.Discard, os.Stderr
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) }
	cmd.WaitDelay = 10 * time.Second
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	b.apiPID = cmd.Process.Pid
	stop = func() {
		_ = cmd.Process.Signal(os.Interrupt) // it may have ended
		_ = cmd.Wait()
	}
	for range 200 {
		conn, err := net.Dial("tcp", b.apiAddr)
		if err == nil {
			conn.Close()
			return stop, nil
		}
		time.Sleep(50 * time.Millisecond)
	}
	stop()
	return nil, errors.New("the API did not start")
}

// issuer is what tokens of a tenant say, as the API expects it.
func (b *bench) issuer(slug string) string {
	_, port, _ := net.SplitHostPort(b.apiAddr)
	return "http://" + slug + ".localhost:" + port
}

func (b *bench) close() error {
	if b.store != nil {
		b.store.Close()
	}
	var err error
	if b.cluster != nil {
		err = b.cluster.Stop()
	}
	return errors.Join(err, os.RemoveAll(b.dir))
}
