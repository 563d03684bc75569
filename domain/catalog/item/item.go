// Package item is the model of one question of an item bank: what it asks, which
// answers earn what, what a learner may see of it, and how a response is scored.
// It is pure: no database, no clock, no randomness but a seed that the caller gives.
// Formats (GIFT and others) translate into this model; attempts score with it.
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
	Numeric        Kind = "numeric"      // a typed number, compared with values and ranges
	Essay          Kind = "essay"        // marked by a person
	Description    Kind = "description"  // text between questions; nothing to answer
)

// Kinds lists every kind in the order in which reports show them.
var Kinds = []Kind{MultipleChoice, TrueFalse, ShortAnswer, Matching, Numeric, Essay, Description}

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
	Numbers  []Number   `json:"numbers,omitempty"`  // Numeric: the first that matches counts
	Feedback *Text      `json:"feedback,omitempty"` // shown to everybody after scoring
}

// Choice is one answer of a multiple choice item.
type Choice struct {
	ID       string `json:"id"`
	Text     Text   `json:"answer"`
	Weight   Weight `json:"weight"` // percent -100 to 100
	Feedback *Text  `json:"feedback,omitempty"`
}

// Truth is the answer of a true/false item.
type Truth struct {
	Answer bool  `json:"answer"`
	Wrong  *Text `json:"wrong,omitempty"` // feedback for the wrong answer
	Right  *Text `json:"right,omitempty"` // feedback for the right answer
}

// Accepted is one short answer that earns Weight. Pattern is compared without regard to
// case, kind of quotation mark or amount of white space; "*" stands for any characters
// and "\*" for an asterisk, as in Moodle.
type Accepted struct {
	Pattern  string `json:"pattern"`
	Weight   Weight `json:"weight"` // percent 0 to 100
	Feedback *Text  `json:"feedback,omitempty"`
}

// Pair is one left side of a matching item and the id of the option that belongs to it.
type Pair struct {
	ID    string `json:"id"`
	Left  Text   `json:"left"`
	Right string `json:"right"`
}

// Option is one right side of a matching item. One that no pair names is a distractor.
type Option struct {
	ID   string `json:"id"`
	Text string `json:"text"` // plain
}

// Number is one numeric answer: Value within Tolerance, or Low to High (both ends
// count), or Any number at all (a catch-all for feedback). Numbers are kept as decimal
// text so that 3.1 is within 3 ± 0.1; binary fractions would not say so.
type Number struct {
	Value     string `json:"value,omitempty"`
	Tolerance string `json:"tolerance,omitempty"` // empty is 0
	Low       string `json:"low,omitempty"`
	High      string `json:"high,omitempty"`
	Any       bool   `json:"any,omitempty"`
	Weight    Weight `json:"weight"` // percent 0 to 100
	Feedback  *Text  `json:"feedback,omitempty"`
}

// Scored tells whether the item can earn marks; a description cannot.
func (it *Item) Scored() bool { return it.Kind != Description }

// MissingWord tells whether the answer stands inside the sentence.
func (it *Item) MissingWord() bool { return it.After != "" }
