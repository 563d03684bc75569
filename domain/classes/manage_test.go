package classes_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/uuid"

	"lignum/domain"
	"lignum/domain/calendar"
	"lignum/domain/classes"
	"lignum/tenants"
	"lignum/tests/school"
	"lignum/tests/testkit"
)

func TestCreateChangeCancel(t *testing.T) {
	t.Parallel()
	s := newWorld(t, 2)
	class := s.class(s.fields(2))
	for _, l := range s.learners {
		if _, err := s.register(class, l); err != nil {
			t.Fatal(err)
		}
	}
	change := func(f classes.Fields) error {
		return s.write(func(tx *tenants.Tx) error { return classes.Change(ctx, tx, class, f, now) })
	}
	f := s.fields(1)
	if err := change(f); domain.CodeOf(err) != domain.Conflict {
		t.Errorf("fewer seats than learners: %v", err)
	}
	f.Seats, f.Title, f.CoachID = 30, "Maths 10B", nil
	if err := change(f); err != nil {
		t.Fatal(err)
	}
	f.CoachID = &s.learners[0]
	if err := change(f); domain.CodeOf(err) != domain.Invalid || !strings.Contains(err.Error(), "coach_id") {
		t.Errorf("a learner as coach: %v", err)
	}
	stranger := uuid.New()
	f.CoachID, f.CourseID = nil, &stranger
	if err := change(f); domain.CodeOf(err) != domain.Invalid || !strings.Contains(err.Error(), "course_id") {
		t.Errorf("an unknown course: %v", err)
	}
	var before string
	s.read(func(q tenants.Querier) error {
		return q.QueryRow(ctx, "SELECT before->>'title' || ' ' || (after->>'title') FROM audit_trail WHERE action = 'class.manage' AND before IS NOT NULL").Scan(&before)
	})
	if before != "Maths 10A Maths 10B" {
		t.Errorf("the trail says %q", before)
	}
	cancel := func() error {
		return s.write(func(tx *tenants.Tx) error { return classes.Cancel(ctx, tx, class, "too few came", now) })
	}
	if err := cancel(); err != nil {
		t.Fatal(err)
	}
	if err := cancel(); domain.CodeOf(err) != domain.Conflict {
		t.Errorf("cancelled twice: %v", err)
	}
	if err := change(s.fields(9)); domain.CodeOf(err) != domain.Conflict {
		t.Errorf("change of a cancelled class: %v", err)
	}
	if n := s.number("SELECT n FROM usage_counts WHERE kind = 'classes'"); n != 0 {
		t.Errorf("%d classes counted", n)
	}
}

func TestThePlanLimitsActiveClasses(t *testing.T) {
	t.Parallel()
	s := newWorld(t, 0)
	limit := int(s.Tenant("jamaica").Limits.Classes)
	s.do("UPDATE usage_counts SET n = $1::integer - 2 WHERE kind = 'classes'", limit)
	past := s.fields(1)
	past.EndsOn = "2026-11-22"
	s.class(past)
	s.class(s.fields(1))
	err := s.write(func(tx *tenants.Tx) error { _, err := classes.Create(ctx, tx, s.fields(1)); return err })
	if domain.CodeOf(err) != domain.OverQuota {
		t.Errorf("one class too many: %v", err)
	}
	var ended int
	if err := s.write(func(tx *tenants.Tx) (err error) { ended, err = classes.EndPast(ctx, tx, today); return err }); err != nil || ended != 1 {
		t.Errorf("%d ended, want 1 (%v)", ended, err)
	}
	s.class(s.fields(1))
	if n := s.number("SELECT n FROM usage_counts WHERE kind = 'classes'"); n != limit {
		t.Errorf("%d counted, want %d", n, limit)
	}
}

func TestFieldsNameEverythingWrong(t *testing.T) {
	bad := classes.Fields{Title: " ", Kind: "x", Grade: strings.Repeat("g", 21), StartsOn: "2026-09-07", EndsOn: "2026-09-06", Meets: strings.Repeat("m", 201),
		MeetingURL: "http://meet.example", Seats: 0, Weekly: calendar.Weekly{{Weekday: 7, At: "4pm", Minutes: 1}}}
	var e *domain.Error
	if !errors.As(bad.Validate(), &e) {
		t.Fatal("valid")
	}
	var names []string
	for _, f := range e.Fields {
		names = append(names, f.Name)
	}
	want := "title grade meets kind ends_on seats meeting_url weekly[0].weekday weekly[0].at weekly[0].minutes"
	if got := strings.Join(names, " "); got != want {
		t.Errorf("got %s\nwant %s", got, want)
	}
}

