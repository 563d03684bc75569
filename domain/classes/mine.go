package classes

import (
	"context"
	"errors"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"lignum/domain/points"
	"lignum/tenants"
)

// CourseProgress is how far a learner is in a course of one of their classes.
type CourseProgress struct {
	Course    string     `json:"course"` // slug
	Title     string     `json:"title"`
	Subject   string     `json:"subject"`
	ClassID   uuid.UUID  `json:"class_id"` // the class registered for last
	Class     string     `json:"class"`    // title
	Lessons   int        `json:"lessons"`
	Done      int        `json:"done"`    // lessons completed
	Seconds   int        `json:"seconds"` // spent in lessons
	LastAt    *time.Time `json:"last_at,omitempty"`
	NextSlug  string     `json:"next,omitempty"`       // slug of the first lesson that is not completed; empty: all are
	NextTitle string     `json:"next_title,omitempty"` // its title
}

// ProgressOf returns how far a learner is in each course of their classes, the one worked on last first.
func ProgressOf(ctx context.Context, q tenants.Querier, learnerID uuid.UUID) ([]CourseProgress, error) {
	b := &pgx.Batch{}
	var list []CourseProgress
	QueueProgressOf(b, learnerID, &list)
	return list, q.SendBatch(ctx, b).Close()
}

// QueueProgressOf adds ProgressOf to a batch: the list is there when the batch is closed.
func QueueProgressOf(b *pgx.Batch, learnerID uuid.UUID, list *[]CourseProgress) {
	b.Queue(`SELECT course, title, subject, class_id, class, lessons, done, seconds, last_at, next, next_title FROM progress_of($1::uuid)`,
		learnerID.String()).Query(func(rows pgx.Rows) (err error) {
		*list, err = pgx.AppendRows([]CourseProgress{}, rows, pgx.RowToStructByPos[CourseProgress])
		return err
	})
}

const progressColumns = `percent, seconds, counter, completed_at, opened_at, earned, points_in`

// progressInSQL: $1 the learner, $2 the lesson, $3 the time, $4 the rule by which lessons earn.
const progressInSQL = `SELECT ` + progressColumns + ` FROM progress_in($1::uuid, $2::uuid, $3::timestamptz, $4::text)`

// scan leaves p as it is when nothing is stored.
func (p *Progress) scan(row pgx.Row) error {
	err := row.Scan(&p.Percent, &p.Seconds, &p.Counter, &p.CompletedAt, &p.openedAt, &p.Earned, &p.PointsIn)
	if errors.Is(err, pgx.ErrNoRows) {
		return nil
	}
	return err
}

// ProgressIn returns what is stored of a learner and a lesson; all zero when nothing is.
func ProgressIn(ctx context.Context, q tenants.Querier, learnerID, lessonID uuid.UUID, now time.Time) (Progress, error) {
	p := Progress{LessonID: lessonID}
	return p, p.scan(q.QueryRow(ctx, progressInSQL, learnerID.String(), lessonID.String(), now.UTC(), points.LessonCompleted))
}

// QueueProgressIn adds ProgressIn of a lesson, by the slugs of its course and its own, to a batch: p is filled when the batch is closed, but
// for the lesson's id.
func QueueProgressIn(b *pgx.Batch, learnerID uuid.UUID, courseSlug, lessonSlug string, now time.Time, p *Progress) {
	b.Queue(`SELECT `+progressColumns+` FROM progress_in($1::uuid, (SELECT id FROM lesson_page($2::text, $3::text)), $4::timestamptz, $5::text)`,
		learnerID.String(), courseSlug, lessonSlug, now.UTC(), points.LessonCompleted).QueryRow(p.scan)
}

// CoursesOf returns the slugs of the courses in which somebody is enrolled, and of those that they coach.
func CoursesOf(ctx context.Context, q tenants.Querier, viewerID uuid.UUID) (enrolled, coached []string, err error) {
	err = q.QueryRow(ctx, `SELECT enrolled, coached FROM courses_of($1::uuid)`, viewerID.String()).Scan(&enrolled, &coached)
	return enrolled, coached, err
}

// DaysOf returns the days on which a learner worked from a date on, newest first, as YYYY-MM-DD in the tenant's zone.
// At most 366.
func DaysOf(ctx context.Context, q tenants.Querier, learnerID uuid.UUID, from time.Time) ([]string, error) {
	rows, err := q.Query(ctx, `SELECT day::text FROM attendance WHERE learner_id = $1::uuid AND day >= $2::text::date ORDER BY day DESC LIMIT 366`,
		learnerID.String(), from.Format(time.DateOnly))
	if err != nil {
		return nil, err
	}
	days, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if days == nil {
		days = []string{}
	}
	return days, err
}
