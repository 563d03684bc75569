package console

import (
	"context"
	"strings"
	"time"

	"github.com/gofiber/fiber/v2"

	"lignum/api"
	"lignum/api/platform"
	"lignum/api/web"
	"lignum/policy"
	"lignum/tenants"
	"lignum/tenants/provision"
)

type newData struct {
	Countries, Plans []web.Choice
	Base             string // of addresses
	MayProvision     bool   // this process can
}

// specFields are the fields of the form, as provision.Spec names them in its refusals.
var specFields = []string{"country", "name", "slug", "plan", "exam_scheme", "time_zone", "locale", "currency", "colour", "accent",
	"admin.given_name", "admin.family_name", "admin.user_name", "admin.email"}

// newTenant shows the form. Without a script its button beside the country asks for the same page again, with all that
// was typed, and gets what is usual in the country filled in.
func newTenant(_ context.Context, c *api.Call, fc *fiber.Ctx) error {
	if err := c.Permit(policy.Facts{}); err != nil {
		return err
	}
	f := &web.Form{}
	for _, name := range specFields {
		if v := fc.Query(name); v != "" {
			f.Set(name, v)
		}
	}
	if chosen, ok := countryByCode(f.Get("country")); ok {
		chosen.fill(f)
	}
	return showNew(c, fc, f)
}

func showNew(c *api.Call, fc *fiber.Ctx, f *web.Form) error {
	d := newData{Countries: append([]web.Choice{{Value: "", Text: c.Say("page.please_choose")}}, countryChoices(c.Language)...), Plans: planChoices(c.Language), MayProvision: c.Provisioner() != nil,
		Base: strings.TrimPrefix(c.Registry().Host("x"), "x.")}
	return pages.Render(c, fc, "new", web.Page{Title: c.Say("console.open_a_tenant"), Form: f, Data: d})
}

type madeData struct {
	Tenant     tenants.Tenant
	Admin      provision.Admin
	Invitation string
	Expires    time.Time
	Address    string
}

// openTenant shows the invitation as its own answer: it is stored nowhere.
func openTenant(ctx context.Context, c *api.Call, fc *fiber.Ctx) error {
	f := web.ReadForm(fc)
	f.Again(fc, func(f *web.Form) error { return showNew(c, fc, f) })
	spec := provision.Spec{Slug: strings.ToLower(f.Text("slug")), Name: f.Text("name"), Country: f.Text("country"), Plan: f.Get("plan"), TimeZone: f.Text("time_zone"), Locale: f.Text("locale"),
		Currency: f.Text("currency"), ExamScheme: f.Text("exam_scheme"), Colour: f.Text("colour"), Accent: f.Text("accent"),
		Admin: provision.Admin{UserName: f.Text("admin.user_name"), GivenName: f.Text("admin.given_name"), FamilyName: f.Text("admin.family_name"), Email: f.Text("admin.email")}}
	made, err := platform.ProvisionTenant(ctx, c, spec)
	if err != nil {
		return err
	}
	spec.Admin.UserName = strings.ToLower(spec.Admin.UserName)
	return pages.Render(c, fc, "made", web.Page{Title: c.Say("console.the_tenant_is_open"), Data: madeData{made.Tenant, spec.Admin, made.Invitation, made.Expires, c.URL(made.Tenant.Slug)}})
}
