// Package words is what the program says to people. Each sentence stands under a key in a message file, messages/<language>/<room>.yaml, once a
// language, and nowhere else: code and pages name the key. The key of a message is its file's name and its own: "learner.my_classes".
//
// A message holds what it is filled with by name, {{.Seats}}, and nothing else of Go's templates (filling.go); a message that counts has a form for each
// plural category of its language (Unicode CLDR: one, two, few, many, other), chosen by N. Whoever says it hands over pairs of name and value, and the
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
	"golang.org/x/text/language"
)

// Language is one in which the program speaks, by its tag of BCP 47: "en".
type Language string

// English is the language that every message has; it stands in for a message that another language lacks.
const English Language = "en"

//go:embed messages
var files embed.FS

// catalogue is all messages of a language.
type catalogue struct {
	messages  map[string]*i18n.Message
	localizer *i18n.Localizer
}

// catalogues has each language, read when it is spoken first. The files are part of the program: one that cannot be read is a fault of it.
var catalogues = sync.OnceValue(func() map[Language]func() *catalogue {
	languages, err := fs.ReadDir(files, "messages")
	if err != nil {
		panic(err)
	}
	all := map[Language]func() *catalogue{}
	for _, dir := range languages {
		all[Language(dir.Name())] = sync.OnceValue(func() *catalogue {
			messages, err := load(files, path.Join("messages", dir.Name()))
			if err != nil {
				panic(fmt.Sprintf("words: %v", err))
			}
			return newCatalogue(Language(dir.Name()), messages)
		})
	}
	all[Pseudo] = sync.OnceValue(func() *catalogue { return newCatalogue(Pseudo, pseudo(all[English]().messages)) })
	return all
})

// catalogueOf is all messages of a language; nil of one that there is not.
func catalogueOf(l Language) *catalogue {
	if read := catalogues()[l]; read != nil {
		return read()
	}
	return nil
}

func english() *catalogue { return catalogueOf(English) }

// load reads the message files of one language.
func load(files fs.FS, dir string) (map[string]*i18n.Message, error) {
	messages := map[string]*i18n.Message{}
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
		for _, m := range list {
			m.ID = room + "." + m.ID
			messages[m.ID] = m
		}
	}
	return messages, nil
}

func newCatalogue(l Language, messages map[string]*i18n.Message) *catalogue {
	bundle := i18n.NewBundle(language.English)
	tag := language.Make(string(l))
	for _, m := range messages {
		err := check(m)
		if err == nil {
			err = bundle.AddMessages(tag, m)
		}
		if err != nil {
			panic(fmt.Sprintf("words: %s: %v", m.ID, err))
		}
	}
	return &catalogue{messages: messages, localizer: i18n.NewLocalizer(bundle, string(l))}
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
	for key := range english().messages {
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
func (l Language) Message(key string) *i18n.Message {
	if c := catalogueOf(l); c != nil {
		if m := c.messages[key]; m != nil {
			return m
		}
	}
	return english().messages[key]
}

// Say gives a message in words, filled with pairs of name and value; the value of N, a whole number, chooses the plural form. A key without
// words, which a test would have found, gives the key.
func (l Language) Say(key string, given ...any) string {
	c := catalogueOf(l)
	if c == nil || c.messages[key] == nil {
		c = english()
	}
	config := i18n.LocalizeConfig{MessageID: key, TemplateParser: parser{}}
	if len(given) > 0 {
		data := make(pairs, len(given)&^1)
		for i := 0; i+1 < len(given); i += 2 {
			name, value := given[i].(string), given[i+1]
			switch v := value.(type) {
			case Text:
				value = v.say(l)
			case Moment:
				value = l.Format(v.At, v.Layout)
			case int:
				value = l.Number(v)
				if name == "N" {
					config.PluralCount = v
				}
			}
			data[i], data[i+1] = name, value
		}
		config.TemplateData = data
	}
	said, err := c.localizer.Localize(&config)
	if err != nil && config.PluralCount != nil { // a form that newer rules have (a million, in Spanish) and the message has not
		config.PluralCount = nil
		said, err = c.localizer.Localize(&config)
	}
	if err != nil {
		return key
	}
	return said
}

// Rooms gives the names of the message files, sorted.
func Rooms() []string {
	seen := map[string]bool{}
	for key := range english().messages {
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
	for _, key := range slices.Sorted(maps.Keys(catalogueOf(l).messages)) {
		m, english := catalogueOf(l).messages[key], english().messages[key]
		if english == nil {
			faults = append(faults, key+" is no message of English")
			continue
		}
		counts := english.One != ""
		given := map[string]string{"zero": m.Zero, "one": m.One, "two": m.Two, "few": m.Few, "many": m.Many, "other": m.Other}
		for form, text := range given {
			switch wanted := form == "other" || counts && forms[form]; {
			case wanted && text == "":
				faults = append(faults, key+" lacks its form "+form)
			case !wanted && text != "" && form != "many": // newer rules than ours know it of more languages
				faults = append(faults, key+" has a form "+form+", which is never said")
			case text != "" && !slices.Equal(fillings(text), fillings(english.Other)) && !(counts && slices.Equal(fillings(text+"{{.N}}"), fillings(english.Other))):
				faults = append(faults, fmt.Sprintf("%s is filled with %v and not %v", key, fillings(text), fillings(english.Other)))
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

// Form is the text of a message for one plural category: "one", "other".
type Form struct{ Category, Text string }

// Forms gives the forms that a message has, "other" last.
func Forms(m *i18n.Message) []Form {
	all := []Form{{"zero", m.Zero}, {"one", m.One}, {"two", m.Two}, {"few", m.Few}, {"many", m.Many}, {"other", m.Other}}
	return slices.DeleteFunc(all, func(f Form) bool { return f.Text == "" && f.Category != "other" })
}

// counted are the plural categories that whole numbers have in a language.
func counted(l Language) map[string]bool {
	forms := map[string]bool{}
	for _, n := range []int{0, 1, 2, 3, 5, 6, 7, 11, 12, 21, 100, 101, 102, 111, 1_000, 1_000_000} {
		forms[l.Form(n)] = true
	}
	return forms
}
