package classes

import (
	"context"
	"errors"
	"slices"
	"strings"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"lignum/domain"
	"lignum/domain/people"
	"lignum/tenants"
)

// What the policy asks about an actor and other people: whose learner somebody is, and what people themselves say of them, in one query.

// mostTied is about how many people is asked at once: a thousand cards are printed in one go.
const mostTied = 1000

// Ties are the facts about an actor and another account that the policy asks for.
type Ties struct {
	Roles           []string // the other's
	State           string   // the other's
	SchoolID        *uuid.UUID
	Self            bool
	SameSchool      bool
	GuardianOf      bool // an active link, not ended
	GuardianConsent bool // consent on it was given and not withdrawn
	CoachOf         bool // the actor coaches the other
	OnLeaderboard   bool
	Learner         bool // the other has the role of a student
	Unclaimed       bool // nobody has ever chosen a password for the other
	ResetApproved   bool // the other's school approved a new card that the actor asked for, and the approval still stands
}

// TiesTo reads the facts about an actor and another account of a tenant, in one query; domain.NotFound when there is no such account.
func TiesTo(ctx context.Context, q tenants.Querier, actor, other uuid.UUID) (Ties, error) {
	var t Ties
	err := q.QueryRow(ctx, `SELECT ARRAY(SELECT role FROM user_roles r WHERE r.user_id = u.id ORDER BY role), u.state, u.school_id, u.id = $1::uuid,
			coalesce(u.school_id = (SELECT school_id FROM users WHERE id = $1::uuid), false),
			g.guardian_id IS NOT NULL, coalesce(g.consent, false), u.on_leaderboard,
			EXISTS (SELECT FROM coached k WHERE k.coach_id = $1::uuid AND k.learner_id = u.id),
			NOT u.claimed,
			EXISTS (SELECT FROM reset_requests q WHERE q.user_id = u.id AND q.state = 'approved' AND q.asked_by = $1::uuid AND q.expires_at > now())
		FROM users u LEFT JOIN guardianships g ON g.learner_id = u.id AND g.guardian_id = $1::uuid AND g.ended_at IS NULL
		WHERE u.id = $2::uuid AND u.state <> 'erased'`, actor.String(), other.String()).
		Scan(&t.Roles, &t.State, &t.SchoolID, &t.Self, &t.SameSchool, &t.GuardianOf, &t.GuardianConsent, &t.OnLeaderboard, &t.CoachOf, &t.Unclaimed, &t.ResetApproved)
	if errors.Is(err, pgx.ErrNoRows) {
		return t, domain.Refuse(domain.NotFound, "domain.there_is_no_such_user")
	}
	t.Learner = slices.Contains(t.Roles, people.Student)
	return t, err
}

// GroupTies are the facts about an actor and several accounts at once: each holds for all of them, or not at all.
type GroupTies struct {
	RoleSets   [][]string // the roles of each of them, every set once
	SameSchool bool
	CoachOf    bool
	Found      int // how many of them there are
}

const groupTies = `SELECT ARRAY(SELECT DISTINCT (SELECT coalesce(string_agg(r.role, ',' ORDER BY r.role), '') FROM user_roles r WHERE r.user_id = those.id) FROM those),
		coalesce(bool_and(coalesce(t.school_id = (SELECT school_id FROM users WHERE id = $1::uuid), false)), false),
		coalesce(bool_and(EXISTS (SELECT FROM coached k WHERE k.coach_id = $1::uuid AND k.learner_id = t.id)), false), count(*)
	FROM those t`

func (t *GroupTies) read(row pgx.Row) error {
	var sets []string
	err := row.Scan(&sets, &t.SameSchool, &t.CoachOf, &t.Found)
	for _, set := range sets {
		t.RoleSets = append(t.RoleSets, strings.FieldsFunc(set, func(r rune) bool { return r == ',' }))
	}
	return err
}

// TiesToAll reads the facts about an actor and some accounts of a tenant, at most a thousand, in one query.
func TiesToAll(ctx context.Context, q tenants.Querier, actor uuid.UUID, users []uuid.UUID) (GroupTies, error) {
	var t GroupTies
	if len(users) == 0 || len(users) > mostTied {
		return t, domain.InvalidField("user_ids", "domain.must_name_1_to_1000")
	}
	err := t.read(q.QueryRow(ctx, `WITH those AS (SELECT id, school_id FROM users WHERE id = ANY($2::text[]::uuid[]) AND state <> 'erased') `+groupTies,
		actor.String(), texts(users)))
	return t, err
}

// ClassTies are the facts about an actor and a class with the people in it. A class's school says nothing of whose pupils
// have a place in it.
type ClassTies struct {
	CoachOf  bool       // the actor coaches or teaches the class
	RoleSets [][]string // of all who have a place now, every set once
	Members  int        // who have a place now
	OfSchool int        // those of them who belong to the actor's school
}

// TiesToClass reads the facts about an actor and those who have a place in a class now; domain.NotFound when there is no such class.
func TiesToClass(ctx context.Context, q tenants.Querier, actor, class uuid.UUID) (ClassTies, error) {
	var t ClassTies
	var members GroupTies
	is, err := one(ctx, q, class)
	if err != nil {
		return t, err
	}
	const those = `WITH those AS (SELECT u.id, u.school_id FROM places p JOIN users u ON u.id = p.learner_id
		WHERE p.class_id = $2::uuid AND u.state <> 'erased') `
	if err := members.read(q.QueryRow(ctx, those+groupTies, actor.String(), class.String())); err != nil {
		return t, err
	}
	t = ClassTies{CoachOf: is.CoachID != nil && *is.CoachID == actor, RoleSets: members.RoleSets, Members: members.Found}
	return t, q.QueryRow(ctx, those+`SELECT count(*) FROM those WHERE school_id = (SELECT school_id FROM users WHERE id = $1::uuid)`, actor.String(), class.String()).Scan(&t.OfSchool)
}

// LearnerTie is the facts about an actor and one learner of several.
type LearnerTie struct {
	SameSchool bool
	CoachOf    bool
}

// TiesToEach reads the facts about an actor and several learners, at most a thousand, in one query. Who is not there has no ties.
func TiesToEach(ctx context.Context, q tenants.Querier, actor uuid.UUID, learners []uuid.UUID) (map[uuid.UUID]LearnerTie, error) {
	if len(learners) > mostTied {
		return nil, domain.InvalidField("learner_ids", "classes.must_name_at_most_1000")
	}
	rows, err := q.Query(ctx, `SELECT u.id, coalesce(u.school_id = (SELECT school_id FROM users WHERE id = $1::uuid), false),
			EXISTS (SELECT FROM coached k WHERE k.coach_id = $1::uuid AND k.learner_id = u.id)
		FROM users u WHERE u.id = ANY($2::text[]::uuid[]) AND u.state <> 'erased'`, actor.String(), texts(learners))
	if err != nil {
		return nil, err
	}
	ties := make(map[uuid.UUID]LearnerTie, len(learners))
	var id uuid.UUID
	var t LearnerTie
	_, err = pgx.ForEachRow(rows, []any{&id, &t.SameSchool, &t.CoachOf}, func() error { ties[id] = t; return nil })
	return ties, err
}
