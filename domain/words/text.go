package words

import (
	"errors"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Text is something that is said to a person, in whatever language they will read it: a message's key with what fills it, or words that are there
// already. The zero Text says nothing.
type Text struct {
	key   string
	pairs []any
	plain string // words that are there already
	whole bool   // as a sentence
	list  []Text // what is said one after the other, with plain between
}

// Say makes a Text of a message's key and pairs of name and value. A value may be a Text itself.
func Say(key string, pairs ...any) Text { return Text{key: key, pairs: pairs} }

// Plain makes a Text of words that are there already, and stay as they are in every language: what a school wrote, or a program of other people says.
func Plain(said string) Text { return Text{plain: said} }

// Join makes one Text of several, with a separator between them; of none, one that says nothing.
func Join(separator string, list ...Text) Text {
	if len(list) == 0 {
		return Text{}
	}
	return Text{plain: separator, list: list}
}

// Key is the message's key; "" for words that were there already.
func (t Text) Key() string { return t.key }

// String says it in English.
func (t Text) String() string { return t.say(English) }

// In gives the same, said in a language: its String and its text of JSON are in it.
func (t Text) In(l Language) Text { return Plain(t.say(l)) }

func (t Text) say(l Language) string {
	said := t.plain
	switch {
	case t.list != nil:
		parts := make([]string, len(t.list))
		for i, part := range t.list {
			parts[i] = part.say(l)
		}
		said = strings.Join(parts, t.plain)
	case t.key != "":
		said = l.Say(t.key, t.pairs...)
	}
	if t.whole && said != "" {
		first, size := utf8.DecodeRuneInString(said)
		said = string(unicode.ToUpper(first)) + strings.TrimSuffix(said[size:], ".") + "."
	}
	return said
}

// Sentence gives what was said about a field as a sentence by itself: with a capital, and a full stop.
func (t Text) Sentence() Text {
	t.whole = true
	return t
}

// IsZero reports whether it says nothing.
func (t Text) IsZero() bool { return t.key == "" && t.plain == "" && t.list == nil }

// MarshalText gives the words, for JSON.
func (t Text) MarshalText() ([]byte, error) { return []byte(t.String()), nil }

// UnmarshalText takes words as they are.
func (t *Text) UnmarshalText(said []byte) error {
	*t = Plain(string(said))
	return nil
}

// Error says it in English: a Text can be an error whose reader is a person.
func (t Text) Error() string { return t.String() }

// Of gives what an error says: a Text stays one, and anything else says itself.
func Of(err error) Text {
	var t Text
	if errors.As(err, &t) {
		return t
	}
	return Plain(err.Error())
}
