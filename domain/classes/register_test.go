package classes_test

import (
	"sync"
	"sync/atomic"
	"testing"

	"github.com/google/uuid"
	"pgregory.net/rapid"

	"lignum/domain"
	"lignum/domain/classes"
	"lignum/tenants"
)

func TestAHundredRaceForTheLastSeats(t *testing.T) {
	t.Parallel()
	s := newWorld(t, 100)
	const seats = 7
	class := s.class(s.fields(seats))
	var got, refused atomic.Int64
	var wg sync.WaitGroup
	for _, learner := range s.learners {
		wg.Go(func() {
			e, err := s.register(class, learner)
			switch {
			case err == nil && !e.Already && e.Taken <= seats:
				got.Add(1)
			case domain.CodeOf(err) == domain.Conflict:
				refused.Add(1)
			default:
				t.Errorf("%+v %v", e, err)
			}
		})
	}
	wg.Wait()
	if got.Load() != seats || refused.Load() != 100-seats {
		t.Errorf("%d got a seat and %d were refused, want %d and %d", got.Load(), refused.Load(), seats, 100-seats)
	}
	if n := s.number("SELECT count(*) FROM enrolments WHERE state = 'active'"); n != seats {
		t.Errorf("%d enrolments", n)
	}
	if n := s.number("SELECT taken FROM classes"); n != seats {
		t.Errorf("taken is %d", n)
	}
	if n := s.number("SELECT count(*) FROM audit_entries WHERE action = 'class.register'"); n != seats {
		t.Errorf("%d entries in the audit trail", n)
	}
}

func TestOneLearnerWhoAsksOftenTakesOneSeat(t *testing.T) {
	t.Parallel()
	s := newWorld(t, 1)
	class := s.class(s.fields(5))
	var fresh atomic.Int64
	var wg sync.WaitGroup
	for range 20 {
		wg.Go(func() {
			e, err := s.register(class, s.learners[0])
			if err != nil {
				t.Error(err)
			} else if !e.Already {
				fresh.Add(1)
			}
		})
	}
	wg.Wait()
	if n := s.number("SELECT taken FROM classes"); n != 1 || fresh.Load() != 1 {
		t.Errorf("taken is %d, %d new places", n, fresh.Load())
	}
}

// Whatever learners do, in whatever order, the count of seats taken is the number of active enrolments.
func TestSeatsTakenAreTheEnrolments(t *testing.T) {
	t.Parallel()
	s := newWorld(t, 4)
	class := s.class(s.fields(2))
	in := map[uuid.UUID]bool{}
	rapid.Check(t, func(rt *rapid.T) {
		learner := rapid.SampledFrom(s.learners).Draw(rt, "learner")
		if rapid.Bool().Draw(rt, "register") {
			e, err := s.register(class, learner)
			switch full := len(in) >= 2; {
			case in[learner] && (err != nil || !e.Already):
				rt.Fatalf("again: %+v %v", e, err)
			case !in[learner] && full && domain.CodeOf(err) != domain.Conflict:
				rt.Fatalf("full: %v", err)
			case !in[learner] && !full && err != nil:
				rt.Fatal(err)
			}
			if err == nil {
				in[learner] = true
			}
		} else {
			err := s.write(func(tx *tenants.Tx) error { return classes.Leave(ctx, tx, class, learner, now) })
			if in[learner] != (err == nil) || err != nil && domain.CodeOf(err) != domain.NotFound {
				rt.Fatalf("leave: %v", err)
			}
			delete(in, learner)
		}
		taken, active := s.number("SELECT taken FROM classes"), s.number("SELECT count(*) FROM enrolments WHERE state = 'active'")
		if taken != len(in) || active != len(in) {
			rt.Fatalf("%d in the class, %d taken, %d enrolments", len(in), taken, active)
		}
	})
}

func TestRegisterRefuses(t *testing.T) {
	t.Parallel()
	s := newWorld(t, 1)
	learner := s.learners[0]
	past, closed, gone := s.fields(5), s.fields(5), s.fields(5)
	past.EndsOn = "2026-11-22"
	closed.Open = false
	lastDay := s.fields(5)
	lastDay.EndsOn = "2026-11-23"
	pastID, closedID, goneID, lastID := s.class(past), s.class(closed), s.class(gone), s.class(lastDay)
	if err := s.write(func(tx *tenants.Tx) error { return classes.Cancel(ctx, tx, goneID, "hurricane", now) }); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		class, learner uuid.UUID
		want           domain.Code
	}{
		"past": {pastID, learner, domain.Conflict}, "closed": {closedID, learner, domain.Conflict}, "cancelled": {goneID, learner, domain.Conflict},
		"unknown class": {uuid.New(), learner, domain.NotFound}, "unknown learner": {lastID, uuid.New(), domain.NotFound}, "last day": {lastID, learner, ""},
	} {
		if _, err := s.register(c.class, c.learner); domain.CodeOf(err) != c.want || c.want == "" && err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	err := s.write(func(tx *tenants.Tx) error {
		_, err := classes.Register(ctx, tx, classes.RegisterInput{ClassID: closedID, LearnerID: learner, ByStaff: true, Now: now, Today: today})
		return err
	})
	if err != nil {
		t.Errorf("staff cannot place a learner in a closed class: %v", err)
	}
}
