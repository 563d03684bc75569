package people

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"lignum/domain"
	"lignum/tenants"
)

// rosterRole is a row of roles.csv.
type rosterRole struct {
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
func (im *importer) readRoles(w *rosterWork) error {
	w.report = &FileReport{Name: w.file.Name, Kind: w.kind, Problems: []RowProblem{}, Notes: w.file.notes(w.kind), Ignored: w.file.headerAt - 1}
	w.told = map[string]*ignoredLines{}
	r, why := w.file.rows()
	if why != "" {
		return domain.InvalidField("file", w.file.Name+" "+why)
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
			out.refuse(p.Line, p.Field, "%s", p.Reason)
			continue
		}
		im.readRole(w, line.row, out)
	}
}

func (im *importer) readRole(w *rosterWork, row rosterRow, out *outcome) {
	var p domain.Problems
	user := row.get("usersourcedid")
	checkText(&p, "userSourcedId", user, 1, 255)
	role := rosterRole{role: row.get("role"), org: row.get("orgsourcedid"), primary: row.word(&p, "roleType", roleTypeWords) == "primary"}
	row.status(&p)
	if rolesOf[strings.ToLower(role.role)] == "" {
		p.Add("role", "%q is not given by a roster; allowed: %s", clipText(role.role, 40), anyOf(userRoleWords))
	}
	was := im.roles[user]
	switch {
	case row.ends():
		w.ignore("of a role that ended", row.line, 1)
	case len(p) > 0:
		out.refuseAll(row.line, p)
	case was == nil:
		im.roles[user] = &role
	default:
		w.ignore("a further role of somebody, and only the primary one is taken", row.line, 1)
		if role.primary && !was.primary {
			*was = role
		}
	}
}

// countRoles says what became of the rows of roles.csv, once it is known who is in users.csv. It changes nothing by itself: a role that was
// taken is counted as unchanged.
func (im *importer) countRoles(work []*rosterWork) {
	i := slices.IndexFunc(work, func(w *rosterWork) bool { return w.kind == "roles" })
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
	if idle > 0 {
		f := work[i].report
		f.Notes = append(f.Notes, fmt.Sprintf("%d of the people have no row in users.csv; nothing became of their roles", idle))
	}
}

// rosterUser is an account, as it is or as the roster wants it.
type rosterUser struct {
	ID       uuid.UUID  `json:"id"`
	SourceID string     `json:"source_id"`
	UserName string     `json:"user_name"`
	Given    string     `json:"given_name"`
	Family   string     `json:"family_name"`
	Email    string     `json:"email"`
	State    string     `json:"state"`
	Reason   string     `json:"state_reason"`
	SchoolID *uuid.UUID `json:"school_id"`
	Grade    string     `json:"grade"`
	Roles    []string   `json:"roles"`
	suspend  bool
}

func (u *rosterUser) is(role string) bool { return slices.Contains(u.Roles, role) }

func (im *importer) usersBySource(ctx context.Context, q tenants.Querier, sources []string, lock string) (map[string]*rosterUser, error) {
	have := map[string]*rosterUser{}
	rows, err := q.Query(ctx, `SELECT id, source_id, user_name, given_name, family_name, coalesce(email, ''), state, state_reason, school_id, grade,
		ARRAY(SELECT role FROM user_roles r WHERE r.user_id = u.id ORDER BY role) FROM users u WHERE source_id = ANY($1::text[]) ORDER BY id `+lock, sources)
	if err != nil {
		return nil, err
	}
	list, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (*rosterUser, error) {
		var u rosterUser
		err := row.Scan(&u.ID, &u.SourceID, &u.UserName, &u.Given, &u.Family, &u.Email, &u.State, &u.Reason, &u.SchoolID, &u.Grade, &u.Roles)
		return &u, err
	})
	for _, u := range list {
		have[u.SourceID] = u
	}
	if im.sim != nil {
		overlay(have, im.sim.users, sources)
	}
	return have, err
}

// seats locks and reads quotas.
func (im *importer) seats(ctx context.Context, q tenants.Querier, kinds ...string) (map[string]*seatCount, error) {
	rows, err := q.Query(ctx, `SELECT c.kind, c.n, coalesce((SELECT (limits->>c.kind)::bigint FROM settings), 0) FROM usage_counts c
		WHERE c.kind = ANY($1::text[]) ORDER BY c.kind`+im.locking(" FOR UPDATE"), kinds)
	if err != nil {
		return nil, err
	}
	counts := map[string]*seatCount{}
	var kind string
	var c seatCount
	_, err = pgx.ForEachRow(rows, []any{&kind, &c.used, &c.limit}, func() error {
		if im.sim != nil {
			c.used += im.sim.used[kind]
		}
		counts[kind] = &seatCount{used: c.used, limit: c.limit, before: c.used}
		return nil
	})
	return counts, err
}

