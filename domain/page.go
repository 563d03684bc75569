package domain

import (
	"encoding/base64"
	"encoding/json"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/google/uuid"
)

// Rows is how many a page of a list has when nobody asks for another number: a class, which a phone loads quickly.
const Rows = 30

// Page asks for a part of a list. Lists go on from the last thing shown, never from a number, so that what is added or removed meanwhile neither repeats nor
// hides anything.
type Page struct {
	After string // the Next of the part before; empty: from the start
	Limit int    // 1 to 200; 0: Rows
}

// List is a part of a list.
type List[T any] struct {
	Items []T    `json:"items"`
	Next  string `json:"next,omitempty"` // empty: nothing follows
}

// Read checks the page and gives its limit, and the key in the list's order of what it goes on after: so many texts, then so many ids. From the start it is
// nil. Whoever reads a text that is to be a number or a day looks whether it is. The error is Invalid.
func (p Page) Read(texts, ids int) (limit int, after []string, err error) {
	limit = p.Limit
	if limit == 0 {
		limit = Rows
	}
	if limit < 1 || limit > 200 {
		return 0, nil, InvalidField("limit", "domain.must_be_1_to_200")
	}
	if p.After == "" {
		return limit, nil, nil
	}
	if after, err = ReadCursor(p.After, texts+ids); err != nil {
		return 0, nil, err
	}
	if slices.ContainsFunc(after[texts:], func(s string) bool { return len(s) != 36 || uuid.Validate(s) != nil }) {
		return 0, nil, BadCursor()
	}
	return limit, after, nil
}

// Start is Read for a statement that always compares: from the start, after is the lowest key of all.
func (p Page) Start(texts, ids int) (limit int, after []string, err error) {
	limit, after, err = p.Read(texts, ids)
	if after == nil {
		after = slices.Concat(make([]string, texts), slices.Repeat([]string{uuid.Nil.String()}, ids))
	}
	return limit, after, err
}

// Cut makes a List of rows that were read with a limit one higher than asked: the one too many says that more follows. key gives what the list is ordered by.
func Cut[T any](rows []T, limit int, key func(T) []string) List[T] {
	if rows == nil {
		rows = []T{}
	}
	if len(rows) <= limit {
		return List[T]{Items: rows}
	}
	return List[T]{Items: rows[:limit], Next: Cursor(key(rows[limit-1])...)}
}

// Cursor names the place in a list after which the next page begins, by the texts that the list is ordered by.
func Cursor(parts ...string) string {
	raw, err := json.Marshal(parts)
	if err != nil {
		panic(err) // strings only
	}
	return base64.RawURLEncoding.EncodeToString(raw)
}

// ReadCursor gives back the n texts of a Cursor, or BadCursor. They may be any texts that a database takes.
func ReadCursor(text string, n int) ([]string, error) {
	var parts []string
	raw, err := base64.RawURLEncoding.Strict().DecodeString(text)
	if err != nil || len(text) > 4000 || json.Unmarshal(raw, &parts) != nil || len(parts) != n {
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
	return InvalidField("after", "domain.is_not_a_place_in")
}
