package classes

import (
	"context"
	"strings"

	"github.com/google/uuid"

	"lignum/api"
	"lignum/domain"
	"lignum/domain/classes"
	"lignum/domain/people"
	"lignum/policy"
	"lignum/tenants"
)

// Placing learners. A place makes the learner's record the class's staff's to see, so whoever places needs a tie to the learner
// as well as to the class: they must be of one school, unless the actor reaches the whole tenant.

// tied returns the facts about a class and a learner together: each tie to the class holds only for learners of the actor's own school.
func tied(class classes.Facts, sameSchool bool) policy.Facts {
	f := classFacts(class)
	f.SameSchool, f.Teaches, f.CoachOf = f.SameSchool && sameSchool, f.Teaches && sameSchool, f.CoachOf && sameSchool
	return f
}

// placeReach tells whose learners the actor may place in a class: of any school (nil), or of this one.
func placeReach(ctx context.Context, c *api.Call, q tenants.Querier, id uuid.UUID) (school *uuid.UUID, err error) {
	f, err := classes.FactsOf(ctx, q, id, c.Claims.UserID, c.Day())
	if err != nil {
		return nil, err
	}
	d, err := c.Decide(tied(f, true))
	if err != nil || d.Scope == policy.Whole {
		return nil, err
	}
	me, err := people.UserByID(ctx, q, c.Claims.UserID)
	if err == nil && me.SchoolID == nil {
		return &uuid.Nil, nil // of no school: there is nobody of theirs
	}
	return me.SchoolID, err
}

// CandidateFilter narrows the learners to place. Conditions add up.
type CandidateFilter struct {
	Query  string    `query:"q" maxLength:"100" doc:"Only people whose given name, family name or user name begins so, or whose names begin as in \"Ann Bro\""`
	Grade  string    `query:"grade" maxLength:"20" doc:"Only learners of this grade"`
	School uuid.UUID `query:"school" format:"uuid" doc:"Only learners of this school"`
}

// Candidate is a learner who may be placed in a class.
type Candidate struct {
	classes.Person
	UserName string     `json:"user_name"`
	Grade    string     `json:"grade"`
	SchoolID *uuid.UUID `json:"school_id,omitempty"`
}

// ClassCandidates lists the active learners that the actor may place in a class and who have no place in it.
func ClassCandidates(ctx context.Context, c *api.Call, id uuid.UUID, f CandidateFilter, p api.Paging) (*api.List[Candidate], error) {
	return api.ReadList(ctx, c.DB.ReadFresh, func(r *tenants.Reader) (list domain.List[Candidate], err error) {
		school, err := schoolToPlace(ctx, c, r, id, f.School)
		if err != nil {
			return list, err
		}
		page, err := people.Users(ctx, r, people.UserFilter{Prefix: f.Query, Grade: f.Grade, Role: people.Student, State: people.UserActive, SchoolID: school, NotIn: []people.Group{classes.Members(id)}}, p.Page())
		for _, u := range page.Items {
			list.Items = append(list.Items, Candidate{classes.Person{ID: u.ID, GivenName: u.GivenName, FamilyName: u.FamilyName}, u.UserName, u.Grade, u.SchoolID})
		}
		list.Next = page.Next
		return list, err
	})
}

// schoolToPlace is the school whose learners are meant: the one asked for, within the actor's reach. nil is every school.
func schoolToPlace(ctx context.Context, c *api.Call, q tenants.Querier, id, asked uuid.UUID) (*uuid.UUID, error) {
	school, err := placeReach(ctx, c, q, id)
	switch {
	case err != nil || asked == uuid.Nil:
		return school, err
	case school != nil && *school != asked:
		return nil, domain.Refuse(domain.Forbidden, "classes.you_place_learners_of_your")
	}
	return &asked, nil
}

// ClassGrades tells which forms there are among those whom the actor may place in a class, and how many learn in each.
func ClassGrades(ctx context.Context, c *api.Call, id, school uuid.UUID) ([]classes.GradeCount, error) {
	var grades []classes.GradeCount
	err := c.DB.ReadFresh(ctx, func(r *tenants.Reader) error {
		of, err := schoolToPlace(ctx, c, r, id, school)
		if err != nil {
			return err
		}
		grades, err = classes.Grades(ctx, r, of, id)
		return err
	})
	return grades, err
}

