package assessment_test

import (
	"testing"

	"github.com/jackc/pgx/v5"

	"lignum/domain/assessment"
	"lignum/tenants"
	"lignum/tests/school"
)

// The tests of a class say what the viewer made of each, and nothing of anybody else.
func TestTestsOfAClass(t *testing.T) {
	s := newWorld(t, 2, rules{numbers: 1, feedback: "on_submit"})
	a := school.Attempt{Test: s.test, Course: s.course, Learner: s.learners[0]}
	first, second, open := a, a, a
	first.Score, first.MaxScore = 300, 1000
	second.Number, second.Score, second.MaxScore = 2, 700, 1000
	open.Number, open.State = 3, "open"
	school.Attempts(t, s.db, first, second, open)
	s.read(func(q tenants.Querier) error {
		var mine, theirs []assessment.TestState
		b := &pgx.Batch{}
		assessment.QueueClassTests(b, s.class, s.learners[0], &mine)
		assessment.QueueClassTests(b, s.class, s.learners[1], &theirs)
		if err := q.SendBatch(ctx, b).Close(); err != nil {
			return err
		}
		if len(mine) != 1 || mine[0].ID != s.test || mine[0].Title != "Paper 1" || mine[0].Items != 1 || mine[0].Made != 3 || mine[0].Best == nil || *mine[0].Best != 70 {
			t.Errorf("mine: %+v", mine)
		}
		if len(theirs) != 1 || theirs[0].Made != 0 || theirs[0].Best != nil {
			t.Errorf("theirs: %+v", theirs)
		}
		return nil
	})
}
