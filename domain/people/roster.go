package people

import (
	"context"
	"slices"
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

// importer is one run of ImportRoster.
type importer struct {
	db      *tenants.DB
	actor   audit.Actor
	opts    RosterOptions
	now     time.Time
	roles   map[string]*rosterRole // of roles.csv (OneRoster 1.2), by user
	regions map[string]string      // names of organisations that are not schools
	sim     *simulation            // in a dry run: what would be there by now
	seen    *seen                  // of the kind and the pass that are being worked on
}

// rosterWork is one kind of import of one file, over one pass or two.
type rosterWork struct {
	kind    string
	file    *rosterSource
	plan    planner
	report  *FileReport
	from    int // the first position that is not done; 0: not begun
	told    map[string]*ignoredLines
	clipped map[string]int   // rows that name several of what one is taken of, by column
	warned  map[string][]int // lines that were taken although something that they name is not known, by what
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
	im := &importer{db: db, actor: actor, opts: opts, now: now, roles: map[string]*rosterRole{}, regions: map[string]string{}}
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
			works[kind] = append(works[kind], &rosterWork{kind: kind, file: &file, plan: plans[kind], told: map[string]*ignoredLines{}, clipped: map[string]int{}, warned: map[string][]int{}})
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
