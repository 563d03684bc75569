package identity

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base32"
	"encoding/hex"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"lignum/domain"
	"lignum/domain/people"
	"lignum/tenants"
	"lignum/tenants/audit"
)

// How long a code may wait to be used.
const (
	CardLife  = 60 * 24 * time.Hour // a printed card
	ResetLife = 7 * 24 * time.Hour  // a reset, or an invitation
)

// maxCards is how many cards one request prints.
const maxCards = 1000

// Card is a sign-in card, to be printed and cut out. The code is in no table and in no log: it is shown once.
type Card struct {
	UserID     uuid.UUID `json:"user_id"`
	UserName   string    `json:"user_name"`
	GivenName  string    `json:"given_name"`
	FamilyName string    `json:"family_name"`
	Grade      string    `json:"grade,omitempty"`
	School     string    `json:"school,omitempty"`
	Code       string    `json:"code"` // four groups of four
	Expires    time.Time `json:"expires"`
	Mailed     string    `json:"mailed,omitempty" doc:"The address that the code was sent to as well"`
}

// RedeemCard is what somebody types who has a code: the code, and the password they choose.
type RedeemCard struct {
	Code     string
	Password string
	OTP      string   // code of the authenticator app, or a recovery code, when the account has a second factor
	Expected []string // what the rule must refuse besides the person's own names: the tenant's name
	Device   Device
	Day      time.Time
}

func badCard() error {
	return nobody(domain.InvalidField("code", "identity.is_not_right_was_used"))
}

// RedeemCard takes a printed card's or an invitation's code, once, sets the chosen password and signs in. An unknown, used
// or expired code gives the same domain.Invalid and counts against the address; a password that may not be chosen leaves the code good.
func (d *Desk) RedeemCard(ctx context.Context, db *tenants.DB, in RedeemCard, now time.Time) (SignedIn, error) {
	if len(in.Code) > 64 || len(in.OTP) > 64 {
		return SignedIn{}, badCard()
	}
	var a account
	var found bool
	hash := hashCode(in.Code)
	err := db.ReadFresh(ctx, func(r *tenants.Reader) error {
		if err := d.addressFree(ctx, r, db, in.Device, now); err != nil {
			return err
		}
		rows, err := r.Query(ctx, accountSQL+` WHERE u.state = 'active' AND u.id = (SELECT user_id FROM sign_in_cards
			WHERE code_hash = $1::bytea AND used_at IS NULL AND expires_at > $2::timestamptz)`, hash, now)
		if err != nil {
			return err
		}
		found, err = oneAccount(rows, &a)
		return err
	})
	if err != nil {
		return SignedIn{}, err
	}
	if !found {
		b := &pgx.Batch{}
		where := addressSubject(db, in.Device.Address)
		d.Address.queueCount(b, where, where, now)
		if err := db.WriteOneTrip(ctx, b, func(pgx.BatchResults) error { return nil }); err != nil {
			return SignedIn{}, err
		}
		return SignedIn{}, badCard()
	}
	if err := a.rule(in.Expected).Check(in.Password); err != nil {
		return SignedIn{}, err
	}
	counted := reserved{subject: accountSubject(db, people.FoldUserName(a.UserName)), found: true}
	if a.TOTP {
		if in.OTP == "" {
			return SignedIn{}, needCode()
		}
		if _, counted, err = d.reserve(ctx, db, people.FoldUserName(a.UserName), in.Device, now); err != nil {
			return SignedIn{}, err
		}
	}
	phc, err := d.Hasher.Hash(ctx, db.Realm().Slug, in.Password)
	if err != nil {
		return SignedIn{}, err
	}
	var s SignedIn
	err = db.Write(ctx, a.actor(db.Realm(), in.Device), func(tx *tenants.Tx) error {
		if err := stillSo(ctx, tx, a); err != nil {
			return err
		}
		n, err := tx.Exec(ctx, `UPDATE sign_in_cards SET used_at = $2::timestamptz WHERE code_hash = $1::bytea AND used_at IS NULL AND expires_at > $2::timestamptz`, hash, now)
		if err != nil {
			return err
		}
		if n == 0 {
			return badCard()
		}
		if a.TOTP {
			if err := useCode(ctx, tx, db, a.ID, in.OTP, now); err != nil {
				return err
			}
		}
		if err := storePassword(ctx, tx, a, phc, in.Password, uuid.Nil, now); err != nil {
			return err
		}
		if err := tx.QueryRow(ctx, `SELECT session_version FROM users WHERE id = $1::uuid`, a.ID.String()).Scan(&a.SessionVersion); err != nil {
			return err
		}
		a.MustChange = false
		counted.forgive(tx)
		tx.Record(audit.Entry{Action: "sign_in.done", ObjectKind: "user", ObjectID: a.ID.String(), After: map[string]any{"card": true, "second_factor": a.TOTP}})
		s, err = d.openSession(ctx, tx, db, a, a.TOTP, in.Device, in.Day, now)
		return err
	})
	if a.TOTP && domain.CodeOf(err) == domain.Unauthentic {
		return SignedIn{}, d.failed(ctx, db, a, true, "code", in.Device, now)
	}
	return s, err
}

