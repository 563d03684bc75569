package item

import (
	"fmt"
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"

	"lignum/domain"
)

var idPattern = regexp.MustCompile(`^[a-z0-9][a-z0-9_-]{0,31}$`)

// Validate checks the item against its kind and the limits of this package. The error is
// a domain.Error of code Invalid that names every field that is wrong.
func (it *Item) Validate() error {
	var p domain.Problems
	checkText(&p, "stem", it.Stem, MaxStem)
	checkBody(&p, "after", it.After, MaxStem-min(MaxStem, utf8.RuneCountInString(it.Stem.Body)))
	if strings.TrimSpace(it.Stem.Body+it.After) == "" {
		p.Add("stem", "the question has no text")
	}
	if it.Feedback != nil {
		checkFeedback(&p, "feedback", it.Feedback)
	}
	it.checkForeignFields(&p)
	switch it.Kind {
	case MultipleChoice:
		it.checkChoices(&p)
	case TrueFalse:
		if it.Truth == nil {
			p.Add("truth", "say whether the statement is true or false")
			break
		}
		checkFeedback(&p, "truth.wrong", it.Truth.Wrong)
		checkFeedback(&p, "truth.right", it.Truth.Right)
	case ShortAnswer:
		it.checkAccepted(&p)
	case Matching:
		it.checkMatching(&p)
	case Numeric:
		it.checkNumbers(&p)
	case Essay:
	case Description:
		if it.After != "" {
			p.Add("after", "a description has no blank")
		}
	default:
		p.Add("kind", "%.40q is not a kind of item", string(it.Kind))
	}
	return p.Err()
}

// checkForeignFields refuses answers of another kind: they would be stored, hashed and
// never used.
func (it *Item) checkForeignFields(p *domain.Problems) {
	for _, f := range []struct {
		name string
		kind Kind
		set  bool
	}{
		{"choices", MultipleChoice, len(it.Choices) > 0}, {"multiple", MultipleChoice, it.Multiple},
		{"truth", TrueFalse, it.Truth != nil}, {"accepted", ShortAnswer, len(it.Accepted) > 0},
		{"pairs", Matching, len(it.Pairs) > 0}, {"options", Matching, len(it.Options) > 0},
		{"numbers", Numeric, len(it.Numbers) > 0},
	} {
		if f.set && it.Kind != f.kind {
			p.Add(f.name, "only an item of kind %s has this", f.kind)
		}
	}
}

func (it *Item) checkChoices(p *domain.Problems) {
	checkCount(p, "choices", len(it.Choices), 2)
	var positive, best Weight
	ids, texts := map[string]bool{}, map[string]bool{}
	for i, c := range it.Choices {
		at := fmt.Sprintf("choices[%d]", i)
		checkID(p, at+".id", c.ID, ids)
		checkText(p, at+".answer", c.Text, MaxText)
		if strings.TrimSpace(c.Text.Body) == "" {
			p.Add(at+".answer", "the answer is empty")
		} else if texts[c.Text.Body] {
			p.Add(at+".answer", "another answer reads the same")
		}
		texts[c.Text.Body] = true
		checkWeight(p, at+".weight", c.Weight, -Whole)
		checkFeedback(p, at+".feedback", c.Feedback)
		positive += max(0, c.Weight)
		best = max(best, c.Weight)
	}
	if len(it.Choices) == 0 {
		return
	}
	if it.Multiple {
		// One percent of slack: authors write 33.33 three times; Score evens it out.
		if positive < Whole-percent || positive > Whole+percent {
			p.Add("choices", "the positive weights add up to %s %%, not to 100 %%", positive)
		}
	} else if best != Whole {
		p.Add("choices", "one answer must be right (100 %%)")
	}
}

func (it *Item) checkAccepted(p *domain.Problems) {
	checkCount(p, "accepted", len(it.Accepted), 1)
	var best Weight
	for i, a := range it.Accepted {
		at := fmt.Sprintf("accepted[%d]", i)
		checkBody(p, at+".pattern", a.Pattern, MaxAccepted)
		if strings.TrimSpace(a.Pattern) == "" {
			p.Add(at+".pattern", "the answer is empty")
		}
		checkWeight(p, at+".weight", a.Weight, 0)
		checkFeedback(p, at+".feedback", a.Feedback)
		best = max(best, a.Weight)
	}
	if len(it.Accepted) > 0 && best != Whole {
		p.Add("accepted", "one answer must be right (100 %%)")
	}
}

