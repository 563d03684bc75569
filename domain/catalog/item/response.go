package item

import (
	"strings"
	"unicode/utf8"

	"lignum/domain"
)

// Limits of a response.
const (
	MaxResponseText  = 20_000 // characters of an essay
	MaxResponseShort = 1_000  // characters of a short answer
	MaxResponseJSON  = 256 << 10
)

// Response is what a learner answered. Choices and matches are named by ids that do not
// depend on the order in which the learner saw them. The empty Response is "no answer".
type Response struct {
	Choice []string          `json:"choice,omitempty"` // MultipleChoice; TrueFalse: "true" or "false"
	Text   string            `json:"text,omitempty"`   // ShortAnswer, Essay
	Number string            `json:"number,omitempty"` // Numeric, as typed
	Match  map[string]string `json:"match,omitempty"`  // Matching: pair id -> option id
}

// ParseResponse reads a response from JSON, refusing unknown keys and more than
// MaxResponseJSON bytes. Whether it fits an item is for CheckResponse to say.
func ParseResponse(data []byte) (Response, error) {
	var r Response
	if len(data) > MaxResponseJSON {
		return r, domain.Errorf(domain.TooLarge, "A response may have at most %d KB.", MaxResponseJSON>>10)
	}
	if err := strictJSON(data, &r); err != nil {
		return Response{}, domain.InvalidField("response", err.Error())
	}
	return r, nil
}

// Empty tells whether nothing was answered, or nothing that can be seen.
func (r Response) Empty() bool {
	return len(r.Choice) == 0 && len(r.Match) == 0 &&
		blankText(r.Text) && blankText(r.Number)
}

// CheckResponse says whether a response may be stored for this item: its shape fits the
// kind, its ids exist, it is within the limits. An empty response always may (it takes an
// answer back). The error is a domain.Error of code Invalid with every field that is wrong.
func (it *Item) CheckResponse(r Response) error {
	var p domain.Problems
	refuse := func(set bool, name string, kinds ...Kind) {
		if !set {
			return
		}
		for _, k := range kinds {
			if it.Kind == k {
				return
			}
		}
		p.Add(name, "an item of kind %s is not answered this way", it.Kind)
	}
	refuse(len(r.Choice) > 0, "choice", MultipleChoice, TrueFalse)
	refuse(r.Text != "", "text", ShortAnswer, Essay)
	refuse(r.Number != "", "number", Numeric)
	refuse(len(r.Match) > 0, "match", Matching)
	if len(p) > 0 {
		return p.Err()
	}
	switch it.Kind {
	case MultipleChoice, TrueFalse:
		it.checkChosen(&p, r.Choice)
	case ShortAnswer:
		checkTyped(&p, "text", r.Text, MaxResponseShort)
	case Essay:
		checkTyped(&p, "text", r.Text, MaxResponseText)
	case Numeric:
		checkTyped(&p, "number", r.Number, MaxResponseShort)
		if len(p) == 0 && !blankText(r.Number) {
			if _, err := CleanNumber(r.Number); err != nil {
				p.Add("number", "%s", err.Error())
			}
		}
	case Matching:
		it.checkMatch(&p, r.Match)
	case Description: // takes no response
	}
	return p.Err()
}

func (it *Item) checkChosen(p *domain.Problems, chosen []string) {
	if len(chosen) > 1 && !it.Multiple {
		p.Add("choice", "choose one answer")
		return
	}
	if len(chosen) > MaxAnswers {
		p.Add("choice", "at most %d answers", MaxAnswers)
		return
	}
	known := map[string]bool{}
	if it.Kind == TrueFalse {
		known["true"], known["false"] = true, true
	}
	for _, c := range it.Choices {
		known[c.ID] = true
	}
	seen := map[string]bool{}
	for _, id := range chosen {
		if !known[id] {
			p.Add("choice", "there is no answer %.40q", id)
		} else if seen[id] {
			p.Add("choice", "answer %q is given twice", id)
		}
		seen[id] = true
	}
}

func (it *Item) checkMatch(p *domain.Problems, match map[string]string) {
	if len(match) > len(it.Pairs) {
		p.Add("match", "at most %d pairs", len(it.Pairs))
		return
	}
	pairs, options := map[string]bool{}, map[string]bool{}
	for _, pair := range it.Pairs {
		pairs[pair.ID] = true
	}
	for _, o := range it.Options {
		options[o.ID] = true
	}
	for left, right := range match {
		if !pairs[left] {
			p.Add("match", "there is no left side %.40q", left)
		} else if !options[right] {
			p.Add("match", "there is no right side %.40q", right)
		}
	}
}

func checkTyped(p *domain.Problems, name, s string, limit int) {
	switch {
	case !utf8.ValidString(s) || strings.ContainsRune(s, 0):
		p.Add(name, "this has a character in it that is no text")
	case utf8.RuneCountInString(s) > limit:
		p.Add(name, "this is too long: it has %d characters, and at most %d are allowed", utf8.RuneCountInString(s), limit)
	}
}
