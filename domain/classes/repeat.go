package classes

import (
	"context"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"lignum/tenants"
)

// Repeat is what a learner may read again in a course.
type Repeat struct {
	Course  string // slug; "": the course is taught no more
	Lessons []LessonState
}

// LessonsOf gives the lessons of some sections of a course, by the sections' codes and in the course's order, with how far the
// learner is in each: at most 50, in one statement.
func LessonsOf(ctx context.Context, q tenants.Querier, course uuid.UUID, sections []string, learner uuid.UUID) (*Repeat, error) {
	rows, err := q.Query(ctx, `SELECT o.slug, l.id, l.slug, l.title, s.title, l.minutes, coalesce(p.percent, 0), p.completed_at
		FROM courses o JOIN course_sections s ON s.course_id = o.id AND s.code = ANY ($2::text[]) JOIN lessons l ON l.section_id = s.id AND l.active
		LEFT JOIN lesson_progress p ON p.learner_id = $3::uuid AND p.course_id = l.course_id AND p.lesson_id = l.id
		WHERE o.id = $1::uuid AND o.published ORDER BY l.position LIMIT 50`, course.String(), sections, learner.String())
	if err != nil {
		return nil, err
	}
	r := &Repeat{}
	var l LessonState
	_, err = pgx.ForEachRow(rows, []any{&r.Course, &l.ID, &l.Slug, &l.Title, &l.Section, &l.Minutes, &l.Percent, &l.CompletedAt}, func() error {
		r.Lessons = append(r.Lessons, l)
		return nil
	})
	return r, err
}
