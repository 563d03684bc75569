package insight

import (
	"context"
	"encoding/json"
	"slices"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"lignum/domain/calendar"
	"lignum/tenants"
	"lignum/tenants/audit"
)

// ForecastDays is how far ahead a forecast looks, besides the rest of the present day (UTC).
const ForecastDays = 14

// Kinds of load.
const (
	ExamLoad   = "exam"   // a test with a window
	LiveLoad   = "live"   // lessons of live classes that begin in the same quarter of an hour
	ImportLoad = "import" // a roster import that has begun and not ended
)

// Load is one thing to come that brings many people, or much work, to the database at once.
type Load struct {
	Kind     string    `json:"kind"`
	ID       uuid.UUID `json:"id"`
	StartsAt time.Time `json:"starts_at"`
	EndsAt   time.Time `json:"ends_at"`
	Learners int       `json:"learners"` // enrolled; of an import the rows done so far: how many will come is not known
}

// The most rows of each kind. With lessons, of which 17 days have at most 17*96 quarters, a forecast never has more than the
// 2,000 rows that the platform takes. Of more exams than this the largest are told.
const (
	mostExams   = 300
	mostImports = 20
)

// Bounds of an import that has begun: one that made no end in half a day was abandoned; the others are told anew every ten minutes.
const (
	importForgotten = 12 * time.Hour
	importGoesOn    = 30 * time.Minute
)

// A learner in two classes of a course counts twice: the counters of the classes cost nothing to read. No number is above the
// tenant's limit, which is what the gate takes at most. $1 is the time, $2 the end of the forecast, $3 the zone.
const (
	mostLearners = `least(1000000, (SELECT (limits->>'learners')::bigint FROM settings))`

	// A test that only opens, or only closes, is expected to be sat once: right after it opens, or right before it closes.
	examLoadSQL = `SELECT t.id, t.starts_at, least(t.ends_at, $2::timestamptz), least(sum(c.taken), ` + mostLearners + `)::integer AS learners
		FROM (SELECT id, course_id, coalesce(opens_at, closes_at - minutes * interval '1 minute') AS starts_at,
				coalesce(closes_at, opens_at + minutes * interval '1 minute') AS ends_at FROM tests WHERE active) t
		JOIN classes c ON c.course_id = t.course_id AND c.state = 'active' AND c.taken > 0
			AND c.starts_on <= (t.ends_at AT TIME ZONE $3::text)::date AND c.ends_on >= (t.starts_at AT TIME ZONE $3::text)::date
		WHERE t.ends_at > $1::timestamptz + interval '1 minute' AND t.starts_at < $2::timestamptz AND t.starts_at < t.ends_at
		GROUP BY t.id, t.starts_at, t.ends_at ORDER BY learners DESC, t.id LIMIT $4::integer`

	// Classes of the same times are put together: a country has many classes and few times.
	liveLoadSQL = `SELECT weekly::text, starts_on::text, ends_on::text, sum(taken)::bigint, ` + mostLearners + ` FROM classes
		WHERE state = 'active' AND kind = 'live' AND taken > 0 AND weekly <> '[]' AND starts_on <= ($2::timestamptz AT TIME ZONE $3::text)::date
			AND ends_on >= ($1::timestamptz AT TIME ZONE $3::text)::date - 1
		GROUP BY weekly, starts_on, ends_on`

	importLoadSQL = `SELECT id, started_at, $1::timestamptz + $3::double precision * interval '1 second', least(next_line - 1, ` + mostLearners + `)::integer
		FROM imports WHERE finished_at IS NULL AND started_at BETWEEN $1::timestamptz - $2::double precision * interval '1 second' AND $1::timestamptz
		ORDER BY started_at DESC, id DESC LIMIT $4::integer`
)

// lessonsSpace makes the ids of lessons: the same quarter of an hour has the same id in every forecast.
var lessonsSpace = uuid.MustParse("6f1b7a52-6a0e-5d0c-9d3e-2f6c1d9d7c41")

