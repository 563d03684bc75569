package people

import (
	"context"
	"maps"

	"github.com/google/uuid"

	"lignum/api"
	"lignum/domain/catalog"
	"lignum/domain/classes"
	"lignum/domain/people"
	"lignum/policy"
	"lignum/tenants"
)

// mostNamed is how many accounts Names gives names of.
const mostNamed = 200

// Names returns names of those among ids that the actor may see in lists under the call's permission: accounts under user.read,
// classes and schools under class.read, courses with their lessons and tests under course.read. Others have none.
func Names(ctx context.Context, c *api.Call, ids []uuid.UUID) (map[uuid.UUID]string, error) {
	names := map[uuid.UUID]string{}
	if p := c.Permission(); p == policy.UserRead || p == policy.PlatformUserRead {
		list, err := ListUsers(ctx, c, UserFilter{ids: ids}, api.Paging{Limit: mostNamed})
		if err != nil {
			return nil, err
		}
		for _, u := range list.Items {
			names[u.ID] = u.GivenName + " " + u.FamilyName
		}
		return names, nil
	}
	if err := c.Permit(policy.Facts{Listing: true}); err != nil {
		return nil, err
	}
	var ask []func(context.Context, tenants.Querier, []uuid.UUID) (map[uuid.UUID]string, error)
	switch c.Permission() {
	case policy.ClassRead:
		ask = append(ask, people.SchoolNames, classes.Titles)
	case policy.CourseRead:
		ask = append(ask, catalog.Titles)
	}
	err := c.DB.ReadFresh(ctx, func(r *tenants.Reader) error {
		for _, of := range ask {
			found, err := of(ctx, r, ids)
			if err != nil {
				return err
			}
			maps.Copy(names, found)
		}
		return nil
	})
	return names, err
}
