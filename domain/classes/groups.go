package classes

import (
	"github.com/google/uuid"

	"lignum/domain/people"
)

// Members are those who have a place in a class, whatever became of it.
func Members(class uuid.UUID) people.Group {
	return people.GroupOf(`SELECT learner_id FROM places WHERE class_id = ?::uuid`, class)
}

// Schoolmates are those who have a place in a class and belong to the school of an account: a class may have learners of several.
func Schoolmates(class, account uuid.UUID) people.Group {
	return people.GroupOf(`SELECT p.learner_id FROM places p JOIN users m ON m.id = p.learner_id
		WHERE p.class_id = ?::uuid AND m.school_id = (SELECT school_id FROM users WHERE id = ?::uuid)`, class, account)
}

// Coached are the learners of a coach: those who have a place in an active class of theirs.
func Coached(coach uuid.UUID) people.Group {
	return people.GroupOf(`SELECT learner_id FROM coached WHERE coach_id = ?::uuid`, coach)
}
