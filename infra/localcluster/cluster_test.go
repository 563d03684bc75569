package localcluster

import (
	"bufio"
	"context"
	"crypto/hmac"
	"crypto/pbkdf2"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// victimVar has the test binary start a cluster at the directory it names, and wait to be killed.
const victimVar = "LOCALCLUSTER_TEST_VICTIM"

func TestMain(m *testing.M) {
	SuperviseIfAsked()
	if dir := os.Getenv(victimVar); dir != "" {
		c, err := Start(context.Background(), Options{Dir: dir, Name: "victim"})
		if err != nil {
			fmt.Println("failed:", err)
			os.Exit(1)
		}
		pg, bouncer := c.PIDs()
		fmt.Println("started", pg, bouncer)
		select {}
	}
	os.Exit(m.Run())
}

// dirFor gives a directory that the servers' user can reach, unlike t.TempDir, whose parents root closes to others.
func dirFor(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "lignum-cluster-test-")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(dir, 0o711); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	return filepath.Join(dir, "c")
}

func start(t *testing.T, o Options) *Cluster {
	t.Helper()
	c, err := Start(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := c.Stop(); err != nil {
			t.Error(err)
		}
	})
	return c
}

// verifier gives the SCRAM-SHA-256 verifier of a password (RFC 5803), as a provisioner sends it.
func verifier(t *testing.T, password string) string {
	t.Helper()
	salt := []byte("0123456789abcdef")
	key, err := pbkdf2.Key(sha256.New, password, salt, 4096, sha256.Size)
	if err != nil {
		t.Fatal(err)
	}
	sign := func(text string) []byte {
		h := hmac.New(sha256.New, key)
		h.Write([]byte(text))
		return h.Sum(nil)
	}
	stored := sha256.Sum256(sign("Client Key"))
	b64 := base64.StdEncoding.EncodeToString
	return fmt.Sprintf("SCRAM-SHA-256$4096:%s$%s:%s", b64(salt), b64(stored[:]), b64(sign("Server Key")))
}

func exec1(t *testing.T, c *Cluster, database, sql string) {
	t.Helper()
	if err := execDirect(t.Context(), c.DirectDSN(database), sql); err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
}

func proxyDSN(c *Cluster, role, password, database string) string {
	return fmt.Sprintf("host=%s port=%d user=%s password='%s' dbname=%s sslmode=disable default_query_exec_mode=exec",
		c.ProxyHost(), c.ProxyPort(), role, password, database)
}

// ask signs in through PgBouncer and asks who it is.
func ask(t *testing.T, dsn string) (who string, err error) {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), dsn)
	if err != nil {
		return "", err
	}
	defer conn.Close(t.Context())
	err = conn.QueryRow(t.Context(), "SELECT session_user").Scan(&who)
	return who, err
}

func mustAsk(t *testing.T, dsn, role string) {
	t.Helper()
	if who, err := ask(t, dsn); err != nil || who != role {
		t.Fatalf("through PgBouncer: %q, %v; want %q", who, err, role)
	}
}

// eventually waits for what another process does; it fails only after a time that no healthy machine needs.
func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for deadline := time.Now().Add(time.Minute); !ok(); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("never happened: " + what)
		}
	}
}

func alive(pid int) bool {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	return err == nil && !strings.Contains(string(text), ") Z ")
}

