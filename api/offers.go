package api

import (
	"context"
	"slices"

	"github.com/google/uuid"

	"lignum/domain/assessment"
	"lignum/domain/classes"
	"lignum/policy"
	"lignum/tenants"
)

// What a page offers: answers to "would the policy say yes?", so that no link and no button leads to a refusal. They permit
// nothing and give no data.

// MayManageClass tells whether the actor may change the class of a page.
func MayManageClass(c *Call, p *ClassPage) bool {
	return c.Would(policy.ClassManage, classFacts(p.Facts))
}

// MayOpenLessons tells whether the lessons of a class open to the actor, and its tests. Those of the class have them by their place or because
// they coach it, and the policy is asked only where it says more: an author has the lessons of a class that is over, too.
func MayOpenLessons(c *Call, p *ClassPage) bool {
	f := p.CourseFacts()
	return f.Enrolled || f.CoachOf || p.Facts.CoachOf && p.State == classes.Ended && c.Would(policy.LessonRead, courseFacts(f))
}

// MayPlaceLearners tells whether the actor may place learners in the class of a page: some of the own school, or any.
func MayPlaceLearners(c *Call, p *ClassPage) bool {
	return c.Would(policy.ClassManage, tied(p.Facts, true)) && (c.Claims.SchoolID != nil || c.Would(policy.ClassManage, policy.Facts{}))
}

// MaySeeTests tells whether the tests of a class open to the actor.
func MaySeeTests(c *Call, p *ClassPage) bool {
	return c.Would(policy.TestRead, courseFacts(p.CourseFacts()))
}

// MayOpenAClass tells whether there is a class that the actor may open.
func MayOpenAClass(c *Call) bool {
	return c.Would(policy.ClassManage, c.manageFacts(&classes.Fields{CoachID: &c.Claims.UserID, SchoolID: c.Claims.SchoolID}))
}

// RecordAccess is how a learner's record opens to the actor.
type RecordAccess string

// The ways; a record that does not open has none of them.
const (
	OpensAtOnce RecordAccess = "at_once"
	OpensAsked  RecordAccess = "asked" // after a reason is stated
)

// recordAccess tells how a record opens to somebody with these facts about the learner.
func (c *Call) recordAccess(f policy.Facts) RecordAccess {
	if c.Would(policy.LearnerProgress, f) {
		return OpensAtOnce
	}
	if f.ReasonLength = reasonLetters; c.Would(policy.LearnerProgress, f) {
		return OpensAsked
	}
	return ""
}

// answers tells what judge says about each of some things, by the actor's ties to them; a thing about which it says the zero value
// is left out. The ties are read at once, and each kind of tie is judged once. Whoever holds none of the permissions is told of
// nothing.
func answers[Tie, Answer comparable](ctx context.Context, c *Call, of []uuid.UUID, under []policy.Permission,
	read func(context.Context, tenants.Querier, uuid.UUID, []uuid.UUID) (map[uuid.UUID]Tie, error), judge func(Tie) Answer) (map[uuid.UUID]Answer, error) {
	all := map[uuid.UUID]Answer{}
	if len(of) == 0 || !slices.ContainsFunc(under, c.May) {
		return all, nil
	}
	var ties map[uuid.UUID]Tie
	err := c.DB.ReadFresh(ctx, func(r *tenants.Reader) (err error) {
		ties, err = read(ctx, r, c.Claims.UserID, of)
		return err
	})
	var none Answer
	judged := map[Tie]Answer{}
	for id, t := range ties {
		answer, known := judged[t]
		if !known {
			answer = judge(t)
			judged[t] = answer
		}
		if answer != none {
			all[id] = answer
		}
	}
	return all, err
}

// MayOpenRecords tells how the records of some learners open to the actor.
func MayOpenRecords(ctx context.Context, c *Call, learners []uuid.UUID) (map[uuid.UUID]RecordAccess, error) {
	return answers(ctx, c, learners, []policy.Permission{policy.LearnerProgress}, classes.TiesToEach, func(t classes.LearnerTie) RecordAccess {
		return c.recordAccess(policy.Facts{CoachOf: t.CoachOf, Teaches: t.CoachOf, SameSchool: t.SameSchool})
	})
}

// MayOpenResults tells which attempts' results open to the actor.
func MayOpenResults(ctx context.Context, c *Call, attempts []uuid.UUID) (map[uuid.UUID]bool, error) {
	return answers(ctx, c, attempts, []policy.Permission{policy.AttemptRead}, assessment.TiesToEach, func(t assessment.Ties) bool {
		return c.Would(policy.AttemptRead, policy.Facts{Owner: t.Owner, CoachOf: t.CoachOf, Teaches: t.CoachOf, SameSchool: t.SameSchool})
	})
}

// CardAccess is how the actor comes to a new sign-in card for a learner.
type CardAccess string

// The ways. The zero value is none.
const (
	CardByReset  CardAccess = "reset" // the actor resets the account
	CardByAsking CardAccess = "ask"   // the actor asks the learner's school first, unless the account is unused
)

// MayGiveCards tells how the actor comes to new sign-in cards for some learners; those for whom there is no way are left out.
func MayGiveCards(ctx context.Context, c *Call, learners []uuid.UUID) (map[uuid.UUID]CardAccess, error) {
	return answers(ctx, c, learners, []policy.Permission{policy.UserReset, policy.ResetAsk}, classes.TiesToEach, func(t classes.LearnerTie) CardAccess {
		return c.cardAccess(policy.Facts{CoachOf: t.CoachOf, Teaches: t.CoachOf, SameSchool: t.SameSchool, Covers: true})
	})
}

func (c *Call) cardAccess(f policy.Facts) CardAccess {
	switch {
	case c.Would(policy.UserReset, f) && c.Would(policy.UserRead, f):
		return CardByReset
	case c.Would(policy.ResetAsk, f):
		return CardByAsking
	}
	return ""
}

// MayPrintClassCards tells whether the actor may print the sign-in cards of a class.
func MayPrintClassCards(ctx context.Context, c *Call, class uuid.UUID) (bool, error) {
	if !c.May(policy.UserReset) {
		return false, nil
	}
	var t classes.ClassTies
	err := c.DB.ReadFresh(ctx, func(r *tenants.Reader) (err error) {
		t, err = classes.TiesToClass(ctx, r, c.Claims.UserID, class)
		return err
	})
	return err == nil && t.Members > 0 && c.Would(policy.UserReset, c.classCardFacts(t)), err
}

// UserOffers is what the actor may do to an account.
type UserOffers struct {
	Change, Reset, Suspend bool
	Record                 RecordAccess
}

// OffersOnUser tells what the actor may do to an account of a tenant.
func OffersOnUser(ctx context.Context, c *Call, id uuid.UUID) (o UserOffers, err error) {
	var f policy.Facts
	if err := c.DB.ReadFresh(ctx, func(r *tenants.Reader) (err error) {
		f, err = c.aboutUser(ctx, r, id)
		return err
	}); err != nil {
		return o, err
	}
	return UserOffers{Change: c.Would(policy.UserChange, f), Reset: c.Would(policy.UserReset, f), Suspend: c.Would(policy.UserSuspend, f), Record: c.recordAccess(f)}, nil
}

// MayGiveRole tells whether the actor may give a role to somebody, and take it away.
func MayGiveRole(c *Call, role string) bool {
	return policy.CheckAssign(c.State.enforcer, c.Claims.Roles, role) == nil
}
