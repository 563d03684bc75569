package gift_test

import (
	"bytes"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"

	"lignum/domain/catalog/gift"
	"lignum/domain/catalog/item"
	_ "lignum/tests/tenth"

	"pgregory.net/rapid"
)

// hostile is made of what the format gives a meaning to.
var hostile = rapid.StringOfN(rapid.SampledFrom([]rune("ab é1=~#{}:\\n\n\t%->[]/$*.<&½√html ")), 1, 24, -1)

func trimmed() *rapid.Generator[string] {
	return rapid.Custom(func(t *rapid.T) string {
		prefix := rapid.SampledFrom([]string{"", "", "", "[html]", "//", "::", "%50%", "$CATEGORY: x", "TRUE", "->", "\\", "####"}).Draw(t, "prefix")
		return strings.TrimSpace(prefix + hostile.Filter(func(s string) bool { return strings.TrimSpace(s) != "" }).Draw(t, "s"))
	})
}

func format() *rapid.Generator[item.Format] {
	return rapid.SampledFrom([]item.Format{item.Plain, item.Markdown, item.HTML, item.Moodle})
}

func text(t *rapid.T, label string) item.Text {
	return item.Text{Body: trimmed().Draw(t, label), Format: format().Draw(t, label+" format")}
}

func feedback(t *rapid.T, label string) *item.Text {
	if !rapid.Bool().Draw(t, label+"?") {
		return nil
	}
	f := text(t, label)
	return &f
}

func anItem(t *rapid.T) *item.Item {
	it := &item.Item{Kind: rapid.SampledFrom(gift.Kinds()).Draw(t, "kind"), Stem: text(t, "stem")}
	if it.Kind != item.Description {
		it.Feedback = feedback(t, "general")
		if rapid.Bool().Draw(t, "missing word") {
			it.After = " " + trimmed().Draw(t, "after")
		}
	}
	texts := rapid.SliceOfNDistinct(trimmed(), 2, 6, rapid.ID[string]).Draw(t, "texts")
	weight := func(lowest int, i int) item.Weight {
		if i == 0 {
			return item.Whole
		}
		return item.Weight(rapid.IntRange(lowest*int(item.Whole), int(item.Whole)).Draw(t, "weight"))
	}
	answers := map[item.Kind]func(){
		item.MultipleChoice: func() {
			it.Multiple = rapid.Bool().Draw(t, "multiple")
			for i, s := range texts {
				w := weight(-1, i)
				if it.Multiple && i > 0 {
					w = min(w, -w)
				}
				it.Choices = append(it.Choices, item.Choice{Text: item.Text{Body: s, Format: format().Draw(t, "format")}, Weight: w, Feedback: feedback(t, "fb")})
			}
		},
		item.TrueFalse: func() {
			it.Truth = &item.Truth{Answer: rapid.Bool().Draw(t, "truth"), Wrong: feedback(t, "wrong"), Right: feedback(t, "right")}
		},
		item.ShortAnswer: func() {
			for i, s := range texts {
				it.Accepted = append(it.Accepted, item.Accepted{Pattern: s, Weight: weight(0, i), Feedback: feedback(t, "fb")})
			}
		},
		item.Matching: func() {
			for i, s := range texts {
				it.Options = append(it.Options, item.Option{ID: strconv.Itoa(i), Text: s})
				right := rapid.IntRange(0, len(texts)-1).Draw(t, "right")
				it.Pairs = append(it.Pairs, item.Pair{Left: item.Text{Body: s, Format: format().Draw(t, "format")}, Right: strconv.Itoa(right)})
			}
		},
		item.Numeric: func() {
			for i := range texts {
				n := item.Number{Weight: weight(0, i), Feedback: feedback(t, "fb")}
				a, b := rapid.IntRange(-999, 999).Draw(t, "a"), rapid.IntRange(0, 999).Draw(t, "b")
				switch rapid.IntRange(0, 3).Draw(t, "shape") {
				case 0:
					n.Value = strconv.Itoa(a) + ".5"
				case 1:
					n.Value, n.Tolerance = strconv.Itoa(a), strconv.Itoa(b)
				case 2:
					n.Low, n.High = strconv.Itoa(a), strconv.Itoa(a+b)
				case 3:
					n.Any = true
				}
				it.Numbers = append(it.Numbers, n)
			}
		},
	}
	if fill := answers[it.Kind]; fill != nil { // essays and descriptions have none
		fill()
	}
	it.AssignIDs()
	return it
}

