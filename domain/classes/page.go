package classes

import (
	"context"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"lignum/domain"
	"lignum/domain/calendar"
	"lignum/tenants"
)

// The statements of a class's page: $1 is the viewer, $2 the class.
const (
	pageClassSQL   = `SELECT ` + cardColumns + `, same_school FROM class_cards($1::uuid, ARRAY[$2::uuid])`
	pageLessonsSQL = `SELECT id, slug, title, section, minutes, percent, completed_at FROM class_lessons($1::uuid, $2::uuid)`
)

// LessonState is a lesson of the class with how far the viewer is.
type LessonState struct {
	ID          uuid.UUID  `json:"id"`
	Slug        string     `json:"slug"`
	Title       string     `json:"title"`
	Section     string     `json:"section"` // title
	Minutes     int        `json:"minutes"`
	Percent     int        `json:"percent"` // 0 to 100
	CompletedAt *time.Time `json:"completed_at,omitempty"`
}

// Facts are what the policy asks about a viewer and a class.
type Facts struct {
	Enrolled   bool // has a place, whatever became of the class
	CoachOf    bool // the class is the viewer's, whatever became of it
	SameSchool bool // the class and the viewer are of one school
	ClassOpen  bool // learners may register today, if there is a seat
}

// Page is what there is to say of a class, but for its tests.
type Page struct {
	Class
	Done    int               `json:"done"` // lessons completed
	Lessons []LessonState     `json:"lessons"`
	Next    *calendar.Meeting `json:"next,omitempty"`
	Facts   Facts             `json:"-"`
}

// QueuePage adds the page of a class for a viewer, with the facts that the policy asks for, to a batch: p is filled when the batch is
// closed. The address of the meetings is there only for those enrolled and the coach. zone is the tenant's. It returns domain.NotFound.
func QueuePage(b *pgx.Batch, classID, viewerID uuid.UUID, now time.Time, zone *time.Location, p *Page) {
	b.Queue(pageClassSQL, viewerID.String(), classID.String()).QueryRow(func(row pgx.Row) error {
		if err := row.Scan(append(p.Class.targets(), &p.Facts.SameSchool)...); err != nil {
			return missing(err)
		}
		p.Version = domain.Version(p.Fields)
		p.Facts = p.Class.facts(viewerID, p.Facts.SameSchool, now.In(zone).Format(time.DateOnly))
		if !p.Facts.Enrolled && !p.Facts.CoachOf || p.State == Cancelled {
			p.MeetingURL = ""
		}
		if p.State == Active {
			p.Next = p.Weekly.Next(p.StartsOn, p.EndsOn, now, zone)
		}
		return nil
	})
	b.Queue(pageLessonsSQL, viewerID.String(), classID.String()).Query(func(rows pgx.Rows) error {
		p.Lessons = make([]LessonState, 0, 12)
		var l LessonState
		_, err := pgx.ForEachRow(rows, []any{&l.ID, &l.Slug, &l.Title, &l.Section, &l.Minutes, &l.Percent, &l.CompletedAt}, func() error {
			p.Lessons = append(p.Lessons, l)
			if l.CompletedAt != nil {
				p.Done++
			}
			return nil
		})
		return err
	})
}

func (c *Class) facts(viewer uuid.UUID, sameSchool bool, today string) Facts {
	return Facts{Enrolled: c.Enrolled, CoachOf: c.CoachID != nil && *c.CoachID == viewer, SameSchool: sameSchool,
		ClassOpen: c.Open && c.State == Active && c.EndsOn >= today}
}

// FactsOf returns the facts about a viewer and a class, or domain.NotFound. today is the tenant's date.
func FactsOf(ctx context.Context, q tenants.Querier, classID, viewerID uuid.UUID, today time.Time) (Facts, error) {
	var c Class
	var same bool
	if err := q.QueryRow(ctx, pageClassSQL, viewerID.String(), classID.String()).Scan(append(c.targets(), &same)...); err != nil {
		return Facts{}, missing(err)
	}
	return c.facts(viewerID, same, today.Format(time.DateOnly)), nil
}

// CourseFacts are what the policy asks about a viewer and a course.
type CourseFacts struct {
	Enrolled bool // in a class of the course that was not cancelled
	CoachOf  bool // the viewer coaches an active class of it
}

// CourseFacts returns what the viewer's tie to the class says about its course; by other classes they may be enrolled in it, or coach it, all the same.
func (p *Page) CourseFacts() CourseFacts {
	return CourseFacts{Enrolled: p.Facts.Enrolled && p.State != Cancelled, CoachOf: p.Facts.CoachOf && p.State == Active}
}

// QueueCourseFacts adds the facts about a viewer and a course, by its slug, to a batch: f is filled when the batch is closed.
func QueueCourseFacts(b *pgx.Batch, courseSlug string, viewerID uuid.UUID, f *CourseFacts) {
	b.Queue(`SELECT enrolled, coach_of FROM course_facts($1::text, $2::uuid)`, courseSlug, viewerID.String()).QueryRow(f.scan)
}

// QueueTestFacts adds the facts about a viewer and the course of a test to a batch: f is filled when the batch is closed.
func QueueTestFacts(b *pgx.Batch, testID, viewerID uuid.UUID, f *CourseFacts) {
	b.Queue(`SELECT enrolled, coach_of FROM course_facts((SELECT c.slug FROM tests t JOIN courses c ON c.id = t.course_id WHERE t.id = $1::uuid), $2::uuid)`,
		testID.String(), viewerID.String()).QueryRow(f.scan)
}

func (f *CourseFacts) scan(row pgx.Row) error { return row.Scan(&f.Enrolled, &f.CoachOf) }
