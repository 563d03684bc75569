package assessment_test

import (
	"errors"
	"testing"
	"time"

	"lignum/domain"
	"lignum/domain/assessment"
	"lignum/tenants"
)

func window(opens, closes time.Time) assessment.Window {
	return assessment.Window{OpensAt: &opens, ClosesAt: &closes}
}

func (s *world) schedule(w assessment.Window, at time.Time) (stored assessment.Window, err error) {
	err = s.db.Write(ctx, s.Actor, func(tx *tenants.Tx) (err error) {
		stored, err = assessment.ScheduleTest(ctx, tx, s.test, w, at)
		return err
	})
	return stored, err
}

func TestWindowsThatAreRefused(t *testing.T) {
	opens, closes := now.Add(time.Hour), now.Add(2*time.Hour)
	for what, c := range map[string]struct {
		w      assessment.Window
		fields []string
	}{
		"both":                      {window(opens, closes), nil},
		"neither":                   {assessment.Window{}, nil},
		"open already":              {window(now.Add(-48*time.Hour), closes), nil},
		"exactly 60 days":           {window(opens, opens.Add(assessment.LongestWindow)), nil},
		"a second more":             {window(opens, opens.Add(assessment.LongestWindow+time.Second)), []string{"closes_at"}},
		"only opens":                {assessment.Window{OpensAt: &opens}, []string{"closes_at"}},
		"only closes":               {assessment.Window{ClosesAt: &closes}, []string{"opens_at"}},
		"closes as it opens":        {window(opens, opens), []string{"closes_at"}},
		"closes before":             {window(closes, opens), []string{"closes_at"}},
		"over":                      {window(now.Add(-time.Hour), now), []string{"closes_at"}},
		"over, and without opening": {assessment.Window{ClosesAt: &now}, []string{"opens_at", "closes_at"}},
	} {
		var names []string
		var d *domain.Error
		if err := c.w.Validate(now); errors.As(err, &d) {
			for _, f := range d.Fields {
				names = append(names, f.Name)
			}
		}
		if len(names) != len(c.fields) {
			t.Errorf("%s: %q is wrong, want %q", what, names, c.fields)
			continue
		}
		for i := range names {
			if names[i] != c.fields[i] {
				t.Errorf("%s: %q is wrong, want %q", what, names, c.fields)
			}
		}
	}
}

func TestAWindowNeitherExtendsNorCutsAnAttemptUnderWay(t *testing.T) {
	t.Parallel()
	s := newWorld(t, 2, rules{feedback: "on_submit", numbers: 3})
	a := s.start(s.learners[0], now)
	if !a.Deadline.Equal(now.Add(90 * time.Minute)) {
		t.Fatalf("the deadline is %v", a.Deadline)
	}
	closed, later := window(now.Add(-time.Hour), now.Add(10*time.Minute)), window(now.Add(time.Hour), now.Add(24*time.Hour))
	for _, w := range []assessment.Window{closed, later, {}} {
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
	if _, err := s.schedule(assessment.Window{}, now); err != nil {
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
	_, err = s.schedule(assessment.Window{}, now)
	wantCode(t, "a test that is gone", err, domain.NotFound)
}
