package localcluster

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
)

const oldestPostgres = 13 // major version

// binaries are the programs of the machine that a cluster runs on.
type binaries struct {
	dir        string // of postgres and initdb
	version    int    // major
	bouncer    string
	statements bool // pg_stat_statements can be preloaded
}

var versionText = regexp.MustCompile(`\(PostgreSQL\) (\d+)`)

// Folders of the servers: Debian, Red Hat with PGDG, Alpine, Homebrew.
var postgresDirs = []string{
	"/usr/lib/postgresql/*/bin", "/usr/pgsql-*/bin", "/usr/libexec/postgresql*",
	"/opt/homebrew/opt/postgresql@*/bin", "/usr/local/opt/postgresql@*/bin",
}

// findBinaries looks for PostgreSQL, the newest or of the given major version (0: any), and for
// PgBouncer. What is missing is named in one error, with the command that installs it.
func findBinaries(want int) (binaries, error) {
	var b binaries
	var missing []string
	for _, dir := range postgresCandidates() {
		if v := postgresVersion(dir); v >= oldestPostgres && v > b.version && (want == 0 || v == want) {
			b.dir, b.version = dir, v
		}
	}
	switch {
	case b.version == 0 && want == 0:
		missing = append(missing, fmt.Sprintf("PostgreSQL server (%d or later)", oldestPostgres))
	case b.version == 0:
		missing = append(missing, fmt.Sprintf("PostgreSQL server %d, which made the existing data directory", want))
	}
	if b.bouncer = lookPath("pgbouncer", "/usr/sbin", "/usr/local/sbin", "/opt/homebrew/bin"); b.bouncer == "" {
		missing = append(missing, "PgBouncer")
	}
	if len(missing) > 0 {
		return b, fmt.Errorf("localcluster: not installed: %s. Install with: %s", strings.Join(missing, ", "), installCommand(want))
	}
	b.statements = hasStatements(b.dir)
	return b, nil
}

func postgresCandidates() (dirs []string) {
	for _, pattern := range postgresDirs {
		found, _ := filepath.Glob(pattern) // only a malformed pattern fails
		dirs = append(dirs, found...)
	}
	if out, err := exec.Command("pg_config", "--bindir").Output(); err == nil {
		dirs = append(dirs, strings.TrimSpace(string(out)))
	}
	if path, err := exec.LookPath("postgres"); err == nil {
		dirs = append(dirs, filepath.Dir(path))
	}
	return dirs
}

// postgresVersion returns the major version of the server in a folder, 0 when there is none.
func postgresVersion(dir string) int {
	if _, err := os.Stat(filepath.Join(dir, "initdb")); err != nil {
		return 0
	}
	out, err := exec.Command(filepath.Join(dir, "postgres"), "--version").Output()
	if err != nil {
		return 0
	}
	m := versionText.FindSubmatch(out)
	if m == nil {
		return 0
	}
	v, _ := strconv.Atoi(string(m[1])) // digits by the expression; too many give 0 or the largest
	return v
}

// dataVersion returns the major version that made a data directory, 0 when there is none yet.
func dataVersion(dir string) int {
	text, err := os.ReadFile(filepath.Join(dir, "PG_VERSION"))
	if err != nil {
		return 0
	}
	v, _ := strconv.Atoi(strings.TrimSpace(string(text)))
	return v
}

func hasStatements(bin string) bool {
	dirs := []string{filepath.Join(bin, "../lib"), filepath.Join(bin, "../lib/postgresql")}
	if out, err := exec.Command(filepath.Join(bin, "pg_config"), "--pkglibdir").Output(); err == nil {
		dirs = append(dirs, strings.TrimSpace(string(out)))
	}
	for _, dir := range dirs {
		for _, name := range []string{"pg_stat_statements.so", "pg_stat_statements.dylib"} {
			if _, err := os.Stat(filepath.Join(dir, name)); err == nil {
				return true
			}
		}
	}
	return false
}

// lookPath finds a program in PATH or in the given folders; system folders are often not in a user's PATH.
func lookPath(name string, dirs ...string) string {
	path, err := exec.LookPath(name)
	for i := 0; err != nil && i < len(dirs); i++ {
		path, err = exec.LookPath(filepath.Join(dirs[i], name))
	}
	if err != nil || errors.Is(err, exec.ErrDot) {
		return ""
	}
	return path
}

// installCommand names the command of this machine's package manager; version 0 is the manager's default.
func installCommand(version int) string {
	debian := "postgresql"
	if version != 0 {
		debian = fmt.Sprintf("postgresql-%d", version)
	}
	for _, m := range []struct{ tool, command string }{
		{"apt-get", "apt-get install " + debian + " pgbouncer"},
		{"dnf", "dnf install postgresql-server postgresql-contrib pgbouncer"},
		{"apk", "apk add postgresql postgresql-contrib pgbouncer"},
		{"brew", "brew install postgresql@17 pgbouncer"},
	} {
		if _, err := exec.LookPath(m.tool); err == nil {
			return m.command
		}
	}
	return "your system's package manager"
}
