package api

import (
	"net/url"
	"strings"
	"time"

	"github.com/gofiber/fiber/v2"

	"lignum/domain"
	"lignum/domain/identity"
	"lignum/domain/words"
	"lignum/tenants"
	"lignum/tenants/audit"
)

// authenticate finds out who asks: a bearer token (API) or the session cookies (browsers). No token at all is fine
// here; authorise decides whether the route needs one. A token that is not good is 401. Before a signature is checked or a
// statement sent for somebody who was not known before, their address pays for it.
func (c *Call) authenticate() error {
	token, refresh := bearer(c.fc), ""
	if token == "" {
		names := c.Server.cookieNames()
		token, refresh = c.fc.Cookies(names.access), c.fc.Cookies(names.refresh)
		c.viaCookie = token != "" || refresh != ""
	}
	known, ring := c.Server.remembers(c.Realm, token, c.Now)
	if known == nil {
		if err := c.admit(); err != nil {
			return err
		}
	}
	var err error
	if c.State, err = c.Server.state(c.ctx, c.Realm); err != nil {
		return err
	}
	if c.viaCookie {
		if err := c.sameOrigin(); err != nil {
			return err
		}
	}
	if token == "" && refresh == "" {
		if c.route.Path == "*" {
			c.charge(costOver)
		}
		return nil
	}
	if known == nil || ring != c.State.Keys {
		known, err = c.Server.tokens.Verify(c.State.Keys, token, c.State.Issuer, c.Now)
	}
	ended := err == nil && c.State.gone(known)
	if err == nil && !ended {
		c.signedIn(known)
		return nil
	}
	if refresh != "" {
		return c.renew(refresh)
	}
	cost := int64(costJunk)
	if ended || identity.Expired(err) || !c.viaCookie && c.foreign(token) {
		cost = costOver
	}
	c.charge(cost)
	if c.viaCookie { // it will never be good again: the visitor is anonymous
		c.Server.clearCookies(c.fc)
		return nil
	}
	return domain.Refuse(domain.Unauthentic, "api.the_token_is_not_valid")
}

// remembers returns the claims of a token that held before, and the keys that it held with; nil for any other. It costs nothing.
func (s *Server) remembers(realm tenants.Realm, token string, now time.Time) (*identity.Claims, *identity.KeyRing) {
	st := s.lastState(realm)
	if st == nil || token == "" {
		return nil, nil
	}
	return s.tokens.Known(st.Keys, token, st.Issuer, now), st.Keys
}

// renew turns a browser's refresh cookie into new tokens on the way, so that a page never shows 'signed out' to a person
// whose session is alive. A cookie that is not good any more is taken away, and the visitor is anonymous.
func (c *Call) renew(refresh string) error {
	tokens, err := c.Refresh(strings.Clone(refresh))
	if err != nil {
		if code := domain.CodeOf(err); code == domain.Unavailable || code == domain.OverQuota {
			return err
		}
		c.Server.clearCookies(c.fc)
		return nil
	}
	claims, err := c.Server.tokens.Verify(c.State.Keys, tokens.Access, c.State.Issuer, c.Now)
	if err != nil {
		return err
	}
	c.Server.setCookies(c.fc, tokens)
	c.signedIn(claims)
	return nil
}

// deviceHeader is where API clients show a device token; browsers have a cookie.
const deviceHeader = "Device-Token"

// Device is where the request comes from, for the list of sessions, the trail, and the count of failures.
func (c *Call) Device() identity.Device {
	return identity.Device{Address: c.Actor.Address, UserAgent: cleanText(c.fc.Get(fiber.HeaderUserAgent)), RequestID: c.Actor.RequestID, Tokens: c.deviceTokens()}
}

// deviceTokens are what the visitor shows of earlier sign-ins.
func (c *Call) deviceTokens() string {
	if tokens := c.fc.Get(deviceHeader); tokens != "" {
		return tokens
	}
	return c.fc.Cookies(c.Server.cookieNames().device)
}

// Day is today where the tenant is; the zero time on the platform.
func (c *Call) Day() time.Time {
	if c.Tenant == nil {
		return time.Time{}
	}
	return c.Tenant.Today(c.Now)
}

func (c *Call) signedIn(claims *identity.Claims) {
	c.Claims = claims
	c.Actor.ID, c.Actor.Name, c.Actor.Roles = claims.UserID, claims.UserName, claims.Roles
}

func bearer(fc *fiber.Ctx) string {
	h := fc.Get(fiber.HeaderAuthorization)
	if len(h) > 7 && strings.EqualFold(h[:7], "bearer ") {
		return h[7:]
	}
	return ""
}

// sameOrigin is the defence against cross-site request forgery for requests that cookies authenticate: a change is taken
// from our own pages alone. Reading changes nothing.
func (c *Call) sameOrigin() error {
	switch c.fc.Method() {
	case fiber.MethodGet, fiber.MethodHead, fiber.MethodOptions:
		return nil
	}
	return c.FromOwnPage()
}

