package main

import (
	"regexp"
	"strings"
	"testing"
)

func TestRoutesAreListed(t *testing.T) {
	out := must(t, "routes")
	lines := strings.Split(strings.TrimSpace(out), "\n")
	row := regexp.MustCompile(`^(GET|POST|PUT|PATCH|DELETE) +/\S* +(\(.+\)|[a-z_.]+) +[a-z_]+$`)
	for _, l := range lines {
		if !row.MatchString(l) {
			t.Errorf("%q has not method, path, permission and quota", l)
		}
	}
	squeezed := strings.Join(strings.Fields(out), " ")
	for _, want := range []string{"POST /api/v1/sign-in (", "PUT /api/v1/classes/{class} class.manage write", "GET /classes/{class} class.read read", "GET /console platform.tenant.read read"} {
		if !strings.Contains(squeezed, want) {
			t.Errorf("%q is not there", want)
		}
	}
	if len(lines) < 150 {
		t.Errorf("only %d routes", len(lines))
	}
}

// The first route that fits an address answers: one with names must stand before one that takes anything in their place.
func TestNoRouteHidesAnother(t *testing.T) {
	routes, err := allRoutes()
	if err != nil {
		t.Fatal(err)
	}
	for i, later := range routes {
		for _, earlier := range routes[:i] {
			if earlier.Method == later.Method && covers(earlier.Path, later.Path) {
				t.Errorf("%s %s is never reached: %s comes before it", later.Method, later.Path, earlier.Path)
			}
		}
	}
	if !covers("/classes/{class}", "/classes/manage") || covers("/classes/manage", "/classes/{class}") || covers("/a/{b}", "/a") || covers("/a/{b}/c", "/a/{b}/d") {
		t.Error("covers does not see what it must")
	}
}

// covers reports whether every address of the second pattern is one of the first.
func covers(first, second string) bool {
	a, b := strings.Split(first, "/"), strings.Split(second, "/")
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		if !strings.HasPrefix(a[i], "{") && a[i] != b[i] {
			return false
		}
	}
	return true
}
