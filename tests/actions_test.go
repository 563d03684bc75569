package tests

import (
	"go/ast"
	"go/token"
	"io/fs"
	"maps"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"lignum/api/web"
	"lignum/domain/words"
	"lignum/policy"
)

// Whatever the program writes into an audit trail has words for those who read it: this walks all entries in the source.
func TestEveryRecordedActionHasWords(t *testing.T) {
	recorded := map[string]string{} // action -> where it is recorded
	for _, dir := range packagesBelow(t, "..", "../tests", "../.lignum") {
		p := readPackage(t, dir)
		p.entries(func(fn *ast.FuncDecl, action ast.Expr) {
			where := dir + ": " + fn.Name.Name
			if action == nil {
				t.Errorf("%s records an entry without an action", where)
				return
			}
			names := p.strings(action, fn, 0)
			if len(names) == 0 {
				t.Errorf("%s records an action that this test cannot read out of the source", where)
			}
			for _, name := range names {
				recorded[name] = where
			}
		})
	}
	for _, name := range slices.Sorted(maps.Keys(recorded)) {
		if name == anyPermission {
			continue
		}
		if said, ok := web.ActionDone(words.English, name); !ok || said == "" {
			t.Errorf("%s records %q, for which the page of the trail has no words", recorded[name], name)
		}
	}
	if len(recorded) < 60 {
		t.Fatalf("only %d actions were found", len(recorded))
	}
	// A refusal is recorded under the permission that was asked for, and so is the reading of a learner's record.
	for _, p := range policy.Catalogue() {
		if said := web.ActionRefused(words.English, p.Name()); strings.Contains(said, p.Name()) || !strings.HasPrefix(said, "Wanted to ") {
			t.Errorf("%s, refused, reads %q", p.Name(), said)
		}
	}
}

// anyPermission stands for the name of whatever permission a refused request's route has.
const anyPermission = "(the route's permission)"

func packagesBelow(t *testing.T, root string, not ...string) (dirs []string) {
	t.Helper()
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && (slices.Contains(not, path) || d.Name() == "testdata" || len(d.Name()) > 2 && d.Name()[0] == '.'):
			return filepath.SkipDir
		case !d.IsDir() && strings.HasSuffix(path, ".go") && !strings.HasSuffix(path, "_test.go") && !slices.Contains(dirs, filepath.Dir(path)):
			dirs = append(dirs, filepath.Dir(path))
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return dirs
}

// entries calls found for each audit.Entry that the package makes, with the expression of its action; nil: it has none.
func (s *source) entries(found func(fn *ast.FuncDecl, action ast.Expr)) {
	for _, f := range s.files {
		for _, d := range f.Decls {
			fn, ok := d.(*ast.FuncDecl)
			if !ok {
				continue
			}
			ast.Inspect(fn, func(n ast.Node) bool {
				lit, ok := n.(*ast.CompositeLit)
				if !ok || !isEntry(lit.Type, s.name) {
					return true
				}
				var action ast.Expr
				for _, e := range lit.Elts {
					if kv, ok := e.(*ast.KeyValueExpr); ok && kv.Key.(*ast.Ident).Name == "Action" {
						action = kv.Value
					}
				}
				found(fn, action)
				return true
			})
		}
	}
}

func isEntry(t ast.Expr, pkg string) bool {
	switch t := t.(type) {
	case *ast.SelectorExpr:
		x, ok := t.X.(*ast.Ident)
		return ok && x.Name == "audit" && t.Sel.Name == "Entry"
	case *ast.Ident:
		return pkg == "audit" && t.Name == "Entry"
	}
	return false
}

// strings gives every text that an expression within fn can be: literals, constants of the package, texts put together of
// them, and what callers within the package hand in for a parameter. Nothing when one of them cannot be told.
func (s *source) strings(e ast.Expr, fn *ast.FuncDecl, depth int) []string {
	if depth > 5 {
		return nil
	}
	switch e := e.(type) {
	case *ast.BasicLit:
		if text, err := strconv.Unquote(e.Value); err == nil {
			return []string{text}
		}
	case *ast.BinaryExpr:
		var all []string
		for _, a := range s.strings(e.X, fn, depth+1) {
			for _, b := range s.strings(e.Y, fn, depth+1) {
				all = append(all, a+b)
			}
		}
		return all
	case *ast.CallExpr:
		if sel, ok := e.Fun.(*ast.SelectorExpr); ok && sel.Sel.Name == "Name" && len(e.Args) == 0 {
			if of, ok := sel.X.(*ast.SelectorExpr); ok {
				if x, ok := of.X.(*ast.Ident); ok && x.Name == "policy" {
					return []string{permissionNamed(of.Sel.Name)}
				}
				if of.Sel.Name == "Permission" {
					return []string{anyPermission}
				}
			}
		}
	case *ast.Ident:
		if text, ok := s.constant(e.Name); ok {
			return []string{text}
		}
		return s.handedIn(e.Name, fn, depth)
	}
	return nil
}

// permissionNamed gives the name of the permission that a variable of the room of policies holds: ClassManage is class.manage.
func permissionNamed(variable string) string {
	for _, p := range policy.Catalogue() {
		if strings.EqualFold(strings.ReplaceAll(p.Name(), ".", ""), variable) {
			return p.Name()
		}
	}
	return variable
}

func (s *source) constant(name string) (string, bool) {
	for _, f := range s.files {
		for _, d := range f.Decls {
			decl, ok := d.(*ast.GenDecl)
			if !ok || decl.Tok != token.CONST {
				continue
			}
			for _, spec := range decl.Specs {
				v := spec.(*ast.ValueSpec)
				for i, n := range v.Names {
					if n.Name == name && i < len(v.Values) {
						if lit, ok := v.Values[i].(*ast.BasicLit); ok {
							text, err := strconv.Unquote(lit.Value)
							return text, err == nil
						}
					}
				}
			}
		}
	}
	return "", false
}

// handedIn gives what the package's functions hand to fn for the parameter with this name.
func (s *source) handedIn(name string, fn *ast.FuncDecl, depth int) (all []string) {
	at, i := -1, 0
	for _, field := range fn.Type.Params.List {
		for _, n := range field.Names {
			if n.Name == name {
				at = i
			}
			i++
		}
	}
	if at < 0 {
		return nil
	}
	for _, f := range s.files {
		for _, d := range f.Decls {
			caller, ok := d.(*ast.FuncDecl)
			if !ok {
				continue
			}
			ast.Inspect(caller, func(n ast.Node) bool {
				if call, ok := n.(*ast.CallExpr); ok && len(call.Args) > at {
					called := calledName(call)
					if called == fn.Name.Name || strings.HasSuffix(called, "."+fn.Name.Name) {
						all = append(all, s.strings(call.Args[at], caller, depth+1)...)
					}
				}
				return true
			})
		}
	}
	return all
}
