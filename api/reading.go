package api

import (
	"context"
	"net/http"

	"github.com/jackc/pgx/v5"

	"lignum/domain/notices"
	"lignum/policy"
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

// countUnseen lets the page's first reading bring along how many notices its reader has not seen yet, for the head of the page. It does nothing for whoever
// may not see their own.
func (c *Call) countUnseen() {
	if c.unseen != nil || c.Claims == nil || c.State == nil || !c.Would(policy.ProfileRead, policy.Facts{Owner: true}) {
		return
	}
	n, user := -1, c.Claims.UserID
	c.unseen = &n
	c.DB = c.DB.Along(func(b *pgx.Batch) { notices.QueueCount(b, user, &n) })
}

// Unseen tells a page's reader how many notices they have not seen yet, notices.MostCounted at most; -1 when that is not known. ok: they may see their own. A
// page that read nothing reads this one number; a page that says why something was refused does without.
func (c *Call) Unseen() (n int, ok bool) {
	c.countUnseen()
	if c.unseen == nil {
		return 0, false
	}
	if *c.unseen < 0 && c.fc.Response().StatusCode() < http.StatusBadRequest {
		err := c.DB.ReadFresh(c.ctx, func(r *tenants.Reader) error { return r.SendBatch(c.ctx, &pgx.Batch{}).Close() })
		if err != nil { // the page has all else
			return -1, true
		}
	}
	return *c.unseen, true
}
