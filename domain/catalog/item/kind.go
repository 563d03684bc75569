package item

import (
	"html/template"
	"math/big"
	"math/rand/v2"
	"slices"
	"strings"

	"lignum/domain"
)

// Kinds lists every kind in the order in which reports show them.
var Kinds = func() (names []Kind) {
	for _, k := range kinds {
		names = append(names, k.is().kind)
	}
	return names
}()

// Unasked lists the kinds that ask nothing, by name: no paper draws their items.
var Unasked = func() (names []string) {
	for _, k := range Kinds {
		if !k.Asks() {
			names = append(names, string(k))
		}
	}
	return names
}()

// Examples shows a response to each kind that asks something, for the reference of the API.
func Examples() string {
	var list []string
	for _, k := range kinds {
		if k.is().example != "" {
			list = append(list, "`"+string(k.is().kind)+"` `"+k.is().example+"`")
		}
	}
	return strings.Join(list, ", ")
}

// kind is one kind of question: its part of all that is done with one. It is sealed: a kind is a file of this package and a
// line in the table of item.go. What a kind has nothing of its own to do for, it takes from anyKind.
type kind interface {
	is() facts

	// What its author writes.
	fields(it *Item) []field                              // what of an item only this kind has
	check(it *Item, p *domain.Problems)                   // Validate, for those fields
	advise(it *Item, a *advice)                           // Advise, for those fields
	assignIDs(it *Item)                                   // AssignIDs
	feedbacks(it *Item, each func(t *Text))               // every feedback but the general one; nil where there is none
	mark(it *Item, r Response) (*big.Rat, []*Text)        // the share that a fitting answer earns, 0 to 1, and what is said to it
	right(it *Item) string                                // what earns the whole mark, in plain text
	sample(it *Item, rnd *rand.Rand, right bool) Response // an answer as learners give it who know, or who do not

	// What its learner sees and answers.
	show(it *Item, p *Public)                                  // all but the stem
	shuffle(p Public, state uint64) Public                     // for one attempt; p itself is shared and stays
	fits(it *Item, r Response) domain.Problems                 // CheckResponse, for this kind's field
	read(p *Public, typed func(part string) []string) Response // the answer in a form: see Public.Read
	given(p *Public, r Response) []Line                        // the answer on the page of a result
	guess(p *Public, n int) Response                           // an answer that fits: see Public.Guess
}

// facts are what is so of every item of a kind.
type facts struct {
	kind     Kind
	answer   string // the field of a Response that answers it; "": nothing can be answered
	example  string // a Response in JSON, for who reads the reference of the API
	byPerson bool   // a person marks it
}

// field is a field by its JSON name, and whether it is set.
type field struct {
	name string
	set  bool
}

// Line is one line of an answer as the page of a result shows it.
type Line struct {
	Left template.HTML // what the line is about; "" where it stands alone
	HTML template.HTML // "": nothing was given here
	Text string        // what was typed
	Mine bool          // of several that were there, one that was chosen
}

// of returns what a kind does. One that nobody knows asks nothing, takes no answer and earns nothing.
func of(k Kind) kind {
	if i := slices.Index(Kinds, k); i >= 0 {
		return kinds[i]
	}
	return anyKind{}
}

// Asks reports whether there is something to answer; a description asks nothing.
func (k Kind) Asks() bool { return of(k).is().answer != "" }

// ByPerson reports whether a person marks the answers.
func (k Kind) ByPerson() bool { return of(k).is().byPerson }

// anyKind is what a kind does that has nothing of its own to do.
type anyKind struct{}

func (anyKind) is() facts                                    { return facts{} }
func (anyKind) fields(*Item) []field                         { return nil }
func (anyKind) check(*Item, *domain.Problems)                {}
func (anyKind) advise(*Item, *advice)                        {}
func (anyKind) assignIDs(*Item)                              {}
func (anyKind) feedbacks(*Item, func(t *Text))               {}
func (anyKind) mark(*Item, Response) (*big.Rat, []*Text)     { return nothing, nil }
func (anyKind) right(*Item) string                           { return "" }
func (anyKind) sample(*Item, *rand.Rand, bool) Response      { return Response{} }
func (anyKind) show(*Item, *Public)                          {}
func (anyKind) shuffle(p Public, _ uint64) Public            { return p }
func (anyKind) fits(*Item, Response) domain.Problems         { return nil }
func (anyKind) read(*Public, func(string) []string) Response { return Response{} }
func (anyKind) given(*Public, Response) []Line               { return nil }
func (anyKind) guess(*Public, int) Response                  { return Response{} }
