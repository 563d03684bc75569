package assessment_test

import (
	"github.com/google/uuid"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"lignum/domain/assessment"
	"lignum/domain/catalog/item"
)

func TestMeasure(t *testing.T) {
	s := newSchool(t, 1, rules{feedback: "on_submit", sets: 20, numbers: 40})
	s.do(`INSERT INTO users (id, user_name, user_name_key, given_name, family_name) SELECT gen_random_uuid(), 'm' || n, 'm' || n, 'G', 'F' FROM generate_series(1, 4000) n`)
	s.do(`INSERT INTO enrolments (class_id, learner_id) SELECT $1::uuid, id FROM users WHERE user_name LIKE 'm%'`, s.class.String())
	s.do(`ANALYZE`)
	var ids []string
	conn := s.Direct(t)
	rows, err := conn.Query(ctx, `SELECT id::text FROM tenant_jamaica.users WHERE user_name LIKE 'm%'`)
	if err != nil {
		t.Fatal(err)
	}
	for rows.Next() {
		var id string
		rows.Scan(&id)
		ids = append(ids, id)
	}
	attempts := make([]assessment.Attempt, len(ids))
	each := func(what string, fn func(i int)) {
		var next atomic.Int64
		var wg sync.WaitGroup
		start := time.Now()
		for range 16 {
			wg.Go(func() {
				for {
					i := int(next.Add(1)) - 1
					if i >= len(ids) {
						return
					}
					fn(i)
				}
			})
		}
		wg.Wait()
		t.Logf("%s: %.0f a second", what, float64(len(ids))/time.Since(start).Seconds())
	}
	each("start", func(i int) {
		a, err := s.tryStart(s.exams, mustID(ids[i]), now)
		if err != nil {
			t.Error(err)
		}
		attempts[i] = a
	})
	each("paper", func(i int) { s.paper(attempts[i], now) })
	each("save", func(i int) { s.mustSave(attempts[i].Ticket(), now, answer(30, 1, item.Response{Number: "3"})) })
	each("save", func(i int) { s.mustSave(attempts[i].Ticket(), now, answer(31, 1, item.Response{Number: "3"})) })
	each("submit", func(i int) {
		if i%2 == 0 {
			if _, err := s.submit(attempts[i], now); err != nil {
				t.Error(err)
			}
		}
	})
	start := time.Now()
	n, sum := 1, 0
	for n > 0 {
		if n, err = s.exams.CloseOverdue(ctx, s.db, 200, now.Add(3*time.Hour), today); err != nil {
			t.Fatal(err)
		}
		sum += n
	}
	t.Logf("close: %d, %.0f a second", sum, float64(sum)/time.Since(start).Seconds())
}

func mustID(s string) uuid.UUID {
	u, err := uuid.Parse(s)
	if err != nil {
		panic(err)
	}
	return u
}
