package insight

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"

	"lignum/domain/assessment"
	"lignum/tenants"
	"lignum/tenants/audit"
)

// What is kept of a month, by the statement that counts it.
const (
	keptAttendance = "attendance"
	keptPlaces     = "place"
	keptSubjects   = "subject"
)

// keptMonths are those months that are kept and were counted and protected by the same rules. $1 to $3 are the months, when they begin and when they
// end, $4 the fewest people that a figure is about, $5 the pass mark, $6 the kind.
const keptMonths = `unnest($1::text[]::date[], $2::text[]::timestamptz[], $3::text[]::timestamptz[]) AS w (month, starts, ends)
JOIN figure_months m ON m.month = w.month AND m.kept_at IS NOT NULL AND m.least = $4::integer
	AND ($6::text = 'attendance' OR m.pass_mark = $5::integer AND m.starts = w.starts AND m.ends = w.ends)`

// keptSQL reads their figures, $7 being the deepest level.
const keptSQL = `SELECT f.month::text, f.level, f.grp, f.key, CASE WHEN f.level = 2 THEN coalesce(s.name, '') ELSE f.grp END AS name, f.people, f.n, f.passed, f.hidden, f.absent
FROM ` + keptMonths + `
JOIN month_figures f ON f.month = m.month AND f.kind = $6::text AND f.level <= $7::integer
LEFT JOIN schools s ON f.level = 2 AND s.id::text = f.key
ORDER BY f.month, f.level, f.grp, name, f.key`

// kept returns the figures of the months that are kept, by their first days. zone is nil where it does not matter.
func kept(ctx context.Context, q tenants.Querier, months []Period, zone *time.Location, kind string, by By, view View) (map[time.Time][]*figure, error) {
	rows, err := q.Query(ctx, keptSQL, append(keptArgs(months, zone, kind, view), deepestOf(by))...)
	if err != nil {
		return nil, err
	}
	all := map[time.Time][]*figure{}
	var month string
	var row figure
	_, err = pgx.ForEachRow(rows, []any{&month, &row.level, &row.group, &row.key, &row.name, &row.people, &row.count, &row.passed, &row.hidden, &row.absent}, func() error {
		at, err := time.Parse(time.DateOnly, month)
		f := row
		f.rates = kind != keptAttendance
		all[at] = append(all[at], &f)
		return err
	})
	return all, err
}

// keptArgs are the arguments of keptMonths.
func keptArgs(months []Period, zone *time.Location, kind string, view View) []any {
	var first, starts, ends []string
	for _, m := range months {
		from, to := m.instants(zone)
		first, starts, ends = append(first, date(m.From)), append(starts, from.Format(time.RFC3339)), append(ends, to.Format(time.RFC3339))
	}
	return []any{first, starts, ends, view.min(), assessment.PassMark, kind}
}

// keepAfter is how long after the end of its last day, in UTC, a month can be kept: it is over everywhere on earth by then, and
// so is every transaction that began before that (is_over in the tenant's migrations). mostMonths is how many may wait at once.
const (
	keepAfter  = 14 * time.Hour
	mostMonths = 240
)

// MonthsToKeep returns the months whose figures can be kept and are not, the newest first: all since the first day of work that are
// over, unless something in them was changed after they were kept. zone is the tenant's.
func MonthsToKeep(ctx context.Context, q tenants.Querier, now time.Time, zone *time.Location) ([]Period, error) {
	var earliest *time.Time
	if err := q.QueryRow(ctx, `SELECT least((SELECT min(day) FROM attendance)::timestamptz, (SELECT min(submitted_at) FROM attempts WHERE submitted_at IS NOT NULL))`).Scan(&earliest); err != nil || earliest == nil {
		return nil, err
	}
	var months []Period
	for m := FinishedMonth(now.UTC().Add(-keepAfter)); !m.To.Before(earliest.UTC().Add(-24*time.Hour)) && len(months) < mostMonths; m = FinishedMonth(m.From) {
		months = append(months, m)
	}
	var due []Period
	for _, kind := range []string{keptAttendance, keptPlaces} { // they may have been counted by other rules
		if len(months) == 0 {
			break
		}
		have, err := kept(ctx, q, months, zone, kind, ByRegion, View{})
		if err != nil {
			return nil, err
		}
		var rest []Period
		for _, m := range months {
			if have[m.From] == nil {
				due = append(due, m)
			} else {
				rest = append(rest, m)
			}
		}
		months = rest
	}
	return due, nil
}

// KeepMonth counts the figures of a month that MonthsToKeep gave, and keeps them. Whoever changes something in it meanwhile
// waits, and throws them away again.
func KeepMonth(ctx context.Context, tx *tenants.Tx, m Period, zone *time.Location) error {
	if err := tx.Lock(ctx, "figures"); err != nil { // those who change what is in every month
		return err
	}
	month := date(m.From)
	if _, err := tx.Exec(ctx, `INSERT INTO figure_months (month) VALUES ($1::text::date) ON CONFLICT (month) DO UPDATE SET kept_at = NULL`, month); err != nil {
		return err
	}
	// From here on the month's row is locked, and each statement sees all that those did who had it before.
	first, last := m.dates()
	from, to := m.instants(zone)
	b := &pgx.Batch{}
	b.Queue(`DELETE FROM month_figures WHERE month = $1::text::date`, month)
	for _, k := range []struct {
		kind, counted string
		args          []any
	}{
		{keptAttendance, attendanceByPlace, []any{first, last, nil, MinCell}}, {keptPlaces, passedByPlace, []any{from, to, nil, assessment.PassMark}},
		{keptSubjects, passedBySubject, []any{from, to, nil, assessment.PassMark}},
	} {
		figures, err := read(ctx, tx, k.kind != keptAttendance, k.counted, k.args...)
		if err != nil {
			return err
		}
		protectAll(figures, MinCell)
		queueFigures(b, month, k.kind, figures)
	}
	b.Queue(`UPDATE figure_months SET kept_at = now(), least = $2::integer, pass_mark = $3::integer, starts = $4::timestamptz, ends = $5::timestamptz WHERE month = $1::text::date`,
		month, MinCell, assessment.PassMark, from, to)
	if err := tx.SendBatch(ctx, b).Close(); err != nil {
		return err
	}
	tx.Record(audit.Entry{Action: "figures.keep", ObjectKind: "month", ObjectID: m.From.Format("2006-01")})
	return nil
}

// queueFigures keeps protected figures.
func queueFigures(b *pgx.Batch, month, kind string, figures []*figure) {
	var groups, keys []string
	var numbers [4][]int // level, people, n, passed
	var hidden, absent []bool
	for _, f := range figures {
		groups, keys, hidden, absent = append(groups, f.group), append(keys, f.key), append(hidden, f.hidden), append(absent, f.absent)
		for i, n := range []int{f.level, f.people, f.count, f.passed} {
			numbers[i] = append(numbers[i], n)
		}
	}
	b.Queue(`INSERT INTO month_figures (month, kind, level, grp, key, people, n, passed, hidden, absent) SELECT $1::text::date, $2::text, f.*
		FROM unnest($3::integer[], $4::text[], $5::text[], $6::integer[], $7::integer[], $8::integer[], $9::boolean[], $10::boolean[]) f`,
		month, kind, numbers[0], groups, keys, numbers[1], numbers[2], numbers[3], hidden, absent)
}
