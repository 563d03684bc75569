package insight_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"lignum/domain/insight"
	"lignum/tenants"
	"lignum/tenants/audit"
	"lignum/tests/school"
	"lignum/tests/testkit"
)

// openSchools opens the schools School 1 to School n, each with so many learners.
func (c *country) openSchools(n, learners int, region func(n int) string) {
	c.t.Helper()
	list := make([]school.School, n)
	for i := range list {
		list[i] = school.School{Name: fmt.Sprintf("School %d", i+1), Region: region(i + 1)}
	}
	c.schools = school.Schools(c.t, c.db, list...)
	for i, id := range c.schools {
		c.learners = append(c.learners, learnersOf(list[i].Name+"-", id, learners)...)
	}
	school.People(c.t, c.db, c.learners...)
}

// A page of a country's schools reads its own rows and no others, of however many schools; every school is on one of the pages, once and in
// order, and the lowest are first where that is asked for.
func TestAPageOfSchoolsReadsItsOwnRows(t *testing.T) {
	t.Parallel()
	c := newCountry(t)
	const schools = 600
	c.openSchools(schools, 6, func(n int) string { return fmt.Sprintf("Region %d", n%7) })
	c.learners = append(c.learners, school.Person{ID: school.Learners(t, c.db, 1, uuid.Nil)[0]}) // of no school
	var days []school.Day
	for d := school.Date(t, "2026-08-01"); d.Before(school.Date(t, "2026-10-21")); d = d.AddDate(0, 0, 9) {
		for i, l := range c.learners {
			if (i*7919+d.YearDay()*104729)%16 < 10 {
				days = append(days, school.Day{Day: d, User: l.ID, School: l.SchoolID})
			}
		}
	}
	school.Attendance(t, c.db, days...)
	months := []insight.Period{}
	for m := insight.FinishedMonth(today); len(months) < 3; m = insight.FinishedMonth(m.From) {
		months = append(months, m)
		if err := c.db.Write(ctx, audit.Actor{}, func(tx *tenants.Tx) error { return insight.KeepMonth(ctx, tx, m, time.UTC) }); err != nil {
			t.Fatal(err)
		}
	}
	conn := c.Direct(t)
	for _, sql := range []string{"SET search_path = tenant_jamaica", "VACUUM ANALYZE"} {
		if _, err := conn.Exec(ctx, sql); err != nil {
			t.Fatal(err)
		}
	}
	ranked := false
	rankings := insight.NewRankings()
	period := insight.Period{From: months[2].From, To: months[0].To}
	for _, rows := range []insight.Rows{{Limit: 50}, {Limit: 50, Region: "Region 3"}, {Limit: 50, Order: insight.LowestFirst, Region: "Region 3"}, {Limit: 50, Order: insight.LowestFirst}} {
		seen, last := map[string]bool{}, 0
		for {
			h := &testkit.Heard{}
			var tab *insight.Table
			c.read(func(q tenants.Querier) (err error) {
				h.Querier = q
				tab, err = insight.Attendance(ctx, h, period, insight.BySchool, insight.View{Today: today, Rows: rows, Realm: "jamaica", Rankings: rankings})
				return err
			})
			if tab.Counted {
				t.Fatal("the months are kept, and their rows were counted")
			}
			plan := h.Explain(t, conn)
			read, most := plan.Read("month_figures")+plan.Read("schools"), 500 // a page, with three months of each school
			if rows.Order == insight.LowestFirst && !ranked {                  // all are summed to know which is lowest, once
				most, ranked = 2*(len(months)+1)*schools, true
			}
			if read > most || plan.Read("attendance", "users") > 0 {
				t.Errorf("%+v reads %d rows for %d: %s", rows, read, len(tab.Cells), h.SQL)
			}
			for _, cell := range tab.Cells {
				if seen[cell.Key] {
					t.Errorf("%s is listed twice", cell.Name)
				}
				if rows.Region != "" && cell.Group != rows.Region {
					t.Errorf("%s is of %s", cell.Name, cell.Group)
				}
				if seen[cell.Key] = true; rows.Order == insight.LowestFirst && cell.Count != nil {
					if *cell.Count < last {
						t.Errorf("%s has %d after %d", cell.Name, *cell.Count, last)
					}
					last = *cell.Count
				}
			}
			if rows.After = tab.Next; tab.Next == "" {
				break
			}
		}
		want := schools + 1 // who belongs to no school
		if rows.Region != "" {
			want = 86
		}
		if len(seen) != want {
			t.Errorf("%+v lists %d schools, want %d", rows, len(seen), want)
		}
	}
	for _, wrong := range []insight.Rows{{Limit: 201}, {Order: "worst"}, {After: "x"}, {After: "WyIxIiwiIiwiIiwiIl0"}} {
		c.read(func(q tenants.Querier) error {
			if _, err := insight.Attendance(ctx, q, period, insight.BySchool, insight.View{Today: today, Rows: wrong}); err == nil {
				t.Errorf("%+v is taken", wrong)
			}
			if _, err := insight.Attendance(ctx, q, period, insight.ByRegion, insight.View{Today: today, Rows: insight.Rows{Region: uuid.NewString()}}); err == nil {
				t.Error("a region is asked for by region")
			}
			return nil
		})
	}
}

