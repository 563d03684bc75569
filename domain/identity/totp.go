package identity

import (
	"bytes"
	"context"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"image/png"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/pquerna/otp"
	"github.com/pquerna/otp/hotp"
	"github.com/pquerna/otp/totp"
	"gorm.io/gorm"

	"lignum/domain"
	"lignum/domain/notices"
	"lignum/domain/people"
	"lignum/tenants"
	"lignum/tenants/audit"
)

// Time-based one-time passwords (RFC 6238): six digits, thirty seconds, SHA-1, as every authenticator app has them. The step
// before and the step after count too, and each step counts once.
const (
	totpPeriod    = 30
	totpPurpose   = "totp/"
	recoveryCodes = 10
)

// TOTPSetup is what an authenticator app is given, once.
type TOTPSetup struct {
	URL    string `json:"url"`    // otpauth://
	Secret string `json:"secret"` // for typing in by hand
	QR     string `json:"qr"`     // a PNG as a data: URI
}

// BeginTOTP is what somebody types to begin with an authenticator app.
type BeginTOTP struct {
	UserID   uuid.UUID
	Password string
	Issuer   string // what the app shows: the realm's name
	Device   Device
}

// BeginTOTP is StartTOTP for somebody who has typed the password once more: whoever finds a browser signed in must not be able to
// make the account their own. A wrong password gives domain.Invalid about the field "password" and counts as a failed sign-in.
func (d *Desk) BeginTOTP(ctx context.Context, db *tenants.DB, in BeginTOTP, now time.Time) (setup TOTPSetup, err error) {
	if len(in.Password) > 4*MaxPassword {
		return setup, domain.InvalidField("password", "identity.is_not_right")
	}
	var a account
	err = db.ReadFresh(ctx, func(r *tenants.Reader) (err error) {
		a, err = accountByID(ctx, r, in.UserID)
		return err
	})
	if err != nil {
		return setup, err
	}
	if a.TOTP {
		return setup, hasApp()
	}
	a, counted, err := d.reserve(ctx, db, people.FoldUserName(a.UserName), in.Device, now)
	if err != nil {
		return setup, err
	}
	right, _, err := d.Hasher.Verify(ctx, db.Realm().Slug, in.Password, a.PasswordHash)
	if err != nil {
		return setup, err
	}
	if !right {
		if err := d.failed(ctx, db, a, true, "password", in.Device, now); domain.CodeOf(err) != domain.Unauthentic {
			return setup, err // it is not in the trail
		}
		return setup, domain.InvalidField("password", "identity.is_not_right")
	}
	err = db.Write(ctx, a.actor(db.Realm(), in.Device), func(tx *tenants.Tx) error {
		if err := stillSo(ctx, tx, a); err != nil {
			return err
		}
		counted.forgive(tx)
		setup, err = StartTOTP(ctx, tx, db, in.UserID, in.Issuer, now)
		return err
	})
	return setup, err
}

func hasApp() error {
	return domain.Refuse(domain.Conflict, "identity.the_account_has_an_authenticator")
}

// StartTOTP makes a secret for a second factor, which does not count before ConfirmTOTP. issuer is what the app
// shows: the tenant's name. It returns domain.Conflict when the account has a confirmed one.
func StartTOTP(ctx context.Context, tx *tenants.Tx, db *tenants.DB, user uuid.UUID, issuer string, now time.Time) (TOTPSetup, error) {
	a, err := accountByID(ctx, tx, user)
	if err != nil {
		return TOTPSetup{}, err
	}
	if a.TOTP {
		return TOTPSetup{}, hasApp()
	}
	// A colon would end the issuer in the label.
	key, err := totp.Generate(totp.GenerateOpts{Issuer: strings.ReplaceAll(issuer, ":", " "), AccountName: a.UserName, Period: totpPeriod, SecretSize: 20})
	if err != nil {
		return TOTPSetup{}, err
	}
	image, err := key.Image(240, 240)
	if err != nil {
		return TOTPSetup{}, err
	}
	var qr bytes.Buffer
	if err := png.Encode(&qr, image); err != nil {
		return TOTPSetup{}, err
	}
	sealed := db.Vault().Seal(db.Realm().Name(), totpPurpose+user.String(), []byte(key.Secret()))
	if _, err := tx.Exec(ctx, `INSERT INTO credentials (user_id, totp_secret, changed_at) VALUES ($1::uuid, $2::text, $3::timestamptz)
		ON CONFLICT (user_id) DO UPDATE SET totp_secret = excluded.totp_secret, totp_last_step = 0, changed_at = excluded.changed_at`, user.String(), sealed, now); err != nil {
		return TOTPSetup{}, err
	}
	tx.Record(audit.Entry{Action: "user.totp.start", ObjectKind: "user", ObjectID: user.String()})
	return TOTPSetup{URL: key.URL(), Secret: key.Secret(), QR: "data:image/png;base64," + base64.StdEncoding.EncodeToString(qr.Bytes())}, nil
}

