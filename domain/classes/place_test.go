package classes_test

import (
	"slices"
	"sync"
	"testing"

	"github.com/google/uuid"

	"lignum/domain"
	"lignum/domain/calendar"
	"lignum/domain/classes"
	"lignum/tenants"
	"lignum/tests/school"
)

func (s *world) place(class uuid.UUID, learners ...uuid.UUID) (p classes.Placement, err error) {
	err = s.write(func(tx *tenants.Tx) (err error) {
		p, err = classes.Place(ctx, tx, class, learners, now, today)
		return err
	})
	return p, err
}

// told gives the kinds of the notices that somebody has not seen, the newest first.
func (s *world) told(who uuid.UUID) (kinds []string) {
	s.t.Helper()
	s.read(func(q tenants.Querier) error {
		list, err := school.Unseen(ctx, q, who)
		for _, n := range list {
			kinds = append(kinds, n.Kind)
		}
		return err
	})
	return kinds
}

func (s *world) taken(class uuid.UUID) (taken, enrolled int) {
	s.t.Helper()
	return s.number(`SELECT taken FROM classes WHERE id = $1::uuid`, class.String()),
		s.number(`SELECT count(*) FROM enrolments WHERE class_id = $1::uuid AND state = 'active'`, class.String())
}

func TestManyArePlacedUntilTheClassIsFull(t *testing.T) {
	t.Parallel()
	s := newWorld(t, 6)
	f := s.fields(4)
	f.Open = false
	class := s.class(f)
	l := s.learners
	school.SetState(t, s.db, "suspended", l[5])
	if p, err := s.place(class, l[0]); err != nil || len(p.Placed) != 1 || p.Taken != 1 {
		t.Fatalf("%+v, %v", p, err)
	}
	nobody := uuid.New()
	p, err := s.place(class, l[4], l[0], l[5], nobody, s.coach, l[3], l[3], l[2], l[1])
	if err != nil {
		t.Fatal(err)
	}
	var seated, refused []string
	for _, one := range p.Placed {
		seated = append(seated, one.GivenName)
	}
	for _, one := range p.Refused {
		refused = append(refused, one.GivenName+" "+one.Reason)
	}
	if !slices.Equal(seated, []string{"Given4", "Given3", "Given2"}) {
		t.Errorf("the first named are seated first: %v", seated)
	}
	if !slices.Equal(refused, []string{"Given5 no_active_learner", " no_active_learner", "Grace no_active_learner", "Given1 full"}) {
		t.Errorf("refused %q", refused)
	}
	if len(p.Already) != 1 || p.Already[0].ID != l[0] || p.Taken != 4 || p.Seats != 4 {
		t.Errorf("%+v", p)
	}
	if taken, enrolled := s.taken(class); taken != 4 || enrolled != 4 {
		t.Errorf("%d seats for %d learners", taken, enrolled)
	}
	if kinds := s.told(l[4]); !slices.Equal(kinds, []string{"class_placed"}) {
		t.Errorf("told %v", kinds)
	}
	if n := len(s.told(l[1])); n != 0 {
		t.Error("somebody without a place was told of one")
	}

	// Who left a closed class comes back through staff alone.
	if err := s.write(func(tx *tenants.Tx) error { return classes.Leave(ctx, tx, class, l[2], now) }); err != nil {
		t.Fatal(err)
	}
	if _, err := s.register(class, l[2]); domain.CodeOf(err) != domain.Conflict {
		t.Errorf("came back alone: %v", err)
	}
	if p, err := s.place(class, l[2]); err != nil || len(p.Placed) != 1 {
		t.Errorf("%+v, %v", p, err)
	}

	var gone []uuid.UUID
	remove := func(learners ...uuid.UUID) error {
		return s.write(func(tx *tenants.Tx) (err error) {
			gone, err = classes.Remove(ctx, tx, class, learners, now)
			return err
		})
	}
	if err := remove(l[0], l[1], l[3], l[3]); err != nil || len(gone) != 2 {
		t.Errorf("removed %v, %v", gone, err)
	}
	if err := remove(l[0], l[1]); domain.CodeOf(err) != domain.NotFound {
		t.Errorf("removed twice: %v", err)
	}
	if err := remove(); domain.CodeOf(err) != domain.Invalid {
		t.Errorf("nobody named: %v", err)
	}
	if taken, enrolled := s.taken(class); taken != 2 || enrolled != 2 {
		t.Errorf("%d seats for %d learners", taken, enrolled)
	}
	if kinds := s.told(l[0]); !slices.Contains(kinds, "class_removed") {
		t.Errorf("told %v", kinds)
	}

	if err := s.write(func(tx *tenants.Tx) error { return classes.Cancel(ctx, tx, class, "hurricane", now) }); err != nil {
		t.Fatal(err)
	}
	if _, err := s.place(class, l[1]); domain.CodeOf(err) != domain.Conflict {
		t.Errorf("placed in a cancelled class: %v", err)
	}
}

