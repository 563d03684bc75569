package people

import (
	"context"
	"net/http"

	"github.com/google/uuid"

	"lignum/api"
	"lignum/domain"
	"lignum/domain/identity"
	"lignum/domain/people"
	"lignum/policy"
	"lignum/tenants"
)

// ResetRef names a request for a new card in a path.
type ResetRef struct {
	Request uuid.UUID `path:"request" format:"uuid" doc:"The request's id"`
}

// ResetRoutes declares how a teacher gets a new card for a learner who forgot the password: the learner's school approves it.
func ResetRoutes(s *api.Server) {
	api.Query(s, api.Route{Path: "/api/v1/reset-requests", Permission: policy.ResetRead, Tag: "Users", Summary: "List requests for new sign-in cards, newest first",
		Detail: "A school administrator sees the requests for the school's people, a teacher their own requests."},
		func(ctx context.Context, c *api.Call, in *struct {
			api.Paging
			ResetFilter
		}) (*api.List[identity.ResetRequest], error) {
			return ListResets(ctx, c, in.ResetFilter, in.Paging)
		})
	api.Command(s, api.Route{Method: http.MethodPost, Path: "/api/v1/users/{user}/reset-requests", Permission: policy.ResetAsk, Tag: "Users", Status: http.StatusCreated,
		Summary: "Ask a learner's school for a new sign-in card", Detail: "Once it is approved, the teacher who asked can print one card (`POST /users/{user}/reset`) within three days. The learner and the school are told."},
		func(ctx context.Context, c *api.Call, tx *tenants.Tx, in *struct {
			UserRef
			Body struct {
				Reason string `json:"reason" minLength:"3" maxLength:"500" doc:"Why a new card is needed; shown to the school, and in the audit trail"`
			}
		}) (*identity.ResetRequest, error) {
			return AskReset(ctx, c, tx, in.User, in.Body.Reason)
		})
	api.Command(s, api.Route{Method: http.MethodPost, Path: "/api/v1/reset-requests/{request}/approval", Permission: policy.UserReset, Tag: "Users", Summary: "Approve a request for a new sign-in card",
		Detail: "The approval holds for this account, this teacher and one card, and lapses after three days."},
		func(ctx context.Context, c *api.Call, tx *tenants.Tx, in *ResetRef) (*identity.ResetRequest, error) {
			return ApproveReset(ctx, c, tx, in.Request)
		})
	api.Command(s, api.Route{Method: http.MethodPost, Path: "/api/v1/reset-requests/{request}/refusal", Permission: policy.UserReset, Tag: "Users", Summary: "Refuse a new sign-in card"},
		func(ctx context.Context, c *api.Call, tx *tenants.Tx, in *struct {
			ResetRef
			Body struct {
				Reason string `json:"reason" minLength:"3" maxLength:"500" doc:"Why the request is refused; shown to the teacher"`
			}
		}) (*identity.ResetRequest, error) {
			return RefuseReset(ctx, c, tx, in.Request, in.Body.Reason)
		})
}

// ResetFilter says which requests to list. Conditions add up.
type ResetFilter struct {
	Waiting bool      `query:"waiting" doc:"Only requests that wait for an answer"`
	User    uuid.UUID `query:"user" format:"uuid" doc:"Only requests for this account"`
}

// ListResets lists requests for new cards: of the actor's school, or their own.
func ListResets(ctx context.Context, c *api.Call, f ResetFilter, p api.Paging) (*api.List[identity.ResetRequest], error) {
	d, err := c.Decide(policy.Facts{Listing: true})
	if err != nil {
		return nil, err
	}
	filter := identity.ResetFilter{UserID: f.User, Waiting: f.Waiting}
	switch d.Scope {
	case policy.Whole:
	case policy.School:
		filter.SchoolOf = c.Claims.UserID
	case policy.Assigned, policy.Own:
		filter.AskedBy = c.Claims.UserID
	case policy.Region, policy.Aggregate:
		return nil, api.FiguresOnly()
	default:
		return nil, api.FiguresOnly()
	}
	return api.ReadList(ctx, c.DB.ReadFresh, func(r *tenants.Reader) (domain.List[identity.ResetRequest], error) {
		return identity.ResetRequests(ctx, r, filter, p.Page(), c.Now)
	})
}

