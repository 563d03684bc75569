package roster

import (
	"encoding/json"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/google/uuid"

	"lignum/domain"
	"lignum/domain/words"
)

// Report is what became of an import, file by file in the order of what depends on what.
type Report struct {
	DryRun bool         `json:"dry_run"`
	Files  []FileReport `json:"files"`
}

// FileReport is what became of one file. Every line but the header's is in exactly one of the five counts, which add up to
// Lines; they include what an interrupted run before did. users.csv has two reports when it names guardians: one of the accounts and one of the ties.
type FileReport struct {
	Name      string       `json:"name"`
	Kind      string       `json:"kind"`      // orgs, academicSessions, roles, users, guardians, classes, enrollments, or "" for a file that was left out
	ImportID  uuid.UUID    `json:"import_id"` // zero for what is only read: roles, and files that were left out
	Resumed   bool         `json:"resumed"`   // an interrupted run was continued
	Lines     int          `json:"lines"`     // of the file, without its header line
	Created   int          `json:"created"`
	Changed   int          `json:"changed"`
	Unchanged int          `json:"unchanged"`
	Refused   int          `json:"refused"`       // each with a problem
	Ignored   int          `json:"ignored"`       // lines that hold no row; Notes says which
	Problems  []Problem    `json:"problems"`      // at most a thousand
	More      int          `json:"more_problems"` // beyond those
	Needed    bool         `json:"needed"`        // it was left out although somebody meant it to be imported: the import is not whole
	Notes     []words.Text `json:"notes"`         // why a file was left out; columns that are not known, lines that hold no row, how the file was read
}

// Problem says what is wrong with one row.
type Problem struct {
	Line   int        `json:"line"` // of the file; the header is line 1
	Field  string     `json:"field"`
	Reason words.Text `json:"reason"`
}

// mostKeptText is how many bytes are stored of a sentence of a report.
const mostKeptText = 2000

// keptReport and keptFile are reports as they are stored: with what their notes say in whatever language they will be read.
type (
	keptReport Report
	keptFile   FileReport
)

// MarshalJSON, and the others, are JSON's.
func (k *keptReport) MarshalJSON() ([]byte, error) {
	r := Report(*k)
	r.Files = slices.Clone(k.Files)
	for i := range r.Files {
		r.Files[i].keep()
	}
	return json.Marshal(r)
}

func (k *keptReport) UnmarshalJSON(stored []byte) error {
	if err := json.Unmarshal(stored, (*Report)(k)); err != nil {
		return err
	}
	for i := range k.Files {
		k.Files[i].kept()
	}
	return nil
}

func (k *keptFile) MarshalJSON() ([]byte, error) {
	f := FileReport(*k)
	f.keep()
	return json.Marshal(f)
}

func (k *keptFile) UnmarshalJSON(stored []byte) error {
	f := (*FileReport)(k)
	if err := json.Unmarshal(stored, f); err != nil {
		return err
	}
	f.kept()
	return nil
}

func (f *FileReport) keep() {
	f.Notes = slices.Clone(f.Notes)
	for i, note := range f.Notes {
		f.Notes[i] = words.Plain(note.Keep(mostKeptText))
	}
}

func (f *FileReport) kept() {
	for i, note := range f.Notes {
		f.Notes[i] = words.Kept(note.String())
	}
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
	why  string // key of a message
}

func (o *outcome) warn(line int, why string) { o.warned = append(o.warned, warning{line, why}) }

// refuse notes why a row is not taken, with the message of a key, filled with pairs of name and value.
func (o *outcome) refuse(line int, field, key string, pairs ...any) {
	o.refuseIn(line, field, words.Say(key, pairs...))
}

func (o *outcome) refuseIn(line int, field string, reason words.Text) {
	o.problems = append(o.problems, Problem{line, field, reason})
	o.refused[line] = true
}

// refuseAll takes over what a validation found.
func (o *outcome) refuseAll(line int, p domain.Problems) {
	for _, f := range p {
		o.refuseIn(line, f.Name, f.Reason)
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

// Why a line holds no row: keys of messages.
const (
	isEmpty     = "roster.ignored_empty"
	inCellAbove = "roster.part_of_a_cell_that"
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

// warnedLines are lines that were taken with one warning.
type warnedLines struct {
	First []int `json:"first"` // the first of them, mostWarned at the most
	Count int   `json:"count"`
}

// warnedWith gives the task's warnings together with those of a chunk.
func (w *task) warnedWith(more []warning) map[string]warnedLines {
	all := maps.Clone(w.warned)
	for _, one := range more {
		is := all[one.why]
		first := append(slices.Clone(is.First), one.line)
		slices.Sort(first)
		all[one.why] = warnedLines{first[:min(len(first), mostWarned)], is.Count + 1}
	}
	return all
}

// tell puts the lines that were ignored, and those that were taken with a warning, into the notes.
func (w *task) tell() {
	for _, why := range asSaid(w.warned) {
		lines := w.warned[why]
		var named []string
		for _, line := range lines.First {
			named = append(named, strconv.Itoa(line))
		}
		switch rest := lines.Count - len(named); {
		case rest > 0:
			w.note("roster.warned_lines_and_more", "Lines", strings.Join(named, ", "), "More", rest, "Why", words.Say(why))
		case lines.Count > 1:
			w.note("roster.warned_lines", "Lines", strings.Join(named, ", "), "Why", words.Say(why))
		default:
			w.note("roster.warned_line", "Line", named[0], "Why", words.Say(why))
		}
	}
	if n := w.clipped["grades"]; n > 0 {
		w.note("roster.rows_that_name_several_grades", "Rows", n)
	}
	if n := w.clipped["orgsourcedids"]; n > 0 {
		w.note("roster.rows_that_name_several_organisations", "Rows", n)
	}
	for _, why := range asSaid(w.told) {
		if l := w.told[why]; l.count == 1 {
			w.note("roster.ignored_line", "Line", strconv.Itoa(l.first), "Why", words.Say(why))
		} else {
			w.note("roster.ignored_lines_the_first_is", "Lines", l.count, "Line", strconv.Itoa(l.first), "Why", words.Say(why))
		}
	}
}

// note adds a note to the report: the message of a key, filled with pairs of name and value.
func (w *task) note(key string, pairs ...any) {
	w.report.Notes = append(w.report.Notes, words.Say(key, pairs...))
}

// asSaid returns the keys of messages in the order of what they say.
func asSaid[V any](by map[string]V) []string {
	return slices.SortedFunc(maps.Keys(by), func(a, b string) int {
		return strings.Compare(words.Say(a).String(), words.Say(b).String())
	})
}
