package demo

import (
	"context"
	"time"

	"lignum/tenants"
)

// Counts is what a tenant holds.
type Counts struct {
	Tenant       string `json:"tenant"`
	Schools      int    `json:"schools"`
	Learners     int    `json:"learners"`
	Staff        int    `json:"staff"`
	Classes      int    `json:"classes"`
	Enrolments   int    `json:"enrolments"`
	Courses      int    `json:"courses"`
	Tests        int    `json:"tests"`
	Assessments  int    `json:"assessments"` // tests of that kind
	Animations   int    `json:"animations"`
	Labs         int    `json:"labs"`
	Attempts     int    `json:"attempts"`
	LearnerDays  int    `json:"learner_days"` // in attendance
	PeriodDays   int    `json:"period_days"`  // of them, April to September 2020
	BusiestDay   int    `json:"busiest_day"`  // learners in attendance on it
	MostUsersDay int    `json:"most_users_day"`
}

func summarise(ctx context.Context, in *Input, began time.Time) (Summary, error) {
	var s Summary
	for _, spec := range Specs {
		c := Counts{Tenant: spec.Slug}
		err := in.DB(spec.Slug).ReadFresh(ctx, func(r *tenants.Reader) error {
			return r.QueryRow(ctx, `SELECT (SELECT count(*) FROM schools), (SELECT n FROM usage_counts WHERE kind = 'learners'),
				(SELECT n FROM usage_counts WHERE kind = 'staff'), (SELECT n FROM usage_counts WHERE kind = 'classes'),
				(SELECT count(*) FROM enrolments WHERE state = 'active'), (SELECT count(*) FROM courses),
				(SELECT count(*) FROM tests WHERE active), (SELECT count(*) FROM tests WHERE active AND kind = 'assessment'),
				(SELECT count(*) FROM resources WHERE active AND kind = 'animation'), (SELECT count(*) FROM resources WHERE active AND kind = 'lab'),
				(SELECT count(*) FROM attempts), (SELECT count(*) FROM attendance),
				(SELECT count(*) FROM attendance WHERE day BETWEEN $1::text::date AND $2::text::date),
				coalesce((SELECT max(n) FROM (SELECT count(*) AS n FROM attendance GROUP BY day) d), 0),
				coalesce((SELECT max(n) FROM (SELECT count(*) AS n FROM active_days GROUP BY day) d), 0)`, periodFrom.Format(time.DateOnly), periodTo.Format(time.DateOnly)).
				Scan(&c.Schools, &c.Learners, &c.Staff, &c.Classes, &c.Enrolments, &c.Courses, &c.Tests, &c.Assessments, &c.Animations, &c.Labs,
					&c.Attempts, &c.LearnerDays, &c.PeriodDays, &c.BusiestDay, &c.MostUsersDay)
		})
		if err != nil {
			return s, err
		}
		s.Tenants = append(s.Tenants, c)
	}
	s.Took = time.Since(began)
	return s, nil
}