func TestListsOfClasses(t *testing.T) {
	t.Parallel()
	s := newWorld(t, 2)
	open := s.class(s.fields(1))
	f := s.fields(1)
	f.Title, f.SchoolID, f.CoachID, f.CourseID, f.Open = "Art 50%", nil, nil, nil, false
	s.class(f)
	if _, err := s.register(open, s.learners[0]); err != nil {
		t.Fatal(err)
	}
	s.read(func(q tenants.Querier) error {
		for name, c := range map[string]struct {
			f    classes.Filter
			want string
		}{
			"all":          {classes.Filter{Viewer: s.learners[0]}, "Art 50%-,Maths 10A+"},
			"mine":         {classes.Filter{Viewer: s.learners[0], Mine: true}, "Maths 10A+"},
			"not mine":     {classes.Filter{Viewer: s.learners[1], Mine: true}, ""},
			"coach":        {classes.Filter{CoachID: s.coach}, "Maths 10A-"},
			"query":        {classes.Filter{Query: "50%"}, "Art 50%-"},
			"no wildcard":  {classes.Filter{Query: "a%s"}, ""},
			"words":        {classes.Filter{Query: " 10a MATH"}, "Maths 10A-"},
			"not inside":   {classes.Filter{Query: "aths"}, ""},
			"no word":      {classes.Filter{Query: "%-"}, ""},
			"operators":    {classes.Filter{Query: "art & !50 | :* '<->"}, "Art 50%-"},
			"subject":      {classes.Filter{Subject: "Mathematics"}, "Maths 10A-"},
			"school":       {classes.Filter{School: s.id}, "Maths 10A-"},
			"open: full":   {classes.Filter{Open: true, Today: today}, ""},
			"other school": {classes.Filter{School: uuid.New()}, ""},
		} {
			list, err := classes.Classes(ctx, q, c.f, domain.Page{})
			if err != nil {
				return err
			}
			var got []string
			for _, cl := range list.Items {
				mark := "-"
				if cl.Enrolled {
					mark = "+"
				}
				got = append(got, cl.Title+mark)
				if cl.MeetingURL != "" {
					t.Error("a list shows where a class meets")
				}
			}
			if strings.Join(got, ",") != c.want {
				t.Errorf("%s: %v, want %s", name, got, c.want)
			}
		}
		roll, err := classes.Learners(ctx, q, open, domain.Page{})
		if err != nil || len(roll.Items) != 1 || roll.Items[0].ID != s.learners[0] {
			t.Errorf("learners: %+v (%v)", roll, err)
		}
		return nil
	})
}

// A class that meets at no set time has an empty list of times, not JSON's null: the forecast of load takes the list apart.
func TestNoTimesAreAList(t *testing.T) {
	t.Parallel()
	s := newWorld(t, 1)
	f := s.fields(2)
	f.Weekly, f.TermID = nil, &uuid.Nil // the zero id names nothing
	class := s.class(f)
	lists := func() int {
		return s.number("SELECT count(*) FROM classes, jsonb_array_elements(CASE WHEN jsonb_typeof(weekly) = 'array' THEN weekly || '[1]' ELSE '[]' END) WHERE term_id IS NULL")
	}
	if n := lists(); n != 1 {
		t.Errorf("a new class: %d of one element", n)
	}
	f.Seats = 3
	if err := s.write(func(tx *tenants.Tx) error { return classes.Change(ctx, tx, class, f, now) }); err != nil || lists() != 1 {
		t.Errorf("a class that was changed: %v", err)
	}
	is, err := classes.Fields{}, error(nil)
	s.read(func(q tenants.Querier) error { is, err = classes.FieldsOf(ctx, q, class); return err })
	if is.Weekly == nil || is.Seats != 3 {
		t.Errorf("read as %+v", is)
	}
}

// A search among thousands of classes looks at a page of those that have a common word, and at no others than those that have a rare one.
func TestClassesAreFoundThroughIndexes(t *testing.T) {
	t.Parallel()
	s := newWorld(t, 0)
	list := make([]school.Class, 3000)
	for n := range list {
		i := n + 1
		list[n] = school.Class{ID: uuid.MustParse(fmt.Sprintf("c0000000-0000-7000-8000-%012d", i)), Title: fmt.Sprintf("Form %d-%c of %d", 7+i%7, 'A'+i%5, i)}
		if i%10 == 0 {
			list[n].State = "ended"
		}
	}
	school.Classes(t, s.db, list...)
	conn := s.Direct(t)
	if _, err := conn.Exec(ctx, "SET search_path = tenant_jamaica; ANALYZE classes"); err != nil {
		t.Fatal(err)
	}
	for query, want := range map[string]int{"form": 31, "FORM of": 31, "2998": 1, "299": 10, "of 2999": 1, "9-C 2998": 0, "zzz": 0} {
		h := &testkit.Heard{}
		var list domain.List[classes.Class]
		s.read(func(q tenants.Querier) (err error) {
			h.Querier = q
			list, err = classes.Classes(ctx, h, classes.Filter{Query: query}, domain.Page{Limit: 31})
			return err
		})
		if n := h.Explain(t, conn).Read("classes"); n > 100 {
			t.Errorf("%q looks at %d classes", query, n)
		}
		if len(list.Items) != want {
			t.Errorf("%q finds %d, want %d", query, len(list.Items), want)
		}
	}
}
