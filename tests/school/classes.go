package school

import (
	"cmp"
	"context"
	"slices"
	"testing"
	"time"

	"github.com/google/uuid"

	"lignum/domain/demo/rows"
	"lignum/tenants"
)

// Term is a term to be made, with all its fields.
type Term = rows.Term

// Terms adds terms, and gives their ids.
func Terms(t testing.TB, db *tenants.DB, list ...Term) []uuid.UUID {
	t.Helper()
	list = slices.Clone(list)
	ids := identify(list, func(x *Term) *uuid.UUID { return &x.ID })
	set(t, db, func(ctx context.Context, tx *tenants.Tx) error { return rows.Terms(ctx, tx, list) })
	return ids
}

// Class is a class to be made, with those who have a place in it. Empty: the Title "A class", at the learner's own pace, no course, school,
// term or coach, no grade, from thirty days ago until sixty days from now, 1,000 seats, open to whoever registers, active, the learners
// enrolled a moment ago.
type Class = rows.Class

// Classes adds classes, and gives their ids.
func Classes(t testing.TB, db *tenants.DB, list ...Class) []uuid.UUID {
	t.Helper()
	now := time.Now().UTC()
	list = slices.Clone(list)
	ids := identify(list, func(c *Class) *uuid.UUID { return &c.ID })
	for i := range list {
		c := &list[i]
		c.Title, c.Kind, c.Seats = cmp.Or(c.Title, "A class"), cmp.Or(c.Kind, "on_demand"), cmp.Or(c.Seats, 1000)
		orTime(&c.StartsOn, now.AddDate(0, 0, -30))
		orTime(&c.EndsOn, now.AddDate(0, 0, 60))
		orTime(&c.EnrolledAt, now)
	}
	set(t, db, func(ctx context.Context, tx *tenants.Tx) error { return rows.Classes(ctx, tx, list) })
	return ids
}

// Enrolment is somebody's place in a class. Empty: from now, still there.
type Enrolment = rows.Enrolment

// Enrolments adds places in classes that have so many seats left, and takes the seats of those who are still there.
func Enrolments(t testing.TB, db *tenants.DB, list ...Enrolment) {
	t.Helper()
	list = slices.Clone(list)
	for i := range list {
		orTime(&list[i].At, time.Now().UTC())
	}
	var seats []string
	for _, e := range list {
		if e.LeftAt.IsZero() {
			seats = append(seats, e.Class.String())
		}
	}
	set(t, db, func(ctx context.Context, tx *tenants.Tx) error {
		_, err := tx.Exec(ctx, `UPDATE classes c SET taken = taken + n.n FROM (SELECT id, count(*)::integer AS n FROM unnest($1::text[]::uuid[]) id GROUP BY 1) n WHERE c.id = n.id`, seats)
		if err != nil {
			return err
		}
		return rows.Places(ctx, tx, list)
	})
}

// Enrol gives learners a place in a class from now on.
func Enrol(t testing.TB, db *tenants.DB, class uuid.UUID, learners ...uuid.UUID) {
	t.Helper()
	list := make([]Enrolment, len(learners))
	for i, l := range learners {
		list[i] = Enrolment{Class: class, Learner: l}
	}
	Enrolments(t, db, list...)
}

func orTime(t *time.Time, otherwise time.Time) {
	if t.IsZero() {
		*t = otherwise
	}
}
