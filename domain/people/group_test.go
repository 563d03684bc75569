package people

import (
	"testing"

	"github.com/google/uuid"

	"lignum/domain"
	"lignum/tenants"
)

// Groups add up and take away, each with arguments of its own; the zero group is nobody.
func TestGroupsNarrowAList(t *testing.T) {
	t.Parallel()
	r := newRoom(t)
	ada, ben, cleo := r.user("ada", Student), r.user("ben", Student), r.user("cleo", Student)
	two := func(a, b uuid.UUID) Group {
		return GroupOf(`SELECT id FROM users WHERE id IN (?::uuid, ?::uuid)`, a, b)
	}
	none, all := Group{}, two(ada, ben)
	for want, f := range map[string]UserFilter{
		"ada ben ":  {In: []Group{all}},
		"ben ":      {In: []Group{all, two(ben, cleo)}},
		"ada ":      {In: []Group{all}, NotIn: []Group{two(ben, cleo)}, State: "active", Role: Student},
		"ada cleo ": {NotIn: []Group{two(ben, ben), none}, Role: Student},
		"":          {In: []Group{all, none}},
	} {
		r.Read(func(q *tenants.Reader) error {
			page, err := Users(r.Ctx, q, f, domain.Page{})
			got := ""
			for _, u := range page.Items {
				got += u.UserName + " "
			}
			if got != want {
				t.Errorf("%+v: %q, want %q", f, got, want)
			}
			return err
		})
	}
}
