package item

import (
	"fmt"
	"math/big"
	"math/rand/v2"
	"slices"
	"strings"

	"lignum/domain"
	"lignum/domain/words"
)

// numeric takes a typed number, which earns what the first of the item's numbers says that it is within. What a number is,
// and how exactly it is compared, is in number.go.
type numeric struct{ anyKind }

// Number is one numeric answer: Value within Tolerance, or Low to High (both ends
// count), or Any number at all (a catch-all for feedback). Numbers are kept as decimal
// text so that 3.1 is within 3 ± 0.1; binary fractions would not say so.
type Number struct {
	Value     string `json:"value,omitempty"`
	Tolerance string `json:"tolerance,omitempty"` // empty is 0
	Low       string `json:"low,omitempty"`
	High      string `json:"high,omitempty"`
	Any       bool   `json:"any,omitempty"`
	Weight    Weight `json:"weight"` // percent 0 to 100
	Feedback  *Text  `json:"feedback,omitempty"`
}

func (numeric) is() facts {
	return facts{kind: Numeric, answer: "number", example: `{"number": "3.5"}`}
}

func (numeric) fields(it *Item) []field { return []field{{"numbers", len(it.Numbers) > 0}} }

func (numeric) check(it *Item, p *domain.Problems) {
	checkCount(p, "numbers", len(it.Numbers), 1, MaxAnswers)
	var best Weight
	for i, n := range it.Numbers {
		at := fmt.Sprintf("numbers[%d]", i)
		if err := n.check(); err != nil {
			p.AddIn(at, words.Of(err))
		}
		checkWeight(p, at+".weight", n.Weight, 0)
		checkFeedback(p, at+".feedback", n.Feedback)
		best = max(best, n.Weight)
	}
	if len(it.Numbers) > 0 && best != Whole {
		p.Add("numbers", "catalog.one_answer_must_be_right")
	}
}

// span is a closed interval of numbers that some answers take.
type span struct{ low, high *big.Rat }

func (numeric) advise(it *Item, a *advice) {
	for i, n := range it.Numbers {
		a.feedback(i, n.Feedback)
	}
	var taken []span // apart from one another
	everything := false
	best, reach := Weight(-1), Weight(-1)
	for i, n := range it.Numbers {
		best = max(best, n.Weight)
		if n.Any {
			if everything {
				a.warn(i, "catalog.answer_can_never_count_one", "Answer", i+1)
			} else {
				reach = max(reach, n.Weight)
			}
			if n.Weight > 0 {
				a.warn(i, "catalog.any_number_earns", "Weight", n.Weight)
			}
			everything = true
			continue
		}
		low, high, err := n.bounds()
		if err != nil {
			continue
		}
		if everything || slices.ContainsFunc(taken, func(s span) bool { return s.low.Cmp(low) <= 0 && high.Cmp(s.high) <= 0 }) {
			a.warn(i, "catalog.answer_can_never_count_answers", "Answer", i+1, "Numbers", n)
			continue
		}
		for j, before := range it.Numbers[:i] {
			if l, h, err := before.bounds(); err == nil && !before.Any && before.Weight < n.Weight && l.Cmp(high) <= 0 && low.Cmp(h) <= 0 {
				a.warn(i, "catalog.some_numbers_of_answer_earn", "Answer", i+1, "Numbers", n, "Weight", before.Weight, "Front", j+1, "FrontNumbers", before)
			}
		}
		reach = max(reach, n.Weight)
		taken = join(taken, span{low, high})
	}
	a.full(best, reach)
}

// join adds an interval to others that do not touch, and melts it with those that it touches.
func join(taken []span, s span) []span {
	var apart []span
	for _, t := range taken {
		if t.high.Cmp(s.low) < 0 || s.high.Cmp(t.low) < 0 {
			apart = append(apart, t)
			continue
		}
		if t.low.Cmp(s.low) < 0 {
			s.low = t.low
		}
		if t.high.Cmp(s.high) > 0 {
			s.high = t.high
		}
	}
	return append(apart, s)
}

func (numeric) feedbacks(it *Item, each func(t *Text)) {
	for i := range it.Numbers {
		each(it.Numbers[i].Feedback)
	}
}

func (numeric) mark(it *Item, r Response) (*big.Rat, []*Text) {
	x, err := parseNumber(r.Number)
	if err != nil {
		return nothing, nil
	}
	for _, n := range it.Numbers {
		if n.accepts(x) {
			return bounded(n.Weight.Share()), []*Text{n.Feedback}
		}
	}
	return nothing, nil
}

func (numeric) right(it *Item) string {
	for _, n := range it.Numbers {
		if n.Weight == Whole {
			return n.String()
		}
	}
	return ""
}

func (numeric) sample(it *Item, _ *rand.Rand, right bool) Response {
	if !right {
		return Response{Number: "-98765"}
	}
	for _, n := range it.Numbers {
		if n.Weight == Whole && !n.Any {
			return Response{Number: n.Value + n.Low} // one of the two is empty
		}
	}
	return Response{}
}

func (numeric) fits(_ *Item, r Response) domain.Problems {
	p := fitsTyped("number", r.Number, MaxResponseShort)
	if len(p) == 0 && !blankText(r.Number) {
		if _, err := CleanNumber(r.Number); err != nil {
			p.AddIn("number", words.Of(err))
		}
	}
	return p
}

func (numeric) read(_ *Public, typed func(part string) []string) Response {
	return Response{Number: strings.TrimSpace(first(typed("")))}
}

func (numeric) given(_ *Public, r Response) []Line { return typedLine(r.Number) }

func (numeric) guess(_ *Public, n int) Response { return Response{Number: fmt.Sprint(n)} }
