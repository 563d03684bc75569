package assessment_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"pgregory.net/rapid"

	"lignum/domain"
	"lignum/domain/assessment"
	"lignum/domain/catalog/item"
	"lignum/tenants"
	_ "lignum/tests/tenth"
)

func (s *world) rows(a assessment.Attempt) (responses, entries int) {
	s.t.Helper()
	return s.number(`SELECT count(*) FROM responses WHERE attempt_id = $1::uuid`, a.ID.String()),
		s.number(`SELECT count(*) FROM audit_entries WHERE action = 'attempt.answer' AND object_id = $1::text`, a.ID.String())
}

func TestAReplayIsHarmlessAndTheEntryCarriesTheDigest(t *testing.T) {
	t.Parallel()
	s := newWorld(t, 1, rules{feedback: "on_submit", numbers: 3})
	a := s.start(s.learners[0], now)
	answers := []assessment.Answer{answer(1, 7, item.Response{Number: "5"}), answer(0, 3, item.Response{Number: "4"})}
	for range 3 {
		kept := s.mustSave(a.Ticket(), now, answers...)
		if fmt.Sprint(kept) != "[{0 3 true} {1 7 true}]" {
			t.Errorf("acknowledged %v", kept)
		}
	}
	if n, entries := s.rows(a); n != 2 || entries != 1 {
		t.Errorf("%d rows and %d entries after the same save three times", n, entries)
	}
	same := s.number(`SELECT count(*) FROM audit_trail e WHERE action = 'attempt.answer' AND (e.after->>'rows')::integer = 2 AND e.after->>'sha256' =
		(SELECT encode(sha256(convert_to(string_agg(position || ':' || counter || ':' || response::text, E'\n' ORDER BY position, counter), 'UTF8')), 'hex')
		FROM responses WHERE attempt_id = $1::uuid)`, a.ID.String())
	if same != 1 {
		t.Error("the entry's digest is not that of the rows")
	}
	// Late news of an older answer is kept but does not win.
	if kept := s.mustSave(a.Ticket(), now, answer(1, 6, item.Response{Number: "99"})); fmt.Sprint(kept) != "[{1 7 true}]" {
		t.Errorf("acknowledged %v", kept)
	}
	if p := s.paper(a, now); string(p.Questions[1].Response) != `{"number": "5"}` || p.Questions[1].Counter != 7 {
		t.Errorf("%s", p.Questions[1].Response)
	}
}

func TestADifferentAnswerUnderAUsedCounterIsNotAcknowledged(t *testing.T) {
	t.Parallel()
	s := newWorld(t, 1, rules{feedback: "on_submit", numbers: 1})
	a := s.start(s.learners[0], now)
	s.mustSave(a.Ticket(), now, answer(0, 5, item.Response{Number: "1"}))
	kept := s.mustSave(a.Ticket(), now, answer(0, 5, item.Response{Number: "2"}))
	if kept[0].Stored || kept[0].Counter != 5 {
		t.Errorf("%+v", kept)
	}
	if p := s.paper(a, now); string(p.Questions[0].Response) != `{"number": "1"}` {
		t.Errorf("%s", p.Questions[0].Response)
	}
}

