// Package choices is what forms of staff offer to choose from: schools, courses, coaches; and how a choice that was typed is
// read. It has no pages: those of staff and coaches share it.
package choices

import (
	"context"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/google/uuid"

	"lignum/api"
	"lignum/api/catalogue"
	peopleapi "lignum/api/people"
	"lignum/api/web"
	"lignum/domain"
	"lignum/domain/catalog"
	"lignum/domain/classes"
	"lignum/domain/people"
	"lignum/policy"
)

// mostInList is how long a list gets of what does not grow with the people, such as a country's courses; they come in parts of 200.
const mostInList = 2000

// mostChoices is how many schools or teachers stand in a list. Where there are more, one writes a name, and the server finds it.
const mostChoices = 25

// EveryPage collects a list's parts until it ends or is as long as it may be.
func EveryPage[T any](page func(api.Paging) (*api.List[T], error)) ([]T, error) {
	var all []T
	for cursor := ""; len(all) < mostInList; {
		list, err := page(api.Paging{Cursor: cursor, Limit: 200})
		if err != nil {
			return nil, err
		}
		all = append(all, list.Items...)
		if cursor = list.Next; cursor == "" {
			break
		}
	}
	return all, nil
}

// CourseChoices returns the courses to choose from, after the choice of none.
func CourseChoices(ctx context.Context, c *api.Call) ([]web.Choice, error) {
	part, err := c.Under(policy.CourseRead)
	if err != nil {
		return nil, err
	}
	all, err := EveryPage(func(p api.Paging) (*api.List[catalog.Course], error) {
		return catalogue.ListCourses(ctx, part, catalog.CourseFilter{}, p)
	})
	choices := []web.Choice{{Value: "", Text: c.Say("choices.no_course_yet")}}
	for _, course := range all {
		choices = append(choices, web.Choice{Value: course.ID.String(), Text: course.Title})
	}
	return choices, err
}

// finder finds what somebody may mean who typed a name: at most one more than mostChoices.
type finder func(typed string) ([]web.Choice, error)

// Picked reads which one was chosen in the field of a name: from a list, or typed. What was typed must mean one thing, which is then settled in
// the form.
func Picked(f *web.Form, name string, find finder) (*uuid.UUID, error) {
	if !f.Has(name + "_typed") {
		return web.ChosenID(f, name)
	}
	typed := f.Text(name + "_typed")
	switch {
	case typed == "":
		f.Set(name, "")
		return nil, nil
	case typed == f.Text(name+"_found") && f.Text(name) != "":
		return web.ChosenID(f, name)
	}
	f.Set(name, "")
	found, err := find(typed)
	switch {
	case err != nil:
		return nil, err
	case len(found) == 0:
		return nil, domain.InvalidField(name, "choices.is_not_found_write_the")
	case len(found) > 1:
		return nil, domain.InvalidField(name, "choices.may_be_several_choose_one")
	}
	f.Set(name, found[0].Value).Set(name+"_found", typed)
	return web.ChosenID(f, name)
}

// pick shows the field of a name in which one types: with what is settled, whose name is is, or with what was typed to choose from.
func pick(f *web.Form, name, is, suggest string, find finder) (*web.Pick, error) {
	p := &web.Pick{Typed: is, Value: f.Get(name), Suggest: suggest}
	if !f.Has(name + "_typed") {
		return p, nil
	}
	if p.Typed = f.Text(name + "_typed"); p.Typed == "" || p.Value != "" && p.Typed == f.Text(name+"_found") {
		return p, nil
	}
	p.Value = ""
	found, err := find(p.Typed)
	p.More = len(found) > mostChoices
	p.Found = found[:min(len(found), mostChoices)]
	return p, err
}

// FindSchools finds schools by what somebody typed; with open those alone that are not closed.
func FindSchools(ctx context.Context, c *api.Call, open bool) finder {
	return func(typed string) (found []web.Choice, err error) {
		part, err := c.Under(policy.ClassRead)
		if err != nil {
			return nil, err
		}
		list, err := peopleapi.FindSchools(ctx, part, typed, open, mostChoices+1)
		for _, s := range list {
			found = append(found, web.Choice{Value: s.ID.String(), Text: schoolInWords(s)})
		}
		return found, err
	}
}

// schoolInWords tells schools of one name apart.
func schoolInWords(s people.School) string {
	words := s.Name
	if s.Region != "" {
		words += ", " + s.Region
	}
	if s.SourceID != nil {
		words += " (" + *s.SourceID + ")"
	}
	return words
}

// SchoolChoices offers the schools that the actor may put something into under a permission: whoever keeps to a school has that
// one alone. Closed schools are left out, but for the one where the thing is already.
func SchoolChoices(ctx context.Context, c *api.Call, p policy.Permission, none string, f *web.Form, name string) (web.Options, error) {
	if own := c.Claims.SchoolID; own != nil && !c.Would(p, policy.Facts{Covers: true}) {
		names, err := SchoolNames(ctx, c, own)
		return web.Options{List: []web.Choice{{Value: own.String(), Text: names[*own]}}}, err
	}
	return SchoolOptions(ctx, c, none, true, f, name)
}

