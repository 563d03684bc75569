package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"

	"lignum/domain"
	"lignum/domain/identity"
	"lignum/domain/words"
	"lignum/infra/config"
	"lignum/infra/memory"
	"lignum/infra/rdsiam"
	"lignum/tenants"
	"lignum/tenants/audit"
	"lignum/tenants/files"
	"lignum/tenants/provision"
)

// localEnv is where `lignum dev` leaves its settings, so that other commands in the same directory find it.
const localEnv = ".lignum/env"

// installation is what most commands work on.
type installation struct {
	cfg         *config.Config
	vault       *tenants.Vault
	store       *tenants.Store
	provisioner *provision.Provisioner // nil without LIGNUM_DIRECT_DSN
	log         *slog.Logger
	memory      memory.Share // of a serving process
	mailbox     http.Handler // what shows the letters of a local installation; nil: nothing does
}

// open reads the settings: from the environment, or from a local installation that runs in this directory.
func open() (*installation, error) {
	if os.Getenv("LIGNUM_PROXY") == "" {
		if err := readLocalEnv(localEnv); err != nil && !os.IsNotExist(err) {
			return nil, err
		}
	}
	cfg, err := config.Load()
	if err != nil {
		return nil, err
	}
	return openWith(cfg)
}

func openWith(cfg *config.Config) (*installation, error) {
	in := &installation{cfg: cfg, log: slog.New(slog.NewJSONHandler(os.Stderr, &slog.HandlerOptions{Level: cfg.Level()}))}
	var err error
	if in.vault, err = tenants.NewVault(cfg.Key()); err != nil {
		return nil, err
	}
	writer, err := endpoint(cfg.Proxy, cfg)
	if err != nil {
		return nil, err
	}
	var reader tenants.Endpoint
	if cfg.ProxyReader != "" {
		if reader, err = endpoint(cfg.ProxyReader, cfg); err != nil {
			return nil, err
		}
	}
	stored := tenants.StoreConfig{Writer: writer, Reader: reader, Vault: in.vault, Connections: tenants.Slots(cfg.Cores())}
	if cfg.DatabaseAuth == "iam" {
		signer, err := rdsiam.New(context.Background())
		if err != nil {
			return nil, err
		}
		stored.Password = signer.Password
	}
	in.store, err = tenants.NewStore(stored)
	if err != nil {
		return nil, err
	}
	if cfg.DirectDSN != "" {
		in.provisioner = &provision.Provisioner{DirectDSN: cfg.DirectDSN, Installation: cfg.Installation, Vault: in.vault, ProxyRole: cfg.ProxyRole, IAM: cfg.DatabaseAuth == "iam", Log: in.log,
			FirstAdministrator: identity.FirstAdministrator}
	}
	return in, nil
}

func endpoint(hostport string, cfg *config.Config) (tenants.Endpoint, error) {
	host, port, err := net.SplitHostPort(hostport)
	if err != nil {
		return tenants.Endpoint{}, err
	}
	n, err := strconv.Atoi(port)
	return tenants.Endpoint{Host: host, Port: n, Database: cfg.Database, SSLMode: cfg.SSLMode}, err
}

func (in *installation) registry(ctx context.Context) (*tenants.Registry, error) {
	return tenants.NewRegistry(ctx, in.store.DB(tenants.PlatformRealm(in.cfg.Installation)), in.cfg.BaseDomain)
}

// bucket opens where files lie.
func (in *installation) bucket(ctx context.Context) (*files.Bucket, error) {
	if in.cfg.Files == "" {
		return nil, errors.New("LIGNUM_FILES must say where uploaded files lie: a directory, or s3://BUCKET?region=REGION")
	}
	bucket, err := files.Open(ctx, in.cfg.Files)
	if err != nil {
		return nil, fmt.Errorf("LIGNUM_FILES: %w", err)
	}
	if key := in.cfg.FilesSigner(); key != nil {
		bucket = bucket.By(&files.Edge{Host: in.cfg.FilesHost, KeyID: in.cfg.FilesKeyID, Key: key})
	}
	return bucket, nil
}

// realmDB opens a tenant's data by its slug, or the platform's for "platform".
func (in *installation) realmDB(ctx context.Context, slug string) (*tenants.DB, *tenants.Tenant, error) {
	if slug == "platform" {
		return in.store.DB(tenants.PlatformRealm(in.cfg.Installation)), nil, nil
	}
	reg, err := in.registry(ctx)
	if err != nil {
		return nil, nil, err
	}
	t, err := reg.Tenant(slug)
	if err != nil {
		return nil, nil, err
	}
	if !t.Allows().Made {
		return nil, nil, domain.InvalidFieldIn("REALM", words.Plain(fmt.Sprintf("%s is %s: there is nothing of it yet", t.Slug, t.State.Words())))
	}
	return in.store.DB(t.Realm()), t, nil
}

// operator is who acts at a command line: the machine's user, on record as such.
func operator() audit.Actor {
	name := "unknown"
	if u, err := user.Current(); err == nil {
		name = u.Username
	}
	host, _ := os.Hostname()
	return audit.Actor{Name: name + "@" + host, Roles: []string{"operator"}, Realm: "platform", Address: "command line"}
}

func readLocalEnv(path string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	lines := bufio.NewScanner(f)
	for lines.Scan() {
		if key, value, ok := strings.Cut(lines.Text(), "="); ok && strings.HasPrefix(key, "LIGNUM_") && os.Getenv(key) == "" {
			if err := os.Setenv(key, value); err != nil {
				return err
			}
		}
	}
	return lines.Err()
}

func writeLocalEnv(dir string, vars [][2]string) error {
	var b strings.Builder
	for _, v := range vars {
		b.WriteString(v[0] + "=" + v[1] + "\n")
	}
	return os.WriteFile(filepath.Join(dir, "env"), []byte(b.String()), 0o600)
}
