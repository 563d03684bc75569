package words

// Text is something that is said to a person, in whatever language they will read it: a message's key with what fills it, or words that are there
// already. The zero Text says nothing.
type Text struct {
	key   string
	pairs []any
	plain string // words that are there already; with a key, what it says
}

// Say makes a Text of a message's key and pairs of name and value. A value may be a Text itself.
func Say(key string, pairs ...any) Text { return Text{key: key, pairs: pairs} }

// Plain makes a Text of words that are there already, and stay as they are in every language: what a school wrote, or a program of other people says.
func Plain(said string) Text { return Text{plain: said} }

// Key is the message's key; "" for words that were there already.
func (t Text) Key() string { return t.key }

// String says it in English.
func (t Text) String() string {
	if t.key == "" || t.plain != "" {
		return t.plain
	}
	return English.Say(t.key, t.pairs...)
}

// In gives the same, said in a language: its String and its text of JSON are in it.
func (t Text) In(l Language) Text {
	if t.key != "" {
		t.plain = l.Say(t.key, t.pairs...)
	}
	return t
}

// IsZero reports whether it says nothing.
func (t Text) IsZero() bool { return t.key == "" && t.plain == "" }

// MarshalText gives the words, for JSON.
func (t Text) MarshalText() ([]byte, error) { return []byte(t.String()), nil }

// UnmarshalText takes words as they are.
func (t *Text) UnmarshalText(said []byte) error {
	*t = Plain(string(said))
	return nil
}
