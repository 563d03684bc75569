package item

import (
	"hash/fnv"
	"slices"
	"strings"
)

// Public renders the item for a learner, shuffled by seed: see Show and Shuffled.
func (it *Item) Public(seed uint64) Public { return it.Show().Shuffled(seed) }

// Show renders the item with its choices in the author's order and, for matching, the
// options in the order of their ids. Rendering is the dear part: keep the result by the
// item's Hash and call Shuffled for each learner.
func (it *Item) Show() Public {
	stem := it.Stem
	if it.MissingWord() {
		stem.Body += blank + it.After
	}
	p := Public{Kind: it.Kind, Multiple: it.Multiple, MissingWord: it.MissingWord(),
		Stem: RenderHTML(stem.Body, stem.Format)}
	of(it.Kind).show(it, &p)
	return p
}

// Shuffled returns a copy with choices and options in an order that follows from the seed
// and the item alone, now and in every later version: a review shows what the learner
// saw. Seed 0 keeps the order. True stays before false. The items of one attempt may
// share a seed; each is ordered in its own way.
func (p Public) Shuffled(seed uint64) Public {
	if seed == 0 {
		return p
	}
	h := fnv.New64a()
	_, _ = h.Write([]byte(p.Stem))
	return of(p.Kind).shuffle(p, seed^h.Sum64())
}

// shuffled is Fisher-Yates over SplitMix64 (Steele, Lea and Flood 2014), written out
// because math/rand does not promise the same order in a later Go.
func shuffled(in []PublicChoice, state uint64) []PublicChoice {
	out := slices.Clone(in)
	for i := len(out) - 1; i > 0; i-- {
		state += 0x9e3779b97f4a7c15
		z := state
		z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
		z = (z ^ z>>27) * 0x94d049bb133111eb
		z ^= z >> 31
		j := int(z % uint64(i+1))
		out[i], out[j] = out[j], out[i]
	}
	return out
}

// byID compares by ids that letterID gave.
func byID(a, b PublicChoice) int {
	if len(a.ID) != len(b.ID) {
		return len(a.ID) - len(b.ID) // z before aa
	}
	return strings.Compare(a.ID, b.ID)
}

// Read takes the answer that a form was sent with. typed gives the values of the question's field, or, where a question has
// a field for each of its parts, of that of the part with this id.
func (p *Public) Read(typed func(part string) []string) Response { return of(p.Kind).read(p, typed) }

// Given is an answer line by line, as the page of a result shows it beside the question; none where nothing is to be shown.
func (p *Public) Given(r Response) []Line { return of(p.Kind).given(p, r) }

// Guess is an answer that fits the question, given without knowing more of it than a learner does; another n gives another
// one, where there is one. Programs that stand in for learners answer so.
func (p *Public) Guess(n int) Response { return of(p.Kind).guess(p, n) }
