package words

import (
	"bytes"
	"encoding/json"
	"fmt"
	"time"
)

// kept is a Text as it is stored.
type kept struct {
	Key      string  `json:"key,omitempty"`
	With     []value `json:"with,omitempty"` // names and values in turn
	Plain    string  `json:"plain,omitempty"`
	List     []kept  `json:"list,omitempty"`
	Sentence bool    `json:"sentence,omitempty"`
	English  string  `json:"english,omitempty"` // of a message: what it says where a later program has no such key any more
}

// value is one of what fills a message.
type value struct {
	Text   *kept   `json:"text,omitempty"`
	Moment *Moment `json:"moment,omitempty"`
	Number *int    `json:"n,omitempty"`
	String *string `json:"s,omitempty"`
}

// Keep gives the text as it is stored, to be read by Kept and said in whatever language then, in at most so many bytes: what would be longer is stored as its English,
// cut. A text that says nothing is stored as "".
func (t Text) Keep(most int) string {
	if t.IsZero() {
		return ""
	}
	for _, k := range []kept{t.kept(), {Plain: t.String()}} {
		if out := encode(k); len(out) <= most {
			return out
		}
	}
	said := []rune(t.String())
	for {
		if out := encode(kept{Plain: string(said)}); len(out) <= most || len(said) == 0 {
			return out
		}
		said = said[:len(said)*9/10]
	}
}

func encode(k kept) string {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(k); err != nil {
		panic(err) // of strings, numbers and times that are none
	}
	return string(bytes.TrimSpace(b.Bytes()))
}

func (t Text) kept() kept {
	k := kept{Key: t.key, Plain: t.plain, Sentence: t.whole}
	if t.key != "" {
		k.English = English.Say(t.key, t.pairs...)
	}
	for _, pair := range t.pairs {
		var v value
		switch p := pair.(type) {
		case Text:
			inner := p.kept()
			v.Text = &inner
		case Moment:
			v.Moment = &Moment{p.At.Round(0).In(time.FixedZone("", offset(p.At))), p.Layout}
		case int:
			v.Number = &p
		default:
			said := fmt.Sprint(p)
			v.String = &said
		}
		k.With = append(k.With, v)
	}
	for _, part := range t.list {
		k.List = append(k.List, part.kept())
	}
	return k
}

// offset is how far a time's zone is from UTC, in seconds: its name means nothing elsewhere.
func offset(t time.Time) int {
	_, seconds := t.Zone()
	return seconds
}

// Kept reads what Keep gave. Words that were stored as they are stay so.
func Kept(stored string) Text {
	var k kept
	d := json.NewDecoder(bytes.NewReader([]byte(stored)))
	d.DisallowUnknownFields()
	if len(stored) == 0 || stored[0] != '{' || d.Decode(&k) != nil || d.More() {
		return Plain(stored)
	}
	return k.text()
}

func (k kept) text() Text {
	t := Text{key: k.Key, plain: k.Plain, whole: k.Sentence}
	if k.Key != "" && english()[k.Key] == nil {
		t.key, t.plain = "", k.English
		return t
	}
	for i, v := range k.With {
		switch {
		case v.Text != nil:
			t.pairs = append(t.pairs, v.Text.text())
		case v.Moment != nil:
			t.pairs = append(t.pairs, *v.Moment)
		case v.Number != nil:
			t.pairs = append(t.pairs, *v.Number)
		case v.String != nil:
			t.pairs = append(t.pairs, *v.String)
		default:
			t.pairs = append(t.pairs, "")
		}
		if _, name := t.pairs[i].(string); i%2 == 0 && !name { // of a name
			t.pairs[i] = ""
		}
	}
	if len(t.pairs)%2 != 0 {
		t.pairs = t.pairs[:len(t.pairs)-1]
	}
	for _, part := range k.List {
		t.list = append(t.list, part.text())
	}
	return t
}
