// Package points is what learners earn, and how they stand. Nothing is earned here: points come with lessons and tests.
package points

import (
	"context"
	"net/http"

	"github.com/google/uuid"

	"lignum/api"
	"lignum/api/guardians"
	"lignum/domain"
	"lignum/domain/classes"
	"lignum/domain/people"
	"lignum/domain/points"
	"lignum/policy"
	"lignum/tenants"
)

// Routes declares the routes of this area.
func Routes(s *api.Server) {
	api.Query(s, api.Route{Path: "/api/v1/me/points", Permission: policy.PointsRead, Tag: "Points", Summary: "Show your points"},
		func(ctx context.Context, c *api.Call, _ *struct{}) (*points.Own, error) { return MyPoints(ctx, c) })
	api.Query(s, api.Route{Path: "/api/v1/points/rules", Permission: policy.PointsRead, Tag: "Points", Summary: "List the rules by which points are earned"},
		func(ctx context.Context, c *api.Call, _ *struct{}) (*api.List[points.Rule], error) {
			return api.ListOf(points.Rules, "", c.Permit(policy.Facts{Owner: true}))
		})
	api.Query(s, api.Route{Path: "/api/v1/leaderboard", Permission: policy.LeaderboardRead, Tag: "Points", Summary: "Show the leaderboard and your rank",
		Detail: "It is your school's or a class's, or the whole tenant's where the rules allow it. Others are shown by given name and initial, and only those who take part."},
		func(ctx context.Context, c *api.Call, in *struct {
			Scope  string    `query:"scope" enum:"school,class,tenant" doc:"Whose leaderboard; without it that of the class in the parameter class, or else of your school"`
			Class  uuid.UUID `query:"class" format:"uuid" doc:"The class, where the leaderboard is that of a class"`
			Period string    `query:"period" default:"all" maxLength:"7" doc:"The month, such as 2026-11, or all"`
			Limit  int       `query:"limit" minimum:"1" maximum:"100" default:"10" doc:"The most ranks to list"`
		}) (*points.Board, error) {
			return Leaderboard(ctx, c, LeaderboardFilter{points.Among(in.Scope), in.Class, in.Period, in.Limit})
		})
	api.Command(s, api.Route{Method: http.MethodPut, Path: "/api/v1/me/leaderboard", Permission: policy.ProfileChange, Tag: "Points", Summary: "Join the leaderboards, or leave them",
		Detail: "Nobody is on a leaderboard without having joined. Where the tenant lets guardians decide, a learner can only leave."},
		func(ctx context.Context, c *api.Call, tx *tenants.Tx, in *struct {
			Body struct {
				Listed bool `json:"listed" doc:"True to be on the leaderboards, false to be off them"`
			}
		}) (*api.Done, error) {
			return SetListed(ctx, c, tx, in.Body.Listed)
		})
	api.Command(s, api.Route{Method: http.MethodPut, Path: "/api/v1/me/children/{child}/leaderboard", Permission: policy.ConsentChange, Tag: "Guardians", Summary: "Put your child on the leaderboards, or take your child off",
		Detail: "Where the tenant lets learners decide, a guardian can only take the child off."},
		func(ctx context.Context, c *api.Call, tx *tenants.Tx, in *struct {
			guardians.ChildRef
			Body struct {
				Listed bool `json:"listed" doc:"True to be on the leaderboards, false to be off them"`
			}
		}) (*api.Done, error) {
			return SetChildListed(ctx, c, tx, in.Child, in.Body.Listed)
		})
}

// MyPoints returns the signed-in learner's points.
func MyPoints(ctx context.Context, c *api.Call) (*points.Own, error) {
	var r api.Reading
	own := &points.Own{}
	if err := QueueMine(c, &r, own); err != nil {
		return nil, err
	}
	if err := r.Run(ctx, c); err != nil {
		return nil, err
	}
	return own, nil
}

// QueueMine adds the signed-in learner's points.
func QueueMine(c *api.Call, r *api.Reading, own *points.Own) error {
	if err := c.Permit(policy.Facts{Owner: true}); err != nil {
		return err
	}
	points.QueueMine(&r.Batch, c.Claims.UserID, c.Day(), own)
	return nil
}

