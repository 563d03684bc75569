package gift

import (
	"regexp"
	"strings"
	"unicode/utf8"

	"lignum/domain/catalog/item"
	"lignum/domain/words"
)

// parser reads one question.
type parser struct {
	file     string
	block    block
	text     string // the question without its comment lines
	starts   []int  // byte offset of each line in text
	format   item.Format
	errs     []Error
	warnings []Error
	answerAt []int // byte offset of each choice, accepted answer, number or pair of the item
}

// errorAt notes an error at a byte offset; -1 is the question's first line. The reason is the message of a key, filled with pairs of name and value.
func (p *parser) errorAt(off int, key string, pairs ...any) { p.errorIn(off, words.Say(key, pairs...)) }

// errorIn is errorAt with a reason that is there already.
func (p *parser) errorIn(off int, reason words.Text) {
	l, c := p.position(off)
	p.errs = append(p.errs, Error{p.file, l, c, reason})
}

func (p *parser) warnAt(off int, key string, pairs ...any) { p.warnIn(off, words.Say(key, pairs...)) }

func (p *parser) warnIn(off int, reason words.Text) {
	l, c := p.position(off)
	p.warnings = append(p.warnings, Error{p.file, l, c, reason})
}

// question reads title, text and answers, and validates the item.
func (p *parser) question() Parsed {
	var q Parsed
	q.ID, q.Tags = p.notesOf()
	for _, l := range p.block.lines[1:] {
		if isCategory(l.text) {
			p.errs = append(p.errs, Error{p.file, l.number, 0, words.Say("gift.a_blank_line_must_come")})
		}
	}
	cs := p.lex().trim()
	cs, q.Name = p.title(cs)

	open, shut := cs.index("{"), cs.index("}")
	switch {
	case open < 0 && shut < 0:
		p.format = item.Moodle
		stem := p.textOf(cs)
		q.Item = &item.Item{Kind: item.Description, Stem: stem}
	case open < 0 || shut >= 0 && shut < open:
		p.errorAt(cs[shut].off, "gift.this_closes_nothing_write_for")
	case shut < 0:
		p.errorAt(cs[open].off, "gift.the_answers_opened_by_this")
	default:
		q.Item = p.answered(cs[:open], cs[open+1:shut], cs[shut+1:])
	}
	if q.Item != nil && len(p.errs) == 0 {
		q.Item.AssignIDs()
		if err := q.Item.Validate(); err != nil {
			p.invalid(err)
		} else {
			p.advise(q.Item)
		}
	}
	return q
}

func (p *parser) title(cs chars) (chars, string) {
	if !cs.startsWith("::") {
		return cs, ""
	}
	title, rest, found := cs[2:].cut("::")
	if !found {
		p.errorAt(cs[0].off, "the title is not closed by a second ::")
		return nil, ""
	}
	name := title.trim().String()
	switch {
	case name == "":
		p.errorAt(cs[0].off, "gift.the_title_is_empty")
	case utf8.RuneCountInString(name) > MaxName:
		p.errorAt(cs[0].off, "gift.the_title_is_longer_than", "Most", MaxName)
	case strings.ContainsAny(name, "\n\t"):
		p.errorAt(cs[0].off, "gift.the_title_spans_lines")
	}
	return rest.trim(), name
}

// answered reads a question with an answer block. Text on both sides of it, or after it
// alone, makes the block the blank of a missing word.
func (p *parser) answered(before, answers, after chars) *item.Item {
	for _, extra := range []struct {
		cs   chars
		mark string
		why  string
	}{
		{answers, "{", "gift.a_inside_the_answers_write"},
		{after, "{", "gift.a_question_has_one_answer"},
		{after, "}", "gift.this_closes_nothing_write_for"},
	} {
		if i := extra.cs.index(extra.mark); i >= 0 {
			p.errorAt(extra.cs[i].off, extra.why)
		}
	}
	p.format = item.Moodle
	it := &item.Item{}
	if len(after.trim()) == 0 {
		it.Stem = p.textOf(before)
	} else {
		// The white space around the blank belongs to the sentence.
		cs, format := p.formatOf(before.trimLeft())
		it.Stem = item.Text{Body: cs.trimLeft().String(), Format: format}
		it.After = after.trimRight().String()
	}
	p.format = it.Stem.Format
	p.answers(it, answers)
	return it
}

// textOf reads a text with its optional [format]; without one it has the question's.
func (p *parser) textOf(cs chars) item.Text {
	cs, format := p.formatOf(cs.trim())
	return item.Text{Body: cs.trim().String(), Format: format}
}

func (p *parser) formatOf(cs chars) (chars, item.Format) {
	for _, f := range []item.Format{item.HTML, item.Markdown, item.Plain, item.Moodle} {
		if mark := "[" + string(f) + "]"; cs.startsWith(mark) {
			return cs[len(mark):], f
		}
	}
	if m := strangeFormat.FindString(cs[:min(len(cs), 30)].String()); m != "" && !cs[0].escaped {
		p.warnAt(cs[0].off, "gift.is_no_text_format_and", "Format", m)
	}
	return cs, p.format
}

// strangeFormat is what is written in the place of a text format and is none.
var strangeFormat = regexp.MustCompile(`(?i)^\[(?:html5?|markdown|md|plain ?text|plain|text|txt|moodle|moodle_auto_format|auto|wiki|tex|latex|bbcode|rtf)\]`)

// feedbackOf returns nil for an empty one.
func (p *parser) feedbackOf(cs chars) *item.Text {
	t := p.textOf(cs)
	if t.Body == "" {
		return nil
	}
	return &t
}

// advise refuses what nobody could answer, and warns of what works, yet hardly as meant.
func (p *parser) advise(it *item.Item) {
	for _, a := range it.Advise() {
		off := -1
		if a.Answer >= 0 && a.Answer < len(p.answerAt) {
			off = p.answerAt[a.Answer]
		}
		if a.Fatal {
			p.errorIn(off, a.Reason)
		} else {
			p.warnIn(off, a.Reason)
		}
	}
	if len(it.Choices) > 0 {
		p.adviseChoices(it)
	}
	if !it.Scored() {
		if m := forgotten.FindString(it.Stem.Body); m != "" {
			p.warnAt(-1, "gift.this_is_shown_as_text", "Mark", m)
		}
	}
}

// forgotten is what a question without braces, or without a blank line before it, looks like.
var forgotten = regexp.MustCompile(`(?m)^[ \t]*(?:=|~|::)`)

func (p *parser) adviseChoices(it *item.Item) {
	right, negative := 0, false
	for _, c := range it.Choices {
		if c.Weight == item.Whole {
			right++
		}
		negative = negative || c.Weight < 0
	}
	if it.Multiple && !negative {
		p.warnAt(-1, "gift.ticking_every_answer_earns_the")
	}
	if !it.Multiple && right > 1 {
		p.warnAt(-1, "gift.answers_are_right_yet_only", "Right", right)
	}
}
