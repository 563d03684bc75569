package catalog

import (
	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
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
	Pictures     []Picture  `json:"pictures"`
	Previous     *Neighbour `json:"previous,omitempty"`
	Next         *Neighbour `json:"next,omitempty"`
}

// QueueLesson adds a lesson of a published course, with its neighbours, to a batch: l is filled when the batch is closed, which gives
// domain.NotFound where there is none.
func QueueLesson(b *pgx.Batch, courseSlug, lessonSlug string, l *Lesson) {
	b.Queue(`SELECT id, slug, title, section, minutes, course_id, course, course_title, section_title, html, content_hash, pictures::text FROM lesson_page($1::text, $2::text)`,
		courseSlug, lessonSlug).QueryRow(func(row pgx.Row) error {
		var pictures string
		err := row.Scan(&l.ID, &l.Slug, &l.Title, &l.Section, &l.Minutes, &l.CourseID, &l.Course, &l.CourseTitle, &l.SectionTitle, &l.HTML, &l.Hash, &pictures)
		if err == nil {
			return l.takePictures([]byte(pictures))
		}
		return notFound(err, "catalog.there_is_no_lesson_in", "Lesson", lessonSlug, "Course", courseSlug)
	})
	beside := func(side **Neighbour, after bool) {
		b.Queue(`SELECT slug, title FROM lesson_beside($1::text, $2::text, $3::boolean)`, courseSlug, lessonSlug, after).Query(func(rows pgx.Rows) error {
			found, err := pgx.CollectRows(rows, pgx.RowToAddrOfStructByPos[Neighbour])
			if len(found) == 1 {
				*side = found[0]
			}
			return err
		})
	}
	beside(&l.Previous, false)
	beside(&l.Next, true)
}
