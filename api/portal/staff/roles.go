package staff

import (
	"context"
	"regexp"
	"slices"
	"strings"

	"github.com/gofiber/fiber/v2"

	"lignum/api"
	"lignum/api/settings"
	"lignum/api/web"
	"lignum/domain"
	"lignum/domain/words"
	"lignum/policy"
	"lignum/tenants"
)

var roleSaved = web.Notice("role-saved", "staff.the_role_is_saved_it")

// staffRoles is who may ever do what in a tenant.
func staffRoles(s *api.Server) {
	api.Page(s, api.Route{Path: "/roles", Permission: policy.RoleRead, Summary: "Roles and permissions"}, showRoles)
	api.Page(s, api.Route{Path: "/roles/{role}", Permission: policy.RoleChange, Parts: []policy.Permission{policy.RoleRead}, Summary: "Form of a role"},
		func(ctx context.Context, c *api.Call, fc *fiber.Ctx) error {
			name := fc.Params("role")
			if name != "new" {
				return showRole(ctx, c, fc, name, &web.Form{})
			}
			f := web.Asked(fc, "role")
			name = roleFromWords(f.Get("role"))
			if !roleName.MatchString(name) {
				f.Again(fc, func(f *web.Form) error { return showRolesAgain(ctx, c, fc, f) })
				return domain.InvalidField("role", "staff.must_be_2_to_63")
			}
			return showRole(ctx, c, fc, name, &web.Form{})
		})
	api.Form(s, api.Route{Path: "/roles/{role}", Permission: policy.RoleChange, Parts: []policy.Permission{policy.RoleRead}, Summary: "Change a role, or make one"}, saveRole)
}

var roleName = regexp.MustCompile(`^[a-z][a-z0-9_]{1,62}$`)

// roleFromWords makes a role's name of what a person calls it: "Deputy head" is deputy_head.
func roleFromWords(words string) string {
	return strings.Join(strings.FieldsFunc(strings.ToLower(words), func(r rune) bool { return r == ' ' || r == '-' || r == '_' }), "_")
}

type roleGroup struct {
	Name string // the first word of its permissions: "class"
	Rows []roleRow
}

type roleRow struct {
	Name, Says string
	Cells      []string // "own", "included" or "": one for each role
}

// shownRole is a role as the page of all of them has it.
type shownRole struct {
	settings.Role
	MayChange bool
	With      string // the roles that it includes, in words
}

type rolesData struct {
	Roles   []shownRole
	Groups  []roleGroup
	Columns int
}

func showRoles(ctx context.Context, c *api.Call, fc *fiber.Ctx) error {
	return showRolesAgain(ctx, c, fc, &web.Form{})
}

func showRolesAgain(ctx context.Context, c *api.Call, fc *fiber.Ctx, f *web.Form) error {
	list, permissions, err := rolesOf(ctx, c)
	if err != nil {
		return err
	}
	list = slices.DeleteFunc(list, func(r settings.Role) bool { return r.Name == everybody }) // all others include it
	d := rolesData{Columns: len(list) + 1, Groups: matrix(c.Language, list, permissions)}
	for _, r := range list {
		d.Roles = append(d.Roles, shownRole{r, c.Could(policy.RoleChange) && settings.MayGiveRole(c, r.Name), roleNames(c.Language, r.Includes)})
	}
	return pages.Render(c, fc, "staff_roles", web.Page{Title: c.Say("staff.roles_and_permissions"), Wide: true, Form: f, Data: d})
}

func rolesOf(ctx context.Context, c *api.Call) ([]settings.Role, []settings.PermissionInfo, error) {
	reading, err := c.Under(policy.RoleRead)
	if err != nil {
		return nil, nil, err
	}
	list, err := settings.ListRoles(ctx, reading)
	if err != nil {
		return nil, nil, err
	}
	permissions, err := settings.ListPermissions(reading)
	if err != nil {
		return nil, nil, err
	}
	return list.Items, permissions.Items, nil
}

// everybody is the role that all others include: it is no choice.
const everybody = "member"

// roleNames lists roles as people call them.
func roleNames(l words.Language, roles []string) string {
	said := make([]string, len(roles))
	for i, r := range roles {
		said[i] = l.Word(r)
	}
	return strings.Join(said, ", ")
}

func groupOf(permission string) string {
	name, _, _ := strings.Cut(permission, ".")
	return name
}

