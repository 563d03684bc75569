package account

import (
	"context"
	"net/http"
	"slices"
	"strings"

	"github.com/gofiber/fiber/v2"
	"github.com/google/uuid"

	"lignum/api"
	"lignum/api/account"
	mailapi "lignum/api/mail"
	"lignum/api/web"
	"lignum/domain/identity"
	"lignum/domain/insight"
	"lignum/domain/people"
	"lignum/domain/words"
	"lignum/policy"
	"lignum/tenants"
	"lignum/tenants/limits"
	"lignum/tenants/mail"
)

var (
	passwordChanged = web.Notice("password-changed", "account.your_password_is_changed_your")
	languageChosen  = web.Notice("language-chosen", "account.language_chosen")
	lettersChosen   = web.Notice("letters-chosen", "account.letters_chosen")
	sessionEnded    = web.Notice("session-ended", "account.that_device_is_signed_out")
)

// accountPages is a person's own account, in either realm.
func accountPages(s *api.Server) {
	api.Page(s, api.Route{Path: "/account", Permission: policy.ProfileRead, Summary: "One's account"}, showAccount)
	api.Form(s, api.Route{Path: "/account/language", Permission: policy.ProfileChange, Summary: "Choose one's language"}, chooseLanguage)
	api.Form(s, api.Route{Path: "/account/mail", Permission: policy.ProfileChange, Summary: "Choose which letters one gets"}, chooseLetters)
	api.Form(s, api.Route{Path: "/account/sessions/{session}/end", Permission: policy.SessionEnd, Summary: "End one of one's sessions"}, endSession)
	api.Page(s, api.Route{Path: "/account/password", Permission: policy.ProfileChange, Summary: "Change one's password"},
		func(_ context.Context, c *api.Call, fc *fiber.Ctx) error {
			if err := c.Permit(policy.Facts{Owner: true}); err != nil {
				return err
			}
			return showPassword(c, fc, &web.Form{})
		})
	api.Page(s, api.Route{Method: http.MethodPost, Path: "/account/password", Permission: policy.ProfileChange, Quota: limits.SignIn, Summary: "Change one's password"}, changePassword)
	api.Page(s, api.Route{Path: "/account/authenticator", Permission: policy.ProfileChange, Summary: "Form of an authenticator app"},
		func(_ context.Context, c *api.Call, fc *fiber.Ctx) error { return askForPassword(c, fc, &web.Form{}) })
	api.Page(s, api.Route{Method: http.MethodPost, Path: "/account/authenticator", Permission: policy.ProfileChange, Quota: limits.SignIn, Summary: "Set up an authenticator app"}, startAuthenticator)
	api.Page(s, api.Route{Method: http.MethodPost, Path: "/account/authenticator/confirm", Permission: policy.ProfileChange, Quota: limits.SignIn, Summary: "Confirm the authenticator app"}, confirmAuthenticator)
}

// device is a session as its owner knows it.
type device struct {
	identity.Session
	Name string
	This bool
}

type accountData struct {
	User      people.User
	Devices   []device
	Languages []web.Choice // that one can choose from; none: there is nothing to choose
	Chosen    string       // "": none was
	Wishes    *mail.Wishes // nil: who has no address gets no letters
	Official  bool         // is written the figures of the week
}

func showAccount(_ context.Context, c *api.Call, fc *fiber.Ctx) error {
	own, err := account.MyAccount(c)
	if err != nil {
		return err
	}
	d := accountData{User: own.User}
	if own.User.Locale != nil {
		d.Chosen = *own.User.Locale
	}
	if own.User.Email != nil {
		d.Wishes, d.Official = &own.Wishes, slices.Contains(c.State.Enforcer.Expand(c.Claims.Roles), insight.GetsWeek)
	}
	if spoken := c.Languages(); len(spoken) > 1 {
		d.Languages = []web.Choice{{Value: "", Text: c.Say("account.as_my_browser_asks")}}
		for _, l := range spoken {
			d.Languages = append(d.Languages, web.Choice{Value: string(l), Text: l.Name()})
		}
	}
	for _, one := range own.Sessions {
		d.Devices = append(d.Devices, device{one, deviceName(c.Language, one.UserAgent), one.ID == c.Claims.SessionID})
	}
	return pages.Render(c, fc, "account", web.Page{Title: c.Say("account.your_account"), Data: d})
}

// deviceName says in words which device a User-Agent header stands for.
func deviceName(l words.Language, agent string) string {
	pick := func(otherwise string, pairs ...string) string {
		for i := 0; i < len(pairs); i += 2 {
			if strings.Contains(agent, pairs[i]) {
				return pairs[i+1]
			}
		}
		return otherwise
	}
	browser := pick(l.Say("account.a_program"), "Edg", "Edge", "OPR/", "Opera", "SamsungBrowser", "Samsung Internet", "Firefox", "Firefox", "Chrome", "Chrome", "Safari", "Safari", "Mozilla", l.Say("account.a_browser"))
	system := pick("", "Android", "Android", "iPhone", "iPhone", "iPad", "iPad", "CrOS", "Chromebook", "Windows", "Windows", "Mac OS", "Mac", "Linux", "Linux")
	if system == "" {
		return browser
	}
	return l.Say("account.browser_on_system", "Browser", browser, "System", system)
}

