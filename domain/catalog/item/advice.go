package item

import (
	"fmt"
	"html"
	"math/big"
	"regexp"
	"slices"
	"strings"
)

// Advice is something in an item that its author can hardly mean. Validate lets it pass, because items once stored must
// stay readable; whoever brings new items in refuses what is Fatal and tells the rest.
type Advice struct {
	Answer int // index of the choice, accepted answer, number or pair that it is about; -1: the item as a whole
	Fatal  bool
	Reason string
}

// Advise looks for what of a valid item a learner would not see as written, for answers that can never count, and for
// weights without effect.
func (it *Item) Advise() []Advice {
	var a advice
	a.texts(it)
	switch it.Kind {
	case MultipleChoice:
		a.choices(it)
	case ShortAnswer:
		a.accepted(it)
	case Numeric:
		a.numbers(it)
	case Matching:
		a.matching(it)
	case TrueFalse, Essay, Description: // their texts are all there is to them
	}
	return a
}

type advice []Advice

func (a *advice) warn(answer int, format string, args ...any) {
	*a = append(*a, Advice{Answer: answer, Reason: fmt.Sprintf(format, args...)})
}

func (a *advice) refuse(answer int, format string, args ...any) {
	*a = append(*a, Advice{Answer: answer, Fatal: true, Reason: fmt.Sprintf(format, args...)})
}

// texts looks at everything that is shown.
func (a *advice) texts(it *Item) {
	after := Text{it.After, it.Stem.Format}
	a.shown(-1, "the question", it.Stem)
	a.shown(-1, "the question", after)
	if !seen(it.Stem) && !seen(after) {
		a.refuse(-1, "nothing of the question would be shown: write it as text")
	}
	a.feedback(-1, it.Feedback)
	for i, c := range it.Choices {
		a.answer(i, "answer", c.Text)
		a.feedback(i, c.Feedback)
	}
	for i, p := range it.Pairs {
		a.answer(i, "left side", p.Left)
	}
	for _, o := range it.Options {
		if blankText(o.Text) {
			a.refuse(-1, "nothing of a right side would be shown: write it as text")
		}
		a.shown(-1, "a right side", Text{o.Text, Plain})
		if tag := anyTag.FindString(o.Text); tag != "" {
			a.warn(-1, "a right side is plain text: %s is shown as it is", shorten(tag))
		}
	}
	if it.Truth != nil {
		a.feedback(-1, it.Truth.Wrong)
		a.feedback(-1, it.Truth.Right)
	}
	for i, x := range it.Accepted {
		a.feedback(i, x.Feedback)
	}
	for i, n := range it.Numbers {
		a.feedback(i, n.Feedback)
	}
}

func (a *advice) shown(answer int, what string, t Text) {
	if gone := Lost(t); len(gone) > 0 {
		a.warn(answer, "%s is not shown as written: %s", what, strings.Join(gone, ", "))
	}
}

func (a *advice) answer(i int, what string, t Text) {
	a.shown(i, "the "+what, t)
	if !seen(t) {
		a.refuse(i, "nothing of the %s would be shown: write it as text", what)
	}
}

func (a *advice) feedback(i int, t *Text) {
	if t == nil {
		return
	}
	a.shown(i, "the feedback", *t)
	if !seen(*t) {
		a.warn(i, "nothing of the feedback would be shown")
	}
}

// seen tells whether anything of a text is left to be seen.
func seen(t Text) bool { return !blankText(PlainText(t)) }

// looks is a text as the eye compares it.
func looks(t Text) string {
	return strings.Join(strings.Fields(foldMarks(html.UnescapeString(renderInline(t)))), " ")
}

func (a *advice) choices(it *Item) {
	faces := map[string]int{}
	for i, c := range it.Choices {
		face := looks(c.Text)
		if first, twice := faces[face]; twice {
			a.warn(i, "answer %d looks the same as answer %d: a learner cannot tell them apart", i+1, first+1)
		} else {
			faces[face] = i
		}
		if !it.Multiple && c.Weight < 0 {
			a.warn(i, "the weight of %s %% has no effect: where one answer is chosen, a wrong one earns nothing and takes nothing away", c.Weight)
		}
	}
}