func TestPlacingAndRegisteringShareTheSeats(t *testing.T) {
	t.Parallel()
	s := newWorld(t, 24)
	class := s.class(s.fields(10))
	var wait sync.WaitGroup
	for i := range 12 {
		wait.Go(func() {
			if i%3 == 0 {
				_, _ = s.place(class, s.learners[2*i], s.learners[2*i+1]) // who gets a seat is chance
				return
			}
			_, _ = s.register(class, s.learners[2*i])
			_, _ = s.register(class, s.learners[2*i+1])
		})
	}
	wait.Wait()
	if taken, enrolled := s.taken(class); taken != 10 || enrolled != 10 {
		t.Errorf("%d seats for %d learners", taken, enrolled)
	}
}

func TestThoseOfAClassAreTold(t *testing.T) {
	t.Parallel()
	s := newWorld(t, 2)
	class := s.class(s.fields(5))
	for _, l := range s.learners {
		if _, err := s.register(class, l); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.write(func(tx *tenants.Tx) error { return classes.Leave(ctx, tx, class, s.learners[1], now) }); err != nil {
		t.Fatal(err)
	}
	change := func(f classes.Fields) {
		t.Helper()
		if err := s.write(func(tx *tenants.Tx) error { return classes.Change(ctx, tx, class, f, now) }); err != nil {
			t.Fatal(err)
		}
	}
	f := s.fields(6)
	f.Title = "Maths 10B"
	change(f)
	if kinds := s.told(s.learners[0]); len(kinds) != 0 {
		t.Errorf("told of what does not touch them: %v", kinds)
	}
	f.Weekly = calendar.Weekly{{Weekday: 2, At: "09:00", Minutes: 45}}
	change(f)
	f.EndsOn = "2026-12-19"
	change(f)
	f.MeetingURL = "https://meet.example/10b"
	change(f)
	if err := s.write(func(tx *tenants.Tx) error { return classes.Cancel(ctx, tx, class, "Grace is ill.", now) }); err != nil {
		t.Fatal(err)
	}
	want := []string{"class_cancelled", "class_address", "class_dates", "class_moved"}
	for _, who := range []uuid.UUID{s.learners[0], s.coach} {
		if kinds := s.told(who); !slices.Equal(kinds, want) {
			t.Errorf("told %v", kinds)
		}
	}
	if n := len(s.told(s.learners[1])); n != 0 {
		t.Error("somebody who left was told")
	}
	s.read(func(q tenants.Querier) error {
		list, err := school.Unseen(ctx, q, s.coach)
		if text := list[0].Text.String() + list[3].Text.String(); text != "The class Maths 10B was cancelled: Grace is ill."+"The class Maths 10B meets at other times now: Tuesdays at 09:00 (45 minutes)." {
			t.Errorf("%q", text)
		}
		return err
	})
}

func TestThoseOfAClassAreToldOfAnotherCoach(t *testing.T) {
	t.Parallel()
	s := newWorld(t, 2)
	f := s.fields(5)
	f.Title = "Maths 10B"
	class := s.class(f)
	if _, err := s.register(class, s.learners[0]); err != nil {
		t.Fatal(err)
	}
	other := school.People(t, s.db, school.Person{GivenName: "Hedy", FamilyName: "Marr", Roles: []string{"coach"}})[0]
	texts := func(who uuid.UUID) (texts []string) {
		s.read(func(q tenants.Querier) error {
			list, err := school.Unseen(ctx, q, who)
			for _, n := range list {
				texts = append(texts, n.Text.String()+" "+n.Path)
			}
			return err
		})
		return texts
	}
	for _, coach := range []*uuid.UUID{&other, &other, nil, nil} { // each twice: what stays is no news
		f.CoachID = coach
		if err := s.write(func(tx *tenants.Tx) error { return classes.Change(ctx, tx, class, f, now) }); err != nil {
			t.Fatal(err)
		}
	}
	at := " /classes/" + class.String()
	another, none := "The coach of the class Maths 10B is Hedy Marr now."+at, "The class Maths 10B has no coach now."+at
	for who, want := range map[uuid.UUID][]string{s.learners[0]: {none, another}, other: {none, another}, s.coach: {another}, s.learners[1]: nil} {
		if got := texts(who); !slices.Equal(got, want) {
			t.Errorf("told %q, want %q", got, want)
		}
	}
}

func TestWhoWasErasedIsNotTold(t *testing.T) {
	t.Parallel()
	s := newWorld(t, 3)
	class := s.class(s.fields(5))
	for _, l := range s.learners {
		if _, err := s.register(class, l); err != nil {
			t.Fatal(err)
		}
	}
	school.SetState(t, s.db, "erased", s.learners[0], s.coach)
	school.SetState(t, s.db, "suspended", s.learners[2])
	if err := s.write(func(tx *tenants.Tx) error { return classes.Cancel(ctx, tx, class, "Grace is ill.", now) }); err != nil {
		t.Fatal(err)
	}
	if err := s.write(func(tx *tenants.Tx) error {
		_, err := classes.Remove(ctx, tx, class, s.learners, now)
		return err
	}); err != nil {
		t.Fatal(err)
	}
	for who, want := range map[uuid.UUID]int{s.learners[0]: 0, s.coach: 0, s.learners[1]: 2, s.learners[2]: 2} {
		if kinds := s.told(who); len(kinds) != want {
			t.Errorf("told %v, want %d", kinds, want)
		}
	}
}

func TestTheCoachIsNotToldOfTheirOwnChange(t *testing.T) {
	t.Parallel()
	s := newWorld(t, 0)
	class := s.class(s.fields(5))
	own := s.Actor
	own.ID = s.coach
	if err := s.db.Write(ctx, own, func(tx *tenants.Tx) error { return classes.Cancel(ctx, tx, class, "I am ill", now) }); err != nil {
		t.Fatal(err)
	}
	if kinds := s.told(s.coach); len(kinds) != 0 {
		t.Errorf("told %v", kinds)
	}
}

func TestTwoWhoChangeAClassDoNotUndoEachOther(t *testing.T) {
	t.Parallel()
	s := newWorld(t, 0)
	class := s.class(s.fields(5))
	var seen classes.Fields
	s.read(func(q tenants.Querier) (err error) { seen, err = classes.FieldsOf(ctx, q, class); return err })
	change := func(f classes.Fields) error {
		return s.write(func(tx *tenants.Tx) error { return classes.Change(ctx, tx, class, f, now) })
	}
	first, second := seen, seen
	first.Title, second.Seats = "Maths 10B", 40
	if err := change(first); err != nil {
		t.Fatal(err)
	}
	if err := change(second); domain.CodeOf(err) != domain.Conflict {
		t.Errorf("an older version: %v", err)
	}
	if second.Version = ""; change(second) != nil {
		t.Error("without a version it holds whatever was there")
	}
}
