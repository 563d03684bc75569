// Package classes is classes, the places in them, and how far their learners are. What coaches see of
// single learners is in api/coaching, and what is taught in api/catalogue.
package classes

import (
	"context"
	"net/http"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"lignum/api"
	"lignum/api/catalogue"
	"lignum/domain"
	"lignum/domain/assessment"
	"lignum/domain/classes"
	"lignum/policy"
	"lignum/tenants"
)

// ClassRef names a class in a path.
type ClassRef struct {
	Class uuid.UUID `path:"class" format:"uuid" doc:"The class's id"`
}

// Routes declares the routes of this area.
func Routes(s *api.Server) {
	api.Query(s, api.Route{Path: "/api/v1/classes", Permission: policy.ClassRead, Tag: "Classes", Summary: "List classes by title",
		Detail: "`mine`, `coaching` and `open` narrow the list; without them it holds every class that has not ended."},
		func(ctx context.Context, c *api.Call, in *struct {
			api.Paging
			Mine     bool   `query:"mine" doc:"Only classes in which you have a place"`
			Coaching bool   `query:"coaching" doc:"Only classes that you coach"`
			Open     bool   `query:"open" doc:"Only classes in which a learner can register today"`
			All      bool   `query:"all" doc:"Ended and cancelled classes as well"`
			Query    string `query:"q" maxLength:"100" doc:"Only classes with words in the title that begin so, in any order"`
			Subject  string `query:"subject" maxLength:"100" doc:"Only classes whose course has this subject, exactly as it is written"`
		}) (*api.List[classes.Class], error) {
			return ListClasses(ctx, c, ClassFilter{in.Mine, in.Coaching, in.Open, in.All, in.Query, in.Subject}, in.Paging)
		})
	api.Query(s, api.Route{Path: "/api/v1/classes/{class}", Permission: policy.ClassRead, Tag: "Classes", Summary: "Show a class with its lessons and tests and your progress"},
		func(ctx context.Context, c *api.Call, in *ClassRef) (*ClassPage, error) {
			return ReadClass(ctx, c, in.Class)
		})
	api.Command(s, api.Route{Method: http.MethodPost, Path: "/api/v1/classes/{class}/registration", Permission: policy.ClassRegister, Tag: "Classes", Status: http.StatusCreated,
		Summary: "Register for a class", Detail: "Asking again gives the same place. The answer is 409 when the class is full."},
		func(ctx context.Context, c *api.Call, tx *tenants.Tx, in *ClassRef) (*classes.Enrolment, error) {
			return RegisterForClass(ctx, c, tx, in.Class)
		})
	api.Command(s, api.Route{Method: http.MethodDelete, Path: "/api/v1/classes/{class}/registration", Permission: policy.ClassLeave, Tag: "Classes", Summary: "Leave a class; what was done in it is kept"},
		func(ctx context.Context, c *api.Call, tx *tenants.Tx, in *ClassRef) (*api.Done, error) {
			return LeaveClass(ctx, c, tx, in.Class)
		})
	api.Command(s, api.Route{Method: http.MethodPost, Path: "/api/v1/classes", Permission: policy.ClassManage, Tag: "Classes", Status: http.StatusCreated, Summary: "Open a class"},
		func(ctx context.Context, c *api.Call, tx *tenants.Tx, in *struct{ Body classes.Fields }) (*ClassID, error) {
			return CreateClass(ctx, c, tx, in.Body)
		})
	api.Command(s, api.Route{Method: http.MethodPut, Path: "/api/v1/classes/{class}", Permission: policy.ClassManage, Tag: "Classes", Summary: "Change a class"},
		func(ctx context.Context, c *api.Call, tx *tenants.Tx, in *struct {
			ClassRef
			Body classes.Fields
		}) (*api.Done, error) {
			return ChangeClass(ctx, c, tx, in.Class, in.Body)
		})
	api.Command(s, api.Route{Method: http.MethodPost, Path: "/api/v1/classes/{class}/cancellation", Permission: policy.ClassManage, Tag: "Classes", Summary: "Cancel a class before its last day"},
		func(ctx context.Context, c *api.Call, tx *tenants.Tx, in *struct {
			ClassRef
			Body struct {
				Reason string `json:"reason" minLength:"3" maxLength:"500" doc:"Why the class is cancelled; its people are told, and it stands in the audit trail"`
			}
		}) (*api.Done, error) {
			return CancelClass(ctx, c, tx, in.Class, in.Body.Reason)
		})
	api.Query(s, api.Route{Path: "/api/v1/classes/{class}/learners", Permission: policy.LearnerRead, Tag: "Classes", Summary: "List the learners of a class by family name"},
		func(ctx context.Context, c *api.Call, in *struct {
			ClassRef
			api.Paging
		}) (*api.List[classes.Learner], error) {
			return ClassLearners(ctx, c, in.Class, in.Paging)
		})
	api.Command(s, api.Route{Method: http.MethodPost, Path: "/api/v1/classes/{class}/learners", Permission: policy.ClassManage, Tag: "Classes", Status: http.StatusCreated,
		Summary: "Place a learner in a class, even when registration is closed"},
		func(ctx context.Context, c *api.Call, tx *tenants.Tx, in *struct {
			ClassRef
			Body struct {
				LearnerID uuid.UUID `json:"learner_id" format:"uuid" doc:"The learner's id"`
			}
		}) (*classes.Enrolment, error) {
			return PlaceLearner(ctx, c, tx, in.Class, in.Body.LearnerID)
		})
	api.Query(s, api.Route{Path: "/api/v1/classes/{class}/candidates", Permission: policy.ClassManage, Tag: "Classes", Summary: "List the learners you may place in a class, by family name",
		Detail: "They are the active learners without a place in it: those of your school or, for a tenant administrator, of any school."},
		func(ctx context.Context, c *api.Call, in *struct {
			ClassRef
			api.Paging
			CandidateFilter
		}) (*api.List[Candidate], error) {
			return ClassCandidates(ctx, c, in.Class, in.CandidateFilter, in.Paging)
		})
	api.Command(s, api.Route{Method: http.MethodPost, Path: "/api/v1/classes/{class}/placements", Permission: policy.ClassManage, Tag: "Classes", Summary: "Place many learners, or all of a grade, in a class",
		Detail: "This works even when registration is closed. Seats are given in the order of the list, or of the names for a grade, until the class is full. The answer says who got no place and why. " +
			"Learners of a school other than yours are refused, unless you are a tenant administrator."},
		func(ctx context.Context, c *api.Call, tx *tenants.Tx, in *struct {
			ClassRef
			Body PlaceRequest
		}) (*classes.Placement, error) {
			return PlaceLearners(ctx, c, tx, in.Class, in.Body)
		})
	api.Command(s, api.Route{Method: http.MethodPost, Path: "/api/v1/classes/{class}/removals", Permission: policy.ClassManage, Tag: "Classes", Summary: "Remove many learners from a class; what they did in it is kept"},
		func(ctx context.Context, c *api.Call, tx *tenants.Tx, in *struct {
			ClassRef
			Body struct {
				LearnerIDs []uuid.UUID `json:"learner_ids" minItems:"1" maxItems:"1000" doc:"The learners' ids"`
			}
		}) (*Removed, error) {
			return RemoveLearners(ctx, c, tx, in.Class, in.Body.LearnerIDs)
		})
	api.Command(s, api.Route{Method: http.MethodDelete, Path: "/api/v1/classes/{class}/learners/{learner}", Permission: policy.ClassManage, Tag: "Classes", Summary: "Remove a learner from a class; what they did in it is kept"},
		func(ctx context.Context, c *api.Call, tx *tenants.Tx, in *struct {
			ClassRef
			Learner uuid.UUID `path:"learner" format:"uuid" doc:"The learner's id"`
		}) (*api.Done, error) {
			return RemoveLearner(ctx, c, tx, in.Class, in.Learner)
		})
}

