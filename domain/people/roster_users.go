package people

import (
	"context"
	"io"
	"slices"
	"strings"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"lignum/tenants"
)

// rosterRole is a row of roles.csv.
type rosterRole struct {
	role, org string
	primary   bool
}

// rolesOf are OneRoster's roles and ours. Those that reach beyond a school are not given by a file.
var rolesOf = map[string]string{
	"student": "student", "teacher": "teacher", "aide": "coach", "counselor": "coach", "guardian": "guardian", "parent": "guardian", "relative": "guardian",
	"administrator": "school_administrator", "siteadministrator": "school_administrator", "principal": "school_administrator",
}

// readRoles takes the roles of a OneRoster 1.2 file: the primary one of each person, else the first.
func (im *importer) readRoles(s rosterSource) error {
	r, err := s.rows()
	if err != nil {
		return err
	}
	defer r.Close()
	for {
		row, problem, err := r.next()
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
		if problem != nil || row.gone() {
			continue
		}
		user, role := row.get("usersourcedid"), rosterRole{row.get("role"), row.get("orgsourcedid"), strings.EqualFold(row.get("roletype"), "primary")}
		if was, ok := im.roles[user]; !ok || role.primary && !was.primary {
			im.roles[user] = role
		}
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
		WHERE c.kind = ANY($1::text[]) ORDER BY c.kind FOR UPDATE`, kinds)
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
	var lock any
	if err := q.QueryRow(ctx, "SELECT pg_advisory_xact_lock(hashtext(current_schema() || '/user_names'))::text").Scan(&lock); err != nil {
		return nil, err
	}
	var orgs, stems, wanted []string
	for _, r := range rows {
		_, org := im.roleAndOrg(r)
		orgs = append(orgs, org)
		if name := foldUserName(r.get("username")); name != "" {
			wanted = append(wanted, name)
		} else {
			stems = append(stems, userNameStem(r.get("givenname"), r.get("familyname")))
		}
	}
	var err error
	if pl.have, err = im.usersBySource(ctx, q, column(rows, "sourcedid"), "FOR UPDATE"); err != nil {
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

// roleAndOrg gives the row's OneRoster role and organisation, of 1.1's columns or of 1.2's roles.csv.
func (im *importer) roleAndOrg(r rosterRow) (role, org string) {
	other := im.roles[r.get("sourcedid")]
	if role = r.get("role"); role == "" {
		role = other.role
	}
	if org = r.get("primaryorgsourcedid"); org == "" {
		if orgs := r.list("orgsourcedids"); len(orgs) > 0 {
			org = orgs[0]
		} else {
			org = other.org
		}
	}
	return role, org
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
