package staff

import (
	"context"
	"errors"
	"net/http"
	"slices"

	"github.com/gofiber/fiber/v2"

	"lignum/api"
	exportsapi "lignum/api/exports"
	peopleapi "lignum/api/people"
	"lignum/api/portal/choices"
	"lignum/api/portal/coach"
	"lignum/api/settings"
	"lignum/api/web"
	"lignum/domain"
	"lignum/domain/exports"
	"lignum/domain/identity"
	"lignum/domain/people"
	"lignum/policy"
	"lignum/tenants"
)

var (
	personChanged   = web.Notice("person-changed", "staff.the_account_is_changed")
	rolesSaved      = web.Notice("roles-saved", "staff.the_roles_are_saved_they")
	personSuspended = web.Notice("person-suspended", "staff.the_account_is_suspended_and")
	appTaken        = web.Notice("app-taken", "staff.the_authenticator_app_is_taken")
	personResumed   = web.Notice("person-resumed", "staff.the_person_can_sign_in")
)

// staffPeople is the accounts of a school or the tenant.
func staffPeople(s *api.Server) {
	api.Page(s, api.Route{Path: "/people", Permission: policy.UserRead, Parts: []policy.Permission{policy.RoleRead}, Summary: "Find people"},
		func(ctx context.Context, c *api.Call, fc *fiber.Ctx) error { return showPeople(ctx, c, fc, nil) })
	api.Form(s, api.Route{Path: "/people/export", Permission: policy.UserRead, Parts: []policy.Permission{policy.RoleRead}, Summary: "Ask for a file with accounts"},
		func(ctx context.Context, c *api.Call, tx *tenants.Tx, fc *fiber.Ctx) (string, error) {
			return web.Exports(ctx, c, tx, fc, func(f *web.Form) error { return showPeople(ctx, c, fc, f) }, func(as exports.Format) (*exportsapi.Asked, error) {
				f := askedPeople(web.Asked(fc, "q", "role", "state"))
				return exportsapi.AskPeople(ctx, c, tx, as, exportsapi.People{Query: f.Query, Role: f.Role, State: f.State, NoCard: f.NoCard})
			})
		})
	api.Page(s, api.Route{Path: "/people/new", Permission: policy.UserCreate, Parts: []policy.Permission{policy.ClassRead, policy.RoleRead}, Summary: "Form of a new account"},
		func(ctx context.Context, c *api.Call, fc *fiber.Ctx) error {
			return showNewPerson(ctx, c, fc, &web.Form{})
		})
	api.Page(s, api.Route{Method: http.MethodPost, Path: "/people", Permission: policy.UserCreate, Parts: []policy.Permission{policy.ClassRead, policy.RoleRead}, Summary: "Open an account"}, openAccount)
	api.Page(s, api.Route{Path: "/people/{user}", Permission: policy.UserRead, Parts: []policy.Permission{policy.ClassRead, policy.RoleRead}, Summary: "One account"},
		func(ctx context.Context, c *api.Call, fc *fiber.Ctx) error {
			return showPerson(ctx, c, fc, &web.Form{})
		})
	api.Page(s, api.Route{Path: "/people/{user}/edit", Permission: policy.UserChange, Parts: []policy.Permission{policy.ClassRead}, Summary: "Form of an account"},
		func(ctx context.Context, c *api.Call, fc *fiber.Ctx) error { return editPerson(ctx, c, fc, nil) })
	api.Form(s, api.Route{Path: "/people/{user}", Permission: policy.UserChange, Parts: []policy.Permission{policy.ClassRead}, Summary: "Change an account"}, changePerson)
	api.Form(s, api.Route{Path: "/people/{user}/roles", Permission: policy.UserChange, Parts: []policy.Permission{policy.ClassRead, policy.RoleRead, policy.UserRead}, Summary: "Change somebody's roles"}, personForm(rolesSaved,
		func(ctx context.Context, c *api.Call, tx *tenants.Tx, fc *fiber.Ctx, f *web.Form) error {
			id, err := web.PathID(fc, "user")
			if err == nil {
				// Told from what the form showed, so that two people who edit at once do not undo each other.
				had := f.Values["had_role"]
				_, err = peopleapi.EditUserRoles(ctx, c, tx, id, without(f.Values["role"], had), without(had, f.Values["role"]))
			}
			return err
		}))
	api.Form(s, api.Route{Path: "/people/{user}/suspend", Permission: policy.UserSuspend, Parts: []policy.Permission{policy.ClassRead, policy.RoleRead, policy.UserRead}, Summary: "Suspend an account"}, personForm(personSuspended,
		func(ctx context.Context, c *api.Call, tx *tenants.Tx, fc *fiber.Ctx, f *web.Form) error {
			id, err := web.PathID(fc, "user")
			if err == nil {
				_, err = peopleapi.SuspendUser(ctx, c, tx, id, f.Text("reason"))
			}
			return err
		}))
	api.Form(s, api.Route{Path: "/people/{user}/resume", Permission: policy.UserSuspend, Parts: []policy.Permission{policy.ClassRead, policy.RoleRead, policy.UserRead}, Summary: "Let an account in again"}, personForm(personResumed,
		func(ctx context.Context, c *api.Call, tx *tenants.Tx, fc *fiber.Ctx, _ *web.Form) error {
			id, err := web.PathID(fc, "user")
			if err == nil {
				_, err = peopleapi.ResumeUser(ctx, c, tx, id)
			}
			return err
		}))
	api.Form(s, api.Route{Path: "/people/{user}/second-factor", Permission: policy.UserReset, Parts: []policy.Permission{policy.ClassRead, policy.RoleRead, policy.UserRead}, Summary: "Take a lost authenticator app away"}, personForm(appTaken,
		func(ctx context.Context, c *api.Call, tx *tenants.Tx, fc *fiber.Ctx, _ *web.Form) error {
			id, err := web.PathID(fc, "user")
			if err == nil {
				_, err = peopleapi.ResetSecondFactor(ctx, c, tx, id)
			}
			return err
		}))
	api.Page(s, api.Route{Method: http.MethodPost, Path: "/people/{user}/card", Permission: policy.UserReset, Parts: []policy.Permission{policy.ClassRead, policy.RoleRead, policy.UserRead}, Summary: "Reset a password and print a card"}, printPersonCard)
	api.Page(s, api.Route{Method: http.MethodPost, Path: "/classes/manage/{class}/cards", Permission: policy.UserReset, Parts: []policy.Permission{policy.LearnerRead}, Summary: "Print the cards of a class"}, printClassCards)
}

