package assessment

import (
	"context"
	"errors"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"lignum/domain"
	"lignum/tenants"
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

// Announce gives a test with what a learner has made of it, in one query, or domain.NotFound.
func Announce(ctx context.Context, q tenants.Querier, testID, learnerID uuid.UUID, now time.Time) (*Announcement, error) {
	a := &Announcement{}
	err := q.QueryRow(ctx, `SELECT t.id, t.slug, t.title, t.kind, c.slug, c.title, t.minutes, t.items, t.instructions, t.attempts, t.feedback, t.opens_at, t.closes_at,
		m.made, m.best, (SELECT o.id FROM attempts o WHERE o.test_id = t.id AND o.learner_id = $2::uuid AND o.state = 'open' AND o.deadline >= $3::timestamptz)
		FROM tests t JOIN courses c ON c.id = t.course_id CROSS JOIN LATERAL (
			SELECT count(*)::integer AS made, max(a.score * 100 / nullif(a.max_score, 0)) FILTER (WHERE a.state = 'marked') AS best
			FROM attempts a WHERE a.test_id = t.id AND a.learner_id = $2::uuid) m
		WHERE t.id = $1::uuid AND t.active AND c.published`, testID.String(), learnerID.String(), now.Add(-SaveGrace).UTC()).
		Scan(&a.ID, &a.Slug, &a.Title, &a.Kind, &a.Course, &a.CourseTitle, &a.Minutes, &a.Items, &a.Instructions, &a.Attempts, &a.Feedback, &a.OpensAt, &a.ClosesAt,
			&a.Made, &a.Best, &a.Running)
	a.Window = Window{OpensAt: a.OpensAt, ClosesAt: a.ClosesAt}.versioned().Version
	if errors.Is(err, pgx.ErrNoRows) {
		return nil, domain.Errorf(domain.NotFound, "There is no such test.")
	}
	return a, err
}
