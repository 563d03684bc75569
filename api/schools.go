package api

import (
	"context"
	"net/http"

	"github.com/google/uuid"

	"lignum/domain/people"
	"lignum/policy"
	"lignum/tenants"
)

func init() { resources = append(resources, schools) }

// SchoolRef names a school in a path.
type SchoolRef struct {
	School uuid.UUID `path:"school" format:"uuid"`
}

// SchoolChange is what a school is to be.
type SchoolChange struct {
	SourceID *string `json:"source_id,omitempty" maxLength:"255" doc:"Its code in the country's own records, by which a roster finds it"`
	Name     string  `json:"name" minLength:"1" maxLength:"200"`
	Kind     string  `json:"kind" minLength:"1" maxLength:"40" example:"secondary"`
	Region   string  `json:"region,omitempty" maxLength:"100" doc:"Figures are by region"`
	State    string  `json:"state,omitempty" enum:"active,closed" default:"active"`
	Version  string  `json:"version,omitempty" maxLength:"64" doc:"That was read; 409 when somebody else changed the school since"`
}

func (s *SchoolChange) fields() people.SchoolFields {
	return people.SchoolFields{SourceID: s.SourceID, Name: s.Name, Kind: s.Kind, Region: s.Region, State: s.State}
}

// schools is where people learn.
func schools(s *Server) {
	Query(s, Route{Path: "/api/v1/schools", Permission: policy.ClassRead, Tag: "Schools", Summary: "The tenant's schools, by name"},
		func(ctx context.Context, c *Call, in *struct {
			Paging
			Region string `query:"region" maxLength:"100"`
		}) (*List[people.School], error) {
			return ListSchools(ctx, c, in.Region, in.Paging)
		})
	Query(s, Route{Path: "/api/v1/schools/{school}", Permission: policy.ClassRead, Tag: "Schools", Summary: "A school"},
		func(ctx context.Context, c *Call, in *SchoolRef) (*people.School, error) {
			return SchoolPage(ctx, c, in.School)
		})
	Command(s, Route{Method: http.MethodPost, Path: "/api/v1/schools", Permission: policy.SchoolChange, Tag: "Schools", Status: http.StatusCreated, Summary: "Add a school"},
		func(ctx context.Context, c *Call, tx *tenants.Tx, in *struct{ Body SchoolChange }) (*people.School, error) {
			return CreateSchool(ctx, c, tx, in.Body)
		})
	Command(s, Route{Method: http.MethodPut, Path: "/api/v1/schools/{school}", Permission: policy.SchoolChange, Tag: "Schools", Summary: "Correct a school, or close it",
		Detail: "A closed school keeps its people and records; nothing new is put into it on the pages."},
		func(ctx context.Context, c *Call, tx *tenants.Tx, in *struct {
			SchoolRef
			Body SchoolChange
		}) (*people.School, error) {
			return ChangeSchool(ctx, c, tx, in.School, in.Body)
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

// AllSchools gives the tenant's schools by name, at once, for those who choose one of them: at most people.MostSchools.
func AllSchools(ctx context.Context, c *Call) (list []people.School, err error) {
	if err := c.Permit(policy.Facts{Listing: true}); err != nil {
		return nil, err
	}
	err = c.DB.Read(ctx, func(r *tenants.Reader) (err error) {
		list, err = people.AllSchools(ctx, r)
		return err
	})
	return list, err
}

// SchoolNames gives the names of some schools by their ids.
func SchoolNames(ctx context.Context, c *Call, ids []uuid.UUID) (names map[uuid.UUID]string, err error) {
	if err := c.Permit(policy.Facts{Listing: true}); err != nil {
		return nil, err
	}
	err = c.DB.Read(ctx, func(r *tenants.Reader) (err error) {
		names, err = people.SchoolNames(ctx, r, ids)
		return err
	})
	return names, err
}

// SchoolPage gives a school.
func SchoolPage(ctx context.Context, c *Call, id uuid.UUID) (*people.School, error) {
	if err := c.Permit(policy.Facts{}); err != nil {
		return nil, err
	}
	var s people.School
	err := c.DB.ReadFresh(ctx, func(r *tenants.Reader) (err error) {
		s, err = people.SchoolByID(ctx, r, id)
		return err
	})
	return &s, err
}

// CreateSchool adds a school.
func CreateSchool(ctx context.Context, c *Call, tx *tenants.Tx, in SchoolChange) (*people.School, error) {
	if err := c.Permit(policy.Facts{}); err != nil {
		return nil, err
	}
	s, err := people.CreateSchool(ctx, tx, in.fields())
	return &s, err
}

// ChangeSchool corrects a school.
func ChangeSchool(ctx context.Context, c *Call, tx *tenants.Tx, id uuid.UUID, in SchoolChange) (*people.School, error) {
	if err := c.Permit(policy.Facts{}); err != nil {
		return nil, err
	}
	s, err := people.ChangeSchool(ctx, tx, id, in.fields(), in.Version)
	return &s, err
}
