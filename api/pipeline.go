package api

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/netip"
	"regexp"
	"runtime/debug"
	"strconv"
	"strings"
	"time"

	"github.com/gofiber/fiber/v2"

	"lignum/domain"
	"lignum/domain/identity"
	"lignum/domain/words"
	"lignum/policy"
	"lignum/tenants"
	"lignum/tenants/audit"
	"lignum/tenants/limits"
)

// Call is one request on its way through the pipeline: whose realm, who asks, and what was decided.
type Call struct {
	Server *Server
	Tenant *tenants.Tenant // nil on the platform's host
	Realm  tenants.Realm
	DB     *tenants.DB
	State  *realmState
	Claims *identity.Claims // nil: nobody is signed in
	Actor  audit.Actor
	Now    time.Time
	Nonce  string // of the page's Content-Security-Policy

	Language words.Language // in which to speak with whoever asks

	route      *Route
	fc         *fiber.Ctx
	ctx        context.Context
	cancel     context.CancelFunc
	start      time.Time
	viaCookie  bool
	permitted  bool  // the policy said yes
	decided    bool  // the policy was asked
	whole      *Call // of which this is a part; see Under
	parts      []*Call
	fault      error // of a part
	replayed   bool
	stream     io.Reader      // the body, as long as nobody has read it
	visitor    netip.Addr     // where the request came from
	admitted   bool           // its address has paid for it
	verdict    limits.Verdict // of the quota that will be felt first
	quota      string         // its name; "": none was asked yet
	decision   policy.Decision
	suppressed bool // the refusal is in the trail already
	unseen     *int // notices that the reader of the page has not seen yet; -1: nothing was read yet; nil: nobody asked. See Unseen
	observed   bool
}

// Languages are those in which the realm speaks with people; the first is its own.
func (c *Call) Languages() []words.Language {
	if c.Tenant == nil {
		return nil
	}
	st := c.State
	if st == nil { // refused before its state was asked for: what was known of it last costs nothing
		st = c.Server.lastState(c.Realm)
	}
	if st == nil {
		return nil
	}
	return st.Branding.Languages
}

// speak settles the language: the person's own, else what their browser accepts, each as far as the tenant has it, else the tenant's. A request that is
// refused before the tenant's state was ever loaded in this process, such as the first one at a suspended tenant's, is answered in English.
func (c *Call) speak() {
	own := ""
	if c.Claims != nil {
		own = c.Claims.Locale
	}
	c.Language = words.Choose(own, c.fc.Get(fiber.HeaderAcceptLanguage), c.Languages())
	c.fc.Set(fiber.HeaderContentLanguage, string(c.Language))
}

// Say gives a message in the language of whoever asks, filled with pairs of name and value.
func (c *Call) Say(key string, pairs ...any) string { return c.Language.Say(key, pairs...) }

// requestTimeout bounds the work for one request. A client that leaves cancels nothing, so this must.
const requestTimeout = 10 * time.Second

// enter takes a request from its host name to the handler's door:
//
//	host -> realm -> the address' share -> token -> Casbin -> the person's share and the realm's quota -> body
//
// What follows is the handler's: facts -> OPA (Permit) -> one domain function in one transaction, audit entry in it.
// On an error the Call is as far as it came, for the log and the audit trail.
func (s *Server) enter(fc *fiber.Ctx, rt *Route) (*Call, error) {
	c := &Call{Language: words.English, Server: s, route: rt, fc: fc, start: time.Now(), stream: detach(fc), visitor: s.clientAddress(fc)}
	arrived(fc, c.stream)
	c.Now = c.start.UTC()
	c.Actor = audit.Actor{RequestID: requestID(fc, s)}
	if c.visitor.IsValid() {
		c.Actor.Address = c.visitor.String()
	}
	c.ctx, c.cancel = requestContext(s.base)
	if len(rt.Takes) > 0 {
		c.cancel()
		c.ctx, c.cancel = context.WithTimeout(s.base, uploadTimeout)
	}
	fc.Set("X-Request-Id", c.Actor.RequestID)
	defer func() {
		if c.quota != "" {
			showVerdict(fc, c.quota, c.verdict)
		}
	}()

	err := c.realm()
	if err == nil {
		err = c.authenticate()
	}
	c.speak() // whatever came of it, so that also a refusal on the way is in their language
	if err != nil {
		if over := c.admit(); over != nil {
			return c, over
		}
		return c, err
	}
	refused := c.authorise()
	if err := c.quotas(); err != nil { // before anything is refused, so that refusals are not free
		return c, err
	}
	if refused != nil {
		return c, refused
	}
	if err := c.head(); err != nil {
		return c, err
	}
	return c, c.receive()
}

