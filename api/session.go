package api

import (
	"context"
	"net/http"
	"time"

	"github.com/google/uuid"

	"lignum/domain/identity"
	"lignum/domain/people"
	"lignum/policy"
	"lignum/tenants"
	"lignum/tenants/limits"
)

// sessions is how people sign in and out, and what they may change of their own account.
func sessions(s *Server) {
	Direct(s, Route{Method: http.MethodPost, Path: "/api/v1/sign-in", Permission: policy.Public("nobody is signed in yet"), Quota: limits.SignIn, Tag: "Session",
		Summary: "Sign in with user name and password", Detail: "Unknown names, wrong passwords and wrong codes get the same answer. An account with a second factor gets 401 with the field `code`; send the same again with it."},
		func(ctx context.Context, c *Call, in *struct {
			Device string `header:"Device-Token" maxLength:"1024" doc:"The device_token of an earlier sign-in: failures are then counted apart from strangers'"`
			Body   struct {
				UserName string `json:"user_name" minLength:"1" maxLength:"256"`
				Password string `json:"password" minLength:"1" maxLength:"1024"`
				Code     string `json:"code,omitempty" maxLength:"64" doc:"Of the authenticator app, or a recovery code"`
			}
		}) (*TokenAnswer, error) {
			return tokenAnswer(c.SignIn(in.Body.UserName, in.Body.Password, in.Body.Code))
		})
	Direct(s, Route{Method: http.MethodPost, Path: "/api/v1/sign-in/card", Permission: policy.Public("nobody is signed in yet"), Quota: limits.SignIn, Tag: "Session",
		Summary: "Use a printed card or an invitation, once, and choose a password"},
		func(ctx context.Context, c *Call, in *struct {
			Body struct {
				Code     string `json:"code" minLength:"1" maxLength:"64"`
				Password string `json:"password" minLength:"1" maxLength:"1024" doc:"At least 15 characters"`
				OTP      string `json:"otp,omitempty" maxLength:"64" doc:"When the account has a second factor"`
			}
		}) (*TokenAnswer, error) {
			return tokenAnswer(c.RedeemCard(in.Body.Code, in.Body.Password, in.Body.OTP))
		})
	Direct(s, Route{Method: http.MethodPost, Path: "/api/v1/token/refresh", Permission: policy.Public("the refresh token says who asks"), Quota: limits.Write, Tag: "Session",
		Summary: "Exchange a refresh token for the next pair", Detail: "Each refresh token is good once. One that is used again much later ends the session: it was copied."},
		func(ctx context.Context, c *Call, in *struct {
			Body struct {
				RefreshToken string `json:"refresh_token" minLength:"1" maxLength:"512"`
			}
		}) (*TokenAnswer, error) {
			if err := c.Open(); err != nil {
				return nil, err
			}
			return tokenAnswer(c.refresh(in.Body.RefreshToken))
		})
	Command(s, Route{Method: http.MethodPost, Path: "/api/v1/sign-out", Permission: policy.SessionEnd, Tag: "Session", Summary: "End this session"},
		func(ctx context.Context, c *Call, tx *tenants.Tx, _ *struct{}) (*Done, error) {
			return &Done{true}, c.SignOut(tx)
		})
	Command(s, Route{Method: http.MethodPost, Path: "/api/v1/sign-out/everywhere", Permission: policy.SessionEnd, Tag: "Session", Summary: "End all sessions of one's own account"},
		func(ctx context.Context, c *Call, tx *tenants.Tx, _ *struct{}) (*Done, error) {
			return &Done{true}, c.SignOutEverywhere(tx)
		})
	Query(s, Route{Path: "/api/v1/me", Permission: policy.ProfileRead, Tag: "Session", Summary: "Who one is here, and what one's roles allow"},
		func(ctx context.Context, c *Call, _ *struct{}) (*Me, error) {
			if err := c.Permit(policy.Facts{Owner: true}); err != nil {
				return nil, err
			}
			return &Me{UserID: c.Claims.UserID, UserName: c.Claims.UserName, Roles: c.Claims.Roles, Realm: c.Realm.Name(),
				Permissions: c.State.enforcer.Permissions(c.Claims.Roles), SecondFactor: c.Claims.SecondFactor, MustChangePassword: c.Claims.MustChangePassword}, nil
		})
	Query(s, Route{Path: "/api/v1/me/sessions", Permission: policy.ProfileRead, Tag: "Session", Summary: "One's own open sessions"},
		func(ctx context.Context, c *Call, _ *struct{}) (*List[identity.Session], error) {
			own, err := c.OwnAccount()
			return &List[identity.Session]{Items: own.Sessions}, err
		})
	Direct(s, Route{Method: http.MethodPost, Path: "/api/v1/me/password", Permission: policy.ProfileChange, Quota: limits.SignIn, Tag: "Session", Summary: "Change one's own password"},
		func(ctx context.Context, c *Call, in *struct {
			Body struct {
				OldPassword string `json:"old_password" minLength:"1" maxLength:"1024"`
				Password    string `json:"password" minLength:"1" maxLength:"1024"`
			}
		}) (*Done, error) {
			return &Done{true}, c.ChangePassword(in.Body.OldPassword, in.Body.Password)
		})
	Direct(s, Route{Method: http.MethodPost, Path: "/api/v1/me/totp", Permission: policy.ProfileChange, Quota: limits.SignIn, Tag: "Session", ShownOnce: true,
		Summary: "Begin with an authenticator app", Detail: "It takes the password once more. A wrong one counts as a failed sign-in."},
		func(ctx context.Context, c *Call, in *struct {
			Body struct {
				Password string `json:"password" minLength:"1" maxLength:"1024"`
			}
		}) (*identity.TOTPSetup, error) {
			setup, err := c.BeginTOTP(in.Body.Password)
			return &setup, err
		})
	Command(s, Route{Method: http.MethodPost, Path: "/api/v1/me/totp/confirm", Permission: policy.ProfileChange, Quota: limits.SignIn, Tag: "Session", ShownOnce: true,
		Summary: "Confirm the authenticator app with a code; gives ten recovery codes, once", Detail: "The session counts as opened with the second factor from its next refresh on."},
		func(ctx context.Context, c *Call, tx *tenants.Tx, in *struct {
			Body struct {
				Code string `json:"code" minLength:"6" maxLength:"16"`
			}
		}) (*RecoveryCodes, error) {
			codes, err := c.ConfirmTOTP(tx, in.Body.Code)
			return &RecoveryCodes{codes}, err
		})
	Direct(s, Route{Method: http.MethodPost, Path: "/api/v1/me/totp/remove", Permission: policy.ProfileChange, Quota: limits.SignIn, Tag: "Session", Summary: "Take the authenticator app away"},
		func(ctx context.Context, c *Call, in *struct {
			Body struct {
				Code string `json:"code" minLength:"6" maxLength:"64"`
			}
		}) (*Done, error) {
			if err := c.Permit(policy.Facts{Owner: true}); err != nil {
				return nil, err
			}
			return &Done{true}, s.desk.DisableTOTP(ctx, c.DB, c.Claims.UserID, in.Body.Code, c.device(), c.Now)
		})
}

