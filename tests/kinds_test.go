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
	"strconv"
	"strings"
	"testing"

	"lignum/domain/catalog/item"
)

// A kind of question is a file each for what it does, what it looks like and how the page's script reads it, under its own name.
func TestEveryKindOfQuestionIsWhole(t *testing.T) {
	for _, k := range item.Kinds {
		for _, file := range []string{"../domain/catalog/item/%s.go", "../api/portal/learner/kinds/%s.html", "../api/web/static/kinds/%s.js"} {
			text, err := os.ReadFile(fmt.Sprintf(file, k))
			if err != nil {
				t.Errorf("%s: %v", k, err)
			}
			if strings.HasSuffix(file, ".html") && (!strings.Contains(string(text), `{{define "answer `+string(k)+`"}}`) || !strings.Contains(string(text), `{{define "given `+string(k)+`"}}`)) {
				t.Errorf("%s: its partial does not say what is asked and what was given", k)
			}
		}
	}
	for _, dir := range []string{"../api/portal/learner/kinds", "../api/web/static/kinds"} {
		entries, err := os.ReadDir(dir)
		if err != nil || len(entries) != len(item.Kinds) {
			t.Errorf("%s has %d files for %d kinds, %v", dir, len(entries), len(item.Kinds), err)
		}
	}
}

// Nothing else asks which kind a question is of: whoever adds a kind has no other place to look for.
func TestNothingElseAsksForTheKind(t *testing.T) {
	seen := 0
	err := filepath.WalkDir("..", func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if name := d.Name(); d.IsDir() && (strings.HasPrefix(name, ".") && name != ".." || name == "testdata") {
			return fs.SkipDir
		}
		if !slices.Contains([]string{".go", ".html", ".js", ".sql", ".rego"}, filepath.Ext(path)) {
			return nil
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		seen++
		for _, found := range asksForKind(t, filepath.ToSlash(strings.TrimPrefix(path, "../")), string(text)) {
			t.Error(found)
		}
		return nil
	})
	if err != nil || seen < 300 {
		t.Fatalf("%d files were read: %v", seen, err)
	}
}

// kindsOwn are the folders in which a kind may be named, since each file there is one kind's own.
var kindsOwn = []string{"api/portal/learner/kinds/", "api/web/static/kinds/", "tests/kinds_test.go"}

// asksForKind lists where a file asks for the kind of a question.
func asksForKind(t *testing.T, path, text string) (found []string) {
	t.Helper()
	if slices.ContainsFunc(kindsOwn, func(own string) bool { return strings.HasPrefix(path, own) }) {
		return nil
	}
	if strings.HasSuffix(path, ".go") {
		found = goAsksForKind(t, path, text)
	}
	for i, line := range strings.Split(text, "\n") {
		for _, p := range textAsks[filepath.Ext(path)] {
			if p.MatchString(line) {
				found = append(found, fmt.Sprintf("%s:%d asks for the kind of a question: %.120s", path, i+1, strings.TrimSpace(line)))
				break
			}
		}
	}
	return found
}

// textAsks is what asking looks like in languages that are only read line by line.
var textAsks = func() map[string][]*regexp.Regexp {
	names := strings.Join(kindNames(), "|")
	re := func(s string) *regexp.Regexp {
		return regexp.MustCompile(strings.ReplaceAll(s, "NAMES", "(?:"+names+")"))
	}
	sql := re(`(?i)\bkind"?\s*(?:=|<>|!=|(?:NOT )?IN|= ANY)\s*\(*\s*(?:ARRAY\[)?(?:'\w+', *)*'NAMES'`)
	return map[string][]*regexp.Regexp{
		".html": {re(`\b(?:eq|ne) [^{}]*[Kk]ind[^{}]*["'\x60]NAMES["'\x60]`), re(`template "(?:answer|given) NAMES"`)},
		".js":   {re(`["'\x60]NAMES["'\x60]`), re(`\bkinds\??\.NAMES\b`), re(`data-kind=.?NAMES`)},
		".sql":  {sql}, ".go": {sql},
		".rego": {re(`kind\s*[!=]=\s*"NAMES"`)},
	}
}()

func kindNames() (names []string) {
	for _, k := range item.Kinds {
		names = append(names, string(k))
	}
	return names
}

// goAsksForKind reads a Go file. Tests may compare a kind, since they know what they made, and list kinds, and no more; elsewhere a
// kind is only named where one is given to an item, or in the table of a format that does not have them all.
func goAsksForKind(t *testing.T, path, text string) (found []string) {
	t.Helper()
	set := token.NewFileSet()
	file, err := parser.ParseFile(set, path, text, 0)
	if err != nil {
		t.Fatal(err)
	}
	own, test := strings.HasPrefix(path, "domain/catalog/item/"), strings.HasSuffix(path, "_test.go")
	say := func(n ast.Node) {
		found = append(found, fmt.Sprintf("%s asks for the kind of a question", set.Position(n.Pos())))
	}
	allowed := map[ast.Node]bool{}
	ast.Inspect(file, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.SwitchStmt:
			for _, c := range n.Body.List {
				for _, e := range c.(*ast.CaseClause).List {
					if namesKind(e, own) || nameText(e) && (n.Tag == nil || aboutKind(n.Tag)) {
						say(e)
						allowed[e] = true // is said already
					}
				}
			}
		case *ast.BinaryExpr:
			for _, side := range [][2]ast.Expr{{n.X, n.Y}, {n.Y, n.X}} {
				if (n.Op == token.EQL || n.Op == token.NEQ) && !test && (namesKind(side[0], own) || nameText(side[0]) && aboutKind(side[1])) {
					say(n)
					allowed[side[0]] = true
				}
			}
		case *ast.KeyValueExpr: // Kind: item.Essay
			if key, ok := n.Key.(*ast.Ident); ok && (strings.EqualFold(key.Name, "kind")) {
				allowed[n.Value] = true
			}
		case *ast.AssignStmt: // it.Kind = item.Essay
			for i, left := range n.Lhs {
				if i < len(n.Rhs) && aboutKind(left) && len(n.Lhs) == len(n.Rhs) {
					allowed[n.Rhs[i]] = true
				}
			}
		case *ast.ValueSpec: // the one table of a format
			for _, name := range n.Names {
				if path == "domain/catalog/gift/write.go" && name.Name == "writers" {
					for _, e := range n.Values[0].(*ast.CompositeLit).Elts {
						allowed[e.(*ast.KeyValueExpr).Key] = true
					}
				}
			}
		}
		if e, ok := n.(ast.Expr); ok && !own && !test && !allowed[e] && namesKind(e, false) {
			say(e)
		}
		return true
	})
	return found
}

