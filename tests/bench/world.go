package main

import (
	"context"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"lignum/domain/catalog"
	"lignum/domain/catalog/pack"
	"lignum/domain/catalog/packs"
	"lignum/domain/demo/rows"
	"lignum/domain/identity"
	"lignum/tenants"
	"lignum/tenants/audit"
	"lignum/tests/school"
)

// world is one tenant with a course, a class and learners in it.
type world struct {
	tenant   *tenants.Tenant
	keys     *identity.KeyRing
	course   uuid.UUID
	class    uuid.UUID
	lessons  []uuid.UUID
	learners []uuid.UUID
	tokens   []string
}

// world is a tenant with a course of the repository and a class of 30 learners who have begun, made when it is first asked for. Their
// tokens are of now.
func (b *bench) world(ctx context.Context, slug string) (*world, error) {
	if w := b.worlds[slug]; w != nil {
		return w, b.issue(w)
	}
	w, err := b.fill(ctx, slug)
	if err == nil {
		b.worlds[slug] = w
	}
	return w, err
}

func (b *bench) fill(ctx context.Context, slug string) (*world, error) {
	if err := b.registry.Refresh(ctx); err != nil {
		return nil, err
	}
	t, err := b.registry.Tenant(slug)
	if err != nil {
		return nil, err
	}
	files, err := packs.Open("csec-principles-of-business")
	if err != nil {
		return nil, err
	}
	p, err := pack.Read(files)
	if err != nil {
		return nil, err
	}
	db, now := b.store.DB(t.Realm()), time.Now().UTC()
	who := audit.Actor{Name: "bench", Realm: "platform"}
	w := &world{tenant: t}
	err = db.Write(ctx, who, func(tx *tenants.Tx) error {
		made, err := catalog.Import(ctx, tx, p, nil, now)
		if err != nil {
			return err
		}
		w.course = made.CourseID
		found, err := tx.Query(ctx, "SELECT id FROM lessons ORDER BY position")
		if err != nil {
			return err
		}
		w.lessons, err = pgx.CollectRows(found, pgx.RowTo[uuid.UUID])
		return err
	})
	if err != nil {
		return nil, err
	}
	return w, b.people(ctx, db, w, 30)
}

// people makes a class with learners, and a token for each, as if they had signed in before.
func (b *bench) people(ctx context.Context, db *tenants.DB, w *world, n int) error {
	now := time.Now().UTC()
	err := db.Write(ctx, audit.Actor{Name: "bench", Realm: "platform"}, func(tx *tenants.Tx) error {
		room := school.Room{Course: w.course}
		if err := room.Seat(ctx, tx, db.Realm(), n); err != nil {
			return err
		}
		w.class, w.learners = room.Class, append(w.learners, room.Learners...)
		var begun []rows.Progress
		for _, learner := range room.Learners {
			for _, lesson := range w.lessons[:min(8, len(w.lessons))] {
				begun = append(begun, rows.Progress{Learner: learner, Course: w.course, Lesson: lesson, Percent: 40, StartedAt: now, UpdatedAt: now})
			}
		}
		return rows.Lessons(ctx, tx, begun)
	})
	if err != nil {
		return err
	}
	if err := identity.EnsureKeys(ctx, db, now); err != nil {
		return err
	}
	err = db.ReadFresh(ctx, func(r *tenants.Reader) (err error) {
		w.keys, err = identity.LoadKeys(ctx, r, b.vault, w.tenant.Slug)
		return err
	})
	if err != nil {
		return err
	}
	return b.issue(w)
}

// issue makes fresh tokens, since the whole run takes longer than a token lives.
func (b *bench) issue(w *world) error {
	w.tokens = w.tokens[:0]
	for _, id := range w.learners {
		t, err := w.keys.Issue(identity.SignedIn{SessionID: audit.NewID(), UserID: id, UserName: school.UserName(id), Roles: []string{"student"}, SessionVersion: 1},
			b.issuer(w.tenant.Slug), time.Now().UTC())
		if err != nil {
			return err
		}
		w.tokens = append(w.tokens, t.Access)
	}
	return nil
}
