// Package portal is the web pages of a tenant: signing in, the own account, what learners and guardians do, and the work of
// staff. Signing in and the account are there on the platform's host as well. Pages only show and collect: what they read and change
// is a use case of package api, which asks the policy. Layout, forms and static files are in api/web.
package portal

import (
	"context"
	"embed"
	"net/http"

	"github.com/gofiber/fiber/v2"

	"lignum/api"
	"lignum/api/web"
	"lignum/policy"
)

//go:embed pages kinds
var files embed.FS

var pages = web.Parse(files)

// Register puts all pages of this package on the server.
func Register(s *api.Server) {
	web.Register(s)
	for _, area := range areas {
		area(s)
	}
}

// areas are all pages. Of two that match an address the first is shown: /classes/manage stands before /classes/{class}.
var areas = []func(*api.Server){
	// who one is
	start, signingIn, accountPages, told, home,
	// staff
	staffLearners, staffRecords, staffClasses, staffPlacing, windowForms, staffPeople, resetPages, staffRoles, staffSchools, staffFigures, staffSettings, staffAudit,
	// learners, and the guardians of some
	classPages, lessonPages, attemptPages, triesPages, pointPages, childPages,
}

func start(s *api.Server) {
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
			return pages.Render(c, fc, "privacy", web.Page{Title: "What we keep about you", Data: c.State.Branding.LeaderboardBy})
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
