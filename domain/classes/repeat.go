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

// LessonsOf returns the lessons of some sections of a course, by the sections' codes and in the course's order, with how far the
// learner is in each: at most 50, in one statement.
func LessonsOf(ctx context.Context, q tenants.Querier, course uuid.UUID, sections []string, learner uuid.UUID) (*Repeat, error) {
	rows, err := q.Query(ctx, `SELECT course, id, slug, title, section, minutes, percent, completed_at FROM lessons_to_repeat($1::uuid, $2::text[], $3::uuid)`, course.String(), sections, learner.String())
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
