package rows

import (
	"cmp"
	"context"
	"time"

	"github.com/google/uuid"

	"lignum/tenants"
)

// Attempt is somebody's attempt at a test, without its answers.
type Attempt struct {
	ID                            uuid.UUID
	Test, Course, Learner, School uuid.UUID // School: the learner's at the start, or Nil
	Number                        int       // among the learner's at this test, from 1; 0: 1
	State                         string    // open, marking or marked; empty: marked
	Seed                          int64
	Paper                         []uuid.UUID // may be none, where nobody looks
	StartedAt, Deadline           time.Time
	SubmittedAt                   time.Time // zero: not handed in
	Score, MaxScore               int       // hundredths of a point; MaxScore 0: not scored
	Grade                         string
	Result                        string // JSON; empty: none
}

// Attempts adds attempts. They earn no points.
func Attempts(ctx context.Context, tx *tenants.Tx, list []Attempt) error {
	return Copy(ctx, tx, "attempts", []string{"id", "test_id", "course_id", "learner_id", "school_id", "number", "state", "seed", "paper", "started_at", "deadline",
		"submitted_at", "score", "max_score", "grade", "result"}, len(list), func(i int) []any {
		a := list[i]
		var score, most any
		if a.MaxScore > 0 {
			score, most = a.Score, a.MaxScore
		}
		paper := a.Paper
		if paper == nil {
			paper = []uuid.UUID{}
		}
		return []any{a.ID, a.Test, a.Course, a.Learner, idOrNull(a.School), max(1, a.Number), cmp.Or(a.State, "marked"), a.Seed, paper, a.StartedAt, a.Deadline,
			timeOrNull(a.SubmittedAt), score, most, a.Grade, orNull(a.Result)}
	})
}

// Progress is how far somebody came in a lesson.
type Progress struct {
	Learner, Course, Lesson uuid.UUID
	Percent, Seconds        int // 100: completed, at UpdatedAt
	Counter                 int // of the learner's reports
	StartedAt, UpdatedAt    time.Time
}

// Lessons adds progress in lessons. It earns no points and is no attendance.
func Lessons(ctx context.Context, tx *tenants.Tx, list []Progress) error {
	return Copy(ctx, tx, "lesson_progress", []string{"learner_id", "course_id", "lesson_id", "percent", "seconds", "counter", "started_at", "updated_at", "completed_at"},
		len(list), func(i int) []any {
			p := list[i]
			var completed any
			if p.Percent == 100 {
				completed = p.UpdatedAt
			}
			return []any{p.Learner, p.Course, p.Lesson, int16(p.Percent), p.Seconds, int64(p.Counter), p.StartedAt, p.UpdatedAt, completed}
		})
}

// Day is one of somebody's days, as the tenant's calendar has it.
type Day struct {
	Day    time.Time // a date
	User   uuid.UUID
	School uuid.UUID // theirs on that day, or Nil; of attendance only
	First  time.Time // the first work of the day; of attendance only
}

// Attendance adds days on which learners worked.
func Attendance(ctx context.Context, tx *tenants.Tx, list []Day) error {
	return Copy(ctx, tx, "attendance", []string{"day", "learner_id", "school_id", "first_at"}, len(list), func(i int) []any {
		return []any{list[i].Day, list[i].User, idOrNull(list[i].School), list[i].First}
	})
}

// ActiveDays adds days on which people were signed in, at the school that is theirs now.
func ActiveDays(ctx context.Context, tx *tenants.Tx, list []Day) error {
	return Copy(ctx, tx, "active_days", []string{"day", "user_id"}, len(list), func(i int) []any { return []any{list[i].Day, list[i].User} })
}
