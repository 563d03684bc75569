package tests

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// Advisory locks are the whole database's: with one tenant's login another tenant is stopped. Rows of the realm's own schema take
// their place (tenants.Tx.Lock). What is named here locks where no tenant's login may connect, or only asks who may.
var advisory = []string{"infra/localcluster/prepare.go", "tests/testkit/testkit.go", "tenants/provision/repair.go"}

func TestNobodyLocksWhatIsTheWholeDatabases(t *testing.T) {
	call := regexp.MustCompile(`pg_(try_)?advisory_\w*lock\w*\(`)
	looked := 0
	err := filepath.WalkDir("..", func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() {
			if name := d.Name(); path != ".." && strings.HasPrefix(name, ".") || name == "node_modules" || name == "bin" {
				return filepath.SkipDir
			}
			return nil
		}
		if ext := filepath.Ext(path); ext != ".go" && ext != ".sql" || strings.HasSuffix(path, "_test.go") {
			return nil
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		looked++
		if name := filepath.ToSlash(strings.TrimPrefix(path, "../")); call.Match(text) && !slices.Contains(advisory, name) {
			t.Errorf("%s takes an advisory lock, which any tenant's login could hold: use tenants.Tx.Lock", name)
		}
		return nil
	})
	if err != nil || looked < 200 {
		t.Errorf("%d files looked at, %v", looked, err)
	}
}
