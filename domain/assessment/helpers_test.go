package assessment_test

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"lignum/domain"
	"lignum/domain/assessment"
	"lignum/domain/catalog"
	"lignum/domain/catalog/item"
	"lignum/domain/catalog/pack"
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

const realm = "jamaica"

// world is a small one: a course with a bank of each kind of item, a test, a class with a coach, and learners in it.
type world struct {
	*testkit.World
	t        *testing.T
	db       *tenants.DB
	exams    *assessment.Exams
	pack     pack.Pack // of the course
	course   uuid.UUID
	class    uuid.UUID
	coach    uuid.UUID
	test     uuid.UUID
	learners []uuid.UUID
}

// rules are what a test of the small world says.
type rules struct {
	attempts int
	feedback string
	sets     int // multiple choice, several right answers
	numbers  int // numeric
	essays   int
}

func newExams(t *testing.T) *assessment.Exams {
	t.Helper()
	items, err := catalog.NewItems(1000)
	if err != nil {
		t.Fatal(err)
	}
	exams, err := assessment.New(items, 1000)
	if err != nil {
		t.Fatal(err)
	}
	return exams
}

func newWorld(t *testing.T, learners int, r rules) *world {
	t.Helper()
	w := testkit.New(t)
	s := &world{World: w, t: t, db: w.DB(realm), exams: newExams(t)}
	test := pack.Test{Title: "Paper 1", Kind: "assessment", Attempts: r.attempts, Feedback: r.feedback, Grades: []pack.Grade{{Grade: "I", Percent: 75}, {Grade: "II", Percent: 40}}}
	for _, bank := range []struct {
		code string
		n    int
		make func(i int) *item.Item
	}{{"sets", r.sets, setItem}, {"numbers", r.numbers, numberItem}, {"essays", r.essays, essayItem}} {
		var items []*item.Item
		for n := range bank.n + 3 {
			items = append(items, bank.make(n))
		}
		s.pack.Sections = append(s.pack.Sections, pack.Section{Code: bank.code, Title: strings.ToUpper(bank.code[:1]) + bank.code[1:]})
		s.pack.Items = append(s.pack.Items, school.Bank(bank.code, items...)...)
		if bank.n > 0 {
			test.Blueprint = append(test.Blueprint, pack.Draw{Section: bank.code, Items: bank.n})
		}
	}
	s.pack.Tests = []pack.Test{test}
	made := school.Course(t, s.db, s.pack)
	s.course, s.test = made.ID, made.Tests[0]
	s.coach = s.user("Grace", "Coach")
	s.learners = school.Learners(t, s.db, learners, uuid.Nil)
	s.class = school.Classes(t, s.db, school.Class{Title: "10A", Course: s.course, Coach: s.coach, StartsOn: school.Date(t, "2026-09-07"), EndsOn: school.Date(t, "2026-12-18"), Learners: s.learners})[0]
	return s
}

func plain(s string) item.Text { return item.Text{Body: s, Format: item.Plain} }

// setItem has two right answers, each half of the mark.
func setItem(i int) *item.Item {
	return &item.Item{Kind: item.MultipleChoice, Multiple: true, Stem: plain(fmt.Sprintf("Which are primes? (%d)", i)), Feedback: &item.Text{Body: "Secret hint.", Format: item.Plain},
		Choices: []item.Choice{{Text: plain("two"), Weight: item.Whole / 2}, {Text: plain("three"), Weight: item.Whole / 2}, {Text: plain("four"), Weight: -item.Whole / 2}}}
}

func numberItem(i int) *item.Item {
	return &item.Item{Kind: item.Numeric, Stem: plain(fmt.Sprintf("What is %d + 1?", i)), Numbers: []item.Number{{Value: fmt.Sprint(i + 1), Weight: item.Whole}}}
}

func essayItem(i int) *item.Item {
	return &item.Item{Kind: item.Essay, Stem: plain(fmt.Sprintf("Explain %d.", i))}
}

func (s *world) do(sql string, args ...any) {
	s.t.Helper()
	if err := s.db.Write(ctx, s.Actor, func(tx *tenants.Tx) error {
		tx.Record(audit.Entry{Action: "setup"})
		_, err := tx.Exec(ctx, sql, args...)
		return err
	}); err != nil {
		s.t.Fatal(err)
	}
}

func (s *world) user(given, family string) uuid.UUID {
	s.t.Helper()
	return school.People(s.t, s.db, school.Person{GivenName: given, FamilyName: family})[0]
}

func who(id uuid.UUID) audit.Actor {
	return audit.Actor{ID: id, Name: "learner", Roles: []string{"student"}, Realm: realm, RequestID: "r"}
}

func (s *world) facts(learner uuid.UUID, at time.Time) (f assessment.StartFacts) {
	s.t.Helper()
	s.read(func(q tenants.Querier) (err error) {
		f, err = assessment.FactsOfStart(ctx, q, s.test, learner, at)
		return err
	})
	return f
}

