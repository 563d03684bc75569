// Package account is what people do about their own accounts: they sign in and out, choose passwords and second factors, and see where they are
// signed in. What staff do with accounts is in api/people.
package account

import (
	"context"
	"net/http"
	"slices"
	"time"

	"github.com/google/uuid"

	"lignum/api"
	"lignum/domain"
	"lignum/domain/identity"
	"lignum/domain/people"
	"lignum/domain/words"
	"lignum/policy"
	"lignum/tenants"
	"lignum/tenants/limits"
	"lignum/tenants/mail"
)

// Routes declares the routes of this area.
func Routes(s *api.Server) {
	api.Direct(s, api.Route{Method: http.MethodPost, Path: "/api/v1/sign-in", Permission: policy.Public("nobody is signed in yet"), Quota: limits.SignIn, Tag: "Session",
		Summary: "Sign in with user name and password", Detail: "Unknown user names, wrong passwords and wrong codes get the same answer. For an account with a second factor the answer is 401 and names the field `code`: send the request again with the code."},
		func(ctx context.Context, c *api.Call, in *struct {
			Device string `header:"Device-Token" maxLength:"1024" doc:"The device_token of an earlier sign-in: failed sign-ins are then counted apart from those of strangers"`
			Body   struct {
				UserName string `json:"user_name" minLength:"1" maxLength:"256" doc:"The name to sign in with"`
				Password string `json:"password" minLength:"1" maxLength:"1024" doc:"The password"`
				Code     string `json:"code,omitempty" maxLength:"64" doc:"The code of the authenticator app, or a recovery code"`
			}
		}) (*TokenAnswer, error) {
			return tokenAnswer(SignIn(c, in.Body.UserName, in.Body.Password, in.Body.Code))
		})
	api.Direct(s, api.Route{Method: http.MethodPost, Path: "/api/v1/sign-in/card", Permission: policy.Public("nobody is signed in yet"), Quota: limits.SignIn, Tag: "Session",
		Summary: "Choose a password with a printed card or an invitation, which works once"},
		func(ctx context.Context, c *api.Call, in *struct {
			Body struct {
				Code     string `json:"code" minLength:"1" maxLength:"64" doc:"The code of the card or the invitation"`
				Password string `json:"password" minLength:"1" maxLength:"1024" doc:"The new password, of at least 15 characters"`
				OTP      string `json:"otp,omitempty" maxLength:"64" doc:"The code of the authenticator app, when the account has a second factor"`
			}
		}) (*TokenAnswer, error) {
			return tokenAnswer(RedeemCard(c, in.Body.Code, in.Body.Password, in.Body.OTP))
		})
	api.Direct(s, api.Route{Method: http.MethodPost, Path: "/api/v1/sign-in/forgotten", Permission: policy.Public("nobody is signed in yet"), Quota: limits.SignIn, Tag: "Session",
		Summary: "Ask for a code by e-mail for choosing a new password", Detail: "The answer is the same whether or not there is such an account, and whether an e-mail was sent: it is, to staff who have an address. The code is good for an hour, in place of a card's. Learners ask their school for a card."},
		func(ctx context.Context, c *api.Call, in *struct {
			Body struct {
				UserName string `json:"user_name" minLength:"1" maxLength:"256" doc:"The name to sign in with"`
			}
		}) (*api.Done, error) {
			return &api.Done{Done: true}, Forgot(c, in.Body.UserName)
		})
	api.Direct(s, api.Route{Method: http.MethodPost, Path: "/api/v1/token/refresh", Permission: policy.Public("the refresh token says who asks"), Quota: limits.Write, Tag: "Session",
		Summary: "Exchange a refresh token for a new pair of tokens", Detail: "Each refresh token works once. One that is used again much later must have been copied, and ends the session."},
		func(ctx context.Context, c *api.Call, in *struct {
			Body struct {
				RefreshToken string `json:"refresh_token" minLength:"1" maxLength:"512" doc:"The refresh token of the last answer"`
			}
		}) (*TokenAnswer, error) {
			if err := c.Open(); err != nil {
				return nil, err
			}
			return tokenAnswer(c.Refresh(in.Body.RefreshToken))
		})
	api.Command(s, api.Route{Method: http.MethodPost, Path: "/api/v1/sign-out", Permission: policy.SessionEnd, Tag: "Session", Summary: "End this session"},
		func(ctx context.Context, c *api.Call, tx *tenants.Tx, _ *struct{}) (*api.Done, error) {
			return &api.Done{Done: true}, SignOut(c, tx)
		})
	api.Command(s, api.Route{Method: http.MethodPost, Path: "/api/v1/sign-out/everywhere", Permission: policy.SessionEnd, Tag: "Session", Summary: "End all sessions of your account"},
		func(ctx context.Context, c *api.Call, tx *tenants.Tx, _ *struct{}) (*api.Done, error) {
			return &api.Done{Done: true}, SignOutEverywhere(c, tx)
		})
	api.Query(s, api.Route{Path: "/api/v1/me", Permission: policy.ProfileRead, Tag: "Session", Summary: "Show your account, your roles and what they allow"},
		func(ctx context.Context, c *api.Call, _ *struct{}) (*Me, error) {
			if err := c.Permit(policy.Facts{Owner: true}); err != nil {
				return nil, err
			}
			return &Me{UserID: c.Claims.UserID, UserName: c.Claims.UserName, Roles: c.Claims.Roles, Realm: c.Realm.Name(),
				Permissions: c.State.Enforcer.Permissions(c.Claims.Roles), SecondFactor: c.Claims.SecondFactor, MustChangePassword: c.Claims.MustChangePassword}, nil
		})
	api.Command(s, api.Route{Method: http.MethodPut, Path: "/api/v1/me/language", Permission: policy.ProfileChange, Tag: "Session", Summary: "Choose your language",
		Detail: "It must be one of the tenant's languages. With an empty value the header Accept-Language and then the tenant decide. The choice takes effect with the session's next refresh."},
		func(ctx context.Context, c *api.Call, tx *tenants.Tx, in *struct {
			Body struct {
				Locale string `json:"locale" maxLength:"16" doc:"The language as a tag of BCP 47, such as en; empty to choose none"`
			}
		}) (*api.Done, error) {
			return &api.Done{Done: true}, ChooseLanguage(c, tx, in.Body.Locale)
		})
	api.Query(s, api.Route{Path: "/api/v1/me/sessions", Permission: policy.ProfileRead, Tag: "Session", Summary: "List your open sessions"},
		func(ctx context.Context, c *api.Call, _ *struct{}) (*api.List[identity.Session], error) {
			own, err := MyAccount(c)
			return &api.List[identity.Session]{Items: own.Sessions}, err
		})
	api.Direct(s, api.Route{Method: http.MethodPost, Path: "/api/v1/me/password", Permission: policy.ProfileChange, Quota: limits.SignIn, Tag: "Session", Summary: "Change your password"},
		func(ctx context.Context, c *api.Call, in *struct {
			Body struct {
				OldPassword string `json:"old_password" minLength:"1" maxLength:"1024" doc:"The password until now"`
				Password    string `json:"password" minLength:"1" maxLength:"1024" doc:"The new password, of at least 15 characters"`
			}
		}) (*api.Done, error) {
			return &api.Done{Done: true}, ChangePassword(c, in.Body.OldPassword, in.Body.Password)
		})
	api.Direct(s, api.Route{Method: http.MethodPost, Path: "/api/v1/me/totp", Permission: policy.ProfileChange, Quota: limits.SignIn, Tag: "Session", ShownOnce: true,
		Summary: "Set up an authenticator app", Detail: "Your password is asked once more. A wrong one counts as a failed sign-in."},
		func(ctx context.Context, c *api.Call, in *struct {
			Body struct {
				Password string `json:"password" minLength:"1" maxLength:"1024" doc:"Your password"`
			}
		}) (*identity.TOTPSetup, error) {
			setup, err := BeginTOTP(c, in.Body.Password)
			return &setup, err
		})
	api.Command(s, api.Route{Method: http.MethodPost, Path: "/api/v1/me/totp/confirm", Permission: policy.ProfileChange, Quota: limits.SignIn, Tag: "Session", ShownOnce: true,
		Summary: "Confirm the authenticator app with a code, and get ten recovery codes, shown once", Detail: "From its next refresh the session counts as signed in with a second factor."},
		func(ctx context.Context, c *api.Call, tx *tenants.Tx, in *struct {
			Body struct {
				Code string `json:"code" minLength:"6" maxLength:"16" doc:"The code that the app shows"`
			}
		}) (*RecoveryCodes, error) {
			codes, err := ConfirmTOTP(c, tx, in.Body.Code)
			return &RecoveryCodes{codes}, err
		})
	api.Direct(s, api.Route{Method: http.MethodPost, Path: "/api/v1/me/totp/remove", Permission: policy.ProfileChange, Quota: limits.SignIn, Tag: "Session", Summary: "Remove your authenticator app"},
		func(ctx context.Context, c *api.Call, in *struct {
			Body struct {
				Code string `json:"code" minLength:"6" maxLength:"64" doc:"The code that the app shows, or a recovery code"`
			}
		}) (*api.Done, error) {
			if err := c.Permit(policy.Facts{Owner: true}); err != nil {
				return nil, err
			}
			return &api.Done{Done: true}, s.Desk.DisableTOTP(ctx, c.DB, c.Claims.UserID, in.Body.Code, c.Device(), c.Now)
		})
}

