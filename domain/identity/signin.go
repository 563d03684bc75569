package identity

import (
	"context"
	"errors"
	"time"
	"unicode/utf8"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"lignum/domain"
	"lignum/domain/notices"
	"lignum/domain/people"
	"lignum/domain/words"
	"lignum/tenants"
	"lignum/tenants/audit"
)

// Desk is where people sign in. A process has one, for all realms; it is safe for concurrent use.
type Desk struct {
	Hasher    *Hasher
	Lifetimes Lifetimes
	Account   Throttle
	Device    Throttle
	Address   Throttle
}

// NewDesk makes a Desk with the default lifetimes and throttles.
func NewDesk(h *Hasher) *Desk {
	return &Desk{Hasher: h, Lifetimes: DefaultLifetimes, Account: AccountThrottle, Device: DeviceThrottle, Address: AddressThrottle}
}

// SignIn is what somebody types to sign in.
type SignIn struct {
	UserName string
	Password string
	Code     string // of the authenticator app, or a recovery code; empty when the account has none, or it is not asked for yet
	Device   Device
	Day      time.Time // the tenant's date, for the count of active users; zero: not counted
}

// account is what sign-in needs to know of somebody.
type account struct {
	ID             uuid.UUID
	UserName       string
	GivenName      string
	FamilyName     string
	PasswordHash   string
	State          people.UserState
	MustChange     bool
	TOTP           bool // a confirmed second factor
	SessionVersion int
	SchoolID       *uuid.UUID
	Roles          []string
	Stored         bool   // there are credentials, also if no password is among them
	Locale         string // the language that the person chose, BCP 47; "": none
}

const accountSQL = `SELECT u.id, u.user_name, u.given_name, u.family_name, coalesce(c.password_hash, ''), u.state, coalesce(c.must_change_password, false),
	c.totp_confirmed_at IS NOT NULL, u.session_version, u.school_id, ARRAY(SELECT role FROM user_roles r WHERE r.user_id = u.id ORDER BY role), c.user_id IS NOT NULL, coalesce(u.locale, '')
	FROM users u LEFT JOIN credentials c ON c.user_id = u.id`

func oneAccount(rows pgx.Rows, a *account) (found bool, err error) {
	*a, err = pgx.CollectExactlyOneRow(rows, pgx.RowToStructByPos[account])
	if err == pgx.ErrNoRows {
		return false, nil
	}
	return err == nil, err
}

// accountByID gives an account; in a transaction it is held, because whoever changes credentials holds the person before them. Like wherever accounts are
// held, its key is not: what only refers to the person, such as an attempt that they begin meanwhile, goes on.
func accountByID(ctx context.Context, q tenants.Querier, id uuid.UUID) (account, error) {
	var a account
	lock := ""
	if _, writes := q.(*tenants.Tx); writes {
		lock = " FOR NO KEY UPDATE OF u"
	}
	rows, err := q.Query(ctx, accountSQL+` WHERE u.id = $1::uuid AND u.state <> 'erased'`+lock, id.String())
	if err != nil {
		return a, err
	}
	if found, err := oneAccount(rows, &a); err != nil || !found {
		if err == nil {
			err = domain.Refuse(domain.NotFound, "domain.there_is_no_such_user")
		}
		return a, err
	}
	return a, nil
}

func (a account) actor(realm tenants.Realm, dev Device) audit.Actor {
	return audit.Actor{ID: a.ID, Name: a.UserName, Roles: a.Roles, Realm: realm.Name(), Address: dev.Address, RequestID: dev.RequestID}
}

// rule is what the account's next password must meet.
func (a account) rule(expected []string) PasswordRule {
	return PasswordRule{SecondFactor: a.TOTP, Expected: append([]string{a.GivenName, a.FamilyName, a.UserName, a.GivenName + a.FamilyName}, expected...)}
}

// wrong is the one answer to an unknown name, a wrong password and a wrong code.
func wrong() *domain.Error {
	return domain.Refuse(domain.Unauthentic, "identity.the_user_name_the_password")
}

// errNobody is why a sign-in failed that named no account, or a card that is none: for the summary in the trail, never for who asked.
var errNobody = errors.New("names nobody")

func nobody(err *domain.Error) error {
	err.Cause = errNobody
	return err
}

// NamesNobody reports whether a sign-in failed because there is no such account or card. It must not be told to whoever tried.
func NamesNobody(err error) bool { return errors.Is(err, errNobody) }

// secondFactorField names the field of the error that asks for a code.
const secondFactorField = "code"

