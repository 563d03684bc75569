package tests

import (
	"go/ast"
	"slices"
	"strconv"
	"strings"
	"testing"

	"lignum/api/web"
	"lignum/policy"
)

// said are the functions whose text reaches a person, with the place of the text among what they are given.
var said = map[string]int{"domain.Errorf": 1, "domain.InvalidField": 1, "newProblem": 1, "Add": 1}

// Sentences for people are written for them in the first place: none names a permission, a field of a body, or a word that only
// programs know. The mask of the pages (api/web/plain.go) is for what comes from elsewhere.
func TestSentencesAreForPeople(t *testing.T) {
	seen := 0
	// What only operators read, in a terminal, may name the things of the machine: commands, bundles of rules.
	for _, dir := range packagesBelow(t, "..", "../tests", "../.lignum", "../infra", "../api/cmd", "../domain/demo") {
		p := readPackage(t, dir)
		for _, f := range p.files {
			ast.Inspect(f, func(n ast.Node) bool {
				if kv, ok := n.(*ast.KeyValueExpr); ok { // Reason of a domain.Field
					if key, ok := kv.Key.(*ast.Ident); ok && key.Name == "Reason" {
						ast.Inspect(kv.Value, func(n ast.Node) bool {
							if lit, ok := n.(*ast.BasicLit); ok && web.ForMachines(lit.Value) {
								t.Errorf("%s says %s", dir, lit.Value)
							}
							return true
						})
					}
				}
				call, ok := n.(*ast.CallExpr)
				if !ok {
					return true
				}
				name := calledName(call)
				if strings.HasSuffix(name, ".Add") {
					name = "Add"
				}
				at, ok := said[name]
				if !ok || len(call.Args) <= at {
					return true
				}
				ast.Inspect(call.Args[at], func(n ast.Node) bool {
					switch n := n.(type) {
					case *ast.BasicLit:
						if text, err := strconv.Unquote(n.Value); err == nil {
							seen++
							if web.ForMachines(text) && !slices.Contains(typedSo, text) {
								t.Errorf("%s says %q", dir, text)
							}
						}
					case *ast.CallExpr:
						if called := calledName(n); called == "Name" || strings.HasSuffix(called, ".Name") {
							if named := exprText(n); strings.Contains(strings.ToLower(named), "permission") || strings.Contains(named, "manages") || named == "p.Name" {
								t.Errorf("%s: a sentence names a permission (%s)", dir, named)
							}
						}
					}
					return true
				})
				for _, arg := range call.Args[at+1:] {
					ast.Inspect(arg, func(n ast.Node) bool {
						if n, ok := n.(*ast.CallExpr); ok && strings.HasSuffix(exprText(n), "manages.Name") {
							t.Errorf("%s: a sentence names a permission", dir)
						}
						return true
					})
				}
				return true
			})
		}
	}
	if seen < 150 {
		t.Fatalf("only %d sentences were looked at", seen)
	}
	for _, r := range policy.Reasons() {
		if web.ForMachines(r.Sentence().String()) {
			t.Errorf("the refusal %s says %q", r, r.Sentence())
		}
	}
}

// typedSo are reasons for fields which only programs fill in: on pages these are chosen from a list, or stand in an address.
var typedSo = []string{"must be suspended or read_only", "must be live or on_demand", "is not valid UTF-8", "is not valid UTF-8 text", "is not a cursor that a page before this one gave",
	"must be a UUID such as 0190a1b2-..."}

// exprText writes a call's function: "e.manages.Name".
func exprText(call *ast.CallExpr) string {
	var parts []string
	for e := ast.Expr(call); ; {
		switch x := e.(type) {
		case *ast.CallExpr:
			e = x.Fun
		case *ast.SelectorExpr:
			parts = append(parts, x.Sel.Name)
			e = x.X
		case *ast.Ident:
			parts = append(parts, x.Name)
			slices.Reverse(parts)
			return strings.Join(parts, ".")
		default:
			slices.Reverse(parts)
			return strings.Join(parts, ".")
		}
	}
}