func (it *Item) checkMatching(p *domain.Problems) {
	checkCount(p, "pairs", len(it.Pairs), 2)
	checkCount(p, "options", len(it.Options), 2)
	options, texts := map[string]bool{}, map[string]bool{}
	for i, o := range it.Options {
		at := fmt.Sprintf("options[%d]", i)
		checkID(p, at+".id", o.ID, options)
		checkBody(p, at+".text", o.Text, MaxText)
		if strings.TrimSpace(o.Text) == "" {
			p.Add(at+".text", "the right side is empty")
		} else if texts[o.Text] {
			p.Add(at+".text", "another right side reads the same")
		}
		texts[o.Text] = true
	}
	ids, lefts := map[string]bool{}, map[string]bool{}
	for i, pair := range it.Pairs {
		at := fmt.Sprintf("pairs[%d]", i)
		checkID(p, at+".id", pair.ID, ids)
		checkText(p, at+".left", pair.Left, MaxText)
		if strings.TrimSpace(pair.Left.Body) == "" {
			p.Add(at+".left", "the left side is empty")
		} else if lefts[pair.Left.Body] {
			p.Add(at+".left", "another left side reads the same")
		}
		lefts[pair.Left.Body] = true
		if !options[pair.Right] {
			p.Add(at+".right", "names no option")
		}
	}
}

func (it *Item) checkNumbers(p *domain.Problems) {
	checkCount(p, "numbers", len(it.Numbers), 1)
	var best Weight
	for i, n := range it.Numbers {
		at := fmt.Sprintf("numbers[%d]", i)
		if err := n.check(); err != nil {
			p.Add(at, "%s", err.Error())
		}
		checkWeight(p, at+".weight", n.Weight, 0)
		checkFeedback(p, at+".feedback", n.Feedback)
		best = max(best, n.Weight)
	}
	if len(it.Numbers) > 0 && best != Whole {
		p.Add("numbers", "one answer must be right (100 %%)")
	}
}

func checkCount(p *domain.Problems, name string, n, atLeast int) {
	if n < atLeast {
		p.Add(name, "at least %d needed, found %d", atLeast, n)
	} else if n > MaxAnswers {
		p.Add(name, "at most %d allowed, found %d", MaxAnswers, n)
	}
}

func checkID(p *domain.Problems, name, id string, seen map[string]bool) {
	if !idPattern.MatchString(id) {
		p.Add(name, "1 to 32 of a-z, 0-9, - and _ expected")
	} else if seen[id] {
		p.Add(name, "%q is used twice", id)
	}
	seen[id] = true
}

func checkWeight(p *domain.Problems, name string, w, lowest Weight) {
	if w < lowest || w > Whole {
		p.Add(name, "%s %% is not between %s and 100", w, lowest)
	}
}

func checkFeedback(p *domain.Problems, name string, t *Text) {
	if t == nil {
		return
	}
	checkText(p, name, *t, MaxFeedback)
	if strings.TrimSpace(t.Body) == "" {
		p.Add(name, "leave an empty feedback out")
	}
}

func checkText(p *domain.Problems, name string, t Text, limit int) {
	switch t.Format {
	case Plain, Markdown, HTML, Moodle:
	default:
		p.Add(name+".format", "%.40q is none of plain, markdown, html, moodle", string(t.Format))
	}
	checkBody(p, name, t.Body, limit)
}

// checkBody bounds a text and refuses what jsonb, HTML and GIFT cannot carry.
func checkBody(p *domain.Problems, name, s string, limit int) {
	if !utf8.ValidString(s) {
		p.Add(name, "is not valid UTF-8")
		return
	}
	if n := utf8.RuneCountInString(s); n > limit {
		p.Add(name, "%d characters; at most %d are allowed", n, limit)
	}
	for _, r := range s {
		if unicode.IsControl(r) && r != '\n' && r != '\t' {
			p.Add(name, "contains the control character U+%04X", r)
			return
		}
	}
}
