package insight_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"lignum/domain/catalog/pack"
	"lignum/domain/insight"
	"lignum/tenants"
	"lignum/tenants/audit"
	"lignum/tests/school"
)

// courseWithTest makes one with a test, whose window may be half open, and gives both ids.
func (c *country) courseWithTest(opens, closes *time.Time) (course, test uuid.UUID) {
	made := school.Course(c.t, c.db, pack.Pack{Name: "course-" + audit.NewID().String(), Tests: []pack.Test{{Kind: "assessment"}}})
	school.Window(c.t, c.db, made.Tests[0], opens, closes)
	return made.ID, made.Tests[0]
}

// liveClass makes one of the course with so many learners, who are only counted.
func (c *country) liveClass(course uuid.UUID, weekly string, from, to string, taken int) {
	id := school.Classes(c.t, c.db, school.Class{Kind: "live", Course: course, Weekly: weekly, StartsOn: school.Date(c.t, from), EndsOn: school.Date(c.t, to), Seats: 100_000})[0]
	c.do("UPDATE classes SET taken = $2::integer WHERE id = $1::uuid", id.String(), taken)
}

func (c *country) forecast(now time.Time, zone *time.Location) (loads []insight.Load) {
	c.t.Helper()
	c.read(func(q tenants.Querier) (err error) { loads, err = insight.Forecast(ctx, q, now, zone); return err })
	return loads
}

func told(loads []insight.Load, kind string) (text string) {
	for _, l := range loads {
		if l.Kind == kind {
			text += fmt.Sprintf("%s-%s=%d ", l.StartsAt.UTC().Format("01-02T15:04"), l.EndsAt.UTC().Format("01-02T15:04"), l.Learners)
		}
	}
	return text
}

