package classes_test

import (
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"pgregory.net/rapid"

	"lignum/domain"
	"lignum/domain/classes"
	"lignum/tenants"
	_ "lignum/tests/tenth"
)

func (s *world) report(learner, lesson uuid.UUID, percent, seconds int, counter int64) (classes.Progress, error) {
	return s.reportAt(now, learner, lesson, percent, seconds, counter)
}

func (s *world) reportAt(at time.Time, learner, lesson uuid.UUID, percent, seconds int, counter int64) (classes.Progress, error) {
	return classes.RecordProgress(ctx, s.db, s.Actor, classes.ProgressInput{LearnerID: learner, LessonID: lesson, Percent: percent, Seconds: seconds, Counter: counter, Now: at, Today: today})
}

// open opens a lesson so long before now.
func (s *world) open(learner, lesson uuid.UUID, before time.Duration) {
	s.t.Helper()
	if _, err := classes.OpenLesson(ctx, s.db, s.Actor, learner, lesson, now.Add(-before)); err != nil {
		s.t.Fatal(err)
	}
}

func TestProgressThroughALesson(t *testing.T) {
	t.Parallel()
	s := newWorld(t, 2)
	class := s.class(s.fields(5))
	me, lesson := s.learners[0], s.lessons[0]
	if _, err := s.report(me, lesson, 10, 5, 1); domain.CodeOf(err) != domain.Forbidden {
		t.Errorf("not enrolled: %v", err)
	}
	if _, err := s.report(me, uuid.New(), 10, 5, 1); domain.CodeOf(err) != domain.NotFound {
		t.Errorf("unknown lesson: %v", err)
	}
	if _, err := s.report(me, lesson, 101, -1, -1); domain.CodeOf(err) != domain.Invalid {
		t.Errorf("out of range: %v", err)
	}
	if n := s.number("SELECT (SELECT count(*) FROM lesson_progress) + (SELECT count(*) FROM attendance) + (SELECT count(*) FROM audit_entries WHERE action = 'progress.record')"); n != 0 {
		t.Fatalf("refused reports wrote %d rows", n)
	}
	if _, err := s.register(class, me); err != nil {
		t.Fatal(err)
	}
	s.open(me, lesson, 10*time.Minute)
	for _, c := range []struct {
		percent, seconds int
		counter          int64
		want             classes.Progress
	}{
		{40, 100, 2, classes.Progress{Percent: 40, Seconds: 100, Counter: 2, Changed: true}},
		{30, 50, 1, classes.Progress{Percent: 40, Seconds: 100, Counter: 2}},  // late: undoes nothing
		{40, 100, 2, classes.Progress{Percent: 40, Seconds: 100, Counter: 2}}, // a replay
		{20, 120, 3, classes.Progress{Percent: 40, Seconds: 120, Counter: 3, Changed: true}},
		{100, 200, 4, classes.Progress{Percent: 100, Seconds: 200, Counter: 4, Changed: true, Points: 10, Earned: true, CompletedAt: &now}},
		{100, 260, 5, classes.Progress{Percent: 100, Seconds: 260, Counter: 5, Changed: true, Earned: true, CompletedAt: &now}},
	} {
		got, err := s.report(me, lesson, c.percent, c.seconds, c.counter)
		if err != nil {
			t.Fatal(err)
		}
		if (got.CompletedAt == nil) != (c.want.CompletedAt == nil) || got.CompletedAt != nil && !got.CompletedAt.Equal(now) {
			t.Errorf("completed at %v", got.CompletedAt)
		}
		got.CompletedAt, c.want.CompletedAt, c.want.LessonID = nil, nil, lesson
		if fmt.Sprint(got.LessonID, got.Percent, got.Seconds, got.Counter, got.Changed, got.Points, got.Earned, got.PointsIn) !=
			fmt.Sprint(lesson, c.want.Percent, c.want.Seconds, c.want.Counter, c.want.Changed, c.want.Points, c.want.Earned, 0) {
			t.Errorf("report %d: %+v, want %+v", c.counter, got, c.want)
		}
	}
	if n := s.number("SELECT count(*) FROM audit_entries WHERE action = 'progress.record'"); n != 4 {
		t.Errorf("%d entries in the audit trail, want one for each report that changed something", n)
	}
	if got := s.state(me); !slices.Contains(got, "day 2026-11-23") || !slices.Contains(got, "points all 10") || !slices.Contains(got, "points 2026-11 10") {
		t.Errorf("state: %v", got)
	}
	s.do("UPDATE enrolments SET state = 'left'")
	if _, err := s.report(me, lesson, 100, 300, 6); domain.CodeOf(err) != domain.Forbidden {
		t.Errorf("after leaving: %v", err)
	}
}

