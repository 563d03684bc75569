package people

import (
	"context"
	"fmt"
	"net/mail"
	"regexp"
	"slices"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"lignum/domain"
	"lignum/policy"
	"lignum/tenants"
	"lignum/tenants/audit"
)

// User is an account, as its administrators see it.
type User struct {
	ID           uuid.UUID  `json:"id"`
	SourceID     *string    `json:"source_id,omitempty"` // the id in the country's own records
	UserName     string     `json:"user_name"`
	GivenName    string     `json:"given_name"`
	FamilyName   string     `json:"family_name"`
	Email        *string    `json:"email,omitempty"`
	State        string     `json:"state"` // active, suspended, erased
	StateReason  string     `json:"state_reason,omitempty"`
	SchoolID     *uuid.UUID `json:"school_id,omitempty"`
	Grade        string     `json:"grade,omitempty"`
	Locale       *string    `json:"locale,omitempty"`
	Roles        []string   `json:"roles"`
	HasPassword  bool       `json:"has_password"`  // false: a card or an invitation is waiting, or should be made
	SecondFactor bool       `json:"second_factor"` // confirmed
	CreatedAt    time.Time  `json:"created_at"`
	UpdatedAt    time.Time  `json:"updated_at"`
	// Version names what UserChange may change. Given back with a change, it is refused when somebody else changed it since.
	Version string `json:"version" db:"-"`
}

func (u *User) version() string {
	return domain.Version([]any{u.UserName, u.GivenName, u.FamilyName, u.Email, u.SchoolID, u.Grade, u.Locale, u.Roles})
}

const userSQL = `SELECT u.id, u.source_id, u.user_name, u.given_name, u.family_name, u.email, u.state, u.state_reason, u.school_id, u.grade, u.locale,
	ARRAY(SELECT role FROM user_roles r WHERE r.user_id = u.id ORDER BY role), u.has_password, u.second_factor,
	u.created_at, u.updated_at FROM users u`

// UserByID gives an account, or domain.NotFound.
func UserByID(ctx context.Context, q tenants.Querier, id uuid.UUID) (User, error) {
	rows, err := q.Query(ctx, userSQL+` WHERE u.id = $1::uuid`, id.String())
	if err != nil {
		return User{}, err
	}
	u, err := pgx.CollectExactlyOneRow(rows, pgx.RowToStructByPos[User])
	u.Version = u.version()
	return u, notFound(err, "domain.there_is_no_such_user")
}

// NewUser is what is said of a new account.
type NewUser struct {
	UserName   string     // empty: made from the names
	GivenName  string     // 1 to 100 characters
	FamilyName string     // 1 to 100 characters
	Email      string     // empty for children
	Roles      []string   // at least one; whether the actor may give them is for the policy
	SchoolID   *uuid.UUID // tenants only
	Grade      string
	Locale     string // BCP 47; empty: the realm's
}

var (
	rolePattern   = regexp.MustCompile(`^[a-z][a-z0-9_]{1,62}$`)
	localePattern = regexp.MustCompile(`^[a-z]{2,3}(-[A-Za-z0-9]{2,8})*$`)
)

// Validate puts the user into normal form and gives one domain.Invalid about everything that is wrong.
func (n *NewUser) Validate(realm tenants.Realm) error {
	var p domain.Problems
	n.UserName = FoldUserName(n.UserName)
	if n.UserName != "" {
		CheckUserName(&p, "user_name", n.UserName)
	}
	p.Text("given_name", n.GivenName, 1, 100)
	p.Text("family_name", n.FamilyName, 1, 100)
	p.Text("grade", n.Grade, 0, 20)
	CheckEmail(&p, n.Email)
	checkRoles(&p, n.Roles)
	if n.Locale != "" && !localePattern.MatchString(n.Locale) {
		p.Add("locale", "people.must_be_a_language_tag")
	}
	if realm.IsPlatform() && n.SchoolID != nil {
		p.Add("school_id", "people.is_for_tenants_only")
	}
	return p.Err()
}

// CheckEmail notes an address that is neither empty nor one that mail could go to.
func CheckEmail(p *domain.Problems, email string) {
	if email == "" {
		return
	}
	if a, err := mail.ParseAddress(email); err != nil || a.Address != email || len(email) > 254 {
		p.Add("email", "people.must_be_an_address_such")
	}
}

func checkRoles(p *domain.Problems, roles []string) {
	if len(roles) < 1 || len(roles) > 10 {
		p.Add("roles", "people.must_name_1_to_10")
	}
	for i, r := range roles {
		if !rolePattern.MatchString(r) || slices.Contains(roles[:i], r) {
			p.Add("roles", "people.is_not_a_role_or", "Role", fmt.Sprintf("%q", r))
		}
	}
}

