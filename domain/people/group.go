package people

import (
	"strconv"
	"strings"

	"github.com/google/uuid"
)

// Group is some people of a tenant that another room knows: those who have a place in a class, those that somebody coaches. The room that
// owns what they have in common makes it; what lists people, prints their cards or ranks them takes it, and needs to know nothing of
// that room. The zero value is nobody.
type Group struct {
	ids string // the statement that selects their ids
	of  []string
}

// constant is text that stands in a program: no other package can name the type, so that whatever they give for it is a constant of
// theirs, and no input can become SQL.
type constant string

// GroupOf makes a group of a statement that selects the people's ids, with a question mark for each of the ids that it takes, as in
// "SELECT learner_id FROM places WHERE class_id = ?::uuid".
func GroupOf(ids constant, of ...uuid.UUID) Group { return Group{string(ids), texts(of)} }

// Has returns the condition that a person is in the group, and its arguments: person is the SQL expression of the person's id, and the
// first argument is $from.
func (g Group) Has(person constant, from int) (string, []any) {
	ids, args := g.numbered(from)
	return string(person) + " IN (" + ids + ")", args
}

// lacks is the condition that a person is not in the group. Each is looked up by key: for NOT IN the whole group would be read.
func (g Group) lacks(person constant, from int) (string, []any) {
	ids, args := g.numbered(from)
	return "NOT EXISTS (SELECT FROM (" + ids + ") g (id) WHERE g.id = " + string(person) + ")", args
}

func (g Group) numbered(from int) (ids string, args []any) {
	if ids = g.ids; ids == "" {
		ids = "SELECT NULL::uuid WHERE false"
	}
	for i, id := range g.of {
		ids, args = strings.Replace(ids, "?", "$"+strconv.Itoa(from+i), 1), append(args, id)
	}
	return ids, args
}
