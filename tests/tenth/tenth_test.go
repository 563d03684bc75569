package tenth

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func TestATenthIsChosenByTheCommit(t *testing.T) {
	for n, want := range map[int]int{1: 1, 3: 1, 10: 1, 11: 2, 30: 3} {
		seen := map[int]bool{}
		for c := range 20 * n {
			commit := fmt.Sprint(c)
			chosen := choose(commit, "TestX", n)
			if len(chosen) != want || !slices.IsSorted(chosen) || len(slices.Compact(slices.Clone(chosen))) != want {
				t.Fatalf("of %d: %v", n, chosen)
			}
			if again := choose(commit, "TestX", n); !slices.Equal(again, chosen) {
				t.Fatalf("the same commit chose %v and %v", chosen, again)
			}
			for _, i := range chosen {
				seen[i] = true
			}
		}
		if len(seen) != n {
			t.Errorf("of %d cases only %d are ever chosen", n, len(seen))
		}
	}
	if slices.Equal(choose("a", "TestX", 1000), choose("a", "TestY", 1000)) {
		t.Error("all tests choose the same places")
	}
}

// TestInAChild is what the next test runs; by itself it only shows that there is always a case.
func TestInAChild(t *testing.T) {
	for _, c := range Of(t, []string{"c0", "c1", "c2", "c3", "c4", "c5", "c6", "c7", "c8", "c9", "c10", "c11"}) {
		t.Run(c, func(t *testing.T) {})
	}
	checks := 0
	rapid.Check(t, func(rt *rapid.T) { rapid.Int().Draw(rt, "n"); checks++ })
	t.Logf("generated: %d", checks)
}

// Whoever generates cases has them chosen here.
func TestWhatIsGeneratedIsATenth(t *testing.T) {
	out, err := exec.Command("go", "list", "-f", `{{.ImportPath}} {{join .TestImports " "}} {{join .XTestImports " "}} .`, "lignum/...").Output()
	if err != nil {
		t.Fatal(err)
	}
	generate := 0
	for line := range strings.Lines(string(out)) {
		if words := strings.Fields(line); slices.Contains(words, "pgregory.net/rapid") && words[0] != "lignum/tests/tenth" {
			if generate++; !slices.Contains(words, "lignum/tests/tenth") {
				t.Errorf("%s generates cases: its tests must import lignum/tests/tenth", words[0])
			}
		}
	}
	if generate < 10 {
		t.Errorf("only %d packages were looked at", generate)
	}
}

func TestAllAndWithoutACommit(t *testing.T) {
	run := func(dir string, env, args []string) (cases int, said string) {
		t.Helper()
		cmd := exec.Command(os.Args[0], append([]string{"-test.run=^TestInAChild$", "-test.v"}, args...)...)
		cmd.Dir = dir
		cmd.Env = append(slices.DeleteFunc(os.Environ(), func(v string) bool { return strings.HasPrefix(v, "LIGNUM_TEST_ALL=") }), env...)
		out, err := cmd.CombinedOutput()
		if err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
		return strings.Count(string(out), "--- PASS: TestInAChild/"), string(out)
	}
	outside := t.TempDir()
	without := []string{"GIT_CEILING_DIRECTORIES=" + filepath.Dir(outside)}
	for _, c := range []struct {
		name, dir string
		env, args []string
		cases     int
		says      string
	}{
		{"a tenth", ".", nil, nil, 2, "generated: 100"},
		{"all", ".", []string{"LIGNUM_TEST_ALL=1"}, nil, 12, "generated: 1000"},
		{"as the command line says", ".", nil, []string{"-rapid.checks=7"}, 2, "generated: 7"},
		{"an archive", outside, without, nil, 2, "by the hash of no commit"},
		{"no git", ".", []string{"PATH="}, nil, 2, "by the hash of no commit"},
	} {
		if cases, said := run(c.dir, c.env, c.args); cases != c.cases || !strings.Contains(said, c.says) {
			t.Errorf("%s: %d cases of %d, and %q is not said:\n%s", c.name, cases, c.cases, c.says, said)
		}
	}
	_, one := run(outside, without, nil)
	if _, two := run(outside, without, nil); cut(one) != cut(two) {
		t.Errorf("without a commit two runs choose differently:\n%s\n%s", one, two)
	}
}

// cut leaves the line of what was chosen.
func cut(said string) string {
	_, rest, _ := strings.Cut(said, "of 12 cases")
	line, _, _ := strings.Cut(rest, "\n")
	return line
}
