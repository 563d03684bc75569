// Package roster imports what a ministry's or a school's own system exports: schools, terms, people, classes and places in them, as CSV files with the
// columns of OneRoster 1.1 or 1.2 (1EdTech). A row's identity is its sourcedId. Nothing is ever deleted: 'tobedeleted' suspends a person and ends an enrolment.
//
// It is imported in chunks of a thousand rows, each one transaction with its own entry in the trail, so that a killed import goes on where it was and a
// repeated one changes nothing. Of the files with people, classes and places, the rows that give room back are done before all others, whatever their
// order: who leaves a full class makes room for who comes.
//
// This room reads files, decides what becomes of each row, and remembers how far it is (imports, import_problems). What it decides on is read, and what
// it decided is written, by the rooms whose it is: people, classes and calendar, a statement for each table and chunk. Whatever other source of a roster
// comes, such as OneRoster's REST, comes here, in front of the same plans.
//
// A report speaks the language of whoever reads it, also when it was stored meanwhile.
package roster

import (
	"context"
	"slices"
	"time"

	"github.com/google/uuid"

	"lignum/domain"
	"lignum/domain/words"
	"lignum/tenants"
	"lignum/tenants/audit"
)

// Bounds of one import, over all its files.
const (
	maxBytes    = 200 << 20
	maxRows     = 1_000_000
	chunkRows   = 1000
	maxProblems = 1000 // that a report carries; the table keeps ten times as many
)

// Options says how to import.
type Options struct {
	DryRun     bool                        // reads and reports; changes nothing
	Roles      []string                    // the roles that the actor may give; rows that ask for others are refused
	OnlySchool *uuid.UUID                  // a school administrator's: rows of other schools are refused
	Run        uuid.UUID                   // the run that it is the work of (runs.go); uuid.Nil: none
	Seats      int                         // of a new class whose row has no metadata.seats; 0: 40
	Progress   func(kind string, line int) // told after each chunk; may be nil
}

// importer is one run of Import.
type importer struct {
	db      *tenants.DB
	actor   audit.Actor
	opts    Options
	now     time.Time
	roles   map[string]*givenRole // of roles.csv (OneRoster 1.2), by user
	regions map[string]string     // names of organisations that are not schools
	sim     *simulation           // in a dry run: what would be there by now
	seen    *seen                 // of the kind and the pass that are being worked on
	skipped bool                  // a file with people was not read, since the run has imported it before
}

// task is one kind of import of one file, over one pass or two.
type task struct {
	kind    string
	file    *sourceFile
	plan    planner
	report  *FileReport
	from    int  // the first position that is not done; 0: not begun
	over    bool // the run has imported it before
	told    map[string]*ignoredLines
	clipped map[string]int         // rows that name several of what one is taken of, by column
	warned  map[string]warnedLines // lines that were taken although something that they name is not known, by what
}

// pass is which rows of a file are looked at.
type pass int

const (
	allRows   pass = iota
	freeing        // those that can only give room back
	remaining      // all others; what is no row is counted here
)

// step is one pass over one file.
type step struct {
	*task
	pass pass
}

// position numbers the lines over both passes, so that one number tells how far an import is.
func (s step) position(line int) int {
	if s.pass == remaining {
		return s.file.total + line
	}
	return line
}

// planner reads what the chunk is about, decides what becomes of each row, and gives the function that does it; nil when there is
// nothing to do. It must not write.
type planner func(ctx context.Context, q tenants.Querier, rows []record, out *outcome) (apply func(tx *tenants.Tx) error, err error)

// Import imports the files, in the order in which they depend on each other. It gives the report also beside an
// error: what was done stays done, and the same call goes on from there. Errors: domain.Invalid for files that are no roster,
// domain.TooLarge, domain.Conflict when the same file is being imported by somebody else.
func Import(ctx context.Context, db *tenants.DB, actor audit.Actor, files []File, opts Options, now time.Time) (Report, error) {
	im := &importer{db: db, actor: actor, opts: opts, now: now, roles: map[string]*givenRole{}, regions: map[string]string{}}
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
			report.Files = append(report.Files, FileReport{Name: s.Name, Problems: []Problem{}, Needed: s.needed, Notes: []words.Text{s.leftOut}})
		}
	}
	steps, err := im.arrange(sources)
	if err != nil {
		return report, err
	}
	work := []*task{}
	for _, s := range sources {
		if s.kind == "roles" {
			w := &task{kind: "roles", file: s}
			if err := im.readRoles(w); err != nil {
				return report, err
			}
			work = append(work, w)
		}
	}
	for _, s := range steps {
		if s.report == nil {
			work = append(work, s.task)
		}
		if err = im.run(ctx, s); err != nil {
			break
		}
	}
	im.countRoles(work)
	slices.SortStableFunc(work, func(a, b *task) int {
		return slices.Index(kindOrder, a.kind) - slices.Index(kindOrder, b.kind)
	})
	for _, w := range work {
		report.Files = append(report.Files, *w.report)
	}
	return report, err
}

// kindOrder is the order in which kinds depend on each other, and are reported.
var kindOrder = []string{"orgs", "academicSessions", "roles", "users", "guardians", "classes", "enrollments"}

// arrange puts the passes into the order of what depends on what. Places are given back before classes are made smaller, and accounts before others are made.
func (im *importer) arrange(sources []*sourceFile) (steps []step, err error) {
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
	works := map[string][]*task{}
	for _, s := range sources {
		add := func(kind, beside string) {
			file := *s
			file.hash += beside
			works[kind] = append(works[kind], &task{kind: kind, file: &file, plan: plans[kind], told: map[string]*ignoredLines{}, clipped: map[string]int{}, warned: map[string]warnedLines{}})
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
		pass pass
	}{{"orgs", allRows}, {"academicSessions", allRows}, {"users", freeing}, {"users", remaining}, {"guardians", allRows},
		{"enrollments", freeing}, {"classes", freeing}, {"classes", remaining}, {"enrollments", remaining}} {
		for _, w := range works[then.kind] {
			steps = append(steps, step{w, then.pass})
		}
	}
	if len(steps) == 0 {
		var p domain.Problems
		for _, s := range sources {
			if !s.leftOut.IsZero() && len(p) < 20 {
				p.Add("file", "roster.file_left_out", "Name", s.Name, "Why", s.leftOut)
			}
		}
		p.Add("file", "roster.none_of_the_files_has")
		return nil, p.Err()
	}
	return steps, nil
}
