package staff

import (
	"context"
	"time"

	"github.com/gofiber/fiber/v2"

	"lignum/api"
	calendarapi "lignum/api/calendar"
	"lignum/api/web"
	"lignum/domain/calendar"
	"lignum/policy"
	"lignum/tenants"
)

var (
	termAdded   = web.Notice("term-added", "staff.term_added")
	termChanged = web.Notice("term-changed", "staff.term_changed")
	termCrosses = web.Notice("term-crosses", "staff.term_crosses")
	termRemoved = web.Notice("term-removed", "staff.term_removed")
)

// staffTerms is the terms of a tenant: for all staff to see, and to change for those who keep the calendar.
func staffTerms(s *api.Server) {
	api.Page(s, api.Route{Path: "/terms", Permission: policy.CalendarRead, Summary: "The tenant's terms"}, showTerms)
	api.Page(s, api.Route{Path: "/terms/new", Permission: policy.CalendarChange, Summary: "Form of a new term"},
		func(_ context.Context, c *api.Call, fc *fiber.Ctx) error {
			if err := c.Permit(policy.Facts{}); err != nil {
				return err
			}
			return showTermForm(c, fc, nil, &web.Form{})
		})
	api.Form(s, api.Route{Path: "/terms", Permission: policy.CalendarChange, Summary: "Add a term"}, addTerm)
	api.Page(s, api.Route{Path: "/terms/{term}", Permission: policy.CalendarChange, Parts: []policy.Permission{policy.CalendarRead}, Summary: "Form of a term"}, editTerm)
	api.Form(s, api.Route{Path: "/terms/{term}", Permission: policy.CalendarChange, Parts: []policy.Permission{policy.CalendarRead}, Summary: "Change a term"}, changeTerm)
	api.Form(s, api.Route{Path: "/terms/{term}/remove", Permission: policy.CalendarChange, Parts: []policy.Permission{policy.CalendarRead}, Summary: "Remove a term"}, removeTerm)
}

type termsData struct {
	Terms        []calendar.Term
	Today        string
	All          bool // also those that are over
	MayChange    bool
	Newer, Older string
}

// Now reports whether a term goes on today.
func (d termsData) Now(t calendar.Term) bool { return t.StartsOn <= d.Today && d.Today <= t.EndsOn }

// Over reports whether a term is over.
func (d termsData) Over(t calendar.Term) bool { return t.EndsOn < d.Today }

func showTerms(ctx context.Context, c *api.Call, fc *fiber.Ctx) error {
	d := termsData{Today: c.Day().Format(time.DateOnly), All: fc.Query("show") == "all", MayChange: c.Could(policy.CalendarChange)}
	f := calendarapi.TermFilter{From: d.Today}
	if d.All {
		f.From = ""
	}
	list, err := calendarapi.ListTerms(ctx, c, f, api.Paging{Cursor: fc.Query("cursor")})
	if err != nil {
		return err
	}
	d.Terms, d.Newer, d.Older = list.Items, web.FirstPage(fc), web.NextPage(fc, list.Next)
	return pages.Render(c, fc, "staff_terms", web.Page{Title: c.Say("staff.terms"), Data: d})
}

func showTermForm(c *api.Call, fc *fiber.Ctx, is *calendarapi.Term, f *web.Form) error {
	title := c.Say("staff.new_term")
	if is != nil {
		title = is.Title
	}
	return pages.Render(c, fc, "staff_term_form", web.Page{Title: title, Form: f, Data: is})
}

func termFields(f *web.Form) calendarapi.TermInput {
	return calendarapi.TermInput{Title: f.Text("title"), StartsOn: f.Text("starts_on"), EndsOn: f.Text("ends_on")}
}

func addTerm(ctx context.Context, c *api.Call, tx *tenants.Tx, fc *fiber.Ctx) (string, error) {
	f := web.ReadForm(fc)
	f.Again(fc, func(f *web.Form) error {
		if err := c.Permit(policy.Facts{}); err != nil {
			return err
		}
		return showTermForm(c, fc, nil, f)
	})
	t, err := calendarapi.CreateTerm(ctx, c, tx, termFields(f))
	if err != nil {
		return "", err
	}
	tellOfTerm(c, fc, t, termAdded)
	return "/terms", nil
}

// tellOfTerm says on the next page what was done, or that the term's days cross another's.
func tellOfTerm(c *api.Call, fc *fiber.Ctx, t *calendarapi.Term, done string) {
	if len(t.Crosses) > 0 {
		done = termCrosses
	}
	web.Notify(c, fc, done)
}

func readTerm(ctx context.Context, c *api.Call, fc *fiber.Ctx) (*calendarapi.Term, error) {
	id, err := web.PathID(fc, "term")
	if err != nil {
		return nil, err
	}
	if err := c.Permit(policy.Facts{}); err != nil {
		return nil, err
	}
	reading, err := c.Under(policy.CalendarRead)
	if err != nil {
		return nil, err
	}
	return calendarapi.TermPage(ctx, reading, id)
}

func editTerm(ctx context.Context, c *api.Call, fc *fiber.Ctx) error {
	is, err := readTerm(ctx, c, fc)
	if err != nil {
		return err
	}
	return showTermForm(c, fc, is, (&web.Form{}).Set("title", is.Title).Set("starts_on", is.StartsOn).Set("ends_on", is.EndsOn).Set("version", is.Version))
}

// termAgain shows the form of a term again, with what was typed; of what could not be removed, with what is stored.
func termAgain(ctx context.Context, c *api.Call, fc *fiber.Ctx, f *web.Form, typed bool) {
	f.Again(fc, func(f *web.Form) error {
		is, err := readTerm(ctx, c, fc)
		if err != nil {
			return err
		}
		if !typed {
			f.Set("title", is.Title).Set("starts_on", is.StartsOn).Set("ends_on", is.EndsOn).Set("version", is.Version)
		}
		return showTermForm(c, fc, is, f)
	})
}

func changeTerm(ctx context.Context, c *api.Call, tx *tenants.Tx, fc *fiber.Ctx) (string, error) {
	id, err := web.PathID(fc, "term")
	if err != nil {
		return "", err
	}
	f := web.ReadForm(fc)
	termAgain(ctx, c, fc, f, true)
	t, err := calendarapi.ChangeTerm(ctx, c, tx, id, calendarapi.TermChange{TermInput: termFields(f), Version: f.Get("version")})
	if err != nil {
		return "", err
	}
	tellOfTerm(c, fc, t, termChanged)
	return "/terms", nil
}

func removeTerm(ctx context.Context, c *api.Call, tx *tenants.Tx, fc *fiber.Ctx) (string, error) {
	id, err := web.PathID(fc, "term")
	if err != nil {
		return "", err
	}
	termAgain(ctx, c, fc, &web.Form{}, false)
	if _, err := calendarapi.RemoveTerm(ctx, c, tx, id); err != nil {
		return "", err
	}
	web.Notify(c, fc, termRemoved)
	return "/terms", nil
}
