package assessment

import (
	"github.com/google/uuid"

	"lignum/domain"
	"lignum/domain/catalog"
	"lignum/domain/catalog/item"
	"lignum/domain/catalog/pack"
)

// outcome is what is stored of a scored attempt. Feedback and right answers are not in it: items never change, so they
// are there whenever somebody looks.
type outcome struct {
	Items    []itemOutcome    `json:"items"`
	Sections []sectionOutcome `json:"sections"`
}

type itemOutcome struct {
	Position     int       `json:"position"`
	ItemID       uuid.UUID `json:"item_id"`
	Section      string    `json:"section"`           // code
	Counter      int64     `json:"counter,omitempty"` // of the answer that was scored
	Score        int       `json:"score"`             // hundredths of a point
	MaxScore     int       `json:"max_score"`
	Correct      bool      `json:"correct"`
	NeedsMarking bool      `json:"needs_marking,omitempty"` // a person has not marked it yet
	ByPerson     bool      `json:"by_person,omitempty"`     // a person marked it
	Comment      string    `json:"comment,omitempty"`       // the person's, plain text
}

type sectionOutcome struct {
	Section  string `json:"section"` // code
	Items    int    `json:"items"`
	Score    int    `json:"score"`
	MaxScore int    `json:"max_score"`
}

// score marks a paper with the answers that count. One that does not fit its item earns nothing.
func score(items []*catalog.Item, latest map[int]answered) *outcome {
	o := &outcome{Items: make([]itemOutcome, len(items))}
	for i, it := range items {
		r := item.Response{}
		a, ok := latest[i]
		if ok {
			if parsed, err := item.ParseResponse([]byte(a.response)); err == nil {
				r = parsed
			}
		}
		got := it.Content.Score(r)
		o.Items[i] = itemOutcome{Position: i, ItemID: it.ID, Section: it.Section, Counter: a.counter, Score: hundredths(got.Fraction),
			Correct: got.Correct, NeedsMarking: got.NeedsMarking}
		if it.Content.Scored() {
			o.Items[i].MaxScore = PointsEach
		}
	}
	o.sum()
	return o
}

// hundredths turns a fraction in basis points into hundredths of a point, rounded half up.
func hundredths(fraction int) int { return (fraction*PointsEach + item.FullMark/2) / item.FullMark }

// sum adds up the sections in the order in which the paper first has them.
func (o *outcome) sum() {
	o.Sections = o.Sections[:0]
	at := map[string]int{}
	for _, it := range o.Items {
		i, ok := at[it.Section]
		if !ok {
			i = len(o.Sections)
			at[it.Section] = i
			o.Sections = append(o.Sections, sectionOutcome{Section: it.Section})
		}
		s := &o.Sections[i]
		s.Items, s.Score, s.MaxScore = s.Items+1, s.Score+it.Score, s.MaxScore+it.MaxScore
	}
}

// total gives the score, the highest possible, and how many items wait for a person.
func (o *outcome) total() (score, most, unmarked int) {
	for _, it := range o.Items {
		score, most = score+it.Score, most+it.MaxScore
		if it.NeedsMarking {
			unmarked++
		}
	}
	return score, most, unmarked
}

// state is Marking while items wait for a person.
func (o *outcome) state() string {
	if _, _, unmarked := o.total(); unmarked > 0 {
		return Marking
	}
	return Marked
}

func (o *outcome) json() string {
	raw, err := domain.JSON(o)
	if err != nil {
		panic(err) // strings, numbers and ids always marshal
	}
	return string(raw)
}

// percentOf rounds down: nobody passes by rounding.
func percentOf(score, most int) int {
	if most == 0 {
		return 0
	}
	return score * 100 / most
}

// gradeOf gives the grade by a test's boundaries, best first; "" where there are none or none is reached.
func gradeOf(boundaries []pack.Grade, percent int) string {
	for _, g := range boundaries {
		if percent >= g.Percent {
			return g.Grade
		}
	}
	return ""
}
