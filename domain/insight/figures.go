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

// Days are sums that the database keeps, of the tenant and of each school. Different people are counted for one school alone,
// over whose days they are few; of a tenant the busiest day tells whether there were enough.
// $1 and $2 the dates, $3 the school or null, $4 the fewest people that a day is about to count in a sum.
func sumsOfDays(sum, rows, person string) string {
	return `WITH days AS (
	SELECT day, sum(` + sum + `)::integer AS n FROM day_totals WHERE school_id = coalesce($3::text::uuid, '` + wholeTenant + `') AND day BETWEEN $1::text::date AND $2::text::date
	GROUP BY day HAVING sum(` + sum + `) > 0
)
SELECT 1 AS level, day::text AS grp, day::text AS key, day::text AS name, n, n, 0 FROM days
UNION ALL
SELECT 0, '', '', '', CASE WHEN $3::text IS NULL THEN coalesce(max(n) FILTER (WHERE n >= $4::integer), 0) ELSE (
	SELECT count(DISTINCT ` + person + `)::integer FROM ` + rows + ` WHERE school_id = $3::text::uuid AND day BETWEEN $1::text::date AND $2::text::date
		AND day IN (SELECT day FROM days WHERE n >= $4::integer)) END, coalesce(sum(n) FILTER (WHERE n >= $4::integer), 0)::integer, 0 FROM days
ORDER BY level, key`
}

// wholeTenant stands for all schools together in day_totals.
const wholeTenant = "00000000-0000-0000-0000-000000000000"

var (
	attendanceByDay = sumsOfDays("attended", "attendance", "learner_id")
	activeByDay     = sumsOfDays("active", "active_days", "user_id")
)

// One row per school and learner first: the days of a term shrink to the learners of a country.
const attendanceByPlace = `WITH worked AS (
	SELECT school_id, learner_id, count(*) AS days FROM attendance
	WHERE day BETWEEN $1::text::date AND $2::text::date AND ($3::text IS NULL OR school_id = $3::text::uuid)
		AND ($3::text IS NOT NULL OR day IN (SELECT day FROM attendance WHERE day BETWEEN $1::text::date AND $2::text::date GROUP BY day HAVING count(*) >= $4::integer))
	GROUP BY school_id, learner_id
), placed AS (
	SELECT coalesce(s.region, '') AS region, coalesce(s.id::text, '') AS school, coalesce(s.name, '') AS name, w.learner_id, w.days
	FROM worked w LEFT JOIN schools s ON s.id = w.school_id
)
SELECT 2 - grouping(region) - grouping(school) AS level, coalesce(region, '') AS grp,
	CASE WHEN grouping(school) = 0 THEN school ELSE coalesce(region, '') END AS key,
	CASE WHEN grouping(school) = 0 THEN name ELSE coalesce(region, '') END AS label, count(DISTINCT learner_id)::integer, coalesce(sum(days), 0)::integer, 0
FROM placed GROUP BY GROUPING SETS ((region, school, name), (region), ())
ORDER BY level, grp, label, key`

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

// Attendance counts the days on which learners worked, by day, region or school (where the learner was then). Over the whole
// tenant it counts no day on which fewer worked than the smallest cell, and regions and schools have figures of whole
// finished months only: any other period is Invalid.
func Attendance(ctx context.Context, q tenants.Querier, p Period, by By, view View) (*Table, error) {
	switch by {
	case ByDay:
		return byDay(ctx, q, p, view, attendanceByDay)
	case BySubject:
	case ByRegion, BySchool:
		return byGroup(ctx, q, p, time.UTC, keptAttendance, by, view, func(p Period) ([]*figure, error) {
			from, to := p.dates()
			return read(ctx, q, false, attendanceByPlace, from, to, view.school(), view.min())
		})
	}
	return nil, domain.InvalidField("by", "insight.must_be_day_region_or")
}

// ActiveUsers counts users of any role by day, at the school that they had then.
func ActiveUsers(ctx context.Context, q tenants.Querier, p Period, view View) (*Table, error) {
	return byDay(ctx, q, p, view, activeByDay)
}

// PassRates counts attempts handed in during the period whose score is final, and how many of them reached
// assessment.PassMark, by subject, region or school (the learner's at the start). zone is the tenant's. Over the whole
// tenant the period is whole finished months: any other is Invalid.
func PassRates(ctx context.Context, q tenants.Querier, p Period, zone *time.Location, by By, view View) (*Table, error) {
	sql, kind := passedByPlace, keptPlaces
	switch by {
	case BySubject:
		sql, kind = passedBySubject, keptSubjects
	case ByRegion, BySchool:
	default:
		return nil, domain.InvalidField("by", "insight.must_be_subject_region_or")
	}
	return byGroup(ctx, q, p, zone, kind, by, view, func(p Period) ([]*figure, error) {
		from, to := p.instants(zone)
		return read(ctx, q, true, sql, from, to, view.school(), assessment.PassMark)
	})
}

func byDay(ctx context.Context, q tenants.Querier, p Period, view View, sql string) (*Table, error) {
	if err := p.Check(); err != nil {
		return nil, err
	}
	from, to := p.dates()
	figures, err := read(ctx, q, false, sql, from, to, view.school(), view.min())
	if err != nil {
		return nil, err
	}
	return dayTable(p, view, figures), nil
}

// byGroup makes the table of a school's period at once, and that of the whole tenant month by month: from what is kept, or, of a
// month that is not, from its rows. By school it is a page, for which nothing but its own rows is read where all months are kept.
func byGroup(ctx context.Context, q tenants.Querier, p Period, zone *time.Location, kind string, by By, view View, count func(p Period) ([]*figure, error)) (*Table, error) {
	if by != BySchool && view.Rows != (Rows{}) {
		return nil, domain.InvalidField("by", "insight.must_be_school_where_a")
	}
	blocks, err := []Period{p}, p.Check()
	var have map[time.Time][]*figure
	if Grouped(by, view) {
		if blocks, err = p.months(view.Today); err != nil {
			return nil, err
		}
		if by == BySchool {
			if t, err := keptPage(ctx, q, blocks, zone, kind, view); err != nil || t != nil {
				return t, err
			}
		}
		have, err = kept(ctx, q, blocks, zone, kind, by, view)
	}
	if err != nil {
		return nil, err
	}
	var tables []*Table
	counted := false
	for _, block := range blocks {
		found := have[block.From]
		if found == nil {
			if found, err = count(block); err != nil {
				return nil, err
			}
			protectAll(found, view.min())
			counted = view.whole()
		}
		tables = append(tables, groupTable(by, block, view, found))
	}
	t := sum(tables, p)
	t.Counted = counted
	if by == BySchool {
		err = t.page(view.Rows)
	}
	return t, err
}

func read(ctx context.Context, q tenants.Querier, rates bool, sql string, args ...any) ([]*figure, error) {
	rows, err := q.Query(ctx, sql, args...)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, func(row pgx.CollectableRow) (*figure, error) {
		f := &figure{rates: rates}
		return f, row.Scan(&f.level, &f.group, &f.key, &f.name, &f.people, &f.count, &f.passed)
	})
}
