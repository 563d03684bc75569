package insight_test

import (
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"
	"pgregory.net/rapid"

	"lignum/domain/catalog/pack"
	"lignum/domain/insight"
	"lignum/tenants"
	"lignum/tests/school"
	_ "lignum/tests/tenth"
)

// draw fills the tenant with a few learners' work in September and October.
func (c *country) draw(rt *rapid.T, courses []uuid.UUID) {
	var days []school.Day
	var attempts []school.Attempt
	for _, id := range c.schools {
		learners := of(c.learners, id)
		for i := range rapid.IntRange(0, 7).Draw(rt, "learners") {
			for month := 9; month <= 10; month++ {
				day := rapid.SampledFrom([]string{"", "01", "14", "28"}).Draw(rt, "day")
				if day == "" {
					continue
				}
				date := school.Date(c.t, fmt.Sprintf("2026-%02d-%s", month, day))
				days = append(days, daysOf(date, learners[i])...)
				for range rapid.IntRange(0, 2).Draw(rt, "attempts") {
					n := rapid.IntRange(0, len(courses)-1).Draw(rt, "course")
					score := rapid.SampledFrom([]int{0, 10}).Draw(rt, "score")
					attempts = append(attempts, c.attempt(courses[n], id, learners[i].ID, date.Add(15*time.Hour), score))
				}
			}
		}
	}
	c.do("DELETE FROM attempts; DELETE FROM attendance; DELETE FROM active_days")
	school.Attendance(c.t, c.db, days...)
	school.ActiveDays(c.t, c.db, days...)
	school.Attempts(c.t, c.db, attempts...)
}

// of gives those of a school.
func of(learners []school.Person, id uuid.UUID) (list []school.Person) {
	for _, l := range learners {
		if l.SchoolID == id {
			list = append(list, l)
		}
	}
	return list
}

var attempts atomic.Int64 // so far: their numbers

// attempt is one at a course's test, with ten hundredths to earn.
func (c *country) attempt(course, at, learner uuid.UUID, when time.Time, score int) school.Attempt {
	return school.Attempt{Test: c.tests[course], Course: course, Learner: learner, School: at, Number: int(attempts.Add(1)), StartedAt: when, Score: score, MaxScore: 10}
}

// subjectCourse makes a course of a subject, with a test.
func (c *country) subjectCourse(subject string) uuid.UUID {
	made := school.Course(c.t, c.db, pack.Pack{Name: strings.ToLower(subject), Subject: subject, Tests: []pack.Test{{}}})
	c.tests[made.ID] = made.Tests[0]
	return made.ID
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
	t.Parallel()
	c := newCountry(t, 7, 7, 7, 7, 7)
	var courses []uuid.UUID
	for _, subject := range []string{"Mathematics", "Biology", "History"} {
		courses = append(courses, c.subjectCourse(subject))
	}
	view := insight.View{Today: time.Date(2026, 11, 5, 0, 0, 0, 0, time.UTC)}
	suppressed := 0
	rapid.Check(t, func(rt *rapid.T) {
		c.draw(rt, courses)
		suppressed += c.attack(rt, view)
	})
	if suppressed == 0 {
		t.Error("nothing was ever suppressed: the test tests nothing")
	}
}