// Reports that travel by different ways end in the same state, whatever the order and however often each arrives.
func TestTheOrderOfReportsDoesNotMatter(t *testing.T) {
	t.Parallel()
	s := newWorld(t, 2)
	class := s.class(s.fields(5))
	for _, l := range s.learners {
		if _, err := s.register(class, l); err != nil {
			t.Fatal(err)
		}
	}
	type report struct {
		lesson, percent, seconds int
		counter                  int64
	}
	rapid.Check(t, func(rt *rapid.T) {
		s.do("DELETE FROM lesson_progress WHERE true OR $1::boolean", true)
		s.do("DELETE FROM point_totals WHERE true OR $1::boolean", true)
		s.do("DELETE FROM point_entries WHERE true OR $1::boolean", true)
		reports := rapid.SliceOfN(rapid.Custom(func(t *rapid.T) report {
			return report{rapid.IntRange(0, 1).Draw(t, "lesson"), rapid.SampledFrom([]int{0, 10, 55, 99, 100}).Draw(t, "percent"), rapid.IntRange(0, 50).Draw(t, "seconds"), rapid.Int64Range(0, 5).Draw(t, "counter")}
		}), 1, 6).Draw(rt, "reports")
		other := rapid.Permutation(append(slices.Clone(reports), reports[0])).Draw(rt, "order")
		for i, list := range [][]report{reports, other} {
			for _, lesson := range s.lessons[:2] {
				s.open(s.learners[i], lesson, 10*time.Minute)
			}
			for _, r := range list {
				if _, err := s.report(s.learners[i], s.lessons[r.lesson], r.percent, r.seconds, r.counter); err != nil {
					rt.Fatal(err)
				}
			}
		}
		if a, b := s.state(s.learners[0]), s.state(s.learners[1]); !slices.Equal(a, b) {
			rt.Fatalf("%v\n%v", a, b)
		}
	})
}

