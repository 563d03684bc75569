package files

import (
	"context"
	"errors"
	"path"
	"strings"
	"time"

	"github.com/google/uuid"

	"lignum/tenants"
	"lignum/tenants/audit"
)

// An upload has its row within minutes of its first byte. What is without one for longer was left behind.
const orphanAge = time.Hour

// Mark is how far a sweep is. The zero Mark is its beginning.
type Mark struct {
	blobs string    // the key of the last that was looked at
	rows  uuid.UUID // the last that was looked at
	seen  [2]bool   // all blobs, all rows
}

// Done reports whether the sweep is at its end.
func (m Mark) Done() bool { return m.seen == [2]bool{true, true} }

// Swept is what a step found and removed.
type Swept struct {
	Blobs int // bytes without a row
	Rows  int // rows without bytes
}

// ErrAllMissing says that none of the files of a step has its bytes. Rather the wrong directory is mounted than that all of them are lost, so no row is
// removed.
var ErrAllMissing = errors.New("none of the files that were looked at has its bytes: is this the right bucket?")

// Sweep makes one step through a realm's files and gives where the next begins. It removes bytes older than an hour without a row, and rows without bytes, whose
// room is given back and which the trail tells of. It may be done by several at once, and while files come and go.
func (b *Bucket) Sweep(ctx context.Context, db *tenants.DB, who audit.Actor, from Mark, now time.Time) (Swept, Mark, error) {
	var done Swept
	if err := b.ready(); err != nil {
		return done, from, err
	}
	var err error
	if !from.seen[0] {
		if done.Blobs, err = b.sweepBlobs(ctx, db, &from, now); err != nil {
			return done, from, err
		}
	}
	if !from.seen[1] {
		done.Rows, err = b.sweepRows(ctx, db, who, &from)
	}
	return done, from, err
}

func (b *Bucket) sweepBlobs(ctx context.Context, db *tenants.DB, m *Mark, now time.Time) (removed int, err error) {
	list, more, err := b.store.list(ctx, prefixOf(db.Realm()), m.blobs)
	if err != nil {
		return 0, away(err)
	}
	old := map[string]uuid.UUID{} // by their keys
	ids := make([]uuid.UUID, 0, len(list))
	for _, o := range list {
		name, _, _ := strings.Cut(path.Base(o.key), ".") // what is on its way lies beside a file, as <id>.<something>
		if id, err := uuid.Parse(name); err == nil && o.modified.Before(now.Add(-orphanAge)) {
			old[o.key], ids = id, append(ids, id)
		}
	}
	if len(old) > 0 {
		rows, open := map[string]bool{}, map[uuid.UUID]bool{}
		if err := db.ReadFresh(ctx, func(r *tenants.Reader) error {
			known, err := tenants.Entity[File](r).Select("id, purpose").Scopes(tenants.OneOf("id", ids)).Find(ctx)
			for i := range known {
				rows[keyOf(db.Realm(), known[i].Purpose, known[i].ID)] = true
			}
			if err == nil && !r.Realm().IsPlatform() { // nobody uploads anything there
				open, err = openAmong(ctx, r, ids)
			}
			return err
		}); err != nil {
			return 0, err
		}
		for key, id := range old {
			if rows[key] || open[id] {
				continue
			}
			if err := b.store.remove(ctx, key); err != nil {
				return removed, away(err)
			}
			removed++
		}
	}
	if m.seen[0] = !more; len(list) > 0 {
		m.blobs = list[len(list)-1].key
	}
	return removed, nil
}

func (b *Bucket) sweepRows(ctx context.Context, db *tenants.DB, who audit.Actor, m *Mark) (removed int, err error) {
	var rows []File
	if err := db.ReadFresh(ctx, func(r *tenants.Reader) (err error) {
		var after []string
		if m.rows != uuid.Nil {
			after = []string{m.rows.String()}
		}
		rows, err = tenants.Entity[File](r).Select("id, purpose").Scopes(tenants.Page("id", after, listStep)).Find(ctx)
		return err
	}); err != nil {
		return 0, err
	}
	var lost []uuid.UUID
	for i := range rows {
		_, err := b.store.size(ctx, keyOf(db.Realm(), rows[i].Purpose, rows[i].ID))
		if errors.Is(err, errNone) {
			lost = append(lost, rows[i].ID)
		} else if err != nil {
			return 0, away(err)
		}
	}
	if len(lost) > 0 && len(lost) == len(rows) {
		return 0, ErrAllMissing
	}
	if len(lost) > 0 {
		if err := db.Write(ctx, who, func(tx *tenants.Tx) error {
			gone, err := Discard(ctx, tx, "file.lost", lost...)
			removed = len(gone)
			if removed == 0 && err == nil {
				return errNothing
			}
			return err
		}); err != nil && !errors.Is(err, errNothing) {
			return 0, err
		}
	}
	if m.seen[1] = len(rows) < listStep; len(rows) > 0 {
		m.rows = rows[len(rows)-1].ID
	}
	return removed, nil
}

// errNothing ends a transaction in which there was nothing left to do.
var errNothing = errors.New("nothing is left to remove")
