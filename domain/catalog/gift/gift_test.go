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
	if three.Name != "" || !strings.HasPrefix(item.PlainText(three.Item.Stem), "No title at all, and quite a long text") {
		t.Errorf("third: %+v", three)
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
		if e.File != "bad.gift" || e.Reason.String() == "" {
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

func TestParseReadsWhatTeachersWrite(t *testing.T) {
	for src, want := range map[string]string{
		"Which? {~one~=two~three}":                      "multiple_choice [moodle]Which? | 0 one | 100 two | 0 three",
		"Which? {\n~one\n~ =two # yes\n~%-0%three\n}":   "multiple_choice [moodle]Which? | 0 one | 100 two#yes | 0 three",
		"Half a dozen {=[markdown]six =[plain]6}":       "short_answer [moodle]Half a dozen | 100 six | 100 6",
		"How many {#=[plain]6 =%50%[html]5}":            "numeric [moodle]How many | 100 6 | 50 5",
		"Pairs {=[html]cat -> [html]fish =dog -> bone}": "matching [moodle]Pairs | cat>fish | dog>bone",
		"Five {#~#Look again =5 #Right}":                "numeric [moodle]Five | 100 5#Right | 0 *#Look again",
		"Five {#~*#Look again =5 =%50%5:1 ~#Again}":     "numeric [moodle]Five | 100 5 | 50 5 (± 1) | 0 *#Look again | 0 *#Again",
		"$category : top/a\nNext {T}":                   "true_false [moodle]Next | T",
		"Minus {#\u22125:0.5}":                          "numeric [moodle]Minus | 100 -5 (± 0.5)",
		"Sure {=%33.33333%a =b}":                        "short_answer [moodle]Sure | 33.33333 a | 100 b",
	} {
		if got := brief(parseOne(t, src).Item); got != want {
			t.Errorf("%q\n got %s\nwant %s", src, got, want)
		}
	}
}

// Whatever is read is shown as it is, warned about or refused.
func TestNothingIsSilentlyLost(t *testing.T) {
	for src, want := range map[string]string{
		// What can never count.
		"Five {#~#Look again =5 #Right}":  "was put last",
		"Range {#=1..10 =%50%3:2}":        "answer 2 (3 (± 2)) can never count",
		"Ranges {#=1..5 =5..9 =%50%2..8}": "answer 3 (2 to 8) can never count",
		"Ranges {#=%50%1..5 =5..9}":       "some numbers of answer 2 (5 to 9) earn only 50 %: answer 1 (1 to 5)",
		"Pairs {=a -> b =c -> d = -> b}":  "is there already and is shown once",
		"Twice {#=5 =%50%5.0}":            "answer 2 (5.0) can never count",
		"All {#=5 =%0%*#no =%0%7}":        "answer 3 (7) can never count",
		"Words {=six =%50%SIX}":           "answer 2 can never count: it is the same as answer 1",
		"Words {=six =s\u200bix #yes}":    "answer 2 can never count: it is the same as answer 1",
		"Words {=Paris =paris}":           "answer 2 is not needed",
		"Words {=a-b =%50%a\u2014b}":      "answer 2 can never count: it is the same as answer 1",
		"Words {=*six* =%50%sixty-six}":   "answer 2 can never count: whoever types it has already matched answer 1",
		"Words {=s*x =%50%s*i*x}":         "answer 2 can never count: whoever types it has already matched answer 1",
		"Words {=six =%50%* =seven}":      "answer 3 can never count: whoever types it has already matched answer 2",
		"Words {=*}":                      "whatever is typed earns 100 %",
		"Number {#*}":                     "any number earns 100 %",
		// Weights without effect, or that are none.
		"One {=a ~%-25%b}":            "-25 % has no effect",
		"One {=a ~%50 b}":             "a weight is written %50%",
		"One {=a ~%33,3%b}":           "a weight is written %50%",
		"One {=a ~% 50%b}":            "a weight is written %50%",
		"Pairs {=%50%a -> b =c -> d}": "a pair has no weight",
		// What looks alike.
		"Same {=5-3 ~5\u20133}":         "answer 2 looks the same as answer 1",
		"[html]Same {=a ~<p>a</p>}":     "answer 2 looks the same as answer 1",
		"Pairs {=a -> Fish =b -> fish}": "two right sides read the same",
		"Pairs {=a\u200b -> b =a -> c}": "two left sides look the same",
		// What is not shown.
		"Area $$x^2$$ {T}":                                "the formula $$x^2$$",
		"Area \\(x^2\\) {T}":                              "the formula",
		"Half \\frac12 {T}":                               "the formula",
		"Which {=$$x$$ ~y}":                               "the answer is not shown as written: the formula $$x$$",
		"Which {=x ~y # see $$x$$}":                       "the feedback is not shown as written: the formula $$x$$",
		"Which {=x ~y #### see $$x$$}":                    "the feedback is not shown as written: the formula $$x$$",
		"Pairs {=a -> $$b$$ =c -> d}":                     "a right side is not shown as written",
		"Pairs {=a -> <b>b</b> =c -> d}":                  "a right side is plain text: <b> is shown as it is",
		"[html]See <img src\\=\"x.png\"> {T}":             "<img>",
		"[html]See <iframe></iframe> {T}":                 "<iframe>",
		"[html]<a href\\=\"http\\://e.org\">e</a> {T}":    "the link to http://e.org",
		"[html]<p style\\=\"color\\: red\">e</p> {T}":     "colours and styles",
		"[html]if x<y and y>z {T}":                        "<y>",
		"[html]<img src\\=\"@@PLUGINFILE@@/a.png\">e {T}": "a file of the Moodle course",
		"[markdown]See ![x](https\\://x.org/y.png) {T}":   "<img>",
		"[markdown]See <b>b</b> {T}":                      "<b>",
		"[markdown]See [x](mailto\\:x) {T}":               "the link to mailto:x",
		"See <img src\\=\"x.png\"> {T}":                   "<img src=\"x.png\">",
		"See <p class\\='a'>x</p> {T}":                    "<p class='a'>",
		"See {=x ~y #<img src\\=\"x.png\">}":              "the feedback is not shown as written",
		"[html]See {=x ~y #<img src\\=\"x.png\">}":        "nothing of the feedback would be shown",
		"See _{=x} then <img src\\=\"x.png\">":            "<img src=\"x.png\">",
		// What somebody would have to type.
		"Word {=<b>six</b>}": "would have to type <b>",
		"Word {=6&nbsp;cm}":  "would have to type &nbsp;",
		"Word {=$$x$$}":      "would have to type the backslash or the dollar signs",
		"Word {=a\\,b}":      "would have to type the backslash",
		"Word {=TRUE}":       "for true or false write {TRUE}",
		// What is not what it looks like.
		"[Markdown]Text {T}":         "[Markdown] is no text format",
		"Text {=[latex]x ~y}":        "[latex] is no text format",
		"Forgot\n=a\n~b":             "nothing can be answered",
		"::a:: one\n::b:: two":       "nothing can be answered",
		"// [id:a] [id:b]\nText {T}": "a second id is ignored",
	} {
		if q := parseOne(t, src); !strings.Contains(gift.Errors(q.Warnings).Error(), want) {
			t.Errorf("%q: not warned of %q:\n%v", src, want, gift.Errors(q.Warnings))
		} else if q.Warnings[0].Line == 0 || q.Warnings[0].File == "" {
			t.Errorf("%q: a warning without a place: %+v", src, q.Warnings[0])
		}
	}
	for src, want := range map[string]string{
		"Which {=<p></p> ~x}":                           "nothing of the answer would be shown",
		"[html]Which {=<img src\\=\"x.png\"> ~x}":       "nothing of the answer would be shown",
		"[markdown]Which {=![](https\\://x.org/y) ~x}":  "nothing of the answer would be shown",
		"Which {=\u200b ~x}":                            "nothing of the answer would be shown",
		"[html]Pairs {=<img src\\=\"x\"> -> a =b -> c}": "nothing of the left side would be shown",
		"Pairs {=a -> \u200b =b -> c}":                  "nothing of a right side would be shown",
		"[html]<img src\\=\"x.png\"> {T}":               "nothing of the question would be shown",
		"Word {=\u200b}":                                "nobody can type it",
		"Word {=[plain]}":                               "the answer is empty",
		"Word {=%50%* =six}":                            "nobody can earn the full mark",
		"Word {=%50%s* =six}":                           "nobody can earn the full mark",
		"Number {#=%0%*#Look again =5}":                 "nobody can earn the full mark",
		"Number {#=%50%1..10 =5}":                       "nobody can earn the full mark",
		"Number {#=%50%1..5 =%50%5..9 =3..7}":           "nobody can earn the full mark",
		"Cloze {1\u003aSHORTANSWER\u003a=x}":            "Cloze",
	} {
		_, err := gift.Parse(strings.NewReader(src), "t.gift")
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: not refused for %q: %v", src, want, err)
		}
	}
	// And what is fine passes without a word.
	for _, src := range []string{
		"Which? {=one ~two #no ~three}", "Primes? {~%50%2 ~%50%3 ~%-50%4}", "Half {=six =half a dozen =6}", "Half {=%100%six =%75%si* =%0%*#no}",
		"Year {#=1822:0 =%50%1822:2 ~#no}", "Range {#=1..2 =%50%0..3}", "[html]<p>See <b>this</b> <a href\\=\"https\\://e.org\">e</a><br/></p> {T}", "x<sup>2</sup> and &lt; {T}",
		"Cost: $5 or $6 {=a ~b}", "Path C\\:\\temp {=a ~b}", "a < b and c > d {T}", "[markdown]**See** `x` {T}", "Match {=a -> 1 =b -> 2 = -> 3}", "Sizes {=N ~n}", "x {=<sup>2</sup>x ~2x}", "Discuss {}", "Read this.",
	} {
		if q := parseOne(t, src); len(q.Warnings) > 0 {
			t.Errorf("%q: %v", src, gift.Errors(q.Warnings))
		}
	}
}

// A warning stands in the line of the answer that it is about.
func TestWarningsNameTheLineOfTheAnswer(t *testing.T) {
	q := parseOne(t, "Words {\n=six\n=seven\n=%50%SIX\n}")
	if len(q.Warnings) != 1 || q.Warnings[0].Line != 4 {
		t.Errorf("%+v", q.Warnings)
	}
}
