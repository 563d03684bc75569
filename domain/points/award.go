package points

import (
	"context"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"lignum/tenants"
)

// CTEs awards points inside a statement that does more: put it into the WITH list after a CTE
//
//	earning (learner_id uuid, school_id uuid, rule text, ref text, points int, at timestamptz, month text)
//
// It takes no arguments. point_entry then holds what was new and point_total the totals that moved by it; earnings that
// the learner already had fall away here, so a race or a replay adds nothing. Totals are taken in the order of their
// keys, so that two awards never wait for each other in a circle.
const CTEs = `point_entry AS (
	INSERT INTO point_entries (learner_id, rule, ref, points, at)
	SELECT learner_id, rule, ref, points, at FROM earning ORDER BY learner_id, rule, ref
	ON CONFLICT DO NOTHING RETURNING learner_id, rule, ref, points
), point_sum AS (
	SELECT learner_id, sum(points)::integer AS points FROM point_entry GROUP BY learner_id
), point_earner AS (
	SELECT DISTINCT ON (learner_id) learner_id, school_id, at, month FROM earning
), point_total AS (
	INSERT INTO point_totals AS t (period, learner_id, school_id, points, updated_at)
	SELECT p.period, s.learner_id, e.school_id, s.points, e.at
	FROM point_sum s JOIN point_earner e USING (learner_id) CROSS JOIN LATERAL (VALUES (e.month), ('all')) AS p (period)
	ORDER BY p.period, s.learner_id
	ON CONFLICT (period, learner_id) DO UPDATE
	SET points = t.points + excluded.points, school_id = excluded.school_id, updated_at = excluded.updated_at
	RETURNING t.period, t.learner_id, t.points
)`

const awardSQL = `WITH earning AS (
	SELECT u.id AS learner_id, u.school_id, e.rule, e.ref, e.points, $5::timestamptz AS at, $6::text AS month
	FROM users u CROSS JOIN unnest($2::text[], $3::text[], $4::integer[]) AS e (rule, ref, points) WHERE u.id = $1::uuid
), ` + CTEs + `
SELECT coalesce(sum(points), 0)::integer FROM point_entry`

// Queue adds an award to a batch. Its result is one row with one integer: the points that were new. today is the
// tenant's date, which decides the month.
func Queue(b *pgx.Batch, learnerID uuid.UUID, now, today time.Time, earnings ...Earning) {
	rules, refs, n := make([]string, len(earnings)), make([]string, len(earnings)), make([]int32, len(earnings))
	for i, e := range earnings {
		rules[i], refs[i], n[i] = e.Rule, e.Ref, int32(e.Points)
	}
	b.Queue(awardSQL, learnerID.String(), rules, refs, n, now.UTC(), Month(today))
}

// Award stores earnings in a transaction and tells how many points were new. The caller records the entry in the audit
// trail: points come with the thing that earned them.
func Award(ctx context.Context, tx *tenants.Tx, learnerID uuid.UUID, now, today time.Time, earnings ...Earning) (int, error) {
	b := &pgx.Batch{}
	Queue(b, learnerID, now, today, earnings...)
	res := tx.SendBatch(ctx, b)
	var fresh int
	err := res.QueryRow().Scan(&fresh)
	if cerr := res.Close(); err == nil {
		err = cerr
	}
	return fresh, err
}

// Entry is what one lesson or test brought at one time, by however many rules.
type Entry struct {
	Kind   string    `json:"kind"`  // lesson or test
	ID     uuid.UUID `json:"id"`    // the lesson's or the test's
	Title  string    `json:"title"` // its title, as it is now; "" when it is gone
	Points int       `json:"points"`
	At     time.Time `json:"at"`
}

// Own is a learner's own points.
type Own struct {
	Total   int     `json:"total"`
	Month   int     `json:"month"`   // in the current month
	Listed  bool    `json:"listed"`  // whether others may see the learner on leaderboards
	Decides string  `json:"decides"` // who turns that on: learner or guardian
	Recent  []Entry `json:"recent"`  // the last 20, newest first
}

// Mine gives a learner's own points. today is the tenant's date.
func Mine(ctx context.Context, q tenants.Querier, learnerID uuid.UUID, today time.Time) (*Own, error) {
	b := &pgx.Batch{}
	b.Queue(`SELECT coalesce((SELECT points FROM point_totals WHERE period = 'all' AND learner_id = $1::uuid), 0),
		coalesce((SELECT points FROM point_totals WHERE period = $2::text AND learner_id = $1::uuid), 0),
		coalesce((SELECT on_leaderboard FROM users WHERE id = $1::uuid), false), (SELECT leaderboard_by FROM branding)`, learnerID.String(), Month(today))
	// All that one report or one handing in brought has one time: it is one line.
	b.Queue(`WITH recent AS (
			SELECT split_part(rule, '.', 1) AS kind, split_part(ref, '/', 1)::uuid AS id, sum(points)::integer AS points, at
			FROM point_entries WHERE learner_id = $1::uuid GROUP BY 1, 2, at ORDER BY at DESC, 2 LIMIT 20
		)
		SELECT r.kind, r.id, coalesce(l.title, t.title, ''), r.points, r.at FROM recent r
		LEFT JOIN lessons l ON r.kind = 'lesson' AND l.id = r.id LEFT JOIN tests t ON r.kind = 'test' AND t.id = r.id
		ORDER BY r.at DESC, r.id`, learnerID.String())
	res := q.SendBatch(ctx, b)
	defer res.Close()
	own := &Own{Recent: []Entry{}}
	if err := res.QueryRow().Scan(&own.Total, &own.Month, &own.Listed, &own.Decides); err != nil {
		return nil, err
	}
	rows, err := res.Query()
	if err != nil {
		return nil, err
	}
	if own.Recent, err = pgx.AppendRows(own.Recent, rows, pgx.RowToStructByPos[Entry]); err != nil {
		return nil, err
	}
	return own, nil
}
