package item

import (
	"strings"
	"unicode/utf8"

	"lignum/domain"
	"lignum/domain/words"
)

// ParseResponse reads a response from JSON, refusing unknown keys and more than
// MaxResponseJSON bytes. Whether it fits an item is for CheckResponse to say.
func ParseResponse(data []byte) (Response, error) {
	var r Response
	if len(data) > MaxResponseJSON {
		return r, domain.Refuse(domain.TooLarge, "catalog.a_response_may_have_at", "Most", MaxResponseJSON>>10)
	}
	if err := strictJSON(data, &r); err != nil {
		return Response{}, domain.InvalidFieldIn("response", words.Of(err))
	}
	return r, nil
}

// CheckResponse says whether a response may be stored for this item: its shape fits the
// kind, its ids exist, it is within the limits. An empty response always may (it takes an
// answer back). The error is a domain.Error of code Invalid with every field that is wrong.
func (it *Item) CheckResponse(r Response) error {
	k := of(it.Kind)
	var p domain.Problems
	for _, f := range r.used() {
		if f.set && f.name != k.is().answer {
			p.Add(f.name, "catalog.an_item_of_kind_is", "Kind", it.Kind)
		}
	}
	if len(p) > 0 {
		return p.Err()
	}
	return k.fits(it, r).Err()
}

// fitsTyped bounds what was typed.
func fitsTyped(name, s string, limit int) (p domain.Problems) {
	switch {
	case !utf8.ValidString(s) || strings.ContainsRune(s, 0):
		p.Add(name, "catalog.this_has_a_character_in")
	case utf8.RuneCountInString(s) > limit:
		p.Add(name, "catalog.this_is_too_long_it", "Characters", utf8.RuneCountInString(s), "Limit", limit)
	}
	return p
}
