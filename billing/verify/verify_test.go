package verify_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"lignum/billing/invoice"
	"lignum/billing/verify"
	"lignum/tests/bills"
	"lignum/tests/tenth"
)

// The verifier shares nothing with what it verifies, nor with anything else that is ours: it is the standard library and itself.
func TestTheVerifierStandsAlone(t *testing.T) {
	out, err := exec.Command("go", "list", "-deps", "-f", `{{if not .Standard}}{{.ImportPath}}{{end}}`, "lignum/billing/verify").Output()
	if err != nil {
		t.Fatal(err)
	}
	if needs := strings.Fields(string(out)); !slices.Equal(needs, []string{"lignum/billing/verify"}) {
		t.Errorf("the verifier needs %q", needs)
	}
}

func evidence(t interface{ Fatal(...any) }, in invoice.Input) []byte {
	inv, err := invoice.Assemble(in)
	if err != nil {
		t.Fatal(err)
	}
	file, err := invoice.EvidenceOf(in, inv)
	if err != nil {
		t.Fatal(err)
	}
	return file
}

func check(t interface{ Fatal(...any) }, file []byte) verify.Report {
	r, err := verify.Check(file)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// The verifier agrees with what was billed, whatever the plans, zones, facts, rates of tax and earlier bills are: ten thousand of them in make test-all.
func TestTheVerifierAgrees(t *testing.T) {
	t.Parallel()
	seen := map[string]int{}
	rapid.Check(t, func(t *rapid.T) {
		for range 10 {
			in, billed := bills.Random(t)
			if !billed {
				seen["none"]++
				continue
			}
			file := evidence(t, in)
			r := check(t, file)
			if len(r.Differences) > 0 {
				t.Fatalf("%+v\n%s", r.Differences, file)
			}
			for kind := range strings.SplitSeq("base: usage: discount: minimum correction: credit:", " ") {
				if bytes.Contains(file, []byte(`"id":"`+kind)) {
					seen[kind]++
				}
			}
			seen["all"]++
		}
	})
	t.Log(seen)
	for kind := range strings.SplitSeq("base: usage: discount: minimum correction: credit:", " ") {
		if seen[kind]*50 < seen["all"] {
			t.Errorf("of %d bills only %d have a line %q", seen["all"], seen[kind], kind)
		}
	}
	if seen["all"] < 5*seen["none"] {
		t.Errorf("%v: too many are not billed", seen)
	}
}

// place is a value in a JSON document, and how to reach it.
type place struct {
	path  string
	value any
	put   func(any)
	drop  func() // takes it out, if it is in a list or an object
}

// walk gives each value of a document that is no object and no list; and each element of a list.
func walk(path string, v any, put func(any), drop func(), each func(place)) {
	switch v := v.(type) {
	case map[string]any:
		for key, inner := range v {
			walk(path+"."+key, inner, func(to any) { v[key] = to }, func() { delete(v, key) }, each)
		}
	case []any:
		each(place{path + "[]", v, put, func() { put(v[:max(len(v)-1, 0)]) }})
		for i, inner := range v {
			walk(fmt.Sprintf("%s[%d]", path, i), inner, func(to any) { v[i] = to }, nil, each)
		}
	default:
		each(place{path, v, put, drop})
	}
}

// others are values that one is changed to: of its own kind, so that the file can still be read.
func others(v any) []any {
	switch v := v.(type) {
	case json.Number:
		return []any{json.Number(strings.TrimPrefix(v.String()+"1", "0")), json.Number("0"), json.Number("-" + strings.TrimPrefix(v.String(), "-"))}
	case bool:
		return []any{!v}
	case string:
		if day.MatchString(v) {
			return []any{strings.Replace(v, "20", "19", 1), "2031-01-01"}
		}
		if moment.MatchString(v) {
			return []any{strings.Replace(v, "20", "19", 1), strings.Replace(v, "Z", "+01:00", 1)}
		}
		if number.MatchString(v) {
			return []any{v + "1", "0"}
		}
		return []any{v + "x", "", strings.ToUpper(v)}
	}
	return nil
}

var (
	index  = regexp.MustCompile(`\[\d+\]`)
	day    = regexp.MustCompile(`^[0-9]{4}-[0-9]{2}-[0-9]{2}$`)
	moment = regexp.MustCompile(`^[0-9]{4}-[0-9]{2}-[0-9]{2}T`)
	number = regexp.MustCompile(`^[0-9]+(\.[0-9]+)?$`)
)

func parse(t testing.TB, file []byte) (doc map[string]any) {
	d := json.NewDecoder(bytes.NewReader(file))
	d.UseNumber()
	if err := d.Decode(&doc); err != nil {
		t.Fatal(err)
	}
	return doc
}

func write(t testing.TB, doc any) []byte {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(doc); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// forge writes sums anew, as somebody would who does not want a change to be found.
func forge(t testing.TB, doc map[string]any) {
	sums := map[string]any{}
	for name, part := range doc {
		if name != "sums" {
			sum := sha256.Sum256(bytes.TrimSpace(write(t, part)))
			sums[name] = hex.EncodeToString(sum[:])
		}
	}
	doc["sums"] = sums
}

// mutate calls each with every change of one field of an evidence: each value, to several others; each list, shorter and longer; each field, left out.
func mutate(t testing.TB, file []byte, choose func([]place) []place, each func(path, change string, doc map[string]any)) (places int) {
	doc := parse(t, file)
	var all []place
	walk("", doc, nil, nil, func(p place) { all = append(all, p) })
	for _, p := range choose(all) {
		if list, is := p.value.([]any); is {
			if len(list) > 0 {
				p.put(list[:len(list)-1])
				each(p.path, "shorter", doc)
				p.put(append(slices.Clone(list), list[len(list)-1]))
				each(p.path, "longer", doc)
			}
			p.put(list)
			continue
		}
		for _, other := range others(p.value) {
			if other == p.value || other == json.Number("-0") {
				continue
			}
			p.put(other)
			each(p.path, fmt.Sprint(p.value, " became ", other), doc)
			p.put(p.value)
		}
		if p.drop != nil {
			p.drop()
			change := "left out"
			if p.value == json.Number("0") || p.value == "" {
				change = "left out, 0" // which is the same
			}
			each(p.path, change, doc)
			p.put(p.value)
		}
	}
	return len(all)
}

// samples are evidences that together have every field: Jamaica's month, one whose plan changes and whose tax does, with a bill before it, and one of a tenant that is exempt.
func samples(t testing.TB) (files [][]byte) {
	for _, in := range []invoice.Input{bills.Jamaica(), bills.Bahamas()} {
		files = append(files, evidence(t, in))
	}
	return files
}

// Every change of any one field of the evidence is found: of a tenth of the fields in make test, of all in make test-all.
func TestEveryChangeIsFound(t *testing.T) {
	t.Parallel()
	for _, file := range samples(t) {
		changes := 0
		places := mutate(t, file, func(all []place) []place { return tenth.Of(t, all) }, func(path, change string, doc map[string]any) {
			changes++
			if r, err := verify.Check(write(t, doc)); err == nil && len(r.Differences) == 0 {
				t.Errorf("%s: %s, and nobody noticed", path, change)
			}
		})
		if t.Logf("%d fields, %d changes", places, changes); places < 500 {
			t.Errorf("only %d fields are there", places)
		}
	}
}

// unbound are the fields of which some change moves no figure, each with why; only the sums in the file, and its hash on the printed invoice, tell of it.
var unbound = map[string]string{
	".facts[].key": "a name", ".facts[].subject": "another pseudonym", ".facts[].at": "another moment of the same day", ".facts[].quantity": "of what is counted by heads, or for information",
	".facts[].meter": "of what is counted for information", ".invoice.lines[].explanation": "words", ".invoice.lines[].title": "of the minimum: words", ".earlier[].billed[].title": "words, where nothing is corrected",
	".meters[]": "what no plan names", ".meters[].name": "what no plan names", ".meters[].aggregate": "what no plan names", ".meters[].unit": "a word", ".meters[].scale": "says how people read the count", ".meters[].billed": "says what plans may charge for", ".meters[].of[]": "nobody worked without signing in",
	".in_force[].from": "before the period", ".in_force[].version.from": "says from when the version may hold", ".in_force[].version.cycle": "says how periods follow one another", ".in_force[].version.proration": "of a version that is not the first",
	".in_force[].version.minimum": "less than the charges", ".in_force[].version.components[].tiers[].price": "of a tier that nothing lies in", ".tax.country": "a name", ".tax.rates[].source": "words",
	".tax.rates[]": "before the period", ".tax.rates[].from": "before the period", ".tax.rates[].percent": "before the period", ".exemptions[].days.from": "before the period", ".credits[].until": "after the period",
}

// Whoever changes a field and writes the sums anew is found out all the same where a sum of money depends on it: in plans, prices, tax, what was billed before, and each figure of the invoice.
func TestWhoForgesTheSumsIsFoundByFigures(t *testing.T) {
	t.Parallel()
	found, passed := 0, map[string]int{}
	for _, file := range samples(t) {
		mutate(t, file, func(all []place) []place { return all }, func(path, change string, doc map[string]any) {
			if strings.HasPrefix(path, ".sums") || change == "left out, 0" {
				return
			}
			sums := doc["sums"]
			forge(t, doc)
			r, err := verify.Check(write(t, doc))
			doc["sums"] = sums
			if err != nil || len(r.Differences) > 0 {
				found++
				return
			}
			path = index.ReplaceAllString(path, "[]")
			if passed[path]++; unbound[path] == "" {
				t.Errorf("%s: %s, and no figure differs", path, change)
			}
		})
	}
	t.Logf("%d found; not by figures: %v", found, passed)
	for path := range unbound {
		if passed[path] == 0 {
			t.Errorf("each change of %s is found by figures: say no other", path)
		}
	}
}

// A difference names its line and its field.
func TestADifferenceNamesItsLine(t *testing.T) {
	t.Parallel()
	doc := parse(t, evidence(t, bills.Jamaica()))
	lines := doc["invoice"].(map[string]any)["lines"].([]any)
	lines[3].(map[string]any)["amount"] = json.Number("13651")
	forge(t, doc)
	r := check(t, write(t, doc))
	want := []verify.Difference{{Field: "invoice.lines[3].amount", Line: "usage:messages:country:1:2026-09-01", Is: "13651", Should: "13650"}}
	if !slices.Equal(r.Differences, want) {
		t.Errorf("%+v", r.Differences)
	}
	doc["facts"].([]any)[0].(map[string]any)["quantity"] = json.Number("-1")
	forge(t, doc)
	if r := check(t, write(t, doc)); len(r.Differences) != 1 || r.Differences[0].Field != "invoice" {
		t.Errorf("%+v", r.Differences)
	}
}

// What is no evidence is no error of the invoice: the file cannot be read.
func TestWhatIsNoEvidence(t *testing.T) {
	t.Parallel()
	whole := evidence(t, bills.Jamaica())
	for name, file := range map[string][]byte{"empty": nil, "text": []byte("no"), "cut": whole[:len(whole)/2], "more": append(slices.Clone(whole), whole...), "other": []byte(`{"format":"lignum-evidence/2"}`),
		"unknown field": bytes.Replace(whole, []byte(`"format"`), []byte(`"rush":1,"format"`), 1)} {
		if r, err := verify.Check(file); err == nil {
			t.Errorf("%s: %+v", name, r)
		}
	}
	var pretty bytes.Buffer
	if err := json.Indent(&pretty, whole, "", "  "); err != nil {
		t.Fatal(err)
	}
	if r := check(t, pretty.Bytes()); len(r.Differences) > 0 || r.Hash == check(t, whole).Hash {
		t.Errorf("written with blanks: %+v", r)
	}
}