type peopleData struct {
	Roles, States []web.Choice
	Users         []people.User
	Newer, Older  string
	Filtered      bool
	Export        string // address of the forms that ask for a file; "": it is not offered
}

// askedPeople is what the list is narrowed to.
func askedPeople(f *web.Form) peopleapi.UserFilter {
	filter := peopleapi.UserFilter{Query: f.Text("q"), Role: f.Get("role"), State: f.Get("state")}
	if filter.State == "card" {
		filter.State, filter.NoCard = "", true
	}
	return filter
}

func showPeople(ctx context.Context, c *api.Call, fc *fiber.Ctx, wrong *web.Form) error {
	f := web.Asked(fc, "q", "role", "state")
	d := peopleData{Filtered: len(f.Values) > 0, States: []web.Choice{{Value: "", Text: c.Say("staff.every_state")}, {Value: "active", Text: c.Say("page.active")},
		{Value: "suspended", Text: c.Say("page.suspended")}, {Value: "card", Text: c.Say("staff.no_password_yet")}}}
	d.Roles = append([]web.Choice{{Value: "", Text: c.Say("staff.every_role")}}, roleChoices(c)...)
	list, err := peopleapi.ListUsers(ctx, c, askedPeople(f), api.Paging{Cursor: fc.Query("cursor")})
	if err != nil {
		return err
	}
	d.Users, d.Newer, d.Older = list.Items, web.FirstPage(fc), web.NextPage(fc, list.Next)
	if exportsapi.OffersPeople(c) {
		d.Export = web.ExportPath("/people", f.Values)
	}
	return pages.Render(c, fc, "staff_people", web.Page{Title: c.Say("staff.people"), Form: f.With(wrong), Data: d})
}

// roleChoices offers the system's roles, and to those who see roles those of the tenant's own making.
func roleChoices(c *api.Call) []web.Choice {
	names := policy.SystemRoles(policy.Tenant)
	if part, err := c.Under(policy.RoleRead); err == nil {
		if known, err := settings.RoleNames(part); err == nil {
			for _, name := range known {
				if !slices.Contains(names, name) {
					names = append(slices.Clip(names), name)
				}
			}
		}
	}
	var choices []web.Choice
	for _, name := range names {
		if name != everybody {
			choices = append(choices, web.Choice{Value: name, Text: c.Language.Word(name)})
		}
	}
	return choices
}

// givable leaves out the roles that the actor may not give.
func givable(c *api.Call, roles []web.Choice) []web.Choice {
	return slices.DeleteFunc(roles, func(r web.Choice) bool { return !settings.MayGiveRole(c, r.Value) })
}

type newPersonData struct {
	Roles   []web.Choice
	Schools web.Options
}

