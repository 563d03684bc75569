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
	t.Parallel()
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

// database is one of two small databases of vulnerabilities in Go's own form: found has an entry for env.Parse, which
// infra/config calls, clean one for a function that nobody here calls.
func database(t *testing.T, name string) string {
	t.Helper()
	dir, err := filepath.Abs(filepath.Join("testdata/vulnerabilities", name))
	if err != nil {
		t.Fatal(err)
	}
	return "file://" + dir
}

func TestVulnerabilities(t *testing.T) {
	t.Parallel()
	clean, found := database(t, "clean"), database(t, "found")
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
			t.Parallel()
			said, status := run(t, []string{"GOVULNDB=" + c.database}, "infra/setup/vulnerabilities.sh", c.goal, c.packages)
			if status != c.status || !strings.Contains(said, c.says) {
				t.Errorf("exit status %d, want %d; it does not say %q:\n%s", status, c.status, c.says, said)
			}
		})
	}
}
