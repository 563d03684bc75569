package catalog

import (
	"context"
	"encoding/json"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"lignum/domain"
	"lignum/domain/catalog/pack"
	"lignum/tenants"
)

// Course is a course as lists show it.
type Course struct {
	ID       uuid.UUID `json:"id"`
	Slug     string    `json:"slug"`
	Version  string    `json:"version"`
	Title    string    `json:"title"`
	Subject  string    `json:"subject"`
	Level    string    `json:"level"`
	Scheme   string    `json:"scheme"`
	Language string    `json:"language"`
	Summary  string    `json:"summary"`
	Licence  string    `json:"licence"`
	Author   string    `json:"author"`
	Lessons  int       `json:"lessons"`
	Minutes  int       `json:"minutes"` // estimated work time of all lessons
	Tests    int       `json:"tests"`
	Items    int       `json:"items"`
}

// TableName is GORM's.
func (Course) TableName() string { return "courses" }

const courseColumns = `c.id, c.slug, c.version, c.title, c.subject, c.level, c.scheme, c.language, c.summary, c.licence, c.author, c.lessons, c.minutes, c.tests, c.items`

// CourseFilter narrows a list of courses. Empty fields narrow nothing.
type CourseFilter struct {
	Query   string // words of the title or summary, at most 100 characters
	Subject string
	Level   string
	Scheme  string
}

// Courses lists the published courses by title.
func Courses(ctx context.Context, q tenants.Querier, f CourseFilter, page domain.Page) (domain.List[Course], error) {
	limit, after, err := page.Start(1, 1)
	if err != nil {
		return domain.List[Course]{}, err
	}
	words, err := contains("query", f.Query)
	if err != nil {
		return domain.List[Course]{}, err
	}
	found := tenants.Entity[Course](q).Where("published").Scopes(tenants.Page("title, id", after, limit+1))
	if words != "" {
		found = found.Where("(title ILIKE ? OR summary ILIKE ?)", words, words)
	}
	if f.Subject != "" {
		found = found.Where("subject = ?", f.Subject)
	}
	if f.Level != "" {
		found = found.Where("level = ?", f.Level)
	}
	if f.Scheme != "" {
		found = found.Where("scheme = ?", f.Scheme)
	}
	list, err := found.Find(ctx)
	return domain.Cut(list, limit, func(c Course) []string { return []string{c.Title, c.ID.String()} }), err
}

// contains makes a pattern for ILIKE of what somebody typed: their text anywhere, nothing of it a wildcard.
func contains(field, typed string) (string, error) {
	typed = strings.TrimSpace(typed)
	if typed == "" {
		return "", nil
	}
	if utf8.RuneCountInString(typed) > 100 || !utf8.ValidString(typed) || strings.ContainsRune(typed, 0) {
		return "", domain.InvalidField(field, "domain.must_be_at_most_100")
	}
	return "%" + domain.Literal(typed) + "%", nil
}

// Section is one section of the syllabus.
type Section struct {
	ID    uuid.UUID `json:"id"`
	Code  string    `json:"code"`
	Title string    `json:"title"`
}

// LessonHead is a lesson without its text.
type LessonHead struct {
	ID      uuid.UUID `json:"id"`
	Slug    string    `json:"slug"`
	Title   string    `json:"title"`
	Section string    `json:"section"` // code
	Minutes int       `json:"minutes"`
}

// Test is a test as it is announced.
type Test struct {
	ID           uuid.UUID    `json:"id"`
	Slug         string       `json:"slug"`
	Title        string       `json:"title"`
	Kind         string       `json:"kind"` // practice or assessment
	Minutes      int          `json:"minutes"`
	Instructions string       `json:"instructions"` // HTML
	Attempts     int          `json:"attempts"`     // 0: no limit
	Feedback     string       `json:"feedback"`
	Items        int          `json:"items"`
	Grades       []pack.Grade `json:"grades"` // an estimate, best first
	OpensAt      *time.Time   `json:"opens_at,omitempty"`
	ClosesAt     *time.Time   `json:"closes_at,omitempty"`
}

