package insight_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/google/uuid"

	"lignum/domain"
	"lignum/domain/insight"
	"lignum/tenants"
	"lignum/tenants/audit"
	"lignum/tests/school"
	"lignum/tests/testkit"
)

func TestMain(m *testing.M) { testkit.Main(m) }

var (
	ctx   = context.Background()
	today = time.Date(2026, 11, 23, 0, 0, 0, 0, time.UTC)
	// The first day on which January's figures, and all before, may be had.
	afterwards = time.Date(2027, 2, 1, 0, 0, 0, 0, time.UTC)
	jamaica    = time.FixedZone("Jamaica", -5*3600)
)

type country struct {
	*testkit.World
	t        *testing.T
	db       *tenants.DB
	schools  []uuid.UUID
	learners []school.Person         // of the schools, in their order
	tests    map[uuid.UUID]uuid.UUID // of the courses
}

// newCountry has schools of so many learners each, two schools to a region.
func newCountry(t *testing.T, sizes ...int) *country {
	t.Helper()
	w := testkit.New(t)
	c := &country{World: w, t: t, db: w.DB("jamaica"), tests: map[uuid.UUID]uuid.UUID{}}
	list := make([]school.School, len(sizes))
	for i := range list {
		list[i] = school.School{Name: fmt.Sprintf("School %d", i), Region: fmt.Sprintf("Region %d", i/2)}
	}
	c.schools = school.Schools(t, c.db, list...)
	for i, n := range sizes {
		c.learners = append(c.learners, learnersOf(fmt.Sprintf("s%d-", i), c.schools[i], n)...)
	}
	school.People(t, c.db, c.learners...)
	return c
}

// learnersOf are n learners of a school, whose user names are numbered from 1 on.
func learnersOf(stem string, at uuid.UUID, n int) []school.Person {
	list := make([]school.Person, n)
	for i := range list {
		list[i] = school.Person{ID: audit.NewID(), UserName: fmt.Sprint(stem, i+1), SchoolID: at, Roles: []string{"student"}}
	}
	return list
}

func (c *country) do(sql string, args ...any) {
	c.t.Helper()
	if err := c.db.Write(ctx, c.Actor, func(tx *tenants.Tx) error {
		tx.Record(audit.Entry{Action: "setup"})
		_, err := tx.Exec(ctx, sql, args...)
		return err
	}); err != nil {
		c.t.Fatal(err)
	}
}

func (c *country) read(fn func(q tenants.Querier) error) {
	c.t.Helper()
	if err := c.db.Read(ctx, func(r *tenants.Reader) error { return fn(r) }); err != nil {
		c.t.Fatal(err)
	}
}

// attend lets every learner work on some days from a day on.
func (c *country) attend(from string, days int) {
	c.t.Helper()
	var list []school.Day
	for d := range days {
		list = append(list, daysOf(school.Date(c.t, from).AddDate(0, 0, d), c.learners...)...)
	}
	school.Attendance(c.t, c.db, list...)
	school.ActiveDays(c.t, c.db, list...)
}

func daysOf(day time.Time, learners ...school.Person) []school.Day {
	list := make([]school.Day, len(learners))
	for i, l := range learners {
		list[i] = school.Day{Day: day, User: l.ID, School: l.SchoolID}
	}
	return list
}

func shown(cells []insight.Cell) (text string) {
	for _, c := range cells {
		text += c.Name + "="
		if c.Suppressed {
			text += "-"
		} else {
			people := "?"
			if c.People != nil {
				people = fmt.Sprint(*c.People)
			}
			text += fmt.Sprint(people, "/", *c.Count)
		}
		if c.Percent != nil {
			text += fmt.Sprint("/", *c.Passed, "/", *c.Percent)
		}
		text += " "
	}
	return text
}

func period(t *testing.T, from, to string) insight.Period {
	t.Helper()
	return insight.Period{From: school.Date(t, from), To: school.Date(t, to)}
}

