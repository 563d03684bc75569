package classes_test

import (
	"fmt"
	"testing"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"lignum/domain/classes"
	"lignum/tenants"
	"lignum/tests/school"
	"lignum/tests/testkit"
)

// The forms of a country are known without looking at its learners, and what is told of them is what counting them tells. Those without a
// place are of the school that is named, of any, or, where the school is nobody's, nobody.
func TestFormsOfACountryAreKept(t *testing.T) {
	s := newWorld(t, 0)
	class := s.class(s.fields(900))
	const learners = 6_000
	numbered := func(kind string, n int) uuid.UUID {
		return uuid.MustParse(fmt.Sprintf("%s0000000-0000-7000-8000-%012d", kind, n))
	}
	schools := make([]school.School, 100)
	for i := range schools {
		schools[i] = school.School{ID: numbered("c", i), Name: fmt.Sprintf("S%d", i)}
	}
	school.Schools(t, s.db, schools...)
	list := make([]school.Person, learners)
	var places []school.Enrolment
	for n := range list {
		i := n + 1
		p := school.Person{ID: numbered("a", i), UserName: fmt.Sprintf("P%d", i), GivenName: "Ann", FamilyName: "Brown", SchoolID: numbered("c", i%100), Roles: []string{"student"}}
		switch {
		case i%11 < 2:
			p.State = "suspended"
		case i%300 == 8:
			p.State = "erased"
		}
		if i%13 > 0 {
			p.Grade = fmt.Sprint(7 + i%5)
		}
		switch i % 100 {
		case 33:
			p.Roles = []string{"teacher"}
		case 7, 57:
			places = append(places, school.Enrolment{Class: class, Learner: p.ID})
		case 58:
			places = append(places, school.Enrolment{Class: class, Learner: p.ID, LeftAt: now})
		}
		list[n] = p
	}
	school.People(t, s.db, list...)
	school.Enrolments(t, s.db, places...)
	conn := s.Direct(t)
	if _, err := conn.Exec(ctx, "SET search_path = tenant_jamaica; ANALYZE"); err != nil {
		t.Fatal(err)
	}
	seventh := numbered("c", 7)
	for _, of := range []*uuid.UUID{nil, &seventh, {}} {
		want := map[string]int{}
		rows, err := conn.Query(ctx, `SELECT u.grade, count(*)::integer FROM users u JOIN user_roles r ON r.user_id = u.id AND r.role = 'student'
			WHERE u.state = 'active' AND u.grade <> '' AND ($1::uuid IS NULL OR u.school_id = $1::uuid) AND u.user_name_key !~ '^p(.*[05])?7$' GROUP BY 1`, of)
		if err != nil {
			t.Fatal(err)
		}
		var grade string
		var n int
		_, err = pgx.ForEachRow(rows, []any{&grade, &n}, func() error { want[grade] = n; return nil })
		if err != nil || (len(want) == 5) != (of == nil) {
			t.Fatal(want, err)
		}
		h := &testkit.Heard{}
		s.read(func(q tenants.Querier) error {
			h.Querier = q
			got, err := classes.Grades(ctx, h, of, class)
			if err != nil {
				return err
			}
			for _, g := range got {
				if want[g.Grade] != g.Learners {
					t.Errorf("grade %s has %d, want %d", g.Grade, g.Learners, want[g.Grade])
				}
			}
			if len(got) != len(want) {
				t.Errorf("%d grades, want %d", len(got), len(want))
			}
			for _, grade := range []string{"8", "9", "6"} {
				ids, err := classes.WithoutPlace(ctx, q, of, grade, class, learners)
				if err != nil || len(ids) != want[grade] {
					t.Errorf("%d without a place in grade %s, want %d (%v)", len(ids), grade, want[grade], err)
				}
			}
			return nil
		})
		if n := h.Explain(t, conn).Read("users", "user_roles"); n > 700 {
			t.Errorf("the forms are counted among %d people: %s", n, h.SQL)
		}
	}
}
