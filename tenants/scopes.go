package tenants

import (
	"github.com/google/uuid"
	"gorm.io/gorm"
	"gorm.io/gorm/clause"
)

// What the entities of all rooms share. A scope is a function of a statement; those of one entity stand beside its model.

// Held, given to Entity, keeps others from changing the rows that are read until the transaction ends. Rows that refer to them may come all the same.
var Held = clause.Locking{Strength: "NO KEY UPDATE"}

// OneOf is a scope: the rows whose column is one of these values, which travel as one list however many they are.
func OneOf[V string | uuid.UUID](column string, values []V) func(*gorm.Statement) {
	texts, cast := make([]string, len(values)), "text[]"
	switch values := any(values).(type) {
	case []string:
		copy(texts, values)
	case []uuid.UUID:
		cast = "text[]::uuid[]"
		for i, id := range values {
			texts[i] = id.String()
		}
	}
	return func(s *gorm.Statement) { s.Where(column+" = ANY(?::"+cast+")", wholeList{texts}) }
}

// wholeList is a list that GORM does not take apart.
type wholeList struct{ texts []string }

// Page is a scope: at most limit rows in the order of some columns, "name, id", after the row that has these values of them; without values from
// the first.
func Page(columns string, after []string, limit int) func(*gorm.Statement) {
	return func(s *gorm.Statement) {
		if len(after) > 0 {
			s.Where("("+columns+") > ?", after)
		}
		s.Order(columns).Limit(limit)
	}
}