func (s *world) tryStart(exams *assessment.Exams, learner uuid.UUID, at time.Time) (a assessment.Attempt, err error) {
	var f assessment.StartFacts
	if err := s.db.ReadFresh(ctx, func(r *tenants.Reader) (err error) {
		f, err = assessment.FactsOfStart(ctx, r, s.test, learner, at)
		return err
	}); err != nil {
		return a, err
	}
	return exams.Start(ctx, s.db, who(learner), f, assessment.StartInput{TestID: s.test, LearnerID: learner, Now: at, Today: today})
}

func (s *world) start(learner uuid.UUID, at time.Time) assessment.Attempt {
	s.t.Helper()
	a, err := s.tryStart(s.exams, learner, at)
	if err != nil {
		s.t.Fatal(err)
	}
	return a
}

func (s *world) read(fn func(q tenants.Querier) error) {
	s.t.Helper()
	if err := s.db.ReadFresh(ctx, func(r *tenants.Reader) error { return fn(r) }); err != nil {
		s.t.Fatal(err)
	}
}

func (s *world) paper(a assessment.Attempt, at time.Time) (p *assessment.Paper) {
	s.t.Helper()
	s.read(func(q tenants.Querier) (err error) {
		p, err = s.exams.Paper(ctx, q, realm, a.ID, a.LearnerID, at)
		return err
	})
	return p
}

func (s *world) trySave(t assessment.Ticket, at time.Time, answers ...assessment.Answer) (assessment.Saved, error) {
	return s.exams.SaveAnswers(ctx, s.db, who(t.LearnerID), t, answers, at)
}

// save is for answers that all fit their items.
func (s *world) save(t assessment.Ticket, at time.Time, answers ...assessment.Answer) ([]assessment.Kept, error) {
	saved, err := s.trySave(t, at, answers...)
	for _, r := range saved.Refused {
		s.t.Errorf("refused: %+v", r)
	}
	return saved.Kept, err
}

func (s *world) mustSave(t assessment.Ticket, at time.Time, answers ...assessment.Answer) []assessment.Kept {
	s.t.Helper()
	kept, err := s.save(t, at, answers...)
	if err != nil {
		s.t.Fatal(err)
	}
	return kept
}

func (s *world) submit(a assessment.Attempt, at time.Time) (r *assessment.Result, err error) {
	err = s.db.Write(ctx, who(a.LearnerID), func(tx *tenants.Tx) (err error) {
		r, err = s.exams.Submit(ctx, tx, realm, a.ID, a.LearnerID, at, today)
		return err
	})
	return r, err
}

func (s *world) result(id uuid.UUID, staff bool, at time.Time) (r *assessment.Result) {
	s.t.Helper()
	s.read(func(q tenants.Querier) (err error) {
		viewer := uuid.New()
		if !staff {
			if err := q.QueryRow(ctx, `SELECT learner_id FROM attempts WHERE id = $1::uuid`, id.String()).Scan(&viewer); err != nil {
				return err
			}
		}
		r, err = s.exams.ResultIf(ctx, q, realm, id, viewer, func(f assessment.AttemptFacts) error {
			if f.Owner == staff {
				s.t.Errorf("the viewer's facts are %+v", f)
			}
			return nil
		}, at)
		return err
	})
	return r
}

// number asks the database behind the scenes.
func (s *world) number(sql string, args ...any) (n int) {
	s.t.Helper()
	s.read(func(q tenants.Querier) error { return q.QueryRow(ctx, sql, args...).Scan(&n) })
	return n
}

func answer(position int, counter int64, r item.Response) assessment.Answer {
	raw, err := json.Marshal(r)
	if err != nil {
		panic(err)
	}
	return assessment.Answer{Position: position, Counter: counter, Response: raw}
}

// right answers a question of the small world as its author would.
func right(q assessment.PaperItem) item.Response {
	var n int
	_, err := fmt.Sscanf(q.Item.Stem, "What is %d", &n)
	switch {
	case len(q.Item.Choices) > 0:
		return item.Response{Choice: choices(q, "two", "three")}
	case err == nil:
		return item.Response{Number: fmt.Sprint(n + 1)}
	default:
		return item.Response{Text: "Because of the angles."}
	}
}

func choices(q assessment.PaperItem, texts ...string) (ids []string) {
	for _, text := range texts {
		for _, c := range q.Item.Choices {
			if c.HTML == text {
				ids = append(ids, c.ID)
			}
		}
	}
	return ids
}

func wantCode(t *testing.T, what string, err error, code domain.Code) {
	t.Helper()
	if domain.CodeOf(err) != code {
		t.Errorf("%s: got %v, want %s", what, err, code)
	}
}
