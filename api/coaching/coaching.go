// Package coaching is what those see who look after learners, and how an official gets to one learner's record.
// Marking is in api/attempts, places in classes in api/classes.
package coaching

import (
	"context"
	"slices"
	"strings"

	"github.com/google/uuid"

	"lignum/api"
	"lignum/domain"
	"lignum/domain/assessment"
	"lignum/domain/classes"
	"lignum/domain/coaching"
	"lignum/domain/people"
	"lignum/domain/points"
	"lignum/policy"
	"lignum/tenants"
	"lignum/tenants/audit"
)

// Routes declares the routes of this area.
func Routes(s *api.Server) {
	api.Query(s, api.Route{Path: "/api/v1/learners", Permission: policy.LearnerProgress, Tag: "Coaching", Summary: "List the learners you look after, those who fall behind first",
		Detail: "They are the learners of the classes that you coach; a school administrator may name any class of the school. Each learner is listed once, with every such class " +
			"that they are in. Those with the most reasons for concern, over all these classes, come first. `limit` counts learners."},
		func(ctx context.Context, c *api.Call, in *struct {
			api.Paging
			Class  uuid.UUID `query:"class" format:"uuid" doc:"Only learners of this class"`
			Behind bool      `query:"behind" doc:"Only learners who fall behind"`
		}) (*api.List[coaching.Learner], error) {
			return CoachLearners(ctx, c, CoachFilter{in.Class, in.Behind}, in.Paging)
		})
	api.Query(s, api.Route{Path: "/api/v1/learners/{learner}", Permission: policy.LearnerProgress, Tag: "Coaching", Summary: "Show a learner's progress and results",
		Detail: "For those who look after the learner. A ministry official must state a reason, of at least ten letters or digits in at least two words. It is written into the audit trail before anything is shown."},
		func(ctx context.Context, c *api.Call, in *struct {
			Learner uuid.UUID `path:"learner" format:"uuid" doc:"The learner's id"`
			Reason  string    `query:"reason" maxLength:"500" doc:"Why an official opens the record; others need none"`
		}) (*LearnerRecord, error) {
			return LearnerPage(ctx, c, in.Learner, in.Reason)
		})
}

// CoachFilter says which learners to list.
type CoachFilter struct {
	Class  uuid.UUID // only of this class
	Behind bool      // only those who are behind
}

// CoachLearners lists the learners that the signed-in person looks after, those who fall behind first.
func CoachLearners(ctx context.Context, c *api.Call, f CoachFilter, p api.Paging) (*api.List[coaching.Learner], error) {
	d, err := c.Decide(policy.Facts{Listing: true})
	if err != nil {
		return nil, err
	}
	filter := coaching.Filter{CoachID: c.Claims.UserID, ClassID: f.Class, Behind: f.Behind}
	return api.ReadList(ctx, c.DB.ReadFresh, func(r *tenants.Reader) (none domain.List[coaching.Learner], err error) {
		switch d.Scope {
		case policy.Assigned:
		case policy.School:
			if f.Class != uuid.Nil {
				facts, err := classes.FactsOf(ctx, r, f.Class, c.Claims.UserID, c.Day())
				if err != nil {
					return none, err
				}
				// A class of the school may have learners of other schools, whose records are not its administrator's.
				if facts.SameSchool && !facts.CoachOf {
					filter.CoachID, filter.SchoolOf = uuid.Nil, c.Claims.UserID
				}
			}
		case policy.Whole:
			if f.Class != uuid.Nil {
				filter.CoachID = uuid.Nil
			}
		case policy.Own, policy.Region, policy.Aggregate:
			return none, api.FiguresOnly()
		default:
			return none, api.FiguresOnly()
		}
		return coaching.Learners(ctx, r, filter, p.Page(), c.Day())
	})
}

// LearnerRecord is what those see of a learner who look after them.
type LearnerRecord struct {
	ID         uuid.UUID                `json:"id"`
	UserName   string                   `json:"user_name"`
	GivenName  string                   `json:"given_name"`
	FamilyName string                   `json:"family_name"`
	Grade      string                   `json:"grade"`
	SchoolID   *uuid.UUID               `json:"school_id,omitempty"`
	Courses    []classes.CourseProgress `json:"courses"`
	Points     int                      `json:"points"`   // in all
	Month      int                      `json:"month"`    // points of the current month
	Days       []string                 `json:"days"`     // worked on in the last 60 days, newest first
	Attempts   []assessment.Summary     `json:"attempts"` // the last 20, newest first
}

