// Package calendar is when a tenant learns: its terms. When a test may be started is told beside the test (api/attempts).
package calendar

import (
	"context"
	"net/http"

	"github.com/google/uuid"

	"lignum/api"
	"lignum/domain"
	"lignum/domain/calendar"
	"lignum/policy"
	"lignum/tenants"
)

// TermRef names a term in a path.
type TermRef struct {
	Term uuid.UUID `path:"term" format:"uuid" doc:"The term's id"`
}

// TermInput is what a term is to be.
type TermInput struct {
	Title    string `json:"title" minLength:"1" maxLength:"100" example:"Christmas Term" doc:"The term's title"`
	StartsOn string `json:"starts_on" format:"date" doc:"The first day, in the years 1990 to 2200"`
	EndsOn   string `json:"ends_on" format:"date" doc:"The last day, after the first and within two years of it"`
}

// TermChange is what a term is to become.
type TermChange struct {
	TermInput
	Version string `json:"version,omitempty" maxLength:"64" doc:"The version that you read: the answer is 409 when somebody else has changed the term since"`
}

func (in *TermInput) fields() calendar.TermFields {
	return calendar.TermFields{Title: in.Title, StartsOn: in.StartsOn, EndsOn: in.EndsOn}
}

// Term is a term, with those whose days it crosses.
type Term struct {
	calendar.Term
	Crosses []string `json:"crosses" doc:"Titles of at most five other terms that overlap this one in part or have exactly its days. That is allowed; check whether it is meant. A term that lies within another is not listed"`
}

// Routes declares the terms.
func Routes(s *api.Server) {
	api.Query(s, api.Route{Path: "/api/v1/terms", Permission: policy.CalendarRead, Tag: "Calendar", Summary: "List the terms by first day"},
		func(ctx context.Context, c *api.Call, in *struct {
			api.Paging
			TermFilter
		}) (*api.List[calendar.Term], error) {
			return ListTerms(ctx, c, in.TermFilter, in.Paging)
		})
	api.Query(s, api.Route{Path: "/api/v1/terms/{term}", Permission: policy.CalendarRead, Tag: "Calendar", Summary: "Show a term"},
		func(ctx context.Context, c *api.Call, in *TermRef) (*Term, error) { return TermPage(ctx, c, in.Term) })
	api.Command(s, api.Route{Method: http.MethodPost, Path: "/api/v1/terms", Permission: policy.CalendarChange, Tag: "Calendar", Status: http.StatusCreated, Summary: "Add a term"},
		func(ctx context.Context, c *api.Call, tx *tenants.Tx, in *struct{ Body TermInput }) (*Term, error) {
			return CreateTerm(ctx, c, tx, in.Body)
		})
	api.Command(s, api.Route{Method: http.MethodPut, Path: "/api/v1/terms/{term}", Permission: policy.CalendarChange, Tag: "Calendar", Summary: "Change a term",
		Detail: "Classes keep their own first and last days. A term that comes from the country's own records (`source_id`) must be changed there: the answer is 409."},
		func(ctx context.Context, c *api.Call, tx *tenants.Tx, in *struct {
			TermRef
			Body TermChange
		}) (*Term, error) {
			return ChangeTerm(ctx, c, tx, in.Term, in.Body)
		})
	api.Command(s, api.Route{Method: http.MethodDelete, Path: "/api/v1/terms/{term}", Permission: policy.CalendarChange, Tag: "Calendar", Summary: "Remove a term",
		Detail: "The answer is 409 when classes belong to the term. A term that is still in the country's own records comes back with the next import."},
		func(ctx context.Context, c *api.Call, tx *tenants.Tx, in *TermRef) (*api.Done, error) {
			return RemoveTerm(ctx, c, tx, in.Term)
		})
}

// TermFilter narrows a list of terms.
type TermFilter struct {
	From string `query:"from" format:"date" doc:"Only terms that end on this day or later"`
}

// ListTerms lists the tenant's terms by their first days.
func ListTerms(ctx context.Context, c *api.Call, f TermFilter, p api.Paging) (*api.List[calendar.Term], error) {
	if err := c.Permit(policy.Facts{Listing: true}); err != nil {
		return nil, err
	}
	return api.ReadList(ctx, c.DB.Read, func(r *tenants.Reader) (domain.List[calendar.Term], error) {
		return calendar.Terms(ctx, r, f.From, p.Page())
	})
}

// TermPage returns a term.
func TermPage(ctx context.Context, c *api.Call, id uuid.UUID) (*Term, error) {
	if err := c.Permit(policy.Facts{}); err != nil {
		return nil, err
	}
	var t *Term
	err := c.DB.ReadFresh(ctx, func(r *tenants.Reader) error {
		is, err := calendar.TermByID(ctx, r, id)
		if err != nil {
			return err
		}
		t, err = crossed(ctx, r, is)
		return err
	})
	return t, err
}

// CreateTerm adds a term.
func CreateTerm(ctx context.Context, c *api.Call, tx *tenants.Tx, in TermInput) (*Term, error) {
	if err := c.Permit(policy.Facts{}); err != nil {
		return nil, err
	}
	t, err := calendar.CreateTerm(ctx, tx, in.fields())
	if err != nil {
		return nil, err
	}
	return crossed(ctx, tx, t)
}

// ChangeTerm changes a term's title and days.
func ChangeTerm(ctx context.Context, c *api.Call, tx *tenants.Tx, id uuid.UUID, in TermChange) (*Term, error) {
	if err := c.Permit(policy.Facts{}); err != nil {
		return nil, err
	}
	t, err := calendar.ChangeTerm(ctx, tx, id, in.fields(), in.Version)
	if err != nil {
		return nil, err
	}
	return crossed(ctx, tx, t)
}

// RemoveTerm takes a term out of the calendar.
func RemoveTerm(ctx context.Context, c *api.Call, tx *tenants.Tx, id uuid.UUID) (*api.Done, error) {
	if err := c.Permit(policy.Facts{}); err != nil {
		return nil, err
	}
	return &api.Done{Done: true}, calendar.RemoveTerm(ctx, tx, id)
}

func crossed(ctx context.Context, q tenants.Querier, t calendar.Term) (*Term, error) {
	titles, err := calendar.Crossing(ctx, q, t)
	return &Term{t, titles}, err
}