func TestCompletingAtOnceEarnsOnce(t *testing.T) {
	t.Parallel()
	s := newWorld(t, 1)
	class := s.class(s.fields(5))
	me := s.learners[0]
	if _, err := s.register(class, me); err != nil {
		t.Fatal(err)
	}
	s.open(me, s.lessons[0], 10*time.Minute)
	var wg sync.WaitGroup
	for i := range 60 {
		wg.Go(func() {
			if _, err := s.report(me, s.lessons[0], 100, 10, int64(i/20)); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if n := s.number("SELECT points FROM point_totals WHERE period = 'all'"); n != 10 {
		t.Errorf("%d points for a lesson, want 10", n)
	}
	if n := s.number("SELECT sum(points) FROM point_entries"); n != 10 {
		t.Errorf("entries of %d points", n)
	}
}

func TestPageOfAClass(t *testing.T) {
	t.Parallel()
	s := newWorld(t, 2)
	class := s.class(s.fields(5))
	me := s.learners[0]
	if _, err := s.register(class, me); err != nil {
		t.Fatal(err)
	}
	if _, err := s.report(me, s.lessons[1], 100, 60, 1); err != nil {
		t.Fatal(err)
	}
	kingston, err := time.LoadLocation("America/Jamaica")
	if err != nil {
		t.Fatal(err)
	}
	pageOf := func(q tenants.Querier, class, viewer uuid.UUID) (p *classes.Page, err error) {
		b, p := &pgx.Batch{}, &classes.Page{}
		classes.QueuePage(b, class, viewer, now, kingston, p)
		return p, q.SendBatch(ctx, b).Close()
	}
	page := func(viewer uuid.UUID) (p *classes.Page) {
		s.read(func(q tenants.Querier) (err error) {
			p, err = pageOf(q, class, viewer)
			return err
		})
		return p
	}
	p := page(me)
	if p.Facts != (classes.Facts{Enrolled: true, SameSchool: true, ClassOpen: true}) || p.MeetingURL == "" || p.Coach != "Grace Coach" || p.School != "Harbour High" || p.Course != "maths" || p.Taken != 1 {
		t.Errorf("page: %+v", p)
	}
	if len(p.Lessons) != 5 || p.Done != 1 || p.Lessons[1].Percent != 100 || p.Lessons[1].CompletedAt == nil || p.Lessons[0].Percent != 0 || p.Lessons[0].Section != "Sets" {
		t.Errorf("lessons: %+v", p.Lessons)
	}
	if p.Next == nil || !p.Next.StartsAt.Equal(time.Date(2026, 11, 23, 21, 0, 0, 0, time.UTC)) {
		t.Errorf("next meeting: %+v", p.Next)
	}
	if other := page(s.learners[1]); other.Facts.Enrolled || other.MeetingURL != "" || other.Done != 0 {
		t.Errorf("somebody else sees %+v", other)
	}
	if coach := page(s.coach); !coach.Facts.CoachOf || coach.MeetingURL == "" {
		t.Errorf("the coach sees %+v", coach.Facts)
	}
	s.read(func(q tenants.Querier) error {
		if _, err := pageOf(q, uuid.New(), me); domain.CodeOf(err) != domain.NotFound {
			t.Errorf("an unknown class gives %v", err)
		}
		f, err := classes.FactsOf(ctx, q, class, me, today)
		if err != nil || f != p.Facts {
			t.Errorf("facts %+v (%v)", f, err)
		}
		b, course := &pgx.Batch{}, classes.CourseFacts{}
		classes.QueueCourseFacts(b, "maths", me, &course)
		if err := q.SendBatch(ctx, b).Close(); err != nil || course != (classes.CourseFacts{Enrolled: true}) {
			t.Errorf("course facts %+v (%v)", course, err)
		}
		return nil
	})
}

// Points for a lesson are for reading it, by the server's clock: 'done' is stored at once, the points come with time.
func TestPointsTakeReading(t *testing.T) {
	t.Parallel()
	s := newWorld(t, 1)
	class := s.class(s.fields(5)) // lessons of 20 minutes: four minutes are a fifth
	me := s.learners[0]
	if _, err := s.register(class, me); err != nil {
		t.Fatal(err)
	}
	minute := func(n float64) time.Time { return now.Add(time.Duration(n * float64(time.Minute))) }
	var counter int64
	done := func(at time.Time, lesson int, points, in int) {
		t.Helper()
		counter++
		p, err := s.reportAt(at, me, s.lessons[lesson], 100, 1_000_000, counter) // whatever the client says of its own seconds
		if err != nil || p.CompletedAt == nil || p.Percent != 100 || p.Points != points || p.PointsIn != in || p.Earned != (in == 0) {
			t.Errorf("lesson %d at %s: %+v (%v), want %d points, or in %d seconds", lesson, at.Sub(now), p, err, points, in)
		}
	}
	opened := func(at time.Time, lesson int) {
		t.Helper()
		if _, err := classes.OpenLesson(ctx, s.db, s.Actor, me, s.lessons[lesson], at); err != nil {
			t.Fatal(err)
		}
	}
	opened(minute(0), 0)
	opened(minute(0), 1)
	done(minute(0).Add(time.Second), 0, 0, 239)
	done(minute(3), 0, 0, 60)
	opened(minute(3.5), 0) // looking at the page again takes nothing away
	done(minute(4), 0, 10, 0)
	done(minute(5), 0, 0, 0)
	done(minute(5), 1, 0, 180) // open all the while, but the same minutes earn once
	done(minute(8), 1, 10, 0)

	done(minute(20), 2, 0, 240) // never opened: time counts from the first report
	opened(minute(60), 2)       // the page of another sitting: what is known of the one before is nothing
	done(minute(62), 2, 0, 120)
	opened(minute(200), 2) // and now two minutes are known
	done(minute(200).Add(time.Second), 2, 0, 119)
	done(minute(202), 2, 10, 0)

	var p classes.Progress
	s.read(func(q tenants.Querier) (err error) {
		p, err = classes.ProgressIn(ctx, q, me, s.lessons[2], minute(203))
		return err
	})
	if !p.Earned || p.PointsIn != 0 || p.Unread(minute(300)) {
		t.Errorf("%+v", p)
	}
	if n := s.number("SELECT count(*) FROM audit_entries WHERE action = 'lesson.open'"); n != 4 {
		t.Errorf("%d entries for four sittings", n)
	}
	if n := s.number("SELECT points FROM point_totals WHERE period = 'all'"); n != 30 {
		t.Errorf("%d points for three lessons", n)
	}
}
