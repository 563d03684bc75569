package tests

import (
	"os"
	"slices"
	"strings"
	"testing"

	"lignum/domain/catalog"
	"lignum/domain/people"
	"lignum/domain/words"
	"lignum/policy"
	"lignum/tenants"
)

// What programs name and pages show has words of its own, so that a language can say it: default roles, kinds of resources and schools, what permissions are about.
func TestWordsOfProgramsHaveWords(t *testing.T) {
	shown := map[string]bool{}
	for _, kind := range slices.Concat(catalog.ResourceKinds, people.SchoolKinds) {
		shown[kind] = true
	}
	for _, said := range []string{"country", "live", "on_demand", "marked", "submitted", "active", "cancelled", "ended", "suspended", "erased", "read_only", "closed", "practice", "assessment"} {
		shown[said] = true // states and kinds that the trail says
	}
	for _, state := range tenants.States() {
		shown[string(state)] = true
	}
	for _, p := range policy.Catalogue() {
		about, _, _ := strings.Cut(p.Name(), ".")
		shown[about] = true
	}
	for _, file := range []string{"defaults_tenant.csv", "defaults_platform.csv"} {
		text, err := os.ReadFile("../policy/casbin/" + file)
		if err != nil {
			t.Fatal(err)
		}
		for line := range strings.Lines(string(text)) {
			if kind, rest, ok := strings.Cut(line, ", "); ok && (kind == "p" || kind == "g") {
				role, _, _ := strings.Cut(rest, ",")
				shown[role] = true
			}
		}
	}
	if len(shown) < 14 {
		t.Fatalf("only %d words were looked at", len(shown))
	}
	for word := range shown {
		if words.English.Message("word."+word) == nil {
			t.Errorf("%s has no words", word)
		}
	}
	for _, word := range words.Keys("word") {
		if !shown[word] {
			t.Errorf("nobody shows the word %s", word)
		}
	}
}
