package item

import (
	"strings"

	"golang.org/x/text/cases"
	"golang.org/x/text/unicode/norm"
)

// Telephones turn quotation marks into curly ones and hyphens into dashes by themselves;
// a learner must not lose a mark for that.
var typedMarks = strings.NewReplacer("\u2018", "'", "\u2019", "'", "\u201c", `"`, "\u201d", `"`,
	"\u2010", "-", "\u2011", "-", "\u2012", "-", "\u2013", "-", "\u2212", "-", "\u00a0", " ")

// fold brings a short answer into the form in which it is compared.
func fold(s string) string {
	s = typedMarks.Replace(norm.NFC.String(s))
	return strings.Join(strings.Fields(cases.Fold().String(s)), " ")
}

// matchesPattern compares a typed answer with an accepted pattern; "*" in the pattern is
// any run of characters, "\*" an asterisk.
func matchesPattern(pattern, typed string) bool {
	parts := patternParts(fold(pattern))
	typed = fold(typed)
	first, last := parts[0], parts[len(parts)-1]
	if len(parts) == 1 {
		return typed == first
	}
	if len(typed) < len(first)+len(last) || !strings.HasPrefix(typed, first) || !strings.HasSuffix(typed, last) {
		return false
	}
	rest := typed[len(first) : len(typed)-len(last)]
	for _, part := range parts[1 : len(parts)-1] {
		at := strings.Index(rest, part)
		if at < 0 {
			return false
		}
		rest = rest[at+len(part):]
	}
	return true
}

// patternParts splits at the wildcards and unescapes the asterisks that are meant.
func patternParts(pattern string) []string {
	parts := []string{""}
	for i := 0; i < len(pattern); i++ {
		switch {
		case pattern[i] == '\\' && i+1 < len(pattern) && pattern[i+1] == '*':
			parts[len(parts)-1] += "*"
			i++
		case pattern[i] == '*':
			parts = append(parts, "")
		default:
			parts[len(parts)-1] += pattern[i : i+1]
		}
	}
	return parts
}
