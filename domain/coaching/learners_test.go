package coaching_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"lignum/domain"
	"lignum/domain/catalog/pack"
	"lignum/domain/classes"
	"lignum/domain/coaching"
	"lignum/tenants"
	"lignum/tenants/audit"
	"lignum/tests/school"
	"lignum/tests/testkit"
)

func TestMain(m *testing.M) { testkit.Main(m) }

var (
	ctx   = context.Background()
	today = time.Date(2026, 11, 23, 0, 0, 0, 0, time.UTC)
)

// group is a coach's class of a hundred days, of which today is the fiftieth, with ten lessons of 20 minutes and one
// that is no longer taught.
type group struct {
	t       *testing.T
	w       *testkit.World
	db      *tenants.DB
	coach   uuid.UUID
	course  uuid.UUID
	class   uuid.UUID
	lessons []uuid.UUID
	test    uuid.UUID
}

func newGroup(t *testing.T) *group {
	w := testkit.New(t)
	g := &group{t: t, w: w, db: w.DB("jamaica")}
	g.coach = g.user("Grace", "Coach")
	p := pack.Pack{Sections: []pack.Section{school.Lessons(11)}, Tests: []pack.Test{{Title: "P"}}}
	g.lessons = school.Course(t, g.db, p).Lessons
	p.Sections = []pack.Section{school.Lessons(10)} // without the last one, from now on
	made := school.Course(t, g.db, p)
	g.course, g.test = made.ID, made.Tests[0]
	g.class = g.newClass("Maths 10A", today.AddDate(0, 0, -49), today.AddDate(0, 0, 50))
	return g
}

func (g *group) do(sql string, args ...any) {
	g.t.Helper()
	if err := g.db.Write(ctx, g.w.Actor, func(tx *tenants.Tx) error {
		tx.Record(audit.Entry{Action: "setup"})
		_, err := tx.Exec(ctx, sql, args...)
		return err
	}); err != nil {
		g.t.Fatal(err)
	}
}

func (g *group) user(given, family string) uuid.UUID {
	g.t.Helper()
	return school.People(g.t, g.db, school.Person{GivenName: given, FamilyName: family})[0]
}

func (g *group) newClass(title string, from, to time.Time) uuid.UUID {
	return school.Classes(g.t, g.db, school.Class{Title: title, Kind: classes.Live, Course: g.course, Coach: g.coach, StartsOn: from, EndsOn: to})[0]
}

// learner has completed so many lessons, was last seen so many days ago (-1: never) and scored so in the last test (-1: none).
func (g *group) learner(name string, lessons, seen, score int) uuid.UUID {
	g.t.Helper()
	id := g.user(name, "Learner")
	g.enrol(g.class, id)
	var done []school.Progress
	for _, lesson := range g.lessons[:lessons] {
		done = append(done, school.Progress{Learner: id, Course: g.course, Lesson: lesson, Percent: 100})
	}
	school.Study(g.t, g.db, done...)
	if seen >= 0 {
		school.Attendance(g.t, g.db, school.Day{Day: today.AddDate(0, 0, -seen), User: id}, school.Day{Day: today.AddDate(0, 0, -seen-3), User: id})
	}
	if score >= 0 {
		g.attempt(id, 1, today.AddDate(0, 0, -5), 100-score, "marked")
		g.attempt(id, 2, today.AddDate(0, 0, -2), score, "marked")
		g.attempt(id, 3, today, 0, "open")
	}
	return id
}

func (g *group) attempt(learner uuid.UUID, n int, at time.Time, percent int, state string) {
	school.Attempts(g.t, g.db, school.Attempt{Test: g.test, Course: g.course, Learner: learner, Number: n, State: state, StartedAt: at, Score: percent * 20, MaxScore: 2000})
}

func (g *group) enrol(class, learner uuid.UUID) {
	school.Enrolments(g.t, g.db, school.Enrolment{Class: class, Learner: learner, At: today.AddDate(0, 0, -49)})
}

