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

var tps = regexp.MustCompile(`(?m)^tps = ([0-9.]+)`)
var processed = regexp.MustCompile(`(?m)number of transactions actually processed: (\d+)`)

// pgbench runs a script through the same PgBouncer, database and login as the API, in extended mode, which is what pgx sends. One run of
// the script makes perScript transactions. Its variables, of the form :name, have the values given, and :n rises.
func (b *bench) pgbench(ctx context.Context, clients int, length time.Duration, role string, script string, values map[string]string) (sample, error) {
	path := filepath.Join(b.dir, "pgbench.sql")
	if err := os.WriteFile(path, []byte(script), 0o600); err != nil {
		return sample{}, err
	}
	args := []string{"-n", "-M", "extended", "-c", strconv.Itoa(clients), "-j", "1", "-T", strconv.Itoa(max(1, int(length.Seconds()))), "-h", b.cluster.ProxyHost(),
		"-p", strconv.Itoa(b.cluster.ProxyPort()), "-U", role, "-D", fmt.Sprintf("n=%d", b.counter.Add(1_000_000))}
	b.counter.Add(10_000_000)
	for name, value := range values {
		args = append(args, "-D", name+"="+value)
	}
	before := b.usage()
	cmd := exec.CommandContext(ctx, b.pgbenchPath, append(args, "-f", path, b.database)...)
	cmd.Env = append(os.Environ(), "PGPASSWORD="+b.vault.RolePassword(role))
	out, err := cmd.CombinedOutput()
	if err != nil || strings.Contains(string(out), "aborted") {
		return sample{}, fmt.Errorf("pgbench: %v\n%s", err, clip(string(out), 2000))
	}
	s := sample{used: b.usage().minus(before)}
	rate, n := tps.FindSubmatch(out), processed.FindSubmatch(out)
	if rate == nil || n == nil {
		return sample{}, fmt.Errorf("pgbench printed no rate:\n%s", out)
	}
	runs, _ := strconv.Atoi(string(n[1]))                   // the pattern is digits
	perSecond, _ := strconv.ParseFloat(string(rate[1]), 64) // and a number
	s.requests = perScript * runs
	s.took = time.Duration(float64(runs) / max(perSecond, 1e-9) * float64(time.Second))
	return s, nil
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
