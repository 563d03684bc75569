package tests

import (
	"fmt"
	"go/ast"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// clocks are the rooms in which the time on a wall becomes a moment: domain/calendar alone, which says what becomes of times that clocks skip or
// show twice, and a program of its own that knows no tenant's calendar.
var clocks = []string{"domain/calendar", "infra/autoscale"}

// takesRuleApart finds a statement that makes the times of a weekly rule by itself.
var takesRuleApart = regexp.MustCompile(`(?i)jsonb_(array_elements|to_recordset|path_query)\w*\s*\(\s*(\w+\.)?weekly\b`)

// readsClocks names what a file does that is the calendar's to do.
func (s *source) readsClocks(f *ast.File) (found []string) {
	for _, text := range s.texts(f) {
		if takesRuleApart.MatchString(text) {
			found = append(found, "makes meetings of a weekly rule in SQL: calendar.Weekly gives them")
		}
	}
	ast.Inspect(f, func(n ast.Node) bool {
		call, ok := n.(*ast.CallExpr)
		if !ok {
			return true
		}
		if of, ok := call.Fun.(*ast.SelectorExpr); ok && named(of.X, "time") {
			if of.Sel.Name == "ParseInLocation" {
				found = append(found, "reads wall time by time.ParseInLocation: calendar.ReadWall or calendar.Begins")
			}
			if of.Sel.Name == "Date" && len(call.Args) == 8 {
				if zone, ok := call.Args[7].(*ast.SelectorExpr); !ok || !named(zone.X, "time") || zone.Sel.Name != "UTC" {
					found = append(found, "makes a moment of wall time by time.Date: calendar.Begins, or calendar.Weekly")
				}
			}
		}
		return true
	})
	return found
}

func named(e ast.Expr, name string) bool {
	id, ok := e.(*ast.Ident)
	return ok && id.Name == name
}

// Wall time becomes a moment in one room, so that a lesson, an exam, a day's figures and later a feed mean the same moment on the day on which the
// clocks change.
func TestWallTimeIsTheCalendars(t *testing.T) {
	looked := 0
	for _, dir := range packagesBelow(t, "..", "../tests", "../.lignum") {
		room := filepath.ToSlash(strings.TrimPrefix(dir, "../"))
		p := readPackage(t, dir)
		for i, f := range p.files {
			if looked++; strings.HasPrefix(room+"/", clocks[0]+"/") || strings.HasPrefix(room+"/", clocks[1]+"/") {
				continue
			}
			for _, what := range p.readsClocks(f) {
				t.Errorf("%s/%s %s", room, p.names[i], what)
			}
		}
	}
	if looked < 250 {
		t.Errorf("only %d files were looked at", looked)
	}
}

func TestReadingAClockIsSeen(t *testing.T) {
	for text, want := range map[string]string{
		`var _ = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)`:                                     "",
		`var _ = time.Date(2026, 1, 1, 0, 0, 0, 0, zone)`:                                         "by time.Date",
		`var _ = time.Date(2026, 1, 1, 0, 0, 0, 0, time.Local)`:                                   "by time.Date",
		`var _ = time.Date(2026, 1, 1, 0, 0, 0, 0, c.UTC)`:                                        "by time.Date",
		`var _, _ = time.ParseInLocation(time.DateOnly, text, zone)`:                              "time.ParseInLocation",
		`var _, _ = time.Parse(time.DateOnly, text)`:                                              "",
		"const q = `SELECT s FROM classes c CROSS JOIN LATERAL jsonb_array_elements(c.weekly) s`": "in SQL",
		"const q = `SELECT weekly::text FROM classes`":                                            "",
	} {
		s := readSource(t, "package x\nimport \"time\"\n"+text)
		if got := fmt.Sprint(s.readsClocks(s.files[0])); (want == "") != (got == "[]") || !strings.Contains(got, want) {
			t.Errorf("%s: said %s, want %q", text, got, want)
		}
	}
}
