package insight

import (
	"cmp"
	"context"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"lignum/tenants"
)

// totalsSQL gives the totals of the months that are kept, and whether rows of schools are left out.
const totalsSQL = `SELECT f.people, f.n, f.passed, f.hidden, m.month::text || '@' || m.kept_at, EXISTS (SELECT FROM month_figures a WHERE a.month = f.month AND a.kind = f.kind AND a.level = 2 AND a.absent)
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

// All of them, in no order, each with when the months were counted; where there is none, one row says so. The months are cast once and
// not for each row, and are found by the key.
const allSchools = `SELECT coalesce(r.key, ''), coalesce(s.name, ''), coalesce(r.region, ''), coalesce(r.months, 0), coalesce(r.withheld, 0), coalesce(r.people, 0), coalesce(r.n, 0),
	coalesce(r.passed, 0), c.counted, r.key IS NOT NULL
FROM (SELECT coalesce(string_agg(m.month::text || '@' || m.kept_at, ' ' ORDER BY m.month), '') AS counted FROM figure_months m
	WHERE m.month = ANY($1::text[]::date[]) AND m.kept_at IS NOT NULL) c
LEFT JOIN (SELECT f.key, f.grp AS region, ` + shownSums + ` FROM month_figures f
	WHERE f.kind = $2::text AND f.level = 2 AND NOT f.absent AND f.month = ANY((SELECT $1::text[]::date[])::date[]) GROUP BY f.key, f.grp) r ON true
LEFT JOIN schools s ON s.id = nullif(r.key, '')::uuid`

// keptPage makes a page of the table of all schools; nil when a month is not kept.
func keptPage(ctx context.Context, q tenants.Querier, months []Period, zone *time.Location, kind string, view View) (*Table, error) {
	after, limit, err := view.Rows.check()
	if err != nil {
		return nil, err
	}
	t := newTable(BySchool, Period{From: months[0].From, To: months[len(months)-1].To}, view, Cell{})
	counted, err := t.keptTotals(ctx, q, months, zone, kind, view)
	if err != nil || len(counted) < len(months) {
		return nil, err
	}
	if view.Rows.Order == LowestFirst {
		cells, err := view.Rankings.lowestFirst(ctx, q, rankingOf{view.Realm, kind, strings.Join(counted, " ")}, months)
		if err != nil {
			return nil, err
		}
		t.Cells = view.Rows.pageOf(cells, after, limit)
	} else if t.Cells, err = byName(ctx, q, months, kind, view.Rows.Region, after, limit+1); err != nil {
		return nil, err
	}
	t.cut(view.Rows, limit)
	return t, nil
}

// byName reads rows in the order of names.
func byName(ctx context.Context, q tenants.Querier, months []Period, kind, region string, after *mark, rows int) ([]Cell, error) {
	args := []any{dates(months), kind, region, nil, nil, nil, rows}
	if after != nil {
		args[3], args[4], args[5] = after.group, after.name, cmp.Or(after.key, uuid.Nil.String())
	}
	read, err := q.Query(ctx, pageByName, args...)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(read, cellOf(kind, len(months)))
}

// cellOf makes the cell of a row of a school's sums over so many months; what the row has beyond that goes to more.
func cellOf(kind string, months int, more ...any) pgx.RowToFunc[Cell] {
	return func(row pgx.CollectableRow) (Cell, error) {
		f := figure{level: 2, rates: kind != keptAttendance}
		var listed, withheld int
		err := row.Scan(append([]any{&f.key, &f.name, &f.group, &listed, &withheld, &f.people, &f.count, &f.passed}, more...)...)
		f.hidden = listed == withheld
		c := f.show()
		if months > 1 {
			c.People, c.Withheld = nil, withheld
		}
		return c, err
	}
}

// keptTotals reads what the table says of all schools together. It gives each month that is kept with when it was counted.
func (t *Table) keptTotals(ctx context.Context, q tenants.Querier, months []Period, zone *time.Location, kind string, view View) (counted []string, err error) {
	rows, err := q.Query(ctx, totalsSQL, keptArgs(months, zone, kind, view)...)
	if err != nil {
		return nil, err
	}
	total := Cell{Suppressed: true}
	f := figure{rates: kind != keptAttendance}
	var month string
	incomplete := false
	_, err = pgx.ForEachRow(rows, []any{&f.people, &f.count, &f.passed, &f.hidden, &month, &incomplete}, func() error {
		counted = append(counted, month)
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
	return counted, err
}

func dates(months []Period) []string {
	list := make([]string, len(months))
	for i, m := range months {
		list[i] = date(m.From)
	}
	return list
}