func (g *group) list(f coaching.Filter, page domain.Page) (l domain.List[coaching.Learner]) {
	g.t.Helper()
	if err := g.db.Read(ctx, func(r *tenants.Reader) (err error) { l, err = coaching.Learners(ctx, r, f, page, today); return err }); err != nil {
		g.t.Fatal(err)
	}
	return l
}

func TestWhoIsBehind(t *testing.T) {
	t.Parallel()
	g := newGroup(t)
	// Five lessons are due: half of the class's days are over.
	g.learner("Ahead", 7, 0, 90)
	g.learner("Just", 4, 6, 40) // a fifth missing, six days away, forty percent: all still well
	g.learner("Slow", 3, 1, 80)
	g.learner("Away", 6, 7, 80)
	g.learner("Weak", 5, 1, 39)
	g.learner("Lost", 1, 20, 10)
	g.learner("Never", 0, -1, -1)
	g.learner("Retired", 11, 0, -1) // the retired lesson does not count

	want := map[string]string{
		"Lost": "1/5 of 10, 80 missing, pace unseen score", "Never": "0/5 of 10, 100 missing, pace unseen", "Slow": "3/5 of 10, 40 missing, pace",
		"Away": "6/5 of 10, 0 missing, unseen", "Weak": "5/5 of 10, 0 missing, score", "Just": "4/5 of 10, 20 missing, ",
		"Ahead": "7/5 of 10, 0 missing, ", "Retired": "10/5 of 10, 0 missing, ",
	}
	list := g.list(coaching.Filter{CoachID: g.coach}, domain.Page{})
	var order []string
	for _, l := range list.Items {
		order = append(order, l.GivenName)
		p := l.Classes[0]
		got := fmt.Sprintf("%d/%d of %d, %d missing, %s", p.Done, p.Due, p.Lessons, p.Shortfall, strings.Join(l.Reasons, " "))
		if got != want[l.GivenName] || l.Behind != (len(l.Reasons) > 0) || !slices.Equal(p.Reasons, l.Reasons) || p.Class != "Maths 10A" {
			t.Errorf("%s: %s, want %s", l.GivenName, got, want[l.GivenName])
		}
	}
	if w := []string{"Lost", "Never", "Slow", "Away", "Weak", "Just", "Ahead", "Retired"}; !slices.Equal(order, w) {
		t.Errorf("order %v, want %v", order, w)
	}
	lost := list.Items[0]
	if last := lost.Classes[0].LastTest; lost.LastActive != "2026-11-03" || last == nil || last.Percent != 10 || last.Title != "P" || last.AttemptID == uuid.Nil {
		t.Errorf("lost: %+v", lost)
	}
	if behind := g.list(coaching.Filter{ClassID: g.class, Behind: true}, domain.Page{}); len(behind.Items) != 5 {
		t.Errorf("%d behind, want 5", len(behind.Items))
	}

	// In parts it is the same list.
	var parts []string
	for page := (domain.Page{Limit: 3}); ; {
		l := g.list(coaching.Filter{CoachID: g.coach}, page)
		for _, one := range l.Items {
			parts = append(parts, one.GivenName)
		}
		if page.After = l.Next; page.After == "" {
			break
		}
	}
	if !slices.Equal(parts, order) {
		t.Errorf("in parts %v, want %v", parts, order)
	}
}

func TestNobodyIsBehindBeforeTheClassBegins(t *testing.T) {
	t.Parallel()
	g := newGroup(t)
	id := g.user("New", "Learner")
	g.enrol(g.newClass("Next term", today.AddDate(0, 0, 10), today.AddDate(0, 0, 90)), id)
	g.enrol(g.newClass("Begins today", today, today.AddDate(0, 0, 90)), id)
	ended := g.newClass("Over", today.AddDate(0, 0, -90), today.AddDate(0, 0, -1))
	g.enrol(ended, id)
	list := g.list(coaching.Filter{CoachID: g.coach}, domain.Page{})
	if len(list.Items) != 1 || len(list.Items[0].Classes) != 3 {
		t.Fatalf("one learner in three classes: %+v", list.Items)
	}
	for _, p := range list.Items[0].Classes {
		switch {
		case p.Class == "Over" && (p.Due != 10 || p.Shortfall != 100):
			t.Errorf("at the end all is due: %+v", p)
		case p.Class != "Over" && (p.Behind || p.Due != 0):
			t.Errorf("behind before anything is due: %+v", p)
		}
	}
}

