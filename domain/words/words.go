// Package words is what the program says to people. Each sentence stands under a key in a message file, messages/<language>/<room>.yaml, once a
// language, and nowhere else: code and pages name the key. The key of a message is its file's name and its own: "learner.my_classes".
//
// The files are in the format of go-i18n, which reads them. A message holds what it is filled with by name, {{.Seats}}, and nothing else of Go's templates
// (filling.go); a message that counts has a form for each plural category of its language (Unicode CLDR: one, two, few, many, other), chosen by N. Whoever says it hands over pairs of name and value, and the
// number as N.
//
// What stays in code, and in English: what programs read (names of fields, codes, the reference of the API), what operators read (commands, logs), and what
// schools wrote themselves.
package words

import (
	"embed"
	"fmt"
	"io/fs"
	"maps"
	"path"
	"slices"
	"strings"
	"sync"

	"github.com/goccy/go-yaml"
	"github.com/nicksnyder/go-i18n/v2/i18n"
)

// Language is one in which the program speaks, by its tag of BCP 47: "en".
type Language string

// English is the language that every message has; it stands in for a message that another language lacks.
const English Language = "en"

//go:embed messages
var files embed.FS

// catalogue is all messages of a language, by key.
type catalogue map[string]Message

// Message is what is said under a key: its forms by plural category, "other" last. One that does not count has that form alone.
type Message []Form

// Form is the text of a message for one plural category: "one", "other".
type Form struct{ Category, Text string }

// Other is the text for any number, or for none.
func (m Message) Other() string { return m[len(m)-1].Text }

// of is the text for a plural category: other's, when the message has none.
func (m Message) of(category string) string {
	if i := m.at(category); i >= 0 {
		return m[i].Text
	}
	return m.Other()
}

func (m Message) at(category string) int {
	return slices.IndexFunc(m, func(f Form) bool { return f.Category == category })
}

// Counts reports whether a number chooses the form.
func (m Message) Counts() bool { return len(m) > 1 }

// catalogues has each language, read when it is spoken first. The files are part of the program: one that cannot be read is a fault of it.
var catalogues = sync.OnceValue(func() map[Language]func() catalogue {
	languages, err := fs.ReadDir(files, "messages")
	if err != nil {
		panic(err)
	}
	all := map[Language]func() catalogue{}
	for _, dir := range languages {
		all[Language(dir.Name())] = sync.OnceValue(func() catalogue {
			messages, err := load(files, path.Join("messages", dir.Name()))
			if err != nil {
				panic(fmt.Sprintf("words: %v", err))
			}
			return messages
		})
	}
	all[Pseudo] = sync.OnceValue(func() catalogue { return pseudo(all[English]()) })
	return all
})

// catalogueOf is all messages of a language; nil of one that there is not.
func catalogueOf(l Language) catalogue {
	if read := catalogues()[l]; read != nil {
		return read()
	}
	return nil
}

func english() catalogue { return catalogueOf(English) }

// load reads the message files of one language. The error names a file that cannot be read, or a message with braces that are no placeholder.
func load(files fs.FS, dir string) (catalogue, error) {
	all := catalogue{}
	found, err := fs.Glob(files, dir+"/*.yaml")
	if err != nil {
		return nil, err
	}
	for _, file := range found {
		text, err := fs.ReadFile(files, file)
		if err != nil {
			return nil, err
		}
		list, err := i18n.ParseMessageBytes(text, yaml.Unmarshal)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", file, err)
		}
		room := strings.TrimSuffix(path.Base(file), ".yaml")
		for _, read := range list {
			m := messageOf(read)
			for _, form := range m {
				if err := check(form.Text); err != nil {
					return nil, fmt.Errorf("%s: %s: %w", file, read.ID, err)
				}
			}
			all[room+"."+read.ID] = m
		}
	}
	return all, nil
}

// messageOf keeps the forms that a message has, and nothing else of what the library thinks of.
func messageOf(read *i18n.Message) Message {
	forms := [...]Form{{"zero", read.Zero}, {"one", read.One}, {"two", read.Two}, {"few", read.Few}, {"many", read.Many}}
	var m Message
	for _, form := range forms {
		if form.Text != "" {
			m = append(m, form)
		}
	}
	return slices.Clip(append(m, Form{"other", read.Other}))
}

