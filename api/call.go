package api

import (
	"context"

	"github.com/google/uuid"

	"lignum/domain/identity"
	"lignum/policy"
	"lignum/tenants"
	"lignum/tenants/provision"
)

// Done answers a change that has nothing else to say.
type Done struct {
	Done bool `json:"done"`
}

// List is a page of things; Next is the cursor of the page after it, absent on the last.
type List[T any] struct {
	Items []T    `json:"items"`
	Next  string `json:"next,omitempty"`
}

// Renew gives the signed-in person's browser new tokens, in which what has just changed about the session shows. When the
// database is too busy for it, the old ones stay good until they end.
func (c *Call) Renew() {
	if err := c.renew(c.fc.Cookies(c.Server.cookieNames().refresh)); err != nil {
		c.Server.Log.WarnContext(c.ctx, "tokens could not be renewed", "err", Causes(err), "request_id", c.Actor.RequestID)
	}
}

// SetCookies signs a browser in.
func (c *Call) SetCookies(t *identity.Tokens) { c.Server.setCookies(c.fc, t) }

// ClearCookies signs a browser out.
func (c *Call) ClearCookies() { c.Server.clearCookies(c.fc) }

// Permission is the one that the route declares.
func (c *Call) Permission() policy.Permission { return c.route.Permission }

// Context is the request's, with its deadline.
func (c *Call) Context() context.Context { return c.ctx }

// May reports whether one of the actor's roles holds a permission, for showing or hiding what a page offers. It never
// replaces a route's own check.
func (c *Call) May(p policy.Permission) bool {
	return c.Claims != nil && c.State.Enforcer.Allows(c.Claims.Roles, p)
}

// Could reports whether there may be something that the actor can do with a permission now: a role holds it, and neither the state
// of the tenant nor the person's own standing stops it. It is for what a page offers before it is known of which thing.
func (c *Call) Could(p policy.Permission) bool {
	if !c.May(p) {
		return false
	}
	d := c.foresee(p, policy.Facts{})
	return d.Allow || !d.Reason.Standing()
}

// Would reports whether the policy would say yes to this thing now: for what a page offers about it. It permits nothing.
func (c *Call) Would(p policy.Permission, facts policy.Facts) bool {
	return c.May(p) && c.foresee(p, facts).Allow
}

// Barred reports whether the person's own standing keeps them from all but their account: a second factor that they have not
// proven yet, or a password that was only given.
func (c *Call) Barred() bool {
	p := policy.ClassRead
	if c.Tenant == nil {
		p = policy.PlatformTenantRead
	}
	d := c.foresee(p, policy.Facts{Listing: true})
	return !d.Allow && d.Reason.Standing()
}

// foresee is what the rules would say. A rule that cannot be evaluated offers nothing; the route's own question reports it.
func (c *Call) foresee(p policy.Permission, facts policy.Facts) policy.Decision {
	d, err := c.Server.Rules.Decide(c.ctx, c.input(p, facts))
	if err != nil {
		return policy.Decision{}
	}
	return d
}

// SetHeader says something in the answer's head, also of a refusal.
func (c *Call) SetHeader(name, value string) { c.fc.Set(name, value) }

// Registry knows the tenants.
func (c *Call) Registry() *tenants.Registry { return c.Server.registry }

// Provisioner makes tenants; nil when this process may not, and before the policy was asked: what it writes is not the
// call's database.
func (c *Call) Provisioner() *provision.Provisioner {
	if c.mayWrite() != nil {
		return nil
	}
	return c.Server.provisioner
}

// URL is where browsers find a tenant, or with "" the platform.
func (c *Call) URL(slug string) string { return c.Server.cfg.URL(c.Server.registry.Host(slug)) }

// OfOwnSchool reports whether something with this school is of the actor's.
func (c *Call) OfOwnSchool(school *uuid.UUID) bool {
	return school != nil && c.Claims.SchoolID != nil && *school == *c.Claims.SchoolID
}
