package api

import (
	"context"

	"github.com/jackc/pgx/v5"

	"lignum/tenants"
)

// Reading is what several parts of a page read in one round trip. Each area adds its part, having asked the policy; what it reads is there
// when Run has returned. The zero value reads nothing.
type Reading struct {
	Batch pgx.Batch
	then  []func()
}

// Then adds what is done with the answers, after all of them are there.
func (r *Reading) Then(fn func()) { r.then = append(r.then, fn) }

// Run sends what was added, and gives the first error.
func (r *Reading) Run(ctx context.Context, c *Call) error {
	if r.Batch.Len() == 0 {
		return nil
	}
	err := c.DB.ReadFresh(ctx, func(db *tenants.Reader) error { return db.SendBatch(ctx, &r.Batch).Close() })
	if err != nil {
		return err
	}
	for _, fn := range r.then {
		fn()
	}
	return nil
}