// ClassFilter says which classes to list. Conditions add up; the zero value lists all that are active.
type ClassFilter struct {
	Mine     bool   // the viewer has a place
	Coaching bool   // the viewer is the coach
	Open     bool   // a learner can register today
	All      bool   // ended and cancelled ones as well
	Query    string // beginnings of words of the title
	Subject  string // of the course
}

// ListClasses lists classes by title.
func ListClasses(ctx context.Context, c *api.Call, f ClassFilter, p api.Paging) (*api.List[classes.Class], error) {
	d, err := c.Decide(policy.Facts{Listing: true})
	if err != nil {
		return nil, err
	}
	filter := classes.Filter{Viewer: c.Claims.UserID, Mine: f.Mine, Query: f.Query, Subject: f.Subject, Open: f.Open, Full: d.MinCell > 0, All: f.All, Today: c.Day()}
	if f.Coaching {
		filter.CoachID = c.Claims.UserID
	}
	return api.ReadList(ctx, c.DB.ReadFresh, func(r *tenants.Reader) (domain.List[classes.Class], error) {
		list, err := classes.Classes(ctx, r, filter, p.Page())
		for i := range list.Items {
			list.Items[i].Withhold(d.MinCell)
		}
		return list, err
	})
}

// ManagedClasses lists the classes whose learners the actor sees: those they coach, and those of their school, or all. A class that
// is listed here opens.
func ManagedClasses(ctx context.Context, c *api.Call, f ClassFilter, p api.Paging) (*api.List[classes.Class], error) {
	d, err := c.Decide(policy.Facts{Listing: true})
	if err != nil {
		return nil, err
	}
	filter := classes.Filter{Viewer: c.Claims.UserID, Query: f.Query, Subject: f.Subject, All: f.All}
	if f.Coaching {
		filter.CoachID = c.Claims.UserID
	}
	switch d.Scope {
	case policy.Whole:
	case policy.School:
		filter.CoachID = c.Claims.UserID
		if !f.Coaching && c.Claims.SchoolID != nil {
			filter.School, filter.Either = *c.Claims.SchoolID, true
		}
	case policy.Assigned:
		filter.CoachID = c.Claims.UserID
	case policy.Own, policy.Region, policy.Aggregate:
		return nil, api.FiguresOnly()
	default:
		return nil, api.FiguresOnly()
	}
	return api.ReadList(ctx, c.DB.ReadFresh, func(r *tenants.Reader) (domain.List[classes.Class], error) {
		return classes.Classes(ctx, r, filter, p.Page())
	})
}