// needCode says that the password was right, and that a code is needed as well.
func needCode() error {
	return &domain.Error{Code: domain.Unauthentic, Message: words.Say("identity.please_give_the_code_of"),
		Fields: []domain.Field{{Name: secondFactorField, Reason: words.Say("identity.is_needed_for_this_account")}}}
}

// NeedsCode reports whether err asks for a second factor: the same request with Code is the next step.
func NeedsCode(err error) bool {
	e, ok := err.(*domain.Error)
	return ok && e.Code == domain.Unauthentic && len(e.Fields) == 1 && e.Fields[0].Name == secondFactorField
}

// SignIn opens a session. An unknown name, a wrong password and a wrong code give the same domain.Unauthentic after the same
// work; NeedsCode tells the one that asks for a second factor, and only after the right password. A suspended account gives domain.Forbidden,
// also only then. Too many failures give domain.OverQuota, too many sign-ins at once domain.Unavailable, both with RetryAfter.
func (d *Desk) SignIn(ctx context.Context, db *tenants.DB, in SignIn, now time.Time) (SignedIn, error) {
	key := people.FoldUserName(in.UserName)
	if len(key) > 256 || len(in.Password) > 4*MaxPassword || !utf8.ValidString(key) || len(in.Code) > 64 {
		return SignedIn{}, nobody(wrong())
	}
	a, counted, err := d.reserve(ctx, db, key, in.Device, now)
	if err != nil {
		return SignedIn{}, err
	}
	right, stale, err := d.Hasher.Verify(ctx, db.Realm().Slug, in.Password, a.PasswordHash)
	if err != nil {
		return SignedIn{}, err
	}
	if !right {
		return SignedIn{}, d.failed(ctx, db, a, counted.found, "password", in.Device, now)
	}
	if a.State != people.UserActive {
		return SignedIn{}, domain.Refuse(domain.Forbidden, "identity.this_account_is_suspended_please")
	}
	if a.TOTP && in.Code == "" {
		return SignedIn{}, needCode()
	}
	rehashed := ""
	if stale {
		if rehashed, err = d.Hasher.Hash(ctx, db.Realm().Slug, in.Password); err != nil {
			return SignedIn{}, err
		}
	}
	var s SignedIn
	err = db.Write(ctx, a.actor(db.Realm(), in.Device), func(tx *tenants.Tx) error {
		if err := stillSo(ctx, tx, a); err != nil {
			return err
		}
		if a.TOTP {
			if err := useCode(ctx, tx, db, a.ID, in.Code, now); err != nil {
				return err
			}
		}
		if rehashed != "" {
			if _, err := tx.Exec(ctx, `UPDATE credentials SET password_hash = $2::text WHERE user_id = $1::uuid`, a.ID.String(), rehashed); err != nil {
				return err
			}
		}
		counted.forgive(tx)
		tx.Record(audit.Entry{Action: "sign_in.done", ObjectKind: "user", ObjectID: a.ID.String(), After: map[string]any{"second_factor": a.TOTP}})
		s, err = d.openSession(ctx, tx, db, a, a.TOTP, in.Device, in.Day, now)
		return err
	})
	if a.TOTP && domain.CodeOf(err) == domain.Unauthentic {
		return SignedIn{}, d.failed(ctx, db, a, true, "code", in.Device, now)
	}
	return s, err
}

// stillSo holds the account and makes sure that nothing changed while the password was compared.
func stillSo(ctx context.Context, tx *tenants.Tx, a account) error {
	sql, args := `SELECT EXISTS (SELECT FROM users u WHERE u.id = $1::uuid AND u.state = 'active' AND u.session_version = $2::integer FOR NO KEY UPDATE)`, []any{a.ID.String(), a.SessionVersion}
	if a.Stored { // both are locked, so that what was compared is what stands there when the lock is given; a first password raises the version
		sql = `SELECT EXISTS (SELECT FROM users u JOIN credentials c ON c.user_id = u.id WHERE u.id = $1::uuid AND u.state = 'active' AND u.session_version = $2::integer
			AND coalesce(c.password_hash, '') = $3::text AND (c.totp_confirmed_at IS NOT NULL) = $4::boolean FOR NO KEY UPDATE)`
		args = append(args, a.PasswordHash, a.TOTP)
	}
	same, err := exists(ctx, tx, sql, args...)
	if err == nil && !same {
		return wrong()
	}
	return err
}

