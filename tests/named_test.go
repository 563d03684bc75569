package tests

import (
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

var (
	// A path from the root, as comments and documents write it; not one of an address, or of something longer.
	namedPath = regexp.MustCompile(`(?:^|[^\w./<-]|lignum/)((?:api|domain|tenants|tests|infra|policy|\.github|\.ci)/[\w./-]*\w)([/*<{(:]?)`)
	// A file by its name alone, and a migration by its folder and number.
	namedFile      = regexp.MustCompile(`(?:^|[^\w./*<>{}-])([a-z][a-z0-9_]*\.(?:go|rego|sql))\b`)
	namedMigration = regexp.MustCompile(`(?:^|[^\w./-])((?:realm|tenant|control)/\d{4}_\w+)`)
	// A link of a document to another file, without the place in it.
	namedLink = regexp.MustCompile(`\]\(([^)#:\s]+)(?:#[^)]*)?\)`)
	// A function or type of a package is named with a point.
	ofPackage = regexp.MustCompile(`\.[A-Z]\w*$`)
	// Where the text that people read begins, in files that are read line by line.
	commentMarks = map[string]string{".sql": "--", ".sh": "#", ".yaml": "#", ".rego": "#", ".js": "//", "": "#"}
)

// made are named and are not of the repository, each with what makes it.
var made = map[string]string{
	"infra/image/secrets": "infra/image/secrets.sh, and git ignores it",
	"roles.sql":           "the backup of a server, into a folder of its own",
}

// What a comment or a document says is in a file is found there: whoever moves a file reads here who spoke of it.
func TestWhatIsNamedExists(t *testing.T) {
	files := map[string]bool{} // paths from the root, those of folders too; and each file's name alone
	var readable []string
	err := filepath.WalkDir("..", func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name = filepath.ToSlash(strings.TrimPrefix(name, "../"))
		if d.IsDir() {
			if slices.Contains([]string{".git", ".lignum", "bin", "dist", "node_modules"}, d.Name()) {
				return fs.SkipDir
			}
			files[name] = true
			return nil
		}
		files[name], files[d.Name()] = true, true
		ext := path.Ext(name)
		_, lines := commentMarks[ext]
		if lines && (ext != "" || d.Name() == "Makefile" || name == ".ci/run") || ext == ".go" || ext == ".md" && !strings.HasPrefix(name, "domain/catalog/packs/") { // lessons name pictures of their pack, which the pack's reader looks at
			readable = append(readable, name)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	named := 0
	for _, name := range readable {
		raw, err := os.ReadFile("../" + name)
		if err != nil {
			t.Fatal(err)
		}
		for _, gone := range namedAndGone(t, files, name, string(raw), &named) {
			t.Errorf("%s names %s, which does not exist", name, gone)
		}
	}
	if len(readable) < 400 || named < 120 {
		t.Errorf("only %d files were read, and %d names found", len(readable), named)
	}
}

// namedAndGone gives what a file's comments, or a document, name and is not there, and counts what they name.
func namedAndGone(t *testing.T, files map[string]bool, name, text string, named *int) (gone []string) {
	t.Helper()
	look := func(what string, there bool) {
		if *named++; !there && made[what] == "" {
			gone = append(gone, what)
		}
	}
	if path.Ext(name) == ".md" {
		for _, m := range namedLink.FindAllStringSubmatch(text, -1) {
			look(m[1], files[path.Join(path.Dir(name), m[1])])
		}
	}
	said := spoken(t, name, text)
	for _, m := range namedPath.FindAllStringSubmatch(said, -1) {
		p := ofPackage.ReplaceAllString(m[1], "")
		if m[2] == "*" || m[2] == "<" || m[2] == "{" { // a pattern: its folder
			p = path.Dir(p + "x")
		}
		look(m[1], files[p])
	}
	for _, m := range namedMigration.FindAllStringSubmatch(said, -1) {
		look(m[1], files["tenants/provision/migrations/"+strings.TrimSuffix(m[1], ".sql")+".sql"])
	}
	for _, m := range namedFile.FindAllStringSubmatch(said, -1) {
		look(m[1], files[m[1]])
	}
	return gone
}

// spoken gives what a file says to people: a document's whole text, of anything else its comments.
func spoken(t *testing.T, name, text string) string {
	t.Helper()
	var b strings.Builder
	switch ext := path.Ext(name); ext {
	case ".md":
		return text
	case ".go":
		f, err := parser.ParseFile(token.NewFileSet(), name, text, parser.ParseComments|parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		for _, c := range f.Comments {
			b.WriteString(c.Text() + "\n")
		}
	default:
		for line := range strings.Lines(text) {
			if _, comment, found := strings.Cut(line, commentMarks[ext]); found {
				b.WriteString(comment)
			}
		}
	}
	return b.String()
}

// The reading above finds what it is there for, and takes addresses, patterns and functions for what they are.
func TestWhatIsNamedAndGoneIsSeen(t *testing.T) {
	files := map[string]bool{"api": true, "api/route.go": true, "route.go": true, "tenants/audit": true, "api/web/static/kinds": true, "tenants/provision/migrations/realm/0019_pen.sql": true, "README.md": true}
	for _, c := range []struct {
		name, text string
		gone       []string
	}{
		{"a.go", "// Package a: see api/route.go, route.go, tenants/audit.Args, api/web/static/kinds/*.js, realm/0019_pen and /api/v1/classes.\npackage a", nil},
		{"a.go", "// As api/areas.go and user_routes.go say (control/0099_gone).\npackage a\nvar x = \"api/x.go\"", []string{"api/areas.go", "control/0099_gone", "user_routes.go"}},
		{"a.sql", "SELECT 'api/x.go'; -- as in realm/0018_gone.sql", []string{"realm/0018_gone"}},
		{"docs/a.md", "[here](../README.md#top), [there](gone.md), [away](https://example.org/gone.md), `tests/gone`", []string{"gone.md", "tests/gone"}},
		{"Makefile", "build: # api/gone says how", []string{"api/gone"}},
	} {
		var n int
		gone := namedAndGone(t, files, c.name, c.text, &n)
		slices.Sort(gone)
		if !slices.Equal(gone, c.gone) {
			t.Errorf("%s: of %q are gone %q, and not %q", c.name, c.text, gone, c.gone)
		}
	}
}
