package localcluster

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"net"
	"path/filepath"
	"strconv"
	"syscall"
	"time"
)

// bouncerConfig is the whole of pgbouncer.ini. Logins are looked up in the database at each sign-in
// (auth_query), so that a new role or password works at once; no secret is in any file.
//
// max_db_connections is below the server's, so that PgBouncer takes an idle backend from one login for another's before the
// server refuses (package pooling). It is a database's: the many of a test cluster have that many each.
//
// What a client sets for its session is undone after each transaction (server_reset_query_always), or the next client of the
// login would have it: a search_path, a statement_timeout. It costs some 80 microseconds of processor time a transaction. DISCARD ALL
// would besides throw away the plans that functions keep. The two timeouts end what a login does without its own, which it may
// switch off: a transaction that holds locks, a statement without an end. They are longer than the login's, which come first.
func (c *Cluster) bouncerConfig() string {
	idle := 60 // seconds that an unused server connection is kept
	if c.opts.Ephemeral {
		idle = 10 // many test databases share max_connections
	}
	sizes := c.Sizes()
	return fmt.Sprintf(`[databases]
* = host=%[1]s port=%[2]d

[pgbouncer]
listen_addr = 127.0.0.1
listen_port = %[3]d
unix_socket_dir = %[1]s
unix_socket_mode = 0700
auth_type = scram-sha-256
auth_file = %[1]s/userlist.txt
auth_user = %[4]s
auth_query = SELECT role_name, verifier FROM %[5]s.login($1)
pool_mode = transaction
default_pool_size = %[6]d
max_client_conn = %[7]d
max_db_connections = %[8]d
query_wait_timeout = 5
server_login_retry = 1
server_idle_timeout = %[9]d
server_reset_query = RESET ALL; CLOSE ALL; UNLISTEN *
server_reset_query_always = 1
query_timeout = 30
idle_transaction_timeout = 20
ignore_startup_parameters = extra_float_digits
log_connections = 0
log_disconnections = 0
log_stats = 0
`, c.state.Sockets, postgresPort, c.state.Port, lookupRole, lookupSchema, sizes.Login, sizes.Clients, sizes.Pooler, idle)
}

// startBouncer starts PgBouncer on the port of last time, or on another when that one is taken.
func (c *Cluster) startBouncer(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	var err error
	for range 5 {
		if c.state.Port, err = freePort(c.state.Port); err != nil {
			return fmt.Errorf("localcluster: %w", err)
		}
		if err = c.launchBouncer(ctx); err == nil {
			return c.saveState()
		}
		c.state.Port = 0
	}
	return fmt.Errorf("localcluster: start PgBouncer: %w%s", err, c.lastLines("pgbouncer"))
}

func (c *Cluster) launchBouncer(ctx context.Context) error {
	ini := filepath.Join(c.state.Sockets, "pgbouncer.ini")
	if err := c.account.writeFile(ini, c.bouncerConfig()); err != nil {
		return err
	}
	if err := c.account.writeFile(filepath.Join(c.state.Sockets, "userlist.txt"), fmt.Sprintf("%q %q\n", lookupRole, unknowablePassword())); err != nil {
		return err
	}
	// Each client and each server connection takes a file; Go gives children the low soft limit back.
	p, err := spawn(c.account, syscall.SIGKILL, c.logFile("pgbouncer"),
		"/bin/sh", "-c", fmt.Sprintf(`ulimit -n %d 2>/dev/null || ulimit -n "$(ulimit -Hn)"; exec "$0" "$@"`, c.Sizes().Files), c.bin.bouncer, ini)
	if err != nil {
		return err
	}
	for {
		if c.bouncerAnswers() {
			c.bouncer = p
			return nil
		}
		select {
		case <-p.done:
			return fmt.Errorf("it ended at once (%v)", p.err)
		case <-ctx.Done():
			p.kill()
			return ctx.Err()
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// unknowablePassword returns a SCRAM verifier that no password fits: its keys are random instead of
// derived. PgBouncer needs no password for its role, which the system's word signs in (peer), but
// would let every client in as that role if its entry were empty, as measured on 1.18.
func unknowablePassword() string {
	random := make([]byte, 16+32+32)
	rand.Read(random) // never fails
	text := base64.StdEncoding.EncodeToString
	return fmt.Sprintf("SCRAM-SHA-256$4096:%s$%s:%s", text(random[:16]), text(random[16:48]), text(random[48:]))
}

// bouncerAnswers says whether PgBouncer listens on both its sockets. The unix socket's folder is
// ours alone, so that no other program can answer there.
func (c *Cluster) bouncerAnswers() bool {
	for network, address := range map[string]string{
		"unix": filepath.Join(c.state.Sockets, ".s.PGSQL."+strconv.Itoa(c.state.Port)),
		"tcp":  net.JoinHostPort(c.ProxyHost(), strconv.Itoa(c.state.Port)),
	} {
		conn, err := net.DialTimeout(network, address, time.Second)
		if err != nil {
			return false
		}
		conn.Close()
	}
	return true
}

// freePort returns the wanted port if nothing listens there, else one that the system chooses.
func freePort(wanted int) (int, error) {
	l, err := net.Listen("tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(wanted)))
	if wanted != 0 && errors.Is(err, syscall.EADDRINUSE) {
		l, err = net.Listen("tcp", "127.0.0.1:0")
	}
	if err != nil {
		return 0, fmt.Errorf("find a free port: %w", err)
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port, nil
}
