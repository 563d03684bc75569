package classes_test

import (
	"slices"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"lignum/domain"
	"lignum/domain/assessment"
	"lignum/domain/catalog/pack"
	"lignum/domain/classes"
	"lignum/domain/coaching"
	"lignum/domain/people"
	"lignum/domain/points"
	"lignum/tenants"
	"lignum/tenants/audit"
	"lignum/tests/school"
)

// bond is a class of a coach's with a learner, and a course of its own with a lesson, a test and an attempt that waits to be marked.
type bond struct {
	coach, learner, class, course, lesson, test, attempt uuid.UUID
	slug                                                 string
}

func (s *world) bond(slug, class, place string) bond {
	s.t.Helper()
	made := school.Course(s.t, s.db, pack.Pack{Name: slug, Sections: []pack.Section{school.Lessons(1)}, Tests: []pack.Test{{}}})
	b := bond{coach: s.user("Grace", slug, "coach"), course: made.ID, lesson: made.Lessons[0], test: made.Tests[0], slug: slug}
	b.learner = school.People(s.t, s.db, school.Person{GivenName: "Ada", FamilyName: slug, SchoolID: s.id, Roles: []string{"student"}, Listed: true})[0]
	b.attempt = school.Attempts(s.t, s.db, school.Attempt{Test: b.test, Course: b.course, Learner: b.learner, State: "marking", StartedAt: now, Result: `{"items": [{"needs_marking": true}]}`})[0]
	b.class = school.Classes(s.t, s.db, school.Class{Title: slug, Kind: classes.Live, Course: b.course, Coach: b.coach, StartsOn: school.Date(s.t, "2026-09-07"), EndsOn: school.Date(s.t, "2026-12-18"),
		Seats: 9, State: class})[0]
	at := school.Enrolment{Class: b.class, Learner: b.learner}
	if place == "left" {
		at.LeftAt = now
	}
	school.Enrolments(s.t, s.db, at)
	school.Points(s.t, s.db, map[uuid.UUID]int{b.learner: 10})
	return b
}

func must[T any](t *testing.T) func(T, error) T {
	return func(v T, err error) T {
		t.Helper()
		if err != nil {
			t.Error(err)
		}
		return v
	}
}