// SchoolOptions offers all schools, or with open those that are not closed and the one that is chosen. none says what it is to choose none of them.
func SchoolOptions(ctx context.Context, c *api.Call, none string, open bool, f *web.Form, name string) (web.Options, error) {
	part, err := c.Under(policy.ClassRead)
	if err != nil {
		return web.Options{}, err
	}
	some, err := peopleapi.ListSchools(ctx, part, peopleapi.SchoolFilter{Open: open}, api.Paging{Limit: mostChoices})
	if err != nil {
		return web.Options{}, err
	}
	is := ""
	if id, err := uuid.Parse(f.Get(name)); err == nil {
		names, err := SchoolNames(ctx, c, &id)
		if err != nil {
			return web.Options{}, err
		}
		is = names[id]
	}
	if some.Next != "" {
		p, err := pick(f, name, is, "/api/v1/schools?limit=10&open="+strconv.FormatBool(open)+"&q=", FindSchools(ctx, c, open))
		if p != nil {
			p.Hint = c.Say("choices.write_some_of_the_school", "None", small(none))
		}
		return web.Options{Pick: p}, err
	}
	choices, listed := []web.Choice{{Value: "", Text: none}}, false
	for _, s := range some.Items {
		listed = listed || s.ID.String() == f.Get(name)
		choices = append(choices, web.Choice{Value: s.ID.String(), Text: s.Name})
	}
	if is != "" && !listed {
		choices = append(choices, web.Choice{Value: f.Get(name), Text: is})
	}
	return web.Options{List: choices}, nil
}

// small begins a text with a small letter, for the middle of a sentence.
func small(text string) string {
	first, size := utf8.DecodeRuneInString(text)
	return string(unicode.ToLower(first)) + text[size:]
}

// SchoolNames returns the names of the schools that a page shows; nil ones are none.
func SchoolNames(ctx context.Context, c *api.Call, ids ...*uuid.UUID) (map[uuid.UUID]string, error) {
	part, err := c.Under(policy.ClassRead)
	if err != nil {
		return nil, err
	}
	var some []uuid.UUID
	for _, id := range ids {
		if id != nil && !slices.Contains(some, *id) {
			some = append(some, *id)
		}
	}
	return peopleapi.SchoolNames(ctx, part, some)
}

// CoachChoices offers who may teach a class: oneself, who teaches it now, and, to those who see accounts, the staff.
func CoachChoices(ctx context.Context, c *api.Call, is *classes.Class, f *web.Form) (web.Options, error) {
	choices := []web.Choice{{Value: c.Claims.UserID.String(), Text: c.Say("choices.i_do", "UserName", c.Claims.UserName)}, {Value: "", Text: c.Say("choices.nobody_yet")}}
	have := map[string]bool{choices[0].Value: true}
	name := ""
	if f.Get("coach_id") == choices[0].Value {
		name = c.Claims.UserName
	}
	if is != nil && is.CoachID != nil {
		if f.Get("coach_id") == is.CoachID.String() {
			name = is.Coach
		}
		if !have[is.CoachID.String()] {
			choices = append(choices, web.Choice{Value: is.CoachID.String(), Text: is.Coach})
			have[is.CoachID.String()] = true
		}
	}
	staff, err := FindCoaches(ctx, c)("")
	if api.Refused(err) {
		return web.Options{List: choices}, nil // who is chosen already stays
	}
	if err != nil {
		return web.Options{}, err
	}
	if len(staff) > mostChoices {
		p, err := pick(f, "coach_id", name, "/api/v1/users?limit=10&state=active&role=teacher&q= /api/v1/users?limit=10&state=active&role=coach&q=", FindCoaches(ctx, c))
		if p != nil {
			p.Hint = c.Say("choices.write_some_of_the_coach", "UserName", c.Claims.UserName)
		}
		return web.Options{Pick: p}, err
	}
	for _, one := range staff {
		if !have[one.Value] {
			choices = append(choices, one)
		}
	}
	return web.Options{List: choices}, nil
}

// FindCoaches finds teachers and coaches by the beginnings of their names, or one by the user name: alone, or in brackets behind the name.
func FindCoaches(ctx context.Context, c *api.Call) finder {
	return func(typed string) (found []web.Choice, err error) {
		part, err := c.Under(policy.UserRead)
		if err != nil {
			return nil, err
		}
		if at := strings.LastIndexByte(typed, '('); at >= 0 && strings.HasSuffix(typed, ")") {
			typed = typed[at+1 : len(typed)-1]
		}
		for _, role := range []string{"teacher", "coach"} {
			list, err := peopleapi.ListUsers(ctx, part, peopleapi.UserFilter{Role: role, State: "active", Query: typed}, api.Paging{Limit: mostChoices + 1})
			if err != nil {
				return nil, err
			}
			for _, u := range list.Items {
				one := web.Choice{Value: u.ID.String(), Text: u.FamilyName + ", " + u.GivenName + " (" + u.UserName + ")"}
				if strings.EqualFold(u.UserName, typed) {
					return []web.Choice{one}, nil
				}
				if !slices.Contains(found, one) {
					found = append(found, one)
				}
			}
		}
		return found[:min(len(found), mostChoices+1)], nil
	}
}
