package people

import (
	"context"
	"fmt"
	"net/mail"
	"regexp"
	"slices"
	"time"

	"github.com/google/uuid"
	"gorm.io/gorm"

	"lignum/domain"
	"lignum/policy"
	"lignum/tenants"
	"lignum/tenants/audit"
)

// UserState is whether an account is open.
type UserState string

// States of an account.
const (
	UserActive    UserState = "active"
	UserSuspended UserState = "suspended" // nobody signs in to it, until it is resumed
	UserErased    UserState = "erased"    // what named the person is gone, and nothing is changed any more
)

// User is an account, as its administrators see it. What tells how somebody proves who they are is written by domain/identity, and only read here.
type User struct {
	ID           uuid.UUID  `json:"id"`
	SourceID     *string    `json:"source_id,omitempty"` // the id in the country's own records
	UserName     string     `json:"user_name"`
	UserNameKey  string     `json:"-" db:"-"` // what sign-in compares (FoldUserName): written here, and read there
	GivenName    string     `json:"given_name"`
	FamilyName   string     `json:"family_name"`
	Email        *string    `json:"email,omitempty"`
	State        UserState  `json:"state"`
	StateReason  string     `json:"state_reason,omitempty"`
	SchoolID     *uuid.UUID `json:"school_id,omitempty"`
	Grade        string     `json:"grade,omitempty"`
	Locale       *string    `json:"locale,omitempty"`
	Roles        []string   `json:"roles" gorm:"->;serializer:json"` // of user_roles: read by withRoles, written as a set
	HasPassword  bool       `json:"has_password" gorm:"->"`          // false: a card or an invitation is waiting, or should be made
	SecondFactor bool       `json:"second_factor" gorm:"->"`         // confirmed
	CreatedAt    time.Time  `json:"created_at"`
	UpdatedAt    time.Time  `json:"updated_at" gorm:"autoUpdateTime:false"` // whoever changes says when
	// Version names what UserChange may change. Given back with a change, it is refused when somebody else changed it since.
	Version string `json:"version" db:"-" gorm:"-"`
}

// TableName is GORM's.
func (User) TableName() string { return "users" }

func (u *User) version() string {
	return domain.Version([]any{u.UserName, u.GivenName, u.FamilyName, u.Email, u.SchoolID, u.Grade, u.Locale, u.Roles})
}

// withRoles is a scope: an account with its roles, which have a table of their own, in the same trip.
func withRoles(s *gorm.Statement) {
	s.Select("*", "to_json(ARRAY(SELECT role FROM user_roles r WHERE r.user_id = users.id ORDER BY role)) AS roles")
}

// UserByID gives an account, or domain.NotFound.
func UserByID(ctx context.Context, q tenants.Querier, id uuid.UUID) (User, error) {
	u, err := tenants.Entity[User](q).Scopes(withRoles).Where("id = ?", id).Take(ctx)
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
	u := in.account(audit.NewID(), now)
	u.State, u.CreatedAt = UserActive, now
	if err := tenants.Entity[User](tx).Create(ctx, &u); err != nil {
		return User{}, explain(err, in.UserName)
	}
	if err := addRoles(ctx, tx, u.ID, in.Roles, now); err != nil {
		return User{}, err
	}
	tx.Record(audit.Entry{Action: "user.create", ObjectKind: "user", ObjectID: u.ID.String(),
		After: map[string]any{"user_name": in.UserName, "roles": in.Roles, "school_id": in.SchoolID, "grade": in.Grade}})
	return UserByID(ctx, tx, u.ID)
}

// account gives what was said of an account as it is stored.
func (n *NewUser) account(id uuid.UUID, now time.Time) User {
	return User{ID: id, UserName: n.UserName, UserNameKey: n.UserName, GivenName: n.GivenName, FamilyName: n.FamilyName, Email: orNone(n.Email),
		SchoolID: n.SchoolID, Grade: n.Grade, Locale: orNone(n.Locale), UpdatedAt: now}
}

// orNone gives nil for "".
func orNone(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}

// explain says which part of an account another has, or leads nowhere.
func explain(err error, userName string) error {
	switch {
	case tenants.IsViolation(err, "users_user_name_key_key"):
		return domain.Refuse(domain.Conflict, "people.the_user_name_is_taken", "UserName", userName)
	case tenants.IsViolation(err, "users_school_id_fkey"):
		return domain.InvalidField("school_id", "people.is_not_a_school_of")
	}
	return err
}