// Done answers a change that has nothing else to say.
type Done struct {
	Done bool `json:"done"`
}

// List is a page of things; Next is the cursor of the page after it, absent on the last.
type List[T any] struct {
	Items []T    `json:"items"`
	Next  string `json:"next,omitempty"`
}

// Me is the signed-in person.
type Me struct {
	UserID             uuid.UUID `json:"user_id"`
	UserName           string    `json:"user_name"`
	Roles              []string  `json:"roles"`
	Permissions        []string  `json:"permissions"`
	Realm              string    `json:"realm"`
	SecondFactor       bool      `json:"second_factor"`
	MustChangePassword bool      `json:"must_change_password"`
}

// RecoveryCodes are shown once.
type RecoveryCodes struct {
	Codes []string `json:"recovery_codes"`
}

// TokenAnswer is what an API client gets when it signs in (RFC 6749 section 5.1).
type TokenAnswer struct {
	AccessToken      string    `json:"access_token"`
	TokenType        string    `json:"token_type"`
	ExpiresIn        int       `json:"expires_in" doc:"Seconds"`
	RefreshToken     string    `json:"refresh_token,omitempty" doc:"Absent when the same refresh token was sent twice within seconds: the other answer has it"`
	RefreshExpiresAt time.Time `json:"refresh_expires_at"`
	DeviceToken      string    `json:"device_token,omitempty" doc:"After a sign-in. Keep it beyond the session and send it as the header Device-Token when the same person signs in again: strangers' failures then do not stop them. It opens nothing, and counts for 180 days"`
}

