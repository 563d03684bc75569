package tests

import (
	"go/ast"
	"go/parser"
	"go/token"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// A page asks for no permission that its route does not name, and a route names none that its page never asks for. The
// server refuses the first while it runs (api/guard.go); this reads the source, so that no path has to be walked for it.
func TestPagesAskForWhatTheirRoutesName(t *testing.T) {
	beyond, in, routes := map[string]*source{}, map[string]*source{}, 0
	for _, dir := range packagesBelow(t, "../api", "../api/cmd") {
		p := readPackage(t, dir)
		p.name, p.beyond, in[dir] = dir, beyond, p
		name := filepath.Base(dir)
		if filepath.Dir(dir) == "../api" { // an area has another name where pages call a room of its name too
			beyond[name+"api"], beyond[name] = p, p
		} else if beyond[name] == nil {
			beyond[name] = p
		}
	}
	for _, dir := range pageDirs(t) {
		p := in[dir]
		for _, r := range p.registrations() {
			routes++
			asks := map[string]bool{}
			for _, arg := range r.handlers {
				p.asks(arg, asks, map[string]bool{})
			}
			delete(asks, r.permission)
			for name := range asks {
				if !slices.Contains(r.parts, name) {
					t.Errorf("%s (%s): the page asks for %s, which its route does not name among its Parts", r.path, r.permission, name)
				}
			}
			for _, name := range r.parts {
				if !asks[name] {
					t.Errorf("%s (%s): the route names %s among its Parts, and the page never asks for it", r.path, r.permission, name)
				}
			}
		}
	}
	if routes < 60 {
		t.Fatalf("only %d routes of pages were found", routes)
	}
}

// source is the functions of one package by name; methods by their own name, whatever they hang on.
type source struct {
	name   string
	files  []*ast.File
	names  []string // of the files
	funcs  map[string]*ast.FuncDecl
	beyond map[string]*source // other packages that ask, by the name that they are called by
}

func readPackage(t *testing.T, dir string) *source {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	s := &source{funcs: map[string]*ast.FuncDecl{}}
	for _, e := range entries {
		if !strings.HasSuffix(e.Name(), ".go") || strings.HasSuffix(e.Name(), "_test.go") {
			continue
		}
		f, err := parser.ParseFile(token.NewFileSet(), filepath.Join(dir, e.Name()), nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		s.name = f.Name.Name
		s.files, s.names = append(s.files, f), append(s.names, e.Name())
		for _, d := range f.Decls {
			if fn, ok := d.(*ast.FuncDecl); ok {
				s.funcs[fn.Name.Name] = fn
			}
		}
	}
	return s
}

type registration struct {
	path, permission string
	parts            []string
	handlers         []ast.Expr
}

func (s *source) registrations() []registration {
	var list []registration
	for _, f := range s.files {
		ast.Inspect(f, func(n ast.Node) bool {
			call, ok := n.(*ast.CallExpr)
			if !ok || !slices.Contains([]string{"api.Page", "api.Form"}, calledName(call)) {
				return true
			}
			r := registration{handlers: call.Args[2:]}
			for _, field := range call.Args[1].(*ast.CompositeLit).Elts {
				kv := field.(*ast.KeyValueExpr)
				switch kv.Key.(*ast.Ident).Name {
				case "Path":
					r.path = kv.Value.(*ast.BasicLit).Value
				case "Permission":
					r.permission = permissionName(kv.Value)
				case "Parts":
					for _, e := range kv.Value.(*ast.CompositeLit).Elts {
						r.parts = append(r.parts, permissionName(e))
					}
				}
			}
			list = append(list, r)
			return true
		})
	}
	return list
}

// calledName gives "pkg.Func", "value.Method" or "Func".
func calledName(call *ast.CallExpr) string {
	switch fn := call.Fun.(type) {
	case *ast.Ident:
		return fn.Name
	case *ast.SelectorExpr:
		if x, ok := fn.X.(*ast.Ident); ok {
			return x.Name + "." + fn.Sel.Name
		}
		return fn.Sel.Name
	}
	return ""
}

// permissionName gives X of policy.X, and "" for anything else.
func permissionName(e ast.Expr) string {
	if sel, ok := e.(*ast.SelectorExpr); ok {
		if x, ok := sel.X.(*ast.Ident); ok && x.Name == "policy" {
			return sel.Sel.Name
		}
	}
	return ""
}

// asks collects what is given to Under in n and in every function of the package that n mentions; and the permissions given
// to functions that hand them on to Under.
func (s *source) asks(n ast.Node, found, seen map[string]bool) {
	ast.Inspect(n, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.CallExpr:
			name := calledName(n)
			pkg, fn, _ := strings.Cut(name, ".")
			other := s.beyond[pkg]
			switch {
			case strings.HasSuffix(name, ".Under"):
				if p := permissionName(n.Args[0]); p != "" {
					found[p] = true
				}
			case other != nil && other.funcs[fn] != nil && other.handsOn(other.funcs[fn], map[string]bool{}), s.funcs[name] != nil && s.handsOn(s.funcs[name], map[string]bool{}):
				for _, arg := range n.Args {
					if p := permissionName(arg); p != "" {
						found[p] = true
					}
				}
			}
		case *ast.SelectorExpr:
			x, ok := n.X.(*ast.Ident)
			if !ok || s.beyond[x.Name] == nil {
				return true
			}
			other := s.beyond[x.Name]
			other.asksIn(n.Sel.Name, found, seen)
		case *ast.Ident:
			s.asksIn(n.Name, found, seen)
		}
		return true
	})
}

