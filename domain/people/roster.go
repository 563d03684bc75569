package people

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"

	"lignum/domain"
	"lignum/tenants"
	"lignum/tenants/audit"
)

// A roster is what a ministry's or a school's own system exports: CSV files with the columns of OneRoster 1.1 or 1.2
// (1EdTech). It is imported in chunks of a thousand rows, each one transaction with its own entry in the trail, so that a killed import goes on
// where it was and a repeated one changes nothing. A row's identity is its sourcedId. Nothing is ever deleted: 'tobedeleted'
// suspends a person and ends an enrolment.
//
// Of the files with people, classes and places, the rows that give room back are done before all others, whatever their order: who leaves
// a full class makes room for who comes.

// Bounds of one import, over all its files.
const (
	maxRosterBytes = 200 << 20
	maxRosterRows  = 1_000_000
	rosterChunk    = 1000
	maxProblems    = 1000 // that a report carries; the table keeps ten times as many
)

// rosterReason is the state_reason of an account that a roster suspended, and that it may therefore resume.
const rosterReason = "roster"

// RosterOptions says how to import.
type RosterOptions struct {
	DryRun     bool                        // reads and reports; changes nothing
	Roles      []string                    // the roles that the actor may give; rows that ask for others are refused
	OnlySchool *uuid.UUID                  // a school administrator's: rows of other schools are refused
	Seats      int                         // of a new class whose row has no metadata.seats; 0: 40
	Progress   func(kind string, line int) // told after each chunk; may be nil
}

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
	Problems  []RowProblem `json:"problems"`      // at most a thousand
	More      int          `json:"more_problems"` // beyond those
	Needed    bool         `json:"needed"`        // it was left out although somebody meant it to be imported: the import is not whole
	Notes     []string     `json:"notes"`         // why a file was left out; columns that are not known, lines that hold no row, how the file was read
}

// Whole reports whether nothing was refused: no row, and no file that was meant to be imported.
func (r Report) Whole() bool {
	return !slices.ContainsFunc(r.Files, func(f FileReport) bool { return f.Refused > 0 || f.Needed })
}

// RowProblem says what is wrong with one row.
type RowProblem struct {
	Line   int    `json:"line"` // of the file; the header is line 1
	Field  string `json:"field"`
	Reason string `json:"reason"`
}

// importer is one run of ImportRoster.
type importer struct {
	db      *tenants.DB
	actor   audit.Actor
	opts    RosterOptions
	now     time.Time
	roles   map[string]*rosterRole // of roles.csv (OneRoster 1.2), by user
	regions map[string]string      // names of organisations that are not schools
	sim     *simulation            // in a dry run: what would be there by now
	seen    map[string]*seen       // by kind and pass
}

// rosterWork is one kind of import of one file, over one pass or two.
type rosterWork struct {
	kind    string
	file    *rosterSource
	plan    planner
	report  *FileReport
	from    int // the first position that is not done; 0: not begun
	told    map[string]*ignoredLines
	clipped map[string]int // rows that name several of what one is taken of, by column
}

// rosterPass is which rows of a file are looked at.
type rosterPass int

const (
	allRows   rosterPass = iota
	freeing              // those that can only give room back
	remaining            // all others; what is no row is counted here
)

// rosterStep is one pass over one file.
type rosterStep struct {
	*rosterWork
	pass rosterPass
}

// position numbers the lines over both passes, so that one number tells how far an import is.
func (s rosterStep) position(line int) int {
	if s.pass == remaining {
		return s.file.total + line
	}
	return line
}

// planner reads what the chunk is about, decides what becomes of each row, and gives the function that does it; nil when there is
// nothing to do. It must not write.
type planner func(ctx context.Context, q tenants.Querier, rows []rosterRow, out *outcome) (apply func(tx *tenants.Tx) error, err error)

// ImportRoster imports the files, in the order in which they depend on each other. It gives the report also beside an
// error: what was done stays done, and the same call goes on from there. Errors: domain.Invalid for files that are no roster,
// domain.TooLarge, domain.Conflict when the same file is being imported by somebody else.
func ImportRoster(ctx context.Context, db *tenants.DB, actor audit.Actor, files []RosterFile, opts RosterOptions, now time.Time) (Report, error) {
	im := &importer{db: db, actor: actor, opts: opts, now: now, roles: map[string]*rosterRole{}, regions: map[string]string{}, seen: map[string]*seen{}}
	if im.opts.Seats == 0 {
		im.opts.Seats = 40
	}
	if opts.DryRun {
		im.sim = newSimulation()
	}
	report := Report{DryRun: opts.DryRun, Files: []FileReport{}}
	sources, err := inspect(files)
	if err != nil {
		return report, err
	}
	for _, s := range sources {
		if s.kind == "" {
			report.Files = append(report.Files, FileReport{Name: s.Name, Problems: []RowProblem{}, Needed: s.needed, Notes: []string{s.leftOut}})
		}
	}
	steps, err := im.arrange(sources)
	if err != nil {
		return report, err
	}
	work := []*rosterWork{}
	for _, s := range sources {
		if s.kind == "roles" {
			w := &rosterWork{kind: "roles", file: s}
			if err := im.readRoles(w); err != nil {
				return report, err
			}
			work = append(work, w)
		}
	}
	for _, s := range steps {
		if s.report == nil {
			work = append(work, s.rosterWork)
		}
		if err = im.run(ctx, s); err != nil {
			break
		}
	}
	im.countRoles(work)
	slices.SortStableFunc(work, func(a, b *rosterWork) int {
		return slices.Index(rosterOrder, a.kind) - slices.Index(rosterOrder, b.kind)
	})
	for _, w := range work {
		report.Files = append(report.Files, *w.report)
	}
	return report, err
}