// PlaceRequest says who is to get a place: learners by id, or everybody of a form.
type PlaceRequest struct {
	LearnerIDs []uuid.UUID `json:"learner_ids,omitempty" maxItems:"1000" doc:"The learners' ids"`
	Grade      string      `json:"grade,omitempty" maxLength:"20" doc:"In place of learner_ids: every active learner of this grade without a place in the class"`
	SchoolID   *uuid.UUID  `json:"school_id,omitempty" format:"uuid" doc:"With grade: only learners of this school, which must be yours unless you are a tenant administrator"`
}

// PlaceLearner gives a learner a place in a class, also when registration is closed. Learners of other schools register
// themselves.
func PlaceLearner(ctx context.Context, c *api.Call, tx *tenants.Tx, id, learner uuid.UUID) (*classes.Enrolment, error) {
	f, err := classes.FactsOf(ctx, tx, id, c.Claims.UserID, c.Day())
	if err != nil {
		return nil, err
	}
	ties, err := classes.TiesTo(ctx, tx, c.Claims.UserID, learner)
	if err != nil {
		return nil, err
	}
	if err := c.Permit(tied(f, ties.SameSchool)); err != nil {
		return nil, err
	}
	e, err := classes.Register(ctx, tx, classes.RegisterInput{ClassID: id, LearnerID: learner, ByStaff: true, Now: c.Now, Today: c.Day()})
	return &e, err
}

// PlaceLearners gives many learners places in a class. Those that the actor has no tie to are among the refused; when that is
// everybody, the answer is the policy's refusal.
func PlaceLearners(ctx context.Context, c *api.Call, tx *tenants.Tx, id uuid.UUID, in PlaceRequest) (*classes.Placement, error) {
	school, err := placeReach(ctx, c, tx, id)
	if err != nil {
		return nil, err
	}
	learners := in.LearnerIDs
	grade := strings.TrimSpace(in.Grade)
	switch {
	case len(learners) > 0 == (grade != ""):
		return nil, domain.InvalidField("body.learner_ids", "classes.must_name_learners_or_a")
	case grade != "":
		of := school
		if in.SchoolID != nil {
			if school != nil && *school != *in.SchoolID {
				return nil, domain.Refuse(domain.Forbidden, "classes.you_place_learners_of_your")
			}
			of = in.SchoolID
		}
		if learners, err = classes.WithoutPlace(ctx, tx, of, grade, id, classes.MostPlaced+1); err != nil {
			return nil, err
		}
		if len(learners) == 0 {
			return nil, domain.InvalidField("body.grade", "classes.has_nobody_without_a_place")
		}
		if len(learners) > classes.MostPlaced {
			return nil, domain.InvalidField("body.grade", "classes.has_more_than_learners_name", "Most", classes.MostPlaced)
		}
	}
	var strangers []classes.Unplaced
	if school != nil && grade == "" {
		if learners, strangers, err = ownLearners(ctx, c, tx, id, learners); err != nil {
			return nil, err
		}
	}
	out, err := classes.Place(ctx, tx, id, learners, c.Now, c.Day())
	if err != nil {
		return nil, api.Renamed(err, "learner_ids", "body.learner_ids")
	}
	out.Refused = append(out.Refused, strangers...)
	return &out, nil
}

// ownLearners parts the learners that the actor may place from the others. Nothing is said of the others, not even whether there
// is such a person: somebody of another school is not the actor's to know of.
func ownLearners(ctx context.Context, c *api.Call, q tenants.Querier, class uuid.UUID, learners []uuid.UUID) (own []uuid.UUID, others []classes.Unplaced, err error) {
	if len(learners) > classes.MostPlaced {
		return nil, nil, domain.InvalidField("body.learner_ids", "classes.must_name_1_to_learners", "Most", classes.MostPlaced)
	}
	ties, err := classes.TiesToEach(ctx, q, c.Claims.UserID, learners)
	if err != nil {
		return nil, nil, err
	}
	for _, id := range learners {
		if ties[id].SameSchool {
			own = append(own, id)
		} else {
			others = append(others, classes.Unplaced{Person: classes.Person{ID: id}, Reason: classes.ReasonNotYours})
		}
	}
	if len(own) > 0 {
		return own, others, nil
	}
	f, err := classes.FactsOf(ctx, q, class, c.Claims.UserID, c.Day())
	if err != nil {
		return nil, nil, err
	}
	if err := c.Permit(tied(f, false)); err != nil {
		return nil, nil, err
	}
	return learners, nil, nil
}
