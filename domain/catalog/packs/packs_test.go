package packs_test

import (
	"maps"
	"slices"
	"testing"

	"lignum/domain"
	"lignum/domain/catalog/pack"
	"lignum/domain/catalog/packs"
)

func read(t *testing.T, name string) *pack.Pack {
	t.Helper()
	fsys, err := packs.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	p, err := pack.Read(fsys)
	if err != nil {
		t.Fatalf("%s:\n%v", name, err)
	}
	return p
}

func TestEveryPackReadsWithoutErrorOrWarning(t *testing.T) {
	for _, name := range []string{"bgcse-biology", "celearn-bookkeeping", "csec-mathematics", "csec-principles-of-business"} {
		if !slices.Contains(packs.Names(), name) {
			t.Errorf("the pack %s is missing", name)
		}
	}
	for _, name := range packs.Names() {
		t.Run(name, func(t *testing.T) {
			p := read(t, name)
			if p.Name != name {
				t.Errorf("the folder %s holds the pack %s", name, p.Name)
			}
			if len(p.Warnings) > 0 {
				t.Errorf("warnings:\n%v", pack.Errors(p.Warnings))
			}
			if len(p.Items) == 0 || len(p.Tests) == 0 || len(p.Sections[0].Lessons) == 0 {
				t.Errorf("%d items, %d tests: a pack needs lessons, items and a test", len(p.Items), len(p.Tests))
			}
		})
	}
}

// The shape of Paper 1 is that of the CSEC Mathematics syllabus of the Caribbean
// Examinations Council: 60 multiple-choice items in 90 minutes.
func TestCSECMathematicsPaper1(t *testing.T) {
	want := map[string]int{"computation": 6, "number-theory": 4, "consumer-arithmetic": 8, "sets": 4, "measurement": 8,
		"statistics": 6, "algebra": 9, "relations-functions-graphs": 6, "geometry-trigonometry": 9}
	p := read(t, "csec-mathematics")
	bank := map[string]int{}
	for _, b := range p.Items {
		if b.Item.Scored() {
			bank[b.Section]++
		}
	}
	at := slices.IndexFunc(p.Tests, func(t pack.Test) bool { return t.Slug == "paper-1" })
	if at < 0 {
		t.Fatal("there is no test paper-1")
	}
	paper, got := p.Tests[at], map[string]int{}
	for _, d := range paper.Blueprint {
		got[d.Section] = d.Items
		if bank[d.Section] < 3*d.Items {
			t.Errorf("%s: %d items are drawn from %d; at least three times as many are needed", d.Section, d.Items, bank[d.Section])
		}
	}
	if paper.Items() != 60 || paper.Minutes != 90 || !maps.Equal(got, want) {
		t.Errorf("%d items in %d minutes: %v", paper.Items(), paper.Minutes, got)
	}
}

func TestOpenRefusesOtherNames(t *testing.T) {
	for _, name := range []string{"", ".", "..", "FORMAT.md", "csec-mathematics/items", "../packs", "no-such-pack"} {
		if _, err := packs.Open(name); domain.CodeOf(err) != domain.NotFound {
			t.Errorf("%q: %v", name, err)
		}
	}
}
