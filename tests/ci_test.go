package tests

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// .ci/run runs every check, and every package's tests exactly once: those of infra in make test-cloud, all others in make test; those of
// files in both, once with a directory and once with a bucket.
func TestEveryPackageIsCheckedOnce(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "make"), []byte("#!/bin/sh\nfor word; do printf '%s\\n' \"$word\"; done\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	run := exec.Command("../.ci/run")
	run.Env = append(os.Environ(), "PATH="+dir+":"+os.Getenv("PATH"))
	said, err := run.Output()
	if err != nil {
		t.Fatal(err)
	}
	asked := strings.Split(strings.TrimSpace(string(said)), "\n")
	// What the linters have vetted need not be vetted again: first they, and all of them.
	if len(asked) != 6 || asked[0] != "lint" || asked[1] != "test" || asked[2] != "VET=-vet=off" || asked[4] != "test-cloud" || asked[5] != "VET=-vet=off" {
		t.Fatalf(".ci/run asks for %q", asked)
	}
	named, found := strings.CutPrefix(asked[3], "PACKAGES=")
	if !found {
		t.Fatalf("make test is given %q", asked[3])
	}
	out, err := exec.Command("go", "list", "lignum/...").Output()
	if err != nil {
		t.Fatal(err)
	}
	infra := 0
	tested := strings.Fields(named)
	for _, pkg := range strings.Fields(string(out)) {
		if cloud := strings.HasPrefix(pkg, "lignum/infra/"); cloud == slices.Contains(tested, pkg) {
			t.Errorf("%s is tested in make test: %v, in make test-cloud: %v", pkg, !cloud, cloud)
		} else if cloud {
			infra++
		}
	}
	slices.Sort(tested)
	if once := slices.Compact(slices.Clone(tested)); len(once) != len(tested) {
		t.Errorf("some packages are tested twice: %q", tested)
	}
	if infra < 5 || len(tested) < 15 {
		t.Errorf("only %d packages of infra and %d others were looked at", infra, len(tested))
	}
	file, err := os.ReadFile("../Makefile")
	if err != nil {
		t.Fatal(err)
	}
	for _, line := range []string{"-p 3 -timeout 20m $(PACKAGES)\n", "PACKAGES = ./...\n", "VET =\n", "-tags cloud -skip '^TestGoals$$' ./infra/release ./tenants/files ./tenants/mail ./infra/...\n", "-run '^TestGoals$$' ./infra/autoscale/simulate"} {
		if !strings.Contains(string(file), line) {
			t.Errorf("the Makefile no longer says %q", line)
		}
	}
}