func showNewPerson(ctx context.Context, c *api.Call, fc *fiber.Ctx, f *web.Form) error {
	if err := c.Permit(policy.Facts{Listing: true}); err != nil { // some school's account; whose, the use case asks
		return err
	}
	d := newPersonData{Roles: append([]web.Choice{{Value: "", Text: c.Say("page.please_choose")}}, givable(c, roleChoices(c))...)}
	var err error
	if d.Schools, err = choices.SchoolChoices(ctx, c, policy.UserCreate, c.Say("staff.no_school"), f, "school_id"); err != nil {
		return err
	}
	return pages.Render(c, fc, "staff_person_new", web.Page{Title: c.Say("staff.new_account"), Form: f, Data: d})
}

func openAccount(ctx context.Context, c *api.Call, fc *fiber.Ctx) error {
	f := web.ReadForm(fc)
	f.Again(fc, func(f *web.Form) error { return showNewPerson(ctx, c, fc, f) })
	school, schoolErr := choices.Picked(f, "school_id", choices.FindSchools(ctx, c, true))
	in := peopleapi.NewUser{UserName: f.Text("user_name"), GivenName: f.Text("given_name"), FamilyName: f.Text("family_name"), Email: f.Text("email"), Grade: f.Text("grade"),
		Roles: []string{f.Get("role")}, SchoolID: school}
	var roleErr error
	if in.Roles[0] == "" {
		roleErr = domain.InvalidField("role", "staff.must_be_chosen")
	}
	if err := allWrong(schoolErr, roleErr); err != nil {
		return err
	}
	var made *peopleapi.NewAccount
	err := c.DB.Write(ctx, c.Actor, func(tx *tenants.Tx) (err error) {
		made, err = peopleapi.CreateUser(ctx, c, tx, in)
		return err
	})
	if err != nil {
		return renameFields(err, "body.roles[0]", "role")
	}
	return coach.ShowCards(c, fc, c.Say("staff.has_an_account", "GivenName", made.User.GivenName, "FamilyName", made.User.FamilyName), "/people/"+made.User.ID.String(), []identity.Card{made.Card})
}

// renameFields gives a wrong field the name that it has in the form.
func renameFields(err error, from, to string) error {
	var d *domain.Error
	if errors.As(err, &d) {
		for i := range d.Fields {
			if d.Fields[i].Name == from {
				d.Fields[i].Name = to
			}
		}
	}
	return err
}

type personData struct {
	User   *people.User
	School string
	Learns bool
	Record string // page of the learner's record, when it opens to the reader
	May    peopleapi.UserOffers
	Roles  []tick
	Fixed  string // the roles that are not the actor's to take, in words
}

// tick is a check box.
type tick struct {
	Value, Text string
	On          bool
	Through     bool // on through something else as well
	Had         bool // on when the form was made
}

func showPerson(ctx context.Context, c *api.Call, fc *fiber.Ctx, f *web.Form) error {
	id, err := web.PathID(fc, "user")
	if err != nil {
		return err
	}
	reading, err := c.Under(policy.UserRead) // also when a form of this page is shown again
	if err != nil {
		return err
	}
	d := personData{}
	if d.User, err = peopleapi.UserPage(ctx, reading, id); err != nil {
		return err
	}
	if d.User.SchoolID != nil {
		names, err := choices.SchoolNames(ctx, c, d.User.SchoolID)
		if err != nil {
			return err
		}
		d.School = names[*d.User.SchoolID]
	}
	if d.May, err = peopleapi.OffersOnUser(ctx, c, id); err != nil {
		return err
	}
	d.Record = coach.RecordPath(id, d.May.Record)
	d.Learns = slices.Contains(d.User.Roles, people.Student)
	on, had := d.User.Roles, d.User.Roles
	if f.Has("had_role") { // sent before, and refused
		on, had = f.Values["role"], f.Values["had_role"]
	}
	offered := givable(c, roleChoices(c))
	var fixed []string
	for _, r := range d.User.Roles {
		if slices.ContainsFunc(offered, func(o web.Choice) bool { return o.Value == r }) {
			continue
		}
		if settings.MayGiveRole(c, r) {
			offered = append(offered, web.Choice{Value: r, Text: c.Language.Word(r)})
		} else {
			fixed = append(fixed, r)
		}
	}
	d.Fixed = roleNames(c.Language, fixed)
	for _, r := range offered {
		d.Roles = append(d.Roles, tick{Value: r.Value, Text: r.Text, On: slices.Contains(on, r.Value), Had: slices.Contains(had, r.Value)})
	}
	return pages.Render(c, fc, "staff_person", web.Page{Title: d.User.GivenName + " " + d.User.FamilyName, Form: f, Data: d})
}

// personEdit is the form of an account.
type personEdit struct {
	ID, Name string
	Schools  web.Options
}