func chooseLanguage(_ context.Context, c *api.Call, tx *tenants.Tx, fc *fiber.Ctx) (string, error) {
	f := web.ReadForm(fc)
	if err := account.ChooseLanguage(c, tx, f.Get("locale")); err != nil {
		return "", err
	}
	c.RenewNext()
	web.Notify(c, fc, languageChosen)
	return "/account", nil
}

func chooseLetters(ctx context.Context, c *api.Call, tx *tenants.Tx, fc *fiber.Ctx) (string, error) {
	f := web.ReadForm(fc)
	w := mail.Wishes{Digest: f.Get("digest") != "", Figures: f.Get("figures") != ""}
	if err := mailapi.Wish(ctx, c, tx, w); err != nil {
		return "", err
	}
	web.Notify(c, fc, lettersChosen)
	return "/account", nil
}

func endSession(_ context.Context, c *api.Call, tx *tenants.Tx, fc *fiber.Ctx) (string, error) {
	id, err := uuid.Parse(fc.Params("session"))
	if err != nil {
		return "", fiber.ErrNotFound
	}
	if id == c.Claims.SessionID {
		return leave(c, fc, signedOut, account.SignOut(c, tx))
	}
	if err := account.EndOwnSession(c, tx, id); err != nil {
		return "", err
	}
	web.Notify(c, fc, sessionEnded)
	return "/account", nil
}

func showPassword(c *api.Call, fc *fiber.Ctx, f *web.Form) error {
	return pages.Render(c, fc, "password", web.Page{Title: c.Say("account.choose_a_new_password"), Form: f, Plain: c.Claims.MustChangePassword, Data: c.Claims.MustChangePassword})
}

func changePassword(_ context.Context, c *api.Call, fc *fiber.Ctx) error {
	f := web.ReadForm(fc)
	if err := c.Permit(policy.Facts{Owner: true}); err != nil {
		return err
	}
	err := same(f)
	if err == nil {
		err = account.ChangePassword(c, f.Get("old_password"), f.Get("password"))
	}
	if err != nil {
		if !f.Fail(err) {
			return err
		}
		fc.Status(statusOf(err))
		return showPassword(c, fc, f)
	}
	web.Notify(c, fc, passwordChanged)
	return fc.Redirect("/account", http.StatusSeeOther)
}

// authenticatorData is the steps to an authenticator app: the password, the picture to scan, and the codes, shown once.
type authenticatorData struct {
	Asks     bool // for the password
	Has      bool // there is an app, but the session was opened without it
	Required bool // nothing else is open without an app
	Setup    *identity.TOTPSetup
	Codes    []string
}

func showAuthenticator(c *api.Call, fc *fiber.Ctx, f *web.Form, d authenticatorData) error {
	d.Required = c.State.Branding.StaffSecondFactor && !c.Claims.SecondFactor
	return pages.Render(c, fc, "authenticator", web.Page{Title: c.Say("account.authenticator_app"), Form: f, Plain: d.Required && c.Tenant == nil, Data: d})
}

func askForPassword(c *api.Call, fc *fiber.Ctx, f *web.Form) error {
	own, err := account.MyAccount(c)
	if err != nil {
		return err
	}
	return showAuthenticator(c, fc, f, authenticatorData{Asks: true, Has: own.User.SecondFactor})
}

func startAuthenticator(_ context.Context, c *api.Call, fc *fiber.Ctx) error {
	f := web.ReadForm(fc)
	setup, err := account.BeginTOTP(c, f.Get("password"))
	if err != nil {
		if !f.Fail(err) {
			return err
		}
		fc.Status(statusOf(err))
		return askForPassword(c, fc, f)
	}
	return showAuthenticator(c, fc, &web.Form{}, authenticatorData{Setup: &setup})
}

func confirmAuthenticator(ctx context.Context, c *api.Call, fc *fiber.Ctx) error {
	// Before the transaction, which the guard would not open for somebody who may not.
	if err := c.Permit(policy.Facts{Owner: true}); err != nil {
		return err
	}
	f := web.ReadForm(fc)
	var d authenticatorData
	err := c.DB.Write(ctx, c.Actor, func(tx *tenants.Tx) (err error) {
		d.Codes, err = account.ConfirmTOTP(c, tx, f.Text("code"))
		return err
	})
	if err != nil {
		if !f.Fail(err) {
			return err
		}
		fc.Status(statusOf(err))
	} else {
		c.Renew() // the session has proven the second factor now
	}
	return showAuthenticator(c, fc, f, d)
}