// LeaderboardFilter says which leaderboard. The zero Among is the class, when one is named, or else the learner's own school.
type LeaderboardFilter struct {
	Among  points.Among
	Class  uuid.UUID
	Period string // "all", or a month such as "2026-11"; "": all
	Limit  int    // 1 to 100; 0: 10
}

// Leaderboard returns a leaderboard, within the reach that the rules give.
func Leaderboard(ctx context.Context, c *api.Call, f LeaderboardFilter) (*points.Board, error) {
	d, err := c.Decide(policy.Facts{Listing: true})
	if err != nil {
		return nil, err
	}
	if d.MinCell > 0 {
		return nil, api.FiguresOnly()
	}
	if f.Period == "" {
		f.Period = points.AllTime
	}
	if f.Among == "" {
		f.Among = points.AmongSchool
		if f.Class != uuid.Nil {
			f.Among = points.AmongClass
		}
	}
	var board *points.Board
	err = c.DB.Read(ctx, func(r *tenants.Reader) error {
		circle, err := circle(ctx, c, r, d.Scope, f)
		if err != nil {
			return err
		}
		board, err = points.Leaderboard(ctx, r, circle, f.Period, c.Claims.UserID, f.Limit)
		return err
	})
	return board, err
}

// circle cuts what was asked for to the scope.
func circle(ctx context.Context, c *api.Call, q tenants.Querier, scope policy.Scope, f LeaderboardFilter) (points.Scope, error) {
	whole := false
	switch scope {
	case policy.Whole:
		whole = true
	case policy.School:
	case policy.Own, policy.Assigned, policy.Region, policy.Aggregate:
		return points.Scope{}, domain.Refuse(domain.Forbidden, "points.this_leaderboard_is_not_open")
	default:
		return points.Scope{}, domain.Refuse(domain.Forbidden, "points.this_leaderboard_is_not_open")
	}
	switch f.Among {
	case points.AmongTenant:
		if whole {
			return points.Scope{Among: points.AmongTenant}, nil
		}
		return points.Scope{}, domain.Refuse(domain.Forbidden, "points.leaderboards_here_are_of_a")
	case points.AmongClass:
		facts, err := classes.FactsOf(ctx, q, f.Class, c.Claims.UserID, c.Day())
		if err != nil {
			return points.Scope{}, err
		}
		if whole || facts.Enrolled || facts.CoachOf {
			return points.Scope{Among: points.AmongClass, Class: classes.Members(f.Class)}, nil
		}
		if facts.SameSchool {
			return points.Scope{Among: points.AmongClass, Class: classes.Schoolmates(f.Class, c.Claims.UserID)}, nil
		}
		return points.Scope{}, domain.Refuse(domain.Forbidden, "points.the_leaderboard_of_a_class")
	case points.AmongSchool:
		if c.Claims.SchoolID == nil {
			return points.Scope{}, domain.Refuse(domain.Conflict, "points.you_belong_to_no_school")
		}
		return points.Scope{Among: points.AmongSchool, School: *c.Claims.SchoolID}, nil
	}
	return points.Scope{}, domain.InvalidField("query.scope", "points.must_be_school_class_or")
}

// SetListed lets the signed-in person take part in leaderboards, or leave them.
func SetListed(ctx context.Context, c *api.Call, tx *tenants.Tx, listed bool) (*api.Done, error) {
	if err := c.Permit(policy.Facts{Owner: true}); err != nil {
		return nil, err
	}
	if c.Tenant == nil {
		return nil, domain.Refuse(domain.NotFound, "points.there_is_no_leaderboard_here")
	}
	return &api.Done{Done: true}, people.SetListed(ctx, tx, c.Claims.UserID, listed, people.ByLearner, c.Now)
}

// SetChildListed lets the signed-in guardian's child take part in leaderboards, or leave them.
func SetChildListed(ctx context.Context, c *api.Call, tx *tenants.Tx, child uuid.UUID, listed bool) (*api.Done, error) {
	facts, err := guardians.FactsAbout(ctx, c, tx, child)
	if err != nil {
		return nil, err
	}
	if err := c.Permit(facts); err != nil {
		return nil, err
	}
	return &api.Done{Done: true}, people.SetListed(ctx, tx, child, listed, people.ByGuardian, c.Now)
}