// matrix has a row for each permission and a cell for each role.
func matrix(l words.Language, roles []settings.Role, permissions []settings.PermissionInfo) []roleGroup {
	var groups []roleGroup
	for _, p := range permissions {
		if len(groups) == 0 || groups[len(groups)-1].Name != groupOf(p.Name) {
			groups = append(groups, roleGroup{Name: groupOf(p.Name)})
		}
		row := roleRow{Name: p.Name, Says: strings.TrimSuffix(p.Description.In(l).String(), ".")}
		for _, r := range roles {
			cell := ""
			if slices.Contains(r.Own, p.Name) {
				cell = "own"
			} else if slices.Contains(r.Permissions, p.Name) {
				cell = "included"
			}
			row.Cells = append(row.Cells, cell)
		}
		g := &groups[len(groups)-1]
		g.Rows = append(g.Rows, row)
	}
	return groups
}

type tickGroup struct {
	Name string
	Rows []tick
}

type roleData struct {
	Name             string
	People           string   // whom a change touches
	New, Member      bool     // Member: it includes what everybody holds
	Had, HadIncludes []string // what the role was when the form was made
	Others           []tick
	Groups           []tickGroup
}

func showRole(ctx context.Context, c *api.Call, fc *fiber.Ctx, name string, f *web.Form) error {
	if err := c.Permit(policy.Facts{}); err != nil {
		return err
	}
	list, permissions, err := rolesOf(ctx, c)
	if err != nil {
		return err
	}
	is, found := roleNamed(list, name)
	grant, include := is.Own, is.Includes
	if f.Values != nil { // sent before, and refused
		grant, include = f.Values["grant"], f.Values["include"]
		is.Own, is.Includes = f.Values["had_grant"], f.Values["had_include"]
	}
	d := roleData{Name: name, New: !found, Member: !found || slices.Contains(include, everybody), Had: is.Own, HadIncludes: is.Includes,
		People: touched(c, is.People)}
	for _, other := range list {
		if other.Name != name && other.Name != everybody && (settings.MayGiveRole(c, other.Name) || slices.Contains(is.Includes, other.Name)) {
			d.Others = append(d.Others, tick{Value: other.Name, On: slices.Contains(include, other.Name)})
		}
	}
	for _, p := range permissions {
		if !p.Mine && !slices.Contains(is.Own, p.Name) {
			continue // not the reader's to give
		}
		if len(d.Groups) == 0 || d.Groups[len(d.Groups)-1].Name != groupOf(p.Name) {
			d.Groups = append(d.Groups, tickGroup{Name: groupOf(p.Name)})
		}
		g := &d.Groups[len(d.Groups)-1]
		own := slices.Contains(grant, p.Name)
		g.Rows = append(g.Rows, tick{Value: p.Name, Text: strings.TrimSuffix(p.Description.In(c.Language).String(), "."), On: own, Through: !slices.Contains(is.Own, p.Name) && slices.Contains(is.Permissions, p.Name)})
	}
	title := c.Say("staff.role_named", "Role", c.Language.Word(name))
	if d.New {
		title = c.Say("staff.new_role_named", "Role", c.Language.Word(name))
	}
	return pages.Render(c, fc, "staff_role", web.Page{Title: title, Wide: true, Form: f, Data: d})
}

// touched says how many people a change of a role concerns.
func touched(c *api.Call, people int) string {
	if people == 0 {
		return c.Say("staff.role_touches_who_is_given_it")
	}
	return c.Say("staff.role_touches", "N", people)
}

func roleNamed(list []settings.Role, name string) (settings.Role, bool) {
	for _, r := range list {
		if r.Name == name {
			return r, true
		}
	}
	return settings.Role{}, false
}

func saveRole(ctx context.Context, c *api.Call, tx *tenants.Tx, fc *fiber.Ctx) (string, error) {
	name := fc.Params("role")
	f := web.ReadForm(fc)
	f.Again(fc, func(f *web.Form) error { return showRole(ctx, c, fc, name, f) })
	// What changed is told from what the form showed, so that two people who edit at once do not undo each other.
	had, hadIncludes := f.Values["had_grant"], f.Values["had_include"]
	edit := policy.RoleEdit{Role: name, Grant: without(f.Values["grant"], had), Withdraw: without(had, f.Values["grant"]),
		Include: without(f.Values["include"], hadIncludes), Exclude: without(hadIncludes, f.Values["include"])}
	if _, err := settings.EditRole(ctx, c, tx, edit); err != nil {
		return "", err
	}
	web.Notify(c, fc, roleSaved)
	return "/roles", nil
}

// without returns those of all that are not in some.
func without(all, some []string) []string {
	return slices.DeleteFunc(slices.Clone(all), func(s string) bool { return slices.Contains(some, s) })
}
