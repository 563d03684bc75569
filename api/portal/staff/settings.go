package staff

import (
	"context"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/gofiber/fiber/v2"

	"lignum/api"
	"lignum/api/settings"
	"lignum/api/web"
	"lignum/domain"
	"lignum/domain/words"
	"lignum/policy"
	"lignum/tenants"
	"lignum/tenants/limits"
)

var (
	settingsSaved = web.Notice("settings-saved", "staff.saved_everybody_sees_it_within")
	logoSaved     = web.Notice("logo-saved", "staff.the_logo_is_saved")
	logoRemoved   = web.Notice("logo-removed", "staff.the_logo_is_removed")
)

// staffSettings is what a tenant sees of itself, and decides for itself.
func staffSettings(s *api.Server) {
	api.Page(s, api.Route{Path: "/settings", Permission: policy.TenantRead, Summary: "The tenant's settings"},
		func(ctx context.Context, c *api.Call, fc *fiber.Ctx) error { return showSettings(ctx, c, fc, nil) })
	api.Form(s, api.Route{Path: "/settings", Permission: policy.TenantChange, Parts: []policy.Permission{policy.TenantRead}, Summary: "Change the tenant's settings"}, saveSettings)
	api.Page(s, api.Route{Method: http.MethodPost, Path: "/settings/logo", Permission: policy.TenantChange, Parts: []policy.Permission{policy.TenantRead}, Body: settings.LogoBody,
		Takes: []string{fiber.MIMEMultipartForm}, Summary: "Set the tenant's logo"}, saveLogo)
	api.Page(s, api.Route{Method: http.MethodPost, Path: "/settings/logo/remove", Permission: policy.TenantChange, Summary: "Remove the tenant's logo"}, removeLogo)
}

type settingsData struct {
	*settings.TenantSettings
	State    string
	Look     string           // of the tag that says the state
	Quotas   []map[string]any // for the partial "meter"
	Sections []section
}

// section is a heading of the form with its settings, those beside each other in one row: colours are, all others stand alone.
type section struct {
	Title string
	Rows  [][]asked
}

// asked is a setting as the form asks it.
type asked struct {
	web.Setting
	Label, Hint string
	Options     []web.Choice    // of a choice, or a set
	On          map[string]bool // of a set: what was chosen
	Says        string          // how letters will be on a colour
}

// sections orders all settings under their headings, each where the first of its settings is.
func sections(l words.Language, f *web.Form) (list []section) {
	for _, s := range web.Settings {
		a := asked{Setting: s, Label: s.Label(l), Hint: s.Hint(l), On: map[string]bool{}}
		switch s.Kind {
		case tenants.SetField:
			chosen := strings.Fields(f.Get(s.Name))
			for _, word := range chosen {
				a.On[word] = true
			}
			for _, word := range append(chosen, s.Choices...) { // in their order; the pseudo language only for who has it already
				there := slices.ContainsFunc(a.Options, func(o web.Choice) bool { return o.Value == word })
				if slices.Contains(s.Choices, word) && !there && (a.On[word] || word != string(words.Pseudo)) {
					a.Options = append(a.Options, web.Choice{Value: word, Text: s.Called(l, word)})
				}
			}
			if wrong := slices.ContainsFunc(f.Errors, func(e domain.Field) bool { return e.Name == s.Name }); len(a.Options) < 2 && !wrong {
				continue // there is nothing to choose
			}
		case tenants.ChoiceField:
			for _, word := range s.Choices {
				a.Options = append(a.Options, web.Choice{Value: word, Text: s.Called(l, word)})
			}
		case tenants.ColourField:
			a.Says = web.Readability(l, f.Get(s.Name), s.Name == "colour")
		case tenants.TextField, tenants.SwitchField, tenants.NumberField:
		}
		at := slices.IndexFunc(list, func(under section) bool { return under.Title == s.Heading(l) })
		if at < 0 {
			at, list = len(list), append(list, section{Title: s.Heading(l)})
		}
		rows := list[at].Rows
		if last := len(rows) - 1; last >= 0 && s.Kind == tenants.ColourField && rows[last][0].Kind == tenants.ColourField {
			rows[last] = append(rows[last], a)
		} else {
			list[at].Rows = append(rows, []asked{a})
		}
	}
	return list
}

