package item

import (
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
		p.Add("stem", "the question has no text")
	}
	if it.Feedback != nil {
		checkFeedback(&p, "feedback", it.Feedback)
	}
	it.checkForeignFields(&p)
	if slices.Contains(Kinds, it.Kind) {
		of(it.Kind).check(it, &p)
	} else {
		p.Add("kind", "%.40q is not a kind of item", string(it.Kind))
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
				p.Add(f.name, "only an item of kind %s has this", k.is().kind)
			}
		}
	}
}

func checkCount(p *domain.Problems, name string, n, atLeast, atMost int) {
	if n < atLeast {
		p.Add(name, "at least %d needed, found %d", atLeast, n)
	} else if n > atMost {
		p.Add(name, "at most %d allowed, found %d", atMost, n)
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
