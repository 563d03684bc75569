package item

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io"

	"lignum/domain"
	"lignum/domain/words"
)

// MaxJSON is the largest item in JSON, in bytes.
const MaxJSON = 2 << 20

// Marshal returns the canonical JSON of a valid item: the same item always gives the same
// bytes, so that Hash can tell versions apart. The error is a domain.Error of Validate.
func Marshal(it *Item) ([]byte, error) {
	if err := it.Validate(); err != nil {
		return nil, err
	}
	return canonical(it), nil
}

func canonical(it *Item) []byte {
	var buf bytes.Buffer
	enc := json.NewEncoder(&buf)
	enc.SetEscapeHTML(false)
	// The types above hold nothing that JSON cannot express; an error here would be a
	// fault of this package.
	if err := enc.Encode(it); err != nil {
		panic("item: canonical JSON: " + err.Error())
	}
	return bytes.TrimSuffix(buf.Bytes(), []byte("\n"))
}

// Unmarshal reads an item from JSON and validates it. Unknown keys, trailing data and more
// than MaxJSON bytes are refused; the error is a domain.Error of code Invalid or TooLarge.
func Unmarshal(data []byte) (*Item, error) {
	if len(data) > MaxJSON {
		return nil, domain.Refuse(domain.TooLarge, "catalog.an_item_may_have_at", "Most", MaxJSON>>10)
	}
	it := &Item{}
	if err := strictJSON(data, it); err != nil {
		return nil, domain.InvalidFieldIn("item", words.Of(err))
	}
	if err := it.Validate(); err != nil {
		return nil, err
	}
	return it, nil
}

func strictJSON(data []byte, into any) error {
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.DisallowUnknownFields()
	if err := dec.Decode(into); err != nil {
		return err
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return words.Say("catalog.something_follows_after_the_json")
	}
	return nil
}

// Hash is the SHA-256 of the canonical JSON in lower-case hex: two items with the same
// hash are the same version.
func (it *Item) Hash() string {
	sum := sha256.Sum256(canonical(it))
	return hex.EncodeToString(sum[:])
}
