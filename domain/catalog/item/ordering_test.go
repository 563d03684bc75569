package item_test

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"regexp"
	"slices"
	"strings"
	"testing"

	"lignum/domain"
	"lignum/domain/catalog/item"

	"pgregory.net/rapid"
)

// ordering has the steps that the words are, in their order.
func ordering(words ...string) *item.Item {
	it := &item.Item{Kind: item.Ordering, Stem: plain("Put in order."), Feedback: note("general")}
	for _, w := range words {
		it.Steps = append(it.Steps, item.Step{Text: plain(w)})
	}
	it.AssignIDs()
	return it
}

// placed gives the steps places in the order of the words.
func placed(it *item.Item, words string) item.Response {
	r := item.Response{Order: map[string]int{}}
	for at, w := range strings.Fields(words) {
		for _, s := range it.Steps {
			if s.Text.Body == w {
				r.Order[s.ID] = at + 1
			}
		}
	}
	return r
}

func TestOrderingEarnsForWhatFollowsWhat(t *testing.T) {
	it := ordering("one", "two", "three", "four", "five")
	for words, want := range map[string]string{
		"one two three four five":   "1",
		"two three four five one":   "3/4", // one step out of place tears two apart, at the end one
		"one three two four five":   "1/4",
		"five one two three four":   "3/4",
		"four five one two three":   "3/4",
		"five four three two one":   "0",
		"- one two three":           "1/2", // not all of them have a place
		"three":                     "0",
		"one - two":                 "0", // a place between them is free
		"":                          "0",
		"one two three four - five": "0", // there is no sixth place: it would not be stored
	} {
		m := it.Mark(placed(it, words))
		if m.Exact.RatString() != want || m.Correct() != (want == "1") || m.NeedsMarking {
			t.Errorf("%q earns %s, want %s", words, m.Exact.RatString(), want)
		}
	}
	res := it.Score(placed(it, "five one two three four"))
	if res.Fraction != 7_500 || res.RightAnswer != "1. one; 2. two; 3. three; 4. four; 5. five" || fmt.Sprint(res.Feedback) != "[general]" {
		t.Errorf("%+v", res)
	}
}

func TestOrderingTakesEachStepAndPlaceOnce(t *testing.T) {
	it := ordering("one", "two", "three")
	a, b := it.Steps[0].ID, it.Steps[1].ID
	for reason, order := range map[string]map[string]int{
		"there is no step":           {a: 1, "zz": 2},
		"from 1 to 3":                {a: 0},
		"a place is a whole number":  {a: 4},
		"place 2 is given twice":     {a: 2, b: 2},
		"at most 3 steps":            {"a": 1, "b": 2, "c": 3, "d": 4},
		"a whole number from 1 to 3": {a: -1 << 40},
	} {
		err := it.CheckResponse(item.Response{Order: order})
		if domain.CodeOf(err) != domain.Invalid || !strings.Contains(err.Error(), reason) || !strings.Contains(err.Error(), "order:") {
			t.Errorf("%v: %v, want %q", order, err, reason)
		}
	}
	for _, good := range []map[string]int{nil, {a: 3}, {a: 1, b: 3}} {
		if err := it.CheckResponse(item.Response{Order: good}); err != nil {
			t.Errorf("%v: %v", good, err)
		}
	}
	if err := it.CheckResponse(item.Response{Match: map[string]string{a: b}}); domain.CodeOf(err) != domain.Invalid {
		t.Errorf("answered as pairs: %v", err)
	}
	if err := single().CheckResponse(item.Response{Order: map[string]int{"a": 1}}); domain.CodeOf(err) != domain.Invalid {
		t.Errorf("a choice answered by an order: %v", err)
	}
	if _, err := item.ParseResponse([]byte(`{"order":{"a":1.5}}`)); domain.CodeOf(err) != domain.Invalid {
		t.Errorf("half a place: %v", err)
	}
}