func TestForecastOfExams(t *testing.T) {
	t.Parallel()
	c := newCountry(t)
	now := time.Date(2026, 11, 23, 15, 0, 0, 0, time.UTC)
	at := func(days, hours int) *time.Time {
		v := now.AddDate(0, 0, days).Add(time.Duration(hours) * time.Hour)
		return &v
	}
	for i, w := range []struct{ opens, closes *time.Time }{
		{at(1, 0), at(1, 3)},   // tomorrow
		{at(-1, 0), at(30, 0)}, // goes on, ends long after the forecast does
		{at(2, 0), nil},        // only opens
		{nil, at(3, 0)},        // only closes
		{nil, nil},             // always open: no event
		{at(-2, 0), at(-1, 0)}, // over
		{at(16, 0), at(16, 1)}, // too far ahead
		{at(40, 0), at(41, 0)}, // and its class has ended by then
		{at(0, 1), at(0, 1)},   // never open
		{at(-9, 0), at(0, 0)},  // closes now
		{at(14, 0), at(14, 2)}, // on the last day
	} {
		course, _ := c.courseWithTest(w.opens, w.closes)
		c.liveClass(course, "[]", "2026-09-01", "2026-12-15", 100-i)
		c.liveClass(course, "[]", "2026-09-01", "2026-12-15", 1000)
		c.liveClass(course, "[]", "2026-01-01", "2026-06-01", 5000) // of another year
	}
	want := "11-24T15:00-11-24T18:00=1100 11-22T15:00-12-08T00:00=1099 11-25T15:00-11-25T16:30=1098 11-26T13:30-11-26T15:00=1097 12-07T15:00-12-07T17:00=1090 "
	if got := told(c.forecast(now, jamaica), insight.ExamLoad); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

func TestForecastOfLessonsAndImports(t *testing.T) {
	t.Parallel()
	c := newCountry(t)
	course, _ := c.courseWithTest(nil, nil)
	zone, err := time.LoadLocation("America/Nassau")
	if err != nil {
		t.Fatal(err)
	}
	now := time.Date(2026, 10, 26, 20, 30, 0, 0, time.UTC) // a Monday, 16:30 in Nassau; clocks go back on Sunday, 1 November
	c.liveClass(course, `[{"weekday": 1, "at": "16:00", "minutes": 60}, {"weekday": 3, "at": "09:05", "minutes": 45}]`, "2026-09-01", "2026-12-15", 30)
	c.liveClass(course, `[{"weekday": 1, "at": "16:10", "minutes": 90}]`, "2026-09-01", "2026-11-05", 12) // the same quarter; ends before the next but one
	c.liveClass(course, `[{"weekday": 1, "at": "14:00", "minutes": 60}]`, "2026-09-01", "2026-10-26", 99) // its last lesson is over
	c.liveClass(course, `[{"weekday": 0, "at": "23:30", "minutes": 30}]`, "2026-11-08", "2026-11-08", 7)  // once
	c.liveClass(course, `[{"weekday": 1, "at": "16:00", "minutes": 60}]`, "2026-09-01", "2026-12-15", 0)  // empty
	loads := c.forecast(now, zone)
	want := "10-26T20:00-10-26T21:40=42 10-28T13:00-10-28T13:50=30 11-02T21:00-11-02T22:40=42 11-04T14:00-11-04T14:50=30 11-09T04:30-11-09T05:00=7 11-09T21:00-11-09T22:00=30 "
	if got := told(loads, insight.LiveLoad); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	if again := c.forecast(now.Add(time.Minute), zone); again[1].ID != loads[1].ID || again[1].ID == again[2].ID {
		t.Error("a quarter of an hour must keep its id, and have it alone")
	}
	for _, i := range []struct {
		line  int
		begun time.Time
		ended *time.Time
	}{{4001, now.Add(-time.Minute), nil}, {9001, now.Add(-24 * time.Hour), nil}, {7001, now.Add(-time.Hour), &now}} {
		c.do(`INSERT INTO imports (id, kind, file_hash, file_name, next_line, started_at, finished_at)
			VALUES ($1::uuid, 'users', $1::text::bytea, 'users.csv', $2::integer, $3::timestamptz, $4::timestamptz)`, audit.NewID().String(), i.line, i.begun, i.ended)
	}
	if got := told(c.forecast(now, zone), insight.ImportLoad); got != "10-26T20:29-10-26T21:00=4000 " {
		t.Errorf("imports: %s", got)
	}
}

// However many lessons and exams a country has, the platform takes its forecast.
func TestALargeForecastIsWithinTheGatesBounds(t *testing.T) {
	t.Parallel()
	c := newCountry(t)
	now := time.Now().UTC()
	var courses []uuid.UUID
	for i := range 20 {
		courses = append(courses, school.Course(t, c.db, pack.Pack{Name: fmt.Sprintf("course-%d", i), Tests: make([]pack.Test, 20)}).ID)
	}
	c.do("UPDATE tests SET opens_at = $1::timestamptz", now.Add(time.Hour))
	all := make([]school.Class, 24*60)
	for m := range all {
		var weekly []string
		for d := range 7 {
			weekly = append(weekly, fmt.Sprintf(`{"weekday": %d, "at": "%02d:%02d", "minutes": 600}`, d, m/60, m%60))
		}
		all[m] = school.Class{Kind: "live", Course: courses[m%len(courses)], Weekly: "[" + strings.Join(weekly, ",") + "]", StartsOn: school.Date(t, "2020-01-01"), EndsOn: school.Date(t, "2040-01-01"), Seats: 100_000}
	}
	school.Classes(t, c.db, all...)
	c.do("UPDATE classes SET taken = 99999 WHERE seats = $1::integer", 100_000)
	loads := c.forecast(now, jamaica)
	kinds := map[string]int{}
	for _, l := range loads {
		kinds[l.Kind]++
		if l.Learners > 250_000 {
			t.Fatalf("%+v is above the tenant's limit", l)
		}
	}
	if kinds[insight.ExamLoad] != 300 || kinds[insight.LiveLoad] < 14*96 || len(loads) > 2000 {
		t.Errorf("%v", kinds)
	}
	if err := insight.PublishForecast(ctx, c.db, c.Actor, loads); err != nil {
		t.Error(err)
	}
}

func TestAForecastReplacesTheLastOneAndIsAuditedWhenItChanges(t *testing.T) {
	t.Parallel()
	c := newCountry(t)
	soon := time.Now().UTC().Add(time.Hour).Truncate(time.Second)
	load := func(kind string, in time.Duration, n int) insight.Load {
		return insight.Load{Kind: kind, ID: uuid.NewSHA1(uuid.Nil, []byte(kind+in.String())), StartsAt: soon.Add(in), EndsAt: soon.Add(in + time.Hour), Learners: n}
	}
	publish := func(slug string, loads ...insight.Load) {
		t.Helper()
		if err := insight.PublishForecast(ctx, c.DB(slug), c.Actor, loads); err != nil {
			t.Fatal(err)
		}
	}
	direct := c.Direct(t)
	stands := func(slug string) (text string, entries int) {
		t.Helper()
		err := direct.QueryRow(ctx, `SELECT coalesce(string_agg(kind || '=' || learners, ' ' ORDER BY kind, starts_at), ''),
			(SELECT count(*) FROM tenant_`+slug+`.audit_entries WHERE action = 'forecast.publish') FROM control.capacity_forecast WHERE slug = $1`, slug).Scan(&text, &entries)
		if err != nil {
			t.Fatal(err)
		}
		return text, entries
	}
	check := func(slug, want string, wantEntries int) {
		t.Helper()
		if got, entries := stands(slug); got != want || entries != wantEntries {
			t.Errorf("%s: %q, %d entries; want %q, %d", slug, got, entries, want, wantEntries)
		}
	}
	publish("bahamas", load(insight.ExamLoad, 0, 5))
	publish("jamaica", load(insight.ExamLoad, 0, 10), load(insight.LiveLoad, 0, 20), load(insight.LiveLoad, time.Hour, 30))
	check("jamaica", "exam=10 live=20 live=30", 1)
	publish("jamaica", load(insight.ExamLoad, 0, 10), load(insight.LiveLoad, 0, 20), load(insight.LiveLoad, time.Hour, 30))
	check("jamaica", "exam=10 live=20 live=30", 1)
	publish("jamaica", load(insight.LiveLoad, 0, 21), load(insight.ImportLoad, 0, 1))
	check("jamaica", "import=1 live=21", 2)
	// What has ended stays, until it is of no use.
	if _, err := direct.Exec(ctx, `UPDATE control.capacity_forecast SET starts_at = now() - interval '2 days', ends_at = now() - interval '1 day',
		learners = 99 WHERE slug = 'jamaica' AND kind = 'live'`); err != nil {
		t.Fatal(err)
	}
	publish("jamaica")
	check("jamaica", "live=99", 3)
	if _, err := direct.Exec(ctx, `UPDATE control.capacity_forecast SET starts_at = now() - interval '40 days', ends_at = now() - interval '36 days' WHERE slug = 'jamaica'`); err != nil {
		t.Fatal(err)
	}
	publish("jamaica")
	check("jamaica", "", 3)
	check("bahamas", "exam=5", 1)
}
