package classes_test

import (
	"fmt"
	"testing"

	"github.com/google/uuid"

	"lignum/domain"
	"lignum/domain/classes"
	"lignum/tenants"
	"lignum/tenants/audit"
	"lignum/tenants/limits"
)

// sourced gives a class its own id as that of the country's records, and reads it as a roster does.
func (s *world) sourced(id uuid.UUID) (c *classes.SourcedClass) {
	s.t.Helper()
	s.do("UPDATE classes SET source_id = id WHERE id = $1::uuid", id.String())
	s.read(func(q tenants.Querier) error {
		list, err := classes.ClassesBySource(ctx, q, []string{id.String(), "unknown"}, false)
		if c = list[id.String()]; err == nil && len(list) != 1 {
			err = fmt.Errorf("%d classes", len(list))
		}
		return err
	})
	return c
}

// Whether a class has a seat to give is one rule, by whatever way it is asked for: by a roster, by a learner, by staff.
func TestASeatByAnyWay(t *testing.T) {
	s := newWorld(t, 5)
	for _, state := range []classes.State{classes.Active, classes.Cancelled, classes.Ended} {
		for taken := range 3 {
			const seats = 2
			class := s.class(s.fields(seats))
			for _, l := range s.learners[:taken] {
				if _, err := s.register(class, l); err != nil {
					t.Fatal(err)
				}
			}
			s.do("UPDATE classes SET state = $2::text WHERE id = $1::uuid", class.String(), state)
			want := ""
			switch {
			case state != classes.Active:
				want = classes.ReasonOver
			case taken == seats:
				want = classes.ReasonFull
			}
			is := s.sourced(class)
			if got := classes.NewBulk(nil).Place(is, &classes.SourcedPlace{Seat: classes.Seat{ClassID: class, LearnerID: s.learners[4]}}); got != want {
				t.Errorf("%s, %d of %d: a roster is told %q, want %q", state, taken, seats, got, want)
			}
			if after := is.Taken - taken; (after == 1) != (want == "") || after > 1 {
				t.Errorf("%s, %d of %d: %d more are counted", state, taken, seats, after)
			}
			_, err := s.register(class, s.learners[3])
			if (err == nil) != (want == "") || err != nil && domain.CodeOf(err) != domain.Conflict {
				t.Errorf("%s, %d of %d: a learner is told %v, a roster %q", state, taken, seats, err, want)
			}
			if err == nil {
				if err := s.write(func(tx *tenants.Tx) error { return classes.Leave(ctx, tx, class, s.learners[3], now) }); err != nil {
					t.Fatal(err)
				}
			}
			var placement classes.Placement
			err = s.write(func(tx *tenants.Tx) (err error) {
				placement, err = classes.Place(ctx, tx, class, s.learners[3:4], now, today)
				return err
			})
			if got := err == nil && len(placement.Placed) == 1; got != (want == "") {
				t.Errorf("%s, %d of %d: staff are told %v and %+v, a roster %q", state, taken, seats, err, placement, want)
			}
		}
	}
}

// Nor does a class become smaller than it is, by hand or by a roster.
func TestNoFewerSeatsThanLearners(t *testing.T) {
	s := newWorld(t, 3)
	class := s.class(s.fields(5))
	for _, l := range s.learners {
		if _, err := s.register(class, l); err != nil {
			t.Fatal(err)
		}
	}
	for seats := 1; seats <= 5; seats++ {
		err := s.write(func(tx *tenants.Tx) error { return classes.Change(ctx, tx, class, s.fields(seats), now) })
		if few := classes.TooFew(seats, 3); few != (seats < 3) || few != (domain.CodeOf(err) == domain.Conflict) || !few && err != nil {
			t.Errorf("%d seats for 3 learners: too few %v, by hand %v", seats, few, err)
		}
	}
}

