package assessment_test

import (
	"fmt"
	"os"
	"strings"
	"sync"
	"testing"

	"github.com/jackc/pgx/v5"

	"lignum/domain/assessment"
	"lignum/domain/catalog/item"
)

// saveSQLBefore is how a program from before a save was one row stores answers: $1 the attempt, $2 positions, $3 counters, $4 responses.
const saveSQLBefore = `WITH attempt AS (
	SELECT id FROM attempts WHERE id = $1::uuid AND state = 'open' FOR KEY SHARE
), stored AS (
	INSERT INTO responses (attempt_id, position, counter, response, saved_at)
	SELECT attempt.id, s.position, s.counter, s.response::jsonb, now()
	FROM attempt CROSS JOIN unnest($2::bigint[], $3::bigint[], $4::text[]) AS s (position, counter, response) ORDER BY s.position, s.counter
	ON CONFLICT DO NOTHING RETURNING position, counter, response
) SELECT count(*) FROM stored`

func (s *world) saveBefore(a assessment.Attempt, position int, counter int64, number string) (fresh int) {
	s.t.Helper()
	b := &pgx.Batch{}
	b.Queue(saveSQLBefore, a.ID.String(), []int64{int64(position)}, []int64{counter}, []string{fmt.Sprintf(`{"number": %q}`, number)})
	err := s.db.WriteOneTrip(ctx, b, func(res pgx.BatchResults) error { return res.QueryRow().Scan(&fresh) })
	if err != nil {
		s.t.Error(err)
	}
	return fresh
}

// numbers are the answers that count, by position, as a learner who opens the paper again finds them.
func (s *world) numbers(a assessment.Attempt) (list []string) {
	for _, q := range s.paper(a, now).Questions {
		list = append(list, fmt.Sprint(q.Counter, strings.TrimSuffix(strings.TrimPrefix(string(q.Response), `{"number": `), "}")))
	}
	return list
}

// While processes are replaced, one from before and one from after the change save beside each other: nothing is lost or doubled.
func TestAProgramFromBeforeSavesBesideThisOne(t *testing.T) {
	t.Parallel()
	s := newWorld(t, 1, rules{feedback: "on_submit", numbers: 3})
	a := s.start(s.learners[0], now)
	if fresh := s.saveBefore(a, 2, 5, "1"); fresh != 1 {
		t.Errorf("%d were new", fresh)
	}
	if fresh := s.saveBefore(a, 2, 5, "2"); fresh != 0 {
		t.Errorf("%d were new the second time", fresh)
	}
	if kept := s.mustSave(a.Ticket(), now, answer(2, 5, item.Response{Number: "3"}), answer(2, 4, item.Response{Number: "4"}), answer(0, 1, item.Response{Number: "5"})); fmt.Sprint(kept) != "[{0 1 true} {2 5 false}]" {
		t.Errorf("kept %v", kept)
	}
	if got := fmt.Sprint(s.numbers(a)); got != `[1"5" -1 5"1"]` {
		t.Errorf("the paper has %s", got)
	}
	var wg sync.WaitGroup
	for k := range 4 {
		wg.Go(func() {
			for i := range 10 {
				counter := int64(100 + 4*i + k)
				if k%2 == 0 {
					s.saveBefore(a, 1, counter, fmt.Sprint(counter))
				} else if kept := s.mustSave(a.Ticket(), now, answer(1, counter, item.Response{Number: fmt.Sprint(counter)})); !kept[0].Stored {
					t.Errorf("%d was not stored", counter)
				}
			}
		})
	}
	wg.Wait()
	if n := s.number(`SELECT count(DISTINCT (position, counter)) FROM responses WHERE attempt_id = $1::uuid AND position = 1`, a.ID.String()); n != 40 {
		t.Errorf("%d of 40 answers are there", n)
	}
	if n := s.number(`SELECT count(*) FROM responses WHERE attempt_id = $1::uuid`, a.ID.String()); n != 43 {
		t.Errorf("%d answers, want 43", n)
	}
	if got := fmt.Sprint(s.numbers(a)); got != `[1"5" 139"139" 5"1"]` {
		t.Errorf("the paper has %s", got)
	}
}

