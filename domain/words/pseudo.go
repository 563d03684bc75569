package words

import (
	"regexp"
	"strings"
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

func pseudo(english catalogue) catalogue {
	accented := func(text string) string {
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
	all := make(catalogue, len(english))
	for key, m := range english {
		for _, form := range m {
			all[key] = append(all[key], Form{form.Category, accented(form.Text)})
		}
	}
	return all
}
