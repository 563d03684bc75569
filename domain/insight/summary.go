package insight

import (
	"context"
	"time"

	"lignum/domain/assessment"
	"lignum/tenants"
	"lignum/tenants/audit"
)

// Summary is a tenant, or one school of it, at a glance. A figure about too few people is null. What slides from day to day
// over a school's last days is, over the whole tenant, of its last finished month: two slides subtracted would tell of a day.
type Summary struct {
	Day             string `json:"day"`
	Learners        *int   `json:"learners"`         // accounts in good standing
	Staff           *int   `json:"staff"`            // the same, all others
	Schools         int    `json:"schools"`          // active
	Classes         int    `json:"classes"`          // active
	ActiveToday     *int   `json:"active_today"`     // users of any role
	AttendanceToday *int   `json:"attendance_today"` // learners
	AttendanceWeek  *int   `json:"attendance_week"`  // a school's different learners in the last seven days
	AttendanceMonth *int   `json:"attendance_month"` // the whole tenant's, in the time of the attempts
	AttemptsFrom    string `json:"attempts_from"`    // a school's last thirty days, or the whole tenant's last finished month
	AttemptsTo      string `json:"attempts_to"`
	Attempts        *int   `json:"attempts"`     // with a final score
	PassPercent     *int   `json:"pass_percent"` // of those, rounded down
	MinCell         int    `json:"min_cell"`
	Counted         bool   `json:"-"` // the month was not kept, and so counted from its rows
}

// $1 today, $2 and $3 the last finished month's first and last day, $4 and $5 when it began and ended, $6 the pass mark, $7 the smallest cell. What is not kept of the
// month is counted, and nothing is counted that is kept: PostgreSQL looks at a part of coalesce only when those before it are null.
const tenantAtAGlance = `WITH kept AS (
	SELECT f.kind, f.people, f.n, f.passed FROM figure_months m JOIN month_figures f ON f.month = m.month AND f.level = 0
	WHERE m.month = $2::text::date AND m.kept_at IS NOT NULL AND m.least = $7::integer AND m.pass_mark = $6::integer AND m.starts = $4::timestamptz AND m.ends = $5::timestamptz
), taken AS (` + takenAtAGlance + `), total AS (
	SELECT coalesce(max(n) FILTER (WHERE name = 'role:student'), 0)::integer AS learners, coalesce(max(n) FILTER (WHERE name = 'accounts'), 0)::integer AS accounts,
		coalesce(max(n) FILTER (WHERE name = 'schools'), 0)::integer AS schools, coalesce(max(n) FILTER (WHERE name = 'classes'), 0)::integer AS classes
	FROM totals WHERE name IN ('role:student', 'accounts', 'schools', 'classes')
), day AS (` + todayAtAGlance + `)
SELECT total.learners, total.accounts - total.learners, total.schools, total.classes, day.active, day.attended,
	coalesce((SELECT people FROM kept WHERE kind = 'attendance'), (SELECT count(DISTINCT a.learner_id)::integer FROM attendance a WHERE a.day BETWEEN $2::text::date AND $3::text::date
		AND a.day IN (SELECT day FROM attendance WHERE day BETWEEN $2::text::date AND $3::text::date GROUP BY day HAVING count(*) >= $7::integer))),
	coalesce((SELECT people FROM kept WHERE kind = 'place'), (SELECT people FROM taken)), coalesce((SELECT n FROM kept WHERE kind = 'place'), (SELECT n FROM taken)),
	coalesce((SELECT passed FROM kept WHERE kind = 'place'), (SELECT passed FROM taken)), NOT EXISTS (SELECT FROM kept)
FROM total, day, (SELECT $8::text) AS school`

