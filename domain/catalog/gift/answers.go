package gift

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"unicode"

	"lignum/domain/catalog/item"
	"lignum/domain/words"
)

// answers reads what stands between the braces. Which kind of question it is follows
// from its marks, in the order that Moodle uses.
func (p *parser) answers(it *item.Item, cs chars) {
	cs, general, found := cs.cut("####")
	if found {
		it.Feedback = p.feedbackOf(general)
	}
	cs = cs.trim()
	if m := cloze.FindString(cs.String()); m != "" && !cs[len([]rune(m))-1].escaped {
		p.errorAt(cs[0].off, "gift.begins_an_answer_of_moodles", "Mark", m)
		return
	}
	if cs.startsWith(">") && cs.has("\n") {
		p.errorAt(cs[0].off, "gift.begins_an_ordering_question_of")
		return
	}
	switch {
	case len(cs) == 0:
		it.Kind = item.Essay
	case cs.startsWith("#"):
		p.numeric(it, cs[1:])
	case isTruth(cs):
		p.trueFalse(it, cs)
	case cs.has("~"):
		p.multipleChoice(it, cs)
	case cs.has("=") && cs.has("->"):
		p.matching(it, cs)
	default:
		p.shortAnswer(it, cs)
	}
}

var cloze = regexp.MustCompile(`^[0-9]{0,3}:(?:SHORTANSWER(?:_C)?|SAC?|MWC?|NUMERICAL|NM|MULTI(?:CHOICE|RESPONSE)(?:_[VHS]{1,3})?|MC[VHS]{0,2}|MR[HS]{0,2}):`)

func isTruth(cs chars) bool {
	word, _, _ := cs.cut("#")
	switch strings.ToUpper(word.trim().String()) {
	case "T", "TRUE", "F", "FALSE":
		return true
	}
	return false
}

// trueFalse reads T#feedback for the wrong answer#feedback for the right answer.
func (p *parser) trueFalse(it *item.Item, cs chars) {
	word, feedback, _ := cs.cut("#")
	wrong, right, _ := feedback.cut("#")
	if i := right.index("#"); i >= 0 {
		p.errorAt(right[i].off, "gift.true_false_takes_two_feedbacks")
	}
	it.Kind = item.TrueFalse
	it.Truth = &item.Truth{
		Answer: unicode.ToUpper(word.trim()[0].r) == 'T',
		Wrong:  p.feedbackOf(wrong),
		Right:  p.feedbackOf(right),
	}
}

// entry is one entry of an answer block, from its = or ~ to the next.
type entry struct {
	right bool // marked by = rather than ~
	body  chars
	off   int
}

// answer is an entry read as %weight%text#feedback.
type answer struct {
	entry
	weight   item.Weight
	text     chars
	feedback *item.Text
}

// split cuts an answer block at its = and ~ marks. What stands before the first mark is
// an answer too where bare is true (short answer, numeric), else an error.
func (p *parser) split(cs chars, bare bool) []entry {
	var marks []int
	for i, c := range cs {
		if isMark(c) {
			marks = append(marks, i)
		}
	}
	if len(marks) > 2*item.MaxAnswers { // as many pairs and distractors as an item may have
		p.errorAt(cs[marks[2*item.MaxAnswers]].off, "gift.more_than_answers", "Most", 2*item.MaxAnswers)
		return nil
	}
	var out []entry
	lead := cs
	if len(marks) > 0 {
		lead = cs[:marks[0]]
	}
	if lead = lead.trim(); len(lead) > 0 {
		if !bare {
			p.errorAt(lead[0].off, "gift.text_before_the_first_or")
		} else {
			out = append(out, entry{true, lead, lead[0].off})
		}
	}
	for n, at := range marks {
		end := len(cs)
		if n+1 < len(marks) {
			end = marks[n+1]
		}
		if cs[at].r == '~' && n+1 < len(marks) && cs[end].r == '=' && len(cs[at+1:end].trim()) == 0 {
			continue // ~= is how many write =, and Moodle reads it so
		}
		if at > 0 && cs[at].r == '=' && !unicode.IsSpace(cs[at-1].r) && !isMark(cs[at-1]) {
			p.warnAt(cs[at].off, "gift.this_begins_a_new_answer")
		}
		out = append(out, entry{cs[at].r == '=', cs[at+1 : end], cs[at].off})
	}
	return out
}

func isMark(c char) bool { return !c.escaped && (c.r == '=' || c.r == '~') }

// likeWeight is what somebody writes who means a weight.
var likeWeight = regexp.MustCompile(`^%\s*[-+]?\s*[0-9.,]`)

var weightMark = regexp.MustCompile(`^%(-?[0-9]{1,3}(?:\.[0-9]{0,20})?)%`)

