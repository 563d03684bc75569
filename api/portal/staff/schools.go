package staff

import (
	"context"
	"slices"

	"github.com/gofiber/fiber/v2"

	"lignum/api"
	peopleapi "lignum/api/people"
	"lignum/api/web"
	"lignum/domain/people"
	"lignum/policy"
	"lignum/tenants"
)

var (
	schoolAdded   = web.Notice("school-added", "staff.the_school_is_added")
	schoolChanged = web.Notice("school-changed", "staff.the_school_is_changed")
)

// staffSchools is the schools of a tenant, for those who keep their list.
func staffSchools(s *api.Server) {
	api.Page(s, api.Route{Path: "/schools", Permission: policy.ClassRead, Summary: "The tenant's schools"}, showSchools)
	api.Page(s, api.Route{Path: "/schools/new", Permission: policy.SchoolChange, Summary: "Form of a new school"},
		func(_ context.Context, c *api.Call, fc *fiber.Ctx) error {
			if err := c.Permit(policy.Facts{}); err != nil {
				return err
			}
			return showSchoolForm(c, fc, "", (&web.Form{}).Set("kind", "secondary"))
		})
	api.Form(s, api.Route{Path: "/schools", Permission: policy.SchoolChange, Summary: "Add a school"}, addSchool)
	api.Page(s, api.Route{Path: "/schools/{school}", Permission: policy.SchoolChange, Parts: []policy.Permission{policy.ClassRead}, Summary: "Form of a school"}, editSchool)
	api.Form(s, api.Route{Path: "/schools/{school}", Permission: policy.SchoolChange, Summary: "Correct a school"}, changeSchool)
}

type schoolsData struct {
	Regions      []web.Choice
	Schools      []people.School
	Filtered     bool
	MayChange    bool
	Newer, Older string
}

func showSchools(ctx context.Context, c *api.Call, fc *fiber.Ctx) error {
	f := web.Asked(fc, "q", "region")
	list, err := peopleapi.ListSchools(ctx, c, peopleapi.SchoolFilter{Query: f.Text("q"), Region: f.Get("region")}, api.Paging{Cursor: fc.Query("cursor")})
	if err != nil {
		return err
	}
	d := schoolsData{Schools: list.Items, Filtered: len(f.Values) > 0, MayChange: c.Could(policy.SchoolChange), Newer: web.FirstPage(fc), Older: web.NextPage(fc, list.Next)}
	if d.Regions, err = regionChoices(ctx, c); err != nil {
		return err
	}
	return pages.Render(c, fc, "staff_schools", web.Page{Title: c.Say("staff.schools"), Form: f, Data: d})
}

// regionChoices offers the regions that have schools.
func regionChoices(ctx context.Context, c *api.Call) ([]web.Choice, error) {
	choices := []web.Choice{{Value: "", Text: c.Say("staff.every_region")}}
	regions, err := peopleapi.Regions(ctx, c)
	for _, r := range regions {
		choices = append(choices, web.Choice{Value: r, Text: r})
	}
	return choices, err
}

// schoolForm is the form of a new school (ID "") or of one that is there.
type schoolForm struct {
	ID            string
	Kinds, States []web.Choice
}

func showSchoolForm(c *api.Call, fc *fiber.Ctx, id string, f *web.Form) error {
	d := schoolForm{ID: id, States: []web.Choice{{Value: string(people.SchoolActive), Text: c.Say("page.state_open")}, {Value: string(people.SchoolClosed), Text: c.Say("staff.closed")}}}
	kinds := slices.Clone(people.SchoolKinds)
	if is := f.Get("kind"); is != "" && !slices.Contains(kinds, is) {
		kinds = append(kinds, is)
	}
	for _, k := range kinds {
		d.Kinds = append(d.Kinds, web.Choice{Value: k, Text: c.Language.Word(k)})
	}
	title := c.Say("staff.new_school")
	if id != "" {
		title = c.Say("staff.correct_the_school")
	}
	return pages.Render(c, fc, "staff_school_form", web.Page{Title: title, Form: f, Data: d})
}

// schoolFields reads the form. Everything that a field must be is for people.SchoolFields to say.
func schoolFields(f *web.Form) peopleapi.SchoolChange {
	in := peopleapi.SchoolChange{Name: f.Text("name"), Kind: f.Text("kind"), Region: f.Text("region"), State: f.Get("state"), Version: f.Get("version")}
	if code := f.Text("source_id"); code != "" {
		in.SourceID = &code
	}
	return in
}

func addSchool(ctx context.Context, c *api.Call, tx *tenants.Tx, fc *fiber.Ctx) (string, error) {
	f := web.ReadForm(fc)
	f.Again(fc, func(f *web.Form) error {
		if err := c.Permit(policy.Facts{}); err != nil {
			return err
		}
		return showSchoolForm(c, fc, "", f)
	})
	if _, err := peopleapi.CreateSchool(ctx, c, tx, schoolFields(f)); err != nil {
		return "", err
	}
	web.Notify(c, fc, schoolAdded)
	return "/schools", nil
}

func editSchool(ctx context.Context, c *api.Call, fc *fiber.Ctx) error {
	id, err := web.PathID(fc, "school")
	if err != nil {
		return err
	}
	if err := c.Permit(policy.Facts{}); err != nil {
		return err
	}
	reading, err := c.Under(policy.ClassRead)
	if err != nil {
		return err
	}
	is, err := peopleapi.SchoolPage(ctx, reading, id)
	if err != nil {
		return err
	}
	return showSchoolForm(c, fc, id.String(), (&web.Form{}).Set("name", is.Name).Set("kind", is.Kind).Set("region", is.Region).Set("source_id", text(is.SourceID)).
		Set("state", string(is.State)).Set("version", is.Version))
}

func changeSchool(ctx context.Context, c *api.Call, tx *tenants.Tx, fc *fiber.Ctx) (string, error) {
	id, err := web.PathID(fc, "school")
	if err != nil {
		return "", err
	}
	f := web.ReadForm(fc)
	f.Again(fc, func(f *web.Form) error {
		if err := c.Permit(policy.Facts{}); err != nil {
			return err
		}
		return showSchoolForm(c, fc, id.String(), f)
	})
	if _, err := peopleapi.ChangeSchool(ctx, c, tx, id, schoolFields(f)); err != nil {
		return "", err
	}
	web.Notify(c, fc, schoolChanged)
	return "/schools", nil
}