func tokenAnswer(t *identity.Tokens, err error) (*TokenAnswer, error) {
	if err != nil {
		return nil, err
	}
	return &TokenAnswer{AccessToken: t.Access, TokenType: "Bearer", ExpiresIn: int(identity.TokenLife / time.Second), RefreshToken: t.Refresh, RefreshExpiresAt: t.RefreshExpires, DeviceToken: t.Device}, nil
}

// SignIn opens a session on a public route. A browser page follows it with SetCookies.
func (c *Call) SignIn(userName, password, code string) (*identity.Tokens, error) {
	if err := c.Open(); err != nil {
		return nil, err
	}
	session, err := c.Server.desk.SignIn(c.ctx, c.DB, identity.SignIn{UserName: userName, Password: password, Code: code, Device: c.device(), Day: c.day()}, c.Now)
	if err != nil {
		c.unproven("sign-in", err)
		return nil, err
	}
	return c.State.keys.Issue(session, c.State.issuer, c.Now)
}

// RedeemCard uses a printed card or an invitation, sets the chosen password and opens a session.
func (c *Call) RedeemCard(code, password, otp string) (*identity.Tokens, error) {
	if err := c.Open(); err != nil {
		return nil, err
	}
	session, err := c.Server.desk.RedeemCard(c.ctx, c.DB, identity.RedeemCard{Code: code, Password: password, OTP: otp, Expected: c.expectedWords(), Device: c.device(), Day: c.day()}, c.Now)
	if err != nil {
		c.unproven("card", err)
		return nil, err
	}
	return c.State.keys.Issue(session, c.State.issuer, c.Now)
}

// ChangePassword replaces the signed-in person's own password; all their other sessions end.
func (c *Call) ChangePassword(old, password string) error {
	if err := c.Permit(policy.Facts{Owner: true}); err != nil {
		return err
	}
	return c.Server.desk.ChangePassword(c.ctx, c.DB, identity.PasswordChange{UserID: c.Claims.UserID, SessionID: c.Claims.SessionID, Old: old, New: password,
		Expected: c.expectedWords(), Device: c.device()}, c.Now)
}

// BeginTOTP begins with an authenticator app for the signed-in person, who types the password once more.
func (c *Call) BeginTOTP(password string) (identity.TOTPSetup, error) {
	if err := c.Permit(policy.Facts{Owner: true}); err != nil {
		return identity.TOTPSetup{}, err
	}
	return c.Server.desk.BeginTOTP(c.ctx, c.DB, identity.BeginTOTP{UserID: c.Claims.UserID, Password: password, Issuer: c.State.Branding.Name, Device: c.device()}, c.Now)
}

// ConfirmTOTP completes what BeginTOTP began, with a code of the app, and gives the recovery codes. The session that the request
// came with has proven the second factor from its next refresh on.
func (c *Call) ConfirmTOTP(tx *tenants.Tx, code string) ([]string, error) {
	if err := c.Permit(policy.Facts{Owner: true}); err != nil {
		return nil, err
	}
	return identity.ConfirmTOTP(c.ctx, tx, c.DB, c.Claims.UserID, c.Claims.SessionID, code, c.Now)
}

// OwnAccount is the signed-in person's own account, and where it is signed in.
type OwnAccount struct {
	User     people.User
	Sessions []identity.Session
}

// OwnAccount reads the signed-in person's own account.
func (c *Call) OwnAccount() (own OwnAccount, err error) {
	if err := c.Permit(policy.Facts{Owner: true}); err != nil {
		return own, err
	}
	err = c.DB.ReadFresh(c.ctx, func(r *tenants.Reader) (err error) {
		if own.User, err = people.UserByID(c.ctx, r, c.Claims.UserID); err != nil {
			return err
		}
		own.Sessions, err = identity.Sessions(c.ctx, r, c.Claims.UserID, c.Now)
		return err
	})
	return own, err
}

