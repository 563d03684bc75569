package roster

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strings"

	"lignum/domain"
	"lignum/domain/identity"
	"lignum/domain/people"
	"lignum/tenants"
	"lignum/tenants/limits"
)

// givenRole is a row of roles.csv.
type givenRole struct {
	role, org string
	primary   bool
	used      bool // a row of users.csv is of this person
}

// rolesOf are OneRoster's roles and ours. Those that reach beyond a school are not given by a file.
var rolesOf = map[string]string{
	"student": "student", "teacher": "teacher", "aide": "coach", "counselor": "coach", "guardian": "guardian", "parent": "guardian", "relative": "guardian",
	"administrator": "school_administrator", "siteadministrator": "school_administrator", "principal": "school_administrator",
}

// readRoles takes the roles of a OneRoster 1.2 file: the primary one of each person, else the first.
func (im *importer) readRoles(w *task) error {
	w.report = &FileReport{Name: w.file.Name, Kind: w.kind, Problems: []Problem{}, Notes: w.file.notes(w.kind), Ignored: w.file.headerAt - 1}
	w.told = map[string]*ignoredLines{}
	r, why := w.file.rows()
	if !why.IsZero() {
		return domain.InvalidField("file", "roster.file_left_out", "Name", w.file.Name, "Why", why)
	}
	defer r.Close()
	seen := newSeen("roles")
	seen.in(w.file.Name)
	out := &outcome{refused: map[int]bool{}}
	for {
		line, err := r.next()
		if err != nil && err != io.EOF {
			return err
		}
		if err == io.EOF {
			w.report.Lines, w.report.Refused = r.at-1, len(out.refused)
			w.report.addProblems(out.problems)
			return nil
		}
		if line.more > 0 {
			w.ignore(inCellAbove, line.at+1, line.more)
		}
		switch {
		case line.empty:
			w.ignore(isEmpty, line.at, 1)
			continue
		case line.problem == nil:
			line.problem = seen.check(w.kind, line.row)
		}
		if p := line.problem; p != nil {
			out.refuseIn(p.Line, p.Field, p.Reason)
			continue
		}
		im.readRole(w, line.row, out)
	}
}

func (im *importer) readRole(w *task, row record, out *outcome) {
	var p domain.Problems
	user := row.get("usersourcedid")
	p.Text("userSourcedId", user, 1, 255)
	role := givenRole{role: row.get("role"), org: row.get("orgsourcedid"), primary: row.word(&p, "roleType", roleTypeWords) == "primary"}
	row.status(&p)
	if rolesOf[strings.ToLower(role.role)] == "" {
		p.Add("role", "roster.is_not_given_by_a_roster", "Role", fmt.Sprintf("%q", clipText(role.role, 40)), "Allowed", anyOf(userRoleWords))
	}
	was := im.roles[user]
	switch {
	case row.ends():
		w.ignore("roster.of_a_role_that_ended", row.line, 1)
	case len(p) > 0:
		out.refuseAll(row.line, p)
	case was == nil:
		im.roles[user] = &role
	default:
		w.ignore("roster.a_further_role_of_somebody", row.line, 1)
		if role.primary && !was.primary {
			*was = role
		}
	}
}

// countRoles says what became of the rows of roles.csv, once it is known who is in users.csv. It changes nothing by itself: a role that was
// taken is counted as unchanged.
func (im *importer) countRoles(work []*task) {
	i := slices.IndexFunc(work, func(w *task) bool { return w.kind == "roles" })
	if i < 0 {
		return
	}
	for _, w := range work {
		if w.kind == "roles" {
			w.report.Unchanged = w.report.Lines - w.report.Refused - w.report.Ignored
			w.tell()
		}
	}
	idle := 0
	for _, r := range im.roles {
		if !r.used {
			idle++
		}
	}
	if idle > 0 && !im.skipped {
		work[i].note("roster.of_the_people_have_no", "N", idle)
	}
}

func (im *importer) users(ctx context.Context, q tenants.Querier, sources []string, lock bool) (map[string]*people.SourcedUser, error) {
	have, err := people.UsersBySource(ctx, q, sources, lock)
	if err == nil && im.sim != nil {
		overlay(have, im.sim.users, sources)
	}
	return have, err
}

// quotas reads quotas; unless it is a dry run, they stay as they are until the chunk is done.
func (im *importer) quotas(ctx context.Context, q tenants.Querier, kinds ...limits.Kind) (limits.Counts, error) {
	if im.sim == nil {
		return limits.Lock(ctx, q, kinds...)
	}
	quotas, err := limits.Look(ctx, q, kinds...)
	for kind, n := range im.sim.used {
		quotas.Add(kind, n)
	}
	return quotas, err
}

// usersPlan is the work on one chunk of users.csv.
type usersPlan struct {
	im      *importer
	have    map[string]*people.SourcedUser
	schools map[string]*people.SourcedSchool
	quotas  limits.Counts
	names   *people.UserNames
	create  []*people.SourcedUser
	change  []*people.SourcedUser
}

func (im *importer) planUsers(ctx context.Context, q tenants.Querier, rows []record, out *outcome) (func(tx *tenants.Tx) error, error) {
	pl := &usersPlan{im: im}
	if tx, ok := q.(*tenants.Tx); ok { // a dry run chooses nothing
		if err := people.LockUserNames(ctx, tx); err != nil {
			return nil, err
		}
	}
	var orgs, stems, wanted []string
	for _, r := range rows {
		_, of := im.roleAndOrg(r)
		orgs = append(orgs, of...)
		if name := people.FoldUserName(r.get("username")); name != "" {
			wanted = append(wanted, name)
		} else {
			stems = append(stems, people.UserNameStem(r.get("givenname"), r.get("familyname")))
		}
	}
	var err error
	if pl.have, err = im.users(ctx, q, column(rows, "sourcedid"), !im.opts.DryRun); err != nil {
		return nil, err
	}
	if pl.schools, err = im.schools(ctx, q, orgs); err != nil {
		return nil, err
	}
	if pl.quotas, err = im.quotas(ctx, q, limits.Learners, limits.Staff); err != nil {
		return nil, err
	}
	if pl.names, err = people.LoadUserNames(ctx, q, stems, wanted); err != nil {
		return nil, err
	}
	if im.sim != nil {
		im.sim.names.TakeAll(pl.names)
		pl.names = im.sim.names
	}
	for _, r := range rows {
		pl.row(r, out)
	}
	if im.sim != nil {
		keep(im.sim.users, pl.have)
		im.sim.use(pl.quotas)
	}
	if len(pl.create)+len(pl.change) == 0 {
		return nil, nil
	}
	return func(tx *tenants.Tx) error {
		if err := people.PutUsers(ctx, tx, pl.create, pl.change, pl.quotas, identity.EndSessions, im.now); err != nil {
			return err
		}
		return noteAccounts(ctx, tx, im.opts.Run, pl.create)
	}, nil
}

// roleAndOrg returns the row's OneRoster role and organisations, of 1.1's columns or of 1.2's roles.csv.
func (im *importer) roleAndOrg(r record) (role string, orgs []string) {
	other := givenRole{}
	if of := im.roles[r.get("sourcedid")]; of != nil {
		other = *of
	}
	if role = r.get("role"); role == "" {
		role = other.role
	}
	if org := r.get("primaryorgsourcedid"); org != "" {
		return role, []string{org}
	}
	if orgs = r.list("orgsourcedids"); len(orgs) == 0 && other.org != "" {
		orgs = []string{other.org}
	}
	return role, orgs
}
