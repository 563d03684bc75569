package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// script is one pgbench file. Variables of the form :name are filled by pgbench.
type script struct {
	name string
	text string
}

var tps = regexp.MustCompile(`(?m)^tps = ([0-9.]+)`)
var processed = regexp.MustCompile(`(?m)number of transactions actually processed: (\d+)`)

// pgbench runs scripts through the same PgBouncer, database and login as the API, in extended mode, which is what pgx sends.
func (b *bench) pgbench(ctx context.Context, clients int, length time.Duration, role string, scripts []script) (sample, error) {
	dir, err := os.MkdirTemp(b.dir, "pgbench")
	if err != nil {
		return sample{}, err
	}
	defer os.RemoveAll(dir)
	args := []string{"-n", "-M", "extended", "-c", strconv.Itoa(clients), "-j", "1", "-T", strconv.Itoa(int(length.Seconds())), "-h", b.cluster.ProxyHost(),
		"-p", strconv.Itoa(b.cluster.ProxyPort()), "-U", role, "-D", fmt.Sprintf("n=%d", b.counter.Add(1_000_000))}
	b.counter.Add(10_000_000)
	for i, s := range scripts {
		path := filepath.Join(dir, fmt.Sprintf("%d.sql", i))
		if err := os.WriteFile(path, []byte(s.text), 0o600); err != nil {
			return sample{}, err
		}
		args = append(args, "-f", path)
	}
	before, start := b.usage(), time.Now()
	cmd := exec.CommandContext(ctx, b.pgbenchPath, append(args, b.database)...)
	cmd.Env = append(os.Environ(), "PGPASSWORD="+b.vault.RolePassword(role))
	out, err := cmd.CombinedOutput()
	if err != nil || strings.Contains(string(out), "aborted") {
		return sample{}, fmt.Errorf("pgbench: %v\n%s", err, clip(string(out), 2000))
	}
	s := sample{took: time.Since(start), used: b.usage().minus(before)}
	rate, n := tps.FindSubmatch(out), processed.FindSubmatch(out)
	if rate == nil || n == nil {
		return sample{}, fmt.Errorf("pgbench printed no rate:\n%s", out)
	}
	s.requests, _ = strconv.Atoi(string(n[1]))
	perSecond, _ := strconv.ParseFloat(string(rate[1]), 64)
	s.took = time.Duration(float64(s.requests) / perSecond * float64(time.Second))
	return s, nil
}

// literal puts arguments into a statement's $1, $2 ..., since pgbench has no arrays of variables. Arguments that begin with
// a colon are pgbench variables and stay bare.
func literal(sql string, args ...string) string {
	for i := len(args); i > 0; i-- {
		value := args[i-1]
		if !strings.HasPrefix(value, ":") {
			value = "'" + strings.ReplaceAll(value, "'", "''") + "'"
		}
		sql = strings.ReplaceAll(sql, "$"+strconv.Itoa(i), value)
	}
	return strings.Join(strings.Fields(sql), " ") + ";\n"
}

// findTool finds a program of PostgreSQL or PgBouncer: where Debian puts them, then on the path.
func findTool(name string) (string, error) {
	for _, pattern := range []string{"/usr/lib/postgresql/*/bin/" + name, "/usr/sbin/" + name} {
		if found, err := filepath.Glob(pattern); err == nil && len(found) > 0 {
			return found[len(found)-1], nil
		}
	}
	return exec.LookPath(name)
}