func TestNothingIsWrittenWhenASaveIsRefused(t *testing.T) {
	t.Parallel()
	s := newWorld(t, 2, rules{feedback: "on_submit", sets: 1, numbers: 2})
	a := s.start(s.learners[0], now)
	s.paper(a, now) // in memory from here on: nothing but the statement itself asks the row
	good := answer(1, 1, item.Response{Number: "4"})
	ticket := a.Ticket()

	stranger := s.learners[1]
	_, err := s.exams.SaveAnswers(ctx, s.db, who(stranger), ticket, []assessment.Answer{good}, now)
	wantCode(t, "another learner's ticket", err, domain.NotFound)
	stolen := ticket
	stolen.LearnerID = stranger
	_, err = s.save(stolen, now, good)
	wantCode(t, "a ticket that says another learner", err, domain.NotFound)
	elsewhere := ticket
	elsewhere.Items, elsewhere.AttemptID = 9, s.course
	_, err = s.save(elsewhere, now, good)
	wantCode(t, "a ticket of no attempt", err, domain.NotFound)

	late := ticket.Deadline.Add(assessment.SaveGrace + time.Millisecond)
	_, err = s.save(ticket, late, good)
	wantCode(t, "after the deadline", err, domain.Conflict)
	forever := ticket // the row decides, not the ticket
	forever.Deadline = late.Add(time.Hour)
	_, err = s.save(forever, late, good)
	wantCode(t, "after the row's deadline", err, domain.Conflict)

	many := make([]assessment.Answer, assessment.MaxAnswers+1)
	for i := range many {
		many[i] = answer(1, int64(i), item.Response{Number: "1"})
	}
	big, _ := json.Marshal(item.Response{Text: strings.Repeat("a", 19<<10)})
	large := make([]assessment.Answer, 14)
	for i := range large {
		large[i] = assessment.Answer{Position: 1, Counter: int64(i), Response: big}
	}
	for what, c := range map[string]struct {
		answers []assessment.Answer
		code    domain.Code
	}{
		"nothing":        {nil, domain.Invalid},
		"too many":       {many, domain.Invalid},
		"256 K together": {large, domain.TooLarge},
	} {
		_, err := s.save(ticket, now, c.answers...)
		wantCode(t, what, err, c.code)
	}
	if n, entries := s.rows(a); n != 0 || entries != 0 {
		t.Errorf("%d rows and %d entries after refusals alone", n, entries)
	}
	if kept := s.mustSave(ticket, ticket.Deadline.Add(assessment.SaveGrace), good); !kept[0].Stored {
		t.Error("within the grace it must be taken")
	}
}

