package api

import (
	"fmt"
	"log/slog"
	"testing"
	"time"

	"lignum/tenants"
	"lignum/tenants/limits"
	"lignum/tests/testkit"
)

// A thousand tenants that use every route, with every status that there is, are not a thousand times as many series as one: by tenant
// there are few, by route as many as there are routes.
func TestMetricsDoNotGrowWithTenantsTimesRoutes(t *testing.T) {
	w := testkit.New(t)
	s := &Server{store: w.Store, registry: w.Registry, platform: tenants.PlatformRealm(testkit.Installation), Log: slog.New(slog.DiscardHandler)}
	s.metrics = newMetrics(s)
	series := func() (n int) {
		families, err := s.metrics.registry.Gather()
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range families {
			n += len(f.GetMetric())
		}
		return n
	}
	const realms, routes = 50, 40
	statuses := []int{200, 201, 303, 400, 403, 404, 409, 422, 429, 500, 503}
	classes := []limits.Class{limits.Read, limits.Write, limits.SignIn}
	before := series()
	for realm := range realms {
		for route := range routes {
			rt := &Route{Method: "GET", Path: fmt.Sprintf("/api/v1/%d", route), Quota: classes[route%len(classes)]}
			for _, status := range statuses {
				s.metrics.request(fmt.Sprintf("realm-%d", realm), rt, status, time.Millisecond)
			}
		}
	}
	// Of each tenant one for each class of status and one histogram for each class of route.
	if grown, most := series()-before, realms*(4+len(classes))+routes*len(statuses); grown > most {
		t.Errorf("%d tenants, %d routes and %d statuses make %d series, more than %d", realms, routes, len(statuses), grown, most)
	}
	if got := statusClass(204) + statusClass(303) + statusClass(499) + statusClass(503); got != "2xx3xx4xx5xx" {
		t.Errorf("classes of statuses: %s", got)
	}
}
