package people

import (
	"context"
	"net/http"

	"github.com/google/uuid"

	"lignum/api"
	"lignum/domain"
	"lignum/domain/people"
	"lignum/policy"
	"lignum/tenants"
)

// SchoolRef names a school in a path.
type SchoolRef struct {
	School uuid.UUID `path:"school" format:"uuid" doc:"The school's id"`
}

// SchoolChange is what a school is to be.
type SchoolChange struct {
	SourceID *string `json:"source_id,omitempty" maxLength:"255" doc:"The school's code in the country's own records, by which an import finds it"`
	Name     string  `json:"name" minLength:"1" maxLength:"200" doc:"The school's name"`
	Kind     string  `json:"kind" minLength:"1" maxLength:"40" example:"secondary" doc:"The kind of school"`
	Region   string  `json:"region,omitempty" maxLength:"100" doc:"The region by which figures are counted"`
	State    string  `json:"state,omitempty" enum:"active,closed" default:"active" doc:"Whether the school is closed"`
	Version  string  `json:"version,omitempty" maxLength:"64" doc:"The version that you read: the answer is 409 when somebody else has changed the school since"`
}

func (s *SchoolChange) fields() people.SchoolFields {
	return people.SchoolFields{SourceID: s.SourceID, Name: s.Name, Kind: s.Kind, Region: s.Region, State: people.SchoolState(s.State)}
}

// SchoolRoutes declares where people learn.
func SchoolRoutes(s *api.Server) {
	api.Query(s, api.Route{Path: "/api/v1/schools", Permission: policy.ClassRead, Tag: "Schools", Summary: "List the schools by name"},
		func(ctx context.Context, c *api.Call, in *struct {
			api.Paging
			SchoolFilter
		}) (*api.List[people.School], error) {
			return ListSchools(ctx, c, in.SchoolFilter, in.Paging)
		})
	api.Query(s, api.Route{Path: "/api/v1/schools/{school}", Permission: policy.ClassRead, Tag: "Schools", Summary: "Show a school"},
		func(ctx context.Context, c *api.Call, in *SchoolRef) (*people.School, error) {
			return SchoolPage(ctx, c, in.School)
		})
	api.Command(s, api.Route{Method: http.MethodPost, Path: "/api/v1/schools", Permission: policy.SchoolChange, Tag: "Schools", Status: http.StatusCreated, Summary: "Add a school"},
		func(ctx context.Context, c *api.Call, tx *tenants.Tx, in *struct{ Body SchoolChange }) (*people.School, error) {
			return CreateSchool(ctx, c, tx, in.Body)
		})
	api.Command(s, api.Route{Method: http.MethodPut, Path: "/api/v1/schools/{school}", Permission: policy.SchoolChange, Tag: "Schools", Summary: "Change a school, or close it",
		Detail: "A closed school keeps its people and records. The web pages no longer offer it for new ones."},
		func(ctx context.Context, c *api.Call, tx *tenants.Tx, in *struct {
			SchoolRef
			Body SchoolChange
		}) (*people.School, error) {
			return ChangeSchool(ctx, c, tx, in.School, in.Body)
		})
}

// SchoolFilter narrows a list of schools. Conditions add up.
type SchoolFilter struct {
	Query  string `query:"q" maxLength:"100" doc:"Only schools with words in the name or the code that begin so"`
	Region string `query:"region" maxLength:"100" doc:"Only schools of this region"`
	Open   bool   `query:"open" doc:"Only schools that are not closed"`
}

// ListSchools lists the tenant's schools by name.
func ListSchools(ctx context.Context, c *api.Call, f SchoolFilter, p api.Paging) (*api.List[people.School], error) {
	if err := c.Permit(policy.Facts{Listing: true}); err != nil {
		return nil, err
	}
	return api.ReadList(ctx, c.DB.Read, func(r *tenants.Reader) (domain.List[people.School], error) {
		return people.Schools(ctx, r, people.SchoolFilter{Query: f.Query, Region: f.Region, Open: f.Open}, p.Page())
	})
}

// FindSchools gives the schools that somebody may mean who typed this: of exactly this name or code, or else those that have all words of
// it, at most limit; with open those alone that are not closed.
func FindSchools(ctx context.Context, c *api.Call, typed string, open bool, limit int) (found []people.School, err error) {
	if err := c.Permit(policy.Facts{Listing: true}); err != nil {
		return nil, err
	}
	err = c.DB.Read(ctx, func(r *tenants.Reader) (err error) {
		if found, err = people.SchoolsNamed(ctx, r, typed, open, limit); err != nil || len(found) > 0 {
			return err
		}
		list, err := people.Schools(ctx, r, people.SchoolFilter{Query: typed, Open: open}, domain.Page{Limit: limit})
		found = list.Items
		return err
	})
	return found, err
}

// Regions gives the names of the regions that have schools.
func Regions(ctx context.Context, c *api.Call) (list []string, err error) {
	if err := c.Permit(policy.Facts{Listing: true}); err != nil {
		return nil, err
	}
	err = c.DB.Read(ctx, func(r *tenants.Reader) (err error) {
		list, err = people.Regions(ctx, r)
		return err
	})
	return list, err
}

// SchoolNames gives the names of some schools by their ids.
func SchoolNames(ctx context.Context, c *api.Call, ids []uuid.UUID) (names map[uuid.UUID]string, err error) {
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
func SchoolPage(ctx context.Context, c *api.Call, id uuid.UUID) (*people.School, error) {
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
func CreateSchool(ctx context.Context, c *api.Call, tx *tenants.Tx, in SchoolChange) (*people.School, error) {
	if err := c.Permit(policy.Facts{}); err != nil {
		return nil, err
	}
	s, err := people.CreateSchool(ctx, tx, in.fields())
	return &s, err
}

// ChangeSchool corrects a school.
func ChangeSchool(ctx context.Context, c *api.Call, tx *tenants.Tx, id uuid.UUID, in SchoolChange) (*people.School, error) {
	if err := c.Permit(policy.Facts{}); err != nil {
		return nil, err
	}
	s, err := people.ChangeSchool(ctx, tx, id, in.fields(), in.Version)
	return &s, err
}
