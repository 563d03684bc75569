package account

import (
	"context"
	"net/http"
	"strings"

	"github.com/gofiber/fiber/v2"

	"lignum/api"
	"lignum/api/account"
	mailapi "lignum/api/mail"
	"lignum/api/web"
	"lignum/domain"
	"lignum/domain/identity"
	"lignum/domain/words"
	"lignum/policy"
	"lignum/tenants"
	"lignum/tenants/limits"
	"lignum/tenants/mail"
)

var (
	signedOut           = web.Notice("signed-out", "account.you_have_signed_out")
	signedOutEverywhere = web.Notice("signed-out-everywhere", "account.you_have_signed_out_on")
	welcome             = web.Notice("welcome", "account.welcome_your_password_is_set")
)

func signingIn(s *api.Server) {
	public := policy.Public("nobody is signed in yet")
	api.Page(s, api.Route{Path: "/sign-in", Permission: public, Summary: "Sign in"}, func(_ context.Context, c *api.Call, fc *fiber.Ctx) error {
		if err := c.Open(); err != nil {
			return err
		}
		next := web.LocalPath(fc.Query("next"))
		if c.Claims != nil {
			return fc.Redirect(orElse(next, landing(c)), http.StatusSeeOther)
		}
		return showSignIn(c, fc, (&web.Form{}).Set("next", next), false)
	})
	api.Page(s, api.Route{Method: http.MethodPost, Path: "/sign-in", Permission: public, Quota: limits.SignIn, Summary: "Sign in"}, signIn)
	api.Page(s, api.Route{Path: "/card", Permission: public, Summary: "Use a card or an invitation"}, func(_ context.Context, c *api.Call, fc *fiber.Ctx) error {
		if err := c.Open(); err != nil {
			return err
		}
		return showCard(c, fc, &web.Form{}, false)
	})
	api.Page(s, api.Route{Method: http.MethodPost, Path: "/card", Permission: public, Quota: limits.SignIn, Summary: "Use a card or an invitation"}, useCard)
	api.Page(s, api.Route{Path: "/forgotten", Permission: public, Summary: "Ask for a new password"}, func(_ context.Context, c *api.Call, fc *fiber.Ctx) error {
		if err := c.Open(); err != nil {
			return err
		}
		return showForgotten(c, fc, &web.Form{}, false)
	})
	api.Page(s, api.Route{Method: http.MethodPost, Path: "/forgotten", Permission: public, Quota: limits.SignIn, Summary: "Ask for a new password"}, forgot)
	api.Page(s, api.Route{Path: "/mail/stop", Permission: policy.Public("a letter's link says whose"), Summary: "Stop getting letters"}, func(_ context.Context, c *api.Call, fc *fiber.Ctx) error {
		if err := c.Open(); err != nil {
			return err
		}
		if _, _, err := mail.CheckStop(c.DB, fc.Query("topic"), fc.Query("user"), fc.Query("signature")); err != nil {
			return err
		}
		return showStop(c, fc, false)
	})
	// A mailbox's own button comes here too (RFC 8058), from its provider and without a page of ours: the link itself is the permission.
	api.Page(s, api.Route{Method: http.MethodPost, Path: "/mail/stop", Permission: policy.Public("a letter's link says whose"), Quota: limits.Write, Summary: "Stop getting letters"}, func(ctx context.Context, c *api.Call, fc *fiber.Ctx) error {
		if err := mailapi.Stop(ctx, c, fc.Query("topic"), fc.Query("user"), fc.Query("signature")); err != nil {
			return err
		}
		return showStop(c, fc, true)
	})
	api.Form(s, api.Route{Path: "/sign-out", Permission: policy.SessionEnd, Summary: "End this session"},
		func(_ context.Context, c *api.Call, tx *tenants.Tx, fc *fiber.Ctx) (string, error) {
			return leave(c, fc, signedOut, account.SignOut(c, tx))
		})
	api.Form(s, api.Route{Path: "/sign-out/everywhere", Permission: policy.SessionEnd, Summary: "End all sessions of one's account"},
		func(_ context.Context, c *api.Call, tx *tenants.Tx, fc *fiber.Ctx) (string, error) {
			return leave(c, fc, signedOutEverywhere, account.SignOutEverywhere(c, tx))
		})
}

func leave(c *api.Call, fc *fiber.Ctx, notice string, err error) (string, error) {
	if err != nil {
		return "", err
	}
	c.ClearCookies()
	web.Notify(c, fc, notice)
	return "/sign-in", nil
}

