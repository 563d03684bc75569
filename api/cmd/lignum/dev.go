package main

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"github.com/spf13/cobra"

	"lignum/domain/demo"
	"lignum/infra/config"
	"lignum/infra/localcluster"
	"lignum/infra/mailcatcher"
	"lignum/tenants"
)

// devInstallation is the role prefix of a local installation.
const devInstallation = "dev"

func devCommand() *cobra.Command {
	var dir string
	var port int
	var empty bool
	cmd := &cobra.Command{Use: "dev", Short: "Everything on this machine: a private database, demo tenants, the server; Ctrl-C stops all of it", Args: cobra.NoArgs,
		Example: "  lignum dev\n  lignum dev --port 8081 --empty",
		RunE: func(cmd *cobra.Command, _ []string) error {
			return dev(cmd.Context(), cmd.OutOrStdout(), dir, port, empty)
		}}
	cmd.Flags().StringVar(&dir, "dir", ".lignum", "where the data lives")
	cmd.Flags().IntVar(&port, "port", 8080, "port of the API and the pages, on loopback only")
	cmd.Flags().BoolVar(&empty, "empty", false, "make no demo data")
	return cmd
}

func dev(ctx context.Context, out io.Writer, dir string, port int, empty bool) error {
	// Say that the port is taken before anything is started.
	ln, err := net.Listen("tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(port)))
	if err != nil {
		return fmt.Errorf("port %d is taken; stop what uses it, or choose another with --port: %w", port, err)
	}
	defer ln.Close()
	log := slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelWarn}))
	fmt.Fprintln(out, "Starting a private PostgreSQL and PgBouncer ...")
	cluster, err := localcluster.Start(ctx, localcluster.Options{Dir: dir, Name: devInstallation, Log: log})
	if err != nil {
		return err
	}
	defer func() {
		if err := cluster.Stop(); err != nil {
			log.Warn("the database did not stop in order; it recovers at the next start", "err", err)
		}
	}()
	if err := cluster.PrepareDatabase(ctx, "lignum"); err != nil {
		return err
	}
	key, err := masterKey(filepath.Join(dir, "master.key"))
	if err != nil {
		return err
	}
	catcher, err := mailcatcher.Start(mailcatcher.Options{})
	if err != nil {
		return err
	}
	defer catcher.Close()
	proxy := net.JoinHostPort(cluster.ProxyHost(), strconv.Itoa(cluster.ProxyPort()))
	cfg := &config.Config{Listen: ln.Addr().String(), MetricsListen: "127.0.0.1:0", BaseDomain: "localhost", SandboxDomain: "sandbox.localhost", Scheme: "http", PublicPort: port, Installation: devInstallation,
		MasterKey: key, Database: "lignum", Proxy: proxy, SSLMode: "disable", DirectDSN: cluster.DirectDSN("lignum"), ProxyRole: "pgbouncer_auth", PoolerMost: cluster.Sizes().Pooler,
		DrainTime: 5 * time.Second, LogLevel: "warn", Memory: os.Getenv("LIGNUM_MEMORY"), Files: filepath.Join(dir, "files"),
		MailServer: "smtp+plain://" + catcher.Address(), MailFrom: "no-reply@lignum.localhost"}
	if err := cfg.Validate(); err != nil {
		return err
	}
	in, err := openWith(cfg)
	if err != nil {
		return err
	}
	defer in.store.Close()
	in.log, in.provisioner.Log, in.mailbox = log, log, catcher
	if err := writeLocalEnv(dir, [][2]string{{"LIGNUM_BASE_DOMAIN", cfg.BaseDomain}, {"LIGNUM_SANDBOX_DOMAIN", cfg.SandboxDomain}, {"LIGNUM_SCHEME", cfg.Scheme}, {"LIGNUM_PUBLIC_PORT", strconv.Itoa(port)},
		{"LIGNUM_INSTALLATION", cfg.Installation}, {"LIGNUM_MASTER_KEY", key}, {"LIGNUM_DATABASE", cfg.Database}, {"LIGNUM_PROXY", cfg.Proxy}, {"LIGNUM_SSLMODE", cfg.SSLMode},
		{"LIGNUM_DIRECT_DSN", cfg.DirectDSN}, {"LIGNUM_FILES", cfg.Files}, {"LIGNUM_MAIL_SERVER", cfg.MailServer}, {"LIGNUM_MAIL_FROM", cfg.MailFrom}, {"LIGNUM_PROXY_ROLE", cfg.ProxyRole}}); err != nil {
		return err
	}
	defer func() { _ = os.Remove(filepath.Join(dir, "env")) }() // should it stay, the next start writes it anew
	if err := in.prepare(ctx, out, !empty); err != nil {
		return err
	}
	fmt.Fprint(out, in.welcome(!empty))
	if err := in.serve(ctx, ln); err != nil && !errors.Is(err, context.Canceled) {
		return err
	}
	fmt.Fprintln(out, "Stopped. The data stays in", dir)
	return nil
}

