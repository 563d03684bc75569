package words

import (
	"strconv"
	"strings"
	"sync"
	"time"

	"golang.org/x/text/feature/plural"
	"golang.org/x/text/language"
	"golang.org/x/text/message"
	"golang.org/x/text/number"
)

// Choose picks the language to speak with somebody: their own choice, else what their browser accepts (the header Accept-Language, RFC 9110, section
// 12.5.4), each as far as the tenant has it, else the tenant's first. own, a tag of BCP 47, and accept may be empty. A tenant without languages has English.
func Choose(own, accept string, tenants []Language) Language {
	switch {
	case len(tenants) == 0:
		return English
	case len(tenants) == 1:
		return tenants[0]
	}
	for _, wanted := range []string{own, accept} {
		if l, ok := match(wanted, tenants); ok {
			return l
		}
	}
	return tenants[0]
}

// match finds the first of the wanted languages that is among those that there are; "es-DO" is content with "es".
func match(wanted string, among []Language) (Language, bool) {
	if wanted == "" || len(wanted) > maxAccept {
		return "", false
	}
	tags, _, err := language.ParseAcceptLanguage(wanted)
	if err != nil || len(tags) == 0 {
		return "", false
	}
	_, i, sure := matcher(among).Match(tags...)
	return among[i], sure >= language.High
}

// matcher finds the best of some languages. Making one takes longer than all else of a choice, and tenants have few different sets of languages.
func matcher(among []Language) language.Matcher {
	var key strings.Builder
	tags := make([]language.Tag, len(among))
	for i, l := range among {
		key.WriteString(string(l) + " ")
		tags[i] = language.Make(string(l))
	}
	known, ok := matchers.Load(key.String())
	if !ok {
		known, _ = matchers.LoadOrStore(key.String(), language.NewMatcher(tags))
	}
	return known.(language.Matcher)
}

var matchers sync.Map // by the tags of the languages, in order

// maxAccept bounds how much of a header is looked at, in bytes; a browser sends some fifty.
const maxAccept = 500

// Number writes a whole number as the language groups its digits: "12,345"; below zero with a minus sign, not a hyphen.
func (l Language) Number(n int) string {
	if n >= 0 && n < 1000 {
		return strconv.Itoa(n)
	}
	said := message.NewPrinter(l.tag()).Sprint(number.Decimal(n))
	return strings.Replace(said, "-", "−", 1)
}

// Form is the plural category of a whole number: "one", "two", "few", "many", "zero" or "other".
func (l Language) Form(n int) string {
	if n < 0 {
		n = -n
	}
	return forms[plural.Cardinal.MatchPlural(l.tag(), n, 0, 0, 0, 0)]
}

var forms = map[plural.Form]string{plural.Zero: "zero", plural.One: "one", plural.Two: "two", plural.Few: "few", plural.Many: "many", plural.Other: "other"}

// Word gives a word of programs as people say it, the name of a role or of a state: "tenant_administrator" is "Tenant administrator". What the
// language has no word for, such as a role that a tenant made, is said as it is named, with blanks.
func (l Language) Word(name string) string {
	if l.Message("word."+name) != nil {
		return l.Say("word." + name)
	}
	text := strings.ReplaceAll(name, "_", " ")
	if text == "" {
		return ""
	}
	return strings.ToUpper(text[:1]) + text[1:]
}

// Format writes a time in its own zone by one of the layouts of words.yaml: "day".
func (l Language) Format(t time.Time, layout string) string {
	layout = l.layout(layout)
	said := t.Format(layout)
	if l == English {
		return said
	}
	return l.names(layout).Replace(said)
}

// Moment is a time among what fills a message, written by one of the layouts of words.yaml.
type Moment struct {
	At     time.Time
	Layout string
}

// layout is the text of a layout, which is no sentence: the pseudo language has it as English does.
func (l Language) layout(name string) string {
	if m := l.real().Message("words.layout." + name); m != nil {
		return m.Other()
	}
	return time.RFC3339
}

// names turns Go's names of months and days into the language's, the long or the short ones, as a layout has them: May is both.
func (l Language) names(layout string) *strings.Replacer {
	months, weekdays := "months_short", "weekdays_short"
	if strings.Contains(layout, "January") {
		months = "months"
	}
	if strings.Contains(layout, "Monday") {
		weekdays = "weekdays"
	}
	key := [3]string{string(l), months, weekdays}
	if known, ok := replacers.Load(key); ok {
		return known.(*strings.Replacer)
	}
	var pairs []string
	for _, list := range []string{months, weekdays} {
		from, to := strings.Fields(English.Message("words."+list).Other()), strings.Fields(l.real().Message("words."+list).Other())
		for i := range min(len(from), len(to)) {
			pairs = append(pairs, from[i], to[i])
		}
	}
	r := strings.NewReplacer(pairs...)
	replacers.Store(key, r)
	return r
}

// replacers remembers the names of each language.
var replacers sync.Map

// real is the language whose numbers, days and months the language has: English, of the pseudo language.
func (l Language) real() Language {
	if l == Pseudo {
		return English
	}
	return l
}

func (l Language) tag() language.Tag { return language.Make(string(l.real())) }
