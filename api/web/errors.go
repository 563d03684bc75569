package web

import (
	"embed"
	"net/http"
	"strings"

	"github.com/gofiber/fiber/v2"

	"lignum/api"
)

//go:embed pages
var ownFiles embed.FS

var own = Parse(ownFiles)

// errorPage shows a problem to a person. A form that said how is shown again instead, with what was typed.
func errorPage(c *api.Call, fc *fiber.Ctx, p *api.Problem) error {
	if strings.HasSuffix(p.Type, ":password_change_needed") {
		return fc.Redirect("/account/password", http.StatusSeeOther)
	}
	if strings.HasSuffix(p.Type, ":second_factor_needed") {
		return fc.Redirect("/account/authenticator", http.StatusSeeOther)
	}
	if show, ok := fc.Locals(againKey{}).(func(*api.Problem) error); ok && p.Status < 500 {
		fc.Locals(againKey{}, nil) // asked again, this shows the plain page
		return show(p)
	}
	heading, said := plain(p, fc.Method() == fiber.MethodGet)
	return own.Render(c, fc, "error", Page{Title: heading, Data: said})
}

func errorTitle(p *api.Problem) string {
	switch {
	case p.Status == http.StatusNotFound:
		return "We cannot find that page"
	case strings.HasSuffix(p.Type, ":read-only"):
		return "Nothing can be changed just now"
	case p.Status == http.StatusForbidden:
		return "This is not open to you"
	case p.Status == http.StatusTooManyRequests:
		return "Please wait a moment"
	case p.Status == http.StatusConflict:
		return "This cannot be done now"
	case p.Status == http.StatusServiceUnavailable:
		return "We are very busy just now"
	case p.Status >= 500:
		return "Sorry, something went wrong"
	}
	return "Please check what you sent"
}
