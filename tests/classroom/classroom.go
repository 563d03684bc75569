// Package classroom fills a tenant with a small class whose learners are signed in: what load and chaos work on.
package classroom

import (
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"lignum/domain/identity"
	"lignum/tenants"
	"lignum/tenants/audit"
)

// Room is a class on a small course, with learners who are signed in.
type Room struct {
	Tenant   *tenants.Tenant
	Class    uuid.UUID
	Lessons  []uuid.UUID
	Learners []uuid.UUID
	keys     *identity.KeyRing
}

// New puts a course with lessons and a class with learners into a tenant, as rows, in one transaction.
func New(ctx context.Context, db *tenants.DB, tenant *tenants.Tenant, lessons, learners int) (*Room, error) {
	c := &Room{Tenant: tenant, Class: audit.NewID()}
	course, section := audit.NewID().String(), audit.NewID().String()
	err := db.Write(ctx, audit.Actor{Name: "classroom", Realm: "platform"}, func(tx *tenants.Tx) error {
		b := &pgx.Batch{}
		b.Queue(`INSERT INTO courses (id, slug, version, content_hash, title, subject, level, scheme, language, summary, licence, author)
			VALUES ($1::uuid, $2::text, '1.0.0', $2::text, 'A course', 'Mathematics', '10', 'CSEC', 'en', 'For tests.', 'CC-BY-4.0', 'Lignum')`, course, "course-"+course)
		b.Queue(`INSERT INTO course_sections (id, course_id, code, title, position) VALUES ($1::uuid, $2::uuid, 'one', 'One', 1)`, section, course)
		for i := range lessons {
			id := audit.NewID()
			c.Lessons = append(c.Lessons, id)
			b.Queue(`INSERT INTO lessons (id, course_id, section_id, slug, title, position, minutes, markdown, html, content_hash)
				VALUES ($1::uuid, $2::uuid, $3::uuid, $4::text, $4::text, $5::integer, 20, '# x', '<h1>x</h1>', $4::text)`, id.String(), course, section, fmt.Sprintf("lesson-%d", i+1), i+1)
		}
		b.Queue(`INSERT INTO classes (id, course_id, title, kind, starts_on, ends_on, seats, taken) VALUES ($1::uuid, $2::uuid, 'A class', 'on_demand',
			current_date - 30, current_date + 60, 1000, $3::integer)`, c.Class.String(), course, learners)
		for i := range learners {
			id := audit.NewID()
			c.Learners = append(c.Learners, id)
			b.Queue(`INSERT INTO users (id, user_name, user_name_key, given_name, family_name) VALUES ($1::uuid, $2::text, $2::text, 'Learner', $3::text)`,
				id.String(), "learner-"+id.String()[24:], fmt.Sprint(i+1))
			b.Queue(`INSERT INTO user_roles (user_id, role) VALUES ($1::uuid, 'student')`, id.String())
			b.Queue(`INSERT INTO enrolments (class_id, learner_id) VALUES ($1::uuid, $2::uuid)`, c.Class.String(), id.String())
		}
		tx.Record(audit.Entry{Action: "classroom.make"})
		return tx.SendBatch(ctx, b).Close()
	})
	if err != nil {
		return nil, err
	}
	if err := identity.EnsureKeys(ctx, db, time.Now().UTC()); err != nil {
		return nil, err
	}
	err = db.ReadFresh(ctx, func(r *tenants.Reader) (err error) {
		c.keys, err = identity.LoadKeys(ctx, r, db.Vault(), tenant.Slug)
		return err
	})
	return c, err
}

// Token is an access token of the i-th learner, as if they had signed in a moment ago.
func (c *Room) Token(i int, issuer string) (string, error) {
	t, err := c.keys.Issue(identity.SignedIn{SessionID: audit.NewID(), UserID: c.Learners[i], UserName: "learner-" + c.Learners[i].String()[24:], Roles: []string{"student"}, SessionVersion: 1},
		issuer, time.Now().UTC())
	if err != nil {
		return "", err
	}
	return t.Access, nil
}
