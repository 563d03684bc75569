package tests

import (
	"go/ast"
	"strconv"
	"strings"
	"testing"
)

// Pages show and collect: whatever they read or change is a use case of the API, which asks the policy. So no page calls a room
// with the request's context, as everything that reaches the database is called.
func TestPagesCallUseCases(t *testing.T) {
	seen := 0
	for _, dir := range pageDirs(t) {
		p := readPackage(t, dir)
		for i, f := range p.files {
			for _, called := range roomCalls(f, &seen) {
				t.Errorf("%s/%s calls %s", dir, p.names[i], called)
			}
		}
	}
	if seen < 100 {
		t.Fatalf("only %d calls of rooms were looked at", seen)
	}
	planted := readSource(t, `package portal
		import ("lignum/domain/people"; who "lignum/domain/identity"; "lignum/api/classes"; peopleapi "lignum/api/people")
		func show() { people.UserByID(ctx, r, id); people.SetListed(c.Context(), tx, id); people.Name(u); classes.ReadClass(ctx, c, id); peopleapi.Names(ctx, c, ids); who.Sessions(ctx, r, id) }`)
	if found := roomCalls(planted.files[0], &seen); len(found) != 3 {
		t.Errorf("of three planted calls are found %q", found)
	}
}

// roomCalls gives the calls of the rooms' functions with a context, and counts in seen those of the rooms and the API at all.
func roomCalls(f *ast.File, seen *int) (found []string) {
	rooms := map[string]bool{}
	for _, imp := range f.Imports {
		if path, err := strconv.Unquote(imp.Path.Value); err == nil && (strings.HasPrefix(path, "lignum/domain") || strings.HasPrefix(path, "lignum/tenants") || strings.HasPrefix(path, "lignum/api")) {
			name := path[strings.LastIndex(path, "/")+1:]
			if imp.Name != nil {
				name = imp.Name.Name
			}
			rooms[name] = !strings.HasPrefix(path, "lignum/api")
		}
	}
	ast.Inspect(f, func(n ast.Node) bool {
		call, ok := n.(*ast.CallExpr)
		if !ok || len(call.Args) == 0 {
			return true
		}
		name := calledName(call)
		pkg, _, qualified := strings.Cut(name, ".")
		of, known := rooms[pkg]
		if !qualified || !known {
			return true
		}
		*seen++
		first := ""
		switch arg := call.Args[0].(type) {
		case *ast.Ident:
			first = arg.Name
		case *ast.CallExpr:
			first = calledName(arg)
		}
		if of && (first == "ctx" || strings.HasSuffix(first, ".Context")) {
			found = append(found, name)
		}
		return true
	})
	return found
}
