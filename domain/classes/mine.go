package classes

import (
	"context"
	"errors"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"lignum/domain"
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

// ProgressOf gives how far a learner is in each course of their classes, the one worked on last first, in one statement.
func ProgressOf(ctx context.Context, q tenants.Querier, learnerID uuid.UUID) ([]CourseProgress, error) {
	rows, err := q.Query(ctx, `WITH mine AS (
			SELECT DISTINCT ON (c.course_id) c.course_id, c.id, c.title FROM enrolments e JOIN classes c ON c.id = e.class_id
			WHERE e.learner_id = $1::uuid AND e.state = 'active' AND c.state <> 'cancelled' AND c.course_id IS NOT NULL
			ORDER BY c.course_id, e.enrolled_at DESC
		)
		SELECT o.slug, o.title, o.subject, m.id, m.title, o.lessons, p.done, p.seconds, p.last_at, coalesce(n.slug, ''), coalesce(n.title, '')
		FROM mine m JOIN courses o ON o.id = m.course_id
		CROSS JOIN LATERAL (SELECT count(*) FILTER (WHERE p.completed_at IS NOT NULL AND l.active)::integer AS done,
			coalesce(sum(p.seconds), 0)::integer AS seconds, max(p.updated_at) AS last_at
			FROM lesson_progress p JOIN lessons l ON l.id = p.lesson_id WHERE p.learner_id = $1::uuid AND p.course_id = m.course_id) p
		LEFT JOIN LATERAL (SELECT l.slug, l.title FROM lessons l
			WHERE l.course_id = m.course_id AND l.active AND NOT EXISTS (SELECT FROM lesson_progress d
				WHERE d.learner_id = $1::uuid AND d.course_id = l.course_id AND d.lesson_id = l.id AND d.completed_at IS NOT NULL)
			ORDER BY l.position LIMIT 1) n ON true
		ORDER BY p.last_at DESC NULLS LAST, o.title, o.id`, learnerID.String())
	if err != nil {
		return nil, err
	}
	list, err := pgx.CollectRows(rows, pgx.RowToStructByPos[CourseProgress])
	if list == nil {
		list = []CourseProgress{}
	}
	return list, err
}

var progressInSQL = `SELECT p.percent, p.seconds, p.counter, p.completed_at, coalesce(p.opened_at, p.started_at), mine.earned,
	CASE WHEN mine.earned THEN 0 ELSE ` + withArgs(leftSQL, "$3", "$4") + ` END
	FROM lessons l JOIN lesson_progress p ON p.learner_id = $1::uuid AND p.course_id = l.course_id AND p.lesson_id = l.id
	CROSS JOIN LATERAL (SELECT EXISTS (SELECT FROM point_entries e WHERE e.learner_id = p.learner_id AND e.rule = $4::text AND e.ref = l.id::text) AS earned) mine
	WHERE l.id = $2::uuid`

// ProgressIn gives what is stored of a learner and a lesson; all zero when nothing is.
func ProgressIn(ctx context.Context, q tenants.Querier, learnerID, lessonID uuid.UUID, now time.Time) (Progress, error) {
	p := Progress{LessonID: lessonID}
	err := q.QueryRow(ctx, progressInSQL, learnerID.String(), lessonID.String(), now.UTC(), points.LessonCompleted).
		Scan(&p.Percent, &p.Seconds, &p.Counter, &p.CompletedAt, &p.openedAt, &p.Earned, &p.PointsIn)
	if errors.Is(err, pgx.ErrNoRows) {
		return p, nil
	}
	return p, err
}

// CoursesOf gives the slugs of the courses in which somebody has a place, and of those of the classes that they coach.
// Cancelled classes do not count.
func CoursesOf(ctx context.Context, q tenants.Querier, viewerID uuid.UUID) (enrolled, coached []string, err error) {
	err = q.QueryRow(ctx, `SELECT
		ARRAY(SELECT DISTINCT o.slug FROM enrolments e JOIN classes c ON c.id = e.class_id JOIN courses o ON o.id = c.course_id
			WHERE e.learner_id = $1::uuid AND e.state = 'active' AND c.state <> 'cancelled'),
		ARRAY(SELECT DISTINCT o.slug FROM classes c JOIN courses o ON o.id = c.course_id WHERE c.coach_id = $1::uuid AND c.state <> 'cancelled')`,
		viewerID.String()).Scan(&enrolled, &coached)
	return enrolled, coached, err
}

// DaysOf gives the days on which a learner worked from a date on, newest first, as YYYY-MM-DD in the tenant's zone.
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

// FieldsOf gives what was decided about a class, or domain.NotFound.
func FieldsOf(ctx context.Context, q tenants.Querier, id uuid.UUID) (Fields, error) {
	var f Fields
	if err := q.QueryRow(ctx, `SELECT `+fieldsText+` FROM classes WHERE id = $1::uuid`, id.String()).Scan(f.targets()...); err != nil {
		return f, missing(err)
	}
	f.Version = domain.Version(f)
	return f, nil
}