// CourseDetail is a course with its outline.
type CourseDetail struct {
	Course
	Sections []Section    `json:"sections"`
	Outline  []LessonHead `json:"outline"` // all lessons in order
	Papers   []Test       `json:"papers"`  // the tests
}

// CourseIDs returns the ids of some courses, published or not, by their slugs; those that are not there are left out.
func CourseIDs(ctx context.Context, q tenants.Querier, slugs []string) (map[string]uuid.UUID, error) {
	list, err := tenants.Entity[Course](q).Select("slug", "id").Scopes(tenants.OneOf("slug", slugs)).Find(ctx)
	courses := make(map[string]uuid.UUID, len(list))
	for _, c := range list {
		courses[c.Slug] = c.ID
	}
	return courses, err
}

// CourseBySlug returns a published course with its sections, lessons and tests in one round trip, or domain.NotFound.
func CourseBySlug(ctx context.Context, q tenants.Querier, slug string) (*CourseDetail, error) {
	const of = ` = (SELECT id FROM courses WHERE slug = $1::text AND published)`
	b := &pgx.Batch{}
	b.Queue(`SELECT `+courseColumns+` FROM courses c WHERE c.slug = $1::text AND c.published`, slug)
	b.Queue(`SELECT id, code, title FROM course_sections WHERE active AND course_id`+of+` ORDER BY position`, slug)
	b.Queue(`SELECT l.id, l.slug, l.title, s.code, l.minutes FROM lessons l JOIN course_sections s ON s.id = l.section_id
		WHERE l.active AND l.course_id`+of+` ORDER BY l.position`, slug)
	b.Queue(`SELECT id, slug, title, kind, minutes, instructions, attempts, feedback, items, grades::text, opens_at, closes_at FROM tests
		WHERE active AND course_id`+of+` ORDER BY position`, slug)
	res := q.SendBatch(ctx, b)
	defer res.Close()
	d := &CourseDetail{}
	var err error
	if d.Course, err = collectOne[Course](res); err != nil {
		return nil, notFound(err, "catalog.there_is_no_course", "Course", slug)
	}
	if d.Sections, err = collect(res, pgx.RowToStructByPos[Section]); err != nil {
		return nil, err
	}
	if d.Outline, err = collect(res, pgx.RowToStructByPos[LessonHead]); err != nil {
		return nil, err
	}
	d.Papers, err = collect(res, func(row pgx.CollectableRow) (t Test, err error) {
		var grades string
		if err = row.Scan(&t.ID, &t.Slug, &t.Title, &t.Kind, &t.Minutes, &t.Instructions, &t.Attempts, &t.Feedback, &t.Items, &grades, &t.OpensAt, &t.ClosesAt); err == nil {
			err = json.Unmarshal([]byte(grades), &t.Grades)
		}
		return t, err
	})
	return d, err
}

func collectOne[T any](res pgx.BatchResults) (T, error) {
	rows, err := res.Query()
	if err != nil {
		var none T
		return none, err
	}
	return pgx.CollectExactlyOneRow(rows, pgx.RowToStructByPos[T])
}

func collect[T any](res pgx.BatchResults, to pgx.RowToFunc[T]) ([]T, error) {
	rows, err := res.Query()
	if err != nil {
		return nil, err
	}
	list, err := pgx.CollectRows(rows, to)
	if list == nil {
		list = []T{}
	}
	return list, err
}

func notFound(err error, key string, pairs ...any) error {
	if err == pgx.ErrNoRows {
		return domain.Refuse(domain.NotFound, key, pairs...)
	}
	return err
}

// Titles returns the titles of published courses, and of their lessons and tests, by id; of any other id there is none.
func Titles(ctx context.Context, q tenants.Querier, ids []uuid.UUID) (map[uuid.UUID]string, error) {
	return tenants.Names(ctx, q, `SELECT id, title FROM courses WHERE published AND id = ANY($1::text[]::uuid[])
		UNION ALL SELECT l.id, l.title FROM lessons l JOIN courses c ON c.id = l.course_id WHERE c.published AND l.id = ANY($1::text[]::uuid[])
		UNION ALL SELECT t.id, t.title FROM tests t JOIN courses c ON c.id = t.course_id WHERE c.published AND t.id = ANY($1::text[]::uuid[])`, ids)
}