// CreateUser adds somebody, who cannot sign in before they have a card (identity.CreateUser). It gives
// domain.Invalid, domain.Conflict when the user name is taken, and domain.OverQuota.
func CreateUser(ctx context.Context, tx *tenants.Tx, realm tenants.Realm, in NewUser, now time.Time) (User, error) {
	if err := in.Validate(realm); err != nil {
		return User{}, err
	}
	if err := LockUserNames(ctx, tx); err != nil {
		return User{}, err
	}
	if in.UserName == "" {
		names, err := LoadUserNames(ctx, tx, []string{UserNameStem(in.GivenName, in.FamilyName)}, nil)
		if err != nil {
			return User{}, err
		}
		in.UserName = names.Next(UserNameStem(in.GivenName, in.FamilyName))
	}
	if err := takeSeat(ctx, tx, realm, QuotaOf(in.Roles)); err != nil {
		return User{}, err
	}
	id := audit.NewID()
	_, err := tx.Exec(ctx, `INSERT INTO users (id, user_name, user_name_key, given_name, family_name, email, school_id, grade, locale, created_at, updated_at)
		VALUES ($1::uuid, $2::text, $2::text, $3::text, $4::text, nullif($5::text, ''), $6::uuid, $7::text, nullif($8::text, ''), $9::timestamptz, $9::timestamptz)`,
		id.String(), in.UserName, in.GivenName, in.FamilyName, in.Email, uuidText(in.SchoolID), in.Grade, in.Locale, now)
	switch {
	case tenants.IsViolation(err, "users_user_name_key_key"):
		return User{}, domain.Refuse(domain.Conflict, "people.the_user_name_is_taken", "UserName", in.UserName)
	case tenants.IsViolation(err, "users_school_id_fkey"):
		return User{}, domain.InvalidField("school_id", "people.is_not_a_school_of")
	case err != nil:
		return User{}, err
	}
	if err := addRoles(ctx, tx, id, in.Roles, now); err != nil {
		return User{}, err
	}
	tx.Record(audit.Entry{Action: "user.create", ObjectKind: "user", ObjectID: id.String(),
		After: map[string]any{"user_name": in.UserName, "roles": in.Roles, "school_id": in.SchoolID, "grade": in.Grade}})
	return UserByID(ctx, tx, id)
}

func uuidText(id *uuid.UUID) *string {
	if id == nil {
		return nil
	}
	s := id.String()
	return &s
}

func addRoles(ctx context.Context, tx *tenants.Tx, user uuid.UUID, roles []string, now time.Time) error {
	_, err := tx.Exec(ctx, `INSERT INTO user_roles (user_id, role, granted_at, granted_by)
		SELECT $1::uuid, r, $3::timestamptz, nullif($4::uuid, '00000000-0000-0000-0000-000000000000'::uuid) FROM unnest($2::text[]) AS r`,
		user.String(), roles, now, tx.Who().ID.String())
	return err
}

// UserChange is what may be changed of an account; nil leaves a thing as it is.
type UserChange struct {
	UserName   *string
	GivenName  *string
	FamilyName *string
	Email      *string // "": none
	SchoolID   *uuid.UUID
	NoSchool   bool // takes the school away
	Grade      *string
	Locale     *string // "": the realm's
	Version    string  // that was read; "": the change holds whatever was there
}