// Me is the signed-in person.
type Me struct {
	UserID             uuid.UUID `json:"user_id"`
	UserName           string    `json:"user_name" doc:"The name to sign in with"`
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
	ExpiresIn        int       `json:"expires_in" doc:"How long the access token is valid, in seconds"`
	RefreshToken     string    `json:"refresh_token,omitempty" doc:"Missing when the same refresh token was sent twice within seconds: the other answer has it"`
	RefreshExpiresAt time.Time `json:"refresh_expires_at"`
	DeviceToken      string    `json:"device_token,omitempty" doc:"Given after a sign-in. Keep it beyond the session and send it as the header Device-Token when the same person signs in again: failed sign-ins of strangers then do not lock them out. It gives access to nothing, and is valid for 180 days"`
}

func tokenAnswer(t *identity.Tokens, err error) (*TokenAnswer, error) {
	if err != nil {
		return nil, err
	}
	return &TokenAnswer{AccessToken: t.Access, TokenType: "Bearer", ExpiresIn: int(identity.TokenLife / time.Second), RefreshToken: t.Refresh, RefreshExpiresAt: t.RefreshExpires, DeviceToken: t.Device}, nil
}

// SignIn opens a session on a public route. A browser page follows it with SetCookies.
func SignIn(c *api.Call, userName, password, code string) (*identity.Tokens, error) {
	if err := c.Open(); err != nil {
		return nil, err
	}
	session, err := c.Server.Desk.SignIn(c.Context(), c.DB, identity.SignIn{UserName: userName, Password: password, Code: code, Device: c.Device(), Day: c.Day()}, c.Now)
	if err != nil {
		c.Unproven("sign-in", err)
		return nil, err
	}
	return c.State.Keys.Issue(session, c.State.Issuer, c.Now)
}