// A Bulk takes and gives back the plan's classes as Create and Cancel do, and what it wrote is what is there.
func TestBulk(t *testing.T) {
	s := newWorld(t, 4)
	old := s.class(s.fields(2))
	for _, l := range s.learners[:2] {
		if _, err := s.register(old, l); err != nil {
			t.Fatal(err)
		}
	}
	limit := int(s.Tenant("jamaica").Limits.Classes)
	s.do("UPDATE usage_counts SET n = $1::integer WHERE kind = 'classes'", limit-1)
	is := s.sourced(old)
	seat := func(class uuid.UUID, learner int) classes.Seat {
		return classes.Seat{ClassID: class, LearnerID: s.learners[learner]}
	}
	fresh := func(source string) *classes.SourcedClass {
		return &classes.SourcedClass{ID: audit.NewID(), SourceID: source, Title: "New", Kind: classes.Live, SchoolID: &s.id, StartsOn: "2026-09-07", EndsOn: "2026-12-18", Seats: 1, State: classes.Active}
	}
	first, second, third := fresh("n1"), fresh("n2"), fresh("n3")
	if err := s.write(func(tx *tenants.Tx) error {
		tx.Record(audit.Entry{Action: "test"})
		plan, err := limits.Lock(ctx, tx, limits.Classes)
		if err != nil {
			return err
		}
		b := classes.NewBulk(plan)
		if !b.Empty() || !b.Put(nil, first) || b.Put(nil, second) || b.Empty() {
			t.Error("one class more is in the plan, and not two")
		}
		closed := *is
		closed.State = classes.Cancelled
		if !b.Put(is, &closed) || !b.Put(nil, second) || b.Put(nil, third) {
			t.Error("a class that is cancelled makes room for one, and not for two")
		}
		return b.Write(ctx, tx, now)
	}); err != nil {
		t.Fatal(err)
	}
	for sql, n := range map[string]int{"SELECT n FROM usage_counts WHERE kind = 'classes'": limit, "SELECT count(*) FROM classes WHERE source_id IN ('n1', 'n2') AND NOT open AND state = 'active'": 2,
		"SELECT count(*) FROM classes WHERE source_id = 'n3'": 0, "SELECT count(*) FROM classes WHERE source_id = id::text AND state = 'cancelled' AND taken = 2": 1} {
		if got := s.number(sql); got != n {
			t.Errorf("%s: %d, want %d", sql, got, n)
		}
	}
	// Places: one goes, one comes, one gets its id.
	s.do("UPDATE classes SET state = 'active' WHERE id = $1::uuid", old.String())
	is = s.sourced(old)
	if err := s.write(func(tx *tenants.Tx) error {
		tx.Record(audit.Entry{Action: "test"})
		b := classes.NewBulk(nil)
		place := func(learner int, source string) *classes.SourcedPlace {
			return &classes.SourcedPlace{Seat: seat(old, learner), SourceID: source, State: classes.PlaceActive}
		}
		if got := b.Place(is, place(2, "e2")); got != classes.ReasonFull {
			t.Errorf("a full class: %q", got)
		}
		b.Leave(is, place(0, "e0"))
		b.Name(place(1, "e1"))
		if got := b.Place(is, place(2, "e2")); got != "" {
			t.Errorf("after one left: %q", got)
		}
		if got := b.Place(is, place(3, "e3")); got != classes.ReasonFull {
			t.Errorf("full again: %q", got)
		}
		b.Coach(is, &s.coach)
		return b.Write(ctx, tx, now)
	}); err != nil {
		t.Fatal(err)
	}
	var places []*classes.SourcedPlace
	s.read(func(q tenants.Querier) (err error) {
		places, err = classes.PlacesBySource(ctx, q, []string{"e0", "e1"}, []classes.Seat{seat(old, 2), seat(old, 3)})
		return err
	})
	states := map[string]string{}
	for _, p := range places {
		states[p.SourceID] = p.State
	}
	if len(places) != 3 || states["e0"] != classes.PlaceLeft || states["e1"] != classes.PlaceActive || states["e2"] != classes.PlaceActive {
		t.Errorf("the places are %v", states)
	}
	if n := s.number("SELECT count(*) FROM classes c WHERE id = $1::uuid AND coach_id = $2::uuid AND taken = 2 AND taken = (SELECT count(*) FROM enrolments e WHERE e.class_id = c.id AND e.state = 'active')", old.String(), s.coach.String()); n != 1 {
		t.Error("the class's seats or its coach are not what was written")
	}
}
