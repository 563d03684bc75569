package item

import (
	"html"
	"strings"

	"lignum/domain/words"
)

// Advice is something in an item that its author can hardly mean. Validate lets it pass, because items once stored must
// stay readable; whoever brings new items in refuses what is Fatal and tells the rest.
type Advice struct {
	Answer int // index of the choice, accepted answer, number or pair that it is about; -1: the item as a whole
	Fatal  bool
	Reason words.Text
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

func (a *advice) warn(answer int, key string, pairs ...any) {
	*a = append(*a, Advice{Answer: answer, Reason: words.Say(key, pairs...)})
}

func (a *advice) fatal(answer int, key string, pairs ...any) {
	*a = append(*a, Advice{Answer: answer, Fatal: true, Reason: words.Say(key, pairs...)})
}

// texts looks at what every kind shows.
func (a *advice) texts(it *Item) {
	after := Text{it.After, it.Stem.Format}
	a.shown(-1, "catalog.question_lost", it.Stem)
	a.shown(-1, "catalog.question_lost", after)
	if !seen(it.Stem) && !seen(after) {
		a.fatal(-1, "catalog.nothing_of_the_question_would")
	}
	a.feedback(-1, it.Feedback)
}

// shown tells what of a text would be lost, with the message of a key.
func (a *advice) shown(answer int, lost string, t Text) {
	if gone := Lost(t); len(gone) > 0 {
		a.warn(answer, lost, "Lost", words.Join(", ", gone...))
	}
}

// answer is shown, and refuses a text of which nothing can be seen, with the message of another key.
func (a *advice) answer(i int, lost, blank string, t Text) {
	a.shown(i, lost, t)
	if !seen(t) {
		a.fatal(i, blank)
	}
}

func (a *advice) feedback(i int, t *Text) {
	if t == nil {
		return
	}
	a.shown(i, "catalog.feedback_lost", *t)
	if !seen(*t) {
		a.warn(i, "catalog.nothing_of_the_feedback_would")
	}
}

// seen reports whether anything of a text is left to be seen.
func seen(t Text) bool { return !blankText(PlainText(t)) }

// looks is a text as the eye compares it.
func looks(t Text) string {
	return strings.Join(strings.Fields(foldMarks(html.UnescapeString(renderInline(t)))), " ")
}

// full refuses an item whose right answer never counts.
func (a *advice) full(best, reach Weight) {
	if best == Whole && reach < Whole {
		a.fatal(-1, "catalog.nobody_can_earn_the_full")
	}
}