// failed counts a failure of the address and, when the account exists, stores an entry; the account's or the device's was counted before.
// Both cases are one round trip.
func (d *Desk) failed(ctx context.Context, db *tenants.DB, a account, found bool, what string, dev Device, now time.Time) error {
	b := &pgx.Batch{}
	where := addressSubject(db, dev.Address)
	d.Address.queueCount(b, where, where, now)
	if found {
		e := audit.Entry{Action: "sign_in.failed", Refused: true, ObjectKind: "user", ObjectID: a.ID.String(), After: map[string]any{"wrong": what}}
		b.Queue(audit.Insert, e.Args(audit.Actor{Realm: db.Realm().Name(), Address: dev.Address, RequestID: dev.RequestID})...)
	}
	if err := db.WriteOneTrip(ctx, b, func(pgx.BatchResults) error { return nil }); err != nil {
		return err
	}
	if !found {
		return nobody(wrong())
	}
	return wrong()
}

// PasswordChange is what somebody types to choose another password.
type PasswordChange struct {
	UserID    uuid.UUID
	SessionID uuid.UUID // stays open; all others end
	Old, New  string
	Expected  []string // what the rule must refuse besides the person's own names: the tenant's name
	Device    Device
}

// ChangePassword replaces a password by one that meets the rule (domain.Invalid with a reason). A wrong old one gives
// domain.Invalid about the field "old_password" and counts as a failed sign-in.
func (d *Desk) ChangePassword(ctx context.Context, db *tenants.DB, in PasswordChange, now time.Time) error {
	if len(in.Old) > 4*MaxPassword {
		return domain.InvalidField("old_password", "identity.is_not_right")
	}
	var a account
	err := db.ReadFresh(ctx, func(r *tenants.Reader) (err error) {
		a, err = accountByID(ctx, r, in.UserID)
		return err
	})
	if err != nil {
		return err
	}
	if err := a.rule(in.Expected).Check(in.New); err != nil {
		return err
	}
	a, counted, err := d.reserve(ctx, db, people.FoldUserName(a.UserName), in.Device, now)
	if err != nil {
		return err
	}
	right, _, err := d.Hasher.Verify(ctx, db.Realm().Slug, in.Old, a.PasswordHash)
	if err != nil {
		return err
	}
	if !right {
		if err := d.failed(ctx, db, a, true, "old_password", in.Device, now); domain.CodeOf(err) != domain.Unauthentic {
			return err // it is not in the trail
		}
		return domain.InvalidField("old_password", "identity.is_not_right")
	}
	if in.Old == in.New {
		return domain.InvalidField("password", "identity.must_differ_from_the_old")
	}
	hash, err := d.Hasher.Hash(ctx, db.Realm().Slug, in.New)
	if err != nil {
		return err
	}
	return db.Write(ctx, a.actor(db.Realm(), in.Device), func(tx *tenants.Tx) error {
		if err := stillSo(ctx, tx, a); err != nil {
			return err
		}
		counted.forgive(tx)
		return storePassword(ctx, tx, a, hash, in.New, in.SessionID, now)
	})
}

// storePassword sets a password that was checked, voids unused cards, ends all sessions but one, and tells the owner, unless it
// is the account's first.
func storePassword(ctx context.Context, tx *tenants.Tx, a account, hash, password string, keep uuid.UUID, now time.Time) error {
	first, err := unclaimed(ctx, tx, a.ID)
	if err != nil {
		return err
	}
	short := PasswordRule{}.Check(password) != nil
	b := &pgx.Batch{}
	b.Queue(`INSERT INTO credentials (user_id, password_hash, short_password, changed_at) VALUES ($1::uuid, $2::text, $3::boolean, $4::timestamptz)
		ON CONFLICT (user_id) DO UPDATE SET password_hash = excluded.password_hash, short_password = excluded.short_password, must_change_password = false,
			changed_at = excluded.changed_at`, a.ID.String(), hash, short, now)
	b.Queue(`DELETE FROM sign_in_cards WHERE user_id = $1::uuid AND used_at IS NULL`, a.ID.String())
	if err := tx.SendBatch(ctx, b).Close(); err != nil {
		return err
	}
	ended, err := endSessions(ctx, tx, []string{a.ID.String()}, keep, "password", now)
	if err != nil {
		return err
	}
	tx.Record(audit.Entry{Action: "user.password.change", ObjectKind: "user", ObjectID: a.ID.String(), After: map[string]any{"sessions_ended": ended}})
	if first {
		return nil
	}
	return tellOwner(ctx, tx, notices.PasswordChanged, a.ID, now)
}