// ResetPassword takes a user's password away, signs them out everywhere and gives a card for choosing a new one. The owner and
// those who look after the account are told. invitation: the card is for somebody who never signed in. It returns domain.NotFound, and domain.Conflict for an account that is not active.
func ResetPassword(ctx context.Context, tx *tenants.Tx, user uuid.UUID, invitation bool, now time.Time) (Card, error) {
	a, err := accountByID(ctx, tx, user)
	if err != nil {
		return Card{}, err
	}
	if a.State != people.UserActive {
		return Card{}, domain.Refuse(domain.Conflict, "identity.the_account_is_suspended_resume")
	}
	purpose := "reset"
	if invitation {
		purpose = "invitation"
	}
	if _, err := tx.Exec(ctx, `UPDATE credentials SET password_hash = NULL, must_change_password = false, changed_at = $2::timestamptz
		WHERE user_id = $1::uuid`, user.String(), now); err != nil {
		return Card{}, err
	}
	// Whatever was asked or approved for this account is answered by this card.
	if _, err := tx.Exec(ctx, `UPDATE reset_requests SET state = 'used' WHERE user_id = $1::uuid AND state IN ('asked', 'approved')`, user.String()); err != nil {
		return Card{}, err
	}
	if _, err := EndSessions(ctx, tx, []string{user.String()}, "password", now); err != nil {
		return Card{}, err
	}
	cards, err := makeCards(ctx, tx, `u.id = $1::uuid`, []any{user.String()}, purpose, now.Add(ResetLife), now)
	if err != nil {
		return Card{}, err
	}
	tx.Record(audit.Entry{Action: "user.password.reset", ObjectKind: "user", ObjectID: user.String(), After: map[string]any{"purpose": purpose, "expires": cards[0].Expires}})
	err = tellOfReset(ctx, tx, a, &cards[0], invitation, now)
	return cards[0], err
}

// CardReach says whose cards somebody prints. The zero value is everybody's.
type CardReach struct {
	SchoolOf  uuid.UUID // only of those who belong to the school of this account; to none, when it has none
	Unclaimed bool      // only of those for whom nobody has ever chosen a password
}

// Cards makes cards for active students who have no password, in the order of their names; older unused cards of theirs are
// void. They and their schools are told. Others of the list are left out. At most a thousand at once.
func Cards(ctx context.Context, tx *tenants.Tx, users []uuid.UUID, now time.Time) ([]Card, error) {
	return CardReach{}.Cards(ctx, tx, users, now)
}

// Cards is Cards for those within the reach.
func (r CardReach) Cards(ctx context.Context, tx *tenants.Tx, users []uuid.UUID, now time.Time) ([]Card, error) {
	if len(users) == 0 || len(users) > maxCards {
		return nil, domain.InvalidField("user_ids", "domain.must_name_1_to_1000")
	}
	return r.print(ctx, tx, `u.id = ANY($1::text[]::uuid[])`, []any{texts(users)}, "users", "", now)
}

// GroupCards is Cards for those of a group who are within the reach; kind and id say in the audit trail what they were printed for, such as a
// class.
func (r CardReach) GroupCards(ctx context.Context, tx *tenants.Tx, group people.Group, kind, id string, now time.Time) ([]Card, error) {
	which, args := group.Has("u.id", 1)
	return r.print(ctx, tx, which, args, kind, id, now)
}

