package people

import (
	"context"
	"slices"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"lignum/domain"
	"lignum/tenants"
	"lignum/tenants/limits"
)

// A country's own records know schools and people by ids of theirs, and send thousands of them at once (domain/roster). What is here reads and writes as
// many as there are, each kind of write in one statement. Whoever writes has looked at each of them, and records the entry.

// RosterReason is the state_reason of an account that a roster suspended, and that it may therefore resume.
const RosterReason = "roster"

// SourcedSchool is a school of the country's own records.
type SourcedSchool struct {
	ID       uuid.UUID   `json:"id"`
	SourceID string      `json:"source_id"` // in the country's records
	Name     string      `json:"name"`
	Region   string      `json:"region"`
	State    SchoolState `json:"state"`
}

// SchoolsBySource returns schools by their ids in the country's records; those that are not there are left out.
func SchoolsBySource(ctx context.Context, q tenants.Querier, sources []string) (map[string]*SourcedSchool, error) {
	rows, err := q.Query(ctx, `SELECT id, source_id, name, region, state FROM schools WHERE source_id = ANY($1::text[])`, sources)
	if err != nil {
		return nil, err
	}
	list, err := pgx.CollectRows(rows, pgx.RowToAddrOfStructByPos[SourcedSchool])
	schools := make(map[string]*SourcedSchool, len(list))
	for _, s := range list {
		schools[s.SourceID] = s
	}
	return schools, err
}

// PutSchools adds schools, and changes those whose ids are there.
func PutSchools(ctx context.Context, tx *tenants.Tx, schools []*SourcedSchool) error {
	_, err := tx.Exec(ctx, `INSERT INTO schools (id, source_id, name, region, state)
		SELECT r.id, r.source_id, r.name, r.region, r.state FROM jsonb_to_recordset($1::jsonb) AS r(id uuid, source_id text, name text, region text, state text)
		ON CONFLICT (id) DO UPDATE SET name = excluded.name, region = excluded.region, state = excluded.state`, domain.Recordset(schools))
	return err
}

// SourcedUser is an account of somebody of the country's own records.
type SourcedUser struct {
	ID       uuid.UUID  `json:"id"`
	SourceID string     `json:"source_id"` // in the country's records
	UserName string     `json:"user_name"`
	Given    string     `json:"given_name"`
	Family   string     `json:"family_name"`
	Email    string     `json:"email"` // "": none
	State    UserState  `json:"state"`
	Reason   string     `json:"state_reason"`
	SchoolID *uuid.UUID `json:"school_id"`
	Grade    string     `json:"grade"`
	Roles    []string   `json:"roles"` // of a new account: one
	Suspend  bool       `json:"-"`     // the change suspends it: its sessions end
}

// Is reports whether the account has a role.
func (u *SourcedUser) Is(role string) bool { return slices.Contains(u.Roles, role) }

// UsersBySource returns accounts by their ids in the country's records; those that are not there are left out. With lock they stay as they are until the
// transaction ends.
func UsersBySource(ctx context.Context, q tenants.Querier, sources []string, lock bool) (map[string]*SourcedUser, error) {
	var list []*SourcedUser
	b := &pgx.Batch{}
	if lock { // before it reads, as LockUser does
		b.Queue(`SELECT FROM users WHERE source_id = ANY($1::text[]) ORDER BY id FOR UPDATE`, sources)
	}
	b.Queue(`SELECT id, source_id, user_name, given_name, family_name, coalesce(email, ''), state, state_reason, school_id, grade,
		ARRAY(SELECT role FROM user_roles r WHERE r.user_id = u.id ORDER BY role) FROM users u WHERE source_id = ANY($1::text[])`, sources).Query(func(rows pgx.Rows) (err error) {
		list, err = pgx.CollectRows(rows, func(row pgx.CollectableRow) (*SourcedUser, error) {
			var u SourcedUser
			err := row.Scan(&u.ID, &u.SourceID, &u.UserName, &u.Given, &u.Family, &u.Email, &u.State, &u.Reason, &u.SchoolID, &u.Grade, &u.Roles)
			return &u, err
		})
		return err
	})
	err := q.SendBatch(ctx, b).Close()
	users := make(map[string]*SourcedUser, len(list))
	for _, u := range list {
		users[u.SourceID] = u
	}
	return users, err
}