// ClassPage is everything on the page of a class.
type ClassPage struct {
	classes.Page
	Tests []assessment.TestState `json:"tests"`
}

// ReadClass returns the page of a class: facts and data in one round trip.
func ReadClass(ctx context.Context, c *api.Call, id uuid.UUID) (*ClassPage, error) {
	p := &ClassPage{}
	err := c.DB.Read(ctx, func(r *tenants.Reader) error {
		b := &pgx.Batch{}
		classes.QueuePage(b, id, c.Claims.UserID, c.Now, c.Tenant.Location(), &p.Page)
		assessment.QueueClassTests(b, id, c.Claims.UserID, &p.Tests)
		return r.SendBatch(ctx, b).Close()
	})
	if err != nil {
		return nil, err
	}
	d, err := c.Decide(classFacts(p.Facts))
	p.Withhold(d.MinCell)
	return p, err
}

func classFacts(f classes.Facts) policy.Facts {
	return policy.Facts{Enrolled: f.Enrolled, CoachOf: f.CoachOf, Teaches: f.CoachOf, SameSchool: f.SameSchool, ClassOpen: f.ClassOpen}
}

// RegisterForClass gives the signed-in learner a place.
func RegisterForClass(ctx context.Context, c *api.Call, tx *tenants.Tx, id uuid.UUID) (*classes.Enrolment, error) {
	f, err := classes.FactsOf(ctx, tx, id, c.Claims.UserID, c.Day())
	if err != nil {
		return nil, err
	}
	facts := classFacts(f)
	facts.Owner = true // the place is the actor's own
	if err := c.Permit(facts); err != nil {
		return nil, err
	}
	e, err := classes.Register(ctx, tx, classes.RegisterInput{ClassID: id, LearnerID: c.Claims.UserID, Now: c.Now, Today: c.Day()})
	return &e, err
}

