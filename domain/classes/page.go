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
	PageClassSQL = classSelect + `, coalesce(c.school_id = (SELECT v.school_id FROM users v WHERE v.id = $1::uuid), false)` + classFrom +
		` WHERE c.id = $2::uuid`

	PageLessonsSQL = `SELECT l.id, l.slug, l.title, s.title, l.minutes, coalesce(p.percent, 0), p.completed_at
	FROM lessons l JOIN course_sections s ON s.id = l.section_id
	LEFT JOIN lesson_progress p ON p.learner_id = $1::uuid AND p.course_id = l.course_id AND p.lesson_id = l.id
	WHERE l.course_id = (SELECT course_id FROM classes WHERE id = $2::uuid) AND l.active ORDER BY l.position`

	PageTestsSQL = `SELECT t.id, t.slug, t.title, t.kind, t.minutes, t.items, t.attempts, t.opens_at, t.closes_at, a.made, a.best
	FROM tests t CROSS JOIN LATERAL (
		SELECT count(*)::integer AS made, max(a.score * 100 / nullif(a.max_score, 0)) FILTER (WHERE a.state = 'marked') AS best
		FROM attempts a WHERE a.test_id = t.id AND a.learner_id = $1::uuid) a
	WHERE t.course_id = (SELECT course_id FROM classes WHERE id = $2::uuid) AND t.active ORDER BY t.position`
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
	Enrolled   bool
	CoachOf    bool // the viewer coaches or teaches the class
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

	p := &ClassPage{Lessons: make([]LessonState, 0, 32), Tests: []TestState{}}
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
	if p.Tests, err = pgx.AppendRows(p.Tests, rows, pgx.RowToStructByPos[TestState]); err != nil {
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

// CourseFacts tells whether somebody is enrolled in a class of a course, by its slug, and whether they coach one.
// Cancelled classes do not count.
func CourseFacts(ctx context.Context, q tenants.Querier, courseSlug string, viewerID uuid.UUID) (enrolled, coachOf bool, err error) {
	err = q.QueryRow(ctx, `SELECT
		EXISTS (SELECT FROM enrolments e JOIN classes c ON c.id = e.class_id JOIN courses o ON o.id = c.course_id
			WHERE e.learner_id = $2::uuid AND e.state = 'active' AND c.state <> 'cancelled' AND o.slug = $1::text),
		EXISTS (SELECT FROM classes c JOIN courses o ON o.id = c.course_id WHERE c.coach_id = $2::uuid AND c.state <> 'cancelled' AND o.slug = $1::text)`,
		courseSlug, viewerID.String()).Scan(&enrolled, &coachOf)
	return enrolled, coachOf, err
}
