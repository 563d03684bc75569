package item

import (
	"math/big"
	"slices"
	"strings"
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

// Correct tells whether the response earns the whole mark.
func (m Mark) Correct() bool { return m.Exact.Cmp(whole) == 0 }

// Mark marks a response. It never fails: what CheckResponse would refuse earns nothing.
// Partial credit never falls below 0 and never rises above the whole mark. An empty essay needs
// no person to mark it.
func (it *Item) Mark(r Response) Mark {
	if r.Empty() || it.CheckResponse(r) != nil {
		return Mark{Exact: nothing}
	}
	share, told := it.mark(r)
	return Mark{Exact: share, NeedsMarking: it.Kind == Essay, told: told}
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

// mark gives the share and the feedback of the answers that a valid response chose.
func (it *Item) mark(r Response) (*big.Rat, []*Text) {
	switch it.Kind {
	case MultipleChoice:
		return it.markChoices(r.Choice)
	case TrueFalse:
		if it.Truth == nil {
			return nothing, nil
		}
		if (r.Choice[0] == "true") == it.Truth.Answer {
			return whole, []*Text{it.Truth.Right}
		}
		return nothing, []*Text{it.Truth.Wrong}
	case ShortAnswer:
		typed := fold(r.Text)
		for _, a := range it.Accepted {
			if matchesParts(patternParts(a.Pattern), typed) {
				return bounded(a.Weight.Share()), []*Text{a.Feedback}
			}
		}
	case Numeric:
		x, err := parseNumber(r.Number)
		if err != nil {
			return nothing, nil
		}
		for _, n := range it.Numbers {
			if n.accepts(x) {
				return bounded(n.Weight.Share()), []*Text{n.Feedback}
			}
		}
	case Matching:
		right := 0
		for _, pair := range it.Pairs {
			if r.Match[pair.ID] == pair.Right {
				right++
			}
		}
		if len(it.Pairs) > 0 {
			return bounded(big.NewRat(int64(right), int64(len(it.Pairs)))), nil
		}
	case Essay, Description: // earn nothing of themselves
	}
	return nothing, nil
}

func (it *Item) markChoices(chosen []string) (*big.Rat, []*Text) {
	sum, positive := new(big.Rat), new(big.Rat)
	var fb []*Text
	for _, c := range it.Choices {
		ticked := slices.Contains(chosen, c.ID)
		if ticked {
			fb = append(fb, c.Feedback)
		}
		if !ticked && (!it.Multiple || c.Weight <= 0) {
			continue
		}
		share := c.Weight.Share()
		if ticked {
			sum.Add(sum, share)
		}
		if share.Sign() > 0 {
			positive.Add(positive, share)
		}
	}
	if it.Multiple && positive.Sign() > 0 {
		// Twelve times 8.3 % is meant to be everything: the whole is what all right
		// answers add up to (Validate keeps that within 1 % of 100 %).
		sum.Quo(sum, positive)
	}
	return bounded(sum), fb
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

// rightAnswer gives in plain text what would have earned the full mark; empty for an
// essay or a description.
func (it *Item) rightAnswer() string {
	var parts []string
	switch it.Kind {
	case MultipleChoice:
		for _, c := range it.Choices {
			if c.Weight == Whole || it.Multiple && c.Weight > 0 {
				parts = append(parts, PlainText(c.Text))
			}
		}
	case TrueFalse:
		if it.Truth != nil && it.Truth.Answer {
			return "True"
		}
		return "False"
	case ShortAnswer:
		for _, a := range it.Accepted {
			if a.Weight == Whole {
				return strings.ReplaceAll(a.Pattern, `\*`, "*")
			}
		}
	case Numeric:
		for _, n := range it.Numbers {
			if n.Weight == Whole {
				return n.String()
			}
		}
	case Matching:
		texts := map[string]string{}
		for _, o := range it.Options {
			texts[o.ID] = o.Text
		}
		for _, pair := range it.Pairs {
			parts = append(parts, PlainText(pair.Left)+" → "+texts[pair.Right])
		}
	case Essay, Description: // have none
	}
	return strings.Join(parts, "; ")
}
