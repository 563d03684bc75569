package main

import (
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"

	"lignum/api"
	"lignum/infra/aws"
	"lignum/policy"
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

// What takes a larger body than the firewall lets through is named there.
func TestTheFirewallKnowsLargeBodies(t *testing.T) {
	routes, err := allRoutes()
	if err != nil {
		t.Fatal(err)
	}
	var large []string
	for _, r := range routes {
		if r.Body > 64<<10 && r.Method != http.MethodGet {
			large = append(large, r.Path)
		}
	}
	slices.Sort(large)
	if named := slices.Sorted(slices.Values(aws.LargeBodies)); !slices.Equal(slices.Compact(large), named) {
		t.Errorf("routes with large bodies are\n%q, the firewall knows\n%q", large, named)
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

// unrouted are the permissions that no route has, each with what the platform is to let people do with it. Roles are given them already, so that
// no country's rules change when the routes come.
var unrouted = map[policy.Permission]string{
	policy.QuestionRead:   "a learner reads what the coach answered, and a coach what is asked",
	policy.QuestionAsk:    "a learner asks the coach",
	policy.QuestionAnswer: "a coach answers questions; until then it tells the menu who has learners of their own",
	policy.BookingRead:    "a learner and a coach see which sessions are booked",
	policy.BookingMake:    "a learner books a session",
	policy.BookingCancel:  "a booked session is called off, by either side",
	policy.BookingOffer:   "a coach holds sessions, at times that they offer",
	policy.UserExport:     "a person gets what is stored about them: data protection acts ask for it",
	policy.UserErase:      "a person is erased: data protection acts ask for it; people.EraseFromTrail does the trail's part",
	policy.ContentRead:    "an author sees courses and banks with their answers",
	policy.ContentChange:  "an author builds courses, lessons, item banks and tests",
	policy.ContentImport:  "an author imports material; today by an operator's command",
}

func TestPermissionsHaveRoutes(t *testing.T) {
	routes, err := allRoutes()
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range policy.Catalogue() {
		has := slices.ContainsFunc(routes, func(rt api.Route) bool { return rt.Permission == p || slices.Contains(rt.Parts, p) })
		switch why := unrouted[p]; {
		case !has && why == "":
			t.Errorf("no route has %s: declare one, delete it with its rules, or say in unrouted what it is kept for", p.Name())
		case has && why != "":
			t.Errorf("%s has a route, and is no longer to be kept in unrouted", p.Name())
		}
	}
}
