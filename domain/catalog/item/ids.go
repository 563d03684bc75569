package item

// AssignIDs gives the choices, pairs and options of an item ids that a learner may see.
// Authors often write the right answer first, so choices are lettered in the order of a
// hash of their text, and options in the order of their text: an id says nothing about
// being right. Pairs must refer to options by their present ids; they are renamed along.
func (it *Item) AssignIDs() { of(it.Kind).assignIDs(it) }

// letterID returns a, b, ... z, aa, ab, ...
func letterID(i int) string {
	if i < 26 {
		return string(rune('a' + i))
	}
	return letterID(i/26-1) + letterID(i%26)
}
