package roster

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/google/uuid"

	"lignum/domain"
)

// Report is what became of an import, file by file in the order of what depends on what.
type Report struct {
	DryRun bool         `json:"dry_run"`
	Files  []FileReport `json:"files"`
}

// FileReport is what became of one file. Every line but the header's is in exactly one of the five counts, which add up to
// Lines; they include what an interrupted run before did. users.csv has two reports when it names guardians: one of the accounts and one of the ties.
type FileReport struct {
	Name      string    `json:"name"`
	Kind      string    `json:"kind"`      // orgs, academicSessions, roles, users, guardians, classes, enrollments, or "" for a file that was left out
	ImportID  uuid.UUID `json:"import_id"` // zero for what is only read: roles, and files that were left out
	Resumed   bool      `json:"resumed"`   // an interrupted run was continued
	Lines     int       `json:"lines"`     // of the file, without its header line
	Created   int       `json:"created"`
	Changed   int       `json:"changed"`
	Unchanged int       `json:"unchanged"`
	Refused   int       `json:"refused"`       // each with a problem
	Ignored   int       `json:"ignored"`       // lines that hold no row; Notes says which
	Problems  []Problem `json:"problems"`      // at most a thousand
	More      int       `json:"more_problems"` // beyond those
	Needed    bool      `json:"needed"`        // it was left out although somebody meant it to be imported: the import is not whole
	Notes     []string  `json:"notes"`         // why a file was left out; columns that are not known, lines that hold no row, how the file was read
}

// Whole reports whether nothing was refused: no row, and no file that was meant to be imported.
func (r Report) Whole() bool {
	return !slices.ContainsFunc(r.Files, func(f FileReport) bool { return f.Refused > 0 || f.Needed })
}

// Problem says what is wrong with one row.
type Problem struct {
	Line   int    `json:"line"` // of the file; the header is line 1
	Field  string `json:"field"`
	Reason string `json:"reason"`
}

// outcome is what became of a chunk's rows.
type outcome struct {
	created, changed, unchanged int
	problems                    []Problem
	refused                     map[int]bool
	warned                      []warning
}

// warning is about a row that was taken although something that it names is not known.
type warning struct {
	line int
	why  string
}

func (o *outcome) warn(line int, why string) { o.warned = append(o.warned, warning{line, why}) }

func (o *outcome) refuse(line int, field, reason string, args ...any) {
	o.problems = append(o.problems, Problem{line, field, fmt.Sprintf(reason, args...)})
	o.refused[line] = true
}

// refuseAll takes over what a validation found.
func (o *outcome) refuseAll(line int, p domain.Problems) {
	for _, f := range p {
		o.refuse(line, f.Name, "%s", f.Reason)
	}
}

func (f *FileReport) addProblems(p []Problem) {
	slices.SortStableFunc(p, func(a, b Problem) int { return a.Line - b.Line })
	room := min(len(p), maxProblems-len(f.Problems))
	f.Problems = append(f.Problems, p[:room]...)
	f.More += len(p) - room
}

// clip notes what a row names several of and only one is taken of.
func (w *task) clip(r record) {
	if w.kind != "users" && w.kind != "classes" {
		return
	}
	for _, column := range []string{"grades", "orgsourcedids"} {
		if strings.Contains(r.get(column), ",") && len(r.list(column)) > 1 {
			w.clipped[column]++
		}
	}
}

// Why a line holds no row.
const (
	isEmpty     = "empty"
	inCellAbove = "part of a cell that goes over several lines"
)

// ignoredLines are lines that hold no row.
type ignoredLines struct{ first, count int }

func (w *task) ignore(why string, line, count int) {
	w.report.Ignored += count
	at := w.told[why]
	if at == nil {
		at = &ignoredLines{first: line}
		w.told[why] = at
	}
	at.count += count
}

// mostWarned is how many lines a note of warnings names.
const mostWarned = 20

// tell puts the lines that were ignored, and those that were taken with a warning, into the notes.
func (w *task) tell() {
	for _, why := range slices.Sorted(maps.Keys(w.warned)) {
		lines := w.warned[why]
		slices.Sort(lines)
		var named []string
		for _, line := range lines[:min(len(lines), mostWarned)] {
			named = append(named, strconv.Itoa(line))
		}
		at := "line " + named[0]
		if len(lines) > 1 {
			at = "lines " + strings.Join(named, ", ")
		}
		if rest := len(lines) - len(named); rest > 0 {
			at += fmt.Sprintf(" and %d more", rest)
		}
		w.report.Notes = append(w.report.Notes, at+": "+why)
	}
	if n := w.clipped["grades"]; n > 0 {
		w.report.Notes = append(w.report.Notes, fmt.Sprintf("rows that name several grades: %d; the first grade is kept", n))
	}
	if n := w.clipped["orgsourcedids"]; n > 0 {
		w.report.Notes = append(w.report.Notes, fmt.Sprintf("rows that name several organisations: %d; the first school is kept", n))
	}
	for _, why := range slices.Sorted(maps.Keys(w.told)) {
		if l := w.told[why]; l.count == 1 {
			w.report.Notes = append(w.report.Notes, fmt.Sprintf("ignored line %d: %s", l.first, why))
		} else {
			w.report.Notes = append(w.report.Notes, fmt.Sprintf("ignored %d lines, the first is line %d: %s", l.count, l.first, why))
		}
	}
}
