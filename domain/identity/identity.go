// Package identity is how somebody proves who they are: passwords, printed cards, second factors, sign-in and its throttling, sessions and tokens.
// It serves both kinds of realm, a tenant's and the platform's own.
//
// It stands above domain/people, and not below it: a password must not be one's own name, a token says one's school and roles, and of each new way
// into an account its owner and those who look after it are told. Below, all of that would have to be handed in, or kept twice; people need
// nothing of what is here but that it ends somebody's sessions (people.Ending).
//
// What hashes a password takes a *tenants.DB and opens its own short transactions, so that no database connection
// waits for argon2. Everything else takes a Querier or a Tx. Nothing here decides who may do what; it gives the facts.
package identity

import (
	"context"
	"slices"
	"time"

	"github.com/google/uuid"

	"lignum/domain"
	"lignum/domain/people"
	"lignum/policy"
	"lignum/tenants"
	"lignum/tenants/provision"
)

// CreateUser adds somebody (people.CreateUser) and gives them with the card or the invitation for choosing a password, which goes to staff by mail too.
func CreateUser(ctx context.Context, tx *tenants.Tx, realm tenants.Realm, in people.NewUser, now time.Time) (people.User, Card, error) {
	u, err := people.CreateUser(ctx, tx, realm, in, now)
	if err != nil {
		return u, Card{}, err
	}
	purpose, life := "invitation", ResetLife
	if slices.Contains(u.Roles, people.Student) {
		purpose, life = "card", CardLife
	}
	cards, err := makeCards(ctx, tx, `u.id = $1::uuid`, []any{u.ID.String()}, purpose, now.Add(life), now)
	if err != nil {
		return u, Card{}, err
	}
	err = invite(ctx, tx, u.Roles, &cards[0], now)
	return u, cards[0], err
}

// FirstAdministrator is the tenants.FirstAdministrator of every Provisioner: it opens the first account of a tenant, or makes a new invitation in
// place of one that was lost. Once the invitation was used it is no way in any more, also when the password has been taken away since: the
// account is the tenant's own, and the answer is domain.Conflict.
func FirstAdministrator(ctx context.Context, tx *tenants.Tx, realm tenants.Realm, a provision.Admin, now time.Time) (code string, expires time.Time, err error) {
	var accounts int
	var waiting bool
	if err := tx.QueryRow(ctx, `SELECT count(*), coalesce(bool_and(NOT claimed AND user_name_key = $1::text), true) FROM users`, a.UserName).Scan(&accounts, &waiting); err != nil {
		return "", expires, err
	}
	var card Card
	if accounts == 0 {
		_, card, err = CreateUser(ctx, tx, realm, people.NewUser{UserName: a.UserName, GivenName: a.GivenName, FamilyName: a.FamilyName, Email: a.Email,
			Roles: []string{policy.AdministratorRole(policy.Tenant)}}, now)
		return card.Code, card.Expires, err
	}
	if accounts > 1 || !waiting {
		return "", expires, domain.Refuse(domain.Conflict, "identity.the_tenant_has_an_administrator")
	}
	cards, err := makeCards(ctx, tx, `u.user_name_key = $1::text`, []any{a.UserName}, "invitation", now.Add(ResetLife), now)
	if err == nil && len(cards) == 0 {
		err = domain.Refuse(domain.Conflict, "identity.the_tenants_administrator_is_suspended")
	}
	if err != nil {
		return "", expires, err
	}
	return cards[0].Code, cards[0].Expires, invite(ctx, tx, []string{policy.AdministratorRole(policy.Tenant)}, &cards[0], now)
}

func texts(ids []uuid.UUID) []string {
	out := make([]string, len(ids))
	for i, id := range ids {
		out[i] = id.String()
	}
	return out
}

// exists runs a query that gives one boolean.
func exists(ctx context.Context, q tenants.Querier, sql string, args ...any) (yes bool, err error) {
	err = q.QueryRow(ctx, sql, args...).Scan(&yes)
	return yes, err
}
