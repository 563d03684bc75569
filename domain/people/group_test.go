package people

import (
	"testing"

	"github.com/google/uuid"

	"lignum/tenants"
	"lignum/tests/school"
)

// Groups add up and take away, each with arguments of its own; the zero group is nobody.
func TestGroupsNarrowAList(t *testing.T) {
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
		r.read(func(q *tenants.Reader) error {
			page, err := Users(r.ctx, q, f)
			got := ""
			for _, u := range page.Users {
				got += u.UserName + " "
			}
			if got != want {
				t.Errorf("%+v: %q, want %q", f, got, want)
			}
			return err
		})
	}
}

func TestCardsOfAGroup(t *testing.T) {
	r := newRoom(t)
	at := school.Schools(t, r.db, school.School{Name: "Harbour High"})[0]
	var ids []uuid.UUID
	for _, name := range []string{"Ann", "Ben", "Cleo"} {
		u, _, err := r.create(NewUser{GivenName: name, FamilyName: "Brown", Roles: []string{Student}})
		r.ok(err)
		ids = append(ids, u.ID)
	}
	head := r.user("head", "school_administrator")
	r.do(`UPDATE users SET school_id = $1::uuid WHERE id IN ($2::uuid, $3::uuid)`, at.String(), head.String(), ids[0].String())
	group := GroupOf(`SELECT id FROM users WHERE id IN (?::uuid, ?::uuid)`, ids[0], ids[1])
	for reach, want := range map[CardReach]int{{}: 2, {SchoolOf: head}: 1, {SchoolOf: head, Unclaimed: true}: 1} {
		r.ok(r.write(func(tx *tenants.Tx) error {
			cards, err := reach.GroupCards(r.ctx, tx, group, "class", "a class", r.now)
			if len(cards) != want {
				t.Errorf("%+v: %d cards, want %d", reach, len(cards), want)
			}
			return err
		}))
	}
	if n := r.number(`SELECT count(*) FROM audit_entries WHERE action = 'user.cards' AND object_kind = 'class' AND object_id = 'a class'`); n != 3 {
		t.Errorf("%d entries", n)
	}
}
