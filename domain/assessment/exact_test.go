package assessment_test

import (
	"encoding/json"
	"fmt"
	"math/big"
	"testing"

	"github.com/google/uuid"
	"pgregory.net/rapid"

	"lignum/domain/assessment"
	"lignum/domain/catalog"
	"lignum/domain/catalog/item"
	"lignum/domain/catalog/pack"
	"lignum/tenants"
	"lignum/tenants/audit"
	"lignum/tests/school"
)

// meant says what the weights of the test are, by somebody who knows it and not by the code that is tested.
var meant = map[string]*big.Rat{
	"100": big.NewRat(1, 1), "50": big.NewRat(1, 2), "25": big.NewRat(1, 4), "12.5": big.NewRat(1, 8), "80": big.NewRat(4, 5), "49.99": big.NewRat(4999, 10000),
	"33.33333": big.NewRat(1, 3), "66.66667": big.NewRat(2, 3), "66.66666": big.NewRat(2, 3), "33.33": big.NewRat(1, 3), "16.66667": big.NewRat(1, 6),
	"83.33333": big.NewRat(5, 6), "14.28571": big.NewRat(1, 7), "11.11111": big.NewRat(1, 9), "0.00001": big.NewRat(1, 10_000_000), "99.99999": big.NewRat(9_999_999, 10_000_000),
}

func weight(t *rapid.T, s string) item.Weight {
	w, err := item.ParseWeight(s)
	if err != nil {
		t.Fatal(err)
	}
	return w
}

// anAnswered draws an item and a response to it, and what the response earns.
func anAnswered(t *rapid.T, n int) (*item.Item, item.Response, *big.Rat) {
	stem := plain(fmt.Sprintf("Question %d", n))
	partial := rapid.SampledFrom([]string{"50", "25", "12.5", "80", "49.99", "33.33333", "66.66667", "66.66666", "33.33", "16.66667", "83.33333", "14.28571", "11.11111", "0.00001", "99.99999"}).Draw(t, "weight")
	hit := rapid.SampledFrom([]string{"100", partial, ""}).Draw(t, "hit")
	earned := new(big.Rat)
	if hit != "" {
		earned = meant[hit]
	}
	switch rapid.IntRange(0, 3).Draw(t, "kind") {
	case 0:
		it := &item.Item{Kind: item.Matching, Stem: stem}
		pairs := rapid.IntRange(2, 9).Draw(t, "pairs")
		for i := range pairs {
			it.Options = append(it.Options, item.Option{ID: fmt.Sprint(i), Text: fmt.Sprint("right ", i)})
			it.Pairs = append(it.Pairs, item.Pair{ID: fmt.Sprint(i), Left: plain(fmt.Sprint("left ", i)), Right: fmt.Sprint(i)})
		}
		good := rapid.IntRange(0, pairs).Draw(t, "right")
		r := item.Response{Match: map[string]string{}}
		for i := range pairs {
			r.Match[fmt.Sprint(i)] = fmt.Sprint(i)
			if i >= good {
				r.Match[fmt.Sprint(i)] = fmt.Sprint((i + 1) % pairs)
			}
		}
		return it, r, big.NewRat(int64(good), int64(pairs))
	case 1: // as many right answers as share the whole, as authors write it
		rights := rapid.IntRange(1, 9).Draw(t, "rights")
		it := &item.Item{Kind: item.MultipleChoice, Multiple: true, Stem: stem}
		w := weight(t, new(big.Rat).SetFrac64(100, int64(rights)).FloatString(5))
		var r item.Response
		ticked := rapid.IntRange(0, rights).Draw(t, "ticked")
		for i := range rights {
			it.Choices = append(it.Choices, item.Choice{ID: fmt.Sprint("r", i), Text: plain(fmt.Sprint("right ", i)), Weight: w})
			if i < ticked {
				r.Choice = append(r.Choice, fmt.Sprint("r", i))
			}
		}
		it.Choices = append(it.Choices, item.Choice{ID: "w", Text: plain("wrong"), Weight: -w})
		if rapid.Bool().Draw(t, "wrong too") {
			r.Choice = append(r.Choice, "w")
			ticked = max(0, ticked-1)
		}
		return it, r, big.NewRat(int64(ticked), int64(rights))
	case 2:
		it := &item.Item{Kind: item.ShortAnswer, Stem: stem, Accepted: []item.Accepted{{Pattern: "100", Weight: item.Whole}, {Pattern: partial, Weight: weight(t, partial)}}}
		return it, item.Response{Text: hit}, earned
	}
	it := &item.Item{Kind: item.Numeric, Stem: stem, Numbers: []item.Number{{Value: "100", Weight: item.Whole}, {Value: partial, Weight: weight(t, partial)}}}
	return it, item.Response{Number: hit}, earned
}

