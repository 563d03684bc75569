package settings

import (
	"context"
	"net/http"
	"slices"

	"lignum/api"
	"lignum/domain/people"
	"lignum/domain/words"
	"lignum/policy"
	"lignum/tenants"
)

// RoleRoutes declares who may ever do what. A realm's rules are its own.
func RoleRoutes(s *api.Server) {
	for _, realm := range []struct {
		path         string
		read, change policy.Permission
	}{{"/api/v1", policy.RoleRead, policy.RoleChange}, {"/api/v1/platform", policy.PlatformRoleRead, policy.PlatformRoleChange}} {
		api.Query(s, api.Route{Path: realm.path + "/roles", Permission: realm.read, Tag: "Roles", Summary: "List the roles and what each may do"},
			func(ctx context.Context, c *api.Call, _ *struct{}) (*api.List[Role], error) { return ListRoles(ctx, c) })
		api.Query(s, api.Route{Path: realm.path + "/permissions", Permission: realm.read, Tag: "Roles", Summary: "List every permission that a role can have"},
			func(_ context.Context, c *api.Call, _ *struct{}) (*api.List[PermissionInfo], error) {
				return ListPermissions(c)
			})
		api.Command(s, api.Route{Method: http.MethodPost, Path: realm.path + "/roles/changes", Permission: realm.change, Tag: "Roles", Summary: "Change a role, or create one",
			Detail: "You can give a role only permissions that you have yourself, and it must not reach further than your own roles do. Somebody must still be able to change roles afterwards. The change takes effect within seconds."},
			func(ctx context.Context, c *api.Call, tx *tenants.Tx, in *struct{ Body policy.RoleEdit }) (*Role, error) {
				return EditRole(ctx, c, tx, in.Body)
			})
	}
}

// Role is a role of a realm.
type Role struct {
	Name        string   `json:"name"`
	System      bool     `json:"system"`      // came with the realm; can be changed but not lost
	Includes    []string `json:"includes"`    // the roles whose permissions it holds too, directly
	Own         []string `json:"own"`         // permissions of its own
	Permissions []string `json:"permissions"` // all that it holds, those of included roles too
	People      int      `json:"people"`      // active accounts that have it
	Withheld    bool     `json:"people_withheld,omitempty" doc:"True when so few people have the role that you may not know how many; people is then 0"`
}

func roleOf(e *policy.Enforcer, name string) Role {
	r := Role{Name: name, System: slices.Contains(policy.SystemRoles(policy.KindOf(e.Realm())), name), Includes: []string{}, Own: []string{}}
	for _, rule := range e.Rules() {
		switch {
		case rule.V0 != name:
		case rule.PType == "g":
			r.Includes = append(r.Includes, rule.V1)
		case rule.PType == "p":
			r.Own = append(r.Own, rule.V2)
		}
	}
	slices.Sort(r.Includes)
	slices.Sort(r.Own)
	r.Permissions = slices.Concat([]string{}, e.Permissions([]string{name}))
	return r
}

// ListRoles lists the realm's roles by name. It reads the stored rules, so that a change shows at once.
func ListRoles(ctx context.Context, c *api.Call) (*api.List[Role], error) {
	d, err := c.Decide(policy.Facts{Listing: true})
	if err != nil {
		return nil, err
	}
	out := &api.List[Role]{Items: []Role{}}
	err = c.DB.ReadFresh(ctx, func(r *tenants.Reader) error {
		rules, err := tenants.Rules(ctx, r)
		if err != nil {
			return err
		}
		counts, err := people.CountByRole(ctx, r)
		if err != nil {
			return err
		}
		e, err := policy.NewEnforcer(c.Realm.Name(), 0, rules)
		if err != nil {
			return err
		}
		for _, name := range e.Roles() {
			role := roleOf(e, name)
			if role.People = counts[name]; role.People < d.MinCell {
				role.People, role.Withheld = 0, true
			}
			out.Items = append(out.Items, role)
		}
		return nil
	})
	return out, err
}

// RoleNames returns the names of the realm's roles, sorted, by the rules that this process judges with: a role made a moment ago may
// take some seconds to be among them.
func RoleNames(c *api.Call) ([]string, error) {
	if _, err := c.Decide(policy.Facts{Listing: true}); err != nil {
		return nil, err
	}
	return c.State.Enforcer.Roles(), nil
}

// PermissionInfo is a permission in words.
type PermissionInfo struct {
	Name        string     `json:"name"`
	Description words.Text `json:"description"`
	Changes     bool       `json:"changes"` // whether it changes data
	Mine        bool       `json:"mine"`    // whether the viewer holds it, and so may give it
}

// ListPermissions lists everything that a role of the realm can be allowed to do.
func ListPermissions(c *api.Call) (*api.List[PermissionInfo], error) {
	if err := c.Permit(policy.Facts{Listing: true}); err != nil {
		return nil, err
	}
	out := &api.List[PermissionInfo]{}
	for _, p := range policy.Catalogue() {
		if p.In(policy.KindOf(c.Realm.Name())) {
			out.Items = append(out.Items, PermissionInfo{p.Name(), p.Description(), p.Mutating(), c.May(p)})
		}
	}
	return out, nil
}

// EditRole changes one role of the realm, or makes one, and gives it as it is then.
func EditRole(ctx context.Context, c *api.Call, tx *tenants.Tx, edit policy.RoleEdit) (*Role, error) {
	if err := c.Permit(policy.Facts{}); err != nil {
		return nil, err
	}
	after, err := tenants.EditRole(ctx, tx, c.Realm, c.Server.Rules, people.RolesTogether, c.Claims.Roles, edit)
	if err != nil {
		return nil, err
	}
	role := roleOf(after, edit.Role)
	return &role, nil
}

// MayGiveRole reports whether the actor may give a role to somebody, and take it away.
func MayGiveRole(c *api.Call, role string) bool {
	return policy.CheckAssign(c.State.Enforcer, c.Claims.Roles, role) == nil
}