// LearnerPage returns one learner's record. Who gets it only for a stated reason has the reading written down first.
func LearnerPage(ctx context.Context, c *api.Call, learner uuid.UUID, reason string) (*LearnerRecord, error) {
	var facts policy.Facts
	isLearner := false
	err := c.DB.ReadFresh(ctx, func(r *tenants.Reader) error {
		t, err := classes.TiesTo(ctx, r, c.Claims.UserID, learner)
		if err != nil {
			return err
		}
		isLearner = t.Learner
		facts = policy.Facts{Owner: t.Self, CoachOf: t.CoachOf, Teaches: t.CoachOf, SameSchool: t.SameSchool, ReasonLength: api.ReasonLength(reason)}
		return nil
	})
	if err != nil {
		return nil, err
	}
	d, err := c.Decide(facts)
	// Staff have no learner's record. Nobody writes a reason to be told so, and who may open no record here is told only that.
	if !isLearner && (err == nil || api.IsReasonWanted(err)) {
		return nil, api.NoLearner()
	}
	if err != nil {
		return nil, api.ReasonWanted(err, "query.reason")
	}
	switch d.Scope {
	case policy.Own, policy.Assigned, policy.School:
	case policy.Whole, policy.Region:
		if err := noteReading(ctx, c, learner, reason); err != nil {
			return nil, err
		}
	case policy.Aggregate:
		return nil, api.FiguresOnly()
	default:
		return nil, api.FiguresOnly()
	}
	return RecordOf(ctx, c, learner)
}

// noteReading writes into the trail that a person's record was opened, and why.
func noteReading(ctx context.Context, c *api.Call, learner uuid.UUID, reason string) error {
	return c.DB.Write(ctx, c.Actor, func(tx *tenants.Tx) error {
		tx.Record(audit.Entry{Action: policy.LearnerProgress.Name(), ObjectKind: "user", ObjectID: learner.String(), Reason: strings.TrimSpace(reason)})
		return nil
	})
}

// RecordOf returns a learner's record. It asks nobody: whoever calls it has asked the policy.
func RecordOf(ctx context.Context, c *api.Call, learner uuid.UUID) (*LearnerRecord, error) {
	var rec LearnerRecord
	err := c.DB.ReadFresh(ctx, func(r *tenants.Reader) error {
		u, err := people.UserByID(ctx, r, learner)
		if err != nil {
			return err
		}
		if !slices.Contains(u.Roles, people.Student) {
			return api.NoLearner()
		}
		rec = LearnerRecord{ID: u.ID, UserName: u.UserName, GivenName: u.GivenName, FamilyName: u.FamilyName, Grade: u.Grade, SchoolID: u.SchoolID}
		if rec.Courses, err = classes.ProgressOf(ctx, r, learner); err != nil {
			return err
		}
		own, err := points.Mine(ctx, r, learner, c.Day())
		if err != nil {
			return err
		}
		rec.Points, rec.Month = own.Total, own.Month
		attempts, err := assessment.Attempts(ctx, r, learner, domain.Page{Limit: 20})
		if err != nil {
			return err
		}
		rec.Attempts = attempts.Items
		rec.Days, err = classes.DaysOf(ctx, r, learner, c.Day().AddDate(0, 0, -60))
		return err
	})
	if err != nil {
		return nil, err
	}
	return &rec, nil
}

// RecordAccess is how a learner's record opens to the actor.
type RecordAccess string

// The ways; a record that does not open has none of them.
const (
	OpensAtOnce RecordAccess = "at_once"
	OpensAsked  RecordAccess = "asked" // after a reason is stated
)

// AccessTo tells how a record opens to somebody with these facts about the learner.
func AccessTo(c *api.Call, f policy.Facts) RecordAccess {
	if c.Would(policy.LearnerProgress, f) {
		return OpensAtOnce
	}
	if f.ReasonLength = api.ReasonLetters; c.Would(policy.LearnerProgress, f) {
		return OpensAsked
	}
	return ""
}

// MayOpenRecords tells how the records of some learners open to the actor.
func MayOpenRecords(ctx context.Context, c *api.Call, learners []uuid.UUID) (map[uuid.UUID]RecordAccess, error) {
	return api.Answers(ctx, c, learners, []policy.Permission{policy.LearnerProgress}, classes.TiesToEach, func(t classes.LearnerTie) RecordAccess {
		return AccessTo(c, policy.Facts{CoachOf: t.CoachOf, Teaches: t.CoachOf, SameSchool: t.SameSchool})
	})
}
