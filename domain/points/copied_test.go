package points

import (
	"os"
	"strings"
	"testing"
)

// A function of the schema awards points as the statements here do, in a copy of their text: whoever changes one changes the other,
// in a new migration, and this test.
func TestTheFunctionAwardsAsTheStatementsDo(t *testing.T) {
	raw, err := os.ReadFile("../../tenants/migrations/tenant/0013_player.sql")
	if err != nil {
		t.Fatal(err)
	}
	plain := func(s string) string { return strings.Join(strings.Fields(s), " ") }
	if !strings.Contains(plain(string(raw)), plain(CTEs)) {
		t.Errorf("store_scores does not have\n%s", CTEs)
	}
}
