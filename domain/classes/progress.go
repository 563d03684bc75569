package classes

import (
	"context"
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
}

// Validate tells everything that is wrong as one domain.Invalid.
func (in *ProgressInput) Validate() error {
	var p domain.Problems
	if in.Percent < 0 || in.Percent > 100 {
		p.Add("percent", "must be 0 to 100")
	}
	if in.Seconds < 0 || in.Seconds > 1_000_000 {
		p.Add("seconds", "must be 0 to 1,000,000")
	}
	if in.Counter < 0 || in.Counter > 1<<53 {
		p.Add("counter", "must be 0 to 2^53")
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
}

// ProgressSQL is a report of progress as one statement: permission, progress, attendance, points and the entry in the
// audit trail. $1 to $14 are the arguments of an audit entry, $15 the learner, $16 the lesson, $17 percent, $18 seconds,
// $19 counter, $20 the time, $21 the tenant's date, $22 its month, $23 to $25 what completing earns.
//
// Each column keeps the furthest that was ever reported, so that the order in which reports arrive does not matter: after
// a storm a device sends its queue while another one goes on. A report that brings nothing new writes nothing.
const ProgressSQL = `WITH target AS (
	SELECT l.id AS lesson_id, l.course_id, u.id AS learner_id, u.school_id
	FROM lessons l CROSS JOIN users u
	WHERE l.id = $16::uuid AND l.active AND u.id = $15::uuid AND u.state = 'active'
		AND EXISTS (SELECT FROM enrolments e JOIN classes c ON c.id = e.class_id
			WHERE e.learner_id = u.id AND e.state = 'active' AND c.course_id = l.course_id AND c.state <> 'cancelled')
), was AS (
	SELECT p.percent, p.seconds, p.counter, p.completed_at FROM target JOIN lesson_progress p USING (learner_id, course_id, lesson_id)
), saved AS (
	INSERT INTO lesson_progress AS p (learner_id, course_id, lesson_id, percent, seconds, counter, started_at, updated_at, completed_at)
	SELECT learner_id, course_id, lesson_id, $17::smallint, $18::integer, $19::bigint, $20::timestamptz, $20::timestamptz,
		CASE WHEN $17::smallint = 100 THEN $20::timestamptz END FROM target
	ON CONFLICT (learner_id, course_id, lesson_id) DO UPDATE SET percent = greatest(p.percent, excluded.percent),
		seconds = greatest(p.seconds, excluded.seconds), counter = greatest(p.counter, excluded.counter),
		updated_at = greatest(p.updated_at, excluded.updated_at), completed_at = coalesce(p.completed_at, excluded.completed_at)
	WHERE excluded.counter > p.counter OR excluded.percent > p.percent OR excluded.seconds > p.seconds
	RETURNING p.percent, p.seconds, p.counter, p.completed_at
), worker AS (
	SELECT learner_id, school_id, $21::text::date AS day, $20::timestamptz AS at FROM target WHERE EXISTS (SELECT FROM saved)
), ` + AttendanceCTE + `, earning AS (
	SELECT learner_id, school_id, $23::text AS rule, $24::text AS ref, $25::integer AS points, at, $22::text AS month FROM worker WHERE $17::smallint = 100
), ` + points.CTEs + `, noted AS (
	INSERT INTO audit_entries (id, actor_id, actor_name, actor_roles, actor_realm, address, action, outcome, object_kind, object_id, before, after, reason, request_id)
	SELECT $1::uuid, $2::uuid, $3::text, $4::text, $5::text, $6::text, $7::text, $8::text, $9::text, $10::text, $11::jsonb, $12::jsonb, $13::text, $14::text
	FROM saved
)
SELECT EXISTS (SELECT FROM lessons WHERE id = $16::uuid AND active), EXISTS (SELECT FROM target), s.percent IS NOT NULL,
	coalesce(s.percent, w.percent), coalesce(s.seconds, w.seconds), coalesce(s.counter, w.counter), coalesce(s.completed_at, w.completed_at),
	(SELECT coalesce(sum(points), 0)::integer FROM point_entry)
FROM (SELECT) AS one LEFT JOIN saved s ON true LEFT JOIN was w ON true`

// RecordProgress stores a report in one round trip and one transaction. Completing a lesson sets its time once and earns
// points once. It gives domain.Forbidden when the learner is in no class with the lesson, domain.NotFound when there is
// no such lesson; then nothing was written.
func RecordProgress(ctx context.Context, db *tenants.DB, who audit.Actor, in ProgressInput) (Progress, error) {
	if err := in.Validate(); err != nil {
		return Progress{}, err
	}
	// A report that found a row of its own twin, stored an instant before, sees it at the second try.
	for range 3 {
		p, again, err := recordProgress(ctx, db, who, &in)
		if err != nil || !again {
			return p, err
		}
	}
	return Progress{}, domain.Errorf(domain.Conflict, "The same progress is being stored by another request; send it again.")
}

func recordProgress(ctx context.Context, db *tenants.DB, who audit.Actor, in *ProgressInput) (p Progress, again bool, err error) {
	entry := audit.Entry{Action: "progress.record", ObjectKind: "lesson", ObjectID: in.LessonID.String(),
		After: map[string]any{"learner": in.LearnerID, "percent": in.Percent, "seconds": in.Seconds, "counter": in.Counter}}
	earns := points.ForLesson(in.LessonID)
	b := &pgx.Batch{}
	b.Queue(ProgressSQL, append(entry.Args(who), in.LearnerID.String(), in.LessonID.String(), in.Percent, in.Seconds, in.Counter, in.Now.UTC(),
		in.Today.Format(time.DateOnly), points.Month(in.Today), earns.Rule, earns.Ref, earns.Points)...)
	var lesson, allowed bool
	var percent, seconds *int
	var counter *int64
	p.LessonID = in.LessonID
	err = db.WriteOneTrip(ctx, b, func(res pgx.BatchResults) error {
		return res.QueryRow().Scan(&lesson, &allowed, &p.Changed, &percent, &seconds, &counter, &p.CompletedAt, &p.Points)
	})
	switch {
	case err != nil:
		return p, false, err
	case !lesson:
		return p, false, domain.Errorf(domain.NotFound, "There is no such lesson.")
	case !allowed:
		return p, false, domain.Errorf(domain.Forbidden, "Progress is recorded for learners of a class with this lesson.")
	case percent == nil:
		return p, true, nil
	}
	p.Percent, p.Seconds, p.Counter = *percent, *seconds, *counter
	return p, false, nil
}
