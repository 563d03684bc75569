//go:build cloud

package aws

import (
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// TestLint runs cfn-lint over all templates; a warning counts as an error. Three regions stand for all: that of the docs,
// the nearest to the northern Caribbean after it, and the one in South America.
func TestLint(t *testing.T) {
	lint, err := exec.LookPath("cfn-lint")
	if err != nil {
		t.Fatal("cfn-lint is missing; install it with: pipx install cfn-lint (and for the other cloud tests: pipx install 'moto[server]')")
	}
	files, err := filepath.Glob("templates/*.yaml")
	if err != nil || len(files) < len(Stacks) {
		t.Fatalf("%d templates of %d: %v", len(files), len(Stacks), err)
	}
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			t.Parallel()
			regions := []string{"us-east-1", "us-east-2", "sa-east-1"}
			if filepath.Base(file) == "edge.yaml" {
				regions = regions[:1] // stands nowhere else
			}
			args := append([]string{"--format", "parseable", "--regions"}, regions...)
			said, err := exec.CommandContext(t.Context(), lint, append(args, "--template", file)...).CombinedOutput()
			if text := strings.TrimSpace(string(said)); err != nil || text != "" {
				t.Errorf("%v\n%s", err, text)
			}
		})
	}
}
