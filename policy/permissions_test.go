package policy

import (
	"io/fs"
	"regexp"
	"slices"
	"strings"
	"testing"
)

func TestCatalogue(t *testing.T) {
	name := regexp.MustCompile(`^[a-z]+(\.[a-z]+)?\.[a-z]+$`)
	all := Catalogue()
	for i, p := range all {
		if i > 0 && all[i-1].Name() >= p.Name() {
			t.Errorf("%s is out of order", p.Name())
		}
		if !name.MatchString(p.Name()) || p.Description().String() == "" || p.IsZero() || p.Realm().String() == "" {
			t.Errorf("%s is not whole", p.Name())
		}
		if strings.HasPrefix(p.Name(), "platform.") != (p.Realm() == Platform) {
			t.Errorf("%s is of the wrong realm", p.Name())
		}
		if found, ok := Lookup(p.Name()); !ok || found != p {
			t.Errorf("%s cannot be looked up", p.Name())
		}
		// A reader's route must not change anything, and the other way round.
		reads := strings.HasSuffix(p.Name(), ".read") || p == LearnerProgress || p == UserExport || p == SessionEnd
		if reads == p.Mutating() {
			t.Errorf("%s: mutating is %t", p.Name(), p.Mutating())
		}
	}
	if _, ok := Lookup(""); ok {
		t.Error("the empty name is a permission")
	}
}

func TestOnlyPublicNeedsNoPermission(t *testing.T) {
	if p := Public("health check"); p.IsZero() || p.Name() != "" || p.In(Tenant) {
		t.Error("a public route must not carry a permission")
	}
	if reason, ok := Public("health check").IsPublic(); !ok || reason != "health check" {
		t.Error("the reason is lost")
	}
	for _, p := range []Permission{{}, Public(""), Public("  ")} {
		if _, ok := p.IsPublic(); ok || !p.IsZero() {
			t.Error("a permission without a reason must stay zero, so that routes refuse it")
		}
	}
	if _, ok := ClassRead.IsPublic(); ok {
		t.Error("class.read is public")
	}
}

// Every permission and every refusal that the rules name must exist, and every one that exists must be named.
func TestRulesAndCataloguesAgree(t *testing.T) {
	var all strings.Builder
	files, err := fs.Glob(Embedded(), "*.rego")
	if err != nil || len(files) == 0 {
		t.Fatal(files, err)
	}
	for _, f := range files {
		if strings.HasSuffix(f, "_test.rego") {
			continue
		}
		text, err := fs.ReadFile(Embedded(), f)
		if err != nil {
			t.Fatal(err)
		}
		all.Write(text)
	}
	for _, m := range regexp.MustCompile(`"([a-z.]+\.[a-z]+)"`).FindAllStringSubmatch(all.String(), -1) {
		if _, ok := Lookup(m[1]); !ok {
			t.Errorf("the rules name %q, which is no permission", m[1])
		}
	}
	for _, p := range Catalogue() {
		if !strings.Contains(all.String(), `"`+p.Name()+`"`) {
			t.Errorf("no rule allows %s", p.Name())
		}
	}
	given := map[Reason]bool{PolicyError: true, UnknownScope: true, RoleLacks: true}
	for _, m := range regexp.MustCompile(`(?:missing|refusal|else) := "([a-z_]+)" if|"reason": "([a-z_]+)"`).FindAllStringSubmatch(all.String(), -1) {
		given[Reason(m[1]+m[2])] = true
	}
	reaches := []Reason{"tenant", "school", "assigned", "own", "aggregate"}
	for code := range given {
		if !slices.Contains(reaches, code) && !slices.Contains(reasons, code) {
			t.Errorf("the refusal %q has no sentence", code)
		}
	}
	for i, r := range reasons {
		if !given[r] {
			t.Errorf("no rule gives the refusal %q", r)
		}
		if i > 0 && reasons[i-1] >= r {
			t.Errorf("%q is out of order", r)
		}
		if r.Sentence().String() == "" || r.Needed().String() == "" {
			t.Errorf("%q is without words", r)
		}
	}
	if got := Reason("made_by_a_bundle"); got.Sentence().String() != Reason("not_permitted").Sentence().String() {
		t.Errorf("an unknown refusal has no sentence: %+v", got)
	}
}
