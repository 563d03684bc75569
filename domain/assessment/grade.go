package assessment

import (
	"math/big"

	"github.com/google/uuid"

	"lignum/domain"
	"lignum/domain/catalog"
	"lignum/domain/catalog/item"
	"lignum/domain/catalog/pack"
)

// outcome is what is stored of a scored attempt. Feedback and right answers are not in it: items never change, so they
// are there whenever somebody looks.
type outcome struct {
	Items    []itemOutcome    `json:"items"`
	Sections []sectionOutcome `json:"sections"`
}

type itemOutcome struct {
	Position int       `json:"position"`
	ItemID   uuid.UUID `json:"item_id"`
	Section  string    `json:"section"`           // code
	Counter  int64     `json:"counter,omitempty"` // of the answer that was scored
	Score    int       `json:"score"`             // hundredths of a point, rounded down: to be shown
	MaxScore int       `json:"max_score"`
	// Exact is the score in points where hundredths do not say it: "1/3". Sums are made of it, so that three times a third
	// is one. Rows from before it was kept have hundredths alone, and are what those say.
	Exact        *big.Rat `json:"exact,omitempty"`
	Correct      bool     `json:"correct"`
	NeedsMarking bool     `json:"needs_marking,omitempty"` // a person has not marked it yet
	ByPerson     bool     `json:"by_person,omitempty"`     // a person marked it
	Comment      string   `json:"comment,omitempty"`       // the person's, plain text
}

type sectionOutcome struct {
	Section  string `json:"section"` // code
	Items    int    `json:"items"`
	Score    int    `json:"score"`
	MaxScore int    `json:"max_score"`
}

// score marks a paper with the answers that count. One that does not fit its item earns nothing.
func score(items []*catalog.Item, latest map[int]answered) *outcome {
	o := &outcome{Items: make([]itemOutcome, len(items))}
	for i, it := range items {
		r := item.Response{}
		a, ok := latest[i]
		if ok {
			if parsed, err := item.ParseResponse([]byte(a.response)); err == nil {
				r = parsed
			}
		}
		o.Items[i] = scored(i, it, r)
		o.Items[i].Counter = a.counter
	}
	o.sum()
	return o
}

func scored(position int, it *catalog.Item, r item.Response) itemOutcome {
	got := it.Content.Mark(r)
	o := itemOutcome{Position: position, ItemID: it.ID, Section: it.Section, NeedsMarking: got.NeedsMarking}
	o.earn(got.Exact)
	if it.Content.Scored() {
		o.MaxScore = PointsEach
	}
	return o
}

// earn gives an item a share of its point, 0 to 1.
func (it *itemOutcome) earn(share *big.Rat) {
	it.Exact = nil
	if share.IsInt() {
		it.Score, it.Correct = int(share.Num().Int64())*PointsEach, share.Sign() > 0
		return
	}
	t := tally{parts: share}
	it.Score, it.Correct = t.hundredths(), false
	if big.NewRat(int64(it.Score), PointsEach).Cmp(share) != 0 {
		it.Exact = share
	}
}

// tally adds up scores exactly. Most are whole hundredths, which need no fractions.
type tally struct {
	whole int      // hundredths
	parts *big.Rat // points, of items whose score is no whole hundredths
}

func (t *tally) add(hundredths int, exact *big.Rat) {
	if exact == nil {
		t.whole += hundredths
		return
	}
	if t.parts == nil {
		t.parts = new(big.Rat)
	}
	t.parts.Add(t.parts, exact)
}

// hundredths returns the sum in hundredths of a point, rounded down, once and at the end. That decides as the fraction itself
// would, wherever it is compared with full percents: with n points to be had, x/n >= k/100 holds exactly when 100x >= kn, and
// since kn is a whole number, exactly when the whole part of 100x >= kn. So a pass mark, a grade or a rule for points that
// takes score * 100 / max_score, here or in SQL, neither lets anybody pass by rounding nor fail by it.
func (t *tally) hundredths() int {
	if t.parts == nil {
		return t.whole
	}
	n := new(big.Int).Mul(t.parts.Num(), big.NewInt(PointsEach))
	return t.whole + int(n.Quo(n, t.parts.Denom()).Int64())
}

// sum adds up the sections in the order in which the paper first has them.
func (o *outcome) sum() {
	o.Sections = o.Sections[:0]
	at := map[string]int{}
	var sums []tally
	for _, it := range o.Items {
		i, ok := at[it.Section]
		if !ok {
			i = len(o.Sections)
			at[it.Section] = i
			o.Sections, sums = append(o.Sections, sectionOutcome{Section: it.Section}), append(sums, tally{})
		}
		s := &o.Sections[i]
		sums[i].add(it.Score, it.Exact)
		s.Items, s.Score, s.MaxScore = s.Items+1, sums[i].hundredths(), s.MaxScore+it.MaxScore
	}
}

// total returns the score and the highest possible in hundredths of a point, rounded down, and how many items wait for a person.
func (o *outcome) total() (score, most, unmarked int) {
	var sum tally
	for _, it := range o.Items {
		sum.add(it.Score, it.Exact)
		most += it.MaxScore
		if it.NeedsMarking {
			unmarked++
		}
	}
	return sum.hundredths(), most, unmarked
}

// state is Marking while items wait for a person.
func (o *outcome) state() string {
	if _, _, unmarked := o.total(); unmarked > 0 {
		return Marking
	}
	return Marked
}

// Scored is what came of a paper, as an attempt stores it.
type Scored struct {
	Result          string // JSON
	Score, MaxScore int    // hundredths of a point
	Percent         int    // rounded down
	Grade           string // "" where no boundary is reached
	Passed          bool   // PassMark is reached
}

// ScorePaper scores a paper that only the machine marks, for whoever brings in whole attempts. responses are in the order of
// items, boundaries best first.
func ScorePaper(items []*catalog.Item, responses []item.Response, boundaries []pack.Grade) Scored {
	o := &outcome{Items: make([]itemOutcome, len(items))}
	for i, it := range items {
		o.Items[i] = scored(i, it, responses[i])
	}
	o.sum()
	s := Scored{Result: o.json()}
	s.Score, s.MaxScore, _ = o.total()
	s.Percent = percentOf(s.Score, s.MaxScore)
	s.Grade, s.Passed = gradeOf(boundaries, s.Percent), s.Percent >= PassMark
	return s
}

func (o *outcome) json() string {
	raw, err := domain.JSON(o)
	if err != nil {
		panic(err) // strings, numbers and ids always marshal
	}
	return string(raw)
}

// percentOf rounds down. Compared with full percents it decides as the fraction itself: see tally.hundredths.
func percentOf(score, most int) int {
	if most == 0 {
		return 0
	}
	return score * 100 / most
}

// gradeOf returns the grade by a test's boundaries, best first; "" where there are none or none is reached.
func gradeOf(boundaries []pack.Grade, percent int) string {
	for _, g := range boundaries {
		if percent >= g.Percent {
			return g.Grade
		}
	}
	return ""
}
