// Package tests holds what crosses packages: who may import whom, and that every route is guarded.
package tests

import (
	"encoding/json"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

// order lists the rooms of the house, lower first. A package may import rooms below its own, and its own. Among domain/*, among the areas of the API and
// among the readers of the portal, and in billing, each names the others that it may use.
var order = []string{"lignum/infra", "lignum/domain/words", "lignum/domain", "lignum/policy", "lignum/tenants", "lignum/domain/", "lignum/billing", "lignum/billing/", "lignum/api", "lignum/api/areas", "lignum/api/web", "lignum/api/console", "lignum/api/portal/", "lignum/api/portal", "lignum/api/cmd",
	"lignum/tests"}

// Points name what they were given for, so they stand above the catalogue; a roster fills classes, so it stands above them.
var amongDomain = map[string][]string{
	"people": {"notices", "calendar"}, "letters": {"people", "notices"}, "identity": {"people", "notices", "letters"}, "points": {"people", "notices", "catalog"},
	"catalog":    {"calendar"},
	"classes":    {"people", "identity", "catalog", "points", "notices", "calendar"},
	"roster":     {"people", "identity", "catalog", "classes", "calendar"},
	"assessment": {"calendar", "people", "catalog", "classes", "points", "notices"}, "coaching": {"people", "catalog", "classes", "assessment", "points"},
	"exports": {"notices"},
	"insight": {"calendar", "people", "notices", "letters", "identity", "catalog", "classes", "assessment", "points", "roster"},
	"demo":    {"people", "identity", "notices", "catalog", "points", "classes", "assessment", "coaching", "insight", "roster", "calendar"},
}

// A bill is made from the left to the right: what was used, what it costs, lines, tax, the document, paper. verify computes it again and shares nothing with any of them.
var amongBilling = map[string][]string{
	"plan": {"meter"}, "rate": {"meter", "plan"}, "invoice": {"meter", "plan", "rate", "tax"}, "render": {"invoice", "rate", "tax"},
	"usage": {"meter"}, "books": {"invoice", "meter", "plan", "rate", "render", "tax", "usage"},
}

// Areas of the API call one another seldom: the API's words for a course come with a class, and who looks after somebody is coaching's to say. A page of
// staff leads to those of who coaches.
var amongAreas = map[string][]string{
	"attempts": {"catalogue"}, "classes": {"catalogue"}, "guardians": {"coaching"}, "points": {"guardians"}, "people": {"classes", "coaching"},
	"roster": {"people"}, "exports": {"people", "insight"}, "jobs": {"roster", "exports"},
}

// Staff's pages lead to those of who coaches.
var amongReaders = map[string][]string{"coach": {"choices"}, "staff": {"choices", "coach"}}

// exceptions may be imported although they stand higher or lower.
var exceptions = map[string][]string{
	// The test kit stands on the real cluster and the real tenancy; tests of every room use it.
	"lignum/tests/testkit": {"lignum/infra/localcluster", "lignum/policy", "lignum/tenants", "lignum/tenants/audit"},
}

func room(pkg string) int {
	best, length := -1, -1
	for i, prefix := range order {
		if (pkg == prefix || strings.HasPrefix(pkg, strings.TrimSuffix(prefix, "/")+"/")) && len(prefix) > length && (prefix != "lignum/domain" || pkg == prefix) {
			best, length = i, len(prefix)
		}
	}
	return best
}

func TestImportsPointDownwards(t *testing.T) {
	out, err := exec.Command("go", "list", "-json=ImportPath,Imports", "lignum/...").Output()
	if err != nil {
		t.Fatal(err)
	}
	seen := 0
	for dec := json.NewDecoder(strings.NewReader(string(out))); dec.More(); {
		var p struct {
			ImportPath string
			Imports    []string
		}
		if err := dec.Decode(&p); err != nil {
			t.Fatal(err)
		}
		seen++
		from := room(p.ImportPath)
		if from < 0 {
			t.Errorf("%s is in no room of the house", p.ImportPath)
			continue
		}
		for _, imp := range p.Imports {
			if !strings.HasPrefix(imp, "lignum/") || slices.Contains(exceptions[p.ImportPath], imp) {
				continue
			}
			if to := room(imp); to > from {
				t.Errorf("%s imports %s, which is above it", p.ImportPath, imp)
			} else if to == from && !mayUse(p.ImportPath, imp) {
				t.Errorf("%s imports %s, which is another room of the same floor", p.ImportPath, imp)
			}
		}
	}
	if seen < 15 {
		t.Fatalf("only %d packages were looked at", seen)
	}
}

// mayUse reports whether one room of a floor may use another.
func mayUse(from, to string) bool {
	for _, floor := range []struct {
		prefix string
		among  map[string][]string
	}{{"lignum/domain/", amongDomain}, {"lignum/billing/", amongBilling}, {"lignum/api/portal/", amongReaders}, {"lignum/api/", amongAreas}} {
		if strings.HasPrefix(from, floor.prefix) && strings.HasPrefix(to, floor.prefix) {
			a, _, _ := strings.Cut(strings.TrimPrefix(from, floor.prefix), "/")
			b, _, _ := strings.Cut(strings.TrimPrefix(to, floor.prefix), "/")
			return a == b || slices.Contains(floor.among[a], b)
		}
	}
	return true
}

// A test of an area stands in its folder: those of package api, which every request passes, know none of the areas.
func TestAreasAreTestedBesideThemselves(t *testing.T) {
	imports := func(pkg string, kinds ...string) (all []string) {
		t.Helper()
		for _, kind := range kinds {
			out, err := exec.Command("go", "list", "-f", `{{join .`+kind+` "\n"}}`, pkg).Output()
			if err != nil {
				t.Fatal(err)
			}
			all = append(all, strings.Fields(string(out))...)
		}
		return all
	}
	areas := slices.DeleteFunc(imports("lignum/api/areas", "Imports"), func(pkg string) bool { return !strings.HasPrefix(pkg, "lignum/api/") })
	if len(areas) < 10 {
		t.Fatalf("only %d areas are listed", len(areas))
	}
	for _, pkg := range areas {
		if len(imports(pkg, "TestGoFiles", "XTestGoFiles")) == 0 {
			t.Errorf("%s has no test beside it", pkg)
		}
	}
	of := imports("lignum/api", "TestImports", "XTestImports")
	for _, pkg := range of {
		if slices.Contains(areas, pkg) {
			t.Errorf("a test in api/ imports %s: it stands in that area's folder, or reads the answer without its types", pkg)
		}
	}
	if !slices.Contains(of, "lignum/tests/apitest") {
		t.Errorf("the tests in api/ import only %q", of)
	}
}
