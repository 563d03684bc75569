package points

import (
	"context"
	"fmt"
	"slices"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"lignum/domain"
	"lignum/domain/people"
	"lignum/tenants"
)

// Among says whose points are compared.
type Among string

// The circles of a leaderboard.
const (
	AmongTenant Among = "tenant" // everybody
	AmongSchool Among = "school" // learners who were of the school when they last earned
	AmongClass  Among = "class"  // those of a class, or some of them
)

// Scope is a circle and whose.
type Scope struct {
	Among  Among
	School uuid.UUID    // of AmongSchool
	Class  people.Group // of AmongClass
}

// Standing is one line of a leaderboard. Others are shown by given name and the first letter of the family name, and
// without an id: most of them are children.
type Standing struct {
	Rank   int    `json:"rank"` // equal points share a rank, and the next rank after two firsts is 3
	Name   string `json:"name"`
	Points int    `json:"points"`
	Me     bool   `json:"me"`
}

// Board is a leaderboard as one learner sees it.
type Board struct {
	Period string     `json:"period"`
	Top    []Standing `json:"top"`
	Me     *Standing  `json:"me,omitempty"` // nil: no points in this period or circle yet
	Near   []Standing `json:"near"`         // the learner between up to two neighbours on each side
}

// Leaderboard returns the first of a period ("all" or a month) in a circle, and the learner's own rank with neighbours,
// in one round trip. Only those who take part are shown and counted, as long as their accounts are active, but
// everybody sees their own rank. limit is 1 to 100; 0 is 10.
func Leaderboard(ctx context.Context, q tenants.Querier, scope Scope, period string, me uuid.UUID, limit int) (*Board, error) {
	if err := CheckPeriod(period); err != nil {
		return nil, err
	}
	if limit == 0 {
		limit = 10
	}
	if limit < 1 || limit > 100 {
		return nil, domain.InvalidField("limit", "points.must_be_1_to_100")
	}
	top, near, circle, err := leaderboardSQL(scope)
	if err != nil {
		return nil, err
	}
	if scope.Among == AmongSchool { // the same as functions, whose plans are kept: planning them takes longer than running them
		top = `SELECT rank, name, points, me FROM school_top($1::text, $2::uuid, $3::uuid, $4::integer)`
		near = `SELECT rank, name, points, me FROM school_near($1::text, $2::uuid, $3::uuid)`
	}
	args := append([]any{period, me.String()}, circle...)
	b := &pgx.Batch{}
	b.Queue(top, append(slices.Clone(args), limit)...)
	b.Queue(near, args...)
	res := q.SendBatch(ctx, b)
	defer res.Close()
	board := &Board{Period: period}
	if board.Top, err = standings(res); err != nil {
		return nil, err
	}
	if board.Near, err = standings(res); err != nil {
		return nil, err
	}
	for i := range board.Near {
		if board.Near[i].Me {
			board.Me = &board.Near[i]
		}
	}
	return board, nil
}

func standings(res pgx.BatchResults) ([]Standing, error) {
	rows, err := res.Query()
	if err != nil {
		return nil, err
	}
	list, err := pgx.CollectRows(rows, pgx.RowToStructByPos[Standing])
	if list == nil {
		list = []Standing{}
	}
	return list, err
}

// leaderboardSQL returns the two statements for a circle, and the circle's arguments. Its condition is on t, a row of point_totals; $1 is the
// period, $2 the learner; the circle's arguments follow, and then, for the first, how many.
func leaderboardSQL(scope Scope) (top, near string, args []any, err error) {
	var circle string
	switch scope.Among {
	case AmongTenant:
		circle = "true"
	case AmongSchool:
		circle, args = "t.school_id = $3::uuid", []any{scope.School.String()}
	case AmongClass:
		circle, args = scope.Class.Has("t.learner_id", 3)
	default:
		return "", "", nil, domain.InvalidField("scope", "points.must_be_tenant_school_or")
	}
	const name = `u.given_name || ' ' || left(u.family_name, 1) || '.'`
	seen := `t.period = $1::text AND ` + circle + ` AND EXISTS (
		SELECT FROM users u WHERE u.id = t.learner_id AND u.on_leaderboard AND u.state = 'active')`

	// Whoever has more points than one of the first is among the first, so the window over them gives true ranks.
	top = `SELECT rank() OVER (ORDER BY t.points DESC)::integer, ` + name + `, t.points, t.learner_id = $2::uuid
	FROM (SELECT t.learner_id, t.points FROM point_totals t WHERE ` + seen + ` AND t.points > 0
		ORDER BY t.points DESC, t.learner_id DESC LIMIT ` + fmt.Sprintf("$%d::integer", 3+len(args)) + `) t JOIN users u ON u.id = t.learner_id
	ORDER BY t.points DESC, t.learner_id DESC`

	// One long count in the index, of those above the highest neighbour; the ranks below follow from short ones. What a
	// range begins with is a scalar, so that the index finds it, and the long count is made once.
	const from = `((SELECT points FROM me), (SELECT learner_id FROM me))`
	const most = `(SELECT max(points) FROM near)`
	near = `WITH me AS MATERIALIZED (
		SELECT t.learner_id, t.points FROM point_totals t WHERE t.period = $1::text AND t.learner_id = $2::uuid AND ` + circle + `
	), near AS MATERIALIZED (
		(SELECT t.learner_id, t.points FROM point_totals t WHERE (t.points, t.learner_id) > ` + from + ` AND ` + seen + `
			ORDER BY t.points, t.learner_id LIMIT 2)
		UNION ALL SELECT learner_id, points FROM me UNION ALL
		(SELECT t.learner_id, t.points FROM point_totals t WHERE (t.points, t.learner_id) < ` + from + ` AND t.points > 0 AND ` + seen + `
			ORDER BY t.points DESC, t.learner_id DESC LIMIT 2)
	), above AS MATERIALIZED (
		SELECT count(*) AS n FROM point_totals t WHERE t.points > ` + most + ` AND ` + seen + `
	)
	SELECT (1 + above.n + (SELECT count(*) FROM point_totals t WHERE t.points > n.points AND t.points <= ` + most + ` AND ` + seen + `))::integer,
		` + name + `, n.points, n.learner_id = $2::uuid
	FROM near n JOIN users u ON u.id = n.learner_id CROSS JOIN above
	ORDER BY n.points DESC, n.learner_id DESC`
	return top, near, args, nil
}
