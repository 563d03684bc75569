package localcluster_test

import (
	"os"
	"strings"
	"testing"

	"lignum/infra/localcluster"
)

// files are those of an installation that repeat a setting, and how they write it.
var files = []struct{ name, before, between, after string }{
	{"../image/compose.yaml", "-c, ", "=", ","},
	{"../single-server.md", "\n    ", " = ", "\n"},
}

// missing are the settings that the text of a file does not repeat as they are.
func missing(text, before, between, after string) (names []string) {
	for _, s := range localcluster.Durable {
		if !strings.Contains(text, before+s.Name+between+s.Value+after) {
			names = append(names, s.Name)
		}
	}
	return names
}

// The files of an installation keep the log as the local server does, and one that differs is found.
func TestFilesOfAnInstallationKeepTheLogAlike(t *testing.T) {
	for _, f := range files {
		raw, err := os.ReadFile(f.name)
		if err != nil {
			t.Fatal(err)
		}
		text := string(raw)
		if names := missing(text, f.before, f.between, f.after); len(names) > 0 {
			t.Errorf("%s says otherwise: %v", f.name, names)
		}
		for _, s := range localcluster.Durable {
			wrong := strings.Replace(text, s.Name+f.between+s.Value, s.Name+f.between+"1"+s.Value, 1)
			if names := missing(wrong, f.before, f.between, f.after); len(names) != 1 || names[0] != s.Name {
				t.Errorf("%s with another %s: %v is found", f.name, s.Name, names)
			}
		}
	}
}