// GiveTOTP gives an account a confirmed second factor with a secret that is known already (base32, RFC 4648): for invented people
// whom anybody may sign in as. It leaves one that is there.
func GiveTOTP(ctx context.Context, tx *tenants.Tx, db *tenants.DB, userName, secret string, now time.Time) error {
	u, err := tenants.Entity[people.User](tx, tenants.Held).Select("id").Where("user_name_key = ? AND NOT second_factor", people.FoldUserName(userName)).Take(ctx)
	if errors.Is(err, gorm.ErrRecordNotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	id := u.ID.String()
	sealed := db.Vault().Seal(db.Realm().Name(), totpPurpose+id, []byte(secret))
	_, err = tx.Exec(ctx, `INSERT INTO credentials (user_id, totp_secret, totp_confirmed_at, changed_at) VALUES ($1::uuid, $2::text, $3::timestamptz, $3::timestamptz)
		ON CONFLICT (user_id) DO UPDATE SET totp_secret = excluded.totp_secret, totp_confirmed_at = excluded.totp_confirmed_at, totp_last_step = 0`, id, sealed, now)
	tx.Record(audit.Entry{Action: "user.totp.confirm", ObjectKind: "user", ObjectID: id})
	return err
}

// TOTPCode is the code that an authenticator app with this secret (base32) shows at a moment, and for how long.
func TOTPCode(secret string, now time.Time) (code string, left time.Duration, err error) {
	code, err = hotp.GenerateCodeCustom(secret, uint64(now.Unix()/totpPeriod), hotp.ValidateOpts{Digits: otp.DigitsSix, Algorithm: otp.AlgorithmSHA1})
	return code, time.Duration(totpPeriod-now.Unix()%totpPeriod) * time.Second, err
}

// ConfirmTOTP makes the second factor count, once the app has shown a right code, and gives ten recovery codes, to be
// shown once. The session counts as opened with it from its next refresh on. It returns domain.Invalid about "code", and
// domain.Conflict when nothing was started or it is confirmed already.
func ConfirmTOTP(ctx context.Context, tx *tenants.Tx, db *tenants.DB, user, session uuid.UUID, code string, now time.Time) ([]string, error) {
	a, err := accountByID(ctx, tx, user)
	if err != nil {
		return nil, err
	}
	if a.TOTP {
		return nil, domain.Refuse(domain.Conflict, "identity.the_authenticator_app_is_confirmed")
	}
	ok, err := useTOTP(ctx, tx, db, user, code, now)
	if err != nil {
		return nil, err
	}
	if !ok {
		return nil, domain.InvalidField("code", "identity.is_not_what_the_app")
	}
	b := &pgx.Batch{}
	b.Queue(`UPDATE credentials SET totp_confirmed_at = $2::timestamptz, changed_at = $2::timestamptz WHERE user_id = $1::uuid`, user.String(), now)
	b.Queue(`UPDATE sessions SET second_factor = true WHERE id = $1::uuid AND user_id = $2::uuid`, session.String(), user.String())
	if err := tx.SendBatch(ctx, b).Close(); err != nil {
		return nil, err
	}
	tx.Record(audit.Entry{Action: "user.totp.confirm", ObjectKind: "user", ObjectID: user.String()})
	if err := tellOwner(ctx, tx, notices.SecondFactorAdded, user, now); err != nil {
		return nil, err
	}
	return newRecoveryCodes(ctx, tx, db, user)
}

// RenewRecoveryCodes returns ten new recovery codes in place of the old ones. It takes a code as sign-in does, and counts a wrong one as
// sign-in does.
func (d *Desk) RenewRecoveryCodes(ctx context.Context, db *tenants.DB, user uuid.UUID, code string, dev Device, now time.Time) (codes []string, err error) {
	err = d.withCode(ctx, db, user, code, dev, now, func(tx *tenants.Tx) (err error) {
		tx.Record(audit.Entry{Action: "user.totp.renew_codes", ObjectKind: "user", ObjectID: user.String()})
		codes, err = newRecoveryCodes(ctx, tx, db, user)
		return err
	})
	return codes, err
}

// DisableTOTP takes the second factor away from one's own account. It takes a code as sign-in does. A password that was long
// enough only beside it must then be changed.
func (d *Desk) DisableTOTP(ctx context.Context, db *tenants.DB, user uuid.UUID, code string, dev Device, now time.Time) error {
	return d.withCode(ctx, db, user, code, dev, now, func(tx *tenants.Tx) error {
		if err := dropTOTP(ctx, tx, user, "user.totp.disable", now); err != nil {
			return err
		}
		return tellOwner(ctx, tx, notices.SecondFactorRemoved, user, now)
	})
}

// ResetTOTP takes the second factor away from somebody who lost it, and signs them out everywhere: for an administrator. The
// owner and those who look after the account are told.
func ResetTOTP(ctx context.Context, tx *tenants.Tx, user uuid.UUID, now time.Time) error {
	a, err := accountByID(ctx, tx, user)
	if err != nil {
		return err
	}
	if !a.TOTP {
		return domain.Refuse(domain.Conflict, "identity.the_account_has_no_authenticator")
	}
	if _, err := EndSessions(ctx, tx, []string{user.String()}, "second_factor_reset", now); err != nil {
		return err
	}
	if err := dropTOTP(ctx, tx, user, "user.totp.reset", now); err != nil {
		return err
	}
	return tellBoth(ctx, tx, notices.SecondFactorReset, notices.AccountSecondFactorReset, a, now)
}

func dropTOTP(ctx context.Context, tx *tenants.Tx, user uuid.UUID, action string, now time.Time) error {
	b := &pgx.Batch{}
	b.Queue(`UPDATE credentials SET totp_secret = NULL, totp_confirmed_at = NULL, totp_last_step = 0,
		must_change_password = must_change_password OR short_password, changed_at = $2::timestamptz WHERE user_id = $1::uuid`, user.String(), now)
	b.Queue(`DELETE FROM recovery_codes WHERE user_id = $1::uuid`, user.String())
	if err := tx.SendBatch(ctx, b).Close(); err != nil {
		return err
	}
	tx.Record(audit.Entry{Action: action, ObjectKind: "user", ObjectID: user.String()})
	return nil
}

// withCode runs fn in a transaction after a right code of a confirmed second factor.
func (d *Desk) withCode(ctx context.Context, db *tenants.DB, user uuid.UUID, code string, dev Device, now time.Time, fn func(tx *tenants.Tx) error) error {
	var a account
	err := db.ReadFresh(ctx, func(r *tenants.Reader) (err error) {
		a, err = accountByID(ctx, r, user)
		return err
	})
	if err != nil {
		return err
	}
	if !a.TOTP {
		return domain.Refuse(domain.Conflict, "identity.the_account_has_no_authenticator")
	}
	a, counted, err := d.reserve(ctx, db, people.FoldUserName(a.UserName), dev, now)
	if err != nil {
		return err
	}
	err = db.Write(ctx, a.actor(db.Realm(), dev), func(tx *tenants.Tx) error {
		if err := stillSo(ctx, tx, a); err != nil {
			return err
		}
		if err := useCode(ctx, tx, db, user, code, now); err != nil {
			return err
		}
		counted.forgive(tx)
		return fn(tx)
	})
	if domain.CodeOf(err) == domain.Unauthentic {
		if err := d.failed(ctx, db, a, true, "code", dev, now); domain.CodeOf(err) != domain.Unauthentic {
			return err // it is not in the trail
		}
		return domain.InvalidField("code", "identity.is_not_right_or_was")
	}
	return err
}

// useCode takes a code of the app or a recovery code, once; wrong() when it is neither.
func useCode(ctx context.Context, tx *tenants.Tx, db *tenants.DB, user uuid.UUID, code string, now time.Time) error {
	ok, err := useTOTP(ctx, tx, db, user, code, now)
	if err == nil && !ok {
		ok, err = useRecoveryCode(ctx, tx, db, user, code, now)
	}
	if err == nil && !ok {
		return wrong()
	}
	return err
}

// useTOTP compares a code with the steps around now and uses up the step that it belongs to.
func useTOTP(ctx context.Context, tx *tenants.Tx, db *tenants.DB, user uuid.UUID, code string, now time.Time) (bool, error) {
	code = strings.ReplaceAll(strings.TrimSpace(code), " ", "")
	if len(code) != 6 {
		return false, nil
	}
	var sealed *string
	if err := tx.QueryRow(ctx, `SELECT totp_secret FROM credentials WHERE user_id = $1::uuid FOR UPDATE`, user.String()).Scan(&sealed); err == pgx.ErrNoRows || err == nil && sealed == nil {
		return false, nil
	} else if err != nil {
		return false, err
	}
	secret, err := db.Vault().Open(db.Realm().Name(), totpPurpose+user.String(), *sealed)
	if err != nil {
		return false, err
	}
	step := now.Unix() / totpPeriod
	for _, s := range []int64{step, step - 1, step + 1} {
		want, err := hotp.GenerateCodeCustom(string(secret), uint64(s), hotp.ValidateOpts{Digits: otp.DigitsSix, Algorithm: otp.AlgorithmSHA1})
		if err != nil {
			return false, err
		}
		if subtle.ConstantTimeCompare([]byte(want), []byte(code)) == 1 {
			n, err := tx.Exec(ctx, `UPDATE credentials SET totp_last_step = $2::bigint WHERE user_id = $1::uuid AND totp_last_step < $2::bigint`, user.String(), s)
			return n == 1, err
		}
	}
	return false, nil
}

func recoveryHash(db *tenants.DB, user uuid.UUID, code string) []byte {
	return db.Vault().MAC(db.Realm().Name(), "recovery/"+user.String(), asPrinted(code))
}

func useRecoveryCode(ctx context.Context, tx *tenants.Tx, db *tenants.DB, user uuid.UUID, code string, now time.Time) (bool, error) {
	n, err := tx.Exec(ctx, `UPDATE recovery_codes SET used_at = $3::timestamptz WHERE user_id = $1::uuid AND code_hash = $2::bytea AND used_at IS NULL`,
		user.String(), recoveryHash(db, user, code), now)
	return n == 1, err
}

// newRecoveryCodes replaces a user's recovery codes: 60 random bits each, in three groups of four.
func newRecoveryCodes(ctx context.Context, tx *tenants.Tx, db *tenants.DB, user uuid.UUID) ([]string, error) {
	b := &pgx.Batch{}
	b.Queue(`DELETE FROM recovery_codes WHERE user_id = $1::uuid`, user.String())
	codes := make([]string, recoveryCodes)
	for i := range codes {
		codes[i] = newCode()[:14]
		b.Queue(`INSERT INTO recovery_codes (user_id, code_hash) VALUES ($1::uuid, $2::bytea)`, user.String(), recoveryHash(db, user, codes[i]))
	}
	return codes, tx.SendBatch(ctx, b).Close()
}
