package assessment_test

import (
	"testing"

	"github.com/jackc/pgx/v5"

	"lignum/domain/assessment"
	"lignum/tenants"
)

// The tests of a class say what the viewer made of each, and nothing of anybody else.
func TestTestsOfAClass(t *testing.T) {
	s := newWorld(t, 2, rules{numbers: 1, feedback: "on_submit"})
	for n, score := range []int{300, 700} {
		s.do(`INSERT INTO attempts (id, test_id, course_id, learner_id, number, state, seed, paper, started_at, deadline, score, max_score)
			VALUES (gen_random_uuid(), $1::uuid, $2::uuid, $3::uuid, $4::integer, 'marked', 1, '{}', now(), now(), $5::integer, 1000)`,
			s.test.String(), s.course.String(), s.learners[0].String(), n, score)
	}
	s.do(`INSERT INTO attempts (id, test_id, course_id, learner_id, number, state, seed, paper, started_at, deadline)
		VALUES (gen_random_uuid(), $1::uuid, $2::uuid, $3::uuid, 2, 'open', 1, '{}', now(), now())`, s.test.String(), s.course.String(), s.learners[0].String())
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
