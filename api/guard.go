package api

import (
	"errors"
	"net/http"
	"slices"

	"lignum/domain/words"
	"lignum/policy"
	"lignum/tenants"
)

// The guard against forgetful handlers. Whoever answers has asked the policy, or answers 500 and nothing else; whatever
// is written to the call's database was asked for, or is not written. Neither depends on the kind of registration.

// These are faults of the program: a person sees a 500, the log says which.
var (
	errNotPermitted   = errors.New("the handler did not ask the policy")
	errPartNotAsked   = errors.New("a part of the page did not ask the policy")
	errPartUndeclared = errors.New("a part of the page asks for a permission that its route does not name")
)

// mayWrite lets the call's database write from the moment on at which the policy has said yes.
func (c *Call) mayWrite() error {
	if !c.permitted {
		return errNotPermitted
	}
	return nil
}

// asked tells why a handler's answer must not be shown.
func (c *Call) asked() error {
	if !c.permitted {
		return errNotPermitted
	}
	return c.partsAsked()
}

// partsAsked tells why what Under gave must not be shown. A part that was refused was asked: it gave an error and no data.
func (c *Call) partsAsked() error {
	for _, part := range c.parts {
		if !part.decided {
			return errPartNotAsked
		}
	}
	return c.fault
}

// forgot reports whether err is a handler's that forgot to ask.
func forgot(err error) bool {
	return errors.Is(err, errNotPermitted) || errors.Is(err, errPartNotAsked) || errors.Is(err, errPartUndeclared)
}

// lacks is the refusal of somebody none of whose roles holds a permission. The sentence is for them; the permission, for programs,
// stands in a field of its own.
func lacks(p policy.Permission) *Problem {
	prob := newProblem(http.StatusForbidden, words.Say("api.your_roles_do_not_let", "Do", p.Words()))
	prob.Type, prob.Permission = "urn:lignum:problem:permission", p.Name()
	return prob
}

// discard takes back what a forgetful handler has put into the answer: its body, cookies and headers.
func (c *Call) discard() {
	c.fc.Response().Reset()
	c.Server.secure(c.fc)
	c.fc.Set("X-Request-Id", c.Actor.RequestID)
}

// own is the call's database without the guard, for what the pipeline itself writes: sessions and the trail.
func (c *Call) own() *tenants.DB { return c.Server.store.DB(c.Realm) }

// Under returns the same call asking for another permission, which the route names among its Parts: for pages that show several
// things, each of which is judged by its own. It is Forbidden when none of the actor's roles holds p; what the use case then
// asks the policy is about p, and it must ask. The page itself must still be permitted under its route's own permission; for
// that one Under gives the call itself.
func (c *Call) Under(p policy.Permission) (*Call, error) {
	if p == c.route.Permission {
		return c, nil
	}
	whole := c
	if c.whole != nil {
		whole = c.whole
	}
	if p == whole.route.Permission {
		return whole, nil
	}
	if !slices.Contains(whole.route.Parts, p) {
		whole.fault = errPartUndeclared
		return nil, errPartUndeclared
	}
	if !c.May(p) {
		return nil, lacks(p)
	}
	part, rt := *whole, *whole.route
	rt.Permission = p
	part.route, part.whole, part.parts, part.permitted, part.decided = &rt, whole, nil, false, false
	part.DB = whole.DB.Guarded(part.mayWrite)
	whole.parts = append(whole.parts, &part)
	return &part, nil
}