// Renew gives the signed-in person's browser new tokens, in which what has just changed about the session shows. When the
// database is too busy for it, the old ones stay good until they end.
func (c *Call) Renew() {
	if err := c.renew(c.fc.Cookies(c.Server.cookieNames().refresh)); err != nil {
		c.Server.log.WarnContext(c.ctx, "tokens could not be renewed", "err", causes(err), "request_id", c.Actor.RequestID)
	}
}

// expectedWords are what a password here must not be made of.
func (c *Call) expectedWords() []string {
	words := []string{"lignum", c.State.Branding.Name}
	if c.Tenant != nil {
		words = append(words, c.Tenant.Slug, c.Tenant.Name, c.Tenant.ExamScheme)
	}
	return words
}

// SetCookies signs a browser in.
func (c *Call) SetCookies(t *identity.Tokens) { c.Server.setCookies(c.fc, t) }

// ClearCookies signs a browser out.
func (c *Call) ClearCookies() { c.Server.clearCookies(c.fc) }

// SignOut ends the session that the request came with.
func (c *Call) SignOut(tx *tenants.Tx) error {
	if err := c.Permit(policy.Facts{Owner: true}); err != nil {
		return err
	}
	if err := identity.EndSession(c.ctx, tx, c.Claims.UserID, c.Claims.SessionID, c.Now); err != nil {
		return err
	}
	c.State.end(c.Claims.SessionID)
	return nil
}

// EndOwnSession ends another of the signed-in person's own sessions, on a device that they do not have at hand.
func (c *Call) EndOwnSession(tx *tenants.Tx, session uuid.UUID) error {
	if err := c.Permit(policy.Facts{Owner: true}); err != nil {
		return err
	}
	return identity.EndSession(c.ctx, tx, c.Claims.UserID, session, c.Now)
}

// SignOutEverywhere ends all sessions of the signed-in person.
func (c *Call) SignOutEverywhere(tx *tenants.Tx) error {
	if err := c.Permit(policy.Facts{Owner: true}); err != nil {
		return err
	}
	if err := identity.EndAllSessions(c.ctx, tx, c.Claims.UserID, "signed_out_everywhere", c.Now); err != nil {
		return err
	}
	c.State.endAll(c.Claims.UserID, c.Claims.SessionVersion+1)
	return nil
}

// Context is the request's, with its deadline.
func (c *Call) Context() context.Context { return c.ctx }

// May tells whether one of the actor's roles holds a permission, for showing or hiding what a page offers. It never
// replaces a route's own check.
func (c *Call) May(p policy.Permission) bool {
	return c.Claims != nil && c.State.enforcer.Allows(c.Claims.Roles, p)
}

// Could tells whether there may be something that the actor can do with a permission now: a role holds it, and neither the state
// of the tenant nor the person's own standing stops it. It is for what a page offers before it is known of which thing.
func (c *Call) Could(p policy.Permission) bool {
	if !c.May(p) {
		return false
	}
	d := c.foresee(p, policy.Facts{})
	return d.Allow || !d.Reason.Standing()
}

// Would tells whether the policy would say yes to this thing now: for what a page offers about it. It permits nothing.
func (c *Call) Would(p policy.Permission, facts policy.Facts) bool {
	return c.May(p) && c.foresee(p, facts).Allow
}

// Barred tells whether the person's own standing keeps them from all but their account: a second factor that they have not
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
	d, err := c.Server.rules.Decide(c.ctx, c.input(p, facts))
	if err != nil {
		return policy.Decision{}
	}
	return d
}

// Registry knows the tenants.
func (c *Call) Registry() *tenants.Registry { return c.Server.registry }

// Provisioner makes tenants; nil when this process may not, and before the policy was asked: what it writes is not the
// call's database.
func (c *Call) Provisioner() *tenants.Provisioner {
	if c.mayWrite() != nil {
		return nil
	}
	return c.Server.provisioner
}

// URL is where browsers find a tenant, or with "" the platform.
func (c *Call) URL(slug string) string { return c.Server.cfg.URL(c.Server.registry.Host(slug)) }
