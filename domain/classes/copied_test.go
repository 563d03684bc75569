package classes

import (
	"os"
	"strings"
	"testing"
)

// A function of the schema shows classes as the lists do, in a copy of their text, since a list is narrowed in ways that a function is not: whoever
// changes one changes the other, in a new migration, and this test.
func TestTheFunctionShowsClassesAsTheListsDo(t *testing.T) {
	raw, err := os.ReadFile("../../tenants/provision/migrations/tenant/0015_day.sql")
	if err != nil {
		t.Fatal(err)
	}
	plain := func(s string) string {
		return strings.Join(strings.Fields(strings.ReplaceAll(s, "$1::uuid", "viewer")), " ")
	}
	_, function, found := strings.Cut(string(raw), "CREATE FUNCTION class_cards(")
	function, _, _ = strings.Cut(function, "END $$;")
	for _, part := range []string{classSelect, classFrom} {
		if !found || !strings.Contains(plain(function), plain(part)) {
			t.Errorf("class_cards does not have\n%s", part)
		}
	}
	if columns := strings.Fields(cardColumns); len(columns) != len((&Class{}).targets()) {
		t.Errorf("%d columns for %d fields", len(columns), len((&Class{}).targets()))
	}
}
