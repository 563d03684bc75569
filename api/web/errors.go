package web

import (
	"embed"
	"net/http"
	"strings"

	"github.com/gofiber/fiber/v2"

	"lignum/api"
	"lignum/domain/words"
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
	return own.Render(c, fc, "error", Page{Title: heading.In(c.Language).String(), Data: said})
}

func errorTitle(p *api.Problem) words.Text {
	switch {
	case p.Status == http.StatusNotFound:
		return words.Say("page.we_cannot_find_that_page")
	case strings.HasSuffix(p.Type, ":read-only"):
		return words.Say("page.nothing_can_be_changed_just")
	case p.Status == http.StatusForbidden:
		return words.Say("page.this_is_not_open_to")
	case p.Status == http.StatusTooManyRequests:
		return words.Say("page.please_wait_a_moment")
	case p.Status == http.StatusConflict:
		return words.Say("page.cannot_be_done_heading")
	case p.Status == http.StatusServiceUnavailable:
		return words.Say("page.we_are_very_busy_just")
	case p.Status >= 500:
		return words.Say("page.sorry_something_went_wrong")
	}
	return words.Say("page.please_check_what_you_sent")
}
