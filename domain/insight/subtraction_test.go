package insight_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/uuid"
	"pgregory.net/rapid"

	"lignum/domain/insight"
	"lignum/tenants"
	"lignum/tenants/audit"
	_ "lignum/tests/tenth"
)

// draw fills the tenant with a few learners' work in September and October.
func (c *country) draw(rt *rapid.T, courses []uuid.UUID, learners map[uuid.UUID][]string) {
	sql := ""
	for _, school := range c.schools {
		for i := range rapid.IntRange(0, 7).Draw(rt, "learners") {
			learner := learners[school][i]
			for month := 9; month <= 10; month++ {
				day := rapid.SampledFrom([]string{"", "01", "14", "28"}).Draw(rt, "day")
				if day == "" {
					continue
				}
				sql += fmt.Sprintf("INSERT INTO attendance (day, learner_id, school_id) VALUES ('2026-%02d-%s', '%s', '%s');", month, day, learner, school)
				sql += fmt.Sprintf("INSERT INTO active_days (day, user_id) VALUES ('2026-%02d-%s', '%s') ON CONFLICT DO NOTHING;", month, day, learner)
				for range rapid.IntRange(0, 2).Draw(rt, "attempts") {
					n := rapid.IntRange(0, len(courses)-1).Draw(rt, "course")
					score := rapid.SampledFrom([]int{0, 10}).Draw(rt, "score")
					sql += c.attempt(courses[n], school, learner, fmt.Sprintf("2026-%02d-%s 15:00Z", month, day), score)
				}
			}
		}
	}
	c.do("DELETE FROM attempts; DELETE FROM attendance; DELETE FROM active_days;" + sql)
}

var attempts int // so far: their numbers

func (c *country) attempt(course, school uuid.UUID, learner, at string, score int) string {
	attempts++
	return fmt.Sprintf(`INSERT INTO attempts (id, test_id, course_id, learner_id, school_id, number, state, seed, paper, started_at, deadline, submitted_at, score, max_score)
		SELECT '%s', id, course_id, '%s', '%s', %d, 'marked', 0, '{}', '%s', '%s', '%s', %d, 10 FROM tests WHERE course_id = '%s';`,
		audit.NewID(), learner, school, attempts, at, at, at, score, course)
}

// subjectCourse makes a course of a subject, with a test.
func (c *country) subjectCourse(subject string) uuid.UUID {
	id := audit.NewID()
	c.do(`INSERT INTO courses (id, slug, version, content_hash, title, subject, level, scheme, language, summary, licence, author)
		VALUES ($1::uuid, $2::text, '1', '', $2::text, $2::text, '', '', 'en', '', '', '')`, id.String(), subject)
	c.do(`INSERT INTO tests (id, course_id, slug, title, kind, minutes, feedback, blueprint, items)
		VALUES (gen_random_uuid(), $1::uuid, 't', 'T', 'practice', 10, 'on_submit', '[]', 1)`, id.String())
	return id
}

// asked gives the answer to a question.
func (c *country) asked(ask func(q tenants.Querier) (*insight.Table, error)) (t *insight.Table) {
	c.read(func(q tenants.Querier) (err error) { t, err = ask(q); return err })
	return t
}

// attack asks for everything and gives how many cells were suppressed.
func (c *country) attack(rt *rapid.T, view insight.View) (suppressed int) {
	a := &adversary{all: map[string]*unknown{}}
	september, october := insight.FinishedMonth(view.Today.AddDate(0, -1, 0)), insight.FinishedMonth(view.Today)
	for _, figure := range []struct {
		name  string
		rates bool
		by    []insight.By
	}{{"attendance", false, []insight.By{insight.ByRegion, insight.BySchool}}, {"pass rates", true, []insight.By{insight.ByRegion, insight.BySchool, insight.BySubject}}} {
		for _, by := range figure.by {
			ask := func(p insight.Period) *insight.Table {
				return c.asked(func(q tenants.Querier) (*insight.Table, error) {
					if figure.rates {
						return insight.PassRates(ctx, q, p, time.UTC, by, view)
					}
					return insight.Attendance(ctx, q, p, by, view)
				})
			}
			one, two := ask(september), ask(october)
			a.month(figure.name, one, figure.rates)
			a.month(figure.name, two, figure.rates)
			sumOf(rt, ask(insight.Period{From: september.From, To: october.To}), one, two)
		}
	}
	c.attackDays(rt, a, view, september.From)
	c.attackDays(rt, a, view, october.From)
	for _, m := range []insight.Period{september, october} {
		c.attackSummary(a, view, m)
	}
	a.solve()
	if known := a.certain(); len(known) > 0 {
		rt.Fatalf("known: %q", known)
	}
	for _, u := range a.all {
		if u.hidden {
			suppressed++
		}
	}
	return suppressed
}

