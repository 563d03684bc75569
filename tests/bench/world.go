package main

import (
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"lignum/domain/catalog"
	"lignum/domain/catalog/pack"
	"lignum/domain/catalog/packs"
	"lignum/domain/identity"
	"lignum/tenants"
	"lignum/tenants/audit"
)

// world is one tenant with a course, a class and learners in it.
type world struct {
	tenant   *tenants.Tenant
	keys     *identity.KeyRing
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
	w := &world{tenant: t, class: audit.NewID()}
	err = db.Write(ctx, who, func(tx *tenants.Tx) error {
		if _, err := catalog.Import(ctx, tx, p, now); err != nil {
			return err
		}
		rows, err := tx.Query(ctx, "SELECT id FROM lessons ORDER BY position")
		if err != nil {
			return err
		}
		w.lessons, err = pgx.CollectRows(rows, pgx.RowTo[uuid.UUID])
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
		batch := &pgx.Batch{}
		batch.Queue(`INSERT INTO classes (id, course_id, title, kind, starts_on, ends_on, seats, taken) SELECT $1::uuid, (SELECT id FROM courses LIMIT 1), 'Bench', 'on_demand',
			current_date - 30, current_date + 60, 1000, $2::integer`, w.class.String(), n)
		for i := range n {
			id := audit.NewID()
			w.learners = append(w.learners, id)
			batch.Queue(`INSERT INTO users (id, user_name, user_name_key, given_name, family_name) VALUES ($1::uuid, $2::text, $2::text, 'Learner', $3::text)`,
				id.String(), "learner-"+id.String()[24:], fmt.Sprint(i))
			batch.Queue(`INSERT INTO user_roles (user_id, role) VALUES ($1::uuid, 'student')`, id.String())
			batch.Queue(`INSERT INTO enrolments (class_id, learner_id) VALUES ($1::uuid, $2::uuid)`, w.class.String(), id.String())
			if len(w.lessons) > 0 {
				batch.Queue(`INSERT INTO lesson_progress (learner_id, lesson_id, course_id, percent) SELECT $1::uuid, id, course_id, 40 FROM lessons WHERE position < 8`, id.String())
			}
		}
		tx.Record(audit.Entry{Action: "bench.prepare"})
		return tx.SendBatch(ctx, batch).Close()
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
		t, err := w.keys.Issue(identity.SignedIn{SessionID: audit.NewID(), UserID: id, UserName: "learner-" + id.String()[24:], Roles: []string{"student"}, SessionVersion: 1},
			b.issuer(w.tenant.Slug), time.Now().UTC())
		if err != nil {
			return err
		}
		w.tokens = append(w.tokens, t.Access)
	}
	return nil
}
