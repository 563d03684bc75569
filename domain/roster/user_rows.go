package roster

import (
	"fmt"
	"slices"
	"strings"

	"github.com/google/uuid"

	"lignum/domain"
	"lignum/domain/people"
	"lignum/policy"
	"lignum/tenants/audit"
	"lignum/tenants/limits"
)

// row decides what becomes of one row.
func (pl *usersPlan) row(r record, out *outcome) {
	var p domain.Problems
	is := pl.have[r.get("sourcedid")]
	if r.gone() {
		pl.goneUser(r, is, out)
		return
	}
	want := people.SourcedUser{SourceID: r.get("sourcedid"), UserName: people.FoldUserName(r.get("username")), Given: r.get("givenname"), Family: r.get("familyname"),
		Email: r.get("email"), State: people.UserActive}
	p.Text("sourcedId", want.SourceID, 1, 255)
	p.Text("givenName", want.Given, 1, 100)
	p.Text("familyName", want.Family, 1, 100)
	people.CheckEmail(&p, want.Email)
	if want.UserName != "" {
		people.CheckUserName(&p, "username", want.UserName)
	}
	if grades := r.list("grades"); len(grades) > 0 {
		want.Grade = grades[0]
		p.Text("grades", want.Grade, 0, 20)
	}
	status, enabled := r.status(&p), r.word(&p, "enabledUser", truthWords)
	role := pl.role(r, &p)
	want.SchoolID = pl.school(r, role, &p)
	if is != nil {
		pl.mayChange(is, role, &p)
	}
	if len(p) > 0 {
		out.refuseAll(r.line, p)
		return
	}
	if enabled == "false" || status == "inactive" {
		want.State, want.Reason = people.UserSuspended, people.RosterReason
	}
	if is == nil {
		pl.createUser(r, &want, role, out)
		return
	}
	pl.changeUser(r, is, &want, out)
}

// goneUser suspends an account whose row is to be deleted, whatever else the row says.
func (pl *usersPlan) goneUser(r record, is *people.SourcedUser, out *outcome) {
	var p domain.Problems
	if p.Text("sourcedId", r.get("sourcedid"), 1, 255); len(p) > 0 {
		out.refuseAll(r.line, p)
		return
	}
	if is == nil { // never was here
		out.unchanged++
		return
	}
	if pl.mayChange(is, "", &p); len(p) > 0 {
		out.refuseAll(r.line, p)
		return
	}
	want := *is
	want.State, want.Reason = people.UserSuspended, people.RosterReason
	pl.changeUser(r, is, &want, out)
}

// role returns our role for the row's.
func (pl *usersPlan) role(r record, p *domain.Problems) string {
	given, _ := pl.im.roleAndOrg(r)
	role := rolesOf[strings.ToLower(given)]
	switch {
	case given == "":
		p.Add("role", "roster.is_missing_send_roles_csv")
	case role == "":
		p.Add("role", "roster.is_not_given_by_a", "Given", fmt.Sprintf("%q", clipText(given, 40)), "Allowed", anyOf(userRoleWords))
	case !slices.Contains(pl.im.opts.Roles, role):
		p.Add("role", "roster.you_may_not_give_the", "Role", role)
	}
	return role
}

// school finds the row's school. Students and school administrators have one.
func (pl *usersPlan) school(r record, role string, p *domain.Problems) *uuid.UUID {
	_, orgs := pl.im.roleAndOrg(r)
	org := ""
	if len(orgs) > 0 {
		org = orgs[0]
	}
	// A district may stand before the school.
	if i := slices.IndexFunc(orgs, func(id string) bool { return pl.schools[id] != nil }); i > 0 {
		org = orgs[i]
	}
	s := pl.schools[org]
	only := pl.im.opts.OnlySchool
	switch {
	case org != "" && s == nil:
		if pl.im.regions[org] == "" || role == people.Student || only != nil {
			p.Add("orgSourcedIds", "roster.the_school_is_not_known_import", "Given", fmt.Sprintf("%q", clipText(org, 60)))
		}
		return nil
	case s == nil && (role == people.Student || role == "school_administrator"):
		p.Add("orgSourcedIds", "roster.is_missing_a_belongs_to", "Role", strings.ReplaceAll(role, "_", " "))
		return nil
	case only != nil && (s == nil || s.ID != *only):
		p.Add("orgSourcedIds", "roster.is_not_your_school")
		return nil
	case s == nil:
		return nil
	case s.State != "active":
		p.Add("orgSourcedIds", "roster.the_school_is_closed")
	}
	return &s.ID
}

