package domain

import (
	"encoding/base64"
	"encoding/json"
	"strings"
	"unicode/utf8"
)

// Rows is how many a page of a list has when nobody asks for another number: a class, which a phone loads quickly.
const Rows = 30

// Cursor names the place in a list after which the next page begins, by the texts that the list is ordered by.
func Cursor(parts ...string) string {
	raw, err := json.Marshal(parts)
	if err != nil {
		panic(err) // strings only
	}
	return base64.RawURLEncoding.EncodeToString(raw)
}

// ReadCursor returns the n texts of a Cursor, or BadCursor. They may be any texts that a database takes: whoever reads one that is to be a number
// or an id looks whether it is.
func ReadCursor(text string, n int) ([]string, error) {
	var parts []string
	raw, err := base64.RawURLEncoding.Strict().DecodeString(text)
	if err != nil || len(text) > 2000 || json.Unmarshal(raw, &parts) != nil || len(parts) != n {
		return nil, BadCursor()
	}
	for _, p := range parts {
		if !utf8.ValidString(p) || strings.ContainsRune(p, 0) {
			return nil, BadCursor()
		}
	}
	return parts, nil
}

// BadCursor is what a cursor gives that no page gave: Invalid, of the field after.
func BadCursor() error {
	return InvalidField("after", "domain.is_not_a_cursor_that")
}
