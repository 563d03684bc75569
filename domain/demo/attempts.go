package demo

import (
	"context"
	"encoding/json"
	"math/rand/v2"
	"strings"
	"time"

	"github.com/google/uuid"

	"lignum/domain/assessment"
	"lignum/domain/catalog"
	"lignum/domain/catalog/item"
	"lignum/domain/points"
	"lignum/tenants"
)

// attempt is a test that was handed in and scored.
type attempt struct {
	id                        uuid.UUID
	test, course              uuid.UUID
	learner, school           uuid.UUID
	number                    int
	seed                      int64
	paper                     []uuid.UUID
	started, deadline, handed time.Time
	responses                 []string  // JSON, by position
	saved                     time.Time // all of them, with the last
	score, most               int       // hundredths of a point
	grade                     string
	result                    string // JSON
}

// sit lets a student take a test: items drawn from the bank, answers as good as the skill, marks by the item's own rule.
func (w *work) sit(r *room, c *course, test paper, p person, number int, began time.Time, skill float64, rnd *rand.Rand) {
	a := attempt{id: r.id("attempt", len(w.attempts)), test: test.id, course: c.id, learner: p.id, school: p.school, number: number, seed: rnd.Int64N(1 << 53),
		started: began, deadline: began.Add(time.Duration(test.minutes) * time.Minute)}
	var items []*catalog.Item
	var given []item.Response
	t := began
	for _, d := range test.draws {
		bank := c.items[d.SectionID]
		for _, i := range sample(rnd, len(bank), d.Items) {
			it := bank[i]
			response := answer(it.content, rnd, rnd.Float64() < skill)
			if it.content.CheckResponse(response) != nil {
				response = item.Response{}
			}
			t = t.Add(time.Duration(15+rnd.IntN(50)) * time.Second)
			raw, err := json.Marshal(response)
			if err != nil {
				panic(err) // strings always marshal
			}
			a.paper, a.responses, a.saved = append(a.paper, it.id), append(a.responses, string(raw)), t
			items, given = append(items, &catalog.Item{ID: it.id, Section: d.Code, Content: it.content}), append(given, response)
		}
	}
	if a.handed = t.Add(20 * time.Second); a.handed.After(a.deadline) {
		a.handed = a.deadline
	}
	if late := a.handed.Sub(r.in.Now); late > 0 { // all of it happened before now
		a.started, a.deadline, a.handed, a.saved = a.started.Add(-late), a.deadline.Add(-late), a.handed.Add(-late), a.saved.Add(-late)
	}
	scored := assessment.ScorePaper(items, given, test.grades)
	a.score, a.most, a.grade, a.result = scored.Score, scored.MaxScore, scored.Grade, scored.Result
	w.attempts = append(w.attempts, a)
	day := w.seen(r, p.id, a.handed)
	for _, e := range points.ForTest(test.id, scored.Percent, scored.Passed) {
		w.earned = append(w.earned, earned{p.id, a.handed, day, e})
	}
}

// answer makes a response to an item: the right one, or one as learners give it who do not know.
func answer(it *item.Item, rnd *rand.Rand, right bool) item.Response {
	switch it.Kind {
	case item.MultipleChoice:
		var good, bad []string
		for _, c := range it.Choices {
			if c.Weight == item.Whole || it.Multiple && c.Weight > 0 {
				good = append(good, c.ID)
			} else {
				bad = append(bad, c.ID)
			}
		}
		if right || len(bad) == 0 {
			return item.Response{Choice: good}
		}
		return item.Response{Choice: []string{pick(rnd, bad)}}
	case item.TrueFalse:
		if (it.Truth != nil && it.Truth.Answer) == right {
			return item.Response{Choice: []string{"true"}}
		}
		return item.Response{Choice: []string{"false"}}
	case item.ShortAnswer:
		if right {
			return item.Response{Text: strings.NewReplacer(`\*`, "*", "*", "").Replace(it.Accepted[0].Pattern)}
		}
		return item.Response{Text: "not sure"}
	case item.Numeric:
		if !right {
			return item.Response{Number: "-98765"}
		}
		for _, n := range it.Numbers {
			if n.Weight == item.Whole && !n.Any {
				return item.Response{Number: n.Value + n.Low} // one of the two is empty
			}
		}
	case item.Matching:
		match := map[string]string{}
		for _, p := range it.Pairs {
			match[p.ID] = p.Right
			if !right && rnd.IntN(2) == 0 {
				match[p.ID] = pick(rnd, it.Options).ID
			}
		}
		return item.Response{Match: match}
	case item.Essay, item.Description: // are not in tests that the program marks
	}
	return item.Response{}
}

func (w *work) storeAttempts(ctx context.Context, tx *tenants.Tx) error {
	err := copyRows(ctx, tx, "attempts", []string{"id", "test_id", "course_id", "learner_id", "school_id", "number", "state", "seed", "paper", "started_at", "deadline",
		"submitted_at", "score", "max_score", "grade", "result"}, len(w.attempts), func(i int) []any {
		a := &w.attempts[i]
		return []any{a.id, a.test, a.course, a.learner, idOrNull(a.school), a.number, "marked", a.seed, a.paper, a.started, a.deadline,
			a.handed, a.score, a.most, a.grade, a.result}
	})
	if err != nil {
		return err
	}
	// One save each, as if the learner had stored all answers at once.
	return copyRows(ctx, tx, "saves", []string{"attempt_id", "n", "positions", "counters", "responses", "heads", "saved_at"}, len(w.attempts), func(i int) []any {
		a := &w.attempts[i]
		positions, counters := make([]int16, len(a.responses)), make([]int64, len(a.responses))
		for p := range positions {
			positions[p], counters[p] = int16(p), 1
		}
		return []any{a.id, int32(1), positions, counters, "[" + strings.Join(a.responses, ",") + "]", counters, a.saved}
	})
}