// AskReset asks a learner's school for a new card, which the signed-in teacher may then print.
func AskReset(ctx context.Context, c *api.Call, tx *tenants.Tx, user uuid.UUID, reason string) (*identity.ResetRequest, error) {
	if err := mayOn(ctx, c, tx, user); err != nil {
		return nil, err
	}
	r, err := identity.AskReset(ctx, tx, user, reason, c.Now)
	return &r, err
}

// ApproveReset lets the teacher who asked print one card.
func ApproveReset(ctx context.Context, c *api.Call, tx *tenants.Tx, id uuid.UUID) (*identity.ResetRequest, error) {
	if err := mayDecide(ctx, c, tx, id); err != nil {
		return nil, err
	}
	r, err := identity.ApproveReset(ctx, tx, id, c.Now)
	return &r, err
}

// RefuseReset refuses a new card for a reason that the teacher is shown.
func RefuseReset(ctx context.Context, c *api.Call, tx *tenants.Tx, id uuid.UUID, why string) (*identity.ResetRequest, error) {
	if err := mayDecide(ctx, c, tx, id); err != nil {
		return nil, err
	}
	r, err := identity.RefuseReset(ctx, tx, id, why, c.Now)
	return &r, err
}

// mayDecide asks the policy about the account that a request is for. Whoever decides must be able to reset it without being
// asked: what lets a teacher print a card does not count.
func mayDecide(ctx context.Context, c *api.Call, tx *tenants.Tx, id uuid.UUID) error {
	r, err := identity.ResetRequestByID(ctx, tx, id, c.Now)
	if err != nil {
		return err
	}
	facts, err := aboutUser(ctx, c, tx, r.UserID)
	if err != nil {
		return err
	}
	facts.Unclaimed, facts.ResetApproved = false, false
	return c.Permit(facts)
}

// CardState is how far a teacher is with a new card for a learner.
type CardState struct {
	User      people.User
	Unclaimed bool                   // nobody has ever chosen a password: a card may be printed at once
	MayPrint  bool                   // at once, or by an approval
	Waits     bool                   // for the school's answer
	Request   *identity.ResetRequest // the teacher's last one; nil: there is none
}

// CardPage tells the signed-in teacher how far they are with a new card for a learner.
func CardPage(ctx context.Context, c *api.Call, learner uuid.UUID) (*CardState, error) {
	var s CardState
	err := c.DB.ReadFresh(ctx, func(r *tenants.Reader) error {
		facts, err := aboutUser(ctx, c, r, learner)
		if err != nil {
			return err
		}
		if err := c.Permit(facts); err != nil {
			return err
		}
		if s.User, err = people.UserByID(ctx, r, learner); err != nil {
			return err
		}
		list, err := identity.ResetRequests(ctx, r, identity.ResetFilter{AskedBy: c.Claims.UserID, UserID: learner}, domain.Page{Limit: 1}, c.Now)
		if len(list.Items) > 0 {
			s.Request, s.Waits = &list.Items[0], list.Items[0].State == identity.ResetAsked
		}
		s.Unclaimed, s.MayPrint = facts.Unclaimed, facts.Unclaimed || facts.ResetApproved
		return err
	})
	return &s, err
}

// WaitingResets are the requests that wait for somebody who decides them; nothing for a teacher.
func WaitingResets(ctx context.Context, c *api.Call) ([]identity.ResetRequest, error) {
	if !c.May(policy.UserRead) {
		return nil, nil
	}
	part, err := c.Under(policy.ResetRead)
	if api.Refused(err) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	list, err := ListResets(ctx, part, ResetFilter{Waiting: true}, api.Paging{Limit: 10})
	if err != nil {
		return nil, err
	}
	return list.Items, nil
}