func requestContext(base context.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeout(base, requestTimeout)
}

// realm finds whose data the request is about, from the host name alone.
func (c *Call) realm() error {
	t, platform, err := c.Server.registry.Lookup(string(c.fc.Context().Host()))
	if err != nil {
		c.charge(costJunk)
		return err
	}
	c.Tenant, c.Realm = t, c.Server.platform
	if t != nil {
		c.Realm = t.Realm()
	}
	c.Actor.Realm = c.Realm.Name()
	c.DB = c.own().Guarded(c.mayWrite)
	kind := policy.Tenant
	if platform {
		kind = policy.Platform
	}
	if _, public := c.route.Permission.IsPublic(); !public && !c.route.Permission.In(kind) {
		c.charge(costOver)
		return domain.Refuse(domain.NotFound, "domain.there_is_nothing_at_this")
	}
	if t != nil && t.Allows().Takes == policy.TakesNothing {
		c.charge(costOver)
		return &domain.Error{Code: domain.Forbidden, Message: t.Told()}
	}
	return nil
}

// authorise asks Casbin whether one of the actor's roles may ever do this, and refuses what the tenant's state does not take.
func (c *Call) authorise() error {
	p := c.route.Permission
	if _, public := p.IsPublic(); !public {
		if c.Claims == nil {
			return domain.Refuse(domain.Unauthentic, "api.please_sign_in")
		}
		if !c.State.Enforcer.Allows(c.Claims.Roles, p) {
			return lacks(p)
		}
	}
	if c.Tenant == nil {
		return nil
	}
	var roles []string
	if c.Claims != nil && c.Tenant.Allows().Takes == policy.TakesAdministrators {
		roles = c.State.Enforcer.Expand(c.Claims.Roles)
	}
	switch reads, changes := c.Tenant.Allows().For(roles); {
	case c.Claims != nil && !reads && p != policy.SessionEnd: // whoever is not signed in gets as far as the door, where it is said
		return &domain.Error{Code: domain.Forbidden, Message: c.Tenant.Told()}
	case !changes && p.Mutating():
		return &domain.Error{Code: domain.ReadOnly, Message: c.Tenant.Told()}
	}
	return nil
}

// Permit asks OPA whether this person may do this to this thing now. The facts come from the request's own transaction
// or from a signed ticket. A refusal is domain.Forbidden with the rule's reason.
func (c *Call) Permit(facts policy.Facts) error {
	_, err := c.Decide(facts)
	return err
}

// Decide is Permit for lists and figures: it also gives the scope to which the answer must be narrowed.
func (c *Call) Decide(facts policy.Facts) (policy.Decision, error) {
	d, err := c.Server.Rules.Decide(c.ctx, c.input(c.route.Permission, facts))
	if err != nil {
		return d, err
	}
	c.decision, c.decided = d, true
	if !d.Allow {
		p := newProblem(http.StatusForbidden, d.Reason.Sentence())
		p.Type, p.Permission = "urn:lignum:problem:policy:"+string(d.Reason), c.route.Permission.Name()
		return d, p
	}
	c.permitted = true
	return d, nil
}

// input is what the rules may know of this request.
func (c *Call) input(p policy.Permission, facts policy.Facts) policy.Input {
	in := policy.Input{Permission: p, Realm: policy.Platform, Facts: facts, ActorState: "active"}
	if c.Tenant != nil {
		in.Realm, in.TenantTakes = policy.Tenant, c.Tenant.Allows().Takes
	}
	if c.Claims != nil {
		in.Roles = c.State.Enforcer.Expand(c.Claims.Roles)
		in.MustChangePassword, in.SecondFactor = c.Claims.MustChangePassword, c.Claims.SecondFactor
		in.SecondFactorRequired = c.State.Branding.StaffSecondFactor
	}
	return in
}