// RolesOf gives somebody's roles, sorted; none of whom there is not.
func RolesOf(ctx context.Context, q tenants.Querier, user uuid.UUID) (roles []string, err error) {
	err = q.QueryRow(ctx, "SELECT coalesce(array_agg(role ORDER BY role), '{}') FROM user_roles WHERE user_id = $1::uuid", user.String()).Scan(&roles)
	return roles, err
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
	if was.State == UserErased {
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
	if _, err := tenants.Entity[User](tx).Select("user_name", "user_name_key", "given_name", "family_name", "email", "school_id", "grade", "locale", "updated_at").
		Updates(ctx, next.account(id, now)); err != nil {
		return was, explain(err, next.UserName)
	}
	if _, moved := after["school_id"]; moved { // the school is in the access tokens
		if err := VoidTokens(ctx, tx, []string{id.String()}, now); err != nil {
			return was, err
		}
	}
	tx.Record(audit.Entry{Action: "user.change", ObjectKind: "user", ObjectID: id.String(), Before: before, After: after})
	return UserByID(ctx, tx, id)
}

// LockUser holds an account until the transaction ends, and gives it. A second statement reads it: one that waited for the lock would see the account as it
// has become, and its roles as they were before.
func LockUser(ctx context.Context, tx *tenants.Tx, id uuid.UUID) (User, error) {
	if _, err := tenants.Entity[User](tx, tenants.Held).Select("id").Where("id = ?", id).Take(ctx); err != nil {
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
	if was.State == UserErased {
		return was, domain.Refuse(domain.Conflict, "people.the_account_was_erased")
	}
	if err := keepAdministrator(ctx, tx, realm, was, roles); err != nil {
		return was, err
	}
	if from, to := QuotaOf(was.Roles), QuotaOf(roles); from != to && was.State == UserActive {
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
	if u.State != UserActive || !slices.Contains(u.Roles, role) || slices.Contains(roles, role) {
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
	if u.State != UserActive {
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
	if err := setState(ctx, tx, id, UserSuspended, reason, now); err != nil {
		return u, err
	}
	ended, err := end(ctx, tx, []string{id.String()}, "suspended", now)
	if err != nil {
		return u, err
	}
	tx.Record(audit.Entry{Action: "user.suspend", ObjectKind: "user", ObjectID: id.String(), Reason: reason,
		Before: map[string]any{"state": u.State}, After: map[string]any{"state": UserSuspended, "sessions_ended": ended}})
	return UserByID(ctx, tx, id)
}

// ResumeUser opens a suspended account again. It gives domain.NotFound, domain.Conflict when it is not suspended, domain.OverQuota.
func ResumeUser(ctx context.Context, tx *tenants.Tx, realm tenants.Realm, id uuid.UUID, now time.Time) (User, error) {
	u, err := LockUser(ctx, tx, id)
	if err != nil {
		return u, err
	}
	if u.State != UserSuspended {
		return u, domain.Refuse(domain.Conflict, "people.the_account_is_not_suspended")
	}
	if err := takeSeat(ctx, tx, realm, QuotaOf(u.Roles)); err != nil {
		return u, err
	}
	if err := setState(ctx, tx, id, UserActive, "", now); err != nil {
		return u, err
	}
	tx.Record(audit.Entry{Action: "user.resume", ObjectKind: "user", ObjectID: id.String(), Before: map[string]any{"state": u.State}, After: map[string]any{"state": UserActive}})
	return UserByID(ctx, tx, id)
}

func setState(ctx context.Context, tx *tenants.Tx, id uuid.UUID, state UserState, reason string, now time.Time) error {
	_, err := tenants.Entity[User](tx).Select("state", "state_reason", "updated_at").Updates(ctx, User{ID: id, State: state, StateReason: reason, UpdatedAt: now})
	return err
}

// VoidTokens makes users' access tokens void: each session must refresh, and then has the school and the roles of that moment.
func VoidTokens(ctx context.Context, tx *tenants.Tx, users []string, now time.Time) error {
	_, err := tx.Exec(ctx, `UPDATE users SET session_version = session_version + 1, tokens_voided_at = $2::timestamptz WHERE id = ANY($1::text[]::uuid[])`, users, now)
	tx.Bump("sessions")
	return err
}
