package notices

import (
	"regexp"
	"strings"
)

// Kind is one thing that people are told about. The zero Kind tells nothing.
type Kind struct{ name string }

// Name is what is stored and what the API gives, such as "class_cancelled".
func (k Kind) Name() string { return k.name }

type saying struct{ sentence, path string }

var (
	sayings     = map[string]saying{}
	placeholder = regexp.MustCompile(`\{[a-z_]+\}`)
)

// declare makes a kind: its sentence, with parameters in braces, and the page that it leads to, which may have parameters
// too; "" leads nowhere.
func declare(name, sentence, path string) Kind {
	if _, twice := sayings[name]; twice {
		panic("notices: " + name + " is declared twice")
	}
	sayings[name] = saying{sentence, path}
	return Kind{name}
}

// fill puts the parameters in. One that is missing leaves "…", which is better than a brace.
func fill(text string, p Params) string {
	return placeholder.ReplaceAllStringFunc(text, func(name string) string {
		if v := p[strings.Trim(name, "{}")]; v != "" {
			return v
		}
		return "…"
	})
}

// The kinds. A parameter is what the reader may know anyway: names and titles, never a secret and never what a third person
// wrote about a child.
var (
	ClassCancelled  = declare("class_cancelled", "The class {class} was cancelled: {reason}", "/classes/{class_id}")
	ClassMoved      = declare("class_moved", "The class {class} meets at other times now: {when}.", "/classes/{class_id}")
	ClassDates      = declare("class_dates", "The class {class} has other days now: from {from} to {to}.", "/classes/{class_id}")
	ClassAddress    = declare("class_address", "The meetings of the class {class} are at another address now. It is on the page of the class.", "/classes/{class_id}")
	ClassPlaced     = declare("class_placed", "You have a place in the class {class} now.", "/classes/{class_id}")
	ClassRemoved    = declare("class_removed", "You have no place in the class {class} any more. If you think that is wrong, ask your school.", "")
	PasswordChanged = declare("password_changed", "Your password was changed on {day}. If that was not you, tell your school at once.", "/account")
)