// showSettings shows what is stored, or with f what somebody typed.
func showSettings(ctx context.Context, c *api.Call, fc *fiber.Ctx, f *web.Form) error {
	reading, err := c.Under(policy.TenantRead)
	if err != nil {
		return err
	}
	is, err := settings.ReadSettings(ctx, reading)
	if err != nil {
		return err
	}
	room, err := settings.Quotas(ctx, reading)
	if err != nil {
		return err
	}
	if f == nil {
		f = (&web.Form{}).Set("version", is.Branding.Version)
	}
	for _, s := range web.Settings {
		if !f.Has(s.Name) {
			f.Set(s.Name, s.Text(&is.Branding))
		}
	}
	d := settingsData{TenantSettings: is, State: string(is.State), Look: web.StateLook(is.State), Quotas: quotas(c, room.Items), Sections: sections(c.Language, f)}
	return pages.Render(c, fc, "staff_settings", web.Page{Title: c.Say("staff.settings"), Form: f, Data: d})
}

func saveSettings(ctx context.Context, c *api.Call, tx *tenants.Tx, fc *fiber.Ctx) (string, error) {
	f := web.ReadForm(fc)
	for _, s := range web.Settings { // a switch that is on comes after the "no" that every switch sends
		if sent := f.Values[s.Name]; len(sent) > 0 && s.Kind == tenants.SetField {
			f.Set(s.Name, strings.Join(sent, " "))
		} else if len(sent) > 0 {
			f.Set(s.Name, sent[len(sent)-1])
		}
	}
	f.Again(fc, func(f *web.Form) error { return showSettings(ctx, c, fc, f) })
	_, err := settings.ChangeBranding(ctx, c, tx, f.Get("version"), func(b *tenants.Branding) error {
		for _, s := range web.Settings { // what the form does not have stays as it is
			if f.Has(s.Name) {
				if err := s.Set(b, f.Get(s.Name)); err != nil {
					return err
				}
			}
		}
		return nil
	})
	if err != nil {
		return "", err
	}
	web.Notify(c, fc, settingsSaved)
	return "/settings", nil
}

func saveLogo(ctx context.Context, c *api.Call, fc *fiber.Ctx) error {
	(&web.Form{}).Again(fc, func(f *web.Form) error { return showSettings(ctx, c, fc, f) })
	if _, err := settings.SetLogo(ctx, c, func() (string, io.Reader, error) { return c.UploadedFile("file") }); err != nil {
		return err
	}
	web.Notify(c, fc, logoSaved)
	return fc.Redirect("/settings#logo", http.StatusSeeOther)
}

func removeLogo(ctx context.Context, c *api.Call, fc *fiber.Ctx) error {
	if _, err := settings.RemoveLogo(ctx, c); err != nil {
		return err
	}
	web.Notify(c, fc, logoRemoved)
	return fc.Redirect("/settings#logo", http.StatusSeeOther)
}

// quotas tells how much of each limit is used.
func quotas(c *api.Call, list []tenants.Quota) []map[string]any {
	var all []map[string]any
	for _, q := range list {
		text := func(n int64) string { return c.Language.Number(int(n)) }
		if q.Name == string(limits.Storage) {
			text = func(n int64) string { return inBytes(c, n) }
		}
		m := map[string]any{"label": c.Say("quota." + q.Name), "of": int(max(1, q.Limit))}
		switch {
		case q.Used == nil:
			m["text"] = c.Say("staff.at_most", "Limit", text(q.Limit))
		case *q.Used > q.Limit:
			m["counted"], m["done"], m["text"] = true, int(*q.Used), c.Say("staff.used_beyond_limit", "Used", text(*q.Used), "Limit", text(q.Limit))
		default:
			m["counted"], m["done"], m["text"] = true, int(*q.Used), c.Say("staff.used_of_limit_left", "Used", text(*q.Used), "Limit", text(q.Limit), "Left", text(*q.Left))
		}
		all = append(all, m)
	}
	return all
}

// inBytes returns bytes as people read them, in units of 2^30 or, where that is next to nothing, of 2^20; a byte is a tenth of those.
func inBytes(c *api.Call, n int64) string {
	if n > 0 && n < 1<<30 {
		return c.Say("staff.megabytes", "Count", strconv.FormatFloat(max(0.1, float64(n)/(1<<20)), 'f', 1, 64))
	}
	if n < 10<<30 {
		return c.Say("staff.gigabytes", "Count", strconv.FormatFloat(float64(n)/(1<<30), 'f', 1, 64))
	}
	return c.Say("staff.gigabytes", "Count", int(n>>30))
}