// Whatever is wrong with one answer, the others are stored, and it comes back with its position and a reason.
func TestEachAnswerIsJudgedAlone(t *testing.T) {
	t.Parallel()
	s := newWorld(t, 1, rules{feedback: "on_submit", sets: 1, numbers: 2, essays: 1})
	a := s.start(s.learners[0], now)
	long, _ := json.Marshal(item.Response{Number: strings.Repeat("1", assessment.MaxResponse)})
	counter := int64(10)
	s.mustSave(a.Ticket(), now, answer(1, 1, item.Response{Number: "4"}))
	for what, c := range map[string]struct {
		bad           assessment.Answer
		field, reason string
	}{
		"a fraction":               {answer(1, 2, item.Response{Number: "1/2"}), "response.number", "1/2 is 0.5"},
		"words":                    {answer(1, 2, item.Response{Number: "six"}), "response.number", "with digits"},
		"a comma":                  {answer(1, 2, item.Response{Number: "3,5"}), "response.number", "a decimal point, not a comma"},
		"a unit":                   {answer(1, 2, item.Response{Number: "5 cm"}), "response.number", "the number alone"},
		"a NUL":                    {answer(1, 2, item.Response{Number: "5\x00"}), "response.number", "no text"},
		"a NUL alone":              {answer(1, 2, item.Response{Number: "\x00"}), "response.number", "no text"},
		"a NUL in an essay":        {answer(3, 2, item.Response{Text: "a\x00b"}), "response.text", "no text"},
		"off the paper":            {answer(4, 2, item.Response{}), "position", "0 to 3"},
		"below the paper":          {answer(-1, 2, item.Response{}), "position", "0 to 3"},
		"a counter below 0":        {answer(1, -1, item.Response{}), "counter", "from 0 on"},
		"a counter beyond":         {answer(1, 1<<53+1, item.Response{}), "counter", "from 0 on"},
		"the wrong shape":          {answer(0, 2, item.Response{Number: "5"}), "response.number", "not answered this way"},
		"an unknown choice":        {answer(0, 2, item.Response{Choice: []string{"zz"}}), "response.choice", "no answer"},
		"no JSON":                  {assessment.Answer{Position: 1, Counter: 2, Response: json.RawMessage(`{"number"`)}, "response", ""},
		"nothing at all":           {assessment.Answer{Position: 1, Counter: 2}, "response", ""},
		"an unknown key":           {assessment.Answer{Position: 1, Counter: 2, Response: json.RawMessage(`{"score": 100}`)}, "response", "score"},
		"a response beyond bounds": {assessment.Answer{Position: 1, Counter: 2, Response: long}, "response", "too long"},
	} {
		counter++
		good := []assessment.Answer{answer(2, counter, item.Response{Number: fmt.Sprint(counter)}), answer(3, counter, item.Response{Text: what})}
		saved, err := s.trySave(a.Ticket(), now, good[0], c.bad, good[1])
		if err != nil {
			t.Fatalf("%s: %v", what, err)
		}
		if len(saved.Kept) != 2 || !saved.Kept[0].Stored || saved.Kept[0].Counter != counter || !saved.Kept[1].Stored {
			t.Errorf("%s: kept %+v", what, saved.Kept)
		}
		if len(saved.Refused) != 1 || saved.Refused[0].Position != c.bad.Position || saved.Refused[0].Counter != c.bad.Counter ||
			saved.Refused[0].Field != c.field || !strings.Contains(saved.Refused[0].Reason.String(), c.reason) {
			t.Errorf("%s: refused %+v", what, saved.Refused)
		}
		if again, err := s.trySave(a.Ticket(), now, c.bad); err != nil || len(again.Kept) != 0 || len(again.Refused) != 1 {
			t.Errorf("%s alone: %+v %v", what, again, err)
		}
	}
	twice, err := s.trySave(a.Ticket(), now, answer(1, 3, item.Response{Number: "x"}), answer(1, 3, item.Response{Number: "5"}), answer(1, 3, item.Response{Number: "6"}))
	if err != nil || len(twice.Kept) != 1 || len(twice.Refused) != 2 || twice.Refused[1].Field != "counter" {
		t.Errorf("one counter three times: %+v %v", twice, err)
	}
	p := s.paper(a, now)
	if string(p.Questions[1].Response) != `{"number": "5"}` || string(p.Questions[2].Response) != fmt.Sprintf(`{"number": "%d"}`, counter) {
		t.Errorf("stored: %s, %s", p.Questions[1].Response, p.Questions[2].Response)
	}
	// The longest essay that an item takes is taken, in any letters.
	essay := strings.Repeat("é<", 10_000)
	if kept := s.mustSave(a.Ticket(), now, answer(3, 99, item.Response{Text: essay})); !kept[0].Stored {
		t.Error("a long essay was not taken")
	}
	// What was typed is stored as it was typed.
	typed := "\u00a0\u22125\u200b"
	s.mustSave(a.Ticket(), now, answer(1, 100, item.Response{Number: typed}))
	var got item.Response
	if err := json.Unmarshal(s.paper(a, now).Questions[1].Response, &got); err != nil || got.Number != typed {
		t.Errorf("typed %q, stored %q, %v", typed, got.Number, err)
	}
}

func TestAnotherProcessTakesTheSavesToo(t *testing.T) {
	t.Parallel()
	s := newWorld(t, 1, rules{feedback: "on_submit", numbers: 2})
	a := s.start(s.learners[0], now)
	kept, err := newExams(t).SaveAnswers(ctx, s.db, who(a.LearnerID), a.Ticket(), []assessment.Answer{answer(1, 1, item.Response{Number: "3"})}, now)
	if err != nil || !kept.Kept[0].Stored {
		t.Errorf("%v %v", kept, err)
	}
}