// FromOwnPage refuses what another site sent, or what does not say where it comes from, as every browser does (Fetch
// Metadata, and Origin for older browsers). A sibling subdomain is another origin, and so is the same host without TLS:
// whoever sits on the line can put a page there. Our scheme is the configured one, whatever the balancer speaks with us.
func (c *Call) FromOwnPage() error {
	site := c.fc.Get("Sec-Fetch-Site")
	if site == "same-origin" || site == "" && ownOrigin(c.fc.Get(fiber.HeaderOrigin), c.Server.cfg.Scheme, string(c.fc.Context().Host())) {
		return nil
	}
	return domain.Refuse(domain.Forbidden, "api.this_change_did_not_come")
}

// ownOrigin reports whether an Origin header (RFC 6454) names scheme and host. The scheme's own port may be written or not.
func ownOrigin(origin, scheme, host string) bool {
	got, rest, ok := strings.Cut(origin, "://")
	if !ok || !strings.EqualFold(got, scheme) || rest == "" {
		return false
	}
	own := map[string]string{"http": ":80", "https": ":443"}[scheme]
	return strings.EqualFold(strings.TrimSuffix(rest, own), strings.TrimSuffix(host, own))
}

// foreign notes a genuine token of another realm that was shown here, and tells whether it was one. Only a token that the other realm's keys verify is
// written down, so that nobody fills the trail from outside.
func (c *Call) foreign(token string) bool {
	other := identity.PeekIssuer(token)
	realm, ok := c.Server.realmOfIssuer(other)
	if !ok || realm.Slug == c.Realm.Slug {
		return false
	}
	st, err := c.Server.state(c.ctx, realm)
	if err != nil {
		return false
	}
	claims, err := c.Server.tokens.Verify(st.Keys, token, other, c.Now)
	if err != nil {
		return false
	}
	who := c.Actor
	who.ID, who.Name, who.Roles, who.Realm = claims.UserID, claims.UserName, claims.Roles, realm.Name()
	c.note(who, audit.Entry{Action: "token.foreign", Refused: true, ObjectKind: "route", ObjectID: c.where(),
		Reason: words.English.Say("api.foreign_token", "Realm", realm.Name())})
	c.suppressed = true
	return true
}

// issuer is the name of a realm in its tokens: the address of its own host.
func (s *Server) issuer(r tenants.Realm) string { return s.cfg.URL(s.registry.Host(r.Slug)) }

func (s *Server) realmOfIssuer(issuer string) (tenants.Realm, bool) {
	if issuer == s.issuer(s.platform) {
		return s.platform, true
	}
	u, err := url.Parse(issuer)
	if err != nil {
		return tenants.Realm{}, false
	}
	t, platform, err := s.registry.Lookup(u.Host)
	if err != nil || platform || s.issuer(t.Realm()) != issuer {
		return tenants.Realm{}, false
	}
	return t.Realm(), true
}

type cookieNames struct{ access, refresh, device string }

// cookieNames: the __Host- prefix (RFC 6265bis) binds a cookie to one host over https. On plain http, which is only
// ever allowed on loopback, browsers refuse it.
func (s *Server) cookieNames() cookieNames {
	if s.cfg.Scheme == "https" {
		return cookieNames{"__Host-lignum", "__Host-lignum-refresh", "__Host-lignum_device"}
	}
	return cookieNames{"lignum", "lignum-refresh", "lignum_device"}
}

func (s *Server) setCookies(fc *fiber.Ctx, t *identity.Tokens) {
	names := s.cookieNames()
	s.cookie(fc, names.access, t.Access, t.AccessExpires)
	s.cookie(fc, names.refresh, t.Refresh, t.RefreshExpires)
	if t.Device != "" {
		s.cookie(fc, names.device, identity.DeviceTokens(fc.Cookies(names.device), t.Device), time.Now().Add(identity.DeviceLife))
	}
}

// clearCookies signs a browser out. The device cookie stays: it is for the next sign-in, and opens nothing.
func (s *Server) clearCookies(fc *fiber.Ctx) {
	names := s.cookieNames()
	s.cookie(fc, names.access, "", time.Unix(1, 0))
	s.cookie(fc, names.refresh, "", time.Unix(1, 0))
}

// RenewNext takes the browser's access token away and leaves it its session, so that the next page is opened with a token that says what is so now.
func (c *Call) RenewNext() { c.Server.cookie(c.fc, c.Server.cookieNames().access, "", time.Unix(1, 0)) }

func (s *Server) cookie(fc *fiber.Ctx, name, value string, expires time.Time) {
	if value == "" && expires.After(time.Unix(1, 0)) {
		return // nothing new to set: the second tab within the grace of a rotation
	}
	fc.Cookie(&fiber.Cookie{Name: name, Value: value, Path: "/", Expires: expires, HTTPOnly: true, Secure: s.cfg.Scheme == "https", SameSite: "Lax"})
}