// behind reads the order of schools on a replica that is behind the one on which the totals were read.
type behind struct {
	tenants.Querier
	before, after func()
}

func (b *behind) Query(ctx context.Context, sql string, args ...any) (pgx.Rows, error) {
	if !strings.Contains(sql, "GROUP BY f.key") {
		return b.Querier.Query(ctx, sql, args...) //nolint:sqlclosecheck // they are handed on
	}
	b.before()
	defer b.after()
	return b.Querier.Query(ctx, sql, args...) //nolint:sqlclosecheck // they are handed on
}

// An order that was made of older figures than the totals beside it is not kept under their name.
func TestAnOrderOfOldFiguresIsNotKept(t *testing.T) {
	t.Parallel()
	c := newCountry(t)
	c.openSchools(12, 10, func(int) string { return "Region" })
	var days []school.Day
	for i, id := range c.schools { // the days of a school are as many as its name has letters, and its number more
		for d := range min(16, len(fmt.Sprintf("School %d", i+1))+i+2) {
			days = append(days, daysOf(school.Date(t, "2026-10-05").AddDate(0, 0, d), of(c.learners, id)...)...)
		}
	}
	school.Attendance(t, c.db, days...)
	month := insight.FinishedMonth(today)
	if err := c.db.Write(ctx, audit.Actor{}, func(tx *tenants.Tx) error { return insight.KeepMonth(ctx, tx, month, time.UTC) }); err != nil {
		t.Fatal(err)
	}
	view := insight.View{Today: today, Rows: insight.Rows{Limit: 50, Order: insight.LowestFirst}, Realm: "jamaica", Rankings: insight.NewRankings()}
	order := func(lagging bool) (names []string) {
		c.read(func(q tenants.Querier) error {
			if lagging {
				q = &behind{q, func() {
					c.do(`UPDATE figure_months SET kept_at = kept_at - interval '1 hour'`)
					c.do(`UPDATE month_figures SET n = 1000 - n, people = 1000 - people WHERE level = 2`)
				}, func() {
					c.do(`UPDATE figure_months SET kept_at = kept_at + interval '1 hour'`)
					c.do(`UPDATE month_figures SET n = 1000 - n, people = 1000 - people WHERE level = 2`)
				}}
			}
			table, err := insight.Attendance(ctx, q, month, insight.BySchool, view)
			if err == nil {
				for _, cell := range table.Cells {
					names = append(names, cell.Name)
				}
			}
			return err
		})
		return names
	}
	old, now, again := order(true), order(false), order(false)
	if len(old) != 12 || old[0] == "School 1" {
		t.Fatalf("the replica that is behind tells nothing else: %q", old)
	}
	if now[0] != "School 1" || !slices.Equal(now, again) {
		t.Errorf("lowest first: %q, then %q", now, again)
	}
}
