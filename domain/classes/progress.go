package classes

import (
	"context"
	"errors"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"lignum/domain"
	"lignum/domain/points"
	"lignum/tenants"
	"lignum/tenants/audit"
)

// ProgressInput reports how far a learner is in a lesson.
type ProgressInput struct {
	LearnerID uuid.UUID
	LessonID  uuid.UUID
	Percent   int       // 0 to 100; 100 completes the lesson
	Seconds   int       // spent in the lesson in all, as the client knows; 0 to 1,000,000
	Counter   int64     // the client's own, rising with each report; 0 to 2^53
	Now       time.Time // when the report arrived
	Today     time.Time // the tenant's date
	Attended  bool      // today is marked for the learner, as the caller remembers; false costs a statement and does no harm
}

// progressReported is what the trail tells of a report.
type progressReported struct {
	Counter int64     `json:"counter"`
	Learner uuid.UUID `json:"learner"`
	Percent int       `json:"percent"`
	Seconds int       `json:"seconds"`
}

// Validate tells everything that is wrong as one domain.Invalid.
func (in *ProgressInput) Validate() error {
	var p domain.Problems
	if in.Percent < 0 || in.Percent > 100 {
		p.Add("percent", "classes.must_be_0_to_100")
	}
	if in.Seconds < 0 || in.Seconds > 1_000_000 {
		p.Add("seconds", "classes.must_be_0_to_1")
	}
	if in.Counter < 0 || in.Counter > 1<<53 {
		p.Add("counter", "classes.must_be_a_whole_number")
	}
	return p.Err()
}

// Progress is what is stored of a learner and a lesson.
type Progress struct {
	LessonID    uuid.UUID  `json:"lesson_id"`
	Percent     int        `json:"percent"`
	Seconds     int        `json:"seconds"`
	Counter     int64      `json:"counter"`
	CompletedAt *time.Time `json:"completed_at,omitempty"`
	Changed     bool       `json:"changed"` // false: nothing in the report was new, and nothing was written
	Points      int        `json:"points"`  // earned by this report
	Earned      bool       `json:"earned"`  // the lesson's points are the learner's, by this report or before
	// PointsIn is how many seconds the learner still has to spend with the lesson before a report of 100 percent earns its
	// points; 0 when it earns them now, or they are earned.
	PointsIn int `json:"points_in"`

	openedAt *time.Time
}

// Sitting is how long after it was opened a lesson may be opened again and still count as one sitting.
const Sitting = 30 * time.Minute

// saveProgressSQL stores a report with its entry in the audit trail, and gives what is stored then: nothing for a report that brings
// nothing new. $1 and $2 are the arguments of an audit entry, $3 the learner, $4 the lesson, $5 percent, $6 seconds, $7 counter,
// $8 the time.
const saveProgressSQL = `SELECT percent, seconds, counter, completed_at FROM save_progress(` + audit.Parameters + `, $3::uuid, $4::uuid, $5::smallint, $6::integer,
	$7::bigint, $8::timestamptz)`

// attendProgressSQL marks the day of the learner ($1) whose report of the lesson ($2) was stored just now.
const attendProgressSQL = `SELECT attend(ARRAY[$1::uuid], ARRAY[$3::text::date], ARRAY[$4::timestamptz]) WHERE saved_now($1::uuid, $2::uuid)`

// earnProgressSQL gives the points that are new, whether the learner has the lesson's points now, and the seconds left until then.
const earnProgressSQL = `SELECT fresh, earned, points_in FROM earn_lesson($1::uuid, $2::uuid, $3::text, $4::text, $5::integer, $6::timestamptz, $7::text)`

// standingSQL says why a report was not stored: no such lesson, no place in a class with it, or nothing new in it.
const standingSQL = `SELECT enrolled FROM lesson_standing($1::uuid, $2::uuid)`

// openSQL notes that a learner opened a lesson, once a sitting. $1 and $2 are the arguments of an audit entry, $3 the learner,
// $4 the lesson, $5 the time, $6 the time less Sitting.
const openSQL = `SELECT open_lesson(` + audit.Parameters + `, $3::uuid, $4::uuid, $5::timestamptz, $6::timestamptz)`

// Unread reports whether OpenLesson has something to note at a time: the lesson's points are not earned, and no sitting is under way.
func (p *Progress) Unread(now time.Time) bool {
	return !p.Earned && (p.openedAt == nil || p.openedAt.Before(now.Add(-Sitting)))
}