// Languages gives those that people may choose from, sorted.
func Languages() []Language {
	var list []Language
	for l := range catalogues() {
		if l != Pseudo {
			list = append(list, l)
		}
	}
	slices.Sort(list)
	return list
}

// Keys gives the keys of a message file, sorted, without the file's name.
func Keys(room string) []string {
	var keys []string
	for key := range english() {
		if of, own, ok := strings.Cut(key, "."); ok && of == room {
			keys = append(keys, own)
		}
	}
	slices.Sort(keys)
	return keys
}

// Name is the language's own name of itself: "English", "español".
func (l Language) Name() string { return l.Say("words.language") }

// Message is a message as its file has it; a language that lacks it gives the English one. It is nil for a key without words.
func (l Language) Message(key string) Message {
	m, _ := l.find(key)
	return m
}

// find gives a message, and the language that it is in.
func (l Language) find(key string) (Message, Language) {
	if m := catalogueOf(l)[key]; m != nil {
		return m, l
	}
	return english()[key], English
}

// Say gives a message in words, filled with pairs of name and value; the value of N, a whole number, chooses the plural form. A key without
// words, which a test would have found, gives the key.
func (l Language) Say(key string, given ...any) string {
	m, spoken := l.find(key)
	if m == nil {
		return key
	}
	text := m.Other()
	if len(given) == 0 {
		return fill(text, nil)
	}
	filled := make([]filling, len(given)/2)
	for i := range filled {
		name, value := given[2*i].(string), ""
		switch v := given[2*i+1].(type) {
		case string:
			value = v
		case Text:
			value = v.say(l)
		case Moment:
			value = l.Format(v.At, v.Layout)
		case int:
			value = l.Number(v)
			if name == "N" {
				text = m.of(spoken.Form(v))
			}
		default:
			value = fmt.Sprint(v)
		}
		filled[i] = filling{name, value}
	}
	return fill(text, filled)
}

// Rooms gives the names of the message files, sorted.
func Rooms() []string {
	seen := map[string]bool{}
	for key := range english() {
		room, _, _ := strings.Cut(key, ".")
		seen[room] = true
	}
	return slices.Sorted(maps.Keys(seen))
}

// Bare is a message's text without what fills it.
func Bare(text string) string { return unmoved.ReplaceAllString(text, "") }

// Faults tells what is wrong with a language's messages beside those of English: keys that English does not have, what fills them, plural forms that are
// missing or that the language does not have. A message that is missing altogether is no fault: it is said in English.
func Faults(l Language) (faults []string) {
	forms := counted(l)
	for _, key := range slices.Sorted(maps.Keys(catalogueOf(l))) {
		m, english := catalogueOf(l)[key], english()[key]
		if english == nil {
			faults = append(faults, key+" is no message of English")
			continue
		}
		counts := english.Counts()
		for _, form := range []string{"zero", "one", "two", "few", "many", "other"} {
			text := ""
			if i := m.at(form); i >= 0 {
				text = m[i].Text
			}
			switch wanted := form == "other" || counts && forms[form]; {
			case wanted && text == "":
				faults = append(faults, key+" lacks its form "+form)
			case !wanted && text != "" && form != "many": // newer rules than ours know it of more languages
				faults = append(faults, key+" has a form "+form+", which is never said")
			case text != "" && !slices.Equal(fillings(text), fillings(english.Other())) && !(counts && slices.Equal(fillings(text+"{{.N}}"), fillings(english.Other()))):
				faults = append(faults, fmt.Sprintf("%s is filled with %v and not %v", key, fillings(text), fillings(english.Other())))
			}
		}
	}
	slices.Sort(faults)
	return faults
}

// fillings are the placeholders and the tags of a text, sorted.
func fillings(text string) []string {
	found := unmoved.FindAllString(text, -1)
	slices.Sort(found)
	return slices.Compact(found)
}

// counted are the plural categories that whole numbers have in a language.
func counted(l Language) map[string]bool {
	forms := map[string]bool{}
	for _, n := range []int{0, 1, 2, 3, 5, 6, 7, 11, 12, 21, 100, 101, 102, 111, 1_000, 1_000_000} {
		forms[l.Form(n)] = true
	}
	return forms
}
