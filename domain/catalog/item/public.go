package item

import (
	"hash/fnv"
	"slices"
)

// Public is what a learner may see of an item before it is scored: never which answer is
// right, its weight or its feedback. All texts are safe HTML.
type Public struct {
	Kind        Kind           `json:"kind"`
	Multiple    bool           `json:"multiple,omitempty"`     // several choices may be ticked
	MissingWord bool           `json:"missing_word,omitempty"` // the stem holds the blank, written _____
	Stem        string         `json:"stem"`
	Choices     []PublicChoice `json:"choices,omitempty"` // MultipleChoice, TrueFalse
	Left        []PublicChoice `json:"left,omitempty"`    // Matching: one option for each of these
	Right       []PublicChoice `json:"right,omitempty"`   // Matching: the options
}

// PublicChoice is something that a response names by its id.
type PublicChoice struct {
	ID   string `json:"id"`
	HTML string `json:"html"`
}

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
	if it.Kind == TrueFalse {
		p.Choices = []PublicChoice{{ID: "true", HTML: "True"}, {ID: "false", HTML: "False"}}
	}
	for _, c := range it.Choices {
		p.Choices = append(p.Choices, PublicChoice{ID: c.ID, HTML: renderInline(c.Text)})
	}
	for _, pair := range it.Pairs {
		p.Left = append(p.Left, PublicChoice{ID: pair.ID, HTML: renderInline(pair.Left)})
	}
	for _, o := range it.Options {
		p.Right = append(p.Right, PublicChoice{ID: o.ID, HTML: RenderHTML(o.Text, Plain)})
	}
	slices.SortFunc(p.Right, func(a, b PublicChoice) int {
		if len(a.ID) != len(b.ID) {
			return len(a.ID) - len(b.ID) // z before aa
		}
		if a.ID < b.ID {
			return -1
		}
		return 1
	})
	return p
}

// Shuffled gives a copy with choices and options in an order that follows from the seed
// and the item alone, now and in every later version: a review shows what the learner
// saw. Seed 0 keeps the order. True stays before false. The items of one attempt may
// share a seed; each is ordered in its own way.
func (p Public) Shuffled(seed uint64) Public {
	if seed == 0 {
		return p
	}
	h := fnv.New64a()
	_, _ = h.Write([]byte(p.Stem))
	state := seed ^ h.Sum64()
	if p.Kind != TrueFalse {
		p.Choices = shuffled(p.Choices, &state)
	}
	p.Right = shuffled(p.Right, &state)
	return p
}

// shuffled is Fisher-Yates over SplitMix64 (Steele, Lea and Flood 2014), written out
// because math/rand does not promise the same order in a later Go.
func shuffled(in []PublicChoice, state *uint64) []PublicChoice {
	out := slices.Clone(in)
	for i := len(out) - 1; i > 0; i-- {
		*state += 0x9e3779b97f4a7c15
		z := *state
		z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
		z = (z ^ z>>27) * 0x94d049bb133111eb
		z ^= z >> 31
		j := int(z % uint64(i+1))
		out[i], out[j] = out[j], out[i]
	}
	return out
}