// prepare migrates, and makes the demo tenants that are missing.
func (in *installation) prepare(ctx context.Context, out io.Writer, withDemo bool) error {
	results, err := in.provisioner.MigrateAll(ctx, 2, nil)
	if err != nil {
		return err
	}
	have := map[string]bool{}
	for _, r := range results {
		if r.Err != nil {
			return fmt.Errorf("tenant %s: %w", r.Realm, r.Err)
		}
		have[r.Realm] = true
	}
	if !withDemo {
		return nil
	}
	for _, spec := range demo.Specs {
		if have[spec.Slug] {
			continue
		}
		fmt.Fprintf(out, "Provisioning %s ...\n", spec.Name)
		if _, err := in.provisioner.Create(ctx, spec, operator()); err != nil {
			return fmt.Errorf("tenant %s: %w", spec.Slug, err)
		}
	}
	fmt.Fprintln(out, "Making demo data ...")
	input, err := in.demoInput(ctx)
	if err != nil {
		return err
	}
	_, err = demo.Small(ctx, input)
	return err
}

func (in *installation) welcome(withDemo bool) string {
	text := "\nLignum is ready.\n"
	if withDemo {
		for _, spec := range demo.Specs {
			text += fmt.Sprintf("  %-38s %s\n", spec.Name, in.cfg.URL(spec.Slug+".localhost"))
		}
	}
	text += fmt.Sprintf("  %-38s %s\n", "The platform, for account managers", in.cfg.URL("platform.localhost"))
	text += fmt.Sprintf("  %-38s %s\n", "The letters that all of them send", in.cfg.URL("mail.localhost"))
	if withDemo {
		text += fmt.Sprintf(`
Sign in as student1, coach1, teacher1, school1, official1, guardian1 or admin1 at a country,
as manager1 or operator1 at the platform; the password of all of them: %s
The platform asks for a code as well: "lignum demo code" prints the one of the moment, in another terminal;
or give an authenticator app on your phone this key: %s
`, demo.Password, demo.OTPSecret)
	}
	return text + fmt.Sprintf("\nAPI reference: %s    Ctrl-C stops everything.\n", in.cfg.URL("platform.localhost")+"/reference")
}

// masterKey reads the local installation's key, making it the first time.
func masterKey(path string) (string, error) {
	raw, err := os.ReadFile(path)
	if err == nil {
		return string(raw), nil
	}
	if !os.IsNotExist(err) {
		return "", err
	}
	key := make([]byte, 32)
	rand.Read(key)
	text := base64.StdEncoding.EncodeToString(key)
	return text, os.WriteFile(path, []byte(text), 0o600)
}

// demoInput is what the demo data is made with.
func (in *installation) demoInput(ctx context.Context) (demo.Input, error) {
	registry, err := in.registry(ctx)
	if err != nil {
		return demo.Input{}, err
	}
	bucket, err := in.bucket(ctx)
	if err != nil {
		return demo.Input{}, err
	}
	return demo.NewInput(in.store, registry, bucket, tenants.PlatformRealm(in.cfg.Installation)), nil
}
