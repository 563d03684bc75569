package item

import (
	"crypto/sha256"
	"fmt"
	"html/template"
	"math/big"
	"math/rand/v2"
	"slices"
	"strings"

	"lignum/domain"
)

// multipleChoice offers choices: one is chosen, or several are ticked (Item.Multiple), each right one for a part of the mark.
type multipleChoice struct{}

// Choice is one answer of a multiple choice item.
type Choice struct {
	ID       string `json:"id"`
	Text     Text   `json:"answer"`
	Weight   Weight `json:"weight"` // percent -100 to 100
	Feedback *Text  `json:"feedback,omitempty"`
}

func (multipleChoice) is() facts {
	return facts{kind: MultipleChoice, answer: "choice", example: `{"choice": ["a"]}`}
}

func (multipleChoice) fields(it *Item) []field {
	return []field{{"choices", len(it.Choices) > 0}, {"multiple", it.Multiple}}
}

func (multipleChoice) check(it *Item, p *domain.Problems) {
	checkCount(p, "choices", len(it.Choices), 2, MaxAnswers)
	var positive, best Weight
	ids, texts := map[string]bool{}, map[string]bool{}
	for i, c := range it.Choices {
		at := fmt.Sprintf("choices[%d]", i)
		checkID(p, at+".id", c.ID, ids)
		checkText(p, at+".answer", c.Text, MaxText)
		if strings.TrimSpace(c.Text.Body) == "" {
			p.Add(at+".answer", "catalog.the_answer_is_empty")
		} else if texts[c.Text.Body] {
			p.Add(at+".answer", "catalog.another_answer_reads_the_same")
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
			p.Add("choices", "catalog.the_positive_weights_add_up", "Positive", positive)
		}
	} else if best != Whole {
		p.Add("choices", "catalog.one_answer_must_be_right")
	}
}

func (multipleChoice) advise(it *Item, a *advice) {
	for i, c := range it.Choices {
		a.answer(i, "catalog.answer_lost", "catalog.answer_blank", c.Text)
		a.feedback(i, c.Feedback)
	}
	faces := map[string]int{}
	for i, c := range it.Choices {
		face := looks(c.Text)
		if first, twice := faces[face]; twice {
			a.warn(i, "catalog.answer_looks_the_same_as", "Answer", i+1, "Like", first+1)
		} else {
			faces[face] = i
		}
		if !it.Multiple && c.Weight < 0 {
			a.warn(i, "catalog.the_weight_of_has_no", "Weight", c.Weight)
		}
	}
}

// assignIDs letters the choices in the order of a hash of their text, since authors often write the right answer first.
func (multipleChoice) assignIDs(it *Item) {
	for i, id := range lettered(len(it.Choices), func(i int) string { return it.Stem.Body + "\x00" + it.Choices[i].Text.Body }) {
		it.Choices[i].ID = id
	}
}

// lettered gives n things ids in the order of a hash of what they are: an id says nothing about their author's order.
func lettered(n int, what func(i int) string) []string {
	order, keys, ids := make([]int, n), make([]string, n), make([]string, n)
	for i := range n {
		sum := sha256.Sum256([]byte(what(i)))
		order[i], keys[i] = i, string(sum[:])
	}
	slices.SortStableFunc(order, func(a, b int) int { return strings.Compare(keys[a], keys[b]) })
	for letter, i := range order {
		ids[i] = letterID(letter)
	}
	return ids
}

func (multipleChoice) feedbacks(it *Item, each func(t *Text)) {
	for i := range it.Choices {
		each(it.Choices[i].Feedback)
	}
}

func (multipleChoice) mark(it *Item, r Response) (*big.Rat, []*Text) {
	sum, positive := new(big.Rat), new(big.Rat)
	var fb []*Text
	for _, c := range it.Choices {
		ticked := slices.Contains(r.Choice, c.ID)
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

// good reports whether a choice belongs to the right answer.
func (multipleChoice) good(it *Item, c Choice) bool {
	return c.Weight == Whole || it.Multiple && c.Weight > 0
}

func (k multipleChoice) right(it *Item) string {
	var parts []string
	for _, c := range it.Choices {
		if k.good(it, c) {
			parts = append(parts, PlainText(c.Text))
		}
	}
	return strings.Join(parts, "; ")
}

func (k multipleChoice) sample(it *Item, rnd *rand.Rand, right bool) Response {
	var good, bad []string
	for _, c := range it.Choices {
		if k.good(it, c) {
			good = append(good, c.ID)
		} else {
			bad = append(bad, c.ID)
		}
	}
	if right || len(bad) == 0 {
		return Response{Choice: good}
	}
	return Response{Choice: []string{bad[rnd.IntN(len(bad))]}}
}

func (multipleChoice) show(it *Item, p *Public) {
	for _, c := range it.Choices {
		p.Choices = append(p.Choices, PublicChoice{ID: c.ID, HTML: renderInline(c.Text)})
	}
}

func (multipleChoice) shuffle(p Public, state uint64) Public {
	p.Choices = shuffled(p.Choices, state)
	return p
}

func (multipleChoice) fits(it *Item, r Response) domain.Problems {
	return fitsChoices(r.Choice, it.Multiple, func(id string) bool {
		return slices.ContainsFunc(it.Choices, func(c Choice) bool { return c.ID == id })
	})
}

// fitsChoices checks what was chosen of choices that are known.
func fitsChoices(chosen []string, several bool, known func(id string) bool) (p domain.Problems) {
	if len(chosen) > 1 && !several {
		p.Add("choice", "catalog.choose_one_answer")
		return p
	}
	if len(chosen) > MaxAnswers {
		p.Add("choice", "catalog.at_most_answers", "Most", MaxAnswers)
		return p
	}
	for i, id := range chosen {
		if !known(id) {
			p.Add("choice", "catalog.there_is_no_answer", "Answer", fmt.Sprintf("%.40q", id))
		} else if slices.Contains(chosen[:i], id) {
			p.Add("choice", "catalog.answer_is_given_twice", "Answer", fmt.Sprintf("%q", id))
		}
	}
	return p
}

func (multipleChoice) read(_ *Public, typed func(part string) []string) Response {
	return Response{Choice: slices.DeleteFunc(slices.Clone(typed("")), func(id string) bool { return id == "" })}
}

func (multipleChoice) given(p *Public, r Response) []Line {
	lines := make([]Line, len(p.Choices))
	for i, c := range p.Choices {
		lines[i] = Line{HTML: template.HTML(c.HTML), Mine: slices.Contains(r.Choice, c.ID)}
	}
	return lines
}

func (multipleChoice) guess(p *Public, n int) Response {
	if len(p.Choices) == 0 {
		return Response{}
	}
	return Response{Choice: []string{p.Choices[n%len(p.Choices)].ID}}
}
