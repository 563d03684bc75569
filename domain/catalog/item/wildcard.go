package item

import "strings"

// wildcard stands for "any characters" in a folded pattern. It is a noncharacter of Unicode: folding takes it out of
// whatever people typed.
const wildcard = '\uffff'

// matchesParts compares a folded answer with the parts of a pattern (patternParts): anything may stand between them.
func matchesParts(parts []string, text string) bool {
	first, last := parts[0], parts[len(parts)-1]
	if len(parts) == 1 {
		return text == first
	}
	if len(text) < len(first)+len(last) || !strings.HasPrefix(text, first) || !strings.HasSuffix(text, last) {
		return false
	}
	rest := text[len(first) : len(text)-len(last)]
	for _, part := range parts[1 : len(parts)-1] {
		at := strings.Index(rest, part)
		if at < 0 {
			return false
		}
		rest = rest[at+len(part):]
	}
	return true
}

// patternParts folds a pattern and splits it at its wildcards. The wildcards are found before the folding, which may
// bring forth other asterisks: those are text.
func patternParts(pattern string) []string {
	return strings.Split(foldPattern(pattern), string(wildcard))
}

func foldPattern(pattern string) string {
	var b strings.Builder
	for i := 0; i < len(pattern); i++ {
		switch {
		case pattern[i] == '\\' && i+1 < len(pattern) && pattern[i+1] == '*':
			b.WriteByte('*')
			i++
		case pattern[i] == '*':
			b.WriteRune(wildcard)
		case strings.HasPrefix(pattern[i:], string(wildcard)):
			i += len(string(wildcard)) - 1
		default:
			b.WriteByte(pattern[i])
		}
	}
	return evenOut(foldAround(b.String(), true))
}
