package item

import "sync"

// Key is what may be told of an item once it is scored: the right answer and the feedback. It is rendered when somebody is
// first told, and then remembered as long as the Key is, since it depends on the item alone; where nobody may be told, nothing
// is rendered. Safe for concurrent use.
type Key struct {
	it     *Item
	render sync.Once
	right  string           // plain text
	html   map[*Text]string // of each feedback
}

// NewKey makes the key of an item, which must not be changed from then on.
func NewKey(it *Item) *Key { return &Key{it: it} }

// Tell returns what is told with a mark of the same item: the feedback in safe HTML, for the answers given and then the general
// one, and the right answer in plain text, not HTML.
func (k *Key) Tell(m Mark) (feedback []string, right string) {
	k.render.Do(func() {
		k.right, k.html = of(k.it.Kind).right(k.it), map[*Text]string{}
		k.it.eachFeedback(func(t *Text) { k.html[t] = RenderHTML(t.Body, t.Format) })
	})
	feedback = []string{}
	for _, t := range m.told {
		if t != nil {
			feedback = append(feedback, k.html[t])
		}
	}
	if k.it.Feedback != nil {
		feedback = append(feedback, k.html[k.it.Feedback])
	}
	return feedback, k.right
}

// eachFeedback calls fn for every feedback that the item has.
func (it *Item) eachFeedback(fn func(t *Text)) {
	each := func(t *Text) {
		if t != nil {
			fn(t)
		}
	}
	of(it.Kind).feedbacks(it, each)
	each(it.Feedback)
}