// Whatever order saves arrive in, however often, from however many devices: each acknowledged answer is there, and the
// one with the highest counter counts.
func TestAcknowledgedAnswersAreNeverLost(t *testing.T) {
	t.Parallel()
	s := newWorld(t, 1, rules{feedback: "on_submit", numbers: 4})
	rapid.Check(t, func(rt *rapid.T) {
		a := s.start(s.learners[0], now)
		type key struct {
			position int
			counter  int64
		}
		stored := map[key]string{}
		for range rapid.IntRange(1, 8).Draw(rt, "saves") {
			sent := map[key]string{}
			var answers []assessment.Answer
			for range rapid.IntRange(1, 5).Draw(rt, "answers") {
				k := key{rapid.IntRange(0, 3).Draw(rt, "position"), rapid.Int64Range(0, 4).Draw(rt, "counter")}
				if _, twice := sent[k]; twice {
					continue
				}
				sent[k] = fmt.Sprint(rapid.IntRange(0, 2).Draw(rt, "number"))
				answers = append(answers, answer(k.position, k.counter, item.Response{Number: sent[k]}))
			}
			kept, err := s.save(a.Ticket(), now, answers...)
			if err != nil {
				rt.Fatal(err)
			}
			for k, v := range sent {
				if _, taken := stored[k]; !taken {
					stored[k] = v
				}
			}
			for _, got := range kept {
				highest, all := int64(-1), true
				for k := range stored {
					if k.position == got.Position {
						highest = max(highest, k.counter)
					}
				}
				for k, v := range sent {
					all = all && (k.position != got.Position || stored[k] == v)
				}
				if got.Counter != highest || got.Stored != all {
					rt.Fatalf("position %d: acknowledged %+v, stored up to %d, all as sent: %v", got.Position, got, highest, all)
				}
			}
		}
		r, err := s.submit(a, now)
		if err != nil {
			rt.Fatal(err)
		}
		for _, q := range r.Questions {
			highest, want := int64(-1), ""
			for k, v := range stored {
				if k.position == q.Position && k.counter > highest {
					highest, want = k.counter, v
				}
			}
			var got item.Response
			if q.Response != nil {
				if err := json.Unmarshal(q.Response, &got); err != nil {
					rt.Fatal(err)
				}
			}
			if got.Number != want {
				rt.Fatalf("position %d counts %q, want %q", q.Position, got.Number, want)
			}
		}
	})
}

// Saves race with handing in: what was acknowledged counts, what came too late was refused and not written.
func TestSavingAndHandingInAtOnce(t *testing.T) {
	t.Parallel()
	s := newWorld(t, 1, rules{feedback: "on_submit", numbers: 4})
	for range 10 {
		a := s.start(s.learners[0], now)
		s.paper(a, now)
		var mu sync.Mutex
		acknowledged := map[int]int64{}
		var wg sync.WaitGroup
		for position := range 4 {
			wg.Go(func() {
				for counter := int64(1); ; counter++ {
					kept, err := s.save(a.Ticket(), now, answer(position, counter, item.Response{Number: fmt.Sprint(counter)}))
					if domain.CodeOf(err) == domain.Conflict {
						return
					}
					if err != nil {
						t.Error(err)
						return
					}
					mu.Lock()
					acknowledged[position] = kept[0].Counter
					mu.Unlock()
				}
			})
		}
		time.Sleep(5 * time.Millisecond) // some saves before, some after: either way the promise must hold
		if _, err := s.submit(a, now); err != nil {
			t.Error(err)
		}
		wg.Wait()
		for _, q := range s.result(a.ID, false, now).Questions {
			var got item.Response
			if q.Response != nil {
				if err := json.Unmarshal(q.Response, &got); err != nil {
					t.Fatal(err)
				}
			}
			if want := acknowledged[q.Position]; want > 0 && got.Number != fmt.Sprint(want) {
				t.Errorf("position %d: %d was acknowledged, %q counts", q.Position, want, got.Number)
			}
		}
		graded := s.number(`SELECT coalesce(max((i->>'counter')::integer), 0) FROM attempts, jsonb_array_elements(result->'items') i WHERE id = $1::uuid`, a.ID.String())
		if stored := s.number(`SELECT coalesce(max(counter), 0) FROM responses WHERE attempt_id = $1::uuid`, a.ID.String()); stored != graded {
			t.Errorf("%d was stored, %d was scored", stored, graded)
		}
	}
}

