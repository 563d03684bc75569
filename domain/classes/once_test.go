package classes_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
)

// A day of work is marked and points are awarded by one function each, which everybody calls: what is written to their tables by other
// words as well would one day be written by other rules.
func TestDaysAndPointsAreStoredByOneFunctionEach(t *testing.T) {
	s := newWorld(t, 0)
	writes := `INSERT INTO (attendance|point_entries|point_totals)\M`
	rows, err := s.Direct(t).Query(ctx, `SELECT p.proname::text FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace WHERE n.nspname = $1 AND p.prosrc ~ $2 ORDER BY 1`,
		s.Tenant("jamaica").SchemaName, writes)
	if err != nil {
		t.Fatal(err)
	}
	if functions, err := pgx.CollectRows(rows, pgx.RowTo[string]); err != nil || !slices.Equal(functions, []string{"attend", "award_points"}) {
		t.Errorf("the functions that write are %v (%v)", functions, err)
	}
	text := regexp.MustCompile(strings.ReplaceAll(writes, `\M`, `\b`))
	read := 0
	for _, dir := range []string{"../../api", "../../domain", "../../tenants"} {
		err := filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
			if err != nil || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
				return err
			}
			read++
			raw, err := os.ReadFile(path)
			if found := text.Find(raw); found != nil {
				t.Errorf("%s writes by itself: %s", path, found)
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	if read < 100 {
		t.Fatalf("only %d files were read", read)
	}
}
