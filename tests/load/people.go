package load

import (
	"context"
	"time"

	"github.com/google/uuid"

	"lignum/domain/identity"
	"lignum/tenants"
	"lignum/tenants/audit"
)

// Person is somebody with an account, who has signed in before the load begins: hashing passwords is measured apart.
type Person struct {
	ID       uuid.UUID
	UserName string
	Roles    []string
	School   *uuid.UUID
	Class    uuid.UUID // of a learner, or one that a teacher teaches
	Course   uuid.UUID // of that class
}

// Desk signs tokens of one tenant's people.
type Desk struct {
	Slug   string
	issuer string
	keys   *identity.KeyRing
}

// NewDesk reads a tenant's keys, and makes them where there are none.
func NewDesk(ctx context.Context, db *tenants.DB, issuer string) (*Desk, error) {
	if err := identity.EnsureKeys(ctx, db, time.Now().UTC()); err != nil {
		return nil, err
	}
	d := &Desk{Slug: db.Realm().Slug, issuer: issuer}
	err := db.ReadFresh(ctx, func(r *tenants.Reader) (err error) {
		d.keys, err = identity.LoadKeys(ctx, r, db.Vault(), d.Slug)
		return err
	})
	return d, err
}

// Token is a new access token of a person. Staff have shown a second factor.
func (d *Desk) Token(p Person) (string, error) {
	t, err := d.keys.Issue(identity.SignedIn{SessionID: audit.NewID(), UserID: p.ID, UserName: p.UserName, Roles: p.Roles, SchoolID: p.School,
		SessionVersion: 1, SecondFactor: p.Roles[0] != "student"}, d.issuer, time.Now().UTC())
	if err != nil {
		return "", err
	}
	return t.Access, nil
}
