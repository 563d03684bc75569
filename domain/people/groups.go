package people

import (
	"context"
	"strings"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"lignum/domain"
	"lignum/tenants"
)

// GroupTies are the facts about an actor and several accounts at once: each holds for all of them, or not at all.
type GroupTies struct {
	RoleSets   [][]string // the roles of each of them, every set once
	SameSchool bool
	CoachOf    bool
	Found      int // how many of them there are
}

const groupTies = `SELECT ARRAY(SELECT DISTINCT (SELECT coalesce(string_agg(r.role, ',' ORDER BY r.role), '') FROM user_roles r WHERE r.user_id = those.id) FROM those),
		coalesce(bool_and(coalesce(t.school_id = (SELECT school_id FROM users WHERE id = $1::uuid), false)), false),
		coalesce(bool_and(EXISTS (SELECT FROM enrolments e JOIN classes c ON c.id = e.class_id
			WHERE e.learner_id = t.id AND e.state = 'active' AND c.state = 'active' AND c.coach_id = $1::uuid)), false), count(*)
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
	if len(users) == 0 || len(users) > maxCards {
		return t, domain.InvalidField("user_ids", "must name 1 to 1000 users")
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
	var coach *uuid.UUID
	if err := q.QueryRow(ctx, `SELECT coach_id FROM classes WHERE id = $1::uuid`, class.String()).Scan(&coach); err != nil {
		return t, notFound(err, "class")
	}
	const those = `WITH those AS (SELECT u.id, u.school_id FROM enrolments e JOIN users u ON u.id = e.learner_id
		WHERE e.class_id = $2::uuid AND e.state = 'active' AND u.state <> 'erased') `
	if err := members.read(q.QueryRow(ctx, those+groupTies, actor.String(), class.String())); err != nil {
		return t, err
	}
	t = ClassTies{CoachOf: coach != nil && *coach == actor, RoleSets: members.RoleSets, Members: members.Found}
	return t, q.QueryRow(ctx, those+`SELECT count(*) FROM those WHERE school_id = (SELECT school_id FROM users WHERE id = $1::uuid)`, actor.String(), class.String()).Scan(&t.OfSchool)
}

// LearnerTie is the facts about an actor and one learner of several.
type LearnerTie struct {
	SameSchool bool
	CoachOf    bool // learns in an active class of the actor's
}

// TiesToEach reads the facts about an actor and several learners, at most a thousand, in one query. Who is not there has no ties.
func TiesToEach(ctx context.Context, q tenants.Querier, actor uuid.UUID, learners []uuid.UUID) (map[uuid.UUID]LearnerTie, error) {
	if len(learners) > maxCards {
		return nil, domain.InvalidField("learner_ids", "must name at most 1000 learners")
	}
	rows, err := q.Query(ctx, `SELECT u.id, coalesce(u.school_id = (SELECT school_id FROM users WHERE id = $1::uuid), false),
			EXISTS (SELECT FROM enrolments e JOIN classes c ON c.id = e.class_id
				WHERE e.learner_id = u.id AND e.state = 'active' AND c.state = 'active' AND c.coach_id = $1::uuid)
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

// GradeCount is a form of a school, or of all schools, and how many learn in it.
type GradeCount struct {
	Grade    string `json:"grade"`
	Learners int    `json:"learners"` // active, without a place in the class
}

// Grades tells which forms there are among the active learners who have no place in a class, of a school or (nil) of all, at
// most a hundred. Those of all are kept as sums, from which those in the class are taken: it costs what the class or the school is large.
func Grades(ctx context.Context, q tenants.Querier, school *uuid.UUID, notIn uuid.UUID) ([]GradeCount, error) {
	// Looked up one by one, by key: they are few beside all that learn.
	const learns = `u.grade <> '' AND u.state = 'active' AND (SELECT true FROM user_roles r WHERE r.user_id = u.id AND r.role = 'student')`
	sql, in, args := `SELECT substr(name, 7) AS grade, n FROM totals WHERE name LIKE 'grade:%'`, "", []any{notIn.String()}
	if school != nil {
		sql, in, args = `SELECT u.grade AS grade, count(*) AS n FROM users u WHERE u.school_id = $2::uuid AND `+learns+` GROUP BY u.grade`, ` AND u.school_id = $2::uuid`, append(args, school.String())
	}
	rows, err := q.Query(ctx, `SELECT grade, sum(n)::bigint FROM (`+sql+` UNION ALL SELECT of, -count(*) FROM (
				SELECT (SELECT u.grade FROM users u WHERE u.id = e.learner_id AND `+learns+in+`) AS of FROM enrolments e WHERE e.class_id = $1::uuid AND e.state = 'active') placed
			WHERE of IS NOT NULL GROUP BY of) g
		GROUP BY grade HAVING sum(n) > 0 ORDER BY length(grade), grade LIMIT 100`, args...)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, pgx.RowToStructByPos[GradeCount])
}

// LearnersOf gives the active learners of one form, by name, of a school or (nil) of all, who have no place in a class: at most
// limit of them.
func LearnersOf(ctx context.Context, q tenants.Querier, school *uuid.UUID, grade string, notIn uuid.UUID, limit int) ([]uuid.UUID, error) {
	rows, err := q.Query(ctx, `SELECT u.id FROM users u WHERE ($1::text IS NULL OR u.school_id = $1::text::uuid) AND u.grade = $2::text AND u.state = 'active'
			AND EXISTS (SELECT FROM user_roles r WHERE r.user_id = u.id AND r.role = 'student')
			AND NOT EXISTS (SELECT FROM enrolments e WHERE e.class_id = $3::uuid AND e.learner_id = u.id AND e.state = 'active')
		ORDER BY u.family_name, u.given_name, u.id LIMIT $4::integer`, uuidText(school), grade, notIn.String(), limit)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, pgx.RowTo[uuid.UUID])
}

// OthersWith counts the active accounts, besides one, that have any of the roles.
func OthersWith(ctx context.Context, q tenants.Querier, roles []string, besides uuid.UUID) (n int, err error) {
	err = q.QueryRow(ctx, `SELECT count(DISTINCT u.id) FROM users u JOIN user_roles r ON r.user_id = u.id
		WHERE u.state = 'active' AND u.id <> $2::uuid AND r.role = ANY($1::text[])`, roles, besides.String()).Scan(&n)
	return n, err
}

// CountByRole tells how many active accounts have each role, of the sums that the database keeps.
func CountByRole(ctx context.Context, q tenants.Querier) (map[string]int, error) {
	rows, err := q.Query(ctx, `SELECT substr(name, 6), n FROM totals WHERE name LIKE 'role:%'`)
	if err != nil {
		return nil, err
	}
	counts := map[string]int{}
	var role string
	var n int
	_, err = pgx.ForEachRow(rows, []any{&role, &n}, func() error { counts[role] = n; return nil })
	return counts, err
}
