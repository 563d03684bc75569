package gift_test

import (
	"errors"
	"strings"
	"testing"

	"lignum/domain/catalog/gift"
	"lignum/domain/catalog/item"
)

func parseOne(t *testing.T, src string) gift.Parsed {
	t.Helper()
	got, err := gift.Parse(strings.NewReader(src), "t.gift")
	if err != nil {
		t.Fatalf("%q: %v", src, err)
	}
	if len(got) != 1 {
		t.Fatalf("%q: %d questions", src, len(got))
	}
	return got[0]
}

// brief writes what matters of an item on one line, so that a table can show it.
func brief(it *item.Item) string {
	var b strings.Builder
	b.WriteString(string(it.Kind) + " [" + string(it.Stem.Format) + "]" + it.Stem.Body)
	if it.MissingWord() {
		b.WriteString("_" + it.After)
	}
	if it.Multiple {
		b.WriteString(" multiple")
	}
	note := func(f *item.Text) {
		if f != nil {
			b.WriteString("#" + f.Body)
		}
	}
	for _, c := range it.Choices {
		b.WriteString(" | " + c.Weight.String() + " " + c.Text.Body)
		note(c.Feedback)
	}
	if it.Truth != nil {
		b.WriteString(map[bool]string{true: " | T", false: " | F"}[it.Truth.Answer])
		note(it.Truth.Wrong)
		note(it.Truth.Right)
	}
	for _, a := range it.Accepted {
		b.WriteString(" | " + a.Weight.String() + " " + a.Pattern)
		note(a.Feedback)
	}
	right := map[string]string{}
	for _, o := range it.Options {
		right[o.ID] = o.Text
	}
	for _, p := range it.Pairs {
		b.WriteString(" | " + p.Left.Body + ">" + right[p.Right])
	}
	for _, n := range it.Numbers {
		b.WriteString(" | " + n.Weight.String() + " " + n.String())
		note(n.Feedback)
	}
	if it.Feedback != nil {
		b.WriteString(" ## " + it.Feedback.Body)
	}
	return b.String()
}

func TestParseEveryKind(t *testing.T) {
	for src, want := range map[string]string{
		"Capital of Jamaica? {=Kingston ~Nassau ~Castries}":           "multiple_choice [moodle]Capital of Jamaica? | 100 Kingston | 0 Nassau | 0 Castries",
		"Pick {\n~Nassau # no\n~%50%Port Antonio\n=Kingston # yes\n}": "multiple_choice [moodle]Pick | 0 Nassau#no | 50 Port Antonio | 100 Kingston#yes",
		"Primes? {~%50%2 ~%50%3 ~%-100%4}":                            "multiple_choice [moodle]Primes? multiple | 50 2 | 50 3 | -100 4",
		"Thirds {~%33.33333%a ~%33.33333%b ~%33.33333%c ~%-50%d}":     "multiple_choice [moodle]Thirds multiple | 33.33333 a | 33.33333 b | 33.33333 c | -50 d",
		"1+1=2 {T}": "true_false [moodle]1+1=2 | T",
		"Sun is cold {FALSE#It is hot#Right####Look up}": "true_false [moodle]Sun is cold | F#It is hot#Right ## Look up",
		"Sun is hot {true##Yes}":                         "true_false [moodle]Sun is hot | T#Yes",
		"Two plus two {=four =4 =%50%for#spelling}":      "short_answer [moodle]Two plus two | 100 four | 100 4 | 50 for#spelling",
		"Bare {four}":                                                "short_answer [moodle]Bare | 100 four",
		"Two plus {=two =2} equals four.":                            "short_answer [moodle]Two plus _ equals four. | 100 two | 100 2",
		"{=Two ~Three} plus two is four.":                            "multiple_choice [moodle]_ plus two is four. | 100 Two | 0 Three",
		"Match {=cat -> fish =dog -> bone =cow -> grass = -> stone}": "matching [moodle]Match | cat>fish | dog>bone | cow>grass",
		"Around? {#3:2}":                                             "numeric [moodle]Around? | 100 3 (± 2)",
		"Between? {#1..5}":                                           "numeric [moodle]Between? | 100 1 to 5",
		"Exact? {#-1,250.5}":                                         "numeric [moodle]Exact? | 100 -1250.5",
		"Year? {#=1822:0 #full\n=%50%1822:2 #half\n~#neither\n####Grant}": "numeric [moodle]Year? | 100 1822#full | 50 1822 (± 2)#half | 0 *#neither ## Grant",
		"Discuss {}":                                                   "essay [moodle]Discuss",
		"Discuss {####Think}":                                          "essay [moodle]Discuss ## Think",
		"Read the passage below.":                                      "description [moodle]Read the passage below.",
		"[markdown]**Bold** {=[html]<b>x</b> ~y}":                      "multiple_choice [markdown]**Bold** | 100 <b>x</b> | 0 y",
		`\{a\: b\} \= \#\~ c:\\d\nnext \frac {=1 \= 1 ~x}`:             "multiple_choice [moodle]{a: b} = #~ c:\\d\nnext \\frac | 100 1 = 1 | 0 x",
		`Chemistry {=A -\> B}`:                                         "short_answer [moodle]Chemistry | 100 A -> B",
		"\ufeffLines\r\nof text {\r\n=a\r\n// a remark\r\n~b\r\n}\r\n": "multiple_choice [moodle]Lines\nof text | 100 a | 0 b",
		"Percent {=%100%50%~60%}":                                      "multiple_choice [moodle]Percent | 100 50% | 0 60%",
		"Mark ####not feedback {=a ~b}":                                "multiple_choice [moodle]Mark ####not feedback | 100 a | 0 b",
	} {
		if got := brief(parseOne(t, src).Item); got != want {
			t.Errorf("%q\n got %s\nwant %s", src, got, want)
		}
	}
}

