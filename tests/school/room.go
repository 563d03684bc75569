package school

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/google/uuid"

	"lignum/domain/catalog/pack"
	"lignum/domain/demo/rows"
	"lignum/tenants"
	"lignum/tenants/audit"
)

// Room is a class on a course, with its learners.
type Room struct {
	Course, Class     uuid.UUID
	Lessons, Learners []uuid.UUID
}

// NewRoom is Fill in a test.
func NewRoom(t testing.TB, db *tenants.DB, lessons, learners int) Room {
	t.Helper()
	r, err := Fill(context.Background(), db, lessons, learners)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// Fill puts a course with lessons and a class with learners into a tenant, in one transaction. It gives the error, for the programs that
// are no tests: benchmarks and loads.
func Fill(ctx context.Context, db *tenants.DB, lessons, learners int) (r Room, err error) {
	err = db.Write(ctx, audit.Actor{Name: "setup", Realm: "platform"}, func(tx *tenants.Tx) error {
		made, err := importCourse(ctx, tx, pack.Pack{Name: "course", Sections: []pack.Section{Lessons(lessons)}})
		if err != nil {
			return err
		}
		r.Course, r.Lessons = made.ID, made.Lessons
		return r.Seat(ctx, tx, db.Realm(), learners)
	})
	return r, err
}

// Seat makes a class on the room's course, from thirty days ago until sixty days from now, and so many learners in it, with user names
// that nobody else has.
func (r *Room) Seat(ctx context.Context, tx *tenants.Tx, realm tenants.Realm, learners int) error {
	tx.Record(audit.Entry{Action: "test.setup"})
	now := time.Now().UTC()
	list := make([]Person, learners)
	for i := range list {
		id := audit.NewID()
		list[i] = Person{ID: id, UserName: UserName(id), GivenName: "Learner", FamilyName: fmt.Sprint(i + 1), Roles: []string{"student"}}
		r.Learners = append(r.Learners, id)
	}
	if err := rows.People(ctx, tx, realm, now, list); err != nil {
		return err
	}
	r.Class = audit.NewID()
	return rows.Classes(ctx, tx, []Class{{ID: r.Class, Title: "A class", Kind: "on_demand", Course: r.Course, StartsOn: now.AddDate(0, 0, -30), EndsOn: now.AddDate(0, 0, 60),
		Seats: 1000, Learners: r.Learners, EnrolledAt: now}})
}

// UserName is the user name of a room's learner.
func UserName(id uuid.UUID) string { return "learner-" + id.String()[24:] }
