package item

import (
	"math/big"
	"math/rand/v2"

	"lignum/domain"
)

// trueFalse asks whether a statement is true. It is answered as a choice of two, which keep their order.
type trueFalse struct{ multipleChoice }

// Truth is the answer of a true/false item.
type Truth struct {
	Answer bool  `json:"answer"`
	Wrong  *Text `json:"wrong,omitempty"` // feedback for the wrong answer
	Right  *Text `json:"right,omitempty"` // feedback for the right answer
}

func (trueFalse) is() facts {
	return facts{kind: TrueFalse, answer: "choice", example: `{"choice": ["true"]}`}
}

func (trueFalse) fields(it *Item) []field { return []field{{"truth", it.Truth != nil}} }

func (trueFalse) check(it *Item, p *domain.Problems) {
	if it.Truth == nil {
		p.Add("truth", "catalog.say_whether_the_statement_is")
		return
	}
	checkFeedback(p, "truth.wrong", it.Truth.Wrong)
	checkFeedback(p, "truth.right", it.Truth.Right)
}

func (trueFalse) advise(it *Item, a *advice) {
	if it.Truth != nil {
		a.feedback(-1, it.Truth.Wrong)
		a.feedback(-1, it.Truth.Right)
	}
}

func (trueFalse) assignIDs(*Item) {}

func (trueFalse) feedbacks(it *Item, each func(t *Text)) {
	if it.Truth != nil {
		each(it.Truth.Wrong)
		each(it.Truth.Right)
	}
}

func (trueFalse) mark(it *Item, r Response) (*big.Rat, []*Text) {
	switch {
	case it.Truth == nil:
		return nothing, nil
	case (r.Choice[0] == "true") == it.Truth.Answer:
		return whole, []*Text{it.Truth.Right}
	}
	return nothing, []*Text{it.Truth.Wrong}
}

func (trueFalse) right(it *Item) string {
	if it.Truth != nil && it.Truth.Answer {
		return "True"
	}
	return "False"
}

func (trueFalse) sample(it *Item, _ *rand.Rand, right bool) Response {
	if (it.Truth != nil && it.Truth.Answer) == right {
		return Response{Choice: []string{"true"}}
	}
	return Response{Choice: []string{"false"}}
}

func (trueFalse) show(_ *Item, p *Public) {
	p.Choices = []PublicChoice{{ID: "true", HTML: "True"}, {ID: "false", HTML: "False"}}
}

func (trueFalse) shuffle(p Public, _ uint64) Public { return p }

func (trueFalse) fits(_ *Item, r Response) domain.Problems {
	return fitsChoices(r.Choice, false, func(id string) bool { return id == "true" || id == "false" })
}