// ChangeUser changes an account. It gives domain.NotFound, domain.Invalid, domain.Conflict when a user name is taken, or when
// somebody else changed the account after the Version that was read.
func ChangeUser(ctx context.Context, tx *tenants.Tx, realm tenants.Realm, id uuid.UUID, in UserChange, now time.Time) (User, error) {
	if err := LockUserNames(ctx, tx); err != nil { // before any account, as the roster does
		return User{}, err
	}
	was, err := LockUser(ctx, tx, id)
	if err != nil {
		return was, err
	}
	if was.State == "erased" {
		return was, domain.Refuse(domain.Conflict, "people.the_account_was_erased")
	}
	if err := domain.CheckVersion(in.Version, was.Version); err != nil {
		return was, err
	}
	next := NewUser{UserName: was.UserName, GivenName: was.GivenName, FamilyName: was.FamilyName, Roles: []string{Student}, SchoolID: was.SchoolID, Grade: was.Grade}
	before, after := map[string]any{}, map[string]any{} // what is changed, for the trail
	take := func(name string, to *string, from *string, old *string) {
		if from != nil {
			*to = *from
		} else if old != nil {
			*to = *old
		}
		if from != nil && (old == nil && *from != "" || old != nil && *old != *from) {
			before[name], after[name] = old, *from
		}
	}
	if in.UserName != nil {
		folded := FoldUserName(*in.UserName)
		in.UserName = &folded
	}
	take("user_name", &next.UserName, in.UserName, &was.UserName)
	take("given_name", &next.GivenName, in.GivenName, &was.GivenName)
	take("family_name", &next.FamilyName, in.FamilyName, &was.FamilyName)
	take("grade", &next.Grade, in.Grade, &was.Grade)
	take("email", &next.Email, in.Email, was.Email)
	take("locale", &next.Locale, in.Locale, was.Locale)
	switch {
	case in.NoSchool && was.SchoolID != nil:
		next.SchoolID, before["school_id"], after["school_id"] = nil, was.SchoolID, nil
	case in.SchoolID != nil && (was.SchoolID == nil || *was.SchoolID != *in.SchoolID):
		next.SchoolID, before["school_id"], after["school_id"] = in.SchoolID, was.SchoolID, in.SchoolID
	}
	if in.UserName != nil && *in.UserName == "" {
		return was, domain.InvalidField("user_name", "domain.must_not_be_empty")
	}
	if err := next.Validate(realm); err != nil {
		return was, err
	}
	_, err = tx.Exec(ctx, `UPDATE users SET user_name = $2::text, user_name_key = $2::text, given_name = $3::text, family_name = $4::text, email = nullif($5::text, ''),
		school_id = $6::uuid, grade = $7::text, locale = nullif($8::text, ''), updated_at = $9::timestamptz WHERE id = $1::uuid`,
		id.String(), next.UserName, next.GivenName, next.FamilyName, next.Email, uuidText(next.SchoolID), next.Grade, next.Locale, now)
	switch {
	case tenants.IsViolation(err, "users_user_name_key_key"):
		return was, domain.Refuse(domain.Conflict, "people.the_user_name_is_taken", "UserName", next.UserName)
	case tenants.IsViolation(err, "users_school_id_fkey"):
		return was, domain.InvalidField("school_id", "people.is_not_a_school_of")
	case err != nil:
		return was, err
	}
	if _, moved := after["school_id"]; moved { // the school is in the access tokens
		if err := VoidTokens(ctx, tx, []string{id.String()}, now); err != nil {
			return was, err
		}
	}
	tx.Record(audit.Entry{Action: "user.change", ObjectKind: "user", ObjectID: id.String(), Before: before, After: after})
	return UserByID(ctx, tx, id)
}

// LockUser locks an account until the transaction ends, and gives it.
func LockUser(ctx context.Context, tx *tenants.Tx, id uuid.UUID) (User, error) {
	if err := tx.QueryRow(ctx, `SELECT id FROM users WHERE id = $1::uuid FOR UPDATE`, id.String()).Scan(&id); err != nil {
		return User{}, notFound(err, "domain.there_is_no_such_user")
	}
	return UserByID(ctx, tx, id)
}

// SetRoles gives an account exactly these roles. Open sessions go on with them from their next refresh, which is at once.
// It gives domain.NotFound, domain.Invalid, domain.OverQuota when a learner becomes staff and there is no room, and
// domain.Conflict for taking the last administrator's role. Whether the actor may give them is for policy.CheckAssign.
func SetRoles(ctx context.Context, tx *tenants.Tx, realm tenants.Realm, id uuid.UUID, roles []string, now time.Time) (User, error) {
	var p domain.Problems
	if checkRoles(&p, roles); len(p) > 0 {
		return User{}, p.Err()
	}
	was, err := LockUser(ctx, tx, id)
	if err != nil {
		return was, err
	}
	if was.State == "erased" {
		return was, domain.Refuse(domain.Conflict, "people.the_account_was_erased")
	}
	if err := keepAdministrator(ctx, tx, realm, was, roles); err != nil {
		return was, err
	}
	if from, to := QuotaOf(was.Roles), QuotaOf(roles); from != to && was.State == "active" {
		if err := takeSeat(ctx, tx, realm, to); err != nil {
			return was, err
		}
		if err := giveSeatBack(ctx, tx, realm, from); err != nil {
			return was, err
		}
	}
	if _, err := tx.Exec(ctx, `DELETE FROM user_roles WHERE user_id = $1::uuid AND role <> ALL($2::text[])`, id.String(), roles); err != nil {
		return was, err
	}
	added := slices.DeleteFunc(slices.Clone(roles), func(r string) bool { return slices.Contains(was.Roles, r) })
	if err := addRoles(ctx, tx, id, added, now); err != nil {
		return was, err
	}
	if err := VoidTokens(ctx, tx, []string{id.String()}, now); err != nil {
		return was, err
	}
	tx.Record(audit.Entry{Action: "user.roles", ObjectKind: "user", ObjectID: id.String(), Before: map[string]any{"roles": was.Roles}, After: map[string]any{"roles": roles}})
	return UserByID(ctx, tx, id)
}

