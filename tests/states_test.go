package tests

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"lignum/tenants"
)

// What a tenant's state lets happen says the table in tenants/state.go. Nothing else compares states, so that whoever adds one has no other place to look for.
func TestNothingElseAsksForTheStateOfATenant(t *testing.T) {
	seen := 0
	err := filepath.WalkDir("..", func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if name := d.Name(); d.IsDir() && (strings.HasPrefix(name, ".") && name != ".." || name == "testdata") {
			return fs.SkipDir
		}
		if !slices.Contains([]string{".go", ".html", ".js", ".rego"}, filepath.Ext(path)) || strings.HasSuffix(path, "_test.go") || strings.HasPrefix(path, "../tests/") {
			return nil
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		seen++
		for _, found := range asksForState(t, filepath.ToSlash(strings.TrimPrefix(path, "../")), string(text)) {
			t.Error(found)
		}
		return nil
	})
	if err != nil || seen < 300 {
		t.Fatalf("%d files were read: %v", seen, err)
	}
}

// whereto are the files that may name a state, since it is one that they lead to. None compares with one.
var whereto = map[string]string{
	"api/cmd/lignum/tenant.go": "a command leads to a state, which it names",
	"api/platform/platform.go": "to resume is to lead to active",
}

const stateTable = "tenants/state.go"

// stateNames are the Go names of the states, by their words.
var stateNames = map[string]bool{"Invited": true, "Provisioning": true, "Active": true, "ReadOnly": true, "Suspended": true, "Closing": true, "Closed": true}

// asksForState lists where a file compares the state of a tenant with one, or names one.
func asksForState(t *testing.T, path, text string) (found []string) {
	t.Helper()
	if path == stateTable {
		return nil
	}
	for i, line := range strings.Split(text, "\n") {
		for _, p := range stateAsks[filepath.Ext(path)] {
			if p.MatchString(line) {
				found = append(found, fmt.Sprintf("%s:%d asks for the state of a tenant: %.120s", path, i+1, strings.TrimSpace(line)))
				break
			}
		}
	}
	if !strings.HasSuffix(path, ".go") {
		return found
	}
	set := token.NewFileSet()
	file, err := parser.ParseFile(set, path, text, 0)
	if err != nil {
		t.Fatal(err)
	}
	names := func(e ast.Expr) bool {
		switch e := e.(type) {
		case *ast.SelectorExpr:
			of, ok := e.X.(*ast.Ident)
			return ok && of.Name == "tenants" && stateNames[e.Sel.Name]
		case *ast.Ident:
			return filepath.ToSlash(filepath.Dir(path)) == "tenants" && stateNames[e.Name]
		}
		return false
	}
	at := func(n ast.Node) string { return fmt.Sprintf("%s:%d", path, set.Position(n.Pos()).Line) }
	ast.Inspect(file, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.BinaryExpr:
			if (n.Op == token.EQL || n.Op == token.NEQ) && (names(n.X) || names(n.Y)) {
				found = append(found, at(n)+" compares the state of a tenant: ask what it allows (tenants.Allows)")
			}
		case *ast.CaseClause:
			if slices.ContainsFunc(n.List, names) {
				found = append(found, at(n)+" chooses by the state of a tenant: ask what it allows (tenants.Allows)")
			}
		case *ast.SelectorExpr:
			if names(n) && whereto[path] == "" {
				found = append(found, at(n)+" names a state of a tenant, which only "+stateTable+" does")
			}
		case *ast.Ident:
			if names(n) {
				found = append(found, at(n)+" names a state of a tenant, which only "+stateTable+" does")
			}
		}
		return true
	})
	return found
}

// stateAsks is what asking looks like in texts. Suspended, active and closed are also said of accounts, classes and schools; the others are tenants' alone.
var stateAsks = func() map[string][]*regexp.Regexp {
	var all, own []string
	for _, s := range tenants.States() {
		all = append(all, string(s))
		if !slices.Contains([]string{"active", "suspended", "closed", "invited"}, string(s)) {
			own = append(own, string(s))
		}
	}
	re := func(s string) *regexp.Regexp {
		return regexp.MustCompile(strings.NewReplacer("ALL", "(?:"+strings.Join(all, "|")+")", "OWN", "(?:"+strings.Join(own, "|")+")").Replace(s))
	}
	return map[string][]*regexp.Regexp{
		".go":   {re(`[!=]= "OWN"`), re(`case "OWN"`), re(`(?i)\btenants\b.*\bstate\s*(?:=|<>|!=|(?:NOT )?IN)\s*\(?'ALL'`), re(`tenants\.State\("ALL"\)`)},
		".html": {re(`\b(?:eq|ne) [^{}]*["'\x60]OWN["'\x60]`), re(`\b(?:eq|ne) \.?Tenant\.State`)},
		".js":   {re(`["'\x60]OWN["'\x60]`)},
		".rego": {regexp.MustCompile(`tenant_state`), re(`"OWN"`)},
	}
}()

// The guard sees what it is there to see.
func TestAsksForStateSeesWhatItShould(t *testing.T) {
	for _, c := range []struct {
		path, text string
		n          int
	}{
		{"api/x.go", "package api\nvar ok = t.State == tenants.Active\n", 2},
		{"api/x.go", "package api\nfunc f() { switch s { case tenants.Closing: } }\n", 2},
		{"api/cmd/lignum/tenant.go", "package main\nvar c = tenantState(tenants.Active)\n", 0},
		{"api/cmd/lignum/tenant.go", "package main\nvar ok = t.State != tenants.Active\n", 1},
		{"tenants/x.go", "package tenants\nvar ok = t.State == ReadOnly\n", 2},
		{"api/x.go", "package api\nvar ok = string(t.State) == \"read_only\"\n", 1},
		{"api/x.go", "package api\nconst q = `SELECT 1 FROM control.tenants WHERE state <> 'suspended'`\n", 1},
		{"api/x.html", `{{if eq .State "closing"}}`, 1},
		{"policy/rego/x.rego", `input.tenant_state == "active"`, 1},
		{"api/x.go", "package api\nvar ok = t.Allows().Takes == policy.TakesChanges && u.State == people.UserActive\n", 0},
	} {
		if found := asksForState(t, c.path, c.text); len(found) != c.n {
			t.Errorf("%s: %q: %d, not %d: %v", c.path, c.text, len(found), c.n, found)
		}
	}
}

// The database and the API know the states that the program knows.
func TestTheStatesOfTenantsAreTheSameEverywhere(t *testing.T) {
	var all, made []string
	for _, s := range tenants.States() {
		all = append(all, string(s))
		if s.Allows().Made {
			made = append(made, string(s))
		}
	}
	list := func(names []string) string { return "'" + strings.Join(names, "', '") + "'" }
	unmade := slices.DeleteFunc(slices.Clone(all), func(s string) bool { return slices.Contains(made, s) })
	for file, wanted := range map[string][]string{
		"../tenants/provision/migrations/control/0048_lifecycle.sql": {"CHECK (state IN (" + list(all) + "))", "(made_at IS NULL) = (state IN (" + list(unmade) + "))", "new_state IN (" + list(made) + ")"},
		"../tenants/provision/migrations/tenant/0050_lifecycle.sql":  {"CHECK (state IN (" + list(made) + "))"},
		"../api/platform/platform.go":                                {`enum:"` + strings.Join(all, ",") + `"`},
	} {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, w := range wanted {
			if !strings.Contains(string(text), w) {
				t.Errorf("%s lacks %s", file, w)
			}
		}
	}
}