func orElse(path, otherwise string) string {
	if path == "" {
		return otherwise
	}
	return path
}

func showSignIn(c *api.Call, fc *fiber.Ctx, f *web.Form, code bool) error {
	return pages.Render(c, fc, "signin", web.Page{Title: c.Say("account.sign_in"), Plain: true, Form: f, Data: code})
}

// signIn shows the form again when it fails, with everything but the password. The status says that nobody was let in.
func signIn(_ context.Context, c *api.Call, fc *fiber.Ctx) error {
	f := web.ReadForm(fc)
	f.Set("next", web.LocalPath(f.Get("next")))
	if err := c.FromOwnPage(); err != nil {
		return err
	}
	tokens, err := account.SignIn(c, f.Text("user_name"), f.Get("password"), f.Text("code"))
	if err != nil {
		asked := identity.NeedsCode(err)
		if !f.Fail(err) {
			return err
		}
		if asked {
			f.Errors, f.Message = nil, words.Say("account.your_password_is_right_please")
		}
		fc.Status(statusOf(err))
		return showSignIn(c, fc, f, asked || f.Values.Has("code"))
	}
	c.SetCookies(tokens)
	return fc.Redirect(orElse(f.Get("next"), "/"), http.StatusSeeOther) // and from there to an authenticator app where one is needed
}

func statusOf(err error) int {
	switch domain.CodeOf(err) {
	case domain.OverQuota:
		return http.StatusTooManyRequests
	case domain.Unavailable:
		return http.StatusServiceUnavailable
	case domain.Invalid:
		return http.StatusUnprocessableEntity
	case domain.Forbidden, domain.Unauthentic:
		return http.StatusForbidden // 401 would need a WWW-Authenticate that browsers ask about
	default:
		return http.StatusConflict
	}
}

func showCard(c *api.Call, fc *fiber.Ctx, f *web.Form, code bool) error {
	return pages.Render(c, fc, "card", web.Page{Title: c.Say("account.use_your_card"), Plain: true, Form: f, Data: code})
}

func useCard(_ context.Context, c *api.Call, fc *fiber.Ctx) error {
	f := web.ReadForm(fc)
	if err := c.FromOwnPage(); err != nil {
		return err
	}
	if err := c.Open(); err != nil {
		return err
	}
	err := same(f)
	if err == nil {
		var tokens *identity.Tokens
		if tokens, err = account.RedeemCard(c, f.Text("code"), f.Get("password"), f.Text("otp")); err == nil {
			c.SetCookies(tokens)
			web.Notify(c, fc, welcome)
			return fc.Redirect("/", http.StatusSeeOther)
		}
	}
	asked := identity.NeedsCode(err)
	if !f.Fail(err) {
		return err
	}
	if asked {
		f.Errors, f.Message = nil, words.Say("account.please_type_the_password_again")
	}
	fc.Status(statusOf(err))
	return showCard(c, fc, f, asked || f.Values.Has("otp"))
}

func showForgotten(c *api.Call, fc *fiber.Ctx, f *web.Form, asked bool) error {
	return pages.Render(c, fc, "forgotten", web.Page{Title: c.Say("account.forgotten"), Plain: true, Form: f, Data: asked})
}

func forgot(_ context.Context, c *api.Call, fc *fiber.Ctx) error {
	f := web.ReadForm(fc)
	if err := c.FromOwnPage(); err != nil {
		return err
	}
	if err := account.Forgot(c, f.Text("user_name")); err != nil {
		if !f.Fail(err) {
			return err
		}
		fc.Status(statusOf(err))
		return showForgotten(c, fc, f, false)
	}
	return showForgotten(c, fc, f, true)
}

// stopData is about which letters one gets no more of, or is asked whether.
type stopData struct{ Topic, Action string }

func showStop(c *api.Call, fc *fiber.Ctx, stopped bool) error {
	d := stopData{Topic: strings.Clone(fc.Query("topic"))}
	if !stopped {
		d.Action = fc.OriginalURL()
	}
	return pages.Render(c, fc, "stop", web.Page{Title: c.Say("account.letters"), Plain: true, Data: d})
}

// same refuses a new password that was typed in two ways.
func same(f *web.Form) error {
	if f.Get("password") != f.Get("again") {
		return domain.InvalidField("again", "account.is_not_the_same_as")
	}
	return nil
}
