package api

import (
	"net/http"
	"net/netip"
	"strconv"
	"time"

	"github.com/gofiber/fiber/v2"

	"lignum/domain"
	"lignum/domain/identity"
	"lignum/domain/words"
	"lignum/policy"
	"lignum/tenants"
	"lignum/tenants/limits"
)

// The door is what a request passes before anything is done for it: a bucket of the address it came from, which costs no
// signature and no statement. A whole school may stand behind one address, so the bucket is wide, and what fails to prove itself
// takes more of it: junk empties it soon, two thousand learners who come at once do not. Whoever is known by a token that held
// before takes none of it; their own share limits them, so that one learner who hammers is stopped while classmates go on.
//
// All of this is of one process: with several, each lets through so much.
var (
	addressShare = limits.Quota{PerSecond: 1500, Window: 20 * time.Second}
	filesShare   = limits.Quota{PerSecond: 2000, Window: 10 * time.Second} // of static files
	deviceShare  = limits.Quota{PerSecond: 5, Window: 4 * time.Second}     // of a device that signed in before, when its address has no more
	sessionShare = limits.Quota{PerSecond: 1, Window: 10 * time.Second}    // of refreshes
)

// wide is how many times the share of one network of /64 all those of one /48 have together (IPv6: RFC 6177 gives a site one).
const wide = 16

// What a request takes of its address' share.
const (
	costAsked = 1   // every one of nobody known
	costOver  = 5   // what was genuine once, as an expired token is, and what leads nowhere
	costWrong = 50  // a sign-in that failed
	costJunk  = 150 // what nobody here ever gave out, and a host that is none of ours
)

// Kinds of keys in Shares; the first byte of each.
const (
	ofAddress = iota
	ofSite
	ofFiles
	ofRealmAddress
	ofDevice
	ofSession
	ofPerson
)

// network is what one visitor has: an IPv4 address, or the first 64 bits of an IPv6 one.
func network(a netip.Addr) netip.Addr {
	if a = a.Unmap(); a.Is6() {
		if p, err := a.Prefix(64); err == nil {
			return p.Addr()
		}
	}
	return a
}

// networkText is how a visitor's network is written: an IPv4 address, or an IPv6 prefix; "" when it is not known.
func networkText(a netip.Addr) string {
	switch a = network(a); {
	case !a.IsValid():
		return ""
	case a.Is6():
		return a.String() + "/64"
	}
	return a.String()
}

func addressKey(kind byte, a netip.Addr, more string) []byte {
	raw := network(a).As16()
	return append(append([]byte{kind}, raw[:]...), more...)
}

// siteKey is the /48 of an IPv6 address; nil for others.
func siteKey(a netip.Addr) []byte {
	if a = a.Unmap(); !a.Is6() {
		return nil
	}
	raw := a.As16()
	return append([]byte{ofSite}, raw[:6]...)
}

// fromAddress takes a request's cost from its address' share.
func (s *Server) fromAddress(a netip.Addr, cost int64) limits.Verdict {
	v := s.shares.Take(addressKey(ofAddress, a, ""), cost, addressShare)
	if site := siteKey(a); v.OK && site != nil {
		if w := s.shares.Take(site, cost, limits.Quota{PerSecond: wide * addressShare.PerSecond, Window: addressShare.Window}); !w.OK {
			return w
		}
	}
	return v
}

// admit lets a visitor in whom nothing has proven yet, once a request. Where the address has nothing left, a device that somebody
// signed in on before still has a share of its own: a neighbour who sends junk does not shut a school out.
func (c *Call) admit() error {
	if c.admitted {
		return nil
	}
	v := c.Server.fromAddress(c.visitor, costAsked)
	if !v.OK && c.DB != nil {
		if id, known := identity.KnownDevice(c.own(), c.deviceTokens(), c.Now); known {
			if own := c.Server.shares.Take(append([]byte{ofDevice}, id...), 1, deviceShare); own.OK {
				c.admitted = true
				return nil
			}
		}
	}
	if err := c.held("address", v); err != nil {
		return err
	}
	c.admitted = true
	return nil
}

// charge takes more from the address' share, for what turned out to be worth less than it cost. People whom we know pay with their
// own share instead.
func (c *Call) charge(cost int64) {
	if c.Claims != nil {
		return
	}
	c.Server.shares.Charge(addressKey(ofAddress, c.visitor, ""), cost, addressShare)
	if site := siteKey(c.visitor); site != nil {
		c.Server.shares.Charge(site, cost, limits.Quota{PerSecond: wide * addressShare.PerSecond, Window: addressShare.Window})
	}
}

// platformLimits are the rates on the platform's own host.
var platformLimits = tenants.Limits{ReadsPerSec: 200, WritesPerSec: 50, SignInsPerSec: 10}

// rate is the realm's quota for the route's class, in requests a second.
func (c *Call) rate() int64 {
	lim := platformLimits
	if c.Tenant != nil {
		lim = c.Tenant.Limits
	}
	switch c.route.Quota {
	case limits.Read:
		return lim.ReadsPerSec
	case limits.Write:
		return lim.WritesPerSec
	case limits.SignIn:
		return lim.SignInsPerSec
	case limits.Files, limits.Free: // of no tenant
	}
	return 0
}