// Two tabs use the same counters for different answers at the same moment, each twice: one of them is stored, and the other is told so.
func TestTwoTabsUnderTheSameCounters(t *testing.T) {
	t.Parallel()
	s := newWorld(t, 1, rules{feedback: "on_submit", numbers: 4})
	a := s.start(s.learners[0], now)
	s.paper(a, now)
	for counter := int64(1); counter <= 10; counter++ {
		var wg sync.WaitGroup
		stored := make([][4]bool, 4)
		for k := range stored {
			wg.Go(func() {
				var answers []assessment.Answer
				for i := range 4 {
					answers = append(answers, answer((i+k)%4, counter, item.Response{Number: fmt.Sprint(k % 2)}))
				}
				for _, kept := range s.mustSave(a.Ticket(), now, answers...) {
					stored[k][kept.Position] = kept.Stored
				}
			})
		}
		wg.Wait()
		for i, q := range s.paper(a, now).Questions {
			for k := range stored {
				if stored[k][i] != (string(q.Response) == fmt.Sprintf(`{"number": "%d"}`, k%2)) || q.Counter != counter {
					t.Fatalf("position %d, counter %d: tab %d was told %v, stored is %s under %d", i, counter, k%2, stored[k][i], q.Response, q.Counter)
				}
			}
		}
	}
	if n := s.number(`SELECT count(*) - count(DISTINCT (position, counter)) FROM responses WHERE attempt_id = $1::uuid`, a.ID.String()); n != 0 {
		t.Errorf("%d answers are there twice", n)
	}
}

func TestConcurrentStartsGiveOneAttempt(t *testing.T) {
	t.Parallel()
	s := newWorld(t, 1, rules{attempts: 1, feedback: "on_submit", numbers: 2})
	var wg sync.WaitGroup
	ids := make([]string, 16)
	for i := range ids {
		exams := s.exams
		if i%2 == 1 {
			exams = newExams(t)
		}
		wg.Go(func() {
			a, err := s.tryStart(exams, s.learners[0], now)
			if err != nil {
				t.Error(err)
			}
			ids[i] = a.ID.String()
		})
	}
	wg.Wait()
	for _, id := range ids {
		if id != ids[0] {
			t.Fatalf("several attempts: %v", ids)
		}
	}
	if n := s.number(`SELECT count(*) FROM audit_entries WHERE action = 'attempt.start'`); n != 1 {
		t.Errorf("%d entries", n)
	}
}

func TestTwoHundredStartsAtOnce(t *testing.T) {
	t.Parallel()
	s := newWorld(t, 200, rules{attempts: 1, feedback: "on_submit", sets: 3, numbers: 7})
	var wg sync.WaitGroup
	var mu sync.Mutex
	papers := map[string]int{}
	for _, learner := range s.learners {
		wg.Go(func() {
			a, err := s.tryStart(s.exams, learner, now)
			if err != nil || a.Resumed || a.Items != 10 {
				t.Errorf("%+v %v", a, err)
				return
			}
			var p *assessment.Paper
			err = s.db.ReadFresh(ctx, func(r *tenants.Reader) (err error) {
				p, err = s.exams.Paper(ctx, r, realm, a.ID, learner, now)
				return err
			})
			if err != nil {
				t.Error(err)
				return
			}
			stems := ""
			seen := map[string]bool{}
			for _, q := range p.Questions {
				stems += q.Item.Stem + "|"
				seen[q.Item.Stem] = true
			}
			if len(seen) != 10 {
				t.Errorf("an item is there twice: %s", stems)
			}
			mu.Lock()
			papers[stems]++
			mu.Unlock()
		})
	}
	wg.Wait()
	if n := s.number(`SELECT count(*) FROM attempts`); n != 200 {
		t.Errorf("%d attempts", n)
	}
	if len(papers) < 150 {
		t.Errorf("only %d different papers for 200 learners", len(papers))
	}
}

func TestSubmittingAtOnceScoresOnce(t *testing.T) {
	t.Parallel()
	s := newWorld(t, 1, rules{attempts: 1, feedback: "on_submit", numbers: 2})
	a := s.start(s.learners[0], now)
	p := s.paper(a, now)
	s.mustSave(a.Ticket(), now, answer(0, 1, right(p.Questions[0])), answer(1, 1, right(p.Questions[1])))
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			if r, err := s.submit(a, now); err != nil || r.Score != 200 {
				t.Errorf("%+v %v", r, err)
			}
		})
	}
	wg.Wait()
	if n := s.number(`SELECT points FROM point_totals WHERE period = 'all'`); n != 5+100+25 {
		t.Errorf("%d points", n)
	}
	var wrong *domain.Error
	_, err := s.submit(assessment.Attempt{ID: a.ID, LearnerID: s.coach}, now)
	if !errors.As(err, &wrong) || wrong.Code != domain.NotFound {
		t.Errorf("another's attempt: %v", err)
	}
}
