package item_test

import (
	"encoding/json"
	"strings"
	"testing"

	"lignum/domain"
	"lignum/domain/catalog/item"
	_ "lignum/tests/tenth"

	"pgregory.net/rapid"
)

func plain(s string) item.Text { return item.Text{Body: s, Format: item.Plain} }

func note(s string) *item.Text { return &item.Text{Body: s, Format: item.Plain} }

func percent(n int) item.Weight { return item.Weight(n) * (item.Whole / 100) }

func single() *item.Item {
	return &item.Item{Kind: item.MultipleChoice, Stem: plain("Capital?"), Feedback: note("general"), Choices: []item.Choice{
		{ID: "a", Text: plain("Kingston"), Weight: item.Whole, Feedback: note("well done")},
		{ID: "b", Text: plain("Port Royal"), Weight: percent(50)},
		{ID: "c", Text: plain("Nassau"), Weight: percent(-50), Feedback: note("another country")},
	}}
}

func several() *item.Item {
	third, _ := item.ParseWeight("33.33333")
	return &item.Item{Kind: item.MultipleChoice, Multiple: true, Stem: plain("Primes?"), Choices: []item.Choice{
		{ID: "a", Text: plain("2"), Weight: third}, {ID: "b", Text: plain("3"), Weight: third},
		{ID: "c", Text: plain("5"), Weight: third}, {ID: "d", Text: plain("4"), Weight: -third},
	}}
}

func truth() *item.Item {
	return &item.Item{Kind: item.TrueFalse, Stem: plain("1+1=2"), Truth: &item.Truth{Answer: true, Wrong: note("count"), Right: note("yes")}}
}

func short() *item.Item {
	return &item.Item{Kind: item.ShortAnswer, Stem: plain("National tree?"), Accepted: []item.Accepted{
		{Pattern: "Lignum vitae", Weight: item.Whole}, {Pattern: "5 \\* 3", Weight: item.Whole},
		{Pattern: "lign*vit*", Weight: percent(75), Feedback: note("spelling")}, {Pattern: "It's *", Weight: percent(10)},
	}}
}

func numeric() *item.Item {
	return &item.Item{Kind: item.Numeric, Stem: plain("How many?"), Numbers: []item.Number{
		{Value: "3", Tolerance: "0.1", Weight: item.Whole}, {Low: "2", High: "4", Weight: percent(50), Feedback: note("close")},
		{Value: "1250", Weight: percent(25)}, {Any: true, Feedback: note("far")},
	}}
}

func matching() *item.Item {
	it := &item.Item{Kind: item.Matching, Stem: plain("Eats?"),
		Pairs:   []item.Pair{{Left: plain("cat"), Right: "f"}, {Left: plain("dog"), Right: "b"}, {Left: plain("cow"), Right: "g"}},
		Options: []item.Option{{ID: "f", Text: "fish"}, {ID: "b", Text: "bone"}, {ID: "g", Text: "grass"}, {ID: "s", Text: "stone"}}}
	it.AssignIDs() // bone a, fish b, grass c, stone d
	return it
}

func essay() *item.Item { return &item.Item{Kind: item.Essay, Stem: plain("Discuss.")} }

func all() []*item.Item {
	return []*item.Item{single(), several(), truth(), short(), numeric(), matching(), essay(), {Kind: item.Description, Stem: plain("Read this.")}, ordering("dawn", "noon.", "dusk")}
}

