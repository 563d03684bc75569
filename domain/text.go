package domain

import "strings"

var patternSigns = strings.NewReplacer(`\`, `\\`, `%`, `\%`, `_`, `\_`)

// Literal gives a text as a part of a pattern for LIKE or ILIKE that stands for itself: nothing of it is a wildcard.
func Literal(text string) string { return patternSigns.Replace(text) }
