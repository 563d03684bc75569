package school

import (
	"context"
	"slices"
	"testing"
	"time"

	"github.com/google/uuid"

	"lignum/domain/calendar"
	"lignum/domain/catalog"
	"lignum/domain/demo/rows"
	"lignum/tenants"
)

// Attempt is somebody's attempt at a test. Empty: the first, marked, begun a moment ago, with an hour until the deadline, handed in at once
// unless it is open; of no school, without questions, score, grade or result.
type Attempt = rows.Attempt

// Attempts adds attempts, which earn no points and are no attendance, and gives their ids.
func Attempts(t testing.TB, db *tenants.DB, list ...Attempt) []uuid.UUID {
	t.Helper()
	list = slices.Clone(list)
	ids := identify(list, func(a *Attempt) *uuid.UUID { return &a.ID })
	for i := range list {
		a := &list[i]
		orTime(&a.StartedAt, time.Now().UTC())
		orTime(&a.Deadline, a.StartedAt.Add(time.Hour))
		if a.State != "open" {
			orTime(&a.SubmittedAt, a.StartedAt)
		}
	}
	set(t, db, func(ctx context.Context, tx *tenants.Tx) error { return rows.Attempts(ctx, tx, list) })
	return ids
}

// Progress is how far somebody came in a lesson. Empty: nothing of it, begun and reported a moment ago.
type Progress = rows.Progress

// Study adds progress in lessons, which earns no points and is no attendance.
func Study(t testing.TB, db *tenants.DB, list ...Progress) {
	t.Helper()
	list = slices.Clone(list)
	for i := range list {
		orTime(&list[i].UpdatedAt, time.Now().UTC())
		orTime(&list[i].StartedAt, list[i].UpdatedAt)
	}
	set(t, db, func(ctx context.Context, tx *tenants.Tx) error { return rows.Lessons(ctx, tx, list) })
}

// Day is one of somebody's days, as the tenant's calendar has it. Empty: at no school, from noon (UTC) on. There need be no such person: the
// past of those who are gone stays.
type Day = rows.Day

// Attendance adds days on which learners worked.
func Attendance(t testing.TB, db *tenants.DB, list ...Day) {
	t.Helper()
	list = slices.Clone(list)
	for i := range list {
		orTime(&list[i].First, list[i].Day.Add(12*time.Hour))
	}
	set(t, db, func(ctx context.Context, tx *tenants.Tx) error { return rows.Attendance(ctx, tx, list) })
}

// ActiveDays adds days on which people were signed in, at the school that is theirs now.
func ActiveDays(t testing.TB, db *tenants.DB, list ...Day) {
	t.Helper()
	set(t, db, func(ctx context.Context, tx *tenants.Tx) error { return rows.ActiveDays(ctx, tx, list) })
}

// Points lets learners have earned points in all, whatever for; what they had is replaced.
func Points(t testing.TB, db *tenants.DB, points map[uuid.UUID]int) {
	t.Helper()
	var learners []string
	var n []int32
	for id, p := range points {
		learners, n = append(learners, id.String()), append(n, int32(p))
	}
	set(t, db, func(ctx context.Context, tx *tenants.Tx) error {
		_, err := tx.Exec(ctx, `INSERT INTO point_totals (period, learner_id, points) SELECT 'all', l, p FROM unnest($1::text[]::uuid[], $2::integer[]) v (l, p)
			ON CONFLICT (period, learner_id) DO UPDATE SET points = excluded.points`, learners, n)
		return err
	})
}

// Window lets a test be started from one time until another; either may be nil, for without end.
func Window(t testing.TB, db *tenants.DB, test uuid.UUID, opens, closes *time.Time) {
	t.Helper()
	set(t, db, func(ctx context.Context, tx *tenants.Tx) error {
		return catalog.SetWindow(ctx, tx, test, calendar.Window{OpensAt: opens, ClosesAt: closes})
	})
}
