package assessment_test

import (
	"testing"
	"time"

	"lignum/domain"
	"lignum/domain/assessment"
	"lignum/domain/calendar"
	"lignum/tenants"
)

func window(opens, closes time.Time) calendar.Window {
	return calendar.Window{OpensAt: &opens, ClosesAt: &closes}
}

func (s *world) schedule(w calendar.Window, at time.Time) (stored calendar.Window, err error) {
	err = s.db.Write(ctx, s.Actor, func(tx *tenants.Tx) (err error) {
		stored, err = assessment.ScheduleTest(ctx, tx, s.test, w, at)
		return err
	})
	return stored, err
}

func TestAWindowNeitherExtendsNorCutsAnAttemptUnderWay(t *testing.T) {
	t.Parallel()
	s := newWorld(t, 2, rules{feedback: "on_submit", numbers: 3})
	a := s.start(s.learners[0], now)
	if !a.Deadline.Equal(now.Add(90 * time.Minute)) {
		t.Fatalf("the deadline is %v", a.Deadline)
	}
	closed, later := window(now.Add(-time.Hour), now.Add(10*time.Minute)), window(now.Add(time.Hour), now.Add(24*time.Hour))
	for _, w := range []calendar.Window{closed, later, {}} {
		if _, err := s.schedule(w, now.Add(time.Minute)); err != nil {
			t.Fatal(err)
		}
		// The learner goes on with the same attempt, also outside the window.
		at := now.Add(20 * time.Minute)
		if again := s.start(s.learners[0], at); again.ID != a.ID || !again.Deadline.Equal(a.Deadline) {
			t.Errorf("with %+v the attempt became %+v", w, again)
		}
		p := s.paper(a, at)
		if !p.Deadline.Equal(a.Deadline) {
			t.Errorf("with %+v the paper's deadline is %v", w, p.Deadline)
		}
		if s.facts(s.learners[1], at).WindowOpen != (w.OpensAt == nil) {
			t.Errorf("with %+v the window of others is open: %v", w, w.OpensAt != nil)
		}
	}
}

func TestScheduleIsStoredInWholeSecondsAndWrittenDown(t *testing.T) {
	t.Parallel()
	s := newWorld(t, 1, rules{feedback: "on_submit", numbers: 3})
	nassau := time.FixedZone("", -5*3600)
	stored, err := s.schedule(window(now.Add(time.Hour+time.Millisecond).In(nassau), now.Add(3*time.Hour)), now)
	if err != nil || !stored.OpensAt.Equal(now.Add(time.Hour)) || stored.OpensAt.Location() != time.UTC {
		t.Fatalf("stored %+v, %v", stored, err)
	}
	if _, err := s.schedule(calendar.Window{}, now); err != nil {
		t.Fatal(err)
	}
	const entry = `SELECT count(*) FROM audit_trail WHERE action = 'calendar.change' AND object_kind = 'test' AND object_id = $1::text
		AND before->>'opens_at' IS NOT DISTINCT FROM $2::text AND after->>'opens_at' IS NOT DISTINCT FROM $3::text`
	for _, e := range [][2]any{{nil, "2026-11-23T16:00:00Z"}, {"2026-11-23T16:00:00Z", nil}} {
		if n := s.number(entry, s.test.String(), e[0], e[1]); n != 1 {
			t.Errorf("%d entries from %v to %v", n, e[0], e[1])
		}
	}
	if n := s.number(`SELECT count(*) FROM tests WHERE opens_at IS NOT NULL OR closes_at IS NOT NULL`); n != 0 {
		t.Error("the window was not removed")
	}
	s.do(`UPDATE tests SET active = false`)
	_, err = s.schedule(calendar.Window{}, now)
	wantCode(t, "a test that is gone", err, domain.NotFound)
}

// The statements that a start goes through say with their own words when a window is open: what calendar.Window says, to the microsecond.
func TestAStartAsksTheSameOfAWindowAsTheCalendar(t *testing.T) {
	t.Parallel()
	opens, closes := now, now.Add(time.Hour)
	windows := []calendar.Window{{}, window(opens, closes), {OpensAt: &opens}, {ClosesAt: &closes}}
	times := []time.Time{opens.Add(-time.Microsecond), opens, closes.Add(-time.Microsecond), closes}
	s := newWorld(t, len(windows)*len(times), rules{feedback: "on_submit", numbers: 3})
	n := 0
	for _, w := range windows {
		s.do(`UPDATE tests SET opens_at = $2::timestamptz, closes_at = $3::timestamptz WHERE id = $1::uuid`, s.test.String(), w.OpensAt, w.ClosesAt)
		for _, at := range times {
			learner, open := s.learners[n], !w.NotYet(at) && !w.Over(at)
			n++
			if got := s.facts(learner, at).WindowOpen; got != open {
				t.Errorf("%+v at %v: the facts say open: %v", w, at, got)
			}
			if _, err := s.tryStart(s.exams, learner, at); (err == nil) != open {
				t.Errorf("%+v at %v: the start gives %v", w, at, err)
			}
		}
	}
}
