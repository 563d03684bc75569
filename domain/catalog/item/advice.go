package item

import (
	"fmt"
	"html"
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
	of(it.Kind).advise(it, &a)
	return a
}

type advice []Advice

func (a *advice) warn(answer int, format string, args ...any) {
	*a = append(*a, Advice{Answer: answer, Reason: fmt.Sprintf(format, args...)})
}

func (a *advice) refuse(answer int, format string, args ...any) {
	*a = append(*a, Advice{Answer: answer, Fatal: true, Reason: fmt.Sprintf(format, args...)})
}

// texts looks at what every kind shows.
func (a *advice) texts(it *Item) {
	after := Text{it.After, it.Stem.Format}
	a.shown(-1, "the question", it.Stem)
	a.shown(-1, "the question", after)
	if !seen(it.Stem) && !seen(after) {
		a.refuse(-1, "nothing of the question would be shown: write it as text")
	}
	a.feedback(-1, it.Feedback)
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

// full refuses an item whose right answer never counts.
func (a *advice) full(best, reach Weight) {
	if best == Whole && reach < Whole {
		a.refuse(-1, "nobody can earn the full mark: an answer in front always counts first; put it last")
	}
}