const sourcedUsers = `jsonb_to_recordset($1::jsonb) AS r(id uuid, source_id text, user_name text, given_name text, family_name text, email text,
	state text, state_reason text, school_id uuid, grade text, roles jsonb)`

// PutUsers adds accounts with their roles, changes others but for theirs, and ends the sessions of those that it suspends. Their user names were chosen behind
// LockUserNames, and what they take of the quotas, or give back, was asked of quotas, which are locked and written with them.
func PutUsers(ctx context.Context, tx *tenants.Tx, add, change []*SourcedUser, quotas limits.Counts, end Ending, now time.Time) error {
	b := &pgx.Batch{}
	if len(add) > 0 {
		rows := domain.Recordset(add)
		b.Queue(`INSERT INTO users (id, source_id, user_name, user_name_key, given_name, family_name, email, state, state_reason, school_id, grade, created_at, updated_at)
			SELECT r.id, r.source_id, r.user_name, r.user_name, r.given_name, r.family_name, nullif(r.email, ''), r.state, r.state_reason, r.school_id, r.grade,
				$2::timestamptz, $2::timestamptz FROM `+sourcedUsers, rows, now)
		b.Queue(`INSERT INTO user_roles (user_id, role, granted_at, granted_by)
			SELECT r.id, r.roles->>0, $2::timestamptz, $3::uuid FROM `+sourcedUsers, rows, now, tx.Who().ID.String())
	}
	var ended []string
	if len(change) > 0 {
		// A change of names reaches tokens with the next refresh; a change of state must reach them now.
		b.Queue(`UPDATE users u SET user_name = r.user_name, user_name_key = r.user_name, given_name = r.given_name, family_name = r.family_name,
			email = nullif(r.email, ''), state = r.state, state_reason = r.state_reason, school_id = r.school_id, grade = r.grade, updated_at = $2::timestamptz
			FROM `+sourcedUsers+` WHERE u.id = r.id`, domain.Recordset(change), now)
		for _, u := range change {
			if u.Suspend {
				ended = append(ended, u.ID.String())
			}
		}
	}
	quotas.Queue(b)
	if err := tx.SendBatch(ctx, b).Close(); err != nil || len(ended) == 0 {
		return err
	}
	_, err := end(ctx, tx, ended, "suspended", now)
	return err
}

// Tie is of a guardian and a learner.
type Tie struct {
	Guardian uuid.UUID `json:"guardian"`
	Learner  uuid.UUID `json:"learner"`
}

// TiesAmong returns those of some ties that there are, whether they ended or not.
func TiesAmong(ctx context.Context, q tenants.Querier, ties []Tie) (map[Tie]bool, error) {
	rows, err := q.Query(ctx, `SELECT g.guardian_id, g.learner_id FROM guardianships g
		JOIN jsonb_to_recordset($1::jsonb) AS r(guardian uuid, learner uuid) ON g.guardian_id = r.guardian AND g.learner_id = r.learner`, domain.Recordset(ties))
	if err != nil {
		return nil, err
	}
	among := map[Tie]bool{}
	var t Tie
	_, err = pgx.ForEachRow(rows, []any{&t.Guardian, &t.Learner}, func() error { among[t] = true; return nil })
	return among, err
}

// PutTies adds ties without consent, which is the guardian's to give. Those that there are stay as they are.
func PutTies(ctx context.Context, tx *tenants.Tx, ties []Tie) error {
	_, err := tx.Exec(ctx, `INSERT INTO guardianships (guardian_id, learner_id) SELECT r.guardian, r.learner
		FROM jsonb_to_recordset($1::jsonb) AS r(guardian uuid, learner uuid) ON CONFLICT DO NOTHING`, domain.Recordset(ties))
	return err
}