// rosterOrder is the order in which kinds depend on each other, and are reported.
var rosterOrder = []string{"orgs", "academicSessions", "roles", "users", "guardians", "classes", "enrollments"}

// arrange puts the passes into the order of what depends on what. Places are given back before classes are made smaller, and accounts before others are made.
func (im *importer) arrange(sources []*rosterSource) (steps []rosterStep, err error) {
	var roles string
	for _, s := range sources {
		switch s.kind {
		case "roles":
			roles += s.hash
		case "orgs":
			err = im.readRegions(s)
		}
		if err != nil {
			return nil, err
		}
	}
	plans := map[string]planner{"orgs": im.planOrgs, "academicSessions": im.planSessions, "users": im.planUsers, "guardians": im.planGuardians,
		"classes": im.planClasses, "enrollments": im.planEnrolments}
	works := map[string][]*rosterWork{}
	for _, s := range sources {
		add := func(kind, beside string) {
			file := *s
			file.hash += beside
			works[kind] = append(works[kind], &rosterWork{kind: kind, file: &file, plan: plans[kind], told: map[string]*ignoredLines{}, clipped: map[string]int{}})
		}
		switch {
		case s.kind == "users":
			add("users", roles)
			if s.has("agentsourcedids") {
				add("guardians", roles)
			}
		case plans[s.kind] != nil:
			add(s.kind, "")
		}
	}
	for _, then := range []struct {
		kind string
		pass rosterPass
	}{{"orgs", allRows}, {"academicSessions", allRows}, {"users", freeing}, {"users", remaining}, {"guardians", allRows},
		{"enrollments", freeing}, {"classes", freeing}, {"classes", remaining}, {"enrollments", remaining}} {
		for _, w := range works[then.kind] {
			steps = append(steps, rosterStep{w, then.pass})
		}
	}
	if len(steps) == 0 {
		var p domain.Problems
		for _, s := range sources {
			if s.leftOut != "" && len(p) < 20 {
				p.Add("file", "%s %s", s.Name, s.leftOut)
			}
		}
		p.Add("file", "none of the files has the columns of a OneRoster file that is imported here (orgs, academicSessions, users, classes, enrollments)")
		return nil, p.Err()
	}
	return steps, nil
}

// outcome is what became of a chunk's rows.
type outcome struct {
	created, changed, unchanged int
	problems                    []RowProblem
	refused                     map[int]bool
}

func (o *outcome) refuse(line int, field, reason string, args ...any) {
	o.problems = append(o.problems, RowProblem{line, field, fmt.Sprintf(reason, args...)})
	o.refused[line] = true
}

// refuseAll takes over what a validation found.
func (o *outcome) refuseAll(line int, p domain.Problems) {
	for _, f := range p {
		o.refuse(line, f.Name, "%s", f.Reason)
	}
}

// run does one pass: whole chunks, each its own transaction.
func (im *importer) run(ctx context.Context, s rosterStep) error {
	if s.report == nil {
		if err := im.begin(ctx, s.rosterWork); err != nil {
			return err
		}
	}
	src, why := s.file.rows()
	if why != "" {
		return domain.InvalidField("file", s.file.Name+" "+why)
	}
	defer src.Close()
	key := fmt.Sprint(s.kind, s.pass)
	if im.seen[key] == nil {
		im.seen[key] = newSeen()
	}
	im.seen[key].in(s.file.Name)
	chunk := make([]rosterRow, 0, rosterChunk)
	var bad []RowProblem
	for {
		line, err := src.next()
		if err != nil && err != io.EOF {
			return err
		}
		ended := err == io.EOF
		if !ended {
			row, problem := im.sift(s, line, im.seen[key])
			switch {
			case problem != nil && s.position(problem.Line) >= s.from:
				bad = append(bad, *problem)
			case row != nil && s.position(row.line) >= s.from:
				chunk = append(chunk, *row)
			}
		}
		if len(chunk)+len(bad) < rosterChunk && !ended {
			continue
		}
		if len(chunk)+len(bad) > 0 {
			next := s.position(src.at) + 1
			if err := im.doChunk(ctx, s, chunk, bad, next); err != nil {
				return err
			}
			s.from = next
			if im.opts.Progress != nil {
				im.opts.Progress(s.kind, src.at)
			}
		}
		if ended {
			if s.pass == freeing {
				return nil
			}
			s.report.Lines = src.at - 1
			s.tell()
			return im.close(ctx, s.rosterWork)
		}
		chunk, bad = make([]rosterRow, 0, rosterChunk), nil
		if err := ctx.Err(); err != nil {
			return err
		}
	}
}