func TestScore(t *testing.T) {
	choose := func(ids ...string) item.Response { return item.Response{Choice: ids} }
	number := func(s string) item.Response { return item.Response{Number: s} }
	typed := func(s string) item.Response { return item.Response{Text: s} }
	for _, c := range []struct {
		it       *item.Item
		r        item.Response
		fraction int
		feedback string
	}{
		{single(), choose("a"), 10_000, "well done|general"},
		{single(), choose("b"), 5_000, "general"},
		{single(), choose("c"), 0, "another country|general"},
		{single(), choose("a", "b"), 0, "general"},
		{single(), item.Response{}, 0, "general"},
		{several(), choose("a", "b", "c"), 10_000, ""},
		{several(), choose("a"), 3_333, ""},
		{several(), choose("a", "b"), 6_667, ""},
		{several(), choose("a", "b", "c", "d"), 6_667, ""},
		{several(), choose("d"), 0, ""},
		{truth(), choose("true"), 10_000, "yes"},
		{truth(), choose("false"), 0, "count"},
		{short(), typed("  lignum   VITAE "), 10_000, ""},
		{short(), typed("lignam vitae"), 7_500, "spelling"},
		{short(), typed("5 * 3"), 10_000, ""},
		{short(), typed("5 x 3"), 0, ""},
		{short(), typed("It\u2019s late"), 1_000, ""},
		{short(), typed("mahoe"), 0, ""},
		{numeric(), number("3.1"), 10_000, ""}, // 3.1 - 3 > 0.1 in binary fractions
		{numeric(), number(" 2.9 "), 10_000, ""},
		{numeric(), number("3.11"), 5_000, "close"},
		{numeric(), number("30e-1"), 10_000, ""},
		{numeric(), number("1,250.0"), 2_500, ""},
		{numeric(), number("\u22127"), 0, "far"},
		{numeric(), number("3,1"), 0, ""},
		{numeric(), number("6/2"), 0, ""},
		{matching(), item.Response{Match: map[string]string{"1": "b", "2": "a", "3": "c"}}, 10_000, ""},
		{matching(), item.Response{Match: map[string]string{"1": "b", "2": "d"}}, 3_333, ""},
	} {
		got := c.it.Score(c.r)
		if got.Fraction != c.fraction || got.Correct != (c.fraction == 10_000) || strings.Join(got.Feedback, "|") != c.feedback || got.NeedsMarking {
			t.Errorf("%s %+v: %+v, want %d %q", c.it.Kind, c.r, got, c.fraction, c.feedback)
		}
	}
	if r := essay().Score(typed("Because.")); !r.NeedsMarking || r.Fraction != 0 {
		t.Errorf("essay: %+v", r)
	}
	if r := essay().Score(typed("  ")); r.NeedsMarking {
		t.Errorf("an empty essay went to a person: %+v", r)
	}
}

func TestRightAnswer(t *testing.T) {
	want := []string{"Kingston", "2; 3; 5", "True", "Lignum vitae", "3 (± 0.1)", "cat → fish; dog → bone; cow → grass", "", "", "1. dawn; 2. noon; 3. dusk"}
	for i, it := range all() {
		if got := it.Score(item.Response{}).RightAnswer; got != want[i] {
			t.Errorf("%s: %q, want %q", it.Kind, got, want[i])
		}
	}
}

func TestCheckResponseRefuses(t *testing.T) {
	for name, c := range map[string]struct {
		it *item.Item
		r  item.Response
	}{
		"two of a single":    {single(), item.Response{Choice: []string{"a", "b"}}},
		"unknown choice":     {single(), item.Response{Choice: []string{"z"}}},
		"same choice twice":  {several(), item.Response{Choice: []string{"a", "a"}}},
		"choice ids of true": {truth(), item.Response{Choice: []string{"yes"}}},
		"text for a choice":  {single(), item.Response{Text: "Kingston"}},
		"two ways at once":   {numeric(), item.Response{Number: "3", Text: "3"}},
		"decimal comma":      {numeric(), item.Response{Number: "3,5"}},
		"fraction":           {numeric(), item.Response{Number: "1/2"}},
		"not a number":       {numeric(), item.Response{Number: "NaN"}},
		"huge exponent":      {numeric(), item.Response{Number: "1e99999"}},
		"long number":        {numeric(), item.Response{Number: strings.Repeat("1", 65)}},
		"long short answer":  {short(), item.Response{Text: strings.Repeat("x", 1_001)}},
		"long essay":         {essay(), item.Response{Text: strings.Repeat("x", 20_001)}},
		"NUL in an essay":    {essay(), item.Response{Text: "a\x00b"}},
		"unknown pair":       {matching(), item.Response{Match: map[string]string{"9": "a"}}},
		"unknown option":     {matching(), item.Response{Match: map[string]string{"1": "zz"}}},
		"answer to a text":   {all()[7], item.Response{Text: "x"}},
	} {
		if err := c.it.CheckResponse(c.r); domain.CodeOf(err) != domain.Invalid {
			t.Errorf("%s: %v", name, err)
		}
		if got := c.it.Score(c.r); got.Fraction != 0 || got.NeedsMarking {
			t.Errorf("%s earned %+v", name, got)
		}
	}
	for _, it := range all() {
		if err := it.CheckResponse(item.Response{}); err != nil {
			t.Errorf("%s: an empty response is refused: %v", it.Kind, err)
		}
	}
	if _, err := item.ParseResponse([]byte(`{"choice":["a"],"score":10000}`)); domain.CodeOf(err) != domain.Invalid {
		t.Errorf("unknown key: %v", err)
	}
	if r, err := item.ParseResponse([]byte(`{"match":{"a":"c"}}`)); err != nil || r.Match["a"] != "c" {
		t.Errorf("match: %+v %v", r, err)
	}
}