// LeaveClass gives the signed-in learner's place back.
func LeaveClass(ctx context.Context, c *api.Call, tx *tenants.Tx, id uuid.UUID) (*api.Done, error) {
	if err := c.Permit(policy.Facts{Owner: true}); err != nil {
		return nil, err
	}
	return &api.Done{Done: true}, classes.Leave(ctx, tx, id, c.Claims.UserID, c.Now)
}

// ClassID names a class that was opened.
type ClassID struct {
	ID uuid.UUID `json:"id"`
}

// manageFacts are about what a class is to become: a school's administrator keeps to their own school; a teacher opens classes
// to teach, and keeps to their own school too, or has none.
func manageFacts(c *api.Call, f *classes.Fields) policy.Facts {
	same := c.OfOwnSchool(f.SchoolID)
	teaches := f.CoachID != nil && *f.CoachID == c.Claims.UserID
	return policy.Facts{SameSchool: same, Teaches: teaches && (same || f.SchoolID == nil && c.Claims.SchoolID == nil)}
}

// MayOpenClass asks the policy whether there is a class that the actor may open: to teach, in their own school.
func MayOpenClass(c *api.Call) error {
	return c.Permit(manageFacts(c, &classes.Fields{CoachID: &c.Claims.UserID, SchoolID: c.Claims.SchoolID}))
}

// CreateClass opens a class.
func CreateClass(ctx context.Context, c *api.Call, tx *tenants.Tx, f classes.Fields) (*ClassID, error) {
	if err := c.Permit(manageFacts(c, &f)); err != nil {
		return nil, err
	}
	id, err := classes.Create(ctx, tx, f)
	return &ClassID{id}, err
}

// ChangeClass replaces what was decided about a class. Nobody moves one into another school than their own.
func ChangeClass(ctx context.Context, c *api.Call, tx *tenants.Tx, id uuid.UUID, to classes.Fields) (*api.Done, error) {
	is, err := classes.FieldsOf(ctx, tx, id)
	if err != nil {
		return nil, err
	}
	before, after := manageFacts(c, &is), manageFacts(c, &to)
	teaches := is.CoachID != nil && *is.CoachID == c.Claims.UserID // a teacher may hand the class to another
	d, err := c.Decide(policy.Facts{SameSchool: before.SameSchool && after.SameSchool, Teaches: teaches && (sameID(is.SchoolID, to.SchoolID) || after.SameSchool)})
	if err != nil {
		return nil, err
	}
	// Who leads a class sees the records of those in it. Nobody may tie themselves so to learners that they do not reach otherwise.
	if d.Scope != policy.Whole && !teaches && to.CoachID != nil && *to.CoachID == c.Claims.UserID {
		others, err := classes.HasOthers(ctx, tx, id, c.Claims.SchoolID)
		if err != nil {
			return nil, err
		}
		if others {
			return nil, domain.Refuse(domain.Forbidden, "classes.learners_of_other_schools_are")
		}
	}
	return &api.Done{Done: true}, classes.Change(ctx, tx, id, to, c.Now)
}

func sameID(a, b *uuid.UUID) bool { return a == b || a != nil && b != nil && *a == *b }

// ClassToChange returns what was decided about a class to somebody who may change it, with the version to give back.
func ClassToChange(ctx context.Context, c *api.Call, id uuid.UUID) (*classes.Fields, error) {
	var is classes.Fields
	err := c.DB.ReadFresh(ctx, func(r *tenants.Reader) error {
		f, err := classes.FactsOf(ctx, r, id, c.Claims.UserID, c.Day())
		if err != nil {
			return err
		}
		if err := c.Permit(classFacts(f)); err != nil {
			return err
		}
		is, err = classes.FieldsOf(ctx, r, id)
		return err
	})
	return &is, err
}

// mayManage asks the policy about a class as it is.
func mayManage(ctx context.Context, c *api.Call, tx *tenants.Tx, id uuid.UUID) error {
	f, err := classes.FactsOf(ctx, tx, id, c.Claims.UserID, c.Day())
	if err != nil {
		return err
	}
	return c.Permit(classFacts(f))
}

