package pack_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"lignum/domain/catalog/item"
	"lignum/domain/catalog/pack"
)

// banked reads the sample with a second bank that is written in YAML.
func banked(yaml string) (*pack.Pack, error) {
	files := sample()
	files["pack.yaml"] = strings.Replace(files["pack.yaml"], "banks:", "banks:\n  - {file: items/order.yaml, section: sets}", 1)
	files["items/order.yaml"] = yaml
	return pack.Read(fsOf(files))
}

func TestBanksInYAMLHoldEveryKind(t *testing.T) {
	p, err := banked(`
- {name: y-order, kind: ordering, stem: Put in order., category: unions, tags: [easy], steps: [one, {step: "**two**"}, {step: {text: "**three**", format: plain}}], feedback: Count.}
- {name: y-choice, kind: multiple_choice, multiple: true, stem: Which?, choices: [{answer: 3, weight: 100, feedback: Yes.}, {answer: 4, weight: -12.5}]}
- {name: y-truth, kind: true_false, stem: So?, truth: {answer: true, wrong: Look again.}}
- {name: y-short, kind: short_answer, stem: "The word ", after: " is it.", accepted: [{pattern: six, weight: 100}]}
- {name: y-match, kind: matching, stem: Match., pairs: [{left: cat, right: fish}, {left: dog, right: bone}], options: [{id: bone, text: bone}, {id: fish, text: fish}, {text: stone}]}
- {name: y-number, kind: numeric, stem: How many?, numbers: [{value: 3.10, tolerance: 0.1, weight: 100}, {any: true, feedback: Far.}]}
- name: y-essay
  kind: essay
  stem: |
    Explain.

    In *two* paragraphs.
- {name: y-note, kind: description, stem: {text: "<b>Read</b>", format: html}}
`)
	if err != nil || len(p.Warnings) != 1 || !strings.Contains(p.Warnings[0].Reason.String(), "is an essay") {
		t.Fatalf("%v, warnings %v", err, p.Warnings)
	}
	got := map[string]*item.Item{}
	var kinds []item.Kind
	for _, b := range p.Items {
		if strings.HasPrefix(b.Name, "y-") {
			got[b.Name] = b.Item
			kinds = append(kinds, b.Item.Kind)
			if b.File != "items/order.yaml" || b.Line < 2 || b.Section != "sets" || b.Hash != b.Item.Hash() {
				t.Errorf("%+v", b)
			}
		}
	}
	for _, k := range item.Kinds {
		if !slices.Contains(kinds, k) {
			t.Errorf("no item of kind %s", k)
		}
	}
	order := got["y-order"]
	if fmt.Sprint(order.Steps[0].Text, order.Steps[1].Text, order.Steps[2].Text, *order.Feedback) != "{one markdown} {**two** markdown} {**three** plain} {Count. markdown}" {
		t.Errorf("%+v", order)
	}
	if m := got["y-match"]; m.Options[0].Text != "bone" || m.Options[0].ID != "a" || m.Pairs[0].Right != "b" || m.Pairs[0].ID != "1" {
		t.Errorf("pairs were not renamed along: %+v", m)
	}
	if c := got["y-choice"].Choices; c[1].Weight.String() != "-12.5" || c[0].Text.Body != "3" || c[0].ID == "" {
		t.Errorf("%+v", c)
	}
	if s := got["y-short"]; s.Stem.Body != "The word " || s.After != " is it." {
		t.Errorf("the blanks around the blank: %+v", s)
	}
	if n := got["y-number"].Numbers; n[0].Value != "3.10" || !n[1].Any || !got["y-truth"].Truth.Answer || got["y-essay"].Stem.Body != "Explain.\n\nIn *two* paragraphs." {
		t.Errorf("%+v", n)
	}
}

