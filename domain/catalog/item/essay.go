package item

import (
	"math/big"
	"math/rand/v2"

	"lignum/domain"
)

// essay takes a longer text, which a person marks. It is typed as a short answer is; an empty one needs no person.
type essay struct{ shortAnswer }

func (essay) is() facts {
	return facts{kind: Essay, answer: "text", example: `{"text": "Because …"}`, byPerson: true}
}

func (essay) fields(*Item) []field                     { return nil }
func (essay) check(*Item, *domain.Problems)            {}
func (essay) advise(*Item, *advice)                    {}
func (essay) feedbacks(*Item, func(t *Text))           {}
func (essay) mark(*Item, Response) (*big.Rat, []*Text) { return nothing, nil }
func (essay) right(*Item) string                       { return "" }
func (essay) sample(*Item, *rand.Rand, bool) Response  { return Response{} }

func (essay) fits(_ *Item, r Response) domain.Problems {
	return fitsTyped("text", r.Text, MaxResponseText)
}
