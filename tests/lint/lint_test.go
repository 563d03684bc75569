//go:build lint

// Package lint holds what `make lint` is made of to finding what it is there to find. It runs with make lint alone, since it
// needs the linters built.
package lint

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// run runs a script of the repository from its root and gives what it says and its exit status.
func run(t *testing.T, env []string, name string, args ...string) (said string, status int) {
	t.Helper()
	cmd := exec.Command(name, args...)
	cmd.Dir = "../.."
	cmd.Env = append(os.Environ(), env...)
	out, err := cmd.CombinedOutput()
	var ended *exec.ExitError
	if err != nil && !errors.As(err, &ended) {
		t.Fatalf("%s: %v", name, err)
	}
	return string(out), cmd.ProcessState.ExitCode()
}

// Each planted fault is found on its line by its linter, and nothing else is.
func TestPlantedFaultsAreFound(t *testing.T) {
	const file = "testdata/planted/planted.go"
	source, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var want []string
	linters := map[string]bool{}
	for n, line := range strings.Split(string(source), "\n") {
		if m := regexp.MustCompile(`// want ([a-z]+)$`).FindStringSubmatch(line); m != nil {
			want = append(want, fmt.Sprintf("%d %s", n+1, m[1]))
			linters[m[1]] = true
		}
	}
	tool, status := run(t, nil, "infra/setup/tool.sh", "golangci-lint")
	if status != 0 {
		t.Fatal(tool)
	}
	report := filepath.Join(t.TempDir(), "report.json")
	said, status := run(t, nil, strings.TrimSpace(tool), "run", "--output.json.path="+report, "./tests/lint/testdata/planted")
	if status != 1 {
		t.Fatalf("exit status %d:\n%s", status, said)
	}
	data, err := os.ReadFile(report)
	if err != nil {
		t.Fatal(err)
	}
	var found struct {
		Issues []struct {
			FromLinter string
			Pos        struct{ Line int }
		}
	}
	if err := json.Unmarshal(data, &found); err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, i := range found.Issues {
		got = append(got, fmt.Sprintf("%d %s", i.Pos.Line, i.FromLinter))
	}
	for _, w := range want {
		if !slices.Contains(got, w) {
			t.Errorf("not found: line %s", w)
		}
	}
	for _, g := range got {
		if !slices.Contains(want, g) {
			t.Errorf("found and not planted: line %s", g)
		}
	}
	enabled, _ := run(t, nil, strings.TrimSpace(tool), "linters", "--json")
	var list struct{ Enabled []struct{ Name string } }
	if err := json.Unmarshal([]byte(enabled), &list); err != nil {
		t.Fatalf("%v in %.300s", err, enabled)
	}
	for _, l := range list.Enabled {
		if !linters[l.Name] {
			t.Errorf("%s is on, and no fault is planted for it", l.Name)
		}
	}
}

// database writes a database of vulnerabilities in Go's own form: with an entry for env.Parse, which infra/config calls, or with one
// for a function that nobody here calls.
func database(t *testing.T, symbol string) string {
	t.Helper()
	const module, id, when = "github.com/caarlos0/env/v11", "GO-2026-9999", "2026-01-01T00:00:00Z"
	dir := t.TempDir()
	for name, text := range map[string]string{
		"index/db.json":      fmt.Sprintf(`{"modified":%q}`, when),
		"index/modules.json": fmt.Sprintf(`[{"path":%q,"vulns":[{"id":%q,"modified":%q}]}]`, module, id, when),
		"index/vulns.json":   fmt.Sprintf(`[{"id":%q,"modified":%q}]`, id, when),
		"ID/" + id + ".json": fmt.Sprintf(`{"schema_version":"1.3.1","id":%q,"modified":%q,"published":%q,"summary":"Planted","details":"Planted",
			"affected":[{"package":{"name":%q,"ecosystem":"Go"},"ranges":[{"type":"SEMVER","events":[{"introduced":"0"}]}],
			"ecosystem_specific":{"imports":[{"path":%q,"symbols":[%q]}]}}],"database_specific":{"url":"https://pkg.go.dev/vuln/%s"}}`,
			id, when, when, module, module, symbol, id),
	} {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return "file://" + dir
}

func TestVulnerabilities(t *testing.T) {
	clean, found := database(t, "ParseNothing"), database(t, "Parse")
	for _, c := range []struct {
		name, database, goal, packages string
		status                         int
		says                           string
	}{
		{"clean", clean, "lint", "./infra/config", 0, "affected by 0 vulnerabilities"},
		{"clean, for a release", clean, "release", "./infra/config", 0, "affected by 0 vulnerabilities"},
		{"found", found, "lint", "./infra/config", 1, "config.Load calls env.Parse"},
		{"found, for a release", found, "release", "./infra/config", 1, "GO-2026-9999"},
		{"nobody answers", "http://127.0.0.1:1", "lint", "./infra/config", 0, "WARNING: NOT CHECKED FOR VULNERABILITIES"},
		{"nobody answers, for a release", "http://127.0.0.1:1", "release", "./infra/config", 1, "nothing is released unchecked"},
		{"a database that is gone", "file:///nowhere", "lint", "./infra/config", 0, "WARNING: NOT CHECKED FOR VULNERABILITIES"},
		{"code that cannot be read is no matter of the database", clean, "lint", "./nowhere", 1, "directory not found"},
	} {
		t.Run(c.name, func(t *testing.T) {
			said, status := run(t, []string{"GOVULNDB=" + c.database}, "infra/setup/vulnerabilities.sh", c.goal, c.packages)
			if status != c.status || !strings.Contains(said, c.says) {
				t.Errorf("exit status %d, want %d; it does not say %q:\n%s", status, c.status, c.says, said)
			}
		})
	}
}
