package demo

import (
	"context"
	"encoding/json"
	"math/rand/v2"
	"strings"
	"time"

	"lignum/domain/assessment"
	"lignum/domain/catalog"
	"lignum/domain/catalog/item"
	"lignum/domain/demo/rows"
	"lignum/domain/points"
	"lignum/tenants"
)

// attempt is a test that was handed in and scored, with its answers.
type attempt struct {
	rows.Attempt
	responses []string  // JSON, by position
	saved     time.Time // all of them, with the last
}

// sit lets a student take a test: items drawn from the bank, answers as good as the skill, marks by the item's own rule.
func (w *work) sit(r *room, c *course, test paper, p rows.Person, number int, began time.Time, skill float64, rnd *rand.Rand) {
	a := attempt{Attempt: rows.Attempt{ID: r.id("attempt", len(w.attempts)), Test: test.id, Course: c.id, Learner: p.ID, School: p.SchoolID, Number: number,
		Seed: rnd.Int64N(1 << 53), StartedAt: began, Deadline: began.Add(time.Duration(test.minutes) * time.Minute)}}
	var items []*catalog.Item
	var given []item.Response
	t := began
	for _, d := range test.draws {
		bank := c.items[d.SectionID]
		for _, i := range sample(rnd, len(bank), d.Items) {
			it := bank[i]
			response := it.content.Sample(rnd, rnd.Float64() < skill)
			if it.content.CheckResponse(response) != nil {
				response = item.Response{}
			}
			t = t.Add(time.Duration(15+rnd.IntN(50)) * time.Second)
			raw, err := json.Marshal(response)
			if err != nil {
				panic(err) // strings always marshal
			}
			a.Paper, a.responses, a.saved = append(a.Paper, it.id), append(a.responses, string(raw)), t
			items, given = append(items, &catalog.Item{ID: it.id, Section: d.Code, Content: it.content}), append(given, response)
		}
	}
	if a.SubmittedAt = t.Add(20 * time.Second); a.SubmittedAt.After(a.Deadline) {
		a.SubmittedAt = a.Deadline
	}
	if late := a.SubmittedAt.Sub(r.in.Now); late > 0 { // all of it happened before now
		a.StartedAt, a.Deadline, a.SubmittedAt, a.saved = a.StartedAt.Add(-late), a.Deadline.Add(-late), a.SubmittedAt.Add(-late), a.saved.Add(-late)
	}
	scored := assessment.ScorePaper(items, given, test.grades)
	a.Score, a.MaxScore, a.Grade, a.Result = scored.Score, scored.MaxScore, scored.Grade, scored.Result
	w.attempts = append(w.attempts, a)
	day := w.seen(r, p.ID, a.SubmittedAt)
	for _, e := range points.ForTest(test.id, scored.Percent, scored.Passed) {
		w.earned = append(w.earned, earned{p.ID, a.SubmittedAt, day, e})
	}
}

func (w *work) storeAttempts(ctx context.Context, tx *tenants.Tx) error {
	list := make([]rows.Attempt, len(w.attempts))
	for i := range list {
		list[i] = w.attempts[i].Attempt
	}
	if err := rows.Attempts(ctx, tx, list); err != nil {
		return err
	}
	// One save each, as if the learner had stored all answers at once.
	return rows.Copy(ctx, tx, "saves", []string{"attempt_id", "n", "positions", "counters", "responses", "heads", "saved_at"}, len(w.attempts), func(i int) []any {
		a := &w.attempts[i]
		positions, counters := make([]int16, len(a.responses)), make([]int64, len(a.responses))
		for p := range positions {
			positions[p], counters[p] = int16(p), 1
		}
		return []any{a.ID, int32(1), positions, counters, "[" + strings.Join(a.responses, ",") + "]", counters, a.saved}
	})
}