// Whatever the attempt and however few the steps: they are never shown as they should be, and the same attempt shows the same.
func TestOrderingIsNeverShownInOrder(t *testing.T) {
	for n := item.MinSteps; n <= item.MaxSteps; n++ {
		var words []string
		for i := range n {
			words = append(words, fmt.Sprint("step ", i*7919%97))
		}
		it := ordering(words...)
		if err := it.Validate(); err != nil {
			t.Fatal(err)
		}
		right := make([]string, n)
		for i, s := range it.Steps {
			right[i] = s.ID
		}
		shown := it.Show()
		for seed := range uint64(1_000) {
			p := shown.Shuffled(seed)
			if ids(p.Steps) == strings.Join(right, " ") {
				t.Fatalf("%d steps, seed %d: the right order is shown", n, seed)
			}
			if again := it.Public(seed); ids(again.Steps) != ids(p.Steps) {
				t.Fatalf("seed %d gave two orders", seed)
			}
			got, want := strings.Fields(ids(p.Steps)), slices.Clone(right)
			if slices.Sort(got); !slices.Equal(got, slices.Sorted(slices.Values(want))) {
				t.Fatalf("steps were lost: %v", got)
			}
		}
	}
	// Kept by hand: what a learner saw must be the same after every release.
	if got := ids(ordering("one", "two", "three", "four", "five").Public(42).Steps); got != "e c a b d" {
		t.Errorf("seed 42 now gives %q", got)
	}
	// Of three steps all orders but the right one occur.
	seen := map[string]bool{}
	for seed := range uint64(1_000) {
		seen[ids(ordering("one", "two", "three").Public(seed+1).Steps)] = true
	}
	if len(seen) != 5 {
		t.Errorf("%d orders of three steps occur", len(seen))
	}
}

// Neither what is shown nor the ids tell the right order.
func TestOrderingTellsNothing(t *testing.T) {
	sorted := 0
	for i := range 200 {
		it := ordering("one", "two", "three")
		it.Stem.Body += strings.Repeat("?", i)
		it.AssignIDs()
		if it.Steps[0].ID == "a" && it.Steps[1].ID == "b" {
			sorted++
		}
		var keys map[string]any
		raw, err := json.Marshal(it.Public(uint64(i)))
		if err != nil || json.Unmarshal(raw, &keys) != nil || len(keys) != 3 {
			t.Fatalf("%s %v", raw, err)
		}
	}
	if sorted > 70 {
		t.Errorf("ids tell the order %d times of 200", sorted)
	}
}

func TestOrderingIsValidated(t *testing.T) {
	var many []string
	for i := range item.MaxSteps + 1 {
		many = append(many, fmt.Sprint("s", i))
	}
	blank := ordering("one", "two")
	blank.After = "then"
	foreign := ordering("one", "two")
	foreign.Choices = single().Choices
	ids := ordering("one", "two")
	ids.Steps[1].ID = ids.Steps[0].ID
	stray := essay()
	stray.Steps = ordering("one", "two").Steps
	for reason, it := range map[string]*item.Item{
		"steps: at least 2 needed, found 1":                   ordering("one"),
		"steps: at most 20 allowed, found 21":                 ordering(many...),
		"steps[1].step: the step is empty":                    ordering("one", " "),
		"steps[2].step: another step reads the same":          ordering("one", "two", "one"),
		"steps[0].step: 5,001 characters; at most 5,000":      ordering(strings.Repeat("x", 5_001), "two"),
		"after: what is to be put in order has no blank":      blank,
		"choices: only an item of kind multiple_choice has":   foreign,
		"steps: only an item of kind ordering has this":       stray,
		"steps[1].id: " + `"` + ids.Steps[0].ID + `" is used`: ids,
	} {
		if err := it.Validate(); domain.CodeOf(err) != domain.Invalid || !strings.Contains(err.Error(), reason) {
			t.Errorf("%v, want %q", err, reason)
		}
	}
	alike := ordering("one", "two")
	alike.Steps[1].Text = item.Text{Body: "<p>one</p>", Format: item.HTML}
	if a := alike.Advise(); len(a) != 1 || !a[0].Fatal || a[0].Answer != 1 {
		t.Errorf("steps that look alike: %+v", a)
	}
}

