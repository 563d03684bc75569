package main

import (
	"strings"
	"testing"
)

// Of ten windows the interval is the second to the ninth: it holds the median with 97.9 percent.
func TestTheIntervalOfTenWindowsLeavesOutOneAtEachEnd(t *testing.T) {
	for _, c := range []struct {
		values    []float64
		low, high float64
	}{
		{[]float64{10, 9, 8, 7, 6, 5, 4, 3, 2, 1}, 2, 9},
		{[]float64{3, 1, 2}, 1, 3},
		{[]float64{1, 2, 3, 4, 5, 6}, 1, 6},
		{[]float64{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20}, 6, 15},
		{nil, 0, 0},
	} {
		if low, high := interval(c.values); low != c.low || high != c.high {
			t.Errorf("%v: %g to %g, want %g to %g", c.values, low, high, c.low, c.high)
		}
	}
}

func TestAMissedGoalAndAPartThatFailsAreAnError(t *testing.T) {
	met := report{Parts: []result{{Name: "one", Figures: []figure{told("a", 1, "s"), atMost("b", 2, "s", 2), atLeast("c", 3, "", 3)}}}}
	if err := met.verdict(); err != nil {
		t.Errorf("all is met, and yet: %v", err)
	}
	for _, r := range []report{
		{Parts: []result{{Figures: []figure{atMost("b", 2.01, "s", 2)}}}},
		{Parts: []result{{Figures: []figure{atLeast("c", 2.99, "", 3)}}}},
		{Parts: []result{{Name: "two", Error: "it broke"}}},
	} {
		if r.verdict() == nil {
			t.Errorf("no error for %+v", r.Parts)
		}
		if !strings.Contains(r.table(), "**") {
			t.Errorf("the table does not say so: %s", r.table())
		}
	}
}

func TestPartsAreChosenByName(t *testing.T) {
	two, err := chosen("noise, surge")
	if err != nil || len(two) != 2 || two[0].name != "noise" || two[1].name != "surge" {
		t.Errorf("%v, %v", two, err)
	}
	if all, err := chosen(""); err != nil || len(all) != len(parts) {
		t.Errorf("%d parts of %d, %v", len(all), len(parts), err)
	}
	if _, err := chosen("surge,nois"); err == nil {
		t.Error("a part that is not there was chosen")
	}
}

// What pg_stat_statements shows of a statement and what was sent have the same skeleton; another statement has another.
func TestTheSkeletonOfAStatementIsWithoutItsConstants(t *testing.T) {
	sent := `SELECT id, E'\n', 'it''s', extract(epoch FROM at) FROM t WHERE a = $1::uuid AND b IN (-1, 2.5, 1e9)
		AND c = true LIMIT 20`
	shown := `SELECT id, $2, $3, extract($4 FROM at) FROM t WHERE a = $1::uuid AND b IN ($5, $6, $7) AND c = $8 LIMIT $9`
	if skeleton(sent) != skeleton(shown) {
		t.Errorf("%s\n%s", skeleton(sent), skeleton(shown))
	}
	if skeleton(sent) == skeleton(strings.Replace(shown, "id,", "name,", 1)) {
		t.Error("two statements have one skeleton")
	}
}

const someLog = `2026-11-29 13:39:16.036 UTC [18905] bench_jamaica@working LOG:  execute <unnamed>: SELECT id,
	0 FROM sessions WHERE a = $1::text AND b = $2::bigint AND c = $3::uuid AND d = $4::text
2026-11-29 13:39:16.036 UTC [18905] bench_jamaica@working DETAIL:  parameters: $1 = 'it''s', $2 = '7', $3 = '01a22787-ff2a-70cd-87c5-e416bb933c28', $4 = ''
2026-11-29 13:39:16.036 UTC [18905] bench_jamaica@working LOG:  statement: RESET ALL; CLOSE ALL; UNLISTEN *
2026-11-29 13:39:16.036 UTC [18906] bench_bahamas@working LOG:  execute <unnamed>: SELECT 1
`

// pgbench is given the same statement with the same parameters; what differed between two requests is new in each.
func TestAScriptSendsWhatWasOverheard(t *testing.T) {
	one := parseLog(someLog, "bench_jamaica")
	if len(one) != 2 || len(one[0].params) != 4 || one[0].params[0] != "it's" || !strings.Contains(one[0].sql, "\n") || !sessionOnly(one[1]) {
		t.Fatalf("%+v", one)
	}
	again := parseLog(strings.NewReplacer("'7'", "'8'", "e416bb933c28", "e416bb933c29").Replace(someLog), "bench_jamaica")
	text, values := imitate("x", one[:1], again[:1], true)
	if n := strings.Count(text, "\\startpipeline\nSELECT /* :xs0p1 :n :id"); n != perScript {
		t.Errorf("%d transactions:\n%s", n, text)
	}
	if !strings.Contains(text, ":id49 :nothing */ id, 0 FROM sessions WHERE a = $1::text AND b = $2::bigint AND c = $3::uuid AND d = $4::text;\n") {
		t.Errorf("%s", text)
	}
	if len(values) != 1 || values["xs0p1"] != "it's" {
		t.Errorf("%v", values)
	}
}

// Work that is not the same is no comparison.
func TestSidesThatSendOtherStatementsAreTold(t *testing.T) {
	ours := []statement{{ID: 1, Calls: 1000}, {ID: 2, Calls: 1000}, {ID: 3, Calls: 5}} // the third is what only a first request sends
	if err := sameStatements(ours, []statement{{ID: 2, Calls: 70}, {ID: 1, Calls: 70}}); err != nil {
		t.Error(err)
	}
	for _, theirs := range [][]statement{{{ID: 1, Calls: 100}}, {{ID: 1, Calls: 100}, {ID: 2, Calls: 100}, {ID: 4, Calls: 100}}, nil} {
		if sameStatements(ours, theirs) == nil {
			t.Errorf("%v and %v are taken for the same", ours, theirs)
		}
	}
	if sameStatements(nil, nil) == nil {
		t.Error("nothing is taken for the same as nothing")
	}
}

// What data are made from is there: else no part that keeps data can run.
func TestSourcesOfData(t *testing.T) {
	var text strings.Builder
	if err := hashFiles(&text, "../.."); err != nil {
		t.Fatal(err)
	}
	if files := strings.Count(text.String(), "\n"); files < 40 {
		t.Errorf("only %d files", files)
	}
}
