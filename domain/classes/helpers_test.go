package classes_test

import (
	"context"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"lignum/domain/calendar"
	"lignum/domain/catalog/pack"
	"lignum/domain/classes"
	"lignum/tenants"
	"lignum/tenants/audit"
	"lignum/tests/school"
	"lignum/tests/testkit"
)

func TestMain(m *testing.M) { testkit.Main(m) }

var (
	ctx   = context.Background()
	now   = time.Date(2026, 11, 23, 15, 0, 0, 0, time.UTC)
	today = time.Date(2026, 11, 23, 0, 0, 0, 0, time.UTC)
)

// world is a small one: a school, its coach, learners, and a course of five lessons and a test.
type world struct {
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

func newWorld(t *testing.T, learners int) *world {
	t.Helper()
	w := testkit.New(t)
	s := &world{World: w, t: t, db: w.DB("jamaica")}
	s.id = school.Schools(t, s.db, school.School{Name: "Harbour High"})[0]
	s.coach = s.user("Grace", "Coach", "coach")
	s.learners = school.Learners(t, s.db, learners, s.id)
	made := school.Course(t, s.db, pack.Pack{Sections: []pack.Section{school.Lessons(5)}, Tests: []pack.Test{{Title: "Paper 1", Blueprint: []pack.Draw{{Section: "sets", Items: 10}}}}})
	s.course, s.lessons, s.test = made.ID, made.Lessons, made.Tests[0]
	return s
}

func (s *world) write(fn func(tx *tenants.Tx) error) error { return s.db.Write(ctx, s.Actor, fn) }

func (s *world) read(fn func(q tenants.Querier) error) {
	s.t.Helper()
	if err := s.db.ReadFresh(ctx, func(r *tenants.Reader) error { return fn(r) }); err != nil {
		s.t.Fatal(err)
	}
}

func (s *world) do(sql string, args ...any) {
	s.t.Helper()
	if err := s.write(func(tx *tenants.Tx) error {
		tx.Record(audit.Entry{Action: "setup"})
		_, err := tx.Exec(ctx, sql, args...)
		return err
	}); err != nil {
		s.t.Fatal(err)
	}
}

// user adds somebody of the school.
func (s *world) user(given, family, role string) uuid.UUID {
	s.t.Helper()
	return school.People(s.t, s.db, school.Person{GivenName: given, FamilyName: family, SchoolID: s.id, Roles: []string{role}})[0]
}

func (s *world) fields(seats int) classes.Fields {
	return classes.Fields{Title: "Maths 10A", Kind: classes.Live, CourseID: &s.course, SchoolID: &s.id, CoachID: &s.coach, StartsOn: "2026-09-07", EndsOn: "2026-12-18",
		Weekly: calendar.Weekly{{Weekday: 1, At: "16:00", Minutes: 60}}, MeetingURL: "https://meet.example/10a", Seats: seats, Open: true}
}

func (s *world) class(f classes.Fields) (id uuid.UUID) {
	s.t.Helper()
	if err := s.write(func(tx *tenants.Tx) (err error) { id, err = classes.Create(ctx, tx, f); return err }); err != nil {
		s.t.Fatal(err)
	}
	return id
}

func (s *world) register(class, learner uuid.UUID) (e classes.Enrolment, err error) {
	err = s.write(func(tx *tenants.Tx) (err error) {
		e, err = classes.Register(ctx, tx, classes.RegisterInput{ClassID: class, LearnerID: learner, Now: now, Today: today})
		return err
	})
	return e, err
}

// number asks the database behind the scenes.
func (s *world) number(sql string, args ...any) (n int) {
	s.t.Helper()
	s.read(func(q tenants.Querier) error { return q.QueryRow(ctx, sql, args...).Scan(&n) })
	return n
}

// state is all that a learner's reports left behind, but for the times.
func (s *world) state(learner uuid.UUID) (lines []string) {
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
