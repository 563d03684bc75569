package localcluster

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/jackc/pgx/v5"
)

// How StopPostgres ends the server.
const (
	Fast      = "fast"      // connections are cut, data is written, the next start is clean
	Immediate = "immediate" // as a crash: the next start recovers from the log
)

const (
	superuser    = "postgres"
	postgresPort = 5432 // in the name of the socket alone: nothing listens on the network
	startTimeout = 2 * time.Minute
)

// initData makes the data directory unless it is there. It appears under its name only when it is whole.
func (c *Cluster) initData(ctx context.Context) error {
	if dataVersion(c.dataDir()) != 0 {
		return nil
	}
	fresh := c.dataDir() + ".new"
	initdb := func(locale string) error {
		if err := os.RemoveAll(fresh); err != nil {
			return err
		}
		if err := os.Mkdir(fresh, 0o700); err != nil {
			return err
		}
		if err := c.account.own(fresh); err != nil {
			return err
		}
		argv := []string{filepath.Join(c.bin.dir, "initdb"), "-D", fresh, "-U", superuser, "--encoding=UTF8", "--locale=" + locale,
			"--data-checksums", "--auth-local=peer", "--auth-host=reject"}
		if c.opts.Ephemeral {
			argv = append(argv, "--no-sync")
		}
		_, err := run(ctx, c.account, argv...)
		return err
	}
	err := initdb("C.UTF-8")
	if err != nil && strings.Contains(err.Error(), "locale") { // macOS and older systems lack it
		err = initdb("C")
	}
	if err == nil {
		err = os.Rename(fresh, c.dataDir())
	}
	if err != nil {
		return fmt.Errorf("localcluster: make the database: %w", err)
	}
	return nil
}

// Setting is one of postgresql.conf.
type Setting struct{ Name, Value string }

// Durable says how a server of ours keeps its log, here and where the files of an installation repeat it. After a checkpoint each page
// that changes is logged whole once more, so that a few hundred learners who save their answers write most of the log in the minutes
// after one: checkpoints are seldom, and whole pages are packed. A crash then takes some minutes to recover from.
var Durable = []Setting{{"wal_compression", "lz4"}, {"checkpoint_timeout", "15min"}, {"max_wal_size", "4GB"}}

// config is the whole of postgresql.conf. Statements and values stay out of the log: they name children.
func (c *Cluster) config() string {
	sizes := c.Sizes()
	lines := []string{
		"listen_addresses = ''",
		fmt.Sprintf("port = %d", postgresPort),
		"unix_socket_directories = '" + c.state.Sockets + "'",
		"unix_socket_permissions = 0700",
		fmt.Sprintf("max_connections = %d", sizes.Server),
		fmt.Sprintf("superuser_reserved_connections = %d", sizes.Superuser),
		"temp_file_limit = '4GB'", // no statement of one tenant fills the disk of all
		"password_encryption = 'scram-sha-256'",
		"wal_level = logical",
		"timezone = 'UTC'",
		"log_timezone = 'UTC'",
		"log_destination = 'stderr'",
		"logging_collector = off",
		"log_line_prefix = '%m [%p] %q%u@%d '",
		"log_checkpoints = off",
		"log_min_error_statement = panic",
		"log_error_verbosity = terse",
		"log_parameter_max_length = 0",
		"log_parameter_max_length_on_error = 0",
	}
	if c.bin.statements {
		lines = append(lines, "shared_preload_libraries = 'pg_stat_statements'", "pg_stat_statements.max = 5000")
	}
	if c.opts.Ephemeral {
		lines = append(lines, "shared_buffers = 128MB", "fsync = off", "synchronous_commit = off", "full_page_writes = off",
			"max_wal_size = 512MB", "checkpoint_timeout = 30min",
			"dynamic_shared_memory_type = mmap") // in the data directory, and gone with it even after a kill
	} else {
		lines = append(lines, "shared_buffers = 256MB")
		for _, s := range Durable {
			lines = append(lines, s.Name+" = "+s.Value)
		}
	}
	return strings.Join(lines, "\n") + "\n"
}

