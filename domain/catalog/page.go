package catalog

import (
	"encoding/base64"
	"encoding/json"
	"slices"
	"strings"

	"github.com/google/uuid"

	"lignum/domain"
)

// Page asks for a part of a list. Lists go on from the last thing shown, never from a number, so that what is added or
// removed meanwhile neither repeats nor hides anything.
type Page struct {
	After string // the Next of the part before; empty: from the start
	Limit int    // 1 to 200; 0 is 50
}

// List is a part of a list.
type List[T any] struct {
	Items []T    `json:"items"`
	Next  string `json:"next,omitempty"` // empty: nothing follows
}

// Start checks the page and gives its limit, and the sort key to go on after: so many texts, then so many ids. From the
// start it is the lowest key of all. The error is domain.Invalid.
func (p Page) Start(texts, ids int) (limit int, after []string, err error) {
	limit = p.Limit
	if limit == 0 {
		limit = domain.Rows
	}
	if limit < 1 || limit > 200 {
		return 0, nil, domain.InvalidField("limit", "domain.must_be_1_to_200")
	}
	if p.After == "" {
		return limit, slices.Concat(make([]string, texts), slices.Repeat([]string{uuid.Nil.String()}, ids)), nil
	}
	raw, err := base64.RawURLEncoding.Strict().DecodeString(p.After)
	if err != nil || len(raw) > 4000 || json.Unmarshal(raw, &after) != nil || !isKey(after, texts, ids) {
		return 0, nil, domain.InvalidField("after", "domain.is_not_a_place_in")
	}
	return limit, after, nil
}

func isKey(key []string, texts, ids int) bool {
	return len(key) == texts+ids &&
		!slices.ContainsFunc(key[:texts], func(s string) bool { return strings.ContainsRune(s, 0) }) &&
		!slices.ContainsFunc(key[texts:], func(s string) bool { return len(s) != 36 || uuid.Validate(s) != nil })
}

// Cut makes a List of rows that were read with a limit one higher than asked: the one too many says that more follows.
func Cut[T any](rows []T, limit int, key func(T) []string) List[T] {
	if rows == nil {
		rows = []T{}
	}
	if len(rows) <= limit {
		return List[T]{Items: rows}
	}
	rows = rows[:limit]
	raw, err := json.Marshal(key(rows[limit-1]))
	if err != nil {
		panic(err) // strings always marshal
	}
	return List[T]{Items: rows, Next: base64.RawURLEncoding.EncodeToString(raw)}
}