func TestParseFileStructure(t *testing.T) {
	src := "// a file of two\n\n$CATEGORY: top/Maths\n\n// [id:q-1] [tag:easy] [tag:sets \\[1\\]]\n::One:: 1 {T}\n\n\n" +
		"$CATEGORY: top/Biology\n::Two \\: b::\n[html]Cell {\n=a\n~b\n}\n\nNo title at all, and quite a long text that goes on beyond sixty characters {F}\n"
	got, err := gift.Parse(strings.NewReader(src), "f.gift")
	if err != nil || len(got) != 3 {
		t.Fatalf("%d questions, %v", len(got), err)
	}
	one, two, three := got[0], got[1], got[2]
	if one.Name != "One" || one.Category != "top/Maths" || one.Line != 6 || one.ID != "q-1" || strings.Join(one.Tags, ",") != "easy,sets [1]" {
		t.Errorf("first: %+v", one)
	}
	if two.Name != "Two : b" || two.Category != "top/Biology" || two.Line != 10 || two.Item.Stem.Format != item.HTML {
		t.Errorf("second: %+v", two)
	}
	if three.Name != "" || three.Title() != "No title at all, and quite a long text that goes on beyond …" {
		t.Errorf("third: %q", three.Title())
	}
}

func TestParseReportsEveryError(t *testing.T) {
	src := strings.Join([]string{
		"::a:: fine {T}", "", // 1
		"::b:: open {=x", "", // 3
		"::c:: shut }", "", // 5
		"::d:: two {=x} and {=y}", "", // 7
		"::e:: none right {~x ~y}", "", // 9
		"::f:: number {#three}", "", // 11
		"::g open {T}", "", // 13
		"::h:: pair {=a -> b =c}", "", // 15
		"::i:: weight {=a ~%300%b}", "", // 17
		"::j:: backwards {#5..1}", "", // 19
		"::k:: words {a =b ~c}", "", // 21
		"::l:: {}", "", // 23
		"::m:: same {=a ~a}", // 25
	}, "\n")
	got, err := gift.Parse(strings.NewReader(src), "bad.gift")
	var errs gift.Errors
	if !errors.As(err, &errs) {
		t.Fatalf("no Errors: %v", err)
	}
	if len(got) != 1 || got[0].Name != "a" {
		t.Errorf("the right question was not kept: %v", got)
	}
	lines := map[int]bool{}
	for _, e := range errs {
		lines[e.Line] = true
		if e.File != "bad.gift" || e.Reason == "" {
			t.Errorf("error without file or reason: %+v", e)
		}
	}
	for l := 3; l <= 25; l += 2 {
		if !lines[l] {
			t.Errorf("no error for line %d; have:\n%v", l, err)
		}
	}
	if !strings.Contains(err.Error(), "bad.gift:3:12: the answers opened") {
		t.Errorf("no column:\n%v", err)
	}
}

func TestParseBoundsAndWarnings(t *testing.T) {
	if _, err := gift.Parse(strings.NewReader(strings.Repeat("x", gift.MaxBytes+1)), "big"); err == nil {
		t.Error("a file over the limit was read")
	}
	if _, err := gift.Parse(strings.NewReader(strings.Repeat("x {T}\n\n", gift.MaxItems+1)), "many"); err == nil {
		t.Error("too many questions were read")
	}
	if _, err := gift.Parse(strings.NewReader("ok {T}\n\nbad \xff {T}"), "latin"); err == nil || !strings.Contains(err.Error(), "latin:3") {
		t.Errorf("not UTF-8: %v", err)
	}
	for src, want := range map[string]string{
		"Line? {=y = 2x ~y \\= 3x}": "2 answers are right",
		"Line? {=y=2x ~z}":          "begins a new answer",
		"Tick {~%50%a ~%50%b ~c}":   "negative weight",
	} {
		q := parseOne(t, src)
		if len(q.Warnings) == 0 || !strings.Contains(gift.Errors(q.Warnings).Error(), want) {
			t.Errorf("%q: warnings %v", src, q.Warnings)
		}
	}
}
