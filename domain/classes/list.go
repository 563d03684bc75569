package classes

import (
	"context"
	"encoding/json"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"lignum/domain"
	"lignum/domain/calendar"
	"lignum/tenants"
)

// Class is a class with the names that belong to its references.
type Class struct {
	ID uuid.UUID `json:"id"`
	Fields
	State       State  `json:"state"`
	Taken       int    `json:"taken"` // seats
	Withheld    bool   `json:"taken_withheld,omitempty" doc:"True when so few seats are taken that you may not know how many; taken is then 0"`
	Course      string `json:"course,omitempty"`
	CourseTitle string `json:"course_title,omitempty"`
	Subject     string `json:"subject,omitempty"` // the course's
	School      string `json:"school,omitempty"`
	Coach       string `json:"coach,omitempty"` // full name
	Enrolled    bool   `json:"enrolled"`        // whether the viewer is
}

// targets are the fields in the order of the statements below, dates and JSON as text.
func (f *Fields) targets() []any {
	return []any{&f.Title, &f.Kind, &f.CourseID, &f.SchoolID, &f.TermID, &f.CoachID, &f.Grade, &f.StartsOn, &f.EndsOn, &f.Meets, (*slots)(&f.Weekly), &f.MeetingURL, &f.Seats, &f.Open}
}

// slots reads calendar.Weekly from JSON text.
type slots calendar.Weekly

func (s *slots) Scan(src any) error {
	text, _ := src.(string)
	*s = slots{}
	return json.Unmarshal([]byte(text), (*calendar.Weekly)(s))
}

// Withhold leaves out how many seats are taken when they are fewer than least.
func (c *Class) Withhold(least int) {
	if c.Taken < least {
		c.Taken, c.Withheld = 0, true
	}
}

// cardColumns are what class_cards gives of a class, in the order of targets.
const cardColumns = `id, state, taken, course, course_title, subject, school, coach, enrolled, title, kind, course_id, school_id, term_id, coach_id, grade, starts_on, ends_on,
	meets, weekly, meeting_url, seats, open`

// classSelect and classFrom are the same as text, for lists that are narrowed in many ways: $1 is the viewer.
const classSelect = `SELECT c.id, c.state, c.taken, coalesce(o.slug, ''), coalesce(o.title, ''), coalesce(o.subject, ''), coalesce(s.name, ''),
	coalesce(u.given_name || ' ' || u.family_name, ''), e.learner_id IS NOT NULL,
	c.title, c.kind, c.course_id, c.school_id, c.term_id, c.coach_id, c.grade, c.starts_on::text, c.ends_on::text, c.meets, c.weekly::text, c.meeting_url, c.seats, c.open`

const classFrom = ` FROM classes c LEFT JOIN courses o ON o.id = c.course_id LEFT JOIN schools s ON s.id = c.school_id LEFT JOIN users u ON u.id = c.coach_id
	LEFT JOIN enrolments e ON e.class_id = c.id AND e.learner_id = $1::uuid AND e.state = 'active'`

func (c *Class) targets() []any {
	return append([]any{&c.ID, &c.State, &c.Taken, &c.Course, &c.CourseTitle, &c.Subject, &c.School, &c.Coach, &c.Enrolled}, c.Fields.targets()...)
}

// Filter narrows a list of classes. Zero fields narrow nothing.
type Filter struct {
	Viewer  uuid.UUID // whose enrolments are told
	Mine    bool      // only those where Viewer is enrolled
	CoachID uuid.UUID // only those of this coach
	Query   string    // beginnings of words of the title, in any order; case does not matter; at most 100 characters
	Subject string    // of the course
	School  uuid.UUID // only those of this school
	Either  bool      // with CoachID and School: one of the two is enough
	Open    bool      // only those in which a learner can register today
	Full    bool      // with Open: full ones as well, so that who is listed tells nothing of how many are in
	Today   time.Time // the tenant's date; needed with Open
	All     bool      // ended and cancelled ones as well
}