// RedeemCard uses a printed card or an invitation, sets the chosen password and opens a session.
func RedeemCard(c *api.Call, code, password, otp string) (*identity.Tokens, error) {
	if err := c.Open(); err != nil {
		return nil, err
	}
	session, err := c.Server.Desk.RedeemCard(c.Context(), c.DB, identity.RedeemCard{Code: code, Password: password, OTP: otp, Expected: expectedWords(c), Device: c.Device(), Day: c.Day()}, c.Now)
	if err != nil {
		c.Unproven("card", err)
		return nil, err
	}
	return c.State.Keys.Issue(session, c.State.Issuer, c.Now)
}

// Forgot writes to somebody who forgot their password, if they can be written to; nobody learns whether it did.
func Forgot(c *api.Call, userName string) error {
	if err := c.Open(); err != nil {
		return err
	}
	err := c.Server.Desk.Forgot(c.Context(), c.DB, userName, c.Device(), c.Now)
	if err != nil {
		c.Unproven("forgotten", err)
	}
	return err
}

// ChangePassword replaces the signed-in person's own password; all their other sessions end.
func ChangePassword(c *api.Call, old, password string) error {
	if err := c.Permit(policy.Facts{Owner: true}); err != nil {
		return err
	}
	return c.Server.Desk.ChangePassword(c.Context(), c.DB, identity.PasswordChange{UserID: c.Claims.UserID, SessionID: c.Claims.SessionID, Old: old, New: password,
		Expected: expectedWords(c), Device: c.Device()}, c.Now)
}

