package item

import (
	"fmt"
	"html/template"
	"math/big"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"

	"lignum/domain"
)

// matching puts one of the options to each left side. Each pair earns the same.
type matching struct{ anyKind }

// Pair is one left side of a matching item and the id of the option that belongs to it.
type Pair struct {
	ID    string `json:"id"`
	Left  Text   `json:"left"`
	Right string `json:"right"`
}

// Option is one right side of a matching item. One that no pair names is a distractor.
type Option struct {
	ID   string `json:"id"`
	Text string `json:"text"` // plain
}

func (matching) is() facts {
	return facts{kind: Matching, answer: "match", example: `{"match": {"1": "c", "2": "a"}}`}
}

func (matching) fields(it *Item) []field {
	return []field{{"pairs", len(it.Pairs) > 0}, {"options", len(it.Options) > 0}}
}

func (matching) check(it *Item, p *domain.Problems) {
	checkCount(p, "pairs", len(it.Pairs), 2, MaxAnswers)
	checkCount(p, "options", len(it.Options), 2, MaxAnswers)
	options, texts := map[string]bool{}, map[string]bool{}
	for i, o := range it.Options {
		at := fmt.Sprintf("options[%d]", i)
		checkID(p, at+".id", o.ID, options)
		checkBody(p, at+".text", o.Text, MaxText)
		if strings.TrimSpace(o.Text) == "" {
			p.Add(at+".text", "catalog.the_right_side_is_empty")
		} else if texts[o.Text] {
			p.Add(at+".text", "catalog.another_right_side_reads_the")
		}
		texts[o.Text] = true
	}
	ids, lefts := map[string]bool{}, map[string]bool{}
	for i, pair := range it.Pairs {
		at := fmt.Sprintf("pairs[%d]", i)
		checkID(p, at+".id", pair.ID, ids)
		checkText(p, at+".left", pair.Left, MaxText)
		if strings.TrimSpace(pair.Left.Body) == "" {
			p.Add(at+".left", "catalog.the_left_side_is_empty")
		} else if lefts[pair.Left.Body] {
			p.Add(at+".left", "catalog.another_left_side_reads_the")
		}
		lefts[pair.Left.Body] = true
		if !options[pair.Right] {
			p.Add(at+".right", "catalog.names_no_option")
		}
	}
}

func (matching) advise(it *Item, a *advice) {
	for i, p := range it.Pairs {
		a.answer(i, "catalog.left_lost", "catalog.left_blank", p.Left)
	}
	for _, o := range it.Options {
		if blankText(o.Text) {
			a.fatal(-1, "catalog.nothing_of_a_right_side")
		}
		a.shown(-1, "catalog.right_lost", Text{o.Text, Plain})
		if tag := anyTag.FindString(o.Text); tag != "" {
			a.warn(-1, "catalog.a_right_side_is_plain", "Tag", shorten(tag))
		}
	}
	faces := map[string]bool{}
	for i, p := range it.Pairs {
		if face := looks(p.Left); faces[face] {
			a.warn(i, "catalog.two_left_sides_look_the")
		} else {
			faces[face] = true
		}
	}
	faces = map[string]bool{}
	for _, o := range it.Options {
		if face := fold(o.Text); faces[face] {
			a.warn(-1, "catalog.two_right_sides_read_the", "Text", fmt.Sprintf("%.60s", o.Text))
		} else {
			faces[face] = true
		}
	}
}

// assignIDs letters the options in the order of their text. Pairs name options by their present ids and are renamed along.
func (matching) assignIDs(it *Item) {
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

func (matching) mark(it *Item, r Response) (*big.Rat, []*Text) {
	if len(it.Pairs) == 0 {
		return nothing, nil
	}
	right := 0
	for i := range it.Pairs {
		if r.Match[it.Pairs[i].ID] == it.Pairs[i].Right {
			right++
		}
	}
	return bounded(big.NewRat(int64(right), int64(len(it.Pairs)))), nil
}

func (matching) right(it *Item) string {
	texts := map[string]string{}
	for _, o := range it.Options {
		texts[o.ID] = o.Text
	}
	parts := make([]string, len(it.Pairs))
	for i, pair := range it.Pairs {
		parts[i] = PlainText(pair.Left) + " → " + texts[pair.Right]
	}
	return strings.Join(parts, "; ")
}

func (matching) sample(it *Item, rnd *rand.Rand, right bool) Response {
	match := map[string]string{}
	for _, p := range it.Pairs {
		match[p.ID] = p.Right
		if !right && rnd.IntN(2) == 0 {
			match[p.ID] = it.Options[rnd.IntN(len(it.Options))].ID
		}
	}
	return Response{Match: match}
}

func (matching) show(it *Item, p *Public) {
	for _, pair := range it.Pairs {
		p.Left = append(p.Left, PublicChoice{ID: pair.ID, HTML: renderInline(pair.Left)})
	}
	for _, o := range it.Options {
		p.Right = append(p.Right, PublicChoice{ID: o.ID, HTML: RenderHTML(o.Text, Plain)})
	}
	slices.SortFunc(p.Right, byID)
}

func (matching) shuffle(p Public, state uint64) Public {
	p.Right = shuffled(p.Right, state)
	return p
}

func (matching) fits(it *Item, r Response) (p domain.Problems) {
	if len(r.Match) > len(it.Pairs) {
		p.Add("match", "catalog.at_most_pairs", "Pairs", len(it.Pairs))
		return p
	}
	for left, right := range r.Match {
		if !slices.ContainsFunc(it.Pairs, func(p Pair) bool { return p.ID == left }) {
			p.Add("match", "catalog.there_is_no_left_side", "Left", fmt.Sprintf("%.40q", left))
		} else if !slices.ContainsFunc(it.Options, func(o Option) bool { return o.ID == right }) {
			p.Add("match", "catalog.there_is_no_right_side", "Right", fmt.Sprintf("%.40q", right))
		}
	}
	return p
}

func (matching) read(p *Public, typed func(part string) []string) (r Response) {
	for _, left := range p.Left {
		if right := first(typed(left.ID)); right != "" {
			if r.Match == nil {
				r.Match = map[string]string{}
			}
			r.Match[left.ID] = right
		}
	}
	return r
}

func (matching) given(p *Public, r Response) []Line {
	lines := make([]Line, len(p.Left))
	for i, left := range p.Left {
		lines[i].Left = template.HTML(left.HTML)
		for _, right := range p.Right {
			if right.ID == r.Match[left.ID] {
				lines[i].HTML = template.HTML(right.HTML)
			}
		}
	}
	return lines
}

func (matching) guess(p *Public, n int) Response {
	match := map[string]string{}
	for i, left := range p.Left {
		match[left.ID] = p.Right[(n+i)%len(p.Right)].ID
	}
	return Response{Match: match}
}
