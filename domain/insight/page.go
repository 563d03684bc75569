package insight

import (
	"context"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"lignum/tenants"
)

// totalsSQL gives the totals of the months that are kept, and whether rows of schools are left out.
const totalsSQL = `SELECT f.people, f.n, f.passed, f.hidden, EXISTS (SELECT FROM month_figures a WHERE a.month = f.month AND a.kind = f.kind AND a.level = 2 AND a.absent)
FROM ` + keptMonths + `
JOIN month_figures f ON f.month = m.month AND f.kind = $6::text AND f.level = 0 ORDER BY f.month`

// shownSums are a school's sums over the months that are shown, in how many it is listed and in how many of those withheld.
const shownSums = `count(*) AS months, count(*) FILTER (WHERE f.hidden) AS withheld, coalesce(sum(f.people) FILTER (WHERE NOT f.hidden), 0) AS people,
	coalesce(sum(f.n) FILTER (WHERE NOT f.hidden), 0) AS n, coalesce(sum(f.passed) FILTER (WHERE NOT f.hidden), 0) AS passed`

// In the order of names, schools are walked through an index, and of each only its months are read. Those who belonged to no school that is there
// are one row without a name, the first. $1 the months, $2 the kind, $3 the region or "", $4 to $6 where the page begins, or null, $7 how many rows.
const pageByName = `SELECT key, name, region, months, withheld, people, n, passed FROM (
	(SELECT '' AS key, '' AS name, '' AS region, f.*, NULL::uuid AS id FROM (SELECT ` + shownSums + ` FROM month_figures f
		WHERE f.kind = $2::text AND f.level = 2 AND NOT f.absent AND f.key = '' AND f.month = ANY($1::text[]::date[])) f
	WHERE f.months > 0 AND $3::text = '' AND $4::text IS NULL)
	UNION ALL
	(SELECT s.id::text, s.name, s.region, f.*, s.id FROM schools s CROSS JOIN LATERAL (SELECT ` + shownSums + ` FROM month_figures f
		WHERE f.kind = $2::text AND f.level = 2 AND NOT f.absent AND f.key = s.id::text AND f.month = ANY($1::text[]::date[])) f
	WHERE f.months > 0 AND ($3::text = '' OR s.region COLLATE "C" = $3::text)
		AND (s.region COLLATE "C", s.name COLLATE "C", s.id) > (coalesce($4::text, ''), coalesce($5::text, ''), coalesce($6::text::uuid, '00000000-0000-0000-0000-000000000000'))
	ORDER BY s.region COLLATE "C", s.name COLLATE "C", s.id LIMIT $7::integer)
) p ORDER BY region COLLATE "C", name COLLATE "C", id NULLS FIRST LIMIT $7::integer`

// The lowest first: what they are put in order by is a sum of all of their months. $4 to $6 and $8 where the page begins.
const pageLowestFirst = `SELECT key, name, region, months, withheld, people, n, passed FROM (
	SELECT r.*, coalesce(s.name, '') AS name, CASE WHEN months = withheld THEN 2147483647 WHEN $2::text = 'attendance' THEN n ELSE passed * 100 / nullif(n, 0) END AS rank
	FROM (SELECT f.key, f.grp AS region, ` + shownSums + ` FROM month_figures f
		WHERE f.kind = $2::text AND f.level = 2 AND NOT f.absent AND f.month = ANY($1::text[]::date[]) AND ($3::text = '' OR f.grp = $3::text) GROUP BY f.key, f.grp) r
	LEFT JOIN schools s ON s.id = nullif(r.key, '')::uuid AND ($3::text = '' OR s.region = $3::text)
) p WHERE $4::text IS NULL OR (rank, region COLLATE "C", name COLLATE "C", key COLLATE "C") > ($8::integer, $4::text, $5::text, $6::text)
ORDER BY rank, region COLLATE "C", name COLLATE "C", key COLLATE "C" LIMIT $7::integer`

// keptPage makes a page of the table of all schools; nil when a month is not kept.
func keptPage(ctx context.Context, q tenants.Querier, months []Period, zone *time.Location, kind string, view View) (*Table, error) {
	after, limit, err := view.Rows.check()
	if err != nil {
		return nil, err
	}
	t := newTable(BySchool, Period{From: months[0].From, To: months[len(months)-1].To}, view, Cell{})
	if whole, err := t.keptTotals(ctx, q, months, zone, kind, view); err != nil || !whole {
		return nil, err
	}
	sql, args := pageByName, []any{dates(months), kind, view.Rows.Region, nil, nil, nil, limit + 1}
	if view.Rows.Order == LowestFirst {
		sql, args = pageLowestFirst, append(args, nil)
	}
	if after != nil {
		args[3], args[4], args[5] = after.group, after.name, after.key
		if view.Rows.Order == LowestFirst {
			args[7] = after.rank
		} else if after.key == "" {
			args[5] = uuid.Nil.String()
		}
	}
	rows, err := q.Query(ctx, sql, args...)
	if err != nil {
		return nil, err
	}
	if t.Cells, err = pgx.CollectRows(rows, func(row pgx.CollectableRow) (Cell, error) {
		f := figure{level: 2, rates: kind != keptAttendance}
		var listed, withheld int
		err := row.Scan(&f.key, &f.name, &f.group, &listed, &withheld, &f.people, &f.count, &f.passed)
		f.hidden = listed == withheld
		c := f.show()
		if len(months) > 1 {
			c.People, c.Withheld = nil, withheld
		}
		return c, err
	}); err != nil {
		return nil, err
	}
	t.cut(view.Rows, limit)
	return t, nil
}

// keptTotals reads what the table says of all schools together; false when a month is not kept.
func (t *Table) keptTotals(ctx context.Context, q tenants.Querier, months []Period, zone *time.Location, kind string, view View) (bool, error) {
	rows, err := q.Query(ctx, totalsSQL, keptArgs(months, zone, kind, view)...)
	if err != nil {
		return false, err
	}
	total := Cell{Suppressed: true}
	f := figure{rates: kind != keptAttendance}
	incomplete := false
	_, err = pgx.ForEachRow(rows, []any{&f.people, &f.count, &f.passed, &f.hidden, &incomplete}, func() error {
		if t.Months++; incomplete {
			t.Incomplete++
		}
		if len(months) == 1 {
			total = f.show()
		} else {
			total.add(f.show())
		}
		return nil
	})
	t.Total = total
	return t.Months == len(months), err
}

func dates(months []Period) []string {
	list := make([]string, len(months))
	for i, m := range months {
		list[i] = date(m.From)
	}
	return list
}
