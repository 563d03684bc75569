package demo

import (
	"testing"
	"time"

	"lignum/domain"
	"lignum/tenants"
	"lignum/tests/testkit"
)

func TestSpecsAreTheFixtures(t *testing.T) {
	for i, s := range Specs {
		if s != testkit.Fixtures[i] {
			t.Errorf("%+v is not %+v", s, testkit.Fixtures[i])
		}
		if err := s.Validate(); err != nil {
			t.Error(err)
		}
	}
}

func TestMissingTenant(t *testing.T) {
	in := Input{Tenant: func(string) *tenants.Tenant { return nil }}
	if _, err := Small(ctx, in); domain.CodeOf(err) != domain.NotFound {
		t.Errorf("got %v", err)
	}
}

func TestCalendar(t *testing.T) {
	for _, size := range []sizes{postSizes, {learnerDays: 4_710, busiest: 240, users: 400}} {
		days := spread(size.learnerDays, size.busiest, size.users)
		total, most, users := 0, 0, 0
		for i, d := range days {
			total, most, users = total+d.learners, max(most, d.learners), max(users, d.users)
			if d.learners < 1 || d.users < d.learners || (d.learners == size.busiest) != d.day.Equal(recordDay) || (d.users == size.users) != d.day.Equal(recordDay) {
				t.Errorf("%s: %+v", d.day.Format(time.DateOnly), d)
			}
			if i >= 5 && d.day.Weekday() == time.Sunday && d.learners >= days[i-5].learners {
				t.Errorf("Sunday %s has as many as Tuesday", d.day.Format(time.DateOnly))
			}
		}
		if len(days) != 183 || total != size.learnerDays || most != size.busiest || users != size.users {
			t.Errorf("%d days, %d learner-days, at most %d learners and %d users", len(days), total, most, users)
		}
	}
	if d := spread(postSizes.learnerDays, postSizes.busiest, postSizes.users); d[0].users < 200 || d[0].users > 900 || d[len(d)-1].users > 2_000 {
		t.Errorf("the first day has %d users, not a few hundred", d[0].users)
	}
}

// fiftieth is the post's scale divided by fifty, with all that must be exact.
var fiftieth = sizes{learners: 880, schools: 40, animations: 190, labs: 5, assessments: 60, learnerDays: 4_710, busiest: 240, users: 400,
	classes: 124, islandLearners: 80, islandSchools: 14, coaches: 5, enrolmentsEach: 6}

func TestPostIsExactAndGoesOnWhereItStopped(t *testing.T) {
	w := testkit.New(t)
	in := input(t, w)
	var last string
	steps := 0
	in.Progress = func(stage string, done, total int) {
		if done > total || stage == last && done == 0 && total > 0 {
			t.Errorf("%s: %d of %d", stage, done, total)
		}
		last = stage
		steps++
	}
	sum, err := post(ctx, in, fiftieth)
	if err != nil {
		t.Fatal(err)
	}
	j, b := sum.Tenants[0], sum.Tenants[1]
	if j.Learners != 880 || j.Schools != 40 || j.Animations != 190 || j.Labs != 5 || j.PeriodDays != 4_710 || j.BusiestDay != 240 || j.MostUsersDay != 400 {
		t.Errorf("Jamaica: %+v", j)
	}
	if b.Classes != 124 || b.Learners != 80 || b.Schools != 14 {
		t.Errorf("The Bahamas: %+v", b)
	}
	conn := w.Direct(t)
	for _, s := range schemas[:3] {
		consistent(t, conn, s)
	}
	if n := number(t, conn, `SELECT count(*) FROM tenant_jamaica.tests WHERE title LIKE 'Mixed assessment %' AND kind = 'assessment' AND active`); n != 60 {
		t.Errorf("%d mixed assessments", n)
	}
	if n := number(t, conn, `SELECT sum(attendance) FROM control.usage_days WHERE slug = 'jamaica' AND day < '2021-01-01'`); n != 4_710 {
		t.Errorf("%d learner-days published", n)
	}
	if n := number(t, conn, `SELECT count(DISTINCT left(region, 8)) FROM tenant_jamaica.schools`); n != 7 {
		t.Errorf("%d regions", n)
	}

	// A run that was interrupted: one week and its entry are gone; the next run makes just these again.
	before := everything(t, conn)
	for _, sql := range []string{`DELETE FROM tenant_jamaica.attendance WHERE day BETWEEN '2020-04-29' AND '2020-05-05'`,
		`DELETE FROM tenant_jamaica.active_days WHERE day BETWEEN '2020-04-29' AND '2020-05-05'`,
		`DELETE FROM tenant_jamaica.audit_entries WHERE object_kind = 'demo' AND object_id = 'attendance/28'`} {
		if tag, err := conn.Exec(ctx, sql); err != nil || tag.RowsAffected() == 0 {
			t.Fatalf("%s: %v, %v", sql, tag, err)
		}
	}
	in.Progress = nil
	again, err := post(ctx, in, fiftieth)
	if err != nil {
		t.Fatal(err)
	}
	if again.Tenants[0] != j || again.Tenants[1] != b {
		t.Errorf("after going on: %+v, before: %+v", again.Tenants, sum.Tenants)
	}
	for table, sum := range everything(t, conn) {
		if before[table] != sum && table != "tenant_jamaica.audit_entries" {
			t.Errorf("%s is not as it was", table)
		}
	}
}
