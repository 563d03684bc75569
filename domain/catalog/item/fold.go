package item

import (
	"strings"
	"unicode"

	"golang.org/x/text/cases"
	"golang.org/x/text/unicode/norm"
)

// Telephones turn hyphens into dashes and apostrophes into curly ones by themselves, and put marks between letters that
// nobody sees. A learner must not lose a mark for what they can neither see nor choose, so key and answer are compared
// after the same folding. It goes by what Unicode says of a character and not by a list of those that were noticed.

// foldMarks makes alike what people cannot tell apart: what is invisible goes, every dash becomes a hyphen, every
// quotation mark and apostrophe a straight one, every space a plain one, every decimal digit one of 0 to 9; letters are
// composed, and full-width, ligature and styled forms become the plain letter. Superscripts, subscripts and fractions
// stay: 10² is not 102.
func foldMarks(s string) string { return foldAround(s, false) }

// foldAround is foldMarks; in a pattern it leaves the wildcards alone.
func foldAround(s string, pattern bool) string {
	plain := true
	for i := range len(s) {
		plain = plain && s[i] >= ' ' && s[i] < 0x7f && s[i] != '`'
	}
	if plain {
		return s
	}
	var b strings.Builder
	for _, r := range norm.NFC.String(s) {
		switch {
		case pattern && r == wildcard:
			b.WriteRune(r)
		case invisible(r):
		case r < 0x80 && r != '`':
			b.WriteRune(r)
		case unicode.IsSpace(r) || r == blankBraille:
			b.WriteByte(' ')
		case raised(r):
			b.WriteRune(r)
		case dash(r):
			b.WriteByte('-')
		case strings.ContainsRune(apostrophes, r):
			b.WriteByte('\'')
		case strings.ContainsRune(doublePrimes, r) || unicode.Is(unicode.Quotation_Mark, r):
			b.WriteByte('"')
		case unicode.Is(unicode.Nd, r):
			b.WriteByte('0' + digit(r))
		default:
			b.WriteString(norm.NFKC.String(string(r)))
		}
	}
	return norm.NFC.String(b.String())
}

// fold brings a short answer into the form in which it is compared: foldMarks, without regard to case and to the amount
// of white space.
func fold(s string) string { return evenOut(foldMarks(s)) }

func evenOut(s string) string {
	return strings.Join(strings.Fields(norm.NFC.String(cases.Fold().String(s))), " ")
}

// blankBraille is a letter without a dot: it looks like a space.
const blankBraille = '\u2800'

// What Unicode does not count among quotation marks and people use as one. The single ones among the quotation marks
// are apostrophes too.
const (
	apostrophes  = "`\u00b4\u02b9\u02bb\u02bc\u02bd\u02be\u02bf\u02c8\u02ca\u02cb\u055a\u05f3\u2018\u2019\u201a\u201b\u2032\u2035\u2039\u203a\ua78b\ua78c\uff07\uff40"
	doublePrimes = "\u02ba\u02dd\u02ee\u05f4\u2033\u2036"
)

// invisible holds for what takes no room: the default ignorable code points of Unicode (zero-width spaces and joiners, soft
// hyphens, variation selectors, direction marks), control characters other than white space, and noncharacters.
func invisible(r rune) bool {
	switch {
	case unicode.IsSpace(r):
		return false
	case unicode.Is(unicode.Cc, r), unicode.Is(unicode.Noncharacter_Code_Point, r), unicode.Is(unicode.Other_Default_Ignorable_Code_Point, r),
		unicode.Is(unicode.Variation_Selector, r):
		return true
	case r >= 0xfff9 && r <= 0xfffb, r >= 0x13430 && r <= 0x1343f: // annotations and hieroglyphs, which are shown
		return false
	}
	return unicode.Is(unicode.Cf, r) && !unicode.Is(unicode.Prepended_Concatenation_Mark, r)
}

// dash holds for hyphens, dashes and minus signs of any length.
func dash(r rune) bool {
	return unicode.Is(unicode.Dash, r) || unicode.Is(unicode.Pd, r) || r == '\u2043' || r == '\u02d7' || r == '\u2796'
}

// raised holds for characters whose place or shape is their meaning, which NFKC would take away: superscripts,
// subscripts, fractions, numbers in circles.
func raised(r rune) bool {
	return r >= 0x2070 && r <= 0x209f || unicode.Is(unicode.No, r) || unicode.Is(unicode.Lm, r) && !strings.ContainsRune(apostrophes+doublePrimes, r) && norm.NFKC.String(string(r)) != string(r)
}

// digit is the value of a decimal digit of any script: Unicode keeps the ten of a script together.
func digit(r rune) byte {
	for _, t := range unicode.Nd.R16 {
		if rune(t.Lo) <= r && r <= rune(t.Hi) {
			return byte((r - rune(t.Lo)) % 10)
		}
	}
	for _, t := range unicode.Nd.R32 {
		if rune(t.Lo) <= r && r <= rune(t.Hi) {
			return byte((r - rune(t.Lo)) % 10)
		}
	}
	return 0
}

// blankText reports whether nothing of a text can be seen.
func blankText(s string) bool { return strings.TrimSpace(foldMarks(s)) == "" }
