package identity

import (
	"context"
	"errors"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"gorm.io/gorm"

	"lignum/domain/letters"
	"lignum/domain/notices"
	"lignum/domain/people"
	"lignum/policy"
	"lignum/tenants"
)

// Whoever gets a way into somebody's account could use it themselves. So the owner is told of each, and so are those who
// look after the account: the administrators of its school.

// fullName returns an account's names; the user name or the machine's user for an actor who has no account here.
func fullName(ctx context.Context, q tenants.Querier, id uuid.UUID, otherwise string) (name string, err error) {
	u, err := tenants.Entity[people.User](q).Select("given_name", "family_name").Where("id = ?", id).Take(ctx)
	if errors.Is(err, gorm.ErrRecordNotFound) {
		return otherwise, nil
	}
	return u.GivenName + " " + u.FamilyName, err
}

// actorName names whoever acts, for the parameter who of a notice.
func actorName(ctx context.Context, tx *tenants.Tx) (string, error) {
	who := tx.Who()
	if who.Realm == policy.PlatformRealm && who.ID == uuid.Nil {
		return notices.ByOperator, nil
	}
	return fullName(ctx, tx, who.ID, who.Name)
}

// lookAfter are the active administrators of the schools of some accounts; where a school has none, or somebody no school,
// those of the tenant. The platform's accounts have nobody but their owners. The actor knows what they do, and is left out.
func lookAfter(ctx context.Context, tx *tenants.Tx, users []uuid.UUID) ([]uuid.UUID, error) {
	// Roles of the tenant's own making count when they include the administrator's.
	rows, err := tx.Query(ctx, `WITH RECURSIVE heads(role) AS (
			SELECT 'school_administrator'::text UNION SELECT c.v0 FROM casbin_rules c JOIN heads h ON c.ptype = 'g' AND c.v1 = h.role
		), those AS (SELECT DISTINCT school_id FROM users WHERE id = ANY($1::text[]::uuid[])
		), head AS (SELECT DISTINCT u.id, u.school_id FROM users u JOIN user_roles r ON r.user_id = u.id
			WHERE u.state = 'active' AND u.school_id IN (SELECT school_id FROM those) AND r.role IN (SELECT role FROM heads))
		SELECT id FROM head WHERE id <> $2::uuid
		UNION
		SELECT u.id FROM users u JOIN user_roles r ON r.user_id = u.id WHERE u.state = 'active' AND r.role = $3::text AND u.id <> $2::uuid
			AND EXISTS (SELECT FROM those t WHERE NOT EXISTS (SELECT FROM head h WHERE h.school_id = t.school_id))`,
		texts(users), tx.Who().ID.String(), policy.AdministratorRole(policy.Tenant))
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, pgx.RowTo[uuid.UUID])
}

// tellOwner tells somebody about their own account: on their pages, and at once by mail.
func tellOwner(ctx context.Context, tx *tenants.Tx, k notices.Kind, owner uuid.UUID, now time.Time) error {
	who, err := actorName(ctx, tx)
	if err != nil {
		return err
	}
	p := notices.Params{"who": who, "day": now.Format(time.DateOnly)}
	if err := notices.Tell(ctx, tx, k, p, []uuid.UUID{owner}, now); err != nil {
		return err
	}
	return letters.Tell(ctx, tx, k, p, owner, now)
}

// tellBoth tells the owner of an account, and those who look after it.
func tellBoth(ctx context.Context, tx *tenants.Tx, owner, others notices.Kind, a account, now time.Time) error {
	if err := tellOwner(ctx, tx, owner, a.ID, now); err != nil {
		return err
	}
	return tellThose(ctx, tx, others, a, now)
}

// tellThose tells those who look after an account.
func tellThose(ctx context.Context, tx *tenants.Tx, k notices.Kind, a account, now time.Time) error {
	who, err := actorName(ctx, tx)
	if err != nil {
		return err
	}
	heads, err := lookAfter(ctx, tx, []uuid.UUID{a.ID})
	if err != nil {
		return err
	}
	return notices.Tell(ctx, tx, k, notices.Params{"who": who, "name": a.GivenName + " " + a.FamilyName, "id": a.ID.String(), "day": now.Format(time.DateOnly)}, heads, now)
}

// tellOfReset tells the owner of an account, and those who look after it, of a card for it. The letter to the owner has the code, where codes may go by mail.
func tellOfReset(ctx context.Context, tx *tenants.Tx, a account, c *Card, invitation bool, now time.Time) error {
	owner, others := notices.PasswordReset, notices.AccountReset
	if invitation {
		owner, others = notices.CardPrinted, notices.AccountCardPrinted
	}
	if !mailed(a.Roles) {
		return tellBoth(ctx, tx, owner, others, a, now)
	}
	who, err := actorName(ctx, tx)
	if err != nil {
		return err
	}
	p := notices.Params{"who": who, "day": now.Format(time.DateOnly)}
	if err := notices.Tell(ctx, tx, owner, p, []uuid.UUID{a.ID}, now); err != nil {
		return err
	}
	if invitation {
		err = invite(ctx, tx, a.Roles, c, now)
	} else {
		err = writeReset(ctx, tx, a, c, owner.Sentence(p), now)
	}
	if err != nil {
		return err
	}
	return tellThose(ctx, tx, others, a, now)
}

// tellOfCards tells each owner of a card, and once those who look after any of them.
func tellOfCards(ctx context.Context, tx *tenants.Tx, cards []Card, now time.Time) error {
	if len(cards) == 0 {
		return nil
	}
	owners := make([]uuid.UUID, len(cards))
	for i, c := range cards {
		owners[i] = c.UserID
	}
	who, err := actorName(ctx, tx)
	if err != nil {
		return err
	}
	p := notices.Params{"who": who, "day": now.Format(time.DateOnly)}
	if err := notices.Tell(ctx, tx, notices.CardPrinted, p, owners, now); err != nil {
		return err
	}
	heads, err := lookAfter(ctx, tx, owners)
	if err != nil {
		return err
	}
	kind := notices.CardsPrinted
	if len(cards) == 1 {
		kind, p["name"], p["id"] = notices.AccountCardPrinted, cards[0].GivenName+" "+cards[0].FamilyName, cards[0].UserID.String()
	}
	return notices.Tell(ctx, tx, kind, p, heads, now)
}
