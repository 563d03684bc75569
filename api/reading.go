package api

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"

	"lignum/domain"
	"lignum/domain/assessment"
	"lignum/domain/classes"
	"lignum/domain/notices"
	"lignum/domain/points"
	"lignum/policy"
	"lignum/tenants"
)

// Reading is what several parts of a page read in one round trip. Each part asks the policy when it is added; what it reads is there when
// Run has returned. The zero value reads nothing.
type Reading struct {
	batch pgx.Batch
	then  []func()
}

// Run sends what was added, and gives the first error.
func (r *Reading) Run(ctx context.Context, c *Call) error {
	if r.batch.Len() == 0 {
		return nil
	}
	err := c.DB.ReadFresh(ctx, func(db *tenants.Reader) error { return db.SendBatch(ctx, &r.batch).Close() })
	if err != nil {
		return err
	}
	for _, fn := range r.then {
		fn()
	}
	return nil
}

// Notices adds what the signed-in person was told and has not seen yet.
func (r *Reading) Notices(c *Call, list *[]notices.Notice) error {
	if err := c.Permit(policy.Facts{Owner: true}); err != nil {
		return err
	}
	notices.QueueUnseen(&r.batch, c.Claims.UserID, list)
	return nil
}

// Classes adds the active classes in which the signed-in person has a place, by title, at most most of them.
func (r *Reading) Classes(c *Call, most int, list *[]classes.Class) error {
	d, err := c.Decide(policy.Facts{Listing: true})
	if err != nil {
		return err
	}
	classes.QueueOwn(&r.batch, c.Claims.UserID, most, list)
	r.then = append(r.then, func() {
		for i := range *list {
			(*list)[i].Withhold(d.MinCell)
		}
	})
	return nil
}

// Progress adds how far the signed-in learner is in each course of their classes.
func (r *Reading) Progress(c *Call, list *[]classes.CourseProgress) error {
	if err := c.Permit(policy.Facts{Owner: true}); err != nil {
		return err
	}
	classes.QueueProgressOf(&r.batch, c.Claims.UserID, list)
	return nil
}

// Points adds the signed-in learner's points.
func (r *Reading) Points(c *Call, own *points.Own) error {
	if err := c.Permit(policy.Facts{Owner: true}); err != nil {
		return err
	}
	points.QueueMine(&r.batch, c.Claims.UserID, c.Day(), own)
	return nil
}

// Attempts adds the signed-in learner's last attempts, at most most of them.
func (r *Reading) Attempts(c *Call, most int, list *[]assessment.Summary) error {
	if err := c.Permit(policy.Facts{Owner: true}); err != nil {
		return err
	}
	assessment.QueueAttempts(&r.batch, c.Claims.UserID, most, list)
	return nil
}

// DayRange is a time in days; without it the last 30.
type DayRange struct {
	From string `query:"from" format:"date" doc:"The first day, such as 2026-11-01; without it 30 days end with the last day"`
	To   string `query:"to" format:"date" doc:"The last day, such as 2026-11-30; without it today"`
}

// Days reads a range of days; without one it is the last 30 until today.
func Days(from, to string, today time.Time) (first, last time.Time, err error) {
	first, last = today.AddDate(0, 0, -29), today
	var p domain.Problems
	if to != "" {
		if last, err = time.Parse(time.DateOnly, to); err != nil {
			p.Add("query.to", "api.must_be_a_date_such")
		}
		first = last.AddDate(0, 0, -29)
	}
	if from != "" {
		if first, err = time.Parse(time.DateOnly, from); err != nil {
			p.Add("query.from", "api.must_be_a_date_such_as")
		}
	}
	if len(p) == 0 && last.Before(first) {
		p.Add("query.to", "domain.must_not_be_before_the")
	}
	return first, last, p.Err()
}