// Of every kind: what a sample knows earns the whole mark and what it does not know less, and samples, guesses and answers of forms fit.
func TestSamplesAndGuessesFit(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		rnd := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 1))
		for _, it := range append(all(), ordering("one", "two"), ordering("one", "two", "three", "four")) {
			for _, right := range []bool{true, false} {
				r := it.Sample(rnd, right)
				if err := it.CheckResponse(r); err != nil {
					t.Fatalf("%s %+v: %v", it.Kind, r, err)
				}
				able := it.Kind.Asks() && !it.Kind.ByPerson()
				if got := it.Mark(r).Correct(); able && got != right && (right || it.Kind != item.Matching) { // pairs may come right by chance
					t.Fatalf("%s: a sample %+v that knows: %t, right: %t", it.Kind, r, right, got)
				}
			}
			p := it.Public(rnd.Uint64())
			n := rapid.IntRange(0, 1_000).Draw(t, "n")
			r := p.Guess(n)
			if err := it.CheckResponse(r); err != nil || r.Empty() == it.Kind.Asks() {
				t.Fatalf("%s: guess %+v: %v", it.Kind, r, err)
			}
			if back, err := json.Marshal(r); err != nil {
				t.Fatal(err)
			} else if again, err := item.ParseResponse(back); err != nil || fmt.Sprint(again) != fmt.Sprint(r) {
				t.Fatalf("%s: %s became %+v, %v", it.Kind, back, again, err)
			}
			if lines := p.Given(r); it.Kind.Asks() && len(lines) == 0 {
				t.Fatalf("%s: nothing to show of %+v", it.Kind, r)
			}
		}
	})
}

// A form's answer is the response that it was made from.
func TestFormsAreRead(t *testing.T) {
	for _, it := range append(all(), ordering("one", "two", "three")) {
		p := it.Public(3)
		r := p.Guess(5)
		got := p.Read(func(part string) []string {
			switch {
			case part == "":
				return append(slices.Clone(r.Choice), r.Text+r.Number)
			case r.Match[part] != "":
				return []string{r.Match[part]}
			case r.Order[part] > 0:
				return []string{fmt.Sprint(" ", r.Order[part], " ")}
			}
			return nil
		})
		if fmt.Sprint(got) != fmt.Sprint(r) {
			t.Errorf("%s: %+v, want %+v", it.Kind, got, r)
		}
		if empty := p.Read(func(string) []string { return nil }); !empty.Empty() {
			t.Errorf("%s: an empty form gave %+v", it.Kind, empty)
		}
	}
	p := ordering("one", "two").Public(1)
	if r := p.Read(func(string) []string { return []string{"first"} }); ordering("one", "two").CheckResponse(r) == nil {
		t.Errorf("a word for a place: %+v", r)
	}
}

// What the reference of the API shows is what is taken.
func TestExamplesAreResponses(t *testing.T) {
	text := item.Examples()
	for _, k := range item.Kinds {
		m := regexp.MustCompile("`" + string(k) + "` `([^`]+)`").FindStringSubmatch(text)
		if !k.Asks() {
			continue
		}
		if m == nil {
			t.Errorf("%s has no example", k)
			continue
		}
		if r, err := item.ParseResponse([]byte(m[1])); err != nil || r.Empty() {
			t.Errorf("%s: %s is no response: %v", k, m[1], err)
		}
		for _, it := range append(all(), ordering("one", "two")) {
			r, _ := item.ParseResponse([]byte(m[1]))
			if err := it.CheckResponse(r); it.Kind == k && err != nil {
				t.Errorf("%s: %v", k, err)
			}
		}
	}
}