// editPerson shows the form of an account: what is stored, or with f what somebody typed.
func editPerson(ctx context.Context, c *api.Call, fc *fiber.Ctx, f *web.Form) error {
	id, err := web.PathID(fc, "user")
	if err != nil {
		return err
	}
	changing, err := c.Under(policy.UserChange) // asks the facts of this account
	if err != nil {
		return err
	}
	u, err := peopleapi.UserPage(ctx, changing, id)
	if err != nil {
		return err
	}
	if f == nil {
		f = (&web.Form{}).Set("given_name", u.GivenName).Set("family_name", u.FamilyName).Set("user_name", u.UserName).Set("grade", u.Grade).
			Set("school_id", idText(u.SchoolID)).Set("email", text(u.Email)).Set("locale", text(u.Locale)).Set("version", u.Version)
	}
	d := personEdit{ID: id.String(), Name: u.GivenName + " " + u.FamilyName}
	if d.Schools, err = choices.SchoolChoices(ctx, c, policy.UserChange, c.Say("staff.no_school"), f, "school_id"); err != nil {
		return err
	}
	return pages.Render(c, fc, "staff_person_edit", web.Page{Title: c.Say("staff.correct_the_account"), Form: f, Data: d})
}

func text(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}

func changePerson(ctx context.Context, c *api.Call, tx *tenants.Tx, fc *fiber.Ctx) (string, error) {
	id, err := web.PathID(fc, "user")
	if err != nil {
		return "", err
	}
	f := web.ReadForm(fc)
	f.Again(fc, func(f *web.Form) error { return editPerson(ctx, c, fc, f) })
	in := peopleapi.UserChange{Version: f.Get("version")}
	for name, to := range map[string]**string{"user_name": &in.UserName, "given_name": &in.GivenName, "family_name": &in.FamilyName, "email": &in.Email,
		"grade": &in.Grade, "locale": &in.Locale} {
		if f.Has(name) {
			value := f.Text(name)
			*to = &value
		}
	}
	if f.Has("school_id") || f.Has("school_id_typed") {
		if in.SchoolID, err = choices.Picked(f, "school_id", choices.FindSchools(ctx, c, true)); err != nil {
			return "", err
		}
		in.NoSchool = in.SchoolID == nil
	}
	if _, err := peopleapi.ChangeUser(ctx, c, tx, id, in); err != nil {
		return "", err
	}
	web.Notify(c, fc, personChanged)
	return "/people/" + id.String(), nil
}

// personForm is a form of an account's page: it changes, and goes back to the page.
func personForm(notice string, change func(context.Context, *api.Call, *tenants.Tx, *fiber.Ctx, *web.Form) error) func(context.Context, *api.Call, *tenants.Tx, *fiber.Ctx) (string, error) {
	return func(ctx context.Context, c *api.Call, tx *tenants.Tx, fc *fiber.Ctx) (string, error) {
		f := web.ReadForm(fc)
		f.Again(fc, func(f *web.Form) error { return showPerson(ctx, c, fc, f) })
		if err := change(ctx, c, tx, fc, f); err != nil {
			return "", err
		}
		web.Notify(c, fc, notice)
		return "/people/" + fc.Params("user"), nil
	}
}

func printPersonCard(ctx context.Context, c *api.Call, fc *fiber.Ctx) error {
	id, err := web.PathID(fc, "user")
	if err != nil {
		return err
	}
	(&web.Form{}).Again(fc, func(f *web.Form) error { return showPerson(ctx, c, fc, f) })
	var card *identity.Card
	err = c.DB.Write(ctx, c.Actor, func(tx *tenants.Tx) (err error) {
		card, err = peopleapi.ResetUser(ctx, c, tx, id)
		return err
	})
	if err != nil {
		return err
	}
	return coach.ShowCards(c, fc, c.Say("staff.sign_in_card_of", "GivenName", card.GivenName, "FamilyName", card.FamilyName), "/people/"+id.String(), []identity.Card{*card})
}

func printClassCards(ctx context.Context, c *api.Call, fc *fiber.Ctx) error {
	id, err := web.PathID(fc, "class")
	if err != nil {
		return err
	}
	(&web.Form{}).Again(fc, func(f *web.Form) error { return showManaged(ctx, c, fc, f) })
	var sheet *peopleapi.CardSheet
	err = c.DB.Write(ctx, c.Actor, func(tx *tenants.Tx) (err error) {
		sheet, err = peopleapi.PrintClassCards(ctx, c, tx, id)
		return err
	})
	if err != nil {
		return err
	}
	return coach.ShowCards(c, fc, c.Say("staff.sign_in_cards"), "/classes/manage/"+id.String(), sheet.Cards)
}