func TestWriteThenParseGivesTheSame(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var want []gift.Parsed
		for range rapid.IntRange(1, 4).Draw(t, "n") {
			q := gift.Parsed{Item: anItem(t)}
			oneLine := trimmed().Filter(func(s string) bool { return !strings.ContainsAny(s, "\n\t") })
			if rapid.Bool().Draw(t, "named") {
				q.Name = oneLine.Draw(t, "name")
			}
			if rapid.Bool().Draw(t, "categorised") {
				q.Category = oneLine.Draw(t, "category")
			}
			q.Tags = rapid.SliceOfN(oneLine, 0, 2).Draw(t, "tags")
			if rapid.Bool().Draw(t, "with id") {
				q.ID = oneLine.Draw(t, "id")
			}
			if err := q.Item.Validate(); err != nil {
				t.Fatalf("the generator made an invalid item: %v", err)
			}
			if slices.ContainsFunc(q.Item.Advise(), func(a item.Advice) bool { return a.Fatal }) {
				t.Skip("nobody could answer it")
			}
			want = append(want, q)
		}
		var file bytes.Buffer
		if err := gift.Write(&file, want); err != nil {
			t.Fatal(err)
		}
		got, err := gift.Parse(bytes.NewReader(file.Bytes()), "x.gift")
		if err != nil || len(got) != len(want) {
			t.Fatalf("%d questions of %d, %v\n%s", len(got), len(want), err, file.String())
		}
		for i := range got {
			got[i].Line, got[i].Warnings = 0, nil
			if len(want[i].Tags) == 0 {
				want[i].Tags = nil
			}
			if !reflect.DeepEqual(got[i], want[i]) {
				g, _ := item.Marshal(got[i].Item)
				w, _ := item.Marshal(want[i].Item)
				t.Fatalf("question %d\n got %+v %s\nwant %+v %s\n%s", i, got[i], g, want[i], w, file.String())
			}
		}
	})
}

// FuzzParse: no input makes the parser fall over, and what it accepts it can write and
// read again.
func FuzzParse(f *testing.F) {
	for _, seed := range []string{
		"", "::t:: x {T}", "a {=b ~c#d ####e}", "a {#1..2}", "a {#=3:0.1#x =%50%3:2}", "m {=a->b =c->d = -> e}", "$CATEGORY: a/b\n\n// [id:1] [tag:x\\]]\nq {}",
		"[html]<p>x {=%50%a =b} y</p>", "\\{ \\} \\n \\\\ {~%33.33333%a~%33.33333%b~%33.33333%c}", "{", "}", "::", "a{{}}", "a{#}", "a{=}", "a{~}", "a{T#b#c#d}", "\ufeff//\r\n\r\nx",
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		first, _ := gift.Parse(bytes.NewReader(data), "f")
		if len(first) == 0 {
			return
		}
		var out bytes.Buffer
		if err := gift.Write(&out, first); err != nil {
			t.Fatalf("what was parsed cannot be written: %v", err)
		}
		second, err := gift.Parse(bytes.NewReader(out.Bytes()), "f")
		if err != nil || len(second) != len(first) {
			t.Fatalf("%d of %d, %v\n%s", len(second), len(first), err, out.String())
		}
		for i := range first {
			if first[i].Item.Hash() != second[i].Item.Hash() || first[i].Name != second[i].Name || first[i].Category != second[i].Category {
				t.Fatalf("question %d changed:\n%s", i, out.String())
			}
		}
	})
}
