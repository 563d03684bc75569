package people

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"lignum/domain"
	"lignum/tenants"
	"lignum/tests/school"
	"lignum/tests/testkit"
)

const townsfolk = 6_000

// wards are those whose number ends with 50, as a group of their guardian's.
var wards = GroupOf(`SELECT learner_id FROM guardianships WHERE guardian_id = ?::uuid`, uuid.MustParse("a0000000-0000-7000-8000-000000000001"))

func isWard(u User) bool { return strings.HasSuffix(u.UserName, "50") }

// numbered is the id of the n-th of a kind, which a hexadecimal digit names.
func numbered(kind string, n int) uuid.UUID {
	return uuid.MustParse(fmt.Sprintf("%s0000000-0000-7000-8000-%012d", kind, n))
}

// town has people of whom one in thirty teaches, one in eight waits for a password, one in six is suspended, and the names that are looked for are the last ones.
func town(t *testing.T, r *room) (*pgx.Conn, []User) {
	t.Helper()
	schools := make([]school.School, 100)
	for i := range schools {
		schools[i] = school.School{ID: numbered("c", i), Name: fmt.Sprintf("S%d", i)}
	}
	school.Schools(t, r.DB, schools...)
	list := make([]school.Person, townsfolk)
	var wardIDs []uuid.UUID
	for n := range list {
		i := n + 1
		p := school.Person{ID: numbered("a", i), UserName: fmt.Sprintf("P%d", i), GivenName: []string{"Ann", "young", "Bo", "Zoë", "Cy"}[i%5],
			FamilyName: []string{"Adams", "Brown", "clarke", "Young", "Zeal"}[i/7%5], SchoolID: numbered("c", i%100), PasswordHash: "x", Grade: fmt.Sprint(7 + i%5), Roles: []string{Student}}
		switch {
		case i%11 < 2:
			p.State = "suspended"
		case i%300 == 8:
			p.State = "erased"
		}
		if i%8 == 3 {
			p.PasswordHash = ""
		}
		switch i % 100 {
		case 0:
			p.Roles = []string{"coach"}
		case 33:
			p.Roles = []string{"teacher"}
		case 50:
			wardIDs = append(wardIDs, p.ID)
		}
		list[n] = p
	}
	school.People(t, r.DB, list...)
	school.Guardian(t, r.DB, list[0].ID, wardIDs...)
	conn := r.World.Direct(t)
	if _, err := conn.Exec(r.Ctx, "SET search_path = tenant_jamaica; ANALYZE"); err != nil {
		t.Fatal(err)
	}
	rows, err := conn.Query(r.Ctx, userSQL+` WHERE u.state <> 'erased'`)
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
	if f.Role != "" && !slices.Contains(u.Roles, f.Role) || f.State != "" && u.State != f.State || f.NoCard && u.HasPassword || f.SchoolID != nil && (u.SchoolID == nil || *u.SchoolID != *f.SchoolID) ||
		f.Grade != "" && u.Grade != f.Grade || f.NotIn != nil && isWard(u) || f.In != nil && !isWard(u) {
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
	t.Parallel()
	r := newRoom(t)
	conn, all := town(t, r)
	school := uuid.MustParse("c0000000-0000-7000-8000-000000000007")
	for _, prefix := range []string{"", "young", "y", "z", "p59", "nobody", "young you", "zoë z"} {
		for _, role := range []string{"", Student, "teacher", "coach", "nothing"} {
			for i, f := range []UserFilter{{}, {State: "active"}, {State: "suspended"}, {NoCard: true}, {NoCard: true, State: "active"}, {SchoolID: &school}, {Grade: "9"}, {Grade: "13"}, {State: "active", NotIn: []Group{wards}}, {Grade: "9", State: "active", NotIn: []Group{wards}},
				{In: []Group{wards}}, {In: []Group{wards}, State: "active", Grade: "7"}} {
				f.Prefix, f.Role = prefix, role
				var want []string
				for _, u := range all {
					if p := place(f, u); p != "" {
						want = append(want, p)
					}
				}
				slices.Sort(want)
				want = want[:min(len(want), 40)]
				var got []string
				part := domain.Page{Limit: 10}
				for page := range 4 {
					l := &testkit.Heard{}
					var p domain.List[User]
					r.Read(func(q *tenants.Reader) (err error) { l.Querier = q; p, err = Users(r.Ctx, l, f, part); return err })
					for _, u := range p.Items {
						got = append(got, place(f, u))
					}
					if i < 2 || i == 8 || prefix == "" && role == "" && f.In == nil || (f.NoCard || f.State == "suspended") && (role == "" || prefix == "") || f.SchoolID != nil { // of more at once only the rarer has an index
						if n := l.Explain(t, conn).Read("users", "user_roles"); n > 700 {
							t.Errorf("page %d of %+v looks at %d of %d: %s", page, f, n, townsfolk, l.SQL)
						}
					}
					if part.After = p.Next; part.After == "" {
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

// A page of schools, the search for one and the list of regions read what they show, of however many schools.
func TestSchoolsAreReadThroughIndexes(t *testing.T) {
	t.Parallel()
	r := newRoom(t)
	all := make([]school.School, 3000)
	for n := range all {
		i := n + 1
		all[n] = school.School{ID: numbered("c", i), SourceID: fmt.Sprintf("code-%d", i), Name: fmt.Sprintf("%s High %d", []string{"St. Mary's", "Harbour", "Hill", "École Bay"}[i%4], i),
			Region: fmt.Sprintf("Region %d", i%9), Closed: i%10 == 0}
	}
	school.Schools(t, r.DB, all...)
	conn := r.World.Direct(t)
	if _, err := conn.Exec(r.Ctx, "SET search_path = tenant_jamaica; ANALYZE schools"); err != nil {
		t.Fatal(err)
	}
	list := func(f SchoolFilter) (names []string) {
		part := domain.Page{Limit: 20}
		for range 3 {
			h := &testkit.Heard{}
			var page domain.List[School]
			r.Read(func(q *tenants.Reader) (err error) { h.Querier = q; page, err = Schools(r.Ctx, h, f, part); return err })
			if n := h.Explain(t, conn).Read("schools"); n > 300 {
				t.Errorf("%+v looks at %d schools: %s", f, n, h.SQL)
			}
			for _, s := range page.Items {
				names = append(names, s.Name)
			}
			if part.After = page.Next; part.After == "" {
				break
			}
		}
		return names
	}
	for query, want := range map[string]int{"": 60, "mary's 2997": 0, "mary 2996": 1, "ST. MARY'S high 2996": 1, "code-2998": 1, "2999": 1, "299": 11, "high hill 12": 27, "zzz": 0, "école 29": 28, "high": 60, "École HIGH 2998": 0, "...": 0, "a' | b:* \\ &": 0} {
		if got := list(SchoolFilter{Query: query}); len(got) != want {
			t.Errorf("%q finds %d, want %d: %v", query, len(got), want, got)
		}
	}
	for _, f := range []SchoolFilter{{Region: "Region 4"}, {Region: "Region 4", Open: true}, {Open: true}, {Query: "harbour", Region: "Region 2"}} {
		got := list(f)
		if len(got) != 60 || !slices.IsSorted(got) {
			t.Errorf("%+v lists %d: %v", f, len(got), got)
		}
	}
	h := &testkit.Heard{}
	r.Read(func(q *tenants.Reader) error {
		h.Querier = q
		regions, err := Regions(r.Ctx, h)
		if err != nil || len(regions) != 9 || !slices.IsSorted(regions) {
			t.Errorf("%v, %v", regions, err)
		}
		if n := h.Explain(t, conn).Read("schools"); n > 20 {
			t.Errorf("the regions are found in %d schools", n)
		}
		named, err := SchoolsNamed(r.Ctx, h, "hill HIGH 2002", false, 5)
		if err != nil || len(named) != 0 && named[0].Name != "Hill High 2002" {
			t.Errorf("%v, %v", named, err)
		}
		if n := h.Explain(t, conn).Read("schools"); n > 5 {
			t.Errorf("a school is found among %d", n)
		}
		return nil
	})
}
