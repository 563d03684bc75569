package files

import (
	"context"
	"errors"
	"time"

	"lignum/tenants"
	"lignum/tenants/audit"
)

// removedAge is how long after a tenant's removal its bytes are erased: by then no process serves it any more, and nothing is on its way.
const removedAge = time.Hour

// EraseRemoved erases what tenants kept that were removed an hour ago or longer, as the registry notes of each: that something lies in the bucket and has no tenant of ours does not
// say that it is ours. Where a tenant of the same name is there again, that one's own sweep does it. db is the platform's. Each that is done has an entry in the
// trail.
func (b *Bucket) EraseRemoved(ctx context.Context, db *tenants.DB, who audit.Actor, now time.Time) error {
	if err := b.ready(); err != nil {
		return err
	}
	var list []tenants.Removed
	if err := db.ReadFresh(ctx, func(r *tenants.Reader) (err error) {
		list, err = tenants.RemovedUntil(ctx, r, now.Add(-removedAge))
		return err
	}); err != nil {
		return err
	}
	var failed error
	for _, one := range list {
		failed = errors.Join(failed, b.eraseRemoved(ctx, db, who, one))
	}
	return failed
}

func (b *Bucket) eraseRemoved(ctx context.Context, db *tenants.DB, who audit.Actor, gone tenants.Removed) error {
	erased, back := 0, false
	for more, after := true, ""; more && !back; {
		if err := db.ReadFresh(ctx, func(r *tenants.Reader) (err error) {
			back, err = tenants.IsLogin(ctx, r, gone.Login)
			return err
		}); err != nil {
			return err
		}
		if back {
			break
		}
		list, rest, err := b.store.list(ctx, prefixOf(tenants.Realm{Login: gone.Login}), after)
		if err != nil {
			return away(err)
		}
		more = rest
		for _, o := range list {
			if after = o.key; o.modified.After(gone.At.Add(removedAge)) { // of one of the same name, which was made this minute
				continue
			}
			if err := b.store.remove(ctx, o.key); err != nil {
				return away(err)
			}
			erased++
		}
	}
	return db.Write(ctx, who, func(tx *tenants.Tx) error {
		tx.Record(audit.Entry{Action: "file.erase_removed", ObjectKind: "tenant", ObjectID: gone.Login, After: map[string]any{"files": erased, "tenant_is_back": back}, Plain: true})
		return tenants.ForgetRemoved(ctx, tx, gone)
	})
}