func (r CardReach) print(ctx context.Context, tx *tenants.Tx, which string, args []any, kind, id string, now time.Time) ([]Card, error) {
	which += ` AND NOT u.has_password AND EXISTS (SELECT FROM user_roles r WHERE r.user_id = u.id AND r.role = 'student')`
	if r.Unclaimed {
		which += ` AND NOT u.claimed`
	}
	if r.SchoolOf != uuid.Nil {
		args = append(args, r.SchoolOf.String())
		which += fmt.Sprintf(` AND u.school_id = (SELECT school_id FROM users WHERE id = $%d::uuid)`, len(args))
	}
	cards, err := makeCards(ctx, tx, which, args, "card", now.Add(CardLife), now)
	if err != nil {
		return nil, err
	}
	owners := make([]uuid.UUID, len(cards))
	for i, c := range cards {
		owners[i] = c.UserID
	}
	tx.Record(audit.Entry{Action: "user.cards", ObjectKind: kind, ObjectID: id, After: map[string]any{"cards": len(cards), "user_ids": owners}})
	return cards, tellOfCards(ctx, tx, cards, now)
}

// makeCards replaces the unused cards of the active users that the condition names.
func makeCards(ctx context.Context, tx *tenants.Tx, which string, args []any, purpose string, expires, now time.Time) ([]Card, error) {
	rows, err := tx.Query(ctx, `SELECT u.id, u.user_name, u.given_name, u.family_name, u.grade, u.school_id FROM users u
		WHERE u.state = 'active' AND `+which+` ORDER BY u.family_name, u.given_name, u.id LIMIT 1000 FOR NO KEY UPDATE`, args...)
	if err != nil {
		return nil, err
	}
	cards, schools := []Card{}, []*uuid.UUID{}
	var c Card
	var school *uuid.UUID
	if _, err := pgx.ForEachRow(rows, []any{&c.UserID, &c.UserName, &c.GivenName, &c.FamilyName, &c.Grade, &school}, func() error {
		c.Code, c.Expires = newCode(), expires.UTC().Truncate(time.Second)
		cards, schools = append(cards, c), append(schools, school)
		return nil
	}); err != nil || len(cards) == 0 {
		return cards, err
	}
	if err := nameSchools(ctx, tx, cards, schools); err != nil {
		return nil, err
	}
	var users, hashes []string
	for _, c := range cards {
		users = append(users, c.UserID.String())
		hashes = append(hashes, hex.EncodeToString(hashCode(c.Code)))
	}
	var by *string
	if id := tx.Who().ID; id != uuid.Nil {
		text := id.String()
		by = &text
	}
	b := &pgx.Batch{}
	b.Queue(`DELETE FROM sign_in_cards WHERE user_id = ANY($1::text[]::uuid[]) AND used_at IS NULL`, users)
	b.Queue(`INSERT INTO sign_in_cards (id, user_id, code_hash, purpose, created_by, created_at, expires_at)
		SELECT gen_random_uuid(), c.user_id::uuid, decode(c.hash, 'hex'), $3::text, $4::uuid, $5::timestamptz, $6::timestamptz
		FROM unnest($1::text[], $2::text[]) AS c(user_id, hash)`, users, hashes, purpose, by, now, expires.UTC().Truncate(time.Second))
	return cards, tx.SendBatch(ctx, b).Close()
}

// nameSchools writes the school's name on each card, so that a pile of cards finds its way.
func nameSchools(ctx context.Context, q tenants.Querier, cards []Card, schools []*uuid.UUID) error {
	names := map[uuid.UUID]string{}
	for _, s := range schools {
		if s != nil {
			names[*s] = ""
		}
	}
	if len(names) == 0 { // and always on the platform, which has no schools
		return nil
	}
	names, err := people.SchoolNames(ctx, q, slices.Collect(maps.Keys(names)))
	for i, s := range schools {
		if s != nil {
			cards[i].School = names[*s]
		}
	}
	return err
}

// Crockford's base 32: no letter that is taken for a digit.
var cardAlphabet = base32.NewEncoding("0123456789ABCDEFGHJKMNPQRSTVWXYZ").WithPadding(base32.NoPadding)

// newCode makes a code for a printed card or an invitation: 16 characters in groups of four, 80 random bits.
func newCode() string {
	raw := make([]byte, 10)
	rand.Read(raw)
	c := cardAlphabet.EncodeToString(raw)
	return c[0:4] + "-" + c[4:8] + "-" + c[8:12] + "-" + c[12:16]
}

// asPrinted forgives in a code that was typed in: case, spaces, hyphens and the letters O, I and L.
func asPrinted(code string) string {
	return strings.NewReplacer("-", "", " ", "", "O", "0", "I", "1", "L", "1").Replace(strings.ToUpper(code))
}

// hashCode is what is stored of a card's code.
func hashCode(code string) []byte {
	sum := sha256.Sum256([]byte("card/" + asPrinted(code)))
	return sum[:]
}
