package item

import (
	"fmt"
	"math/big"
	"math/rand/v2"
	"regexp"
	"slices"
	"strings"

	"lignum/domain"
)

// shortAnswer takes typed words, which earn what the first pattern says that takes them.
type shortAnswer struct{ anyKind }

// Accepted is one short answer that earns Weight. Pattern is compared without regard to
// case, kind of quotation mark or amount of white space; "*" stands for any characters
// and "\*" for an asterisk, as in Moodle.
type Accepted struct {
	Pattern  string `json:"pattern"`
	Weight   Weight `json:"weight"` // percent 0 to 100
	Feedback *Text  `json:"feedback,omitempty"`
}

func (shortAnswer) is() facts {
	return facts{kind: ShortAnswer, answer: "text", example: `{"text": "six"}`}
}

func (shortAnswer) fields(it *Item) []field { return []field{{"accepted", len(it.Accepted) > 0}} }

func (shortAnswer) check(it *Item, p *domain.Problems) {
	checkCount(p, "accepted", len(it.Accepted), 1, MaxAnswers)
	var best Weight
	for i, a := range it.Accepted {
		at := fmt.Sprintf("accepted[%d]", i)
		checkBody(p, at+".pattern", a.Pattern, MaxAccepted)
		if strings.TrimSpace(a.Pattern) == "" {
			p.Add(at+".pattern", "catalog.the_answer_is_empty")
		}
		checkWeight(p, at+".weight", a.Weight, 0)
		checkFeedback(p, at+".feedback", a.Feedback)
		best = max(best, a.Weight)
	}
	if len(it.Accepted) > 0 && best != Whole {
		p.Add("accepted", "catalog.one_answer_must_be_right")
	}
}

var (
	typedTag    = regexp.MustCompile(`(?i)` + anyTag.String() + `|&(?:[a-z][a-z0-9]{1,30}|#[0-9]{1,6}|#x[0-9a-f]{1,5});`)
	typedEscape = regexp.MustCompile(`\\[^*]|\\$`)
)

func (shortAnswer) advise(it *Item, a *advice) {
	for i, x := range it.Accepted {
		a.feedback(i, x.Feedback)
	}
	earlier := make([][]string, 0, len(it.Accepted))
	best, reach := Weight(-1), Weight(-1)
	for i, x := range it.Accepted {
		folded := foldPattern(x.Pattern)
		best = max(best, x.Weight)
		// A wildcard of this pattern is a character that only a wildcard of an earlier one takes: what matches here matched there.
		by := slices.IndexFunc(earlier, func(parts []string) bool { return matchesParts(parts, folded) })
		switch {
		case folded == "":
			a.fatal(i, "catalog.nothing_of_the_answer_can")
		case by >= 0 && x.Weight == it.Accepted[by].Weight && x.Feedback == nil:
			a.warn(i, "catalog.answer_is_not_needed_answer", "Answer", i+1, "Front", by+1, "Pattern", fmt.Sprintf("%.60s", it.Accepted[by].Pattern))
			reach = max(reach, x.Weight)
		case by >= 0 && foldPattern(it.Accepted[by].Pattern) == folded:
			a.warn(i, "catalog.answer_can_never_count_it", "Answer", i+1, "Front", by+1)
		case by >= 0:
			a.warn(i, "catalog.answer_can_never_count_whoever", "Answer", i+1, "Front", by+1, "Pattern", fmt.Sprintf("%.60s", it.Accepted[by].Pattern))
		default:
			reach = max(reach, x.Weight)
		}
		if folded == string(wildcard) && x.Weight > 0 {
			a.warn(i, "catalog.whatever_is_typed_earns_write", "Weight", x.Weight)
		}
		if m := typedTag.FindString(x.Pattern); m != "" {
			a.warn(i, "catalog.a_learner_would_have_to", "Tag", shorten(m))
		}
		if formula.MatchString(x.Pattern) || typedEscape.MatchString(x.Pattern) {
			a.warn(i, "catalog.a_learner_would_have_to_type", "Pattern", shorten(x.Pattern))
		}
		earlier = append(earlier, strings.Split(folded, string(wildcard)))
	}
	a.full(best, reach)
}

func (shortAnswer) feedbacks(it *Item, each func(t *Text)) {
	for i := range it.Accepted {
		each(it.Accepted[i].Feedback)
	}
}

func (shortAnswer) mark(it *Item, r Response) (*big.Rat, []*Text) {
	typed := fold(r.Text)
	for _, a := range it.Accepted {
		if matchesParts(patternParts(a.Pattern), typed) {
			return bounded(a.Weight.Share()), []*Text{a.Feedback}
		}
	}
	return nothing, nil
}

func (shortAnswer) right(it *Item) string {
	for _, a := range it.Accepted {
		if a.Weight == Whole {
			return strings.ReplaceAll(a.Pattern, `\*`, "*")
		}
	}
	return ""
}

func (shortAnswer) sample(it *Item, _ *rand.Rand, right bool) Response {
	if right && len(it.Accepted) > 0 {
		return Response{Text: strings.NewReplacer(`\*`, "*", "*", "").Replace(it.Accepted[0].Pattern)}
	}
	return Response{Text: "not sure"}
}

func (shortAnswer) fits(_ *Item, r Response) domain.Problems {
	return fitsTyped("text", r.Text, MaxResponseShort)
}

func (shortAnswer) read(_ *Public, typed func(part string) []string) Response {
	// Browsers send line ends as CR LF.
	return Response{Text: strings.ReplaceAll(first(typed("")), "\r\n", "\n")}
}

// first is the value of a field of which a form has one.
func first(values []string) string {
	if len(values) == 0 {
		return ""
	}
	return values[0]
}

func (shortAnswer) given(_ *Public, r Response) []Line { return typedLine(r.Text) }

// typedLine is what was typed, or nothing.
func typedLine(s string) []Line {
	if s = strings.TrimSpace(s); s == "" {
		return nil
	}
	return []Line{{Text: s}}
}

func (shortAnswer) guess(_ *Public, n int) Response {
	return Response{Text: fmt.Sprintf("answer %d", n)}
}
