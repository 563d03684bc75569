// Package guardians is what guardians see and decide, and who makes somebody one. A child's record itself is
// read as coaches read it (api/coaching).
package guardians

import (
	"context"
	"net/http"

	"github.com/google/uuid"

	"lignum/api"
	coachingapi "lignum/api/coaching"
	"lignum/domain"
	"lignum/domain/classes"
	"lignum/domain/people"
	"lignum/policy"
	"lignum/tenants"
)

// ChildRef names a child in a path.
type ChildRef struct {
	Child uuid.UUID `path:"child" format:"uuid" doc:"The child's id"`
}

// Routes declares the routes of this area.
func Routes(s *api.Server) {
	api.Query(s, api.Route{Path: "/api/v1/me/children", Permission: policy.ChildRead, Tag: "Guardians", Summary: "List your children, with the consent that you gave for each"},
		func(ctx context.Context, c *api.Call, _ *struct{}) (*api.List[people.Child], error) {
			return MyChildren(ctx, c)
		})
	api.Query(s, api.Route{Path: "/api/v1/me/children/{child}", Permission: policy.ChildRead, Tag: "Guardians", Summary: "Show the progress of your child"},
		func(ctx context.Context, c *api.Call, in *ChildRef) (*coachingapi.LearnerRecord, error) {
			return ChildPage(ctx, c, in.Child)
		})
	api.Command(s, api.Route{Method: http.MethodPut, Path: "/api/v1/me/children/{child}/consent", Permission: policy.ConsentChange, Tag: "Guardians", Summary: "Give or withdraw consent for your child"},
		func(ctx context.Context, c *api.Call, tx *tenants.Tx, in *struct {
			ChildRef
			Body struct {
				Consent bool `json:"consent" doc:"True to give consent, false to withdraw it"`
			}
		}) (*api.Done, error) {
			return SetConsent(ctx, c, tx, in.Child, in.Body.Consent)
		})
	api.Command(s, api.Route{Method: http.MethodPost, Path: "/api/v1/learners/{learner}/guardians", Permission: policy.GuardianLink, Tag: "Guardians", Status: http.StatusCreated,
		Summary: "Link a guardian to a learner", Detail: "The link comes without consent, which only the guardian can give."},
		func(ctx context.Context, c *api.Call, tx *tenants.Tx, in *struct {
			Learner uuid.UUID `path:"learner" format:"uuid" doc:"The learner's id"`
			Body    struct {
				GuardianID   uuid.UUID `json:"guardian_id" format:"uuid" doc:"The id of the guardian's account"`
				Relationship string    `json:"relationship" minLength:"1" maxLength:"40" example:"mother" doc:"What the guardian is to the learner"`
			}
		}) (*api.Done, error) {
			return LinkGuardian(ctx, c, tx, in.Learner, in.Body.GuardianID, in.Body.Relationship)
		})
	api.Command(s, api.Route{Method: http.MethodDelete, Path: "/api/v1/learners/{learner}/guardians/{guardian}", Permission: policy.GuardianLink, Tag: "Guardians", Summary: "Unlink a guardian from a learner"},
		func(ctx context.Context, c *api.Call, tx *tenants.Tx, in *struct {
			Learner  uuid.UUID `path:"learner" format:"uuid" doc:"The learner's id"`
			Guardian uuid.UUID `path:"guardian" format:"uuid" doc:"The guardian's id"`
		}) (*api.Done, error) {
			return UnlinkGuardian(ctx, c, tx, in.Learner, in.Guardian)
		})
}

// MyChildren lists the learners whose guardian the signed-in person is.
func MyChildren(ctx context.Context, c *api.Call) (*api.List[people.Child], error) {
	if err := c.Permit(policy.Facts{Listing: true}); err != nil {
		return nil, err
	}
	var items []people.Child
	err := c.DB.ReadFresh(ctx, func(r *tenants.Reader) (err error) {
		items, err = people.Children(ctx, r, c.Claims.UserID)
		return err
	})
	return api.ListOf(items, "", err)
}

// FactsAbout says for the policy whether the signed-in person is a child's guardian, and whether they gave consent.
func FactsAbout(ctx context.Context, c *api.Call, q tenants.Querier, child uuid.UUID) (policy.Facts, error) {
	linked, consent, err := people.GuardianOf(ctx, q, c.Claims.UserID, child)
	return policy.Facts{GuardianOf: linked, GuardianConsent: consent}, err
}

// ChildPage returns the record of the signed-in guardian's child.
func ChildPage(ctx context.Context, c *api.Call, child uuid.UUID) (*coachingapi.LearnerRecord, error) {
	var facts policy.Facts
	err := c.DB.ReadFresh(ctx, func(r *tenants.Reader) (err error) {
		facts, err = FactsAbout(ctx, c, r, child)
		return err
	})
	if err != nil {
		return nil, err
	}
	if err := c.Permit(facts); err != nil {
		return nil, err
	}
	return coachingapi.RecordOf(ctx, c, child)
}

// SetConsent gives or withdraws the signed-in guardian's consent for a child.
func SetConsent(ctx context.Context, c *api.Call, tx *tenants.Tx, child uuid.UUID, consent bool) (*api.Done, error) {
	facts, err := FactsAbout(ctx, c, tx, child)
	if err != nil {
		return nil, err
	}
	if err := c.Permit(facts); err != nil {
		return nil, err
	}
	return &api.Done{Done: true}, people.SetConsent(ctx, tx, c.Claims.UserID, child, consent, c.Now)
}

func mayLink(ctx context.Context, c *api.Call, tx *tenants.Tx, learner uuid.UUID) error {
	t, err := classes.TiesTo(ctx, tx, c.Claims.UserID, learner)
	if err != nil {
		return err
	}
	return c.Permit(policy.Facts{SameSchool: t.SameSchool})
}

// LinkGuardian ties a guardian to a learner.
func LinkGuardian(ctx context.Context, c *api.Call, tx *tenants.Tx, learner, guardian uuid.UUID, relationship string) (*api.Done, error) {
	if err := mayLink(ctx, c, tx, learner); err != nil {
		return nil, err
	}
	if guardian == c.Claims.UserID { // the tie opens the child's record, wherever the guardian goes
		return nil, domain.Refuse(domain.Forbidden, "guardians.nobody_makes_themselves_a_guardian")
	}
	return &api.Done{Done: true}, people.LinkGuardian(ctx, tx, guardian, learner, relationship, c.Now)
}

// UnlinkGuardian ends the tie of a guardian to a learner.
func UnlinkGuardian(ctx context.Context, c *api.Call, tx *tenants.Tx, learner, guardian uuid.UUID) (*api.Done, error) {
	if err := mayLink(ctx, c, tx, learner); err != nil {
		return nil, err
	}
	return &api.Done{Done: true}, people.UnlinkGuardian(ctx, tx, guardian, learner, c.Now)
}
