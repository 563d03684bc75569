package classes

import (
	"context"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"lignum/tenants"
)

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
				SELECT (SELECT u.grade FROM users u WHERE u.id = p.learner_id AND `+learns+in+`) AS of FROM places p WHERE p.class_id = $1::uuid) placed
			WHERE of IS NOT NULL GROUP BY of) g
		GROUP BY grade HAVING sum(n) > 0 ORDER BY length(grade), grade LIMIT 100`, args...)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, pgx.RowToStructByPos[GradeCount])
}

// WithoutPlace returns the active learners of one form, by name, of a school or (nil) of all, who have no place in a class: at most
// limit of them.
func WithoutPlace(ctx context.Context, q tenants.Querier, school *uuid.UUID, grade string, notIn uuid.UUID, limit int) ([]uuid.UUID, error) {
	var of *string // the zero id is of no school, whose learners are nobody
	if school != nil {
		id := school.String()
		of = &id
	}
	rows, err := q.Query(ctx, `SELECT u.id FROM users u WHERE ($1::text IS NULL OR u.school_id = $1::text::uuid) AND u.grade = $2::text AND u.state = 'active'
			AND EXISTS (SELECT FROM user_roles r WHERE r.user_id = u.id AND r.role = 'student')
			AND NOT EXISTS (SELECT FROM places p WHERE p.class_id = $3::uuid AND p.learner_id = u.id)
		ORDER BY u.family_name, u.given_name, u.id LIMIT $4::integer`, of, grade, notIn.String(), limit)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, pgx.RowTo[uuid.UUID])
}