// queueSeats writes what a chunk used.
func (im *importer) queueSeats(b *pgx.Batch, counts map[string]*seatCount) {
	for _, kind := range []string{"classes", "learners", "staff"} {
		if c := counts[kind]; c != nil && c.used != c.before {
			b.Queue(`UPDATE usage_counts SET n = $2::bigint WHERE kind = $1::text`, kind, c.used)
		}
	}
}

// usersPlan is the work on one chunk of users.csv.
type usersPlan struct {
	im      *importer
	have    map[string]*rosterUser
	schools map[string]*rosterSchool
	seats   map[string]*seatCount
	names   *userNames
	create  []*rosterUser
	change  []*rosterUser
}

func (im *importer) planUsers(ctx context.Context, q tenants.Querier, rows []rosterRow, out *outcome) (func(tx *tenants.Tx) error, error) {
	pl := &usersPlan{im: im}
	if tx, ok := q.(*tenants.Tx); ok { // a dry run chooses nothing
		if err := lockUserNames(ctx, tx); err != nil {
			return nil, err
		}
	}
	var orgs, stems, wanted []string
	for _, r := range rows {
		_, of := im.roleAndOrg(r)
		orgs = append(orgs, of...)
		if name := foldUserName(r.get("username")); name != "" {
			wanted = append(wanted, name)
		} else {
			stems = append(stems, userNameStem(r.get("givenname"), r.get("familyname")))
		}
	}
	var err error
	if pl.have, err = im.usersBySource(ctx, q, column(rows, "sourcedid"), im.locking("FOR UPDATE")); err != nil {
		return nil, err
	}
	if pl.schools, err = im.schools(ctx, q, orgs); err != nil {
		return nil, err
	}
	if pl.seats, err = im.seats(ctx, q, "learners", "staff"); err != nil {
		return nil, err
	}
	if pl.names, err = loadNames(ctx, q, stems, wanted); err != nil {
		return nil, err
	}
	if im.sim != nil {
		for name := range pl.names.taken {
			im.sim.names.take(name)
		}
		pl.names = im.sim.names
	}
	for _, r := range rows {
		pl.row(r, out)
	}
	if im.sim != nil {
		keep(im.sim.users, pl.have)
		for kind, c := range pl.seats {
			im.sim.used[kind] += c.used - c.before
		}
	}
	if len(pl.create)+len(pl.change) == 0 {
		return nil, nil
	}
	return func(tx *tenants.Tx) error { return pl.apply(ctx, tx) }, nil
}

// roleAndOrg gives the row's OneRoster role and organisations, of 1.1's columns or of 1.2's roles.csv.
func (im *importer) roleAndOrg(r rosterRow) (role string, orgs []string) {
	other := rosterRole{}
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

const userRecord = `jsonb_to_recordset($1::jsonb) AS r(id uuid, source_id text, user_name text, given_name text, family_name text, email text,
	state text, state_reason text, school_id uuid, grade text, roles jsonb)`

// apply writes the plan: a handful of statements, however many rows.
func (pl *usersPlan) apply(ctx context.Context, tx *tenants.Tx) error {
	b := &pgx.Batch{}
	if len(pl.create) > 0 {
		records := jsonRows(pl.create)
		b.Queue(`INSERT INTO users (id, source_id, user_name, user_name_key, given_name, family_name, email, state, state_reason, school_id, grade, created_at, updated_at)
			SELECT r.id, r.source_id, r.user_name, r.user_name, r.given_name, r.family_name, nullif(r.email, ''), r.state, r.state_reason, r.school_id, r.grade,
				$2::timestamptz, $2::timestamptz FROM `+userRecord, records, pl.im.now)
		b.Queue(`INSERT INTO user_roles (user_id, role, granted_at, granted_by)
			SELECT r.id, r.roles->>0, $2::timestamptz, $3::uuid FROM `+userRecord, records, pl.im.now, uuidText(&pl.im.actor.ID))
	}
	var ended []string
	if len(pl.change) > 0 {
		// A change of names reaches tokens with the next refresh; a change of state must reach them now.
		b.Queue(`UPDATE users u SET user_name = r.user_name, user_name_key = r.user_name, given_name = r.given_name, family_name = r.family_name,
			email = nullif(r.email, ''), state = r.state, state_reason = r.state_reason, school_id = r.school_id, grade = r.grade, updated_at = $2::timestamptz
			FROM `+userRecord+` WHERE u.id = r.id`, jsonRows(pl.change), pl.im.now)
		for _, u := range pl.change {
			if u.suspend {
				ended = append(ended, u.ID.String())
			}
		}
	}
	pl.im.queueSeats(b, pl.seats)
	if err := tx.SendBatch(ctx, b).Close(); err != nil || len(ended) == 0 {
		return err
	}
	_, err := voidSessions(ctx, tx, ended, uuid.Nil, "suspended", pl.im.now)
	return err
}
