package points

import (
	"os"
	"strings"
	"testing"
)

// Two functions of the schema give the leaderboard of a school as the statements here do, in a copy of their text: whoever changes one
// changes the other, in a new migration, and this test.
func TestTheFunctionsRankAsTheStatementsDo(t *testing.T) {
	raw, err := os.ReadFile("../../tenants/provision/migrations/tenant/0015_day.sql")
	if err != nil {
		t.Fatal(err)
	}
	arguments := strings.NewReplacer("$1::text", "of_period", "$2::uuid", "viewer", "$3::uuid", "of_school", "$4::integer", "most")
	plain := func(s string) string { return strings.Join(strings.Fields(s), " ") }
	top, near, _, err := leaderboardSQL(Scope{Among: AmongSchool})
	if err != nil {
		t.Fatal(err)
	}
	for _, statement := range []string{top, near} {
		if !strings.Contains(plain(string(raw)), "RETURN QUERY "+plain(arguments.Replace(statement))+";") {
			t.Errorf("no function has\n%s", statement)
		}
	}
}