// namesKind reports whether an expression is one of the constants of package item, in which they stand without its name.
func namesKind(e ast.Expr, own bool) bool {
	switch e := e.(type) {
	case *ast.SelectorExpr:
		pkg, ok := e.X.(*ast.Ident)
		return ok && pkg.Name == "item" && slices.Contains(constants, e.Sel.Name)
	case *ast.Ident:
		return own && slices.Contains(constants, e.Name)
	}
	return false
}

// constants are the names of the kinds in Go: MultipleChoice.
var constants = func() (list []string) {
	for _, name := range kindNames() {
		var b strings.Builder
		for _, word := range strings.Split(name, "_") {
			b.WriteString(strings.ToUpper(word[:1]) + word[1:])
		}
		list = append(list, b.String())
	}
	return list
}()

func nameText(e ast.Expr) bool {
	lit, ok := e.(*ast.BasicLit)
	if !ok || lit.Kind != token.STRING {
		return false
	}
	text, err := strconv.Unquote(lit.Value)
	return err == nil && slices.Contains(kindNames(), text)
}

// aboutKind reports whether an expression speaks of a kind.
func aboutKind(e ast.Expr) (yes bool) {
	ast.Inspect(e, func(n ast.Node) bool {
		id, ok := n.(*ast.Ident)
		yes = yes || ok && strings.Contains(strings.ToLower(id.Name), "kind")
		return true
	})
	return yes
}

// The test above finds what it is there for, in each language, and nothing else.
func TestAskingForTheKindIsFound(t *testing.T) {
	in := func(code string) string { return "package x\nfunc f() {\n" + code + "\n}" }
	for _, c := range []struct{ path, text string }{
		{"api/x.go", in("switch it.Kind {\ncase item.Essay:\n}")},
		{"api/x_test.go", in("switch q.Item.Kind {\ncase a, item.Ordering:\n}")},
		{"api/x.go", in("switch {\ncase it.Kind == item.Numeric:\n}")},
		{"api/x.go", in(`switch string(it.Kind) { case "essay": }`)},
		{"api/x.go", in(`if "matching" == q.Kind {}`)},
		{"api/x.go", in("ok := it.Kind != item.Description")},
		{"api/x.go", in("ok := slices.Contains([]item.Kind{item.Essay}, k)")},
		{"api/x.go", in("m := map[item.Kind]int{item.TrueFalse: 1}")},
		{"domain/catalog/gift/write.go", "package gift\nvar others = map[item.Kind]int{item.TrueFalse: 1}"},
		{"domain/catalog/item/score.go", in("switch it.Kind {\ncase Essay:\n}")},
		{"domain/catalog/item/score.go", in("if Matching == it.Kind {}")},
		{"api/x.go", in("sql := `SELECT 1 FROM items WHERE kind IN ('essay', 'numeric')`")},
		{"tenants/x.sql", "CHECK (kind <> 'true_false')"},
		{"api/portal/learner/pages/x.html", `{{if or (eq .Kind "essay") (eq .Kind "true_false")}}x{{end}}`},
		{"api/portal/learner/pages/x.html", `{{template "answer numeric" .}}`},
		{"api/web/static/x.js", `if (el.dataset.kind === "ordering") return;`},
		{"api/web/static/x.js", `kinds.essay.read(el)`},
		{"policy/x.rego", `input.kind == "essay"`},
	} {
		if len(asksForKind(t, c.path, c.text)) == 0 {
			t.Errorf("%s: not found:\n%s", c.path, c.text)
		}
	}
	for _, c := range []struct{ path, text string }{
		{"api/x.go", in("it := item.Item{Kind: item.Essay}\nit.Kind = item.Numeric")},
		{"api/x_test.go", in("if it.Kind != item.Essay {}\nkinds := map[item.Kind]int{item.Essay: 1}")},
		{"api/x.go", in(`switch key { case "description": }`)},
		{"api/x.go", in("ok := web.Field{Mode: \"numeric\"}")},
		{"domain/catalog/gift/write.go", "package gift\nvar writers = map[item.Kind]int{item.TrueFalse: 1}"},
		{"domain/catalog/item/essay.go", "package item\nfunc (essay) is() facts { return facts{kind: Essay} }"},
		{"api/portal/learner/pages/x.html", `{{template "field" (.Field "code" "mode" "numeric")}}{{if eq .Kind "practice"}}{{end}}`},
		{"api/portal/learner/kinds/x.html", `{{template "answer multiple_choice" .}}`},
		{"api/web/static/x.js", `const description = kinds[el.dataset.kind];`},
		{"tenants/x.sql", "CHECK (kind IN ('live', 'on_demand'))"},
	} {
		if found := asksForKind(t, c.path, c.text); len(found) > 0 {
			t.Errorf("found, and is in order: %v", found)
		}
	}
}