// OpenLesson notes that a learner who has a place in a class with the lesson opens it, and gives what is stored then. From then on the
// time counts that earns the lesson's points.
func OpenLesson(ctx context.Context, db *tenants.DB, who audit.Actor, learnerID, lessonID uuid.UUID, now time.Time) (Progress, error) {
	entry := audit.Entry{Action: "lesson.open", ObjectKind: "lesson", ObjectID: lessonID.String(), After: map[string]any{"learner": learnerID}, Plain: true}
	b, p := &pgx.Batch{}, Progress{LessonID: lessonID}
	b.Queue(openSQL, append(entry.Args(who), learnerID.String(), lessonID.String(), now.UTC(), now.Add(-Sitting).UTC())...)
	b.Queue(progressInSQL, learnerID.String(), lessonID.String(), now.UTC(), points.LessonCompleted)
	err := db.WriteOneTrip(ctx, b, func(res pgx.BatchResults) error {
		if _, err := res.Exec(); err != nil {
			return err
		}
		return p.scan(res.QueryRow())
	})
	return p, err
}

// RecordProgress stores a report in one round trip and one transaction, a batch of small statements. Completing a lesson sets its time once and earns points once. It gives
// domain.Forbidden when the learner is in no class with the lesson, domain.NotFound when there is no such lesson; then nothing
// was written.
func RecordProgress(ctx context.Context, db *tenants.DB, who audit.Actor, in ProgressInput) (Progress, error) {
	if err := in.Validate(); err != nil {
		return Progress{}, err
	}
	entry := audit.Entry{Action: "progress.record", ObjectKind: "lesson", ObjectID: in.LessonID.String(), Plain: true,
		After: progressReported{in.Counter, in.LearnerID, in.Percent, in.Seconds}}
	learner, lesson, now := in.LearnerID.String(), in.LessonID.String(), in.Now.UTC()
	b := &pgx.Batch{}
	b.Queue(saveProgressSQL, append(entry.Args(who), learner, lesson, in.Percent, in.Seconds, in.Counter, now)...)
	if !in.Attended {
		b.Queue(attendProgressSQL, learner, lesson, in.Today.Format(time.DateOnly), now)
	}
	if in.Percent == 100 {
		earns := points.ForLesson(in.LessonID)
		b.Queue(earnProgressSQL, learner, lesson, earns.Rule, earns.Ref, earns.Points, now, points.Month(in.Today))
	}
	p := Progress{LessonID: in.LessonID}
	err := db.WriteOneTrip(ctx, b, func(res pgx.BatchResults) error {
		switch err := res.QueryRow().Scan(&p.Percent, &p.Seconds, &p.Counter, &p.CompletedAt); {
		case err == nil:
			p.Changed = true
		case !errors.Is(err, pgx.ErrNoRows):
			return err
		}
		if !in.Attended {
			if _, err := res.Exec(); err != nil {
				return err
			}
		}
		if in.Percent != 100 {
			return nil
		}
		return res.QueryRow().Scan(&p.Points, &p.Earned, &p.PointsIn)
	})
	if err != nil || p.Changed {
		return p, err
	}
	return unchanged(ctx, db, in)
}

// unchanged tells what is stored when a report brought nothing new, or why it may not be stored.
func unchanged(ctx context.Context, db *tenants.DB, in ProgressInput) (p Progress, err error) {
	var allowed bool
	err = db.ReadFresh(ctx, func(r *tenants.Reader) error {
		if err := r.QueryRow(ctx, standingSQL, in.LearnerID.String(), in.LessonID.String()).Scan(&allowed); err != nil {
			return err
		}
		p, err = ProgressIn(ctx, r, in.LearnerID, in.LessonID, in.Now)
		return err
	})
	switch {
	case errors.Is(err, pgx.ErrNoRows):
		return p, domain.Refuse(domain.NotFound, "classes.there_is_no_such_lesson")
	case err != nil:
		return p, err
	case !allowed:
		return p, domain.Refuse(domain.Forbidden, "classes.progress_is_recorded_for_learners")
	case p.openedAt == nil: // the learner got the place a moment after the report
		return p, domain.Refuse(domain.Conflict, "classes.the_progress_could_not_be")
	}
	return p, nil
}