// Everything that is wrong is told at once, with its line, field and reason.
func TestBanksInYAMLAreChecked(t *testing.T) {
	many := "[" + strings.Repeat("x, ", 20) + "y]"
	for yaml, want := range map[string][]string{
		"- name: a\n  kind: ordering\n  stem: Order.\n  steps:\n    - one\n    - ' '\n    - one\n": {
			"items/order.yaml:6:", "[0].steps[1].step: the step is empty", "items/order.yaml:7:", "[0].steps[2].step: another step reads the same"},
		"- {name: a, kind: ordering, stem: Order., steps: [one]}":                                                                         {"items/order.yaml:1:", "[0].steps: at least 2 needed, found 1"},
		"- {name: a, kind: ordering, stem: Order., steps: " + many + "}":                                                                  {"[0].steps: at most 20 allowed, found 21"},
		"- {name: a, kind: ordering, stem: Order., step: [a, b]}":                                                                         {"[0].step: unknown key; known are: name, category, tags, kind, stem"},
		"- {name: a, kind: ordering, stem: Order., steps: [{step: a, weight: 3}, b]}":                                                     {"[0].steps[0].weight: unknown key; known are: id, step"},
		"- {name: a, kind: ordering, stem: Order., steps: one}":                                                                           {"[0].steps: a list is expected"},
		"- {name: a, kind: ordering, stem: Order., steps: [a, [b]]}":                                                                      {"[0].steps[1]: keys with values expected"},
		"- {name: a, kind: ordering, stem: Order., steps: [one, 'one ']}":                                                                 {"[0]: step 2 looks the same as step 1"},
		"- {name: a, kind: ordering, stem: Order., steps: [{id: x, step: a}, {id: x, step: b}]}":                                          {`[0].steps[1].id: "x" is used twice`},
		"- {name: a, kind: ordering, stem: Order., steps: [a, b], choices: [a, b]}":                                                       {"[0].choices: only an item of kind multiple_choice has this"},
		"- {kind: essay, stem: Why?}\n- {name: b, kind: quiz, stem: x}\n- {name: c, kind: essay}":                                         {"[0].name: is missing", "[1].kind: \"quiz\" is not a kind of item", "[2].stem: the question has no text"},
		"- {name: a, kind: multiple_choice, stem: x, choices: [{answer: a, weight: much}, b]}":                                            {`[0].choices[0].weight: "much" is not a percentage`},
		"- {name: a, kind: matching, stem: x, pairs: [{left: a, right: b}, {left: c, right: d}], options: [{id: d, text: x}, y]}":         {"[0].options[1]: keys with values expected"},
		"- {name: a, kind: matching, stem: x, pairs: [{left: a, right: b}, {left: c, right: d}], options: [{id: d, text: x}, {text: y}]}": {"[0].pairs[0].right: names no option"},
		"- {name: sets-1, kind: essay, stem: Why?}":                                                                                       {`the name "sets-1" is already used`},
		"- {name: a, kind: true_false, stem: x, truth: {answer: maybe}}":                                                                  {"[0].truth.answer: true or false is expected"},
		"name: a":              {"a list is expected"},
		"- just words":         {"[0]: keys with values expected"},
		"- {name: [a]}":        {"[0].name: text is expected"},
		"- &x {name: a}\n- *x": {"items/order.yaml"},
		"- [":                  {"items/order.yaml:1:"},
	} {
		_, err := banked(yaml)
		var errs pack.Errors
		if !errors.As(err, &errs) {
			t.Errorf("%s: %v", yaml, err)
			continue
		}
		for _, part := range want {
			if !strings.Contains(err.Error(), part) {
				t.Errorf("%s:\n%v\nis to say %q", yaml, err, part)
			}
		}
	}
	dir := write(t, t.TempDir(), map[string]string{"order.yaml": "- {name: a, kind: ordering, stem: Order., steps: [a, b]}\n- {name: b, kind: ordering, stem: Order., steps: [a]}\n", "long.YAML": strings.Repeat("#", pack.MaxManifest+1)})
	if rep := pack.Check(dir + "/order.yaml"); rep.Type != "bank" || rep.Items != 1 || rep.Kinds[item.Ordering] != 1 || len(rep.Errors) != 1 || rep.Errors[0].Line != 2 {
		t.Errorf("a bank alone: %+v", rep)
	}
	if rep := pack.Check(dir + "/long.YAML"); len(rep.Errors) != 1 || rep.Errors[0].Reason.String() != "the file is larger than 256 KB" {
		t.Errorf("a bank that is too long: %+v", rep.Errors)
	}
	files := sample()
	files["items/forgotten.yaml"] = "[]"
	if p, err := pack.Read(fsOf(files)); err != nil || len(p.Warnings) != 1 || p.Warnings[0].File != "items/forgotten.yaml" {
		t.Errorf("%v %v", p.Warnings, err)
	}
	if p, err := banked("[]"); err != nil || len(p.Warnings) != 1 || !strings.Contains(p.Warnings[0].Reason.String(), "empty") {
		t.Errorf("%v %v", p.Warnings, err)
	}
}