// Classes lists classes by title. Meeting addresses are left out: they are for those of the class, on its page.
func Classes(ctx context.Context, q tenants.Querier, f Filter, page domain.Page) (domain.List[Class], error) {
	var none domain.List[Class]
	limit, after, err := page.Start(1, 1)
	if err != nil {
		return none, err
	}
	if utf8.RuneCountInString(f.Query) > 100 || !utf8.ValidString(f.Query) || strings.ContainsRune(f.Query, 0) {
		return none, domain.InvalidField("query", "domain.must_be_at_most_100")
	}
	// Only the conditions that are asked for are in the text, so that each list has its index.
	where, args := []string{"(c.title, c.id) > ($3::text, $4::text::uuid)"}, []any{f.Viewer.String(), limit + 1, after[0], after[1]}
	add := func(condition string, values ...any) {
		for _, v := range values {
			args = append(args, v)
			condition = strings.Replace(condition, "?", "$"+strconv.Itoa(len(args)), 1)
		}
		where = append(where, condition)
	}
	if !f.All {
		add("c.state = 'active'")
	}
	if f.Mine {
		add("e.learner_id IS NOT NULL")
	}
	if f.Either && f.CoachID != uuid.Nil && f.School != uuid.Nil {
		add("(c.coach_id = ?::text::uuid OR c.school_id = ?::text::uuid)", f.CoachID.String(), f.School.String())
		f.CoachID, f.School = uuid.Nil, uuid.Nil
	}
	if f.CoachID != uuid.Nil {
		add("c.coach_id = ?::text::uuid", f.CoachID.String())
	}
	if text := strings.TrimSpace(f.Query); text != "" {
		add("c.words @@ "+domain.Beginnings, text)
	}
	if f.Subject != "" {
		add("o.subject = ?::text", f.Subject)
	}
	if f.School != uuid.Nil {
		add("c.school_id = ?::text::uuid", f.School.String())
	}
	if f.Open {
		add("c.open AND c.state = 'active' AND (?::boolean OR c.taken < c.seats) AND c.ends_on >= ?::text::date", f.Full, f.Today.Format(time.DateOnly))
	}
	rows, err := q.Query(ctx, classSelect+classFrom+` WHERE `+strings.Join(where, " AND ")+` ORDER BY c.title, c.id LIMIT $2::integer`, args...)
	if err != nil {
		return none, err
	}
	list, err := pgx.CollectRows(rows, listed)
	return domain.Cut(list, limit, func(c Class) []string { return []string{c.Title, c.ID.String()} }), err
}

// QueueOwn adds the active classes in which somebody has a place to a batch, by title, at most most of them: the list is there when the
// batch is closed. It is Classes with Mine, for the page on which everybody's day begins.
func QueueOwn(b *pgx.Batch, learnerID uuid.UUID, most int, list *[]Class) {
	b.Queue(`SELECT `+cardColumns+` FROM class_cards($1::uuid, ARRAY(SELECT e.class_id FROM enrolments e WHERE e.learner_id = $1::uuid AND e.state = 'active'))
		WHERE state = 'active' ORDER BY title, id LIMIT $2::integer`, learnerID.String(), most).Query(func(rows pgx.Rows) (err error) {
		*list, err = pgx.CollectRows(rows, listed)
		return err
	})
}

// listed reads a class for a list.
func listed(row pgx.CollectableRow) (c Class, err error) {
	err = row.Scan(c.targets()...)
	c.MeetingURL = ""
	return c, err
}

// Learner is somebody in a class, as its coach sees them.
type Learner struct {
	ID         uuid.UUID `json:"id"`
	GivenName  string    `json:"given_name"`
	FamilyName string    `json:"family_name"`
	UserName   string    `json:"user_name"`
	Grade      string    `json:"grade"`
	EnrolledAt time.Time `json:"enrolled_at"`
}

// Learners lists who is in a class now, by family name.
func Learners(ctx context.Context, q tenants.Querier, classID uuid.UUID, page domain.Page) (domain.List[Learner], error) {
	return learners(ctx, q, classID, uuid.Nil, page)
}

// LearnersOfSchool lists those of a class who belong to the school of an account: a class may have learners of several.
func LearnersOfSchool(ctx context.Context, q tenants.Querier, classID, account uuid.UUID, page domain.Page) (domain.List[Learner], error) {
	return learners(ctx, q, classID, account, page)
}

func learners(ctx context.Context, q tenants.Querier, classID, schoolOf uuid.UUID, page domain.Page) (domain.List[Learner], error) {
	var none domain.List[Learner]
	limit, after, err := page.Start(2, 1)
	if err != nil {
		return none, err
	}
	rows, err := q.Query(ctx, `SELECT u.id, u.given_name, u.family_name, u.user_name, u.grade, p.enrolled_at
		FROM places p JOIN users u ON u.id = p.learner_id
		WHERE p.class_id = $1::uuid AND (u.family_name, u.given_name, u.id) > ($2::text, $3::text, $4::text::uuid)
		AND ($6::text IS NULL OR u.school_id = (SELECT school_id FROM users WHERE id = $6::text::uuid))
		ORDER BY u.family_name, u.given_name, u.id LIMIT $5::integer`, classID.String(), after[0], after[1], after[2], limit+1, idText(&schoolOf))
	if err != nil {
		return none, err
	}
	list, err := pgx.CollectRows(rows, pgx.RowToStructByPos[Learner])
	return domain.Cut(list, limit, func(l Learner) []string { return []string{l.FamilyName, l.GivenName, l.ID.String()} }), err
}