// asksIn is asks of a function of the package, once.
func (s *source) asksIn(name string, found, seen map[string]bool) {
	if fn := s.funcs[name]; fn != nil && fn.Recv == nil && !seen[s.name+"."+name] {
		seen[s.name+"."+name] = true
		s.asks(fn.Body, found, seen)
	}
}

// pageDirs are the folders of pages.
func pageDirs(t *testing.T) []string {
	t.Helper()
	return append(packagesBelow(t, "../api/portal"), "../api/console", "../api/web")
}

// handsOn reports whether a function, or one that it mentions, gives Under something that is no constant of its own.
func (s *source) handsOn(fn *ast.FuncDecl, seen map[string]bool) (yes bool) {
	if seen[fn.Name.Name] {
		return false
	}
	seen[fn.Name.Name] = true
	ast.Inspect(fn.Body, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.CallExpr:
			if strings.HasSuffix(calledName(n), ".Under") && permissionName(n.Args[0]) == "" {
				yes = true
			}
		case *ast.Ident:
			if f := s.funcs[n.Name]; f != nil && f.Recv == nil && s.handsOn(f, seen) {
				yes = true
			}
		}
		return !yes
	})
	return yes
}

// The reading above finds what it is there to find.
func TestReadingOfPages(t *testing.T) {
	file, err := parser.ParseFile(token.NewFileSet(), "x.go", `package x
		func table() {
			api.Page(s, api.Route{Path: "/a", Permission: policy.A, Parts: []policy.Permission{policy.B}}, show)
			api.Form(s, api.Route{Path: "/c", Permission: policy.C}, wrapped(func() { given(c, policy.D) }))
		}
		func show() { other(); c.Under(policy.A) }
		func other() { c.Under(policy.B); show() }
		func wrapped(f any) { c.Under(policy.E); f() }
		func given(p any) { deeper(p) }
		func deeper(p any) { c.Under(p); shared.Shown(c) }`, 0)
	if err != nil {
		t.Fatal(err)
	}
	s := &source{files: []*ast.File{file}, funcs: map[string]*ast.FuncDecl{}}
	for _, d := range file.Decls {
		s.funcs[d.(*ast.FuncDecl).Name.Name] = d.(*ast.FuncDecl)
	}
	list := s.registrations()
	if len(list) != 2 || list[0].permission != "A" || !slices.Equal(list[0].parts, []string{"B"}) {
		t.Fatalf("registrations: %+v", list)
	}
	for i, want := range [][]string{{"A", "B"}, {"D", "E"}} {
		asks := map[string]bool{}
		for _, h := range list[i].handlers {
			s.asks(h, asks, map[string]bool{})
		}
		if got := slices.Sorted(maps.Keys(asks)); !slices.Equal(got, want) {
			t.Errorf("%s asks for %v, want %v", list[i].path, got, want)
		}
	}
}
