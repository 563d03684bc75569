package classes

import (
	"context"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"lignum/domain"
	"lignum/tenants"
)

// The statements of a class's page: $1 is the viewer, $2 the class. They are exported so that a measurement can run
// the very same work without the platform around it.
const (
	PageClassSQL   = `SELECT ` + cardColumns + `, same_school FROM class_cards($1::uuid, ARRAY[$2::uuid])`
	PageLessonsSQL = `SELECT id, slug, title, section, minutes, percent, completed_at FROM class_lessons($1::uuid, $2::uuid)`
	PageTestsSQL   = `SELECT id, slug, title, kind, minutes, items, attempts, opens_at, closes_at, made, best FROM class_tests($1::uuid, $2::uuid)`
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

// TestState is a test of the class with what the viewer made of it.
type TestState struct {
	ID       uuid.UUID  `json:"id"`
	Slug     string     `json:"slug"`
	Title    string     `json:"title"`
	Kind     string     `json:"kind"`
	Minutes  int        `json:"minutes"`
	Items    int        `json:"items"`
	Attempts int        `json:"attempts"` // allowed; 0: no limit
	OpensAt  *time.Time `json:"opens_at,omitempty"`
	ClosesAt *time.Time `json:"closes_at,omitempty"`
	Made     int        `json:"made"`           // attempts by the viewer
	Best     *int       `json:"best,omitempty"` // percent of the best marked one
}

// Facts are what the policy asks about a viewer and a class.
type Facts struct {
	Enrolled   bool // has a place, whatever became of the class
	CoachOf    bool // the class is the viewer's, whatever became of it
	SameSchool bool // the class and the viewer are of one school
	ClassOpen  bool // learners may register today, if there is a seat
}

// ClassPage is everything on the page of a class.
type ClassPage struct {
	Class
	Done    int           `json:"done"` // lessons completed
	Lessons []LessonState `json:"lessons"`
	Tests   []TestState   `json:"tests"`
	Next    *Meeting      `json:"next,omitempty"`
	Facts   Facts         `json:"-"`
}

// Page gives the page of a class for a viewer in one round trip, with the facts that the policy asks for. The address
// of the meetings is there only for those enrolled and the coach. zone is the tenant's. It gives domain.NotFound.
func Page(ctx context.Context, q tenants.Querier, classID, viewerID uuid.UUID, now time.Time, zone *time.Location) (*ClassPage, error) {
	args := []any{viewerID.String(), classID.String()}
	b := &pgx.Batch{}
	b.Queue(PageClassSQL, args...)
	b.Queue(PageLessonsSQL, args...)
	b.Queue(PageTestsSQL, args...)
	res := q.SendBatch(ctx, b)
	defer res.Close()

	p := &ClassPage{Lessons: make([]LessonState, 0, 12), Tests: make([]TestState, 0, 4)}
	if err := res.QueryRow().Scan(append(p.Class.targets(), &p.Facts.SameSchool)...); err != nil {
		return nil, missing(err)
	}
	rows, err := res.Query()
	if err != nil {
		return nil, err
	}
	var l LessonState
	_, err = pgx.ForEachRow(rows, []any{&l.ID, &l.Slug, &l.Title, &l.Section, &l.Minutes, &l.Percent, &l.CompletedAt}, func() error {
		p.Lessons = append(p.Lessons, l)
		if l.CompletedAt != nil {
			p.Done++
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	if rows, err = res.Query(); err != nil {
		return nil, err
	}
	var t TestState
	_, err = pgx.ForEachRow(rows, []any{&t.ID, &t.Slug, &t.Title, &t.Kind, &t.Minutes, &t.Items, &t.Attempts, &t.OpensAt, &t.ClosesAt, &t.Made, &t.Best}, func() error {
		p.Tests = append(p.Tests, t)
		return nil
	})
	if err != nil {
		return nil, err
	}
	p.Version = domain.Version(p.Fields)
	p.Facts = p.Class.facts(viewerID, p.Facts.SameSchool, now.In(zone).Format(time.DateOnly))
	if !p.Facts.Enrolled && !p.Facts.CoachOf || p.State == Cancelled {
		p.MeetingURL = ""
	}
	if p.State == Active {
		p.Next = NextMeeting(p.Weekly, p.StartsOn, p.EndsOn, now, zone)
	}
	return p, nil
}

func (c *Class) facts(viewer uuid.UUID, sameSchool bool, today string) Facts {
	return Facts{Enrolled: c.Enrolled, CoachOf: c.CoachID != nil && *c.CoachID == viewer, SameSchool: sameSchool,
		ClassOpen: c.Open && c.State == Active && c.EndsOn >= today}
}

// FactsOf gives the facts about a viewer and a class, or domain.NotFound. today is the tenant's date.
func FactsOf(ctx context.Context, q tenants.Querier, classID, viewerID uuid.UUID, today time.Time) (Facts, error) {
	var c Class
	var same bool
	if err := q.QueryRow(ctx, PageClassSQL, viewerID.String(), classID.String()).Scan(append(c.targets(), &same)...); err != nil {
		return Facts{}, missing(err)
	}
	return c.facts(viewerID, same, today.Format(time.DateOnly)), nil
}

// CourseFacts are what the policy asks about a viewer and a course.
type CourseFacts struct {
	Enrolled bool // in a class of the course that was not cancelled
	CoachOf  bool // the viewer coaches an active class of it
}

// CourseFacts gives what the viewer's tie to the class says about its course; by other classes they may be enrolled in it, or coach it, all the same.
func (p *ClassPage) CourseFacts() CourseFacts {
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
