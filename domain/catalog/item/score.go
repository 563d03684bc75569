package item

import (
	"math/big"
	"math/rand/v2"
)

// FullMark is the Fraction of a wholly right response, in basis points.
const FullMark = 10_000

// Result is the outcome of scoring one response.
type Result struct {
	// Exact is the share of the item's mark, 0 to 1. Marks are added up and compared by it; it must not be changed.
	Exact *big.Rat `json:"-"`
	// Fraction is Exact to be shown, in basis points (ten-thousandths): 0 to FullMark, rounded half up; FullMark is
	// only the whole mark. It decides nothing.
	Fraction     int      `json:"fraction"`
	NeedsMarking bool     `json:"needs_marking"` // a person must read it; Exact is 0 until then
	Correct      bool     `json:"correct"`       // Exact is 1
	Feedback     []string `json:"feedback"`      // safe HTML: for the answers given, then the general one
	RightAnswer  string   `json:"right_answer"`  // plain text, not HTML: escape it to show it
}

// The shares that most responses earn.
var nothing, whole = new(big.Rat), big.NewRat(1, 1)

// Mark is what a response earns. It holds no text: rendering is the dear part, and most scores are wanted without it.
type Mark struct {
	Exact        *big.Rat // share of the item's mark, 0 to 1; it must not be changed
	NeedsMarking bool     // a person must read it; Exact is 0 until then
	told         []*Text  // feedback for the answers given; nil: none
}

// Correct reports whether the response earns the whole mark.
func (m Mark) Correct() bool { return m.Exact.Cmp(whole) == 0 }

// Mark marks a response. It never fails: what CheckResponse would refuse earns nothing.
// Partial credit never falls below 0 and never rises above the whole mark. An empty essay needs
// no person to mark it.
func (it *Item) Mark(r Response) Mark {
	if r.Empty() || it.CheckResponse(r) != nil {
		return Mark{Exact: nothing}
	}
	k := of(it.Kind)
	share, told := k.mark(it, r)
	return Mark{Exact: share, NeedsMarking: k.is().byPerson, told: told}
}

// Score marks a response and renders all that may be told about it. Whoever has many responses to one item calls Mark, and
// keeps the item's Key for those that are told.
func (it *Item) Score(r Response) Result {
	m := it.Mark(r)
	res := Result{Exact: m.Exact, Fraction: basisPoints(m.Exact), NeedsMarking: m.NeedsMarking, Correct: m.Correct()}
	res.Feedback, res.RightAnswer = NewKey(it).Tell(m)
	return res
}

// basisPoints rounds a share half up, but nothing below the whole to the whole.
func basisPoints(share *big.Rat) int {
	if share.IsInt() {
		return int(share.Num().Int64()) * FullMark
	}
	twice := new(big.Int).Mul(share.Num(), big.NewInt(2*FullMark))
	twice.Add(twice, share.Denom())
	twice.Quo(twice, new(big.Int).Lsh(share.Denom(), 1))
	return min(int(twice.Int64()), FullMark-1)
}

// bounded keeps a share within nothing and the whole.
func bounded(share *big.Rat) *big.Rat {
	switch {
	case share.Sign() <= 0:
		return nothing
	case share.Cmp(whole) >= 0:
		return whole
	}
	return share
}

// Sample answers an item as learners do: those who know it, so far as the kind has a right answer to give, and those who do not.
// Demonstrations and tests are made of it.
func (it *Item) Sample(rnd *rand.Rand, right bool) Response {
	return of(it.Kind).sample(it, rnd, right)
}

// Scored reports whether the item can earn marks; a description cannot.
func (it *Item) Scored() bool { return it.Kind.Asks() }

// MissingWord reports whether the answer stands inside the sentence.
func (it *Item) MissingWord() bool { return it.After != "" }