// mayChange refuses to touch an account that the roster must not touch.
func (pl *usersPlan) mayChange(is *people.SourcedUser, role string, p *domain.Problems) {
	only := pl.im.opts.OnlySchool
	switch {
	case is.State == people.UserErased:
		p.Add("sourcedId", "roster.belongs_to_an_account_that")
	case only != nil && (is.SchoolID == nil || *is.SchoolID != *only):
		p.Add("sourcedId", "roster.belongs_to_somebody_of_another")
	case role != "" && !is.Is(role):
		p.Add("role", "roster.is_here_but_the_account", "Role", role, "Roles", strings.Join(is.Roles, ", "))
	case slices.ContainsFunc(is.Roles, func(r string) bool { return !slices.Contains(pl.im.opts.Roles, r) }):
		p.Add("sourcedId", "roster.belongs_to_an_account_with")
	}
}

func (pl *usersPlan) createUser(r record, want *people.SourcedUser, role string, out *outcome) {
	want.Roles = []string{role}
	if want.UserName != "" && pl.names.Taken(want.UserName) {
		out.refuse(r.line, "username", "roster.is_taken_by_another_account")
		return
	}
	if want.State == people.UserActive && !pl.quotas[people.QuotaOf(want.Roles)].Take() {
		out.refuse(r.line, "sourcedId", noRoom(people.QuotaOf(want.Roles)))
		return
	}
	if want.UserName == "" {
		want.UserName = pl.names.Next(people.UserNameStem(want.Given, want.Family))
	} else {
		pl.names.Take(want.UserName)
	}
	want.ID = audit.NewID()
	pl.have[want.SourceID] = want
	pl.create = append(pl.create, want)
	out.created++
}

func (pl *usersPlan) changeUser(r record, is, want *people.SourcedUser, out *outcome) {
	want.ID, want.Roles = is.ID, is.Roles
	if want.UserName == "" {
		want.UserName = is.UserName
	}
	quota := pl.quotas[people.QuotaOf(is.Roles)]
	switch {
	case want.State == is.State, want.State == people.UserActive && is.Reason != people.RosterReason: // whom a person suspended, a person resumes
		want.State, want.Reason = is.State, is.Reason
	case want.State == people.UserSuspended && is.Is(policy.AdministratorRole(policy.Tenant)):
		out.refuse(r.line, "status", "roster.an_administrator_of_the_tenant")
		return
	}
	same := is.UserName == want.UserName && is.Given == want.Given && is.Family == want.Family && is.Email == want.Email && is.Grade == want.Grade &&
		is.State == want.State && sameID(is.SchoolID, want.SchoolID)
	if same {
		out.unchanged++
		return
	}
	if want.UserName != is.UserName && pl.names.Taken(want.UserName) {
		out.refuse(r.line, "username", "roster.is_taken_by_another_account")
		return
	}
	if want.State == people.UserActive && is.State == people.UserSuspended && !quota.Take() {
		out.refuse(r.line, "status", noRoom(people.QuotaOf(is.Roles)))
		return
	}
	if want.State == people.UserSuspended && is.State == people.UserActive {
		quota.GiveBack()
		want.Suspend = true
	}
	pl.names.Take(want.UserName)
	pl.have[want.SourceID] = want
	pl.change = append(pl.change, want)
	out.changed++
}

// noRoom is the message's key for a quota of accounts that is used up.
func noRoom(quota limits.Kind) string {
	if quota == limits.Learners {
		return "roster.no_room_for_learners"
	}
	return "roster.no_room_for_staff"
}

func sameID(a, b *uuid.UUID) bool { return a == nil && b == nil || a != nil && b != nil && *a == *b }
