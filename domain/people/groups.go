package people

import (
	"context"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"lignum/domain"
	"lignum/tenants"
)

// GroupTies are the facts about an actor and several accounts at once: each holds for all of them, or not at all.
type GroupTies struct {
	Roles      []string // all roles that any of them has
	SameSchool bool
	CoachOf    bool
	Found      int // how many of them there are
}

const groupTies = `SELECT ARRAY(SELECT DISTINCT r.role FROM user_roles r WHERE r.user_id IN (SELECT id FROM those) ORDER BY 1),
		coalesce(bool_and(coalesce(t.school_id = (SELECT school_id FROM users WHERE id = $1::uuid), false)), false),
		coalesce(bool_and(EXISTS (SELECT FROM enrolments e JOIN classes c ON c.id = e.class_id
			WHERE e.learner_id = t.id AND e.state = 'active' AND c.state = 'active' AND c.coach_id = $1::uuid)), false), count(*)
	FROM those t`

// TiesToAll reads the facts about an actor and some accounts of a tenant, at most a thousand, in one query.
func TiesToAll(ctx context.Context, q tenants.Querier, actor uuid.UUID, users []uuid.UUID) (GroupTies, error) {
	var t GroupTies
	if len(users) == 0 || len(users) > maxCards {
		return t, domain.InvalidField("user_ids", "must name 1 to 1000 users")
	}
	err := q.QueryRow(ctx, `WITH those AS (SELECT id, school_id FROM users WHERE id = ANY($2::text[]::uuid[]) AND state <> 'erased') `+groupTies,
		actor.String(), texts(users)).Scan(&t.Roles, &t.SameSchool, &t.CoachOf, &t.Found)
	return t, err
}

// TiesToClass reads the facts about an actor and those who have a place in a class now. SameSchool and CoachOf are about the class itself.
func TiesToClass(ctx context.Context, q tenants.Querier, actor, class uuid.UUID) (GroupTies, error) {
	var t GroupTies
	err := q.QueryRow(ctx, `SELECT ARRAY(SELECT DISTINCT r.role FROM user_roles r JOIN enrolments e ON e.learner_id = r.user_id AND e.state = 'active' AND e.class_id = c.id ORDER BY 1),
			coalesce(c.school_id = (SELECT school_id FROM users WHERE id = $1::uuid), false), coalesce(c.coach_id = $1::uuid, false),
			(SELECT count(*) FROM enrolments e WHERE e.class_id = c.id AND e.state = 'active')
		FROM classes c WHERE c.id = $2::uuid`, actor.String(), class.String()).Scan(&t.Roles, &t.SameSchool, &t.CoachOf, &t.Found)
	return t, notFound(err, "class")
}

// OthersWith counts the active accounts, besides one, that have any of the roles.
func OthersWith(ctx context.Context, q tenants.Querier, roles []string, besides uuid.UUID) (n int, err error) {
	err = q.QueryRow(ctx, `SELECT count(DISTINCT u.id) FROM users u JOIN user_roles r ON r.user_id = u.id
		WHERE u.state = 'active' AND u.id <> $2::uuid AND r.role = ANY($1::text[])`, roles, besides.String()).Scan(&n)
	return n, err
}

// CountByRole tells how many active accounts have each role.
func CountByRole(ctx context.Context, q tenants.Querier) (map[string]int, error) {
	rows, err := q.Query(ctx, `SELECT r.role, count(*) FROM user_roles r JOIN users u ON u.id = r.user_id WHERE u.state = 'active' GROUP BY r.role`)
	if err != nil {
		return nil, err
	}
	counts := map[string]int{}
	var role string
	var n int
	_, err = pgx.ForEachRow(rows, []any{&role, &n}, func() error { counts[role] = n; return nil })
	return counts, err
}