// CancelClass ends a class before its time.
func CancelClass(ctx context.Context, c *api.Call, tx *tenants.Tx, id uuid.UUID, reason string) (*api.Done, error) {
	if err := mayManage(ctx, c, tx, id); err != nil {
		return nil, err
	}
	return &api.Done{Done: true}, classes.Cancel(ctx, tx, id, reason, c.Now)
}

// RemoveLearner takes a learner out of a class.
func RemoveLearner(ctx context.Context, c *api.Call, tx *tenants.Tx, id, learner uuid.UUID) (*api.Done, error) {
	_, err := RemoveLearners(ctx, c, tx, id, []uuid.UUID{learner})
	return &api.Done{Done: true}, err
}

// Removed names the learners who lost their place.
type Removed struct {
	LearnerIDs []uuid.UUID `json:"learner_ids" doc:"The learners' ids"`
}

// RemoveLearners takes several learners out of a class.
func RemoveLearners(ctx context.Context, c *api.Call, tx *tenants.Tx, id uuid.UUID, learners []uuid.UUID) (*Removed, error) {
	if err := mayManage(ctx, c, tx, id); err != nil {
		return nil, err
	}
	gone, err := classes.Remove(ctx, tx, id, learners, c.Now)
	return &Removed{gone}, err
}

// ClassLearners lists who is in a class now.
func ClassLearners(ctx context.Context, c *api.Call, id uuid.UUID, p api.Paging) (*api.List[classes.Learner], error) {
	return api.ReadList(ctx, c.DB.ReadFresh, func(r *tenants.Reader) (none domain.List[classes.Learner], err error) {
		f, err := classes.FactsOf(ctx, r, id, c.Claims.UserID, c.Day())
		if err != nil {
			return none, err
		}
		d, err := c.Decide(classFacts(f))
		if err != nil {
			return none, err
		}
		return learnersWithin(ctx, c, r, d.Scope, f, id, p)
	})
}

// learnersWithin cuts a class's list to the scope. That a class is a school's says nothing of whose pupils are in it: its
// administrator sees those of the school, and all of them when they coach the class.
func learnersWithin(ctx context.Context, c *api.Call, q tenants.Querier, scope policy.Scope, f classes.Facts, id uuid.UUID, p api.Paging) (domain.List[classes.Learner], error) {
	switch scope {
	case policy.Whole, policy.Assigned:
		return classes.Learners(ctx, q, id, p.Page())
	case policy.School:
		if f.CoachOf {
			return classes.Learners(ctx, q, id, p.Page())
		}
		return classes.LearnersOfSchool(ctx, q, id, c.Claims.UserID, p.Page())
	case policy.Own, policy.Region, policy.Aggregate:
	}
	return domain.List[classes.Learner]{}, api.FiguresOnly()
}

// MayManageClass reports whether the actor may change the class of a page.
func MayManageClass(c *api.Call, p *ClassPage) bool {
	return c.Would(policy.ClassManage, classFacts(p.Facts))
}

// MayOpenLessons reports whether the lessons of a class open to the actor, and its tests. Those of the class have them by their place or because
// they coach it, and the policy is asked only where it says more: an author has the lessons of a class that is over, too.
func MayOpenLessons(c *api.Call, p *ClassPage) bool {
	f := p.CourseFacts()
	return f.Enrolled || f.CoachOf || p.Facts.CoachOf && p.State == classes.Ended && c.Would(policy.LessonRead, catalogue.CourseFacts(f))
}

// MayPlaceLearners reports whether the actor may place learners in the class of a page: some of their own school, or any.
func MayPlaceLearners(c *api.Call, p *ClassPage) bool {
	return c.Would(policy.ClassManage, tied(p.Facts, true)) && (c.Claims.SchoolID != nil || c.Would(policy.ClassManage, policy.Facts{}))
}

// MayOpenAClass reports whether there is a class that the actor may open.
func MayOpenAClass(c *api.Call) bool {
	return c.Would(policy.ClassManage, manageFacts(c, &classes.Fields{CoachID: &c.Claims.UserID, SchoolID: c.Claims.SchoolID}))
}

// MaySeeTests reports whether the tests of a class open to the actor.
func MaySeeTests(c *api.Call, p *ClassPage) bool {
	return c.Would(policy.TestRead, catalogue.CourseFacts(p.CourseFacts()))
}