// personShare is what one signed-in person has of a tenant's rate: a fiftieth, and not less than ten a second, or two where
// passwords are hashed.
func personShare(class limits.Class, rate int64) limits.Quota {
	least := int64(10)
	if class == limits.SignIn {
		least = 2
	}
	return limits.Quota{PerSecond: min(rate, max(least, rate/50)), Window: 4 * time.Second}
}

// quotas hold a signed-in person to their share and then to the tenant's rate; nobody known to half of what the tenant's strangers
// have for each address, so that a whole school gets in and yet is not all of them, and then to a rate of their own, which is
// never what the signed-in live on.
func (c *Call) quotas() error {
	rate, name := c.rate(), string(c.route.Quota)
	bucket := c.Realm.Slug + "/" + name
	if c.Claims != nil {
		key := append(append([]byte{ofPerson}, c.Claims.UserID[:]...), bucket...)
		if err := c.held(name+"-person", c.Server.shares.Take(key, 1, personShare(c.route.Quota, rate))); err != nil {
			return err
		}
		return c.held(name, c.Server.rate.Allow(bucket, rate))
	}
	half := limits.Quota{PerSecond: min(rate, max(5, rate/2)), Window: 2 * time.Second}
	if err := c.held(name+"-address", c.Server.shares.Take(addressKey(ofRealmAddress, c.visitor, bucket), 1, half)); err != nil {
		return err
	}
	return c.held(name, c.Server.rate.Allow(bucket+"/strangers", rate))
}

// held keeps a verdict for the headers of the answer and refuses when it says so. Of several that let the request through, the one
// that leaves the fewest is shown: the one that will be felt first.
func (c *Call) held(name string, v limits.Verdict) error {
	if !v.OK || c.quota == "" || v.Remaining <= c.verdict.Remaining {
		c.quota, c.verdict = name, v
	}
	if !v.OK {
		return overQuota(v)
	}
	return nil
}

// showVerdict puts a verdict into the headers of the answer (draft-ietf-httpapi-ratelimit-headers).
func showVerdict(fc *fiber.Ctx, name string, v limits.Verdict) {
	named := func(key byte, a int64, b string, n int64) []byte {
		text := append(append(append(make([]byte, 0, 64), '"'), name...), '"', ';', key, '=')
		return strconv.AppendInt(append(strconv.AppendInt(text, a, 10), b...), n, 10)
	}
	window, head := int64(v.Window/time.Second), &fc.Response().Header
	head.SetBytesV("RateLimit-Policy", named('q', v.Limit*window, ";w=", window))
	head.SetBytesV("RateLimit", named('r', v.Remaining, ";t=", int64((v.Reset+time.Second-1)/time.Second)))
}

func overQuota(v limits.Verdict) error {
	return &domain.Error{Code: domain.OverQuota, Message: words.Say("api.too_many_requests_at_this"), RetryAfter: v.RetryAfter}
}

// Bare registers a public route that answers on any host, before a realm is known: health, static files, the reference. An address
// has a share of those as well, unless the route's quota is limits.Free.
func Bare(s *Server, rt Route, handle fiber.Handler) {
	if _, public := rt.Permission.IsPublic(); !public {
		panic("a bare route must be public: " + rt.Path)
	}
	if rt.Method == "" {
		rt.Method = http.MethodGet
	}
	if rt.Quota == "" {
		rt.Quota = limits.Files
	}
	s.declare(&rt)
	s.app.Add(rt.Method, fiberPath(rt.Path), func(fc *fiber.Ctx) error {
		arrived(fc, detach(fc))
		if rt.Quota == limits.Free {
			return handle(fc)
		}
		v := s.shares.Take(addressKey(ofFiles, s.clientAddress(fc), ""), 1, filesShare)
		if !v.OK {
			showVerdict(fc, string(rt.Quota), v)
			return problemOf(overQuota(v)).write(fc)
		}
		return handle(fc)
	})
}

// Refresh exchanges a refresh token. One that nobody here gave out costs no statement; a genuine one has a share of its own, so that
// a dead one that is sent again and again does not keep the database at work.
func (c *Call) Refresh(token string) (*identity.Tokens, error) {
	session, genuine := identity.RefreshSession(c.own(), token)
	if !genuine {
		c.charge(costJunk)
		return nil, domain.Refuse(domain.Unauthentic, "api.please_sign_in")
	}
	if v := c.Server.shares.Take(append([]byte{ofSession}, session[:]...), 1, sessionShare); !v.OK {
		return nil, overQuota(v)
	}
	now, err := c.Server.Desk.Refresh(c.ctx, c.own(), token, c.Device(), c.Day(), c.Now)
	if err != nil {
		if domain.CodeOf(err) == domain.Unauthentic {
			c.charge(costOver)
		}
		return nil, err
	}
	return c.State.Keys.Issue(now, c.State.Issuer, c.Now)
}

// nowhere is the route of what no other route takes.
func nowhere(fc *fiber.Ctx, page bool) *Route {
	return &Route{Method: fc.Method(), Path: "*", Permission: policy.Public("nothing is there"), Quota: limits.Read, Page: page}
}
