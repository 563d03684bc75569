package item

import (
	"fmt"
	"html/template"
	"maps"
	"math/big"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"

	"lignum/domain"
)

// ordering has steps to be put in their order. A learner gives each step its place, and earns for what follows what: of n
// steps there are n-1 that another one should follow directly, and each that is followed by the right one earns the same.
// So one step in a wrong place costs what is torn apart around it, and not all that was shifted by it. It is Moodle's
// "relative to the next item", and QTI's orderInteraction scored in parts; nothing is taken off for what is wrong.
type ordering struct{ anyKind }

// Step is one of the things that an ordering item wants in order.
type Step struct {
	ID   string `json:"id"`
	Text Text   `json:"step"`
}

// MinSteps and MaxSteps bound the steps of an ordering item: more than twenty nobody keeps in view.
const (
	MinSteps = 2
	MaxSteps = 20
)

func (ordering) is() facts {
	return facts{kind: Ordering, answer: "order", example: `{"order": {"a": 2, "b": 1}}`}
}

func (ordering) fields(it *Item) []field { return []field{{"steps", len(it.Steps) > 0}} }

func (ordering) check(it *Item, p *domain.Problems) {
	if it.After != "" {
		p.Add("after", "catalog.what_is_to_be_put")
	}
	checkCount(p, "steps", len(it.Steps), MinSteps, MaxSteps)
	ids, texts := map[string]bool{}, map[string]bool{}
	for i, s := range it.Steps {
		at := fmt.Sprintf("steps[%d]", i)
		checkID(p, at+".id", s.ID, ids)
		checkText(p, at+".step", s.Text, MaxText)
		if strings.TrimSpace(s.Text.Body) == "" {
			p.Add(at+".step", "catalog.the_step_is_empty")
		} else if texts[s.Text.Body] {
			p.Add(at+".step", "catalog.another_step_reads_the_same")
		}
		texts[s.Text.Body] = true
	}
}

func (ordering) advise(it *Item, a *advice) {
	faces := map[string]int{}
	for i, s := range it.Steps {
		a.answer(i, "catalog.step_lost", "catalog.step_blank", s.Text)
		face := looks(s.Text)
		if first, twice := faces[face]; twice {
			a.fatal(i, "catalog.step_looks_the_same_as", "Step", i+1, "Like", first+1)
		} else {
			faces[face] = i
		}
	}
}

// assignIDs letters the steps by a hash of their text: they are written in the right order.
func (ordering) assignIDs(it *Item) {
	for i, id := range lettered(len(it.Steps), func(i int) string { return it.Stem.Body + "\x00" + it.Steps[i].Text.Body }) {
		it.Steps[i].ID = id
	}
}

func (ordering) mark(it *Item, r Response) (*big.Rat, []*Text) {
	if len(it.Steps) < MinSteps {
		return nothing, nil
	}
	follow := 0
	for i := range it.Steps[1:] {
		if place := r.Order[it.Steps[i].ID]; place > 0 && r.Order[it.Steps[i+1].ID] == place+1 {
			follow++
		}
	}
	return bounded(big.NewRat(int64(follow), int64(len(it.Steps)-1))), nil
}

func (ordering) right(it *Item) string {
	parts := make([]string, len(it.Steps))
	for i, s := range it.Steps {
		parts[i] = strconv.Itoa(i+1) + ". " + strings.TrimSuffix(PlainText(s.Text), ".") // no full stop before a semicolon
	}
	return strings.Join(parts, "; ")
}

// sample swaps two neighbours where the right order is not known.
func (ordering) sample(it *Item, rnd *rand.Rand, right bool) Response {
	order := make(map[string]int, len(it.Steps))
	for i, s := range it.Steps {
		order[s.ID] = i + 1
	}
	if !right && len(it.Steps) > 1 {
		i := rnd.IntN(len(it.Steps) - 1)
		order[it.Steps[i].ID], order[it.Steps[i+1].ID] = i+2, i+1
	}
	return Response{Order: order}
}

func (ordering) show(it *Item, p *Public) {
	for _, s := range it.Steps {
		p.Steps = append(p.Steps, PublicChoice{ID: s.ID, HTML: renderInline(s.Text)})
		p.never = append(p.never, s.ID)
	}
	slices.SortFunc(p.Steps, byID)
	notInOrder(p.Steps, p.never)
}

func (ordering) shuffle(p Public, state uint64) Public {
	p.Steps = shuffled(p.Steps, state)
	notInOrder(p.Steps, p.never)
	return p
}

// notInOrder moves the first of the steps to the end when they stand in the right order by chance: whoever leaves them as they
// are shown has not answered, and must not find out by it.
func notInOrder(steps []PublicChoice, right []string) {
	if !slices.EqualFunc(steps, right, func(s PublicChoice, id string) bool { return s.ID == id }) {
		return
	}
	for i := range len(steps) - 1 {
		steps[i], steps[i+1] = steps[i+1], steps[i]
	}
}

func (ordering) fits(it *Item, r Response) (p domain.Problems) {
	if len(r.Order) > len(it.Steps) {
		p.Add("order", "catalog.at_most_steps", "Steps", len(it.Steps))
		return p
	}
	taken := make([]bool, len(it.Steps)+1)
	for _, id := range slices.Sorted(maps.Keys(r.Order)) {
		place := r.Order[id]
		switch {
		case !slices.ContainsFunc(it.Steps, func(s Step) bool { return s.ID == id }):
			p.Add("order", "catalog.there_is_no_step", "Step", fmt.Sprintf("%.40q", id))
		case place < 1 || place > len(it.Steps):
			p.Add("order", "catalog.a_place_is_a_whole", "Steps", len(it.Steps))
		case taken[place]:
			p.Add("order", "catalog.place_is_given_twice_give", "Place", place)
		default:
			taken[place] = true
		}
	}
	return p
}

func (ordering) read(p *Public, typed func(part string) []string) (r Response) {
	for _, s := range p.Steps {
		place := strings.TrimSpace(first(typed(s.ID)))
		if place == "" {
			continue
		}
		if r.Order == nil {
			r.Order = map[string]int{}
		}
		r.Order[s.ID], _ = strconv.Atoi(place) // 0 is no place, and refused as such
	}
	return r
}

// given has a line for each place that a step was put in.
func (ordering) given(p *Public, r Response) (lines []Line) {
	for place := range len(p.Steps) + 1 {
		for _, s := range p.Steps {
			if at, ok := r.Order[s.ID]; ok && at == place {
				lines = append(lines, Line{Left: template.HTML(strconv.Itoa(place)), HTML: template.HTML(s.HTML)})
			}
		}
	}
	return lines
}

func (ordering) guess(p *Public, n int) Response {
	order := make(map[string]int, len(p.Steps))
	for i, s := range p.Steps {
		order[s.ID] = 1 + (n+i)%len(p.Steps)
	}
	return Response{Order: order}
}
