package classes_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"lignum/domain/classes"
	"lignum/tenants"
	"lignum/tenants/audit"
	"lignum/tests/testkit"
)

func TestMain(m *testing.M) { testkit.Main(m) }

var (
	ctx   = context.Background()
	now   = time.Date(2026, 11, 23, 15, 0, 0, 0, time.UTC)
	today = time.Date(2026, 11, 23, 0, 0, 0, 0, time.UTC)
)

// school is a small world: a school, its coach, learners, and a course of five lessons and a test.
type school struct {
	*testkit.World
	t        *testing.T
	db       *tenants.DB
	id       uuid.UUID
	coach    uuid.UUID
	learners []uuid.UUID
	course   uuid.UUID
	lessons  []uuid.UUID
	test     uuid.UUID
}

func newSchool(t *testing.T, learners int) *school {
	t.Helper()
	w := testkit.New(t)
	s := &school{World: w, t: t, db: w.DB("jamaica"), id: audit.NewID(), coach: audit.NewID(), course: audit.NewID(), test: audit.NewID()}
	s.do(`INSERT INTO schools (id, name) VALUES ($1::uuid, 'Harbour High')`, s.id.String())
	s.user(s.coach, "Grace", "Coach", "coach")
	for i := range learners {
		id := audit.NewID()
		s.learners = append(s.learners, id)
		s.user(id, fmt.Sprintf("Given%d", i), fmt.Sprintf("Family%03d", i), "student")
	}
	s.do(`INSERT INTO courses (id, slug, version, content_hash, title, subject, level, scheme, language, summary, licence, author)
		VALUES ($1::uuid, 'maths', '1.0.0', 'x', 'Maths', 'Mathematics', '', '', 'en', '', '', '')`, s.course.String())
	section := audit.NewID()
	s.do(`INSERT INTO course_sections (id, course_id, code, title, position) VALUES ($1::uuid, $2::uuid, 'sets', 'Sets', 0)`, section.String(), s.course.String())
	for i := range 5 {
		id := audit.NewID()
		s.lessons = append(s.lessons, id)
		s.do(`INSERT INTO lessons (id, course_id, section_id, slug, title, position, minutes, markdown, html, content_hash)
			VALUES ($1::uuid, $2::uuid, $3::uuid, 'lesson-' || $4::text, 'Lesson ' || $4::text, $4::text::integer, 20, '', '', '')`,
			id.String(), s.course.String(), section.String(), fmt.Sprint(i))
	}
	s.do(`INSERT INTO tests (id, course_id, slug, title, kind, minutes, feedback, blueprint, items)
		VALUES ($1::uuid, $2::uuid, 'paper-1', 'Paper 1', 'practice', 90, 'on_submit', '[]', 10)`, s.test.String(), s.course.String())
	return s
}

func (s *school) write(fn func(tx *tenants.Tx) error) error { return s.db.Write(ctx, s.Actor, fn) }

func (s *school) read(fn func(q tenants.Querier) error) {
	s.t.Helper()
	if err := s.db.ReadFresh(ctx, func(r *tenants.Reader) error { return fn(r) }); err != nil {
		s.t.Fatal(err)
	}
}

func (s *school) do(sql string, args ...any) {
	s.t.Helper()
	if err := s.write(func(tx *tenants.Tx) error {
		tx.Record(audit.Entry{Action: "setup"})
		_, err := tx.Exec(ctx, sql, args...)
		return err
	}); err != nil {
		s.t.Fatal(err)
	}
}

func (s *school) user(id uuid.UUID, given, family, role string) {
	s.t.Helper()
	s.do(`WITH u AS (INSERT INTO users (id, user_name, user_name_key, given_name, family_name, school_id)
			VALUES ($1::uuid, $1::text, $1::text, $2::text, $3::text, $5::text::uuid) RETURNING id)
		INSERT INTO user_roles (user_id, role) SELECT id, $4::text FROM u`, id.String(), given, family, role, s.id.String())
}

func (s *school) fields(seats int) classes.Fields {
	return classes.Fields{Title: "Maths 10A", Kind: classes.Live, CourseID: &s.course, SchoolID: &s.id, CoachID: &s.coach, StartsOn: "2026-09-07", EndsOn: "2026-12-18",
		Weekly: []classes.Slot{{Weekday: 1, At: "16:00", Minutes: 60}}, MeetingURL: "https://meet.example/10a", Seats: seats, Open: true}
}

func (s *school) class(f classes.Fields) (id uuid.UUID) {
	s.t.Helper()
	if err := s.write(func(tx *tenants.Tx) (err error) { id, err = classes.Create(ctx, tx, f); return err }); err != nil {
		s.t.Fatal(err)
	}
	return id
}

func (s *school) register(class, learner uuid.UUID) (e classes.Enrolment, err error) {
	err = s.write(func(tx *tenants.Tx) (err error) {
		e, err = classes.Register(ctx, tx, classes.RegisterInput{ClassID: class, LearnerID: learner, Now: now, Today: today})
		return err
	})
	return e, err
}

// number asks the database behind the scenes.
func (s *school) number(sql string, args ...any) (n int) {
	s.t.Helper()
	s.read(func(q tenants.Querier) error { return q.QueryRow(ctx, sql, args...).Scan(&n) })
	return n
}

// state is all that a learner's reports left behind, but for the times.
func (s *school) state(learner uuid.UUID) (lines []string) {
	s.t.Helper()
	s.read(func(q tenants.Querier) error {
		rows, err := q.Query(ctx, `SELECT lesson_id::text || ' ' || percent || ' ' || seconds || ' ' || counter || ' ' || (completed_at IS NOT NULL)
			FROM lesson_progress WHERE learner_id = $1::uuid UNION ALL
			SELECT 'points ' || period || ' ' || points FROM point_totals WHERE learner_id = $1::uuid UNION ALL
			SELECT 'day ' || day FROM attendance WHERE learner_id = $1::uuid ORDER BY 1`, learner.String())
		if err != nil {
			return err
		}
		lines, err = pgx.CollectRows(rows, pgx.RowTo[string])
		return err
	})
	return lines
}