// The same of a school ($8), $2 to $5 being its last days.
const schoolAtAGlance = `WITH people AS (
	SELECT count(*) FILTER (WHERE learner)::integer AS learners, count(*) FILTER (WHERE NOT learner)::integer AS staff
	FROM (SELECT EXISTS (SELECT FROM user_roles r WHERE r.user_id = u.id AND r.role = 'student') AS learner
		FROM users u WHERE u.state = 'active' AND u.school_id = $8::text::uuid) p
), taken AS (` + takenAtAGlance + ` AND school_id = $8::text::uuid), day AS (` + todayAtAGlance + `)
SELECT people.learners, people.staff, (SELECT count(*)::integer FROM schools s WHERE s.state = 'active' AND s.id = $8::text::uuid),
	(SELECT count(*)::integer FROM classes c WHERE c.state = 'active' AND c.school_id = $8::text::uuid), day.active, day.attended,
	(SELECT count(DISTINCT a.learner_id)::integer FROM attendance a WHERE a.day BETWEEN $2::text::date AND $3::text::date AND a.school_id = $8::text::uuid),
	taken.people, taken.n, taken.passed, $7::integer IS NULL
FROM people, taken, day`

const (
	takenAtAGlance = `SELECT count(DISTINCT learner_id)::integer AS people, count(*)::integer AS n, count(*) FILTER (WHERE score * 100 / max_score >= $6::integer)::integer AS passed
		FROM attempts WHERE submitted_at >= $4::timestamptz AND submitted_at < $5::timestamptz AND state = 'marked' AND max_score > 0`
	todayAtAGlance = `SELECT coalesce(sum(active), 0)::integer AS active, coalesce(sum(attended), 0)::integer AS attended FROM day_totals
		WHERE school_id = coalesce($8::text::uuid, '` + wholeTenant + `') AND day = $1::text::date`
)

// Glance returns the summary of a day in one query. today is the tenant's date, zone its zone.
func Glance(ctx context.Context, q tenants.Querier, today time.Time, zone *time.Location, view View) (*Summary, error) {
	s := &Summary{Day: today.Format(time.DateOnly), MinCell: view.min()}
	sat, came := Period{today.AddDate(0, 0, -29), today}, Period{today.AddDate(0, 0, -6), today}
	if view.whole() {
		sat, came = FinishedMonth(today), FinishedMonth(today)
	}
	s.AttemptsFrom, s.AttemptsTo = sat.dates()
	from, to := sat.instants(zone)
	first, last := came.dates()
	var learners, staff, active, attended, different, takers, attempts, passed int
	sql := schoolAtAGlance
	if view.whole() {
		sql = tenantAtAGlance
	}
	if err := q.QueryRow(ctx, sql, s.Day, first, last, from, to, assessment.PassMark, s.MinCell, view.school()).
		Scan(&learners, &staff, &s.Schools, &s.Classes, &active, &attended, &different, &takers, &attempts, &passed, &s.Counted); err != nil {
		return nil, err
	}
	shown := func(people, value int) *int {
		if people < s.MinCell {
			return nil
		}
		return &value
	}
	s.Learners, s.Staff = shown(learners, learners), shown(staff, staff)
	s.ActiveToday, s.AttendanceToday = shown(active, active), shown(attended, attended)
	if view.whole() {
		s.AttendanceMonth = shown(different, different)
	} else {
		s.AttendanceWeek = shown(different, different)
	}
	s.Attempts = shown(takers, attempts)
	if attempts > 0 {
		s.PassPercent = shown(takers, passed*100/attempts)
	}
	return s, nil
}

// PublishDay counts one of the tenant's days and gives the counts to the platform: all that it sees of a tenant's use. It
// may be repeated; the last one stands. zone is the tenant's.
func PublishDay(ctx context.Context, tx *tenants.Tx, day time.Time, zone *time.Location) error {
	from, to := Period{day, day}.instants(zone)
	date := day.Format(time.DateOnly)
	_, err := tx.Exec(ctx, `SELECT gate.publish_usage($1::text::date,
		(SELECT coalesce(sum(active), 0)::integer FROM day_totals WHERE school_id = '`+wholeTenant+`' AND day = $1::text::date),
		(SELECT coalesce(sum(attended), 0)::integer FROM day_totals WHERE school_id = '`+wholeTenant+`' AND day = $1::text::date),
		(SELECT n::integer FROM usage_counts WHERE kind = 'learners'),
		(SELECT n::integer FROM usage_counts WHERE kind = 'classes'),
		(SELECT count(*)::integer FROM attempts WHERE submitted_at >= $2::timestamptz AND submitted_at < $3::timestamptz))`, date, from, to)
	if err != nil {
		return err
	}
	tx.Record(audit.Entry{Action: "usage.publish", ObjectKind: "day", ObjectID: date})
	return nil
}