// Enrolled is a place in a class that was not cancelled, one that is over included. A coach coaches those with a place in an active class of
// theirs, and its course. Whatever asks for one of them gets the same answer.
func TestEnrolledAndCoachingMeanTheSameEverywhere(t *testing.T) {
	t.Parallel()
	s := newWorld(t, 0)
	stranger := s.user("Sam", "Stranger", "coach")
	for _, c := range []struct {
		name, class, place                       string
		hasPlace, enrolled, coached, ofItsCourse bool
	}{
		{"running", "active", "active", true, true, true, true},
		{"over", "ended", "active", true, true, false, false},
		{"cancelled", "cancelled", "active", true, false, false, false},
		{"left", "active", "left", false, false, false, true},
		{"left-over", "ended", "left", false, false, false, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := s.bond(c.name, c.class, c.place)
			is := func(what string, got, want bool) {
				t.Helper()
				if got != want {
					t.Errorf("%s: %v, want %v", what, got, want)
				}
			}
			s.read(func(q tenants.Querier) error {
				// Who is enrolled in the course.
				var learner, coach, learnerTest, coachTest classes.CourseFacts
				batch := &pgx.Batch{}
				classes.QueueCourseFacts(batch, b.slug, b.learner, &learner)
				classes.QueueCourseFacts(batch, b.slug, b.coach, &coach)
				classes.QueueTestFacts(batch, b.test, b.learner, &learnerTest)
				classes.QueueTestFacts(batch, b.test, b.coach, &coachTest)
				if err := q.SendBatch(ctx, batch).Close(); err != nil {
					return err
				}
				is("the course's facts, enrolled", learner.Enrolled, c.enrolled)
				is("the test's facts, enrolled", learnerTest.Enrolled, c.enrolled)
				is("the learner coaches", learner.CoachOf || learnerTest.CoachOf, false)
				enrolled, none, err := classes.CoursesOf(ctx, q, b.learner)
				if err != nil {
					return err
				}
				is("the courses in which they are enrolled", slices.Equal(enrolled, []string{b.slug}), c.enrolled)
				is("or which they coach", len(none) > 0, false)
				is("the courses with progress", len(must[[]classes.CourseProgress](t)(classes.ProgressOf(ctx, q, b.learner))) == 1, c.enrolled)
				is("the facts of a start", must[assessment.StartFacts](t)(assessment.FactsOfStart(ctx, q, b.test, b.learner, now)).Enrolled, c.enrolled)

				// Who coaches the course.
				is("the course's facts, coach", coach.CoachOf, c.ofItsCourse)
				is("the test's facts, coach", coachTest.CoachOf, c.ofItsCourse)
				_, coached, err := classes.CoursesOf(ctx, q, b.coach)
				if err != nil {
					return err
				}
				is("the courses that they coach", slices.Equal(coached, []string{b.slug}), c.ofItsCourse)

				// Who coaches the learner.
				learners := []uuid.UUID{b.learner}
				is("the ties", must[classes.Ties](t)(classes.TiesTo(ctx, q, b.coach, b.learner)).CoachOf, c.coached)
				is("the ties to several", must[classes.GroupTies](t)(classes.TiesToAll(ctx, q, b.coach, learners)).CoachOf, c.coached)
				is("the ties to each", must[map[uuid.UUID]classes.LearnerTie](t)(classes.TiesToEach(ctx, q, b.coach, learners))[b.learner].CoachOf, c.coached)
				is("a stranger's", must[classes.Ties](t)(classes.TiesTo(ctx, q, stranger, b.learner)).CoachOf, false)
				list := func(of people.Group) bool {
					p := must[domain.List[people.User]](t)(people.Users(ctx, q, people.UserFilter{In: []people.Group{of}}, domain.Page{}))
					without := must[domain.List[people.User]](t)(people.Users(ctx, q, people.UserFilter{IDs: learners, NotIn: []people.Group{of}}, domain.Page{}))
					is("who is in a group is not out of it", len(without.Items) == 0, len(p.Items) == 1)
					return len(p.Items) == 1 && p.Items[0].ID == b.learner
				}
				is("the list of a coach's learners", list(classes.Coached(b.coach)), c.coached)
				is("those who need help", len(must[domain.List[coaching.Learner]](t)(coaching.Learners(ctx, q, coaching.Filter{CoachID: b.coach}, domain.Page{}, today)).Items) == 1, c.coached)
				is("the attempts to mark", len(must[domain.List[assessment.ToMark]](t)(assessment.AttemptsToMark(ctx, q, assessment.MarkFilter{CoachID: b.coach}, domain.Page{})).Items) == 1, c.coached)
				is("the ties to an attempt", must[map[uuid.UUID]assessment.Ties](t)(assessment.TiesToEach(ctx, q, b.coach, []uuid.UUID{b.attempt}))[b.attempt].CoachOf, c.coached)
				is("the facts of an attempt", must[assessment.AttemptFacts](t)(assessment.FactsOf(ctx, q, b.attempt, b.coach, now)).CoachOf, c.coached)

				// Who has a place, and whose class it is, holds whatever became of it.
				is("a place, on the page", must[classes.Facts](t)(classes.FactsOf(ctx, q, b.class, b.learner, today)).Enrolled, c.hasPlace)
				is("the coach's own class", must[classes.Facts](t)(classes.FactsOf(ctx, q, b.class, b.coach, today)).CoachOf, true)
				ties := must[classes.ClassTies](t)(classes.TiesToClass(ctx, q, b.coach, b.class))
				is("the ties to the class", ties.CoachOf, true)
				is("its members", ties.Members == 1 && ties.OfSchool == 1, c.hasPlace)
				is("the list of its members", list(classes.Members(b.class)), c.hasPlace)
				is("those of a school", list(classes.Schoolmates(b.class, b.coach)), c.hasPlace)
				is("of no school", list(classes.Schoolmates(b.class, uuid.New())), false)
				is("the class's learners", len(must[domain.List[classes.Learner]](t)(classes.Learners(ctx, q, b.class, domain.Page{})).Items) == 1, c.hasPlace)
				board := must[*points.Board](t)(points.Leaderboard(ctx, q, points.Scope{Among: points.AmongClass, Class: classes.Schoolmates(b.class, b.coach)}, points.AllTime, b.learner, 5))
				is("the class's leaderboard", len(board.Top) == 1 && board.Me != nil, c.hasPlace)
				is("others of it", must[bool](t)(classes.HasOthers(ctx, q, b.class, nil)), c.hasPlace)

				// What the page of the class says of its course is what the course says.
				for who, facts := range map[uuid.UUID]classes.CourseFacts{b.learner: learner, b.coach: coach} {
					var p classes.Page
					page := &pgx.Batch{}
					classes.QueuePage(page, b.class, who, now, time.UTC, &p)
					if err := q.SendBatch(ctx, page).Close(); err != nil {
						return err
					}
					if p.CourseFacts() != facts {
						t.Errorf("on the page %+v, of the course %+v", p.CourseFacts(), facts)
					}
				}
				return nil
			})

			// What is stored asks again, in the statement that stores it.
			_, err := classes.RecordProgress(ctx, s.db, s.Actor, classes.ProgressInput{LearnerID: b.learner, LessonID: b.lesson, Percent: 50, Seconds: 60, Counter: 1, Now: now, Today: today})
			is("progress is stored", err == nil, c.enrolled)
			is("or refused", domain.CodeOf(err) == domain.Forbidden, !c.enrolled)
			var started int
			if err := s.write(func(tx *tenants.Tx) error {
				tx.Record(audit.Entry{Action: "test"})
				return tx.QueryRow(ctx, `SELECT count(*)::integer FROM start_attempt($1::uuid, jsonb_build_object('actor_id', $2::uuid, 'action', 'attempt.start', 'after', '{}'::jsonb),
					$3::uuid, $2::uuid, $4::timestamptz, $1::uuid, 0, '{}', $5::text::date)`, audit.NewID().String(), b.learner.String(), b.test.String(), now, today.Format(time.DateOnly)).Scan(&started)
			}); err != nil {
				t.Fatal(err)
			}
			is("an attempt is started", started == 1, c.enrolled)
		})
	}
}
