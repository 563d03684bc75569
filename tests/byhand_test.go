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

// byHand are the files of tests that write rows of a school by hand, each with its reason. All others build them with tests/school, so that
// a table with another column is changed in no test.
var byHand = map[string]string{
	"tests/school":                     "is where they are built",
	"billing/usage/usage_test.go":      "how facts follow statements of every shape is looked at, and two transactions that cross",
	"tests/growth/load.go":             "fills half a year of a country, with triggers off, in the database alone: a million rows that Go would only hand through",
	"tenants/tx_test.go":               "what a transaction does with statements of every kind is looked at; the schools in them are as good as any",
	"tenants/leaderboard_test.go":      "writes into the schema of an old release, which a builder of today cannot fill",
	"tests/isolation/locks_test.go":    "what one transaction does after another's key is looked at; its school is as good as any",
	"tests/isolation/sql_test.go":      "statements that must be refused",
	"tests/isolation/routes_test.go":   "a row of whatever a foreign id could name; what else is in them is as good as any",
	"domain/assessment/before_test.go": "answers as an old release stored them",
	"domain/insight/kept_test.go":      "how sums follow statements of every shape, of one row and many, from the tenant's login, is looked at",
	"domain/insight/forecast_test.go":  "imports under way at given lines, which only a running import makes",
}

var insertion = regexp.MustCompile(`(?i)\b(?:INSERT\s+INTO|MERGE\s+INTO|COPY)\s+` + qualifier + `(?:tenant_\w+\.|"\s*\+\s*[\w.]+\s*\+\s*"\.?)?"?([a-z_]+)"?|CopyFrom\(\w+, (?:pgx\.Identifier\{)?"([a-z_]+)"`)

// writesByHand gives the tables of people, schools and their work that a text of a test adds rows to.
func writesByHand(text string) (tables []string) {
	for _, m := range insertion.FindAllStringSubmatch(text, -1) {
		if table := m[1] + m[2]; strings.HasPrefix(owners[table], "domain/") && !slices.Contains(tables, table) {
			tables = append(tables, table)
		}
	}
	return tables
}

func TestSchoolsOfTestsAreBuiltInOnePlace(t *testing.T) {
	needed, looked := map[string]bool{}, 0
	err := filepath.WalkDir("..", func(path string, d fs.DirEntry, err error) error {
		name := filepath.ToSlash(strings.TrimPrefix(path, "../"))
		switch {
		case err != nil:
			return err
		case d.IsDir() && len(d.Name()) > 2 && d.Name()[0] == '.':
			return filepath.SkipDir
		case d.IsDir() || !strings.HasSuffix(name, ".go") || !strings.HasSuffix(name, "_test.go") && !strings.HasPrefix(name, "tests/") || filepath.Dir(name) == "tests":
			return nil
		}
		raw, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		looked++
		tables := writesByHand(string(raw))
		if len(tables) == 0 {
			return nil
		}
		for _, where := range []string{name, filepath.Dir(name)} {
			if byHand[where] != "" {
				needed[where] = true
				return nil
			}
		}
		t.Errorf("%s writes rows of %s by hand: build them with tests/school, or say in byHand why not", name, strings.Join(tables, ", "))
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if looked < 150 {
		t.Errorf("only %d files were looked at", looked)
	}
	for where := range byHand {
		if !needed[where] {
			t.Errorf("%s needs no exception", where)
		}
	}
}

func TestRowsWrittenByHandAreSeen(t *testing.T) {
	for text, want := range map[string]string{
		"INSERT INTO users (id) VALUES ($1)":                          "users",
		"WITH u AS (insert\n\tinto \"enrolments\" SELECT 1) SELECT 1": "enrolments",
		"INSERT INTO tenant_jamaica.schools VALUES (1)":               "schools",
		`conn.Exec(ctx, "INSERT INTO " + w.schema + ".classes")`:      "classes",
		`tx.CopyFrom(ctx, "attendance", nil, nil)`:                    "attendance",
		`conn.CopyFrom(ctx, pgx.Identifier{"attempts"}, nil, nil)`:    "attempts",
		"INSERT INTO audit_entries VALUES (1)":                        "",
		"UPDATE users SET state = 'erased'":                           "",
		"SELECT FROM users":                                           "",
	} {
		if got := strings.Join(writesByHand(text), " "); got != want {
			t.Errorf("%q writes %q, want %q", text, got, want)
		}
	}
}
