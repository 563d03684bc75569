package portal

import (
	"context"
	"slices"

	"github.com/google/uuid"

	"lignum/api"
	"lignum/api/web"
	"lignum/domain/catalog"
	"lignum/domain/classes"
	"lignum/domain/people"
	"lignum/policy"
)

// mostChoices is how long a select gets; a country's courses and schools come in parts of 200.
const mostChoices = 2000

// everyPage collects a list's parts until it ends or is as long as a select may be.
func everyPage[T any](page func(api.Paging) (*api.List[T], error)) ([]T, error) {
	var all []T
	for cursor := ""; len(all) < mostChoices; {
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

func courseChoices(ctx context.Context, c *api.Call) ([]web.Choice, error) {
	part, err := c.Under(policy.CourseRead)
	if err != nil {
		return nil, err
	}
	all, err := everyPage(func(p api.Paging) (*api.List[catalog.Course], error) {
		return api.ListCourses(ctx, part, catalog.CourseFilter{}, p)
	})
	choices := []web.Choice{{Value: "", Text: "None yet"}}
	for _, course := range all {
		choices = append(choices, web.Choice{Value: course.ID.String(), Text: course.Title})
	}
	return choices, err
}

// schoolChoices offers the schools that the actor may put something into under a permission: whoever keeps to a school has that
// one alone. Closed schools are left out, but for the one where the thing is already.
func schoolChoices(ctx context.Context, c *api.Call, p policy.Permission, none, is string) ([]web.Choice, error) {
	if own := c.Claims.SchoolID; own != nil && !c.Would(p, policy.Facts{Covers: true}) {
		names, err := schoolNames(ctx, c, own)
		return []web.Choice{{Value: own.String(), Text: names[*own]}}, err
	}
	all, err := allSchools(ctx, c)
	if err != nil {
		return nil, err
	}
	choices := []web.Choice{{Value: "", Text: none}}
	for _, s := range all {
		if s.State != people.SchoolClosed || s.ID.String() == is {
			choices = append(choices, web.Choice{Value: s.ID.String(), Text: s.Name})
		}
	}
	return choices, nil
}

// allSchools are the tenant's schools by name.
func allSchools(ctx context.Context, c *api.Call) ([]people.School, error) {
	part, err := c.Under(policy.ClassRead)
	if err != nil {
		return nil, err
	}
	return api.AllSchools(ctx, part)
}

// schoolNames gives the names of the schools that a page shows; nil ones are none.
func schoolNames(ctx context.Context, c *api.Call, ids ...*uuid.UUID) (map[uuid.UUID]string, error) {
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
	return api.SchoolNames(ctx, part, some)
}

// coachChoices offers who may teach a class: oneself, who teaches it now, and, to those who see accounts, the staff.
func coachChoices(ctx context.Context, c *api.Call, is *classes.Class) ([]web.Choice, error) {
	choices := []web.Choice{{Value: c.Claims.UserID.String(), Text: "I do (" + c.Claims.UserName + ")"}, {Value: "", Text: "Nobody yet"}}
	have := map[string]bool{choices[0].Value: true}
	if is != nil && is.CoachID != nil && !have[is.CoachID.String()] {
		choices = append(choices, web.Choice{Value: is.CoachID.String(), Text: is.Coach})
		have[is.CoachID.String()] = true
	}
	part, err := c.Under(policy.UserRead)
	if err != nil {
		return choices, nil //nolint:nilerr // refused: who is chosen already stays
	}
	for _, role := range []string{"teacher", "coach"} {
		all, err := everyPage(func(p api.Paging) (*api.List[people.User], error) {
			return api.ListUsers(ctx, part, api.UserFilter{Role: role, State: "active"}, p)
		})
		if err != nil {
			return nil, err
		}
		for _, u := range all {
			if !have[u.ID.String()] {
				have[u.ID.String()] = true
				choices = append(choices, web.Choice{Value: u.ID.String(), Text: u.FamilyName + ", " + u.GivenName + " (" + u.UserName + ")"})
			}
		}
	}
	return choices, nil
}
