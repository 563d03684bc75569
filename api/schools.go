package api

import (
	"context"

	"lignum/domain/people"
	"lignum/policy"
	"lignum/tenants"
)

func init() { resources = append(resources, schools) }

// schools is where people learn.
func schools(s *Server) {
	Query(s, Route{Path: "/api/v1/schools", Permission: policy.ClassRead, Tag: "Classes", Summary: "The tenant's schools, by name"},
		func(ctx context.Context, c *Call, in *struct {
			Paging
			Region string `query:"region" maxLength:"100"`
		}) (*List[people.School], error) {
			return ListSchools(ctx, c, in.Region, in.Paging)
		})
}

// ListSchools lists the tenant's schools by name, of one region or ("") of all.
func ListSchools(ctx context.Context, c *Call, region string, p Paging) (*List[people.School], error) {
	if err := c.Permit(policy.Facts{Listing: true}); err != nil {
		return nil, err
	}
	var page people.SchoolPage
	err := c.DB.Read(ctx, func(r *tenants.Reader) (err error) {
		page, err = people.Schools(ctx, r, region, p.Cursor, p.Limit)
		return err
	})
	return listOf(page.Schools, page.Next, err)
}