// For any paper the pass, the grade and the percentage are those of the exact fraction.
func TestDecisionsAreThoseOfExactFractions(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var items []*catalog.Item
		var responses []item.Response
		sum := new(big.Rat)
		n := rapid.IntRange(1, 12).Draw(t, "items")
		for i := range n {
			it, r, earned := anAnswered(t, i)
			if err := it.Validate(); err != nil {
				t.Fatal(err)
			}
			items, responses = append(items, &catalog.Item{ID: uuid.New(), Section: "s", Content: it}), append(responses, r)
			sum.Add(sum, earned)
		}
		percent := new(big.Rat).Mul(sum, big.NewRat(100, int64(n)))
		// Boundaries that lie on the score or just above it are where rounding shows.
		exactly := int(new(big.Int).Quo(percent.Num(), percent.Denom()).Int64())
		boundaries := []pack.Grade{{Grade: "above", Percent: exactly + 1}, {Grade: "on", Percent: exactly}}
		got := assessment.ScorePaper(items, responses, boundaries)
		reaches := func(k int) bool { return percent.Cmp(big.NewRat(int64(k), 1)) >= 0 }
		if got.Percent != exactly || got.Grade != "on" || got.Passed != reaches(assessment.PassMark) {
			t.Fatalf("%s of %d is %s %%: got %+v", sum, n, percent.FloatString(6), got)
		}
		// What SQL makes of the stored columns is the same, for every full percent.
		for k := range 101 {
			if (got.Score*100/got.MaxScore >= k) != reaches(k) {
				t.Fatalf("%d of %d hundredths against %d %%, exactly %s %%", got.Score, got.MaxScore, k, percent.FloatString(6))
			}
		}
	})
}

// matchItem has three pairs.
func matchItem(i int) *item.Item {
	it := &item.Item{Kind: item.Matching, Stem: plain(fmt.Sprintf("Match. (%d)", i))}
	for n, s := range []string{"cat", "dog", "cow"} {
		it.Options = append(it.Options, item.Option{ID: fmt.Sprint(n), Text: "food of " + s})
		it.Pairs = append(it.Pairs, item.Pair{Left: plain(s), Right: fmt.Sprint(n)})
	}
	return it
}

// bring puts items into a section of their own that the test draws whole.
func (s *world) bring(code string, items ...*item.Item) {
	s.t.Helper()
	s.pack.Sections = append(s.pack.Sections, pack.Section{Code: code, Title: code})
	s.pack.Items = append(s.pack.Items, school.Bank(code, items...)...)
	s.pack.Tests[0].Blueprint = append(s.pack.Tests[0].Blueprint, pack.Draw{Section: code, Items: len(items)})
	school.Course(s.t, s.db, s.pack)
}

// third answers one pair of three as its author would.
func third(q assessment.PaperItem) item.Response {
	for _, left := range q.Item.Left {
		for _, right := range q.Item.Right {
			if right.HTML == "food of "+left.HTML {
				return item.Response{Match: map[string]string{left.ID: right.ID}}
			}
		}
	}
	panic(q.Item.Stem)
}

