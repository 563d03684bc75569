package account

import (
	"context"
	"net/http"

	"github.com/gofiber/fiber/v2"

	"lignum/api"
	"lignum/api/web"
	"lignum/policy"
)

func startPages(s *api.Server) {
	api.Page(s, api.Route{Path: "/", Permission: policy.Public("leads on to signing in"), Summary: "Where to begin"},
		func(_ context.Context, c *api.Call, fc *fiber.Ctx) error {
			if err := c.Open(); err != nil {
				return err
			}
			return fc.Redirect(landing(c), http.StatusSeeOther)
		})
	api.Page(s, api.Route{Path: "/privacy", Permission: policy.Public("everybody may know what is kept"), Summary: "What is kept of people, in plain words"},
		func(_ context.Context, c *api.Call, fc *fiber.Ctx) error {
			if err := c.Open(); err != nil {
				return err
			}
			return pages.Render(c, fc, "privacy", web.Page{Title: c.Say("account.what_we_keep_about_you"), Data: c.State.Branding.LeaderboardBy})
		})
}

// landing is where somebody begins who asked for no page in particular.
func landing(c *api.Call) string {
	switch {
	case c.Claims == nil && c.Tenant == nil:
		return "/console" // which asks to sign in
	case c.Claims == nil:
		return "/sign-in"
	case c.Tenant == nil && !c.Claims.SecondFactor:
		return "/account/authenticator" // nothing else is open without one
	case c.Barred():
		return "/account" // where what is missing can be set up
	case c.Tenant == nil:
		return "/console"
	}
	return "/home"
}
