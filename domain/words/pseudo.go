package words

import (
	"regexp"
	"strings"

	"github.com/nicksnyder/go-i18n/v2/i18n"
)

// Pseudo is English with marks: every message stands between ⟦ and ⟧ and its vowels carry accents. Whoever reads a page in it sees at once which
// words did not come from a message file, and a test does. No tenant offers it.
const Pseudo Language = "en-XA"

// PseudoOpen and PseudoClose stand around each message of the pseudo language.
const PseudoOpen, PseudoClose = "⟦", "⟧"

var (
	vowels  = strings.NewReplacer("a", "á", "e", "é", "i", "í", "o", "ó", "u", "ú", "A", "Á", "E", "É", "I", "Í", "O", "Ó", "U", "Ú")
	unmoved = regexp.MustCompile(`\{\{[^}]*\}\}|<[^>]*>|&#?[a-z0-9]+;`) // placeholders, markup, characters by name
)

func pseudo(english map[string]*i18n.Message) map[string]*i18n.Message {
	accented := func(text string) string {
		if text == "" {
			return ""
		}
		var b strings.Builder
		b.WriteString(PseudoOpen)
		at := 0
		for _, held := range unmoved.FindAllStringIndex(text, -1) {
			b.WriteString(vowels.Replace(text[at:held[0]]))
			b.WriteString(text[held[0]:held[1]])
			at = held[1]
		}
		b.WriteString(vowels.Replace(text[at:]))
		b.WriteString(PseudoClose)
		return b.String()
	}
	all := make(map[string]*i18n.Message, len(english))
	for key, m := range english {
		all[key] = &i18n.Message{ID: m.ID, One: accented(m.One), Other: accented(m.Other)}
	}
	return all
}