func TestThreeThirdsAreOne(t *testing.T) {
	s := newWorld(t, 1, rules{feedback: "on_submit", numbers: 3})
	s.pack.Tests[0].Grades = []pack.Grade{{Grade: "A", Percent: 51}, {Grade: "B", Percent: 50}}
	s.bring("pairs", matchItem(1), matchItem(2), matchItem(3))
	a := s.start(s.learners[0], now)
	var answers []assessment.Answer
	numbers := 0
	for _, q := range s.paper(a, now).Questions {
		r := item.Response{Number: "999"}
		if q.Item.Kind == item.Matching {
			r = third(q)
		} else if numbers++; numbers <= 2 {
			r = right(q)
		}
		answers = append(answers, answer(q.Position, 1, r))
	}
	s.mustSave(a.Ticket(), now, answers...)
	r, err := s.submit(a, now)
	if err != nil || r.Score != 300 || r.MaxScore != 600 || r.Percent != 50 || !r.Passed || r.Grade != "B" {
		t.Fatalf("exactly three of six: %+v %v", r, err)
	}
	if r.Points != 5+50+25 {
		t.Errorf("%d points for handing in, 50 %% and passing", r.Points)
	}
	for _, section := range r.Sections {
		if section.Section == "pairs" && (section.Score != 100 || section.Percent != 33) {
			t.Errorf("three thirds in a section: %+v", section)
		}
	}
	if later := s.result(a.ID, true, now); later.Score != 300 || !later.Passed {
		t.Errorf("looked at later: %+v", later)
	}
	if n := s.number(`SELECT score * 100 / max_score FROM attempts WHERE id = $1::uuid`, a.ID.String()); n != 50 {
		t.Errorf("the stored score is %d %%", n)
	}
}

func (s *world) mark(a assessment.Attempt, position, fraction, of int) (m assessment.MarkedState) {
	s.t.Helper()
	if err := s.db.Write(ctx, s.Actor, func(tx *tenants.Tx) (err error) {
		m, err = assessment.Mark(ctx, tx, assessment.MarkInput{AttemptID: a.ID, Position: position, Fraction: fraction, Of: of, Now: now, Today: today})
		return err
	}); err != nil {
		s.t.Fatal(err)
	}
	return m
}

func (s *world) handInEssays(n int) assessment.Attempt {
	s.t.Helper()
	a := s.start(s.learners[0], now)
	for i := range n {
		s.mustSave(a.Ticket(), now, answer(i, 1, item.Response{Text: "Because."}))
	}
	if _, err := s.submit(a, now); err != nil {
		s.t.Fatal(err)
	}
	return a
}

func TestAPersonsMarksAreExact(t *testing.T) {
	s := newWorld(t, 1, rules{feedback: "on_submit", essays: 3})
	a := s.handInEssays(3)
	s.mark(a, 0, 4950, 0) // 49.5 % is no pass, however it is rounded
	s.mark(a, 1, 5000, 0)
	if m := s.mark(a, 2, 5049, 10_000); m.Percent != 49 || m.Score != 149 || m.Grade != "II" {
		t.Errorf("149.99 of 300: %+v", m)
	}
	a = s.handInEssays(3)
	s.mark(a, 0, 1, 3)
	s.mark(a, 1, 1, 3)
	if m := s.mark(a, 2, 5, 6); m.Percent != 50 || m.Score != 150 {
		t.Errorf("a third, a third and five sixths are one and a half: %+v", m)
	}
	if r := s.result(a.ID, false, now); !r.Passed || r.Questions[0].Score != 33 {
		t.Errorf("%+v", r)
	}
}

// Attempts that were scored before fractions were kept have hundredths, and are worth what those say.
func TestScoresStoredInHundredthsReadAsBefore(t *testing.T) {
	s := newWorld(t, 1, rules{feedback: "on_submit", essays: 3})
	a := s.handInEssays(3)
	old := map[string]any{"items": []map[string]any{}, "sections": []map[string]any{{"section": "essays", "items": 3, "score": 134, "max_score": 300}}}
	for i, score := range []int{67, 67, 0} {
		o := map[string]any{"position": i, "item_id": audit.NewID(), "section": "essays", "score": score, "max_score": 100, "correct": false}
		if i == 2 {
			o["needs_marking"] = true
		}
		old["items"] = append(old["items"].([]map[string]any), o)
	}
	raw, err := json.Marshal(old)
	if err != nil {
		t.Fatal(err)
	}
	s.do(`UPDATE attempts SET result = $2::jsonb, score = 134 WHERE id = $1::uuid`, a.ID.String(), string(raw))
	if r := s.result(a.ID, true, now); r.Score != 134 || r.Percent != 44 || r.Questions[1].Score != 67 {
		t.Errorf("before the last mark: %+v", r)
	}
	if m := s.mark(a, 2, 1, 6); m.Score != 150 || m.Percent != 50 || m.State != assessment.Marked {
		t.Errorf("with a sixth: %+v", m) // 1.34 and a sixth are 1.5066...
	}
}
