package item

import (
	"crypto/sha256"
	"slices"
	"strconv"
	"strings"
)

// AssignIDs gives the choices, pairs and options of an item ids that a learner may see.
// Authors often write the right answer first, so choices are lettered in the order of a
// hash of their text, and options in the order of their text: an id says nothing about
// being right. Pairs must refer to options by their present ids; they are renamed along.
func (it *Item) AssignIDs() {
	order := make([]int, len(it.Choices))
	keys := make([]string, len(it.Choices))
	for i, c := range it.Choices {
		sum := sha256.Sum256([]byte(it.Stem.Body + "\x00" + c.Text.Body))
		order[i], keys[i] = i, string(sum[:])
	}
	slices.SortStableFunc(order, func(a, b int) int { return strings.Compare(keys[a], keys[b]) })
	for letter, i := range order {
		it.Choices[i].ID = letterID(letter)
	}

	slices.SortStableFunc(it.Options, func(a, b Option) int { return strings.Compare(a.Text, b.Text) })
	renamed := make(map[string]string, len(it.Options))
	for i := range it.Options {
		renamed[it.Options[i].ID] = letterID(i)
		it.Options[i].ID = letterID(i)
	}
	for i := range it.Pairs {
		it.Pairs[i].ID = strconv.Itoa(i + 1)
		if id, ok := renamed[it.Pairs[i].Right]; ok {
			it.Pairs[i].Right = id
		}
	}
}

// letterID gives a, b, ... z, aa, ab, ...
func letterID(i int) string {
	if i < 26 {
		return string(rune('a' + i))
	}
	return letterID(i/26-1) + letterID(i%26)
}
