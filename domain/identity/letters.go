package identity

import (
	"context"
	"encoding/hex"
	"errors"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"

	"lignum/domain/letters"
	"lignum/domain/people"
	"lignum/domain/words"
	"lignum/tenants"
	"lignum/tenants/audit"
	"lignum/tenants/mail"
)

// ForgottenLife is how long a code may wait that somebody asked for by mail.
const ForgottenLife = time.Hour

// askedAgain is how long nobody can ask for another.
const askedAgain = 5 * time.Minute

// mailed reports whether codes for an account may go by mail: never a child's, whose mailbox is others' too.
func mailed(roles []string) bool { return !slices.Contains(roles, people.Student) }

// writeCode writes to the owner of an account with the code of a card, if they have an address and codes may go to it; the card says then where it went.
func writeCode(ctx context.Context, tx *tenants.Tx, roles []string, c *Card, l mail.Letter, now time.Time) error {
	if !mailed(roles) {
		return nil
	}
	to, err := letters.To(ctx, tx, c.UserID)
	if err != nil || len(to) == 0 {
		return err
	}
	c.Mailed = to[c.UserID].Address
	l.To, l.Code, l.Path, l.Life = to[c.UserID], c.Code, "/card#"+c.Code, c.Expires.Sub(now)
	l.Button = words.Say("identity.letter.choose_your_password")
	l.Lines = append(l.Lines, words.Say("identity.letter.good_until", "Day", words.Moment{At: c.Expires, Layout: "long_date"}))
	return mail.Write(ctx, tx, now, l)
}

// invite writes to somebody who got an account, if they have an address.
func invite(ctx context.Context, tx *tenants.Tx, roles []string, c *Card, now time.Time) error {
	b, err := tenants.ReadBranding(ctx, tx)
	if err != nil {
		return err
	}
	return writeCode(ctx, tx, roles, c, mail.Letter{Kind: "invitation", Subject: words.Say("identity.letter.you_are_invited", "Place", b.Name),
		Lines: []words.Text{words.Say("identity.letter.an_account_was_opened", "Place", b.Name, "UserName", c.UserName)}}, now)
}

// writeReset writes to the owner of an account whose password was taken away, with what the notice says.
func writeReset(ctx context.Context, tx *tenants.Tx, a account, c *Card, notice words.Text, now time.Time) error {
	return writeCode(ctx, tx, a.Roles, c, mail.Letter{Kind: "reset", Subject: words.Say("identity.letter.choose_a_new_password"),
		Lines: []words.Text{notice, words.Say("identity.letter.your_user_name", "UserName", a.UserName)}}, now)
}

// Forgot writes a code for choosing a new password to somebody who forgot theirs, if there is such an account, it has an address, and codes may go to it by mail; nobody learns whether it did. The
// password until now stays good. Each question is counted as a failed sign-in of its address, whatever came of it. It gives domain.OverQuota.
func (d *Desk) Forgot(ctx context.Context, db *tenants.DB, userName string, dev Device, now time.Time) error {
	var a account
	var found, asked bool
	if len(userName) > 256 {
		userName = ""
	}
	err := db.ReadFresh(ctx, func(r *tenants.Reader) error {
		if err := d.addressFree(ctx, r, db, dev, now); err != nil {
			return err
		}
		rows, err := r.Query(ctx, accountSQL+` WHERE u.user_name_key = $1::text AND u.state = 'active'`, people.FoldUserName(userName))
		if err != nil {
			return err
		}
		if found, err = oneAccount(rows, &a); err != nil || !found {
			return err
		}
		return r.QueryRow(ctx, `SELECT EXISTS (SELECT FROM sign_in_cards WHERE user_id = $1::uuid AND purpose = 'reset' AND created_by IS NULL AND created_at > $2::timestamptz)`,
			a.ID.String(), now.Add(-askedAgain)).Scan(&asked)
	})
	if err != nil {
		return err
	}
	// Each question counts, or the count would tell which names there are.
	b := &pgx.Batch{}
	where := addressSubject(db, dev.Address)
	d.Address.queueCount(b, where, where, now)
	if err := db.WriteOneTrip(ctx, b, func(pgx.BatchResults) error { return nil }); err != nil || !found || asked || !mailed(a.Roles) {
		return err
	}
	err = db.Write(ctx, a.actor(db.Realm(), dev), func(tx *tenants.Tx) error {
		c := &Card{UserID: a.ID, UserName: a.UserName, Code: newCode(), Expires: now.Add(ForgottenLife).UTC().Truncate(time.Second)}
		if _, err := tx.Exec(ctx, `INSERT INTO sign_in_cards (id, user_id, code_hash, purpose, created_at, expires_at) VALUES ($1::uuid, $2::uuid, decode($3::text, 'hex'), 'reset', $4::timestamptz, $5::timestamptz)`,
			audit.NewID().String(), a.ID.String(), hex.EncodeToString(hashCode(c.Code)), now, c.Expires); err != nil {
			return err
		}
		tx.Record(audit.Entry{Action: "user.password.forgotten", ObjectKind: "user", ObjectID: a.ID.String(), After: map[string]any{"expires": c.Expires}})
		err := writeCode(ctx, tx, a.Roles, c, mail.Letter{Kind: "forgotten", Subject: words.Say("identity.letter.choose_a_new_password"),
			Lines: []words.Text{words.Say("identity.letter.somebody_asked", "UserName", a.UserName), words.Say("identity.letter.if_it_was_not_you")}}, now)
		if err == nil && c.Mailed == "" {
			return errNobodyToWriteTo // and no card is left behind
		}
		return err
	})
	if errors.Is(err, errNobodyToWriteTo) {
		return nil
	}
	return err
}

var errNobodyToWriteTo = errors.New("there is nobody to write to")