func TestSignInThroughPgBouncer(t *testing.T) {
	c := start(t, Options{Dir: dirFor(t), Ephemeral: true})
	if err := c.PrepareDatabase(t.Context(), "lignum"); err != nil {
		t.Fatal(err)
	}
	if err := c.PrepareDatabase(t.Context(), "lignum"); err != nil {
		t.Fatalf("a second time: %v", err)
	}
	exec1(t, c, "lignum", "CREATE ROLE jamaica LOGIN PASSWORD '"+verifier(t, "one")+"'")

	_, err := ask(t, proxyDSN(c, "jamaica", "one", "lignum"))
	if err == nil {
		t.Fatal("a role without CONNECT entered: PUBLIC still has it")
	}
	exec1(t, c, "lignum", "GRANT CONNECT ON DATABASE lignum TO jamaica")
	mustAsk(t, proxyDSN(c, "jamaica", "one", "lignum"), "jamaica")
	mustAsk(t, strings.Replace(proxyDSN(c, "jamaica", "one", "lignum"), "host=127.0.0.1", "host="+c.ProxySocketDir(), 1), "jamaica")

	for name, dsn := range map[string]string{
		"wrong password":        proxyDSN(c, "jamaica", "two", "lignum"),
		"no password":           proxyDSN(c, "jamaica", "", "lignum"),
		"unknown role":          proxyDSN(c, "nobody", "one", "lignum"),
		"superuser":             proxyDSN(c, superuser, "", "lignum"),
		"PgBouncer's own":       proxyDSN(c, lookupRole, "", "lignum"),
		"PgBouncer's own, word": proxyDSN(c, lookupRole, "x", "lignum"),
	} {
		_, err := ask(t, dsn)
		var refused *pgconn.PgError
		if !errors.As(err, &refused) || !strings.Contains(refused.Message, "authentication failed") && !strings.Contains(refused.Message, "no such user") {
			t.Errorf("%s: %v; want a clean authentication error", name, err)
		}
	}

	exec1(t, c, "lignum", "ALTER ROLE jamaica PASSWORD '"+verifier(t, "two")+"'")
	mustAsk(t, proxyDSN(c, "jamaica", "two", "lignum"), "jamaica")
	if _, err := ask(t, proxyDSN(c, "jamaica", "one", "lignum")); err == nil {
		t.Error("the old password still works")
	}
	exec1(t, c, "lignum", "ALTER ROLE jamaica NOLOGIN")
	if _, err := ask(t, proxyDSN(c, "jamaica", "two", "lignum")); err == nil {
		t.Error("a role that may not log in entered")
	}
}

func TestRolesSeeNothingOfTheLookup(t *testing.T) {
	c := start(t, Options{Dir: dirFor(t), Ephemeral: true})
	if err := c.PrepareDatabase(t.Context(), "lignum"); err != nil {
		t.Fatal(err)
	}
	exec1(t, c, "lignum", "CREATE ROLE jamaica LOGIN PASSWORD '"+verifier(t, "one")+"'; GRANT CONNECT ON DATABASE lignum TO jamaica")
	conn, err := pgx.Connect(t.Context(), proxyDSN(c, "jamaica", "one", "lignum"))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(t.Context())
	for _, sql := range []string{
		"SELECT * FROM pgbouncer_lookup.login('jamaica')",
		"SELECT rolpassword FROM pg_authid",
		"CREATE TABLE public.mine (a int)",
		"CREATE TEMPORARY TABLE mine (a int)",
		"SET ROLE postgres",
	} {
		_, err := conn.Exec(t.Context(), sql)
		var refused *pgconn.PgError
		if !errors.As(err, &refused) || refused.Code != "42501" {
			t.Errorf("%s: %v; want 42501, insufficient privilege", sql, err)
		}
	}
	if _, err := ask(t, proxyDSN(c, "jamaica", "one", "postgres")); err == nil {
		t.Error("the database postgres is open to every role")
	}
}

func TestPrepareDatabaseAtOnce(t *testing.T) {
	c := start(t, Options{Dir: dirFor(t), Ephemeral: true})
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			if err := c.PrepareDatabase(t.Context(), "lignum"); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
}

func TestSettings(t *testing.T) {
	c := start(t, Options{Dir: dirFor(t), Ephemeral: true, MaxConnections: 50})
	conn, err := pgx.Connect(t.Context(), c.DirectDSN("postgres"))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(t.Context())
	for name, want := range map[string]string{
		"max_connections": "50", "wal_level": "logical", "fsync": "off", "TimeZone": "UTC", "server_encoding": "UTF8",
		"data_checksums": "on", "listen_addresses": "", "password_encryption": "scram-sha-256",
	} {
		var got string
		if err := conn.QueryRow(t.Context(), "SELECT current_setting($1)", name).Scan(&got); err != nil || got != want {
			t.Errorf("%s = %q, %v; want %q", name, got, err, want)
		}
	}
}

