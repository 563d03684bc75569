package people

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"lignum/tenants"
)

// listed keeps the statement that a list becomes, and lets it through.
type listed struct {
	*tenants.Reader
	sql  string
	args []any
}

func (l *listed) Query(ctx context.Context, sql string, args ...any) (pgx.Rows, error) {
	l.sql, l.args = sql, args
	return l.Reader.Query(ctx, sql, args...)
}

const townsfolk = 6_000

// town has people of whom one in thirty teaches, few are suspended, and the names that are looked for are the last ones.
func town(t *testing.T, r *room) (*pgx.Conn, []User) {
	t.Helper()
	conn := r.w.Direct(t)
	if _, err := conn.Exec(r.ctx, fmt.Sprintf(`SET search_path = tenant_jamaica;
		INSERT INTO schools (id, name) SELECT ('c0000000-0000-7000-8000-' || lpad(i::text, 12, '0'))::uuid, 'S' || i FROM generate_series(0, 99) i;
		INSERT INTO users (id, user_name, user_name_key, given_name, family_name, school_id, state, password_hash, grade)
		SELECT ('a0000000-0000-7000-8000-' || lpad(i::text, 12, '0'))::uuid, 'P' || i, 'p' || i, (ARRAY['Ann', 'young', 'Bo', 'Zoë', 'Cy'])[1 + i %% 5], (ARRAY['Adams', 'Brown', 'clarke', 'Young', 'Zeal'])[1 + i / 7 %% 5],
			('c0000000-0000-7000-8000-' || lpad((i %% 100)::text, 12, '0'))::uuid, CASE WHEN i %% 300 = 7 THEN 'suspended' WHEN i %% 300 = 8 THEN 'erased' ELSE 'active' END, CASE WHEN i %% 40 <> 3 THEN 'x' END, (7 + i %% 5)::text
		FROM generate_series(1, %d) i;
		INSERT INTO user_roles (user_id, role) SELECT id, CASE WHEN user_name_key LIKE '%%00' THEN 'coach' WHEN user_name_key LIKE '%%33' THEN 'teacher' ELSE 'student' END FROM users ON CONFLICT DO NOTHING; ANALYZE`, townsfolk)); err != nil {
		t.Fatal(err)
	}
	rows, err := conn.Query(r.ctx, userSQL+` WHERE u.state <> 'erased'`)
	if err != nil {
		t.Fatal(err)
	}
	all, err := pgx.CollectRows(rows, pgx.RowToStructByPos[User])
	if err != nil {
		t.Fatal(err)
	}
	return conn, all
}

// place is where somebody stands in the list of a filter; "" where they are not in it.
func place(f UserFilter, u User) string {
	if f.Role != "" && !slices.Contains(u.Roles, f.Role) || f.State != "" && u.State != f.State || f.NoCard && u.HasPassword || f.SchoolID != nil && (u.SchoolID == nil || *u.SchoolID != *f.SchoolID) {
		return ""
	}
	family, given, name := strings.ToLower(u.FamilyName), strings.ToLower(u.GivenName), strings.ToLower(u.UserName)
	words := strings.Fields(strings.ToLower(f.Prefix))
	order := func(parts ...string) string { return strings.Join(append(parts, u.ID.String()), "\x00") }
	switch {
	case len(words) == 0:
		return order("0", u.FamilyName, u.GivenName)
	case len(words) == 2:
		if strings.HasPrefix(given, words[0]) && strings.HasPrefix(family, words[1]) {
			return order("0", given, family)
		}
	case strings.HasPrefix(family, words[0]):
		return order("0", family, given)
	case strings.HasPrefix(given, words[0]):
		return order("1", given, family)
	case strings.HasPrefix(name, words[0]):
		return order("2", name, "")
	}
	return ""
}

// Page after page lists exactly those who fit, each once and in order, and no page looks at more people than a small part of the tenant.
func TestAListOfPeopleIsReadThroughIndexes(t *testing.T) {
	r := newRoom(t)
	conn, all := town(t, r)
	school := uuid.MustParse("c0000000-0000-7000-8000-000000000007")
	for _, prefix := range []string{"", "young", "y", "z", "p59", "nobody", "young you", "zoë z"} {
		for _, role := range []string{"", Student, "teacher", "coach", "nothing"} {
			for i, f := range []UserFilter{{}, {State: "active"}, {State: "suspended"}, {NoCard: true}, {SchoolID: &school}} {
				f.Prefix, f.Role, f.Limit = prefix, role, 10
				var want []string
				for _, u := range all {
					if p := place(f, u); p != "" {
						want = append(want, p)
					}
				}
				slices.Sort(want)
				want = want[:min(len(want), 40)]
				var got []string
				for page := range 4 {
					l := &listed{}
					var p UserPage
					r.read(func(q *tenants.Reader) (err error) { l.Reader = q; p, err = Users(r.ctx, l, f); return err })
					for _, u := range p.Users {
						got = append(got, place(f, u))
					}
					if prefix == "" && (role == "" || i == 0) || role == "" && i == 0 || f.SchoolID != nil { // of two things at once only the rarer has an index
						if n := peopleRead(t, conn, l); n > 700 {
							t.Errorf("page %d of %+v looks at %d of %d: %s", page, f, n, townsfolk, l.sql)
						}
					}
					if f.After = p.Next; f.After == "" {
						break
					}
				}
				if !slices.Equal(got, want) {
					t.Errorf("%+v: %d people, want %d, or in another order", f, len(got), len(want))
				}
			}
		}
	}
}

type listPlan struct {
	Node    string     `json:"Node Type"`
	Table   string     `json:"Relation Name"`
	Rows    float64    `json:"Actual Rows"`
	Loops   float64    `json:"Actual Loops"`
	Removed float64    `json:"Rows Removed by Filter"`
	Plans   []listPlan `json:"Plans"`
}

func (p listPlan) read() (n float64) {
	if p.Table == "users" || p.Table == "user_roles" {
		n = (p.Rows + p.Removed) * p.Loops
	}
	for _, c := range p.Plans {
		n += c.read()
	}
	return n
}

// peopleRead tells how many accounts and roles a statement looked at.
func peopleRead(t *testing.T, conn *pgx.Conn, l *listed) int {
	t.Helper()
	var raw []byte
	if err := conn.QueryRow(t.Context(), "EXPLAIN (ANALYZE, FORMAT JSON) "+l.sql, slices.Concat([]any{pgx.QueryExecModeExec}, l.args)...).Scan(&raw); err != nil {
		t.Fatal(err)
	}
	var plans []struct{ Plan listPlan }
	if err := json.Unmarshal(raw, &plans); err != nil {
		t.Fatal(err)
	}
	return int(plans[0].Plan.read())
}
