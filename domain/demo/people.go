package demo

import (
	"context"
	"fmt"

	"github.com/google/uuid"

	"lignum/domain/demo/rows"
	"lignum/tenants"
)

// storePeople adds accounts with the shared password.
func (r *room) storePeople(ctx context.Context, tx *tenants.Tx, list []rows.Person, hash string) error {
	for i := range list {
		list[i].PasswordHash = hash
	}
	return rows.People(ctx, tx, r.db.Realm(), r.in.Now, list)
}

// numbered makes the people stem<from> to stem<to> of a role, each with a name from the part's own random source.
func (r *room) numbered(stem, role string, from, to int) []rows.Person {
	rnd := r.random(fmt.Sprintf("%s %d", stem, from))
	list := make([]rows.Person, 0, to-from+1)
	for n := from; n <= to; n++ {
		p := rows.Person{ID: r.userID(stem, n), UserName: fmt.Sprintf("%s%d", stem, n), GivenName: pick(rnd, givenNames), FamilyName: pick(rnd, familyNames), Roles: []string{role}}
		if role != "student" {
			p.Email = p.UserName + "@" + r.db.Realm().Name() + ".example"
		}
		list = append(list, p)
	}
	return list
}

// userID is the id of the n-th of a kind of demo people.
func (r *room) userID(stem string, n int) uuid.UUID { return r.id("user "+stem, n) }