func TestRestartKeepsData(t *testing.T) {
	dir := dirFor(t)
	c := start(t, Options{Dir: dir})
	exec1(t, c, "postgres", "CREATE TABLE kept AS SELECT 7 AS n")
	port := c.ProxyPort()
	pg, bouncer := c.PIDs()
	if err := c.Stop(); err != nil {
		t.Fatal(err)
	}
	if err := c.Stop(); err != nil {
		t.Fatalf("a second time: %v", err)
	}
	if alive(pg) || alive(bouncer) {
		t.Fatal("Stop left a process")
	}
	c = start(t, Options{Dir: dir})
	if got := c.ProxyPort(); got != port {
		t.Errorf("port %d after the restart, was %d", got, port)
	}
	exec1(t, c, "postgres", "DO $$ BEGIN ASSERT (SELECT n FROM kept) = 7; END $$")
}

func TestEphemeralLeavesNothing(t *testing.T) {
	dir := dirFor(t)
	c := start(t, Options{Dir: dir, Ephemeral: true})
	pg, bouncer := c.PIDs()
	if err := c.Stop(); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(dir); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the directory is still there: %v", err)
	}
	if alive(pg) || alive(bouncer) {
		t.Error("Stop left a process")
	}
}

func TestSecondStartIsRefused(t *testing.T) {
	dir := dirFor(t)
	c := start(t, Options{Dir: dir, Ephemeral: true})
	_, err := Start(t.Context(), Options{Dir: dir})
	if err == nil || !strings.Contains(err.Error(), "in use by process "+strconv.Itoa(os.Getpid())) {
		t.Errorf("got %v; want a refusal that names process %d", err, os.Getpid())
	}
	exec1(t, c, "postgres", "SELECT 1")
}

func TestServersFallAndRise(t *testing.T) {
	c := start(t, Options{Dir: dirFor(t)})
	if err := c.PrepareDatabase(t.Context(), "lignum"); err != nil {
		t.Fatal(err)
	}
	exec1(t, c, "lignum", "CREATE ROLE jamaica LOGIN PASSWORD '"+verifier(t, "one")+"'; GRANT CONNECT ON DATABASE lignum TO jamaica")
	dsn := proxyDSN(c, "jamaica", "one", "lignum")
	mustAsk(t, dsn, "jamaica")
	// PgBouncer hands out connections that have died once each, and waits a second after a failed login.
	recovers := func(what string) {
		t.Helper()
		eventually(t, "sign-in after "+what, func() bool { _, err := ask(t, dsn); return err == nil })
	}
	if err := c.RestartPostgres(t.Context()); err != nil {
		t.Fatal(err)
	}
	recovers("a restart")
	if err := c.StopPostgres(t.Context(), Immediate); err != nil {
		t.Fatal(err)
	}
	if pg, _ := c.PIDs(); pg != 0 {
		t.Errorf("process %d after the stop, want 0", pg)
	}
	if err := c.StartPostgres(t.Context()); err != nil {
		t.Fatal(err)
	}
	recovers("an immediate stop")
	pg, _ := c.PIDs()
	if err := syscall.Kill(pg, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	eventually(t, "PostgreSQL is gone", func() bool { pg, _ := c.PIDs(); return pg == 0 })
	if err := c.StartPostgres(t.Context()); err != nil {
		t.Fatal(err)
	}
	recovers("a kill")
	port := c.ProxyPort()
	if err := c.RestartPgBouncer(t.Context()); err != nil {
		t.Fatal(err)
	}
	if c.ProxyPort() != port {
		t.Errorf("PgBouncer moved from port %d to %d", port, c.ProxyPort())
	}
	mustAsk(t, dsn, "jamaica")
	if err := c.StopPostgres(t.Context(), "gently"); err == nil {
		t.Error("an unknown mode was taken")
	}
}

// The program that owns the cluster is killed: its servers end, and the next start finds everything.
func TestKilledOwner(t *testing.T) {
	dir := dirFor(t)
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		victim := exec.Command(self)
		victim.Env = append(os.Environ(), victimVar+"="+dir)
		out, err := victim.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := victim.Start(); err != nil {
			t.Fatal(err)
		}
		line, _ := bufio.NewReader(out).ReadString('\n')
		var pg, bouncer int
		if _, err := fmt.Sscanf(line, "started %d %d", &pg, &bouncer); err != nil {
			t.Fatalf("the victim said %q", line)
		}
		if err := victim.Process.Kill(); err != nil {
			t.Fatal(err)
		}
		_ = victim.Wait() // "signal: killed"
		c, err := Start(t.Context(), Options{Dir: dir})
		if err != nil {
			t.Fatalf("start after the kill: %v", err)
		}
		eventually(t, "both servers are gone", func() bool { return !alive(pg) && !alive(bouncer) })
		exec1(t, c, "postgres", "CREATE TABLE IF NOT EXISTS kept (n int)")
		if err := c.Stop(); err != nil {
			t.Fatal(err)
		}
	}
}

