// Package domain is the root of the learning platform. It holds only what every room
// below it shares: the small vocabulary of errors that the API turns into RFC 9457
// problem documents in one place.
package domain

import (
	"errors"
	"strings"
	"time"
	"unicode/utf8"

	"lignum/domain/words"
)

// Code says what kind of failure an Error is. The API maps each to one HTTP status.
type Code string

// The vocabulary. Anything that is not an *Error is a fault of ours and becomes a 500
// without a word of its text.
const (
	NotFound    Code = "not_found"   // 404: no such thing, or not for this actor to know of
	Invalid     Code = "invalid"     // 422: the input is wrong; Fields says where and why
	Conflict    Code = "conflict"    // 409: the state does not allow it (a full class, a name taken)
	Forbidden   Code = "forbidden"   // 403: known, but not allowed
	Unauthentic Code = "unauthentic" // 401: who is asking is not proven
	ReadOnly    Code = "read_only"   // 409: the tenant does not take changes now
	Gone        Code = "gone"        // 410: it was there for a while, and is not any more
	OverQuota   Code = "over_quota"  // 429: a limit of the tenant or the actor is reached
	TooLarge    Code = "too_large"   // 413: more bytes than the route takes
	Unavailable Code = "unavailable" // 503: try again after RetryAfter
)

// Field is one thing that is wrong with an input.
type Field struct {
	Name   string     `json:"name"`   // path of the field: "email", "body.items[3].points", "row 17: sourcedId"
	Reason words.Text `json:"reason"` // what is wrong and what would be right, for the person who typed it
}

// Error is a failure that its reader can act on.
type Error struct {
	Code       Code
	Message    words.Text    // one sentence, safe to show
	Fields     []Field       // for Invalid: every field that is wrong, not just the first
	RetryAfter time.Duration // for OverQuota and Unavailable: when to try again
	Cause      error         // for the log; never shown
}

// Error returns the message and the fields in English, never the cause's text.
func (e *Error) Error() string {
	if len(e.Fields) == 0 {
		return e.Message.String()
	}
	parts := make([]string, len(e.Fields))
	for i, f := range e.Fields {
		parts[i] = f.Name + ": " + f.Reason.String()
	}
	return e.Message.String() + " (" + strings.Join(parts, "; ") + ")"
}

// Text is what Error returns, to be said in whatever language.
func (e *Error) Text() words.Text {
	if len(e.Fields) == 0 {
		return e.Message
	}
	parts := make([]words.Text, len(e.Fields))
	for i, f := range e.Fields {
		parts[i] = words.Join(": ", words.Plain(f.Name), f.Reason)
	}
	return words.Join("", e.Message, words.Plain(" ("), words.Join("; ", parts...), words.Plain(")"))
}

// Unwrap returns the cause to errors.Is and errors.As.
func (e *Error) Unwrap() error { return e.Cause }

// Refuse makes an Error of the given code, with the message of a key of the message files and pairs of name and value that fill it.
func Refuse(code Code, key string, pairs ...any) *Error {
	return RefuseIn(code, words.Say(key, pairs...))
}

// RefuseIn is Refuse with a sentence that is there already: of a command for operators, or of a program of other people.
func RefuseIn(code Code, message words.Text) *Error { return &Error{Code: code, Message: message} }

// InvalidField makes an Invalid error about one field; the reason is the message of a key, filled with pairs of name and value.
func InvalidField(name, key string, pairs ...any) *Error {
	return InvalidFieldIn(name, words.Say(key, pairs...))
}

// InvalidFieldIn is InvalidField with a reason that is there already.
func InvalidFieldIn(name string, reason words.Text) *Error {
	return &Error{Code: Invalid, Message: notValid, Fields: []Field{{Name: name, Reason: reason}}}
}

// notValid is the message of what is wrong in fields that are named.
var notValid = words.Say("domain.the_input_is_not_valid")

// CodeOf returns the code of an error, or "" for one that is not of this vocabulary.
func CodeOf(err error) Code {
	var e *Error
	if errors.As(err, &e) {
		return e.Code
	}
	return ""
}

// Problems collects fields that are wrong, so that a caller hears of all of them at once.
type Problems []Field

// Add notes that a field is wrong; the reason is the message of a key, filled with pairs of name and value.
func (p *Problems) Add(name, key string, pairs ...any) { p.AddIn(name, words.Say(key, pairs...)) }

// AddIn is Add with a reason that is there already.
func (p *Problems) AddIn(name string, reason words.Text) {
	*p = append(*p, Field{Name: name, Reason: reason})
}

// Text notes a text that is empty (unless least is 0), shorter than least or longer than most characters, not UTF-8, or that holds control characters.
func (p *Problems) Text(name, v string, least, most int) {
	switch n := utf8.RuneCountInString(v); {
	case !utf8.ValidString(v):
		p.Add(name, "domain.is_not_valid_utf_8")
	case strings.ContainsFunc(v, func(r rune) bool { return r < ' ' || r == 0x7f }):
		p.Add(name, "domain.must_not_hold_control_characters")
	case n == 0 && least > 0:
		p.Add(name, "domain.is_missing_it_must_have", "Least", least, "Most", most)
	case n < least || n > most:
		p.Add(name, "domain.must_have_to_characters_has", "Least", least, "Most", most, "Has", n)
	}
}

// Err returns nil when nothing was noted, else one Invalid error with everything.
func (p Problems) Err() error {
	if len(p) == 0 {
		return nil
	}
	return &Error{Code: Invalid, Message: notValid, Fields: p}
}
