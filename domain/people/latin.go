package people

import (
	"strings"
	"unicode"

	"github.com/mozillazg/go-unidecode"
	"golang.org/x/text/unicode/norm"
)

// latinLetters spells a name with a to z alone, as it would be typed where the keyboard has no more: accents and strokes come off, letters
// that are two are written as two, and names of other scripts are spelled by their sound as far as a table can. Everything that is
// no letter is left out.
func latinLetters(s string) string {
	var b strings.Builder
	for _, c := range norm.NFKD.String(strings.ToLower(s)) {
		if c >= 'a' && c <= 'z' {
			b.WriteRune(c)
			continue
		}
		if !unicode.IsLetter(c) && !unicode.IsMark(c) { // the vowels of Indian scripts are marks
			continue
		}
		spelled, ok := rareLetters[c]
		if !ok {
			spelled = strings.ToLower(unidecode.Unidecode(string(c)))
		}
		for _, l := range spelled {
			if l >= 'a' && l <= 'z' {
				b.WriteRune(l)
			}
		}
	}
	return b.String()
}

// rareLetters are Latin letters of names and of older spellings that the table of go-unidecode lacks or spells by another mark.
var rareLetters = func() map[rune]string {
	m := map[rune]string{}
	for _, pair := range strings.Fields(`əe ǝe ʌa ꝥth ꝧth ẟd ỻll ỽv ƨs
	ᵫue ᵺth ᶏa ᶑd ᶒe ᶖi ᶙu ỿy ⱱv ⱳw ⱴv ⱸe ⱺo ꜩtz ꜳaa ꜵao ꜷau ꜹav ꜻav ꜽay ꝁk ꝃk ꝅk ꝉl ꝋo ꝍo ꝏoo ꝑp ꝓp ꝕp ꝗq ꝙq ꝟv ꝡvy ꝫet ꝭis ꝸum
	ꞎl ꞑn ꞓc ꞔc ꞕh ꞗb ꞙf ꞡg ꞣk ꞥn ꞧr ꞩs ꞹu ꟈd ꟊs ꬴe ꬷl ꬸl ꬹl ꬺm ꬻn ꭉr ꭎu ꭐui ꭒu ꭖx ꭗx ꭘx ꭙx ꭚy ꭣuo`) {
		letter := []rune(pair)
		m[letter[0]] = string(letter[1:])
	}
	return m
}()
