package rows

import (
	"cmp"
	"context"
	"time"

	"github.com/google/uuid"

	"lignum/tenants"
	"lignum/tenants/limits"
)

// Term is a term to be made.
type Term struct {
	ID       uuid.UUID
	Title    string
	From, To time.Time
}

// Terms adds terms.
func Terms(ctx context.Context, tx *tenants.Tx, list []Term) error {
	return Copy(ctx, tx, "terms", []string{"id", "title", "starts_on", "ends_on"}, len(list), func(i int) []any {
		return []any{list[i].ID, list[i].Title, list[i].From, list[i].To}
	})
}

// Class is a class to be made, with those who have a place in it.
type Class struct {
	ID                            uuid.UUID
	Title                         string
	Kind                          string // live or on_demand
	Course, School, TermID, Coach uuid.UUID
	Grade                         string
	StartsOn, EndsOn              time.Time
	Meets                         string
	Weekly                        string // JSON; empty: no meetings
	MeetingURL                    string
	Seats                         int
	Closed                        bool   // learners may not register themselves
	State                         string // empty: active
	Learners                      []uuid.UUID
	EnrolledAt                    time.Time // when the class was made, too
}

// Classes adds classes with their enrolments, and counts the active ones; just as many seats are taken as learners are given. It gives
// domain.OverQuota.
func Classes(ctx context.Context, tx *tenants.Tx, list []Class) error {
	active := 0
	var taken []Enrolment
	for _, c := range list {
		if c.State == "" || c.State == "active" {
			active++
		}
		for _, l := range c.Learners {
			taken = append(taken, Enrolment{Class: c.ID, Learner: l, At: c.EnrolledAt})
		}
	}
	if err := take(ctx, tx, limits.Classes, active); err != nil {
		return err
	}
	err := Copy(ctx, tx, "classes", []string{"id", "title", "kind", "course_id", "school_id", "term_id", "coach_id", "grade", "starts_on", "ends_on", "meets", "weekly",
		"meeting_url", "seats", "open", "taken", "state", "created_at"}, len(list), func(i int) []any {
		c := list[i]
		return []any{c.ID, c.Title, c.Kind, idOrNull(c.Course), idOrNull(c.School), idOrNull(c.TermID), idOrNull(c.Coach), c.Grade, c.StartsOn, c.EndsOn,
			c.Meets, cmp.Or(c.Weekly, "[]"), c.MeetingURL, c.Seats, !c.Closed, len(c.Learners), cmp.Or(c.State, "active"), c.EnrolledAt}
	})
	if err != nil {
		return err
	}
	return Places(ctx, tx, taken)
}

// Enrolment is somebody's place in a class.
type Enrolment struct {
	Class, Learner uuid.UUID
	At             time.Time
	LeftAt         time.Time // zero: still there
}

// Places adds places in classes whose count of seats holds them already.
func Places(ctx context.Context, tx *tenants.Tx, list []Enrolment) error {
	return Copy(ctx, tx, "enrolments", []string{"class_id", "learner_id", "state", "enrolled_at", "left_at"}, len(list), func(i int) []any {
		e, state := list[i], "active"
		if !e.LeftAt.IsZero() {
			state = "left"
		}
		return []any{e.Class, e.Learner, state, e.At, timeOrNull(e.LeftAt)}
	})
}
