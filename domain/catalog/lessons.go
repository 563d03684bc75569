package catalog

import (
	"context"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"lignum/tenants"
)

// Neighbour is the lesson before or after.
type Neighbour struct {
	Slug  string `json:"slug"`
	Title string `json:"title"`
}

// Lesson is one page of study.
type Lesson struct {
	LessonHead
	CourseID     uuid.UUID  `json:"course_id"`
	Course       string     `json:"course"` // slug
	CourseTitle  string     `json:"course_title"`
	SectionTitle string     `json:"section_title"`
	HTML         string     `json:"html"` // safe, without the title
	Hash         string     `json:"hash"` // of the content: changes when it does
	Previous     *Neighbour `json:"previous,omitempty"`
	Next         *Neighbour `json:"next,omitempty"`
}

// LessonBySlug gives a lesson of a published course with its neighbours in one round trip, or domain.NotFound.
func LessonBySlug(ctx context.Context, q tenants.Querier, courseSlug, lessonSlug string) (*Lesson, error) {
	const beside = `SELECT n.slug, n.title FROM lessons l JOIN courses c ON c.id = l.course_id JOIN lessons n ON n.course_id = l.course_id AND n.active
		WHERE c.slug = $1::text AND c.published AND l.slug = $2::text AND l.active `
	b := &pgx.Batch{}
	b.Queue(`SELECT l.id, l.slug, l.title, s.code, l.minutes, c.id, c.slug, c.title, s.title, l.html, l.content_hash
		FROM courses c JOIN lessons l ON l.course_id = c.id JOIN course_sections s ON s.id = l.section_id
		WHERE c.slug = $1::text AND c.published AND l.slug = $2::text AND l.active`, courseSlug, lessonSlug)
	b.Queue(beside+`AND n.position < l.position ORDER BY n.position DESC LIMIT 1`, courseSlug, lessonSlug)
	b.Queue(beside+`AND n.position > l.position ORDER BY n.position LIMIT 1`, courseSlug, lessonSlug)
	res := q.SendBatch(ctx, b)
	defer res.Close()
	l := &Lesson{}
	if err := res.QueryRow().Scan(&l.ID, &l.Slug, &l.Title, &l.Section, &l.Minutes, &l.CourseID, &l.Course, &l.CourseTitle, &l.SectionTitle, &l.HTML, &l.Hash); err != nil {
		return nil, notFound(err, "There is no lesson %q in the course %q.", lessonSlug, courseSlug)
	}
	for _, side := range []**Neighbour{&l.Previous, &l.Next} {
		found, err := collect(res, pgx.RowToAddrOfStructByPos[Neighbour])
		if err != nil {
			return nil, err
		}
		if len(found) == 1 {
			*side = found[0]
		}
	}
	return l, nil
}
