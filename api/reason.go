package api

import (
	"errors"
	"strings"
	"unicode"

	"lignum/domain"
	"lignum/domain/words"
)

// FiguresOnly refuses a single record to somebody whose role sees figures alone.
func FiguresOnly() error {
	return domain.Refuse(domain.Forbidden, "api.your_role_sees_figures_not")
}

// The least that a stated reason says.
const (
	ReasonLetters = 10 // letters and digits
	reasonWords   = 2
)

// ReasonLength is how many letters and digits a stated reason has, as the rules count them: dots and blanks say nothing, and
// neither does a single word, so a reason of fewer than two words has none.
func ReasonLength(reason string) int {
	words, letters := 0, 0
	for _, word := range strings.Fields(reason) {
		n := 0
		for _, r := range word {
			if unicode.IsLetter(r) || unicode.IsDigit(r) {
				n++
			}
		}
		if n > 0 {
			words, letters = words+1, letters+n
		}
	}
	if words < reasonWords {
		return 0
	}
	return letters
}

// NoLearner is domain.NotFound for a learner, also for one that the actor may not know of.
func NoLearner() error { return domain.Refuse(domain.NotFound, "api.there_is_no_such_learner") }

// IsReasonWanted reports whether an error is a refusal that a stated reason would change.
func IsReasonWanted(err error) bool {
	var p *Problem
	return errors.As(err, &p) && strings.HasSuffix(p.Type, ":reason_required")
}

// ReasonWanted names the field of the reason in a refusal for want of one.
func ReasonWanted(err error, field string) error {
	var p *Problem
	if IsReasonWanted(err) && errors.As(err, &p) {
		p.Errors = append(p.Errors, domain.Field{Name: field, Reason: words.Say("api.must_have_at_least_letters", "Letters", ReasonLetters, "Words", reasonWords)})
	}
	return err
}