func TestPlacesThatDoNotFit(t *testing.T) {
	long := filepath.Join(filepath.Dir(dirFor(t)), strings.Repeat("very-long-", 12))
	closed := filepath.Join(filepath.Dir(dirFor(t)), "closed")
	if err := os.Mkdir(closed, 0o700); err != nil {
		t.Fatal(err)
	}
	for name, dir := range map[string]string{
		"longer than a socket's path": long,
		"closed to the servers' user": filepath.Join(closed, ".lignum"),
		"odd characters":              filepath.Join(filepath.Dir(dirFor(t)), "it's a 'quoted', place #1"),
	} {
		t.Run(name, func(t *testing.T) {
			c := start(t, Options{Dir: dir})
			exec1(t, c, "postgres", "CREATE TABLE kept AS SELECT 7 AS n")
			first := c.state
			if err := c.Stop(); err != nil {
				t.Fatal(err)
			}
			if _, err := os.Stat(first.Sockets); !errors.Is(err, os.ErrNotExist) {
				t.Errorf("the sockets' folder %s is still there: %v", first.Sockets, err)
			}
			c = start(t, Options{Dir: dir, Ephemeral: true}) // removes the folders elsewhere too
			exec1(t, c, "postgres", "DO $$ BEGIN ASSERT (SELECT n FROM kept) = 7; END $$")
			if c.state.Home != first.Home {
				t.Errorf("data moved from %s to %s", first.Home, c.state.Home)
			}
			if err := c.Stop(); err != nil {
				t.Fatal(err)
			}
			if _, err := os.Stat(filepath.Join(c.state.Home, "data")); !errors.Is(err, os.ErrNotExist) {
				t.Errorf("data is still there: %v", err)
			}
		})
	}
}

func TestOptionsAreChecked(t *testing.T) {
	for _, o := range []Options{{Name: "Big Name"}, {Name: "averyverylongname"}, {MaxConnections: 5}, {MaxConnections: 5001}, {MaxConnections: -1}, {Linger: -1}} {
		o.Dir = filepath.Join(t.TempDir(), "c")
		if c, err := Start(t.Context(), o); err == nil {
			t.Errorf("%+v was taken; its end: %v", o, c.Stop())
		}
		if _, err := os.Stat(o.Dir); err == nil {
			t.Errorf("%+v made a directory", o)
		}
	}
	c := start(t, Options{Dir: dirFor(t), Ephemeral: true})
	for _, name := range []string{"", "Lignum", `a"b`, "a b", strings.Repeat("a", 64)} {
		if err := c.PrepareDatabase(t.Context(), name); err == nil {
			t.Errorf("database %q was taken", name)
		}
	}
}

func TestMissingServersAreNamed(t *testing.T) {
	t.Setenv("PATH", t.TempDir())
	old := postgresDirs
	postgresDirs = nil
	defer func() { postgresDirs = old }()
	_, err := findBinaries(0)
	if err == nil || !strings.Contains(err.Error(), "PostgreSQL server") || !strings.Contains(err.Error(), "Install with") {
		t.Errorf("got %v; want what is missing and how to install it", err)
	}
}
