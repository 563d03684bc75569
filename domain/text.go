package domain

import "strings"

var patternSigns = strings.NewReplacer(`\`, `\\`, `%`, `\%`, `_`, `\_`)

// Literal returns a text as a part of a pattern for LIKE or ILIKE that stands for itself: nothing of it is a wildcard.
func Literal(text string) string { return patternSigns.Replace(text) }

// Beginnings is SQL that makes of a text what fits a column of words that begin with its words, in any order; case does not matter. The column is
// to_tsvector('simple', regexp_replace(text, '[^[:alnum:]]+', ' ', 'g')). A text without letters and digits fits nothing. All of it is known when
// a statement is planned, so that a common word is found in the order of the list and a rare one by its index.
const Beginnings = `to_tsquery('simple', nullif(replace(btrim(regexp_replace(?::text, '[^[:alnum:]]+', ' ', 'g')), ' ', ':* & ') || ':*', ':*'))`