func (a *advice) matching(it *Item) {
	faces := map[string]bool{}
	for i, p := range it.Pairs {
		if face := looks(p.Left); faces[face] {
			a.warn(i, "two left sides look the same")
		} else {
			faces[face] = true
		}
	}
	faces = map[string]bool{}
	for _, o := range it.Options {
		if face := fold(o.Text); faces[face] {
			a.warn(-1, "two right sides read the same but for letters' case or marks (%.60s): only one of them is counted as right", o.Text)
		} else {
			faces[face] = true
		}
	}
}

var (
	typedTag    = regexp.MustCompile(`(?i)` + anyTag.String() + `|&(?:[a-z][a-z0-9]{1,30}|#[0-9]{1,6}|#x[0-9a-f]{1,5});`)
	typedEscape = regexp.MustCompile(`\\[^*]|\\$`)
)

func (a *advice) accepted(it *Item) {
	earlier := make([][]string, 0, len(it.Accepted))
	best, reach := Weight(-1), Weight(-1)
	for i, x := range it.Accepted {
		folded := foldPattern(x.Pattern)
		best = max(best, x.Weight)
		// A wildcard of this pattern is a character that only a wildcard of an earlier one takes: what matches here matched there.
		by := slices.IndexFunc(earlier, func(parts []string) bool { return matchesParts(parts, folded) })
		switch {
		case folded == "":
			a.refuse(i, "nothing of the answer can be seen, so nobody can type it")
		case by >= 0 && x.Weight == it.Accepted[by].Weight && x.Feedback == nil:
			a.warn(i, "answer %d is not needed: answer %d (%.60s) takes it already; letters' case and marks do not matter", i+1, by+1, it.Accepted[by].Pattern)
			reach = max(reach, x.Weight)
		case by >= 0 && foldPattern(it.Accepted[by].Pattern) == folded:
			a.warn(i, "answer %d can never count: it is the same as answer %d but for letters' case or marks", i+1, by+1)
		case by >= 0:
			a.warn(i, "answer %d can never count: whoever types it has already matched answer %d (%.60s)", i+1, by+1, it.Accepted[by].Pattern)
		default:
			reach = max(reach, x.Weight)
		}
		if folded == string(wildcard) && x.Weight > 0 {
			a.warn(i, "whatever is typed earns %s %%: write \\* for an asterisk", x.Weight)
		}
		if m := typedTag.FindString(x.Pattern); m != "" {
			a.warn(i, "a learner would have to type %s: typed answers are plain text", shorten(m))
		}
		if formula.MatchString(x.Pattern) || typedEscape.MatchString(x.Pattern) {
			a.warn(i, "a learner would have to type the backslash or the dollar signs of %s", shorten(x.Pattern))
		}
		earlier = append(earlier, strings.Split(folded, string(wildcard)))
	}
	a.full(best, reach)
}

// full refuses an item whose right answer never counts.
func (a *advice) full(best, reach Weight) {
	if best == Whole && reach < Whole {
		a.refuse(-1, "nobody can earn the full mark: an answer in front always counts first; put it last")
	}
}

// span is a closed interval of numbers that some answers take.
type span struct{ low, high *big.Rat }

func (a *advice) numbers(it *Item) {
	var taken []span // apart from one another
	everything := false
	best, reach := Weight(-1), Weight(-1)
	for i, n := range it.Numbers {
		best = max(best, n.Weight)
		if n.Any {
			if everything {
				a.warn(i, "answer %d can never count: one in front takes every number", i+1)
			} else {
				reach = max(reach, n.Weight)
			}
			if n.Weight > 0 {
				a.warn(i, "any number earns %s %%", n.Weight)
			}
			everything = true
			continue
		}
		low, high, err := n.bounds()
		if err != nil {
			continue
		}
		if everything || slices.ContainsFunc(taken, func(s span) bool { return s.low.Cmp(low) <= 0 && high.Cmp(s.high) <= 0 }) {
			a.warn(i, "answer %d (%s) can never count: answers in front of it take all its numbers", i+1, n)
			continue
		}
		for j, before := range it.Numbers[:i] {
			if l, h, err := before.bounds(); err == nil && !before.Any && before.Weight < n.Weight && l.Cmp(high) <= 0 && low.Cmp(h) <= 0 {
				a.warn(i, "some numbers of answer %d (%s) earn only %s %%: answer %d (%s) in front of it takes them", i+1, n, before.Weight, j+1, before)
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