func TestJSONIsStableAndStrict(t *testing.T) {
	for _, it := range all() {
		data, err := item.Marshal(it)
		if err != nil {
			t.Fatalf("%s: %v", it.Kind, err)
		}
		// jsonb keeps neither the order of keys nor white space.
		var loose any
		_ = json.Unmarshal(data, &loose)
		shaken, _ := json.MarshalIndent(loose, "", "  ")
		back, err := item.Unmarshal(shaken)
		if err != nil {
			t.Fatalf("%s: %v\n%s", it.Kind, err, shaken)
		}
		if back.Hash() != it.Hash() {
			t.Errorf("%s changed:\n%s", it.Kind, data)
		}
		back.Stem.Body += "."
		if back.Hash() == it.Hash() {
			t.Errorf("%s: another text has the same hash", it.Kind)
		}
	}
	for _, bad := range []string{
		`{"kind":"essay","stem":{"text":"x","format":"plain"},"points":3}`,
		`{"kind":"essay","stem":{"text":"x","format":"plain"}} {}`,
		`{"kind":"quiz","stem":{"text":"x","format":"plain"}}`,
		`{"kind":"essay","stem":{"text":"x","format":"rtf"}}`,
		`{"kind":"essay","stem":{"text":" ","format":"plain"}}`,
		`{"kind":"essay","stem":{"text":"a\u0000","format":"plain"}}`,
		`{"kind":"true_false","stem":{"text":"x","format":"plain"}}`,
		`{"kind":"essay","stem":{"text":"x","format":"plain"},"truth":{"answer":true}}`,
		`{"kind":"numeric","stem":{"text":"x","format":"plain"},"numbers":[{"value":"3","weight":101}]}`,
	} {
		if _, err := item.Unmarshal([]byte(bad)); domain.CodeOf(err) != domain.Invalid {
			t.Errorf("%s: %v", bad, err)
		}
	}
}

func TestValidateNamesEverythingWrong(t *testing.T) {
	it := &item.Item{Kind: item.MultipleChoice, Stem: plain(strings.Repeat("x", 20_001)), Choices: []item.Choice{
		{ID: "A!", Text: plain("same"), Weight: percent(20)}, {ID: "b", Text: plain("same"), Weight: 2 * item.Whole},
	}}
	err := it.Validate()
	for _, part := range []string{"stem:", "choices[0].id", "choices[1].answer", "choices[1].weight", "one answer must be right"} {
		if err == nil || !strings.Contains(err.Error(), part) {
			t.Errorf("%q is missing in: %v", part, err)
		}
	}
	crowd := single()
	for i := range 50 {
		crowd.Choices = append(crowd.Choices, item.Choice{ID: "x" + string(rune('a'+i%26)) + string(rune('a'+i/26)), Text: plain(strings.Repeat("y", i+1))})
	}
	if err := crowd.Validate(); err == nil || !strings.Contains(err.Error(), "at most 50") {
		t.Errorf("53 choices: %v", err)
	}
}

// Whatever is ticked, a mark stays between nothing and the whole, and ticking exactly
// what is right gives the whole.
func TestPartialCreditStaysInBounds(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		right := rapid.IntRange(1, 12).Draw(t, "right")
		it := &item.Item{Kind: item.MultipleChoice, Multiple: true, Stem: plain("x")}
		var rights, ticked []string
		for i := range right + rapid.IntRange(1, 6).Draw(t, "wrong") {
			c := item.Choice{ID: string(rune('a' + i)), Text: plain(strings.Repeat("x", i+1)), Weight: item.Whole / item.Weight(right)}
			if i >= right {
				c.Weight = -item.Weight(rapid.IntRange(0, int(item.Whole)).Draw(t, "minus"))
			} else {
				rights = append(rights, c.ID)
			}
			it.Choices = append(it.Choices, c)
			if rapid.Bool().Draw(t, "tick") {
				ticked = append(ticked, c.ID)
			}
		}
		if err := it.Validate(); err != nil {
			t.Fatal(err)
		}
		if got := it.Score(item.Response{Choice: ticked}).Fraction; got < 0 || got > item.FullMark {
			t.Fatalf("fraction %d", got)
		}
		if got := it.Score(item.Response{Choice: rights}); !got.Correct {
			t.Fatalf("all right earns %d", got.Fraction)
		}
	})
}