// Open is Permit for public routes, which have no actor to ask about. It refuses on any other route.
func (c *Call) Open() error {
	if _, public := c.route.Permission.IsPublic(); !public {
		return errNotPermitted
	}
	c.permitted, c.decided = true, true
	return nil
}

// fail turns a handler's error into the problem that is shown, and notes what must be noted.
func (s *Server) fail(c *Call, err error) *Problem {
	p := problemOf(err)
	if p.Status >= 500 {
		s.Log.ErrorContext(c.ctx, "request failed", "err", Causes(err), "request_id", c.Actor.RequestID, "realm", c.Realm.Name(),
			"route", c.route.Method+" "+c.route.Path, "actor", c.Actor.ID)
	}
	shown := domain.In(*p, c.Language)
	shown.RequestID = c.Actor.RequestID
	c.noteRefusal(p)
	if p.retryAfter > 0 {
		c.fc.Set(fiber.HeaderRetryAfter, strconv.Itoa(p.retryAfter))
	}
	if p.Status == http.StatusUnauthorized {
		c.fc.Set(fiber.HeaderWWWAuthenticate, "Bearer")
	}
	s.observe(c, p.Status)
	return &shown
}

// Causes gives the whole chain for the log; domain errors hide their cause from people, not from us.
func Causes(err error) string {
	text := err.Error()
	var d *domain.Error
	if errors.As(err, &d) && d.Cause != nil {
		text += ": " + d.Cause.Error()
	}
	return text
}

// refuse answers a request that did not reach its handler, or whose page failed.
func (s *Server) refuse(fc *fiber.Ctx, rt *Route, c *Call, err error) error {
	defer c.cancel()
	p := s.fail(c, err)
	if rt.Page {
		if p.Status == http.StatusUnauthorized && c.State != nil {
			next := ""
			if rt.Method == http.MethodGet {
				next = "?next=" + urlQueryEscape(fc.OriginalURL())
			}
			return fc.Redirect("/sign-in"+next, http.StatusSeeOther)
		}
		return s.errorPage(c, fc, p)
	}
	return p.write(fc)
}

// leave ends a request whose handler has answered, or whose input huma refused before the handler.
func (s *Server) leave(c *Call) {
	if c.replayed {
		c.fc.Set("Idempotency-Replayed", "true")
	}
	if !c.observed {
		s.observe(c, c.fc.Response().StatusCode())
	}
}

// observe counts the request and writes its line in the log.
func (s *Server) observe(c *Call, status int) {
	c.observed = true
	took := time.Since(c.start)
	realm := c.Realm.Name()
	if c.DB == nil {
		realm = "unknown"
	}
	s.metrics.request(realm, c.route, status, took)
	level := slog.LevelDebug
	if status >= 500 {
		level = slog.LevelWarn
	}
	if s.Log.Enabled(c.ctx, level) {
		s.Log.LogAttrs(c.ctx, level, "request", slog.String("request_id", c.Actor.RequestID), slog.String("realm", realm),
			slog.String("route", c.route.Method+" "+c.route.Path), slog.Int("status", status), slog.Duration("took", took), slog.String("actor", c.Actor.ID.String()))
	}
}

// recovered is the last fence: a panic becomes a 500 without a word of its text.
func (s *Server) recovered(fc *fiber.Ctx) (err error) {
	defer func() {
		if r := recover(); r != nil {
			s.Log.Error("panic", "value", r, "path", strings.Clone(fc.Path()), "stack", string(debug.Stack()))
			s.metrics.panics.Inc()
			err = newProblem(http.StatusInternalServerError, words.Say("api.something_went_wrong_on_our")).write(fc)
		}
	}()
	return fc.Next()
}

var goodRequestID = regexp.MustCompile(`^[A-Za-z0-9._-]{8,64}$`)

// requestID keeps the one that a trusted proxy gave, so that one request has one id in all logs.
func requestID(fc *fiber.Ctx, s *Server) string {
	if len(s.proxies) > 0 {
		if id := fc.Get("X-Request-Id"); id != "" && s.fromProxy(fc) && goodRequestID.MatchString(id) {
			return strings.Clone(id)
		}
	}
	var raw [12]byte
	rand.Read(raw[:])
	return hex.EncodeToString(raw[:])
}