// startPostgres writes the configuration, starts the server and waits until it answers.
func (c *Cluster) startPostgres(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, startTimeout)
	defer cancel()
	if err := c.endOrphan(ctx); err != nil {
		return err
	}
	us, err := user.Current()
	if err != nil {
		return fmt.Errorf("localcluster: who am I: %w", err)
	}
	for name, text := range map[string]string{
		"postgresql.conf": c.config(),
		"pg_hba.conf": fmt.Sprintf("local all %s peer map=lignum\nlocal all %s peer map=lignum\nlocal all all scram-sha-256\n",
			superuser, lookupRole),
		"pg_ident.conf": fmt.Sprintf("lignum %q %s\nlignum %q %s\n", us.Username, superuser, c.account.name, lookupRole),
	} {
		if err := c.account.writeFile(filepath.Join(c.dataDir(), name), text); err != nil {
			return err
		}
	}
	// A second try: after a crash the last backends may hold the old shared memory for a moment.
	for try := 1; ; try++ {
		if err = c.launchPostgres(ctx); err == nil {
			return c.saveState()
		}
		if ctx.Err() != nil || try == 3 {
			return fmt.Errorf("localcluster: start PostgreSQL: %w%s", err, c.lastLines("postgres"))
		}
		time.Sleep(300 * time.Millisecond)
	}
}

func (c *Cluster) launchPostgres(ctx context.Context) error {
	// Ended by us being killed, it shuts down cleanly (SIGINT), with no recovery at the next start.
	p, err := spawn(c.account, syscall.SIGINT, c.logFile("postgres"), filepath.Join(c.bin.dir, "postgres"), "-D", c.dataDir())
	if err != nil {
		return err
	}
	for {
		conn, err := pgx.Connect(ctx, directDSN(c.state.Sockets, "postgres"))
		if err == nil {
			c.postgres = p
			return conn.Close(ctx)
		}
		select {
		case <-p.done:
			return fmt.Errorf("it ended at once (%w)", p.err)
		case <-ctx.Done():
			p.kill()
			return err
		case <-time.After(30 * time.Millisecond):
		}
	}
}

// stopPostgres ends the server in the mode given, with sterner means when it does not end in time.
func (c *Cluster) stopPostgres(ctx context.Context, mode string) error {
	switch mode {
	case Fast:
		if c.postgres.signal(ctx, syscall.SIGINT, 30*time.Second) {
			break
		}
		fallthrough
	case Immediate:
		if !c.postgres.signal(ctx, syscall.SIGQUIT, 10*time.Second) {
			c.postgres.kill()
		}
	default:
		return fmt.Errorf("localcluster: stop mode %q: use %q or %q", mode, Fast, Immediate)
	}
	c.postgres = nil
	return nil
}

// endOrphan ends a PostgreSQL that a killed program left on our data and that is still shutting down.
// We hold the directory's lock, so it has no other owner.
func (c *Cluster) endOrphan(ctx context.Context) error {
	pid := c.postmasterPID()
	for start, sent := time.Now(), syscall.Signal(0); pid > 0 && isPostmaster(pid, c.dataDir()); {
		wanted := syscall.SIGINT
		if time.Since(start) > 20*time.Second {
			wanted = syscall.SIGQUIT
		}
		if sent != wanted {
			sent = wanted
			if err := syscall.Kill(pid, sent); err != nil && !errors.Is(err, syscall.ESRCH) {
				return fmt.Errorf("localcluster: end the PostgreSQL %d that was left on %s: %w", pid, c.dataDir(), err)
			}
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("localcluster: PostgreSQL %d was left on %s and does not end: %w", pid, c.dataDir(), ctx.Err())
		case <-time.After(30 * time.Millisecond):
		}
	}
	return nil
}

// postmasterPID returns the process id that the data directory names as its server's, 0 when there is none.
func (c *Cluster) postmasterPID() int {
	text, err := os.ReadFile(filepath.Join(c.dataDir(), "postmaster.pid"))
	if err != nil {
		return 0
	}
	first, _, _ := strings.Cut(string(text), "\n")
	pid, _ := strconv.Atoi(strings.TrimSpace(first)) // 0 for a file half written
	return pid
}

// lastLines returns the end of a server's log for an error message.
func (c *Cluster) lastLines(name string) string {
	text, err := os.ReadFile(c.logPath(name))
	if err != nil || len(text) == 0 {
		return ""
	}
	lines := strings.Split(strings.TrimSpace(string(text)), "\n")
	return "\n  " + strings.Join(lines[max(0, len(lines)-5):], "\n  ")
}
