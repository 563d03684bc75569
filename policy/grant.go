package policy

import (
	"fmt"
	"slices"
	"strings"

	"lignum/domain"
	"lignum/domain/words"
)

// RoleEdit is a change to one role: permissions by name, other roles by name. A role that does not exist is made by it.
type RoleEdit struct {
	Role     string   `json:"role" minLength:"2" maxLength:"63" pattern:"^[a-z][a-z0-9_]{1,62}$" doc:"The role: 2 to 63 characters of a-z, 0-9 and _, of which the first is a letter"`
	Grant    []string `json:"grant,omitempty" maxItems:"200" doc:"Permissions to add"`
	Withdraw []string `json:"withdraw,omitempty" maxItems:"200" doc:"Permissions to take away"`
	Include  []string `json:"include,omitempty" maxItems:"20" doc:"Roles whose permissions the role is to have as well"`
	Exclude  []string `json:"exclude,omitempty" maxItems:"20" doc:"Roles whose permissions the role is no longer to have by including them"`
}

// Rows are the stored rules that the edit adds and removes in a realm.
func (c RoleEdit) Rows(realm string) (add, remove []Rule) {
	permission := func(name string) Rule { return Rule{PType: "p", V0: c.Role, V1: realm, V2: name} }
	include := func(role string) Rule { return Rule{PType: "g", V0: c.Role, V1: role, V2: realm} }
	for _, name := range c.Grant {
		add = append(add, permission(name))
	}
	for _, role := range c.Include {
		add = append(add, include(role))
	}
	for _, name := range c.Withdraw {
		remove = append(remove, permission(name))
	}
	for _, role := range c.Exclude {
		remove = append(remove, include(role))
	}
	return add, remove
}

// After builds the enforcer that the realm would have after the edit, with the next version. Adding what is there and
// removing what is not change nothing. Errors are those of NewEnforcer.
func (e *Enforcer) After(c RoleEdit) (*Enforcer, error) {
	add, remove := c.Rows(e.realm)
	rules := slices.DeleteFunc(e.Rules(), func(r Rule) bool { return slices.Contains(remove, r) })
	for _, r := range add {
		if !slices.Contains(rules, r) {
			rules = append(rules, r)
		}
	}
	after, err := NewEnforcer(e.realm, e.version+1, rules)
	if err != nil {
		return nil, err
	}
	return after.Asking(e.engine), nil
}

// manages is the permission to change roles in the enforcer's realm.
func (e *Enforcer) manages() Permission {
	if KindOf(e.realm) == Platform {
		return PlatformRoleChange
	}
	return RoleChange
}

// Managers are the roles whose people can change every role: they may change roles, and reach as far as the realm's
// administrator. Where no role does, those that may change roles at all.
func (e *Enforcer) Managers() []string {
	all := e.RolesWith(e.manages())
	if whole := e.reachingAll(all); len(whole) > 0 {
		return whole
	}
	return all
}

// reachingAll returns those of some roles that reach as far as the realm's administrator.
func (e *Enforcer) reachingAll(roles []string) []string {
	administrator := []string{AdministratorRole(KindOf(e.realm))}
	return slices.DeleteFunc(slices.Clone(roles), func(role string) bool { return !e.Covers([]string{role}, administrator) })
}

// CheckGrant decides whether an actor may make an edit: they may change roles; no role reaches further by it, itself or
// through another, than the actor does; the role does not already reach further than the actor; somebody can still change
// roles afterwards; and the system roles keep what every person needs. together are the sets of several roles that people
// have: two roles can reach further than either. Errors: Forbidden, Conflict, or Invalid for an edit that makes no sense.
func CheckGrant(e *Enforcer, actorRoles []string, c RoleEdit, together ...[]string) error {
	if !e.Allows(actorRoles, e.manages()) {
		return domain.Refuse(domain.Forbidden, "policy.your_roles_do_not_let")
	}
	if err := c.check(e); err != nil {
		return err
	}
	more, err := e.beyond(actorRoles, []string{c.Role})
	if err != nil {
		return err
	}
	if len(more) > 0 {
		return domain.Refuse(domain.Forbidden, "policy.the_role_may_do_more", "Role", RoleWords(c.Role), "More", list(more))
	}
	after, err := e.After(c)
	if err != nil {
		return err
	}
	for _, role := range after.Roles() {
		together = append(together, []string{role})
	}
	for _, roles := range together {
		more, err := after.gained(e, actorRoles, roles)
		if err != nil {
			return err
		}
		if len(more) > 0 {
			return domain.Refuse(domain.Forbidden, "policy.you_cannot_give_the_role", "Roles", withOneAnother(roles), "More", list(more))
		}
	}
	if len(after.RolesWith(e.manages())) == 0 {
		return domain.Refuse(domain.Conflict, "policy.no_role_could_change_roles")
	}
	if managers := e.Managers(); len(e.reachingAll(managers)) > 0 && len(after.reachingAll(after.RolesWith(e.manages()))) == 0 {
		return domain.Refuse(domain.Conflict, "policy.nobody_could_change_every_role")
	}
	for _, role := range systemRoles[KindOf(e.realm)] {
		if lost := after.lacking([]string{role}, everyone(e, role)); len(lost) > 0 {
			return domain.Refuse(domain.Conflict, "policy.everybody_with_the_role_would", "Role", RoleWords(role), "Lost", list(lost))
		}
	}
	return nil
}