// BeginTOTP begins with an authenticator app for the signed-in person, who types the password once more.
func BeginTOTP(c *api.Call, password string) (identity.TOTPSetup, error) {
	if err := c.Permit(policy.Facts{Owner: true}); err != nil {
		return identity.TOTPSetup{}, err
	}
	return c.Server.Desk.BeginTOTP(c.Context(), c.DB, identity.BeginTOTP{UserID: c.Claims.UserID, Password: password, Issuer: c.State.Branding.Name, Device: c.Device()}, c.Now)
}

// ConfirmTOTP completes what BeginTOTP began, with a code of the app, and gives the recovery codes. The session that the request
// came with has proven the second factor from its next refresh on.
func ConfirmTOTP(c *api.Call, tx *tenants.Tx, code string) ([]string, error) {
	if err := c.Permit(policy.Facts{Owner: true}); err != nil {
		return nil, err
	}
	return identity.ConfirmTOTP(c.Context(), tx, c.DB, c.Claims.UserID, c.Claims.SessionID, code, c.Now)
}

// OwnAccount is the signed-in person's own account, and where it is signed in.
type OwnAccount struct {
	User     people.User
	Sessions []identity.Session
	Wishes   mail.Wishes
}

// MyAccount returns the signed-in person's own account.
func MyAccount(c *api.Call) (own OwnAccount, err error) {
	if err := c.Permit(policy.Facts{Owner: true}); err != nil {
		return own, err
	}
	err = c.DB.ReadFresh(c.Context(), func(r *tenants.Reader) (err error) {
		if own.User, err = people.UserByID(c.Context(), r, c.Claims.UserID); err != nil {
			return err
		}
		if own.Wishes, err = mail.WishesOf(c.Context(), r, c.Claims.UserID); err != nil {
			return err
		}
		own.Sessions, err = identity.Sessions(c.Context(), r, c.Claims.UserID, c.Now)
		return err
	})
	return own, err
}

// expectedWords are what a password here must not be made of.
func expectedWords(c *api.Call) []string {
	words := []string{"lignum", c.State.Branding.Name}
	if c.Tenant != nil {
		words = append(words, c.Tenant.Slug, c.Tenant.Name, c.Tenant.ExamScheme)
	}
	return words
}

// ChooseLanguage settles in which of the tenant's languages the signed-in person is spoken with; "": whatever their browser and the tenant say.
func ChooseLanguage(c *api.Call, tx *tenants.Tx, locale string) error {
	if err := c.Permit(policy.Facts{Owner: true}); err != nil {
		return err
	}
	if locale != "" && !slices.Contains(c.Languages(), words.Language(locale)) {
		return domain.InvalidField("body.locale", "account.is_no_language_of_this_place")
	}
	return people.ChooseLanguage(c.Context(), tx, c.Claims.UserID, locale, c.Now)
}

// SignOut ends the session that the request came with.
func SignOut(c *api.Call, tx *tenants.Tx) error {
	if err := c.Permit(policy.Facts{Owner: true}); err != nil {
		return err
	}
	if err := identity.EndSession(c.Context(), tx, c.Claims.UserID, c.Claims.SessionID, c.Now); err != nil {
		return err
	}
	c.State.End(c.Claims.SessionID)
	return nil
}

// EndOwnSession ends another of the signed-in person's own sessions, on a device that they do not have at hand.
func EndOwnSession(c *api.Call, tx *tenants.Tx, session uuid.UUID) error {
	if err := c.Permit(policy.Facts{Owner: true}); err != nil {
		return err
	}
	return identity.EndSession(c.Context(), tx, c.Claims.UserID, session, c.Now)
}

// SignOutEverywhere ends all sessions of the signed-in person.
func SignOutEverywhere(c *api.Call, tx *tenants.Tx) error {
	if err := c.Permit(policy.Facts{Owner: true}); err != nil {
		return err
	}
	if err := identity.EndAllSessions(c.Context(), tx, c.Claims.UserID, "signed_out_everywhere", c.Now); err != nil {
		return err
	}
	c.State.EndAll(c.Claims.UserID, c.Claims.SessionVersion+1)
	return nil
}