func (c *country) attendance(from, to string, by insight.By, view insight.View) (t *insight.Table) {
	c.t.Helper()
	p := period(c.t, from, to)
	c.read(func(q tenants.Querier) (err error) { t, err = insight.Attendance(ctx, q, p, by, view); return err })
	return t
}

func TestAttendance(t *testing.T) {
	t.Parallel()
	c := newCountry(t, 10, 8, 3, 20, 12)
	c.attend("2026-11-09", 3)
	school.Attendance(t, c.db, daysOf(school.Date(t, "2026-11-12"), c.learners[:4]...)...) // a day of four counts nowhere
	official := insight.View{MinCell: 5, Today: afterwards}
	for _, w := range []struct {
		by          insight.By
		cells, sums string
	}{
		{insight.ByDay, "2026-11-09=53/53 2026-11-10=53/53 2026-11-11=53/53 2026-11-12=- ", "=?/159 "},
		{insight.ByRegion, "Region 0=18/54 Region 1=23/69 Region 2=12/36 ", "=53/159 "},
		// The school of three is hidden, and with it its only neighbour, which would give it away.
		{insight.BySchool, "School 0=10/30 School 1=8/24 School 2=- School 3=- School 4=12/36 ", "=53/159 "},
	} {
		tab := c.attendance("2026-11-01", "2026-11-30", w.by, official)
		if got, sum := shown(tab.Cells), shown([]insight.Cell{tab.Total}); got != w.cells || sum != w.sums {
			t.Errorf("by %s: %s total %s", w.by, got, sum)
		}
	}
	if tab := c.attendance("2026-11-10", "2026-11-10", insight.ByDay, insight.View{}); tab.MinCell != 5 || shown(tab.Cells) != "2026-11-10=53/53 " {
		t.Errorf("a view without a limit: %+v", tab)
	}
	// A school sees its own figures, however small.
	if tab := c.attendance("2026-11-01", "2026-11-30", insight.ByDay, insight.View{SchoolID: c.schools[2]}); shown(tab.Cells) != "2026-11-09=3/3 2026-11-10=3/3 2026-11-11=3/3 " {
		t.Errorf("the small school's own: %s", shown(tab.Cells))
	}
	if tab := c.attendance("2026-12-01", "2026-12-31", insight.BySchool, official); len(tab.Cells) != 0 || !tab.Total.Suppressed {
		t.Errorf("a period without anybody: %+v", tab)
	}
	var active *insight.Table
	c.read(func(q tenants.Querier) (err error) {
		active, err = insight.ActiveUsers(ctx, q, insight.Period{From: today.AddDate(0, 0, -30), To: today}, insight.View{})
		return err
	})
	if len(active.Cells) != 3 || active.Total.People != nil || *active.Total.Count != 159 || *active.Cells[0].Count != 53 {
		t.Errorf("active users: %+v", active)
	}
}

