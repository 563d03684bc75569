package api

import (
	"context"
	"slices"

	"github.com/google/uuid"

	"lignum/policy"
	"lignum/tenants"
)

// What a page offers: answers to "would the policy say yes?", so that no link and no button leads to a refusal. They permit
// nothing and give no data.

// Answers tells what judge says about each of some things, by the actor's ties to them; a thing about which it says the zero value
// is left out. The ties are read at once, and each kind of tie is judged once. Whoever holds none of the permissions is told of
// nothing.
func Answers[Tie, Answer comparable](ctx context.Context, c *Call, of []uuid.UUID, under []policy.Permission,
	read func(context.Context, tenants.Querier, uuid.UUID, []uuid.UUID) (map[uuid.UUID]Tie, error), judge func(Tie) Answer) (map[uuid.UUID]Answer, error) {
	all := map[uuid.UUID]Answer{}
	if len(of) == 0 || !slices.ContainsFunc(under, c.May) {
		return all, nil
	}
	var ties map[uuid.UUID]Tie
	err := c.DB.ReadFresh(ctx, func(r *tenants.Reader) (err error) {
		ties, err = read(ctx, r, c.Claims.UserID, of)
		return err
	})
	var none Answer
	judged := map[Tie]Answer{}
	for id, t := range ties {
		answer, known := judged[t]
		if !known {
			answer = judge(t)
			judged[t] = answer
		}
		if answer != none {
			all[id] = answer
		}
	}
	return all, err
}
