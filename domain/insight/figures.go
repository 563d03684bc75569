package insight

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"

	"lignum/domain"
	"lignum/domain/assessment"
	"lignum/tenants"
)

// Every statement gives rows of level, group, key, name, people, count, passed in the order of the table.

// $1 and $2 the dates, $3 the school or null.
const attendanceByDay = `WITH worked AS MATERIALIZED (
	SELECT day, learner_id FROM attendance WHERE day BETWEEN $1::text::date AND $2::text::date AND ($3::text IS NULL OR school_id = $3::text::uuid)
)
SELECT 1 AS level, day::text AS grp, day::text AS key, day::text AS name, count(*)::integer, count(*)::integer, 0 FROM worked GROUP BY day
UNION ALL
SELECT 0, '', '', '', (SELECT count(*)::integer FROM (SELECT FROM worked GROUP BY learner_id) l), (SELECT count(*)::integer FROM worked), 0
ORDER BY level, key`

// One row per school and learner first: the days of a term shrink to the learners of a country.
const attendanceByPlace = `WITH worked AS (
	SELECT school_id, learner_id, count(*) AS days FROM attendance
	WHERE day BETWEEN $1::text::date AND $2::text::date AND ($3::text IS NULL OR school_id = $3::text::uuid) GROUP BY school_id, learner_id
), placed AS (
	SELECT coalesce(s.region, '') AS region, coalesce(s.id::text, '') AS school, coalesce(s.name, '') AS name, w.learner_id, w.days
	FROM worked w LEFT JOIN schools s ON s.id = w.school_id
)
SELECT 2 - grouping(region) - grouping(school) AS level, coalesce(region, '') AS grp,
	CASE WHEN grouping(school) = 0 THEN school ELSE coalesce(region, '') END AS key,
	CASE WHEN grouping(school) = 0 THEN name ELSE coalesce(region, '') END AS label, count(DISTINCT learner_id)::integer, coalesce(sum(days), 0)::integer, 0
FROM placed GROUP BY GROUPING SETS ((region, school, name), (region), ())
ORDER BY level, grp, label, key`

const activeByDay = `WITH active AS MATERIALIZED (
	SELECT a.day, a.user_id FROM active_days a WHERE a.day BETWEEN $1::text::date AND $2::text::date
		AND ($3::text IS NULL OR EXISTS (SELECT FROM users u WHERE u.id = a.user_id AND u.school_id = $3::text::uuid))
)
SELECT 1 AS level, day::text AS grp, day::text AS key, day::text AS name, count(*)::integer, count(*)::integer, 0 FROM active GROUP BY day
UNION ALL
SELECT 0, '', '', '', (SELECT count(*)::integer FROM (SELECT FROM active GROUP BY user_id) u), (SELECT count(*)::integer FROM active), 0
ORDER BY level, key`

// $1 and $2 the moments, $3 the school or null, $4 the pass mark.
const takenCTE = `WITH taken AS (
	SELECT a.course_id, a.school_id, a.learner_id, a.score * 100 / a.max_score >= $4::integer AS passed FROM attempts a
	WHERE a.submitted_at >= $1::timestamptz AND a.submitted_at < $2::timestamptz AND a.state = 'marked' AND a.max_score > 0
		AND ($3::text IS NULL OR a.school_id = $3::text::uuid)
)`

const passedBySubject = takenCTE + `
SELECT 1 - grouping(c.subject) AS level, coalesce(c.subject, '') AS grp, coalesce(c.subject, '') AS key, coalesce(c.subject, '') AS name,
	count(DISTINCT learner_id)::integer, count(*)::integer, count(*) FILTER (WHERE passed)::integer
FROM taken JOIN courses c ON c.id = taken.course_id GROUP BY GROUPING SETS ((c.subject), ())
ORDER BY level, key`

const passedByPlace = takenCTE + `, placed AS (
	SELECT coalesce(s.region, '') AS region, coalesce(s.id::text, '') AS school, coalesce(s.name, '') AS name, t.learner_id, t.passed
	FROM taken t LEFT JOIN schools s ON s.id = t.school_id
)
SELECT 2 - grouping(region) - grouping(school) AS level, coalesce(region, '') AS grp,
	CASE WHEN grouping(school) = 0 THEN school ELSE coalesce(region, '') END AS key,
	CASE WHEN grouping(school) = 0 THEN name ELSE coalesce(region, '') END AS label, count(DISTINCT learner_id)::integer, count(*)::integer,
	count(*) FILTER (WHERE passed)::integer
FROM placed GROUP BY GROUPING SETS ((region, school, name), (region), ())
ORDER BY level, grp, label, key`

// Attendance counts the days on which learners worked, by day, region or school (where the learner was then).
func Attendance(ctx context.Context, q tenants.Querier, p Period, by By, view View) (*Table, error) {
	if err := p.check(); err != nil {
		return nil, err
	}
	from, to := p.dates()
	switch by {
	case ByDay:
		return read(ctx, q, by, p, view, false, attendanceByDay, from, to, view.school())
	case ByRegion, BySchool:
		return read(ctx, q, by, p, view, false, attendanceByPlace, from, to, view.school())
	}
	return nil, domain.InvalidField("by", "must be day, region or school")
}

// ActiveUsers counts users of any role by day.
func ActiveUsers(ctx context.Context, q tenants.Querier, p Period, view View) (*Table, error) {
	if err := p.check(); err != nil {
		return nil, err
	}
	from, to := p.dates()
	return read(ctx, q, ByDay, p, view, false, activeByDay, from, to, view.school())
}

// PassRates counts attempts handed in during the period whose score is final, and how many of them reached
// assessment.PassMark, by subject, region or school (the learner's at the start). zone is the tenant's.
func PassRates(ctx context.Context, q tenants.Querier, p Period, zone *time.Location, by By, view View) (*Table, error) {
	if err := p.check(); err != nil {
		return nil, err
	}
	from, to := p.instants(zone)
	switch by {
	case BySubject:
		return read(ctx, q, by, p, view, true, passedBySubject, from, to, view.school(), assessment.PassMark)
	case ByRegion, BySchool:
		return read(ctx, q, by, p, view, true, passedByPlace, from, to, view.school(), assessment.PassMark)
	}
	return nil, domain.InvalidField("by", "must be subject, region or school")
}

func read(ctx context.Context, q tenants.Querier, by By, p Period, view View, rates bool, sql string, args ...any) (*Table, error) {
	rows, err := q.Query(ctx, sql, args...)
	if err != nil {
		return nil, err
	}
	figures, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (*figure, error) {
		f := &figure{}
		return f, row.Scan(&f.level, &f.group, &f.key, &f.name, &f.people, &f.count, &f.passed)
	})
	if err != nil {
		return nil, err
	}
	return table(by, p, view, figures, rates), nil
}
