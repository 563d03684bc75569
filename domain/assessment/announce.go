package assessment

import (
	"errors"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"lignum/domain"
	"lignum/domain/calendar"
)

// Announcement is a test as it is announced, with what a learner has made of it.
type Announcement struct {
	ID           uuid.UUID  `json:"id"`
	Slug         string     `json:"slug"`
	Title        string     `json:"title"`
	Kind         string     `json:"kind"`   // practice or assessment
	Course       string     `json:"course"` // slug
	CourseTitle  string     `json:"course_title"`
	Minutes      int        `json:"minutes"`
	Items        int        `json:"items"`
	Instructions string     `json:"instructions"` // HTML
	Attempts     int        `json:"attempts"`     // allowed; 0: no limit
	Feedback     string     `json:"feedback"`     // on_submit, after_window or score_only
	OpensAt      *time.Time `json:"opens_at,omitempty"`
	ClosesAt     *time.Time `json:"closes_at,omitempty"`
	Window       string     `json:"window"`            // version of the two times, to be given back with a change of them
	Made         int        `json:"made"`              // attempts by the learner
	Running      *uuid.UUID `json:"running,omitempty"` // the attempt under way
	Best         *int       `json:"best,omitempty"`    // percent of the learner's best marked one
}

// QueueAnnounced adds a test with what a learner has made of it to a batch: a is filled when the batch is closed, which gives
// domain.NotFound when there is no such test.
func QueueAnnounced(b *pgx.Batch, testID, learnerID uuid.UUID, now time.Time, a *Announcement) {
	b.Queue(`SELECT id, slug, title, kind, course, course_title, minutes, items, instructions, attempts, feedback, opens_at, closes_at, made, best, running
		FROM announced_test($1::uuid, $2::uuid, $3::timestamptz)`, testID.String(), learnerID.String(), now.Add(-SaveGrace).UTC()).QueryRow(func(row pgx.Row) error {
		err := row.Scan(&a.ID, &a.Slug, &a.Title, &a.Kind, &a.Course, &a.CourseTitle, &a.Minutes, &a.Items, &a.Instructions, &a.Attempts, &a.Feedback, &a.OpensAt, &a.ClosesAt,
			&a.Made, &a.Best, &a.Running)
		a.Window = calendar.Window{OpensAt: a.OpensAt, ClosesAt: a.ClosesAt}.Versioned().Version
		if errors.Is(err, pgx.ErrNoRows) {
			return domain.Refuse(domain.NotFound, "domain.there_is_no_such_test")
		}
		return err
	})
}