// Somebody in five classes is one person, however many of the classes are a worry, and parts of the list part between people.
func TestALearnerOfManyClassesIsListedOnce(t *testing.T) {
	t.Parallel()
	g := newGroup(t)
	busy := g.learner("Busy", 5, 1, 20)
	for i := range 4 {
		class := g.newClass(fmt.Sprintf("Extra %d", i), today.AddDate(0, 0, -80), today.AddDate(0, 0, 19))
		g.enrol(class, busy)
	}
	g.learner("Away", 6, 7, 80)
	g.learner("Well", 6, 0, 80)
	list := g.list(coaching.Filter{CoachID: g.coach}, domain.Page{})
	if len(list.Items) != 3 {
		t.Fatalf("%d entries for three people", len(list.Items))
	}
	one := list.Items[0]
	if one.GivenName != "Busy" || len(one.Classes) != 5 || !slices.Equal(one.Reasons, []string{"pace", "score"}) {
		t.Errorf("%+v", one)
	}
	if first, last := one.Classes[0], one.Classes[4]; first.Class != "Extra 0" || last.Class != "Maths 10A" || len(first.Reasons) != 2 || len(last.Reasons) != 1 {
		t.Errorf("the class that needs most comes first: %+v", one.Classes)
	}
	var names []string
	for page := (domain.Page{Limit: 1}); ; {
		l := g.list(coaching.Filter{CoachID: g.coach}, page)
		for _, p := range l.Items {
			names = append(names, p.GivenName)
		}
		if page.After = l.Next; page.After == "" {
			break
		}
	}
	if !slices.Equal(names, []string{"Busy", "Away", "Well"}) {
		t.Errorf("in parts: %v", names)
	}
	if behind := g.list(coaching.Filter{CoachID: g.coach, Behind: true}, domain.Page{}); len(behind.Items) != 2 {
		t.Errorf("%d behind", len(behind.Items))
	}
}

// Who may coach whom is a fact that is asked of classes; a list of learners is somebody's, or a class's.
func TestWhoIsCoached(t *testing.T) {
	t.Parallel()
	g := newGroup(t)
	mine := g.learner("Mine", 0, -1, -1)
	left := g.learner("Left", 0, -1, -1)
	g.do("UPDATE enrolments SET state = 'left' WHERE learner_id = $1::uuid", left.String())
	err := g.db.Read(ctx, func(r *tenants.Reader) error {
		for id, want := range map[[2]uuid.UUID]bool{{g.coach, mine}: true, {g.coach, left}: false, {mine, mine}: false, {left, mine}: false} {
			if ties, err := classes.TiesTo(ctx, r, id[0], id[1]); err != nil || ties.CoachOf != want {
				t.Errorf("%v: %v, want %v (%v)", id, ties.CoachOf, want, err)
			}
		}
		_, err := coaching.Learners(ctx, r, coaching.Filter{}, domain.Page{}, today)
		if domain.CodeOf(err) != domain.Invalid {
			t.Errorf("everybody's learners: %v", err)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// On the day on which a third of the class is over, a third of the lessons is due: a third has no decimal to be rounded to.
func TestAThirdOfTheTimeIsAThirdOfTheLessons(t *testing.T) {
	t.Parallel()
	g := newGroup(t)
	g.do(`UPDATE lessons SET active = false WHERE slug = 'lesson-9'`) // nine of twenty minutes are left
	third := g.newClass("Maths 10B", today.AddDate(0, 0, -9), today.AddDate(0, 0, 20))
	id := g.user("On", "Time")
	g.enrol(third, id)
	if l := g.list(coaching.Filter{ClassID: third}, domain.Page{}).Items; len(l) != 1 || l[0].Classes[0].Due != 3 {
		t.Errorf("on the tenth day of thirty: %+v", l)
	}
}