// CheckAssign decides whether an actor may give a person a role: only one that reaches no further than the actor does.
// Errors: Invalid for an unknown role, Forbidden.
func CheckAssign(e *Enforcer, actorRoles []string, role string) error {
	if _, known := e.answers[role]; !known {
		return domain.InvalidField("role", "policy.is_no_role_here", "Role", fmt.Sprintf("%q", clip(role)))
	}
	more, err := e.beyond(actorRoles, []string{role})
	if err != nil {
		return err
	}
	if len(more) > 0 {
		return domain.Refuse(domain.Forbidden, "policy.you_cannot_give_or_take", "Role", RoleWords(role), "More", list(more))
	}
	return nil
}

// CheckTogether decides whether an actor may let a person have all of these roles at once: two roles can reach further than
// either. Errors: Forbidden.
func CheckTogether(e *Enforcer, actorRoles, roles []string) error {
	more, err := e.beyond(actorRoles, roles)
	if err == nil && len(more) > 0 {
		err = domain.Refuse(domain.Forbidden, "policy.you_cannot_give_these_roles", "More", list(more))
	}
	return err
}

// CheckUnassign decides whether an actor may take a role from a person. othersWhoManage counts the other active people
// with one of the roles in Managers: the last of them keeps theirs. Errors: those of CheckAssign, Conflict.
func CheckUnassign(e *Enforcer, actorRoles []string, role string, othersWhoManage int) error {
	if err := CheckAssign(e, actorRoles, role); err != nil {
		return err
	}
	if othersWhoManage < 1 && e.Allows([]string{role}, e.manages()) {
		return domain.Refuse(domain.Conflict, "policy.nobody_else_here_can_change", "Role", RoleWords(role))
	}
	return nil
}

// check refuses an edit that says nothing, or says a thing and its opposite.
func (c RoleEdit) check(e *Enforcer) error {
	var wrong domain.Problems
	if !rolePattern.MatchString(c.Role) {
		wrong.Add("role", "policy.must_be_2_to_63")
	}
	if len(c.Grant)+len(c.Withdraw)+len(c.Include)+len(c.Exclude) == 0 {
		wrong.Add("grant", "policy.nothing_is_to_be_changed")
	}
	kind := KindOf(e.realm)
	for field, names := range map[string][]string{"grant": c.Grant, "withdraw": c.Withdraw} {
		for i, name := range names {
			if p, known := Lookup(name); !known || !p.In(kind) {
				wrong.Add(fmt.Sprintf("%s[%d]", field, i), "policy.is_nothing_that_a_role", "Name", fmt.Sprintf("%q", clip(name)))
			}
		}
	}
	for field, roles := range map[string][]string{"include": c.Include, "exclude": c.Exclude} {
		for i, role := range roles {
			if _, known := e.answers[role]; !known {
				wrong.Add(fmt.Sprintf("%s[%d]", field, i), "policy.is_no_role_here", "Role", fmt.Sprintf("%q", clip(role)))
			}
		}
	}
	for _, name := range c.Grant {
		if slices.Contains(c.Withdraw, name) {
			wrong.Add("withdraw", "policy.is_also_to_be_granted", "Name", fmt.Sprintf("%q", clip(name)))
		}
	}
	for _, role := range c.Include {
		if slices.Contains(c.Exclude, role) {
			wrong.Add("exclude", "policy.is_also_to_be_included", "Role", fmt.Sprintf("%q", clip(role)))
		}
	}
	slices.SortFunc(wrong, func(a, b domain.Field) int { return strings.Compare(a.Name, b.Name) })
	return wrong.Err()
}

// gained names the permissions with which some roles reach further than they did before, and further than the actor did.
func (e *Enforcer) gained(before *Enforcer, actorRoles, roles []string) ([]string, error) {
	rules, err := before.contextual()
	if err != nil {
		return nil, err
	}
	was, err := before.reachOf(rules, roles)
	if err != nil {
		return nil, err
	}
	is, err := e.reachOf(rules, roles)
	if err != nil {
		return nil, err
	}
	actor, err := before.reachOf(rules, actorRoles)
	if err != nil {
		return nil, err
	}
	// What the rules allow to nobody yet, another bundle may: what is held counts as well as how far it reaches.
	held := before.lacking(actorRoles, before.lacking(roles, e.Permissions(roles)))
	more := slices.DeleteFunc(was.beyond(is), func(name string) bool { p, _ := Lookup(name); return is[p.entry.index] <= actor[p.entry.index] })
	all := append(held, more...)
	slices.Sort(all)
	return slices.Compact(all), nil
}

// everyone is what each person needs, as far as the role held it: an older realm may never have had all of it.
func everyone(before *Enforcer, role string) []string {
	needed := []string{ProfileRead.Name(), ProfileChange.Name(), SessionEnd.Name()}
	return slices.DeleteFunc(needed, func(name string) bool {
		return slices.Contains(before.lacking([]string{role}, needed), name)
	})
}

// withOneAnother says roles that somebody has together.
func withOneAnother(roles []string) words.Text {
	said := words.Plain(RoleWords(roles[0]))
	for _, role := range roles[1:] {
		said = words.Say("policy.role_with", "Roles", said, "Role", RoleWords(role))
	}
	return said
}

// list says what permissions let somebody do, the first three of them, for a sentence.
func list(names []string) words.Text {
	var said []words.Text
	for _, name := range names[:min(len(names), 3)] {
		p, _ := Lookup(name)
		said = append(said, p.Words())
	}
	if rest := len(names) - len(said); rest > 0 {
		said = append(said, words.Say("policy.and_more", "Rest", rest))
	}
	return words.Join("; ", said...)
}

func clip(s string) string {
	if len(s) > 64 {
		return strings.ToValidUTF8(s[:64], "") + "…"
	}
	return s
}
