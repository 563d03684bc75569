package classes_test

import (
	"fmt"
	"testing"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"lignum/domain/classes"
	"lignum/tenants"
	"lignum/tests/testkit"
)

// The forms of a country are known without looking at its learners, and what is told of them is what counting them tells. Those without a
// place are of the school that is named, of any, or, where the school is nobody's, nobody.
func TestFormsOfACountryAreKept(t *testing.T) {
	s := newSchool(t, 0)
	class := s.class(s.fields(900))
	conn := s.Direct(t)
	const learners = 6_000
	if _, err := conn.Exec(ctx, fmt.Sprintf(`SET search_path = tenant_jamaica;
		INSERT INTO schools (id, name) SELECT ('c0000000-0000-7000-8000-' || lpad(i::text, 12, '0'))::uuid, 'S' || i FROM generate_series(0, 99) i;
		INSERT INTO users (id, user_name, user_name_key, given_name, family_name, school_id, state, grade)
		SELECT ('a0000000-0000-7000-8000-' || lpad(i::text, 12, '0'))::uuid, 'P' || i, 'p' || i, 'Ann', 'Brown', ('c0000000-0000-7000-8000-' || lpad((i %% 100)::text, 12, '0'))::uuid,
			CASE WHEN i %% 11 < 2 THEN 'suspended' WHEN i %% 300 = 8 THEN 'erased' ELSE 'active' END, CASE WHEN i %% 13 > 0 THEN (7 + i %% 5)::text ELSE '' END
		FROM generate_series(1, %d) i;
		INSERT INTO user_roles (user_id, role) SELECT id, CASE WHEN user_name_key LIKE '%%33' THEN 'teacher' ELSE 'student' END FROM users WHERE user_name_key LIKE 'p%%';
		INSERT INTO enrolments (class_id, learner_id, state) SELECT '%s', id, CASE WHEN user_name_key LIKE '%%7' THEN 'active' ELSE 'left' END FROM users WHERE user_name_key ~ '^p.*(07|57|58)$'; ANALYZE`, learners, class)); err != nil {
		t.Fatal(err)
	}
	school := uuid.MustParse("c0000000-0000-7000-8000-000000000007")
	for _, of := range []*uuid.UUID{nil, &school, {}} {
		want := map[string]int{}
		rows, err := conn.Query(ctx, `SELECT u.grade, count(*)::integer FROM users u JOIN user_roles r ON r.user_id = u.id AND r.role = 'student'
			WHERE u.state = 'active' AND u.grade <> '' AND ($1::uuid IS NULL OR u.school_id = $1::uuid) AND u.user_name_key !~ '^p.*(07|57)$' GROUP BY 1`, of)
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
