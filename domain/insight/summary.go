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
}

const summarySQL = `WITH people AS (
	SELECT count(*) FILTER (WHERE learner)::integer AS learners, count(*) FILTER (WHERE NOT learner)::integer AS staff
	FROM (SELECT EXISTS (SELECT FROM user_roles r WHERE r.user_id = u.id AND r.role = 'student') AS learner
		FROM users u WHERE u.state = 'active' AND ($2::text IS NULL OR u.school_id = $2::text::uuid)) p
), taken AS (
	SELECT count(DISTINCT learner_id)::integer AS people, count(*)::integer AS n, count(*) FILTER (WHERE score * 100 / max_score >= $5::integer)::integer AS passed
	FROM attempts WHERE submitted_at >= $3::timestamptz AND submitted_at < $4::timestamptz AND state = 'marked' AND max_score > 0
		AND ($2::text IS NULL OR school_id = $2::text::uuid)
)
SELECT people.learners, people.staff,
	(SELECT count(*)::integer FROM schools s WHERE s.state = 'active' AND ($2::text IS NULL OR s.id = $2::text::uuid)),
	(SELECT count(*)::integer FROM classes c WHERE c.state = 'active' AND ($2::text IS NULL OR c.school_id = $2::text::uuid)),
	(SELECT count(*)::integer FROM active_days a WHERE a.day = $1::text::date
		AND ($2::text IS NULL OR EXISTS (SELECT FROM users u WHERE u.id = a.user_id AND u.school_id = $2::text::uuid))),
	(SELECT count(*)::integer FROM attendance a WHERE a.day = $1::text::date AND ($2::text IS NULL OR a.school_id = $2::text::uuid)),
	(SELECT count(DISTINCT a.learner_id)::integer FROM attendance a WHERE a.day BETWEEN $6::text::date AND $7::text::date
		AND ($2::text IS NULL OR a.school_id = $2::text::uuid)
		AND ($2::text IS NOT NULL OR a.day IN (SELECT day FROM attendance WHERE day BETWEEN $6::text::date AND $7::text::date GROUP BY day HAVING count(*) >= $8::integer))),
	taken.people, taken.n, taken.passed FROM people, taken`

// Glance gives the summary of a day in one query. today is the tenant's date, zone its zone.
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
	if err := q.QueryRow(ctx, summarySQL, s.Day, view.school(), from, to, assessment.PassMark, first, last, s.MinCell).
		Scan(&learners, &staff, &s.Schools, &s.Classes, &active, &attended, &different, &takers, &attempts, &passed); err != nil {
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
		(SELECT count(*)::integer FROM active_days WHERE day = $1::text::date),
		(SELECT count(*)::integer FROM attendance WHERE day = $1::text::date),
		(SELECT n::integer FROM usage_counts WHERE kind = 'learners'),
		(SELECT n::integer FROM usage_counts WHERE kind = 'classes'),
		(SELECT count(*)::integer FROM attempts WHERE submitted_at >= $2::timestamptz AND submitted_at < $3::timestamptz))`, date, from, to)
	if err != nil {
		return err
	}
	tx.Record(audit.Entry{Action: "usage.publish", ObjectKind: "day", ObjectID: date})
	return nil
}
