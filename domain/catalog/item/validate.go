package item

import (
	"fmt"
	"regexp"
	"slices"
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
		p.Add("stem", "catalog.the_question_has_no_text")
	}
	if it.Feedback != nil {
		checkFeedback(&p, "feedback", it.Feedback)
	}
	it.checkForeignFields(&p)
	if slices.Contains(Kinds, it.Kind) {
		of(it.Kind).check(it, &p)
	} else {
		p.Add("kind", "catalog.is_not_a_kind_of", "Kind", fmt.Sprintf("%.40q", string(it.Kind)))
	}
	return p.Err()
}

// checkForeignFields refuses answers of another kind: they would be stored, hashed and
// never used.
func (it *Item) checkForeignFields(p *domain.Problems) {
	for _, k := range kinds {
		if k.is().kind == it.Kind {
			continue
		}
		for _, f := range k.fields(it) {
			if f.set {
				p.Add(f.name, "catalog.only_an_item_of_kind", "Kind", k.is().kind)
			}
		}
	}
}

func checkCount(p *domain.Problems, name string, n, atLeast, atMost int) {
	if n < atLeast {
		p.Add(name, "catalog.at_least_needed_found", "Least", atLeast, "Found", n)
	} else if n > atMost {
		p.Add(name, "catalog.at_most_allowed_found", "Most", atMost, "Found", n)
	}
}

func checkID(p *domain.Problems, name, id string, seen map[string]bool) {
	if !idPattern.MatchString(id) {
		p.Add(name, "catalog.1_to_32_of_a")
	} else if seen[id] {
		p.Add(name, "catalog.is_used_twice", "Name", fmt.Sprintf("%q", id))
	}
	seen[id] = true
}

func checkWeight(p *domain.Problems, name string, w, lowest Weight) {
	if w < lowest || w > Whole {
		p.Add(name, "catalog.is_not_between_and_100", "Weight", w, "Lowest", lowest)
	}
}

func checkFeedback(p *domain.Problems, name string, t *Text) {
	if t == nil {
		return
	}
	checkText(p, name, *t, MaxFeedback)
	if strings.TrimSpace(t.Body) == "" {
		p.Add(name, "catalog.leave_an_empty_feedback_out")
	}
}

func checkText(p *domain.Problems, name string, t Text, limit int) {
	switch t.Format {
	case Plain, Markdown, HTML, Moodle:
	default:
		p.Add(name+".format", "catalog.is_none_of_plain_markdown", "Format", fmt.Sprintf("%.40q", string(t.Format)))
	}
	checkBody(p, name, t.Body, limit)
}

// checkBody bounds a text and refuses what jsonb, HTML and GIFT cannot carry.
func checkBody(p *domain.Problems, name, s string, limit int) {
	if !utf8.ValidString(s) {
		p.Add(name, "catalog.is_not_valid_utf_8")
		return
	}
	if n := utf8.RuneCountInString(s); n > limit {
		p.Add(name, "catalog.characters_at_most_are_allowed", "Characters", n, "Limit", limit)
	}
	for _, r := range s {
		if unicode.IsControl(r) && r != '\n' && r != '\t' {
			p.Add(name, "catalog.contains_the_control_character_u", "Code", fmt.Sprintf("%04X", r))
			return
		}
	}
}
