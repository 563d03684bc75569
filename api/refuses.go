package api

import (
	"slices"
	"strings"

	"lignum/policy"
)

// Path is the path of the call's route as it was declared, such as "/classes/{class}"; "" where nothing was found.
func (c *Call) Path() string {
	if c.route == nil {
		return ""
	}
	return c.route.Path
}

// Refuses reports whether the state of the call's tenant refuses what a page leads to: the route that a method and an address
// of this host find changes something, and the tenant takes no changes. Whether the person may use it is not looked at.
func (c *Call) Refuses(method, address string) bool {
	if c.Tenant == nil || c.Tenant.Allows().Takes == policy.TakesChanges {
		return false
	}
	path, _, _ := strings.Cut(address, "?")
	path, _, _ = strings.Cut(path, "#")
	for i := range c.Server.routes {
		if rt := &c.Server.routes[i]; rt.Method == method && rt.fits(path) {
			return rt.Permission.Mutating() // as with Fiber, the first that fits is the one
		}
	}
	return false
}

// fits reports whether a path is one of the route's.
func (rt *Route) fits(path string) bool {
	return slices.EqualFunc(strings.Split(rt.Path, "/"), strings.Split(path, "/"), func(declared, part string) bool {
		return declared == part || strings.HasPrefix(declared, "{") && part != ""
	})
}