// keepAdministrator refuses to leave a realm without anybody who can administer it.
func keepAdministrator(ctx context.Context, tx *tenants.Tx, realm tenants.Realm, u User, roles []string) error {
	role := policy.AdministratorRole(policy.KindOf(realm.Name()))
	if u.State != "active" || !slices.Contains(u.Roles, role) || slices.Contains(roles, role) {
		return nil
	}
	if err := tx.Lock(ctx, "administrators"); err != nil {
		return err
	}
	another, err := exists(ctx, tx, `SELECT EXISTS (SELECT FROM user_roles r JOIN users u ON u.id = r.user_id
		WHERE r.role = $1::text AND u.state = 'active' AND u.id <> $2::uuid)`, role, u.ID.String())
	if err == nil && !another {
		return domain.Refuse(domain.Conflict, "people.this_is_the_last_active", "Role", role)
	}
	return err
}

// Ending ends what accounts have open, at once, and tells how much that was: identity.EndSessions, which stands above this room.
type Ending func(ctx context.Context, tx *tenants.Tx, users []string, why string, now time.Time) (int64, error)

// SuspendUser closes an account until ResumeUser, ends its sessions at once and frees its seat. reason is stated by the
// actor, 1 to 500 characters. It gives domain.NotFound, domain.Invalid, domain.Conflict when it is not active.
func SuspendUser(ctx context.Context, tx *tenants.Tx, realm tenants.Realm, id uuid.UUID, reason string, end Ending, now time.Time) (User, error) {
	var p domain.Problems
	if p.Text("reason", reason, 1, 500); len(p) > 0 {
		return User{}, p.Err()
	}
	u, err := LockUser(ctx, tx, id)
	if err != nil {
		return u, err
	}
	if u.State != "active" {
		return u, domain.Refuse(domain.Conflict, "people.the_account_is_not_active")
	}
	if err := keepAdministrator(ctx, tx, realm, u, nil); err != nil {
		return u, err
	}
	if reason == RosterReason { // a person's word is not the roster's
		reason += "."
	}
	// The seat before the account, as wherever accounts are made: the sums of both are locked, in the same order by everybody.
	if err := giveSeatBack(ctx, tx, realm, QuotaOf(u.Roles)); err != nil {
		return u, err
	}
	if _, err := tx.Exec(ctx, `UPDATE users SET state = 'suspended', state_reason = $2::text, updated_at = $3::timestamptz WHERE id = $1::uuid`, id.String(), reason, now); err != nil {
		return u, err
	}
	ended, err := end(ctx, tx, []string{id.String()}, "suspended", now)
	if err != nil {
		return u, err
	}
	tx.Record(audit.Entry{Action: "user.suspend", ObjectKind: "user", ObjectID: id.String(), Reason: reason,
		Before: map[string]any{"state": u.State}, After: map[string]any{"state": "suspended", "sessions_ended": ended}})
	return UserByID(ctx, tx, id)
}

// ResumeUser opens a suspended account again. It gives domain.NotFound, domain.Conflict when it is not suspended, domain.OverQuota.
func ResumeUser(ctx context.Context, tx *tenants.Tx, realm tenants.Realm, id uuid.UUID, now time.Time) (User, error) {
	u, err := LockUser(ctx, tx, id)
	if err != nil {
		return u, err
	}
	if u.State != "suspended" {
		return u, domain.Refuse(domain.Conflict, "people.the_account_is_not_suspended")
	}
	if err := takeSeat(ctx, tx, realm, QuotaOf(u.Roles)); err != nil {
		return u, err
	}
	if _, err := tx.Exec(ctx, `UPDATE users SET state = 'active', state_reason = '', updated_at = $2::timestamptz WHERE id = $1::uuid`, id.String(), now); err != nil {
		return u, err
	}
	tx.Record(audit.Entry{Action: "user.resume", ObjectKind: "user", ObjectID: id.String(), Before: map[string]any{"state": u.State}, After: map[string]any{"state": "active"}})
	return UserByID(ctx, tx, id)
}

// VoidTokens makes users' access tokens void: each session must refresh, and then has the school and the roles of that moment.
func VoidTokens(ctx context.Context, tx *tenants.Tx, users []string, now time.Time) error {
	_, err := tx.Exec(ctx, `UPDATE users SET session_version = session_version + 1, tokens_voided_at = $2::timestamptz WHERE id = ANY($1::text[]::uuid[])`, users, now)
	tx.Bump("sessions")
	return err
}
