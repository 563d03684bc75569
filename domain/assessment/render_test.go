package assessment_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/uuid"

	"lignum/domain/assessment"
	"lignum/domain/catalog"
	"lignum/domain/catalog/item"
)

// slack is what the race detector adds to a count by chance; one text that is rendered takes more, but for the shortest.
const slack = 10

// told gives a paper of every kind of item with the given text as each right answer and feedback, and a response to each.
func told(text string, format item.Format) (items []*catalog.Item, responses []item.Response) {
	say := &item.Text{Body: text, Format: format}
	add := func(it *item.Item, r item.Response) {
		it.Stem, it.Feedback = item.Text{Body: "?", Format: item.Plain}, say
		items, responses = append(items, &catalog.Item{ID: uuid.New(), Section: "s", Content: it}), append(responses, r)
	}
	choices := []item.Choice{{ID: "a", Text: *say, Weight: item.Whole, Feedback: say}, {ID: "b", Text: *say, Feedback: say}}
	add(&item.Item{Kind: item.MultipleChoice, Choices: choices}, item.Response{Choice: []string{"a"}})
	add(&item.Item{Kind: item.MultipleChoice, Multiple: true, Choices: choices}, item.Response{Choice: []string{"a", "b"}})
	add(&item.Item{Kind: item.TrueFalse, Truth: &item.Truth{Answer: true, Right: say, Wrong: say}}, item.Response{Choice: []string{"true"}})
	add(&item.Item{Kind: item.ShortAnswer, Accepted: []item.Accepted{{Pattern: "x", Weight: item.Whole, Feedback: say}}}, item.Response{Text: "x"})
	add(&item.Item{Kind: item.Numeric, Numbers: []item.Number{{Value: "5", Weight: item.Whole, Feedback: say}}}, item.Response{Number: "5"})
	add(&item.Item{Kind: item.Matching, Pairs: []item.Pair{{ID: "1", Left: *say, Right: "a"}}, Options: []item.Option{{ID: "a", Text: text}}},
		item.Response{Match: map[string]string{"1": "a"}})
	add(&item.Item{Kind: item.Ordering, Steps: []item.Step{{ID: "a", Text: *say}, {ID: "b", Text: *say}}}, item.Response{Order: map[string]int{"a": 1, "b": 2}})
	add(&item.Item{Kind: item.Essay}, item.Response{Text: "Because."})
	return items, responses
}

// What a test hides costs nothing: scoring a paper allocates the same whatever its right answers and feedback are, in every format.
func TestScoringAllocatesNothingForWhatIsHidden(t *testing.T) {
	allocations := func(text string, format item.Format) float64 {
		items, responses := told(text, format)
		return testing.AllocsPerRun(20, func() { assessment.ScorePaper(items, responses, nil) })
	}
	bare := allocations("x", item.Plain)
	for _, format := range []item.Format{item.Plain, item.Markdown, item.HTML, item.Moodle} {
		for _, text := range []string{"x", strings.Repeat("<b>5</b> &lt; 6\n\n* *why*\n", 50)} {
			if got := allocations(text, format); got > bare+slack {
				t.Errorf("%s, %d characters: %.0f allocations, %.0f for one plain letter", format, len(text), got, bare)
			}
		}
	}
}

// What is told is rendered once an item, however many learners are told it.
func TestWhatIsToldIsRenderedOnce(t *testing.T) {
	items, responses := told(strings.Repeat("<b>5</b> &lt; 6\n\n* *why*\n", 50), item.Moodle)
	plain, _ := told("x", item.Plain)
	for i, it := range items {
		tell := func(it *item.Item) (float64, string) {
			key := item.NewKey(it)
			text := func() string { return fmt.Sprint(key.Tell(it.Mark(responses[i]))) }
			first := text()
			return testing.AllocsPerRun(20, func() { key.Tell(it.Mark(responses[i])) }), first
		}
		long, first := tell(it.Content)
		if short, _ := tell(plain[i].Content); long > short+slack {
			t.Errorf("%s: %.0f allocations for a long text, %.0f for a letter", it.Content.Kind, long, short)
		}
		score := it.Content.Score(responses[i])
		if want := fmt.Sprint(score.Feedback, score.RightAnswer); strings.TrimSpace(first) != strings.TrimSpace(want) || len(score.Feedback) == 0 {
			t.Errorf("%s: told %q, scored %q", it.Content.Kind, first, want)
		}
	}
}
