// Package item is the model of one question of an item bank: what it asks, which
// answers earn what, what a learner may see of it, and how a response is scored.
// It is pure: no database, no clock, no randomness but what the caller gives.
// Formats (GIFT and others) translate into this model; attempts score with it.
//
// A kind of question is one file here, named after it, with the kind's own part of everything that can be done with a
// question (the interface kind, in kind.go). This file holds the table of kinds, and the records that they share, since
// their JSON is what is stored. A kind has, besides, a partial that shows it (api/portal/learner/kinds), a reader for
// the page's script (api/web/static/kinds), and is read by package gift where GIFT has it; nothing else asks for a
// question's kind, and a test over the repository sees to that.
//
// The kinds stand in this package and not in one of their own: they are written in terms of the records, and the records'
// methods call them, so that two packages would have to be tied together at run time by registering.
package item

// Kind says how an item is answered. A "missing word" item is no kind of its own: it is
// an item whose After is not empty, so that the blank stands inside the sentence.
type Kind string

// The kinds of item.
const (
	MultipleChoice Kind = "multiple_choice" // one answer, or several (Multiple) with partial credit
	TrueFalse      Kind = "true_false"
	ShortAnswer    Kind = "short_answer" // typed words, compared with accepted patterns
	Matching       Kind = "matching"     // each left side takes one of the options
	Ordering       Kind = "ordering"     // steps are put in their order
	Numeric        Kind = "numeric"      // a typed number, compared with values and ranges
	Essay          Kind = "essay"        // marked by a person
	Description    Kind = "description"  // text between questions; nothing to answer
)

// kinds is the one table of kinds, in the order in which reports show them.
var kinds = [...]kind{multipleChoice{}, trueFalse{}, shortAnswer{}, matching{}, ordering{}, numeric{}, essay{}, description{}}

// Format says how a Text is written. The four are those of Moodle's question bank.
type Format string

// The text formats.
const (
	Plain    Format = "plain"    // shown as typed
	Markdown Format = "markdown" // CommonMark with tables; raw HTML is shown as typed
	HTML     Format = "html"     // sanitised before it is shown
	Moodle   Format = "moodle"   // plain lines in which simple HTML tags work
)

// Limits of an item, in characters (Unicode code points) where not said otherwise.
const (
	MaxStem     = 20_000 // stem and the text after the blank together
	MaxAnswers  = 50     // choices, accepted answers, pairs, options or numbers each
	MaxText     = 5_000  // one choice, one side of a pair
	MaxFeedback = 5_000  // one feedback
	MaxAccepted = 500    // one accepted short answer
	MaxNumber   = 64     // one number, as typed
)

// Limits of a response.
const (
	MaxResponseText  = 20_000 // characters of an essay
	MaxResponseShort = 1_000  // characters of a short answer
	MaxResponseJSON  = 256 << 10
)

// Text is a piece of writing with its format.
type Text struct {
	Body   string `json:"text"`
	Format Format `json:"format"`
}

// Item is one question, or one description. Only the fields of its kind are set;
// Validate says which are missing or too many.
type Item struct {
	Kind     Kind       `json:"kind"`
	Stem     Text       `json:"stem"`
	After    string     `json:"after,omitempty"`    // text after the blank, in the stem's format
	Multiple bool       `json:"multiple,omitempty"` // MultipleChoice: several choices may be ticked
	Choices  []Choice   `json:"choices,omitempty"`  // MultipleChoice
	Truth    *Truth     `json:"truth,omitempty"`    // TrueFalse
	Accepted []Accepted `json:"accepted,omitempty"` // ShortAnswer: the first that matches counts
	Pairs    []Pair     `json:"pairs,omitempty"`    // Matching: the left sides
	Options  []Option   `json:"options,omitempty"`  // Matching: the right sides, distractors among them
	Steps    []Step     `json:"steps,omitempty"`    // Ordering: in the right order
	Numbers  []Number   `json:"numbers,omitempty"`  // Numeric: the first that matches counts
	Feedback *Text      `json:"feedback,omitempty"` // shown to everybody after scoring
}

// Response is what a learner answered. Choices and matches are named by ids that do not
// depend on the order in which the learner saw them. The empty Response is "no answer".
type Response struct {
	Choice []string          `json:"choice,omitempty"` // MultipleChoice; TrueFalse: "true" or "false"
	Text   string            `json:"text,omitempty"`   // ShortAnswer, Essay
	Number string            `json:"number,omitempty"` // Numeric, as typed
	Match  map[string]string `json:"match,omitempty"`  // Matching: pair id -> option id
	Order  map[string]int    `json:"order,omitempty"`  // Ordering: step id -> its place, from 1
}

// Empty reports whether nothing was answered, or nothing that can be seen.
func (r Response) Empty() bool {
	return len(r.Choice) == 0 && len(r.Match) == 0 && len(r.Order) == 0 &&
		blankText(r.Text) && blankText(r.Number)
}

// used returns the field in which each answer would stand, and whether one does.
func (r Response) used() [5]field {
	return [...]field{{"choice", len(r.Choice) > 0}, {"text", r.Text != ""}, {"number", r.Number != ""}, {"match", len(r.Match) > 0},
		{"order", len(r.Order) > 0}}
}

// Public is what a learner may see of an item before it is scored: never which answer is
// right, its weight or its feedback. All texts are safe HTML.
type Public struct {
	Kind        Kind           `json:"kind"`
	Multiple    bool           `json:"multiple,omitempty"`     // several choices may be ticked
	MissingWord bool           `json:"missing_word,omitempty"` // the stem holds the blank, written _____
	Stem        string         `json:"stem"`
	Choices     []PublicChoice `json:"choices,omitempty"` // MultipleChoice, TrueFalse
	Left        []PublicChoice `json:"left,omitempty"`    // Matching: one option for each of these
	Right       []PublicChoice `json:"right,omitempty"`   // Matching: the options
	Steps       []PublicChoice `json:"steps,omitempty"`   // Ordering

	never []string // the ids of the steps in the right order, in which they are never shown
}

// PublicChoice is something that a response names by its id.
type PublicChoice struct {
	ID   string `json:"id"`
	HTML string `json:"html"`
}