// sift gives what of a line belongs to the pass: a row, or what is wrong with it. What is no row is counted, in the pass that comes last.
func (im *importer) sift(s rosterStep, line reading, seen *seen) (*rosterRow, *RowProblem) {
	last := s.pass != freeing
	if last && line.more > 0 {
		s.ignore(inCellAbove, line.at+1, line.more)
	}
	if line.empty {
		if last {
			s.ignore(isEmpty, line.at, 1)
		}
		return nil, nil
	}
	problem := line.problem
	if problem == nil {
		problem = seen.check(s.kind, line.row)
	}
	if problem == nil && last {
		s.clip(line.row)
	}
	switch {
	case problem == nil && s.kind == "users":
		if role := im.roles[line.row.get("sourcedid")]; role != nil {
			role.used = true
		}
	case problem != nil && last && s.kind == "guardians":
		s.ignore("refused above, among the accounts", line.at, 1)
		return nil, nil
	}
	switch {
	case problem != nil && last:
		return nil, problem
	case problem != nil, s.pass != allRows && line.row.freesSeats(s.kind) != (s.pass == freeing):
		return nil, nil
	}
	return &line.row, nil
}

// clip notes what a row names several of and only one is taken of.
func (w *rosterWork) clip(r rosterRow) {
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

func (w *rosterWork) ignore(why string, line, count int) {
	w.report.Ignored += count
	at := w.told[why]
	if at == nil {
		at = &ignoredLines{first: line}
		w.told[why] = at
	}
	at.count += count
}

// tell puts the lines that were ignored into the notes.
func (w *rosterWork) tell() {
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

// doChunk plans and does one chunk, again when the database was away for a moment.
func (im *importer) doChunk(ctx context.Context, s rosterStep, rows []rosterRow, bad []RowProblem, next int) error {
	f := s.report
	for try := 1; ; try++ {
		out := &outcome{refused: map[int]bool{}}
		for _, p := range bad {
			out.refuse(p.Line, p.Field, "%s", p.Reason)
		}
		err := im.tryChunk(ctx, s, rows, out, next)
		if err == nil {
			f.Created, f.Changed, f.Unchanged, f.Refused = f.Created+out.created, f.Changed+out.changed, f.Unchanged+out.unchanged, f.Refused+len(out.refused)
			f.addProblems(out.problems)
			return nil
		}
		if domain.CodeOf(err) != domain.Unavailable || try == 5 {
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(time.Duration(try) * 300 * time.Millisecond):
		}
	}
}

func (f *FileReport) addProblems(p []RowProblem) {
	slices.SortStableFunc(p, func(a, b RowProblem) int { return a.Line - b.Line })
	room := min(len(p), maxProblems-len(f.Problems))
	f.Problems = append(f.Problems, p[:room]...)
	f.More += len(p) - room
}

func (im *importer) tryChunk(ctx context.Context, s rosterStep, rows []rosterRow, out *outcome, next int) error {
	if im.opts.DryRun {
		return im.db.ReadFresh(ctx, func(r *tenants.Reader) error {
			_, err := s.plan(ctx, r, rows, out)
			return err
		})
	}
	return im.db.Write(ctx, im.actor, func(tx *tenants.Tx) error {
		var at int
		err := tx.QueryRow(ctx, `SELECT next_line FROM imports WHERE id = $1::uuid AND finished_at IS NULL FOR UPDATE`, s.report.ImportID.String()).Scan(&at)
		if err != nil || at != s.from {
			return errors.Join(domain.Errorf(domain.Conflict, "The same file is being imported by somebody else."), err)
		}
		apply, err := s.plan(ctx, tx, rows, out)
		if err != nil {
			return err
		}
		if apply != nil {
			if err := apply(tx); err != nil {
				return err
			}
		}
		return im.advance(ctx, tx, s, rows, out, next)
	})
}

// digest is of the rows as they were read, for the trail.
func digest(rows []rosterRow) string {
	h := sha256.New()
	for _, r := range rows {
		fmt.Fprintf(h, "%q\n", r.cells)
	}
	return hex.EncodeToString(h.Sum(nil))
}
