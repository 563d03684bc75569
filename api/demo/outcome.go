package demo

import (
	"encoding/json"

	"github.com/google/uuid"
)

// outcome is the result of an attempt as it is stored beside it: per item and per section.
type outcome struct {
	Items    []itemOutcome     `json:"items"`
	Sections []*sectionOutcome `json:"sections"`
}

type itemOutcome struct {
	Position int       `json:"position"`
	ItemID   uuid.UUID `json:"item_id"`
	Section  string    `json:"section"`
	Score    int       `json:"score"` // hundredths of a point
	MaxScore int       `json:"max_score"`
	Correct  bool      `json:"correct"`
}

type sectionOutcome struct {
	Section  string `json:"section"`
	Items    int    `json:"items"`
	Score    int    `json:"score"`
	MaxScore int    `json:"max_score"`
}

func newOutcome() *outcome { return &outcome{} }

func (o *outcome) add(position int, id uuid.UUID, section string, mark int, correct bool) {
	o.Items = append(o.Items, itemOutcome{position, id, section, mark, pointsEach, correct})
	if n := len(o.Sections); n == 0 || o.Sections[n-1].Section != section {
		o.Sections = append(o.Sections, &sectionOutcome{Section: section})
	}
	s := o.Sections[len(o.Sections)-1]
	s.Items, s.Score, s.MaxScore = s.Items+1, s.Score+mark, s.MaxScore+pointsEach
}

func (o *outcome) json() string {
	raw, err := json.Marshal(o)
	if err != nil {
		panic(err) // strings, numbers and ids always marshal
	}
	return string(raw)
}
