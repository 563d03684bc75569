package item

import (
	"strings"
)

// FullMark is the fraction of a wholly right response, in basis points.
const FullMark = 10_000

// Result is the outcome of scoring one response.
type Result struct {
	// Fraction of the item's mark in basis points (ten-thousandths): 0 to FullMark. An
	// integer, because marks are added up and compared; rounded half up.
	Fraction     int      `json:"fraction"`
	NeedsMarking bool     `json:"needs_marking"` // a person must read it; Fraction is 0 until then
	Correct      bool     `json:"correct"`       // Fraction is FullMark
	Feedback     []string `json:"feedback"`      // safe HTML: for the answers given, then the general one
	RightAnswer  string   `json:"right_answer"`  // plain text, not HTML: escape it to show it
}

// Score marks a response. It never fails: what CheckResponse would refuse earns nothing.
// Partial credit never falls below 0 and never rises above FullMark. An empty essay needs
// no person to mark it.
func (it *Item) Score(r Response) Result {
	res := Result{Feedback: []string{}, RightAnswer: it.rightAnswer()}
	if it.CheckResponse(r) == nil && !r.Empty() {
		var fb []*Text
		res.Fraction, fb = it.mark(r)
		for _, f := range fb {
			if f != nil {
				res.Feedback = append(res.Feedback, RenderHTML(f.Body, f.Format))
			}
		}
		res.NeedsMarking = it.Kind == Essay
	}
	res.Correct = res.Fraction == FullMark
	if it.Feedback != nil {
		res.Feedback = append(res.Feedback, RenderHTML(it.Feedback.Body, it.Feedback.Format))
	}
	return res
}

// mark gives the fraction and the feedback of the answers that a valid response chose.
func (it *Item) mark(r Response) (int, []*Text) {
	switch it.Kind {
	case MultipleChoice:
		return it.markChoices(r.Choice)
	case TrueFalse:
		if it.Truth == nil {
			return 0, nil
		}
		if (r.Choice[0] == "true") == it.Truth.Answer {
			return FullMark, []*Text{it.Truth.Right}
		}
		return 0, []*Text{it.Truth.Wrong}
	case ShortAnswer:
		for _, a := range it.Accepted {
			if matchesPattern(a.Pattern, r.Text) {
				return fraction(a.Weight, Whole), []*Text{a.Feedback}
			}
		}
	case Numeric:
		x, err := parseNumber(r.Number)
		if err != nil {
			return 0, nil
		}
		for _, n := range it.Numbers {
			if n.accepts(x) {
				return fraction(n.Weight, Whole), []*Text{n.Feedback}
			}
		}
	case Matching:
		right := 0
		for _, pair := range it.Pairs {
			if r.Match[pair.ID] == pair.Right {
				right++
			}
		}
		return fraction(Weight(right), Weight(len(it.Pairs))), nil
	case Essay, Description: // earn nothing of themselves
	}
	return 0, nil
}

func (it *Item) markChoices(chosen []string) (int, []*Text) {
	var sum, positive Weight
	var fb []*Text
	for _, c := range it.Choices {
		positive += max(0, c.Weight)
		for _, id := range chosen {
			if c.ID == id {
				sum += c.Weight
				fb = append(fb, c.Feedback)
			}
		}
	}
	if it.Multiple {
		// Three times 33.33 % is meant to be everything: the whole is what all right
		// answers add up to (Validate keeps that within 1 % of 100 %).
		return fraction(sum, positive), fb
	}
	return fraction(sum, Whole), fb
}

// fraction gives part of whole in basis points, rounded half up, within 0 and FullMark.
func fraction(part, whole Weight) int {
	if part <= 0 || whole <= 0 {
		return 0
	}
	f := (int64(part)*FullMark*2 + int64(whole)) / (2 * int64(whole))
	return int(min(f, FullMark))
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