// Forecast collects the loads that a tenant knows of: exam windows and lessons that go on now or begin in the next ForecastDays days, and
// imports under way. It is one round trip with one query for each kind. zone is the tenant's.
func Forecast(ctx context.Context, q tenants.Querier, now time.Time, zone *time.Location) ([]Load, error) {
	until := now.UTC().Truncate(24*time.Hour).AddDate(0, 0, ForecastDays+1)
	b := &pgx.Batch{}
	b.Queue(examLoadSQL, now, until, zone.String(), mostExams)
	b.Queue(liveLoadSQL, now, until, zone.String())
	b.Queue(importLoadSQL, now, importForgotten.Seconds(), importGoesOn.Seconds(), mostImports)
	res := q.SendBatch(ctx, b)
	defer res.Close()
	loads := []Load{}
	take := func(kind string) error {
		rows, err := res.Query()
		if err != nil {
			return err
		}
		l := Load{Kind: kind}
		_, err = pgx.ForEachRow(rows, []any{&l.ID, &l.StartsAt, &l.EndsAt, &l.Learners}, func() error {
			loads = append(loads, l)
			return nil
		})
		return err
	}
	if err := take(ExamLoad); err != nil {
		return nil, err
	}
	lessons, err := liveLoads(res, now, until, zone)
	if err != nil {
		return nil, err
	}
	loads = append(loads, lessons...)
	return loads, take(ImportLoad)
}

// liveLoads puts the meetings of live classes together that begin in the same quarter of an hour, in their order. When they are, the calendar says.
func liveLoads(res pgx.BatchResults, now, until time.Time, zone *time.Location) ([]Load, error) {
	rows, err := res.Query()
	if err != nil {
		return nil, err
	}
	quarters := map[time.Time]*Load{}
	var rule, first, last string
	var taken, most int
	_, err = pgx.ForEachRow(rows, []any{&rule, &first, &last, &taken, &most}, func() error {
		var weekly calendar.Weekly
		if err := json.Unmarshal([]byte(rule), &weekly); err != nil {
			return err
		}
		for _, m := range weekly.Between(first, last, now.Add(time.Minute), until, zone) {
			at := m.StartsAt.Truncate(15 * time.Minute)
			l := quarters[at]
			if l == nil {
				l = &Load{Kind: LiveLoad, ID: uuid.NewSHA1(lessonsSpace, []byte(at.Format(time.RFC3339))), StartsAt: at}
				quarters[at] = l
			}
			l.Learners = min(l.Learners+taken, most)
			if m.EndsAt().After(l.EndsAt) {
				l.EndsAt = m.EndsAt()
			}
		}
		return nil
	})
	loads := make([]Load, 0, len(quarters))
	for _, l := range quarters {
		loads = append(loads, *l)
	}
	slices.SortFunc(loads, func(a, b Load) int { return a.StartsAt.Compare(b.StartsAt) })
	return loads, err
}

// publishSQL stores an entry in the trail only when the forecast is another than the one that stood: a process tells it every ten
// minutes, and most of the time nothing has changed.
const publishSQL = `WITH told AS MATERIALIZED (SELECT gate.publish_forecast($3::text::jsonb) AS changed)
	SELECT record_entry(` + audit.Parameters + `) FROM told WHERE changed`

// PublishForecast replaces what the platform knows of the tenant's loads to come; none is right for a suspended tenant. It may be repeated. The
// entry in the trail travels in the same statement. Loads beyond the bounds of gate.publish_forecast are refused, all of them.
func PublishForecast(ctx context.Context, db *tenants.DB, who audit.Actor, loads []Load) error {
	text, err := json.Marshal(append([]Load{}, loads...))
	if err != nil {
		return err
	}
	e := audit.Entry{Action: "forecast.publish", ObjectKind: "forecast", After: map[string]any{"loads": len(loads)}}
	b := &pgx.Batch{}
	b.Queue(publishSQL, append(e.Args(who), string(text))...)
	return db.WriteOneTrip(ctx, b, func(res pgx.BatchResults) error {
		_, err := res.Exec()
		return err
	})
}