// Answers that were stored one by one are there after the migration: those of attempts under way, which go on, and those that are over.
func TestAnswersFromBeforeTheMigration(t *testing.T) {
	t.Parallel()
	s := newWorld(t, 2, rules{feedback: "on_submit", numbers: 3})
	over, open := s.start(s.learners[0], now), s.start(s.learners[1], now)
	s.mustSave(over.Ticket(), now, answer(0, 1, item.Response{Number: "7"}), answer(0, 3, item.Response{Number: "8"}), answer(2, 1, item.Response{Number: "9"}))
	s.mustSave(open.Ticket(), now, answer(1, 4, item.Response{Number: "1"}), answer(1, 2, item.Response{Number: "2"}), answer(2, 1, item.Response{Number: "3"}))
	if _, err := s.submit(over, now); err != nil {
		t.Fatal(err)
	}
	tenant := s.Tenant(realm)
	raw, err := os.ReadFile("../../tenants/provision/migrations/tenant/0013_player.sql")
	if err != nil {
		t.Fatal(err)
	}
	fill := strings.NewReplacer("{{login}}", tenant.LoginRole, "{{owner}}", tenant.OwnerRole, "{{schema}}", tenant.SchemaName).Replace
	// Back to how it was, and the migration once more. Meanwhile what has the same name since is aside.
	const later = `ALTER FUNCTION save_answers%s(uuid, jsonb, uuid, uuid, timestamptz, timestamptz, smallint[], bigint[], jsonb) RENAME TO save_answers%s;
		ALTER FUNCTION start_attempt%[1]s(uuid, jsonb, uuid, uuid, timestamptz, uuid, bigint, uuid[], date) RENAME TO start_attempt%[2]s;`
	if _, err := s.Direct(t).Exec(ctx, fill(`BEGIN; SET LOCAL ROLE {{owner}}; SET LOCAL search_path = {{schema}}; `+fmt.Sprintf(later, "", "_later")+`
		INSERT INTO single_responses SELECT * FROM responses; DROP VIEW responses; DROP TABLE saves CASCADE;
		DROP FUNCTION save_one_response, latest_answers, start_facts, attempt_paper, attempt_facts, attempt_records, store_scores;
		ALTER TABLE single_responses RENAME TO responses;
		`+string(raw)+`; `+fmt.Sprintf(later, "_later", "")+` COMMIT`)); err != nil {
		t.Fatal(err)
	}
	if n := s.number(`SELECT count(*) FROM saves`); n != 1 {
		t.Errorf("%d saves after it, want one, of the attempt under way", n)
	}
	if got := fmt.Sprint(s.numbers(open)); got != `[-1 4"1" 1"3"]` {
		t.Errorf("the paper has %s", got)
	}
	kept := s.mustSave(open.Ticket(), now, answer(1, 2, item.Response{Number: "2"}), answer(1, 4, item.Response{Number: "5"}), answer(0, 1, item.Response{Number: "6"}), answer(2, 2, item.Response{Number: "4"}))
	if fmt.Sprint(kept) != "[{0 1 true} {1 4 false} {2 2 true}]" {
		t.Errorf("kept %v", kept)
	}
	for a, want := range map[assessment.Attempt]string{over: "[8  9]", open: "[6 1 4]"} {
		if a.ID == open.ID {
			if _, err := s.submit(open, now); err != nil {
				t.Fatal(err)
			}
		}
		var got []string
		for _, q := range s.result(a.ID, false, now).Questions {
			got = append(got, strings.Trim(strings.TrimPrefix(string(q.Response), `{"number": `), `"}`))
		}
		if fmt.Sprint(got) != want {
			t.Errorf("the result has %q, want %s", got, want)
		}
	}
}
