package api

import (
	"net/http"

	"lignum/policy"
)

// Under gives the same call asking for another permission: for pages that show several things, each of which is judged by
// its own. It is Forbidden when none of the actor's roles holds p; what the use case then asks the policy is about p. The
// page itself must still be permitted under its route's own permission; for that one Under gives the call itself.
func (c *Call) Under(p policy.Permission) (*Call, error) {
	if p == c.route.Permission {
		return c, nil
	}
	if !c.May(p) {
		prob := newProblem(http.StatusForbidden, "Your role does not have the permission "+p.Name()+".")
		prob.Type, prob.Permission = "urn:lignum:problem:permission", p.Name()
		return nil, prob
	}
	part, rt := *c, *c.route
	rt.Permission = p
	part.route, part.permitted = &rt, false
	return &part, nil
}
