package people

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"

	"github.com/google/uuid"

	"lignum/domain"
	"lignum/tenants"
	"lignum/tenants/audit"
)

// A roster is what a ministry's or a school's own system exports: CSV files with the columns of OneRoster 1.1 or 1.2
// (1EdTech). It is imported in chunks, each one transaction with its own entry in the trail, so that a killed import goes on where it
// was and a repeated one changes nothing. A row's identity is its sourcedId. Nothing is ever deleted: 'tobedeleted'
// suspends a person and ends an enrolment.

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

// Report is what became of an import, file by file in the order of work.
type Report struct {
	DryRun bool         `json:"dry_run"`
	Files  []FileReport `json:"files"`
}

// FileReport is what became of one file. Every row is in exactly one of the four counts; they include what an interrupted run before did.
type FileReport struct {
	Name      string       `json:"name"`
	Kind      string       `json:"kind"` // orgs, academicSessions, users, guardians, classes, enrollments, or "" for an ignored file
	ImportID  uuid.UUID    `json:"import_id"`
	Resumed   bool         `json:"resumed"` // an interrupted run was continued
	Created   int          `json:"created"`
	Changed   int          `json:"changed"`
	Unchanged int          `json:"unchanged"`
	Refused   int          `json:"refused"`
	Problems  []RowProblem `json:"problems"`      // at most a thousand
	More      int          `json:"more_problems"` // beyond those
	Notes     []string     `json:"notes"`         // columns that are not known, files that were left out
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
	roles   map[string]rosterRole // of roles.csv (OneRoster 1.2), by user
	regions map[string]string     // names of organisations that are not schools
	sim     *simulation           // in a dry run: what would be there by now
}

// rosterStep is one pass over one file.
type rosterStep struct {
	kind string
	file rosterSource
	plan planner
}

// planner reads what the chunk is about, decides what becomes of each row, and gives the function that does it; nil when there is
// nothing to do. It must not write.
type planner func(ctx context.Context, q tenants.Querier, rows []rosterRow, out *outcome) (apply func(tx *tenants.Tx) error, err error)

// ImportRoster imports the files, in the order in which they depend on each other. It gives the report also beside an
// error: what was done stays done, and the same call goes on from there. Errors: domain.Invalid for files that are no roster,
// domain.TooLarge, domain.Conflict when the same file is being imported by somebody else.
func ImportRoster(ctx context.Context, db *tenants.DB, actor audit.Actor, files []RosterFile, opts RosterOptions, now time.Time) (Report, error) {
	im := &importer{db: db, actor: actor, opts: opts, now: now, roles: map[string]rosterRole{}, regions: map[string]string{}}
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
	steps, ignored, err := im.arrange(sources)
	report.Files = append(report.Files, ignored...)
	if err != nil {
		return report, err
	}
	for _, s := range steps {
		f := FileReport{Name: s.file.Name, Kind: s.kind, Problems: []RowProblem{}, Notes: s.file.notes(s.kind)}
		err := im.run(ctx, s, &f)
		report.Files = append(report.Files, f)
		if err != nil {
			return report, err
		}
	}
	return report, nil
}

// arrange puts the passes into the order of what depends on what.
func (im *importer) arrange(sources []rosterSource) (steps []rosterStep, ignored []FileReport, err error) {
	var roles string
	for _, s := range sources {
		switch s.kind {
		case "roles":
			roles += s.hash
			err = im.readRoles(s)
		case "orgs":
			err = im.readRegions(s)
		case "":
			ignored = append(ignored, FileReport{Name: s.Name, Problems: []RowProblem{}, Notes: []string{s.ignored}})
		}
		if err != nil {
			return nil, ignored, err
		}
	}
	for _, kind := range []string{"orgs", "academicSessions", "users", "guardians", "classes", "enrollments"} {
		plan := map[string]planner{"orgs": im.planOrgs, "academicSessions": im.planSessions, "users": im.planUsers, "guardians": im.planGuardians,
			"classes": im.planClasses, "enrollments": im.planEnrolments}[kind]
		for _, s := range sources {
			if s.kind == kind || kind == "guardians" && s.kind == "users" && s.has("agentsourcedids") {
				s.hash += roles
				steps = append(steps, rosterStep{kind, s, plan})
			}
		}
	}
	if len(steps) == 0 {
		return nil, ignored, domain.InvalidField("file", "none of the files has the columns of a OneRoster file that is imported here (orgs, academicSessions, users, classes, enrollments)")
	}
	return steps, ignored, nil
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
func (im *importer) run(ctx context.Context, s rosterStep, f *FileReport) error {
	from := 1
	if !im.opts.DryRun {
		var err error
		if from, err = im.open(ctx, s, f); err != nil {
			return err
		}
	}
	src, err := s.file.rows()
	if err != nil {
		return err
	}
	defer src.Close()
	seen := newSeen()
	chunk := make([]rosterRow, 0, rosterChunk)
	var bad []RowProblem
	for {
		row, problem, err := src.next()
		if err != nil && err != io.EOF {
			return err
		}
		ended := err == io.EOF
		switch {
		case ended:
		case problem != nil:
			if problem.Line >= from {
				bad = append(bad, *problem)
			}
		default:
			problem := seen.check(s.kind, row)
			switch {
			case row.line < from:
			case problem != nil:
				bad = append(bad, *problem)
			default:
				chunk = append(chunk, row)
			}
		}
		if len(chunk)+len(bad) < rosterChunk && !ended {
			continue
		}
		if len(chunk)+len(bad) > 0 {
			next := src.line() + 1
			if err := im.doChunk(ctx, s, f, chunk, bad, from, next); err != nil {
				return err
			}
			from = next
			if im.opts.Progress != nil {
				im.opts.Progress(s.kind, next-1)
			}
		}
		if ended {
			return im.close(ctx, s, f)
		}
		chunk, bad = make([]rosterRow, 0, rosterChunk), nil
		if err := ctx.Err(); err != nil {
			return err
		}
	}
}

// doChunk plans and does one chunk, again when the database was away for a moment.
func (im *importer) doChunk(ctx context.Context, s rosterStep, f *FileReport, rows []rosterRow, bad []RowProblem, from, next int) error {
	for try := 1; ; try++ {
		out := &outcome{refused: map[int]bool{}}
		for _, p := range bad {
			out.refuse(p.Line, p.Field, "%s", p.Reason)
		}
		err := im.tryChunk(ctx, s, f.ImportID, rows, out, from, next)
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

func (im *importer) tryChunk(ctx context.Context, s rosterStep, id uuid.UUID, rows []rosterRow, out *outcome, from, next int) error {
	if im.opts.DryRun {
		return im.db.ReadFresh(ctx, func(r *tenants.Reader) error {
			_, err := s.plan(ctx, r, rows, out)
			return err
		})
	}
	return im.db.Write(ctx, im.actor, func(tx *tenants.Tx) error {
		var at int
		err := tx.QueryRow(ctx, `SELECT next_line FROM imports WHERE id = $1::uuid AND finished_at IS NULL FOR UPDATE`, id.String()).Scan(&at)
		if err != nil || at != from {
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
		return im.advance(ctx, tx, s, id, rows, out, from, next)
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