// read returns the answers of a block; an answer without text is an error unless empty
// ones are allowed.
func (p *parser) read(cs chars, bare, emptyOK bool) []answer {
	var out []answer
	for _, e := range p.split(cs, bare) {
		a := answer{entry: e}
		if e.right {
			a.weight = item.Whole
		}
		body := e.body.trimLeft()
		if m := weightMark.FindStringSubmatch(body[:min(len(body), 30)].String()); m != nil {
			w, err := item.ParseWeight(m[1])
			if err != nil {
				p.errorIn(e.off, words.Of(err))
			}
			a.weight, body = w, body[len(m[0]):]
		}
		if likeWeight.MatchString(body[:min(len(body), 10)].String()) && !body[0].escaped {
			p.warnAt(e.off, "gift.the_at_the_beginning_is")
		}
		text, feedback, _ := body.cut("#")
		a.text, a.feedback = text.trim(), p.feedbackOf(feedback)
		if len(a.text) == 0 && !emptyOK {
			p.errorAt(e.off, "gift.the_answer_is_empty")
			continue
		}
		out = append(out, a)
	}
	return out
}

// multipleChoice: with an = it has one right answer, without one it has several, whose
// weights share the mark.
func (p *parser) multipleChoice(it *item.Item, cs chars) {
	it.Kind, it.Multiple = item.MultipleChoice, true
	for _, a := range p.read(cs, false, false) {
		if a.right {
			it.Multiple = false
		}
		it.Choices = append(it.Choices, item.Choice{Text: p.textOf(a.text), Weight: a.weight, Feedback: a.feedback})
		p.answerAt = append(p.answerAt, a.off)
	}
}

func (p *parser) shortAnswer(it *item.Item, cs chars) {
	it.Kind = item.ShortAnswer
	for _, a := range p.read(cs, true, false) {
		pattern := p.plainOf(a.text).String()
		if pattern == "" {
			p.errorAt(a.off, "gift.the_answer_is_empty")
			continue
		}
		if isTruth(a.text) && a.right {
			p.warnAt(a.off, "gift.a_learner_must_type_for", "Pattern", pattern, "Truth", "{"+strings.ToUpper(pattern)+"}")
		}
		it.Accepted = append(it.Accepted, item.Accepted{Pattern: pattern, Weight: a.weight, Feedback: a.feedback})
		p.answerAt = append(p.answerAt, a.off)
	}
}

// plainOf takes the [format] from what can only be plain text: a typed answer, a number, the right side of a pair.
func (p *parser) plainOf(cs chars) chars {
	cs, _ = p.formatOf(cs.trim())
	return cs.trim()
}

// matching reads =left -> right; an empty left side makes right a distractor.
func (p *parser) matching(it *item.Item, cs chars) {
	it.Kind = item.Matching
	options := map[string]string{}
	for _, e := range p.split(cs, false) {
		left, right, found := e.body.cut("->")
		text := p.plainOf(right).String()
		switch {
		case e.body.has("#"):
			p.errorAt(e.off, "gift.a_pair_has_no_feedback")
			continue
		case !found:
			p.errorAt(e.off, "gift.the_pair_has_no")
			continue
		case text == "":
			p.errorAt(e.off, "gift.nothing_stands_after")
			continue
		}
		id, known := options[text]
		if !known {
			id = strconv.Itoa(len(options))
			options[text] = id
			it.Options = append(it.Options, item.Option{ID: id, Text: text})
		}
		if left = left.trim(); len(left) == 0 {
			if known {
				p.warnAt(e.off, "gift.the_wrong_right_side_is", "Text", fmt.Sprintf("%.60q", text))
			}
		} else {
			if weightMark.MatchString(left[:min(len(left), 30)].String()) {
				p.warnAt(e.off, "gift.a_pair_has_no_weight")
			}
			it.Pairs = append(it.Pairs, item.Pair{Left: p.textOf(left), Right: id})
			p.answerAt = append(p.answerAt, e.off)
		}
	}
}

// numeric reads value, value:tolerance, low..high, alone or as several weighted answers;
// a ~ or a * stands for every other number, to carry its feedback. One marked by ~ counts last wherever it stands:
// before another answer it would leave that one nothing.
func (p *parser) numeric(it *item.Item, cs chars) {
	it.Kind = item.Numeric
	var last []item.Number
	var lastAt []int
	for _, a := range p.read(cs, true, true) {
		n := item.Number{Weight: a.weight, Feedback: a.feedback}
		text := p.plainOf(a.text).String()
		value, tolerance, hasTolerance := strings.Cut(text, ":")
		low, high, isRange := strings.Cut(text, "..")
		switch {
		case text == "*" || text == "" && !a.right:
			if n.Any = true; !a.right {
				last, lastAt = append(last, n), append(lastAt, a.off)
				continue
			}
		case text == "":
			p.errorAt(a.off, "gift.the_answer_is_empty")
			continue
		case isRange:
			n.Low, n.High = p.number(low, a.off), p.number(high, a.off)
		default:
			n.Value = p.number(value, a.off)
			if hasTolerance {
				n.Tolerance = p.number(tolerance, a.off)
			}
		}
		if len(last) > 0 {
			p.warnAt(lastAt[0], "gift.what_stands_for_every_other")
		}
		it.Numbers, p.answerAt = append(it.Numbers, n), append(p.answerAt, a.off)
	}
	it.Numbers, p.answerAt = append(it.Numbers, last...), append(p.answerAt, lastAt...)
}

func (p *parser) number(s string, off int) string {
	clean, err := item.CleanNumber(s)
	if err != nil {
		p.errorAt(off, "gift.is_not_a_number", "Number", fmt.Sprintf("%.60q", strings.TrimSpace(s)), "Why", err)
	}
	return clean
}