// sumOf sees to it that the table of two months says nothing that theirs do not.
func sumOf(rt *rapid.T, both, one, two *insight.Table) {
	shown := map[string][3]int{}
	for _, t := range []*insight.Table{one, two} {
		for _, c := range append(t.Cells, t.Total) {
			n := shown[c.Group+"/"+c.Key+c.Name]
			if c.Suppressed {
				n[2]++
			} else if n[0] += *c.Count; c.Passed != nil {
				n[1] += *c.Passed
			}
			shown[c.Group+"/"+c.Key+c.Name] = n
		}
	}
	for _, c := range append(both.Cells, both.Total) {
		n := [3]int{0, 0, c.Withheld}
		if c.Count != nil {
			n[0] = *c.Count
		}
		if c.Passed != nil {
			n[1] = *c.Passed
		}
		if want := shown[c.Group+"/"+c.Key+c.Name]; n != want || c.People != nil {
			rt.Fatalf("%s %s over two months: %v, want %v and no people", both.By, c.Key, n, want)
		}
	}
}

// attackDays asks for a month's attendance and active users by day, and for every time between two of the days.
func (c *country) attackDays(rt *rapid.T, a *adversary, view insight.View, month time.Time) {
	days := []time.Time{month, month.AddDate(0, 0, 13), month.AddDate(0, 0, 27)}
	for what, read := range map[string]func(q tenants.Querier, p insight.Period) (*insight.Table, error){
		"attendance": func(q tenants.Querier, p insight.Period) (*insight.Table, error) {
			return insight.Attendance(ctx, q, p, insight.ByDay, view)
		},
		"active": func(q tenants.Querier, p insight.Period) (*insight.Table, error) {
			return insight.ActiveUsers(ctx, q, p, view)
		},
	} {
		for i, from := range days {
			for _, to := range days[i:] {
				t := c.asked(func(q tenants.Querier) (*insight.Table, error) { return read(q, insight.Period{From: from, To: to}) })
				shown := 0
				for _, cell := range t.Cells {
					f := a.cell(what+" on "+cell.Key, cell, false)
					a.equal(f.people, f.count)
					if cell.Suppressed {
						f.people.learn(1, t.MinCell-1)
					} else {
						shown += *cell.Count
					}
				}
				if t.Total.Count != nil && *t.Total.Count != shown || t.Total.Count == nil && shown > 0 || t.Total.People != nil && len(t.Cells) > 1 {
					rt.Fatalf("%s from %s to %s: %d are shown, the total is %+v", what, from, to, shown, t.Total)
				}
			}
		}
	}
	for _, day := range days { // who is in attendance is an active user
		a.atMost(a.number("attendance on "+day.Format(time.DateOnly)+" count"), a.number("active on "+day.Format(time.DateOnly)+" count"))
	}
}

// attackSummary looks at the summary as it was when a month was the last finished one.
func (c *country) attackSummary(a *adversary, view insight.View, month insight.Period) {
	var s *insight.Summary
	c.read(func(q tenants.Querier) (err error) {
		s, err = insight.Glance(ctx, q, month.To.AddDate(0, 0, 5), time.UTC, view)
		return err
	})
	from := month.From.Format(time.DateOnly)
	if s.AttendanceMonth != nil {
		a.number("attendance "+from+" people").learn(*s.AttendanceMonth, *s.AttendanceMonth)
	}
	if s.Attempts != nil {
		n := *s.Attempts
		a.number("pass rates "+from+" count").learn(n, n)
		a.number("pass rates "+from+" passed").learn((*s.PassPercent*n+99)/100, ((*s.PassPercent+1)*n-1)/100)
	}
}

func TestNobodyFindsAWithheldFigureBySubtraction(t *testing.T) {
	c := newCountry(t, 7, 7, 7, 7, 7)
	var courses []uuid.UUID
	for _, subject := range []string{"Mathematics", "Biology", "History"} {
		courses = append(courses, c.subjectCourse(subject))
	}
	learners := map[uuid.UUID][]string{}
	for _, school := range c.schools {
		c.read(func(q tenants.Querier) error {
			var ids []string
			err := q.QueryRow(ctx, `SELECT array_agg(id::text) FROM users WHERE school_id = $1::uuid`, school.String()).Scan(&ids)
			learners[school] = ids
			return err
		})
	}
	view := insight.View{Today: time.Date(2026, 11, 5, 0, 0, 0, 0, time.UTC)}
	suppressed := 0
	rapid.Check(t, func(rt *rapid.T) {
		c.draw(rt, courses, learners)
		suppressed += c.attack(rt, view)
	})
	if suppressed == 0 {
		t.Error("nothing was ever suppressed: the test tests nothing")
	}
}