func TestPassRates(t *testing.T) {
	t.Parallel()
	c := newCountry(t, 10, 8, 3, 20)
	for _, subject := range []string{"Mathematics", "Biology"} {
		course := c.subjectCourse(subject)
		// Every other learner passes with exactly half; all of Mathematics, but only the small school in Biology.
		var attempts []school.Attempt
		seen := map[uuid.UUID]int{}
		for _, l := range c.learners {
			if subject == "Mathematics" || l.SchoolID == c.schools[2] {
				a := school.Attempt{Test: c.tests[course], Course: course, Learner: l.ID, School: l.SchoolID, StartedAt: time.Date(2026, 11, 24, 4, 59, 0, 0, time.UTC), Score: 199, MaxScore: 400, Result: "{}"}
				if seen[l.SchoolID]++; seen[l.SchoolID]%2 == 0 {
					a.Score = 200
				}
				attempts = append(attempts, a)
			}
		}
		school.Attempts(t, c.db, attempts...)
	}
	rates := func(p insight.Period, by insight.By) (tab *insight.Table) {
		c.read(func(q tenants.Querier) (err error) {
			tab, err = insight.PassRates(ctx, q, p, jamaica, by, insight.View{Today: afterwards})
			return err
		})
		return tab
	}
	november := insight.FinishedMonth(today.AddDate(0, 0, 8)) // five hours behind: a minute to midnight there
	for by, want := range map[insight.By]string{
		insight.BySubject: "Biology=- Mathematics=- ",
		insight.ByRegion:  "Region 0=18/18/9/50 Region 1=23/26/12/46 ",
		insight.BySchool:  "School 0=10/10/5/50 School 1=8/8/4/50 School 2=- School 3=- ",
	} {
		if got := shown(rates(november, by).Cells); got != want {
			t.Errorf("by %s: %s", by, got)
		}
	}
	if tab := rates(insight.FinishedMonth(afterwards.AddDate(0, 0, -1)), insight.BySubject); len(tab.Cells) != 0 {
		t.Errorf("the next month: %+v", tab)
	}
	var s *insight.Summary
	school.Attendance(t, c.db, daysOf(school.Date(t, "2026-11-20"), c.learners[:30]...)...)
	c.read(func(q tenants.Querier) (err error) {
		s, err = insight.Glance(ctx, q, today, jamaica, insight.View{})
		return err
	})
	if *s.Learners != 41 || s.Staff != nil || s.Schools != 4 || s.AttendanceToday != nil || s.AttendanceWeek != nil || s.AttendanceMonth != nil || s.Attempts != nil || s.AttemptsTo != "2026-10-31" {
		t.Errorf("while the month runs: %+v", s)
	}
	c.read(func(q tenants.Querier) (err error) {
		s, err = insight.Glance(ctx, q, today.AddDate(0, 0, 8), jamaica, insight.View{})
		return err
	})
	if s.AttendanceWeek != nil || *s.AttendanceMonth != 30 || *s.Attempts != 44 || *s.PassPercent != 47 {
		t.Errorf("%+v", s)
	}
}

func TestBoundsOfAPeriod(t *testing.T) {
	for _, c := range [][2]string{{"2026-11-02", "2026-11-01"}, {"2025-01-01", "2026-11-01"}, {"2025-11-01", "2026-12-06"}} {
		if _, err := insight.Attendance(ctx, nil, period(t, c[0], c[1]), insight.ByDay, insight.View{}); domain.CodeOf(err) != domain.Invalid {
			t.Errorf("%v: %v", c, err)
		}
	}
	c := newCountry(t)
	c.attendance("2025-11-01", "2026-12-05", insight.ByDay, insight.View{}) // 400 days
	_, err := insight.Attendance(ctx, nil, insight.Period{From: today, To: today}, insight.BySubject, insight.View{})
	if domain.CodeOf(err) != domain.Invalid {
		t.Errorf("attendance by subject: %v", err)
	}
	_, err = insight.PassRates(ctx, nil, insight.Period{From: today, To: today.AddDate(2, 0, 0)}, jamaica, insight.BySubject, insight.View{})
	if domain.CodeOf(err) != domain.Invalid {
		t.Errorf("two years: %v", err)
	}
}

func TestADayIsPublishedToThePlatform(t *testing.T) {
	t.Parallel()
	c := newCountry(t, 4, 2)
	c.attend("2026-11-23", 1)
	for range 2 {
		if err := c.db.Write(ctx, c.Actor, func(tx *tenants.Tx) error { return insight.PublishDay(ctx, tx, today, jamaica) }); err != nil {
			t.Fatal(err)
		}
	}
	var active, attended, rows int
	if err := c.DB("").ReadFresh(ctx, func(r *tenants.Reader) error {
		return r.QueryRow(ctx, `SELECT max(active_users), max(attendance), count(*) FROM usage_days WHERE slug = 'jamaica' AND day = '2026-11-23'`).Scan(&active, &attended, &rows)
	}); err != nil {
		t.Fatal(err)
	}
	if active != 6 || attended != 6 || rows != 1 {
		t.Errorf("%d active, %d attended, %d rows", active, attended, rows)
	}
}
