package classes

import (
	"context"
	"errors"
	"strings"
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
		p.Add("counter", "must be a whole number from 0 on that a page can count")
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

// Points for a lesson are for reading it: a fifth of the lesson's minutes, but 20 seconds at least and 5 minutes at most, by
// the server's clock, from the moment at which the lesson was opened. What a client says of its own seconds counts nothing
// here. Completing is stored at once all the same; the points come with a later report. A sitting counts half an hour at most,
// and the points of two lessons lie as far apart as the second takes: open side by side, lessons are not read side by side.
//
// leftSQL gives the seconds that are left, for rows p of lesson_progress and l of lessons; $now and $rule stand for the time
// and the rule.
const leftSQL = `greatest(0, ceil(` + needSQL + ` - least(p.read_seconds + ` + sittingSQL + `,
	coalesce(extract(epoch FROM $now::timestamptz - (SELECT max(e.at) FROM point_entries e WHERE e.learner_id = p.learner_id AND e.rule = $rule::text)), 1e9))))::integer`

const (
	needSQL    = `least(greatest(l.minutes * 60 / 5, 20), 300)`
	sittingSQL = `least(1800, extract(epoch FROM $now::timestamptz - coalesce(p.opened_at, p.started_at)))`
)

// Sitting is how long after it was opened a lesson may be opened again and still count as one sitting.
const Sitting = 30 * time.Minute

func withArgs(sql, now, rule string) string {
	return strings.NewReplacer("$now", now, "$rule", rule).Replace(sql)
}

// saveProgressSQL stores a report with its entry in the audit trail. $1 to $14 are the arguments of an audit entry, $15 the
// learner, $16 the lesson, $17 percent, $18 seconds, $19 counter, $20 the time.
//
// Each column keeps the furthest that was ever reported, so that the order in which reports arrive does not matter: after
// a storm a device sends its queue while another one goes on. A report that brings nothing new writes nothing.
const saveProgressSQL = `WITH saved AS (
	INSERT INTO lesson_progress AS p (learner_id, course_id, lesson_id, percent, seconds, counter, started_at, opened_at, updated_at, completed_at)
	SELECT $15::uuid, l.course_id, l.id, $17::smallint, $18::integer, $19::bigint, $20::timestamptz, $20::timestamptz, $20::timestamptz, CASE WHEN $17::smallint = 100 THEN $20::timestamptz END
	FROM lessons l WHERE l.id = $16::uuid AND l.active AND EXISTS (SELECT FROM enrolments e JOIN classes c ON c.id = e.class_id
		WHERE e.learner_id = $15::uuid AND e.state = 'active' AND c.course_id = l.course_id AND c.state <> 'cancelled')
	ON CONFLICT (learner_id, course_id, lesson_id) DO UPDATE SET percent = greatest(p.percent, excluded.percent),
		seconds = greatest(p.seconds, excluded.seconds), counter = greatest(p.counter, excluded.counter),
		updated_at = greatest(p.updated_at, excluded.updated_at), completed_at = coalesce(p.completed_at, excluded.completed_at)
	WHERE excluded.counter > p.counter OR excluded.percent > p.percent OR excluded.seconds > p.seconds
	RETURNING p.percent, p.seconds, p.counter, p.completed_at
), noted AS (
	INSERT INTO audit_entries (id, actor_id, actor_name, actor_roles, actor_realm, address, action, outcome, object_kind, object_id, before, after, reason, request_id)
	SELECT $1::uuid, $2::uuid, $3::text, $4::text, $5::text, $6::text, $7::text, $8::text, $9::text, $10::text, $11::jsonb, $12::jsonb, $13::text, $14::text
	FROM saved
)
SELECT percent, seconds, counter, completed_at FROM saved`

// savedNow holds for the learner's ($1) row of the lesson ($2) when this very transaction wrote it: the statements that
// follow the one above in its batch do their part only then.
const savedNow = `EXISTS (SELECT FROM lesson_progress p WHERE p.learner_id = $1::uuid AND p.lesson_id = $2::uuid AND p.xmin = pg_current_xact_id()::xid)`

const attendProgressSQL = `INSERT INTO attendance (day, learner_id, school_id, first_at)
	SELECT $3::text::date, u.id, u.school_id, $4::timestamptz FROM users u WHERE u.id = $1::uuid AND ` + savedNow + ` ON CONFLICT DO NOTHING`

// earnProgressSQL gives the points that are new, whether the learner has the lesson's points now, and the seconds left until then.
var earnProgressSQL = `WITH reading AS MATERIALIZED (
	SELECT ` + withArgs(leftSQL, "$6", "$3") + ` AS seconds_left FROM lesson_progress p JOIN lessons l ON l.id = p.lesson_id
	WHERE p.learner_id = $1::uuid AND p.lesson_id = $2::uuid AND p.xmin = pg_current_xact_id()::xid
), earning AS (
	SELECT u.id AS learner_id, u.school_id, $3::text AS rule, $4::text AS ref, $5::integer AS points, $6::timestamptz AS at, $7::text AS month
	FROM users u CROSS JOIN reading WHERE u.id = $1::uuid AND reading.seconds_left = 0
), ` + points.CTEs + `, mine AS (
	SELECT (SELECT coalesce(sum(points), 0)::integer FROM point_entry) AS fresh,
		EXISTS (SELECT FROM point_entries e WHERE e.learner_id = $1::uuid AND e.rule = $3::text AND e.ref = $4::text) AS before
) SELECT fresh, before OR fresh > 0, CASE WHEN before OR fresh > 0 THEN 0 ELSE coalesce((SELECT seconds_left FROM reading), 0) END FROM mine`

// standingSQL says why a report was not stored: no such lesson, no place in a class with it, or nothing new in it.
const standingSQL = `SELECT EXISTS (SELECT FROM enrolments e JOIN classes c ON c.id = e.class_id
		WHERE e.learner_id = $1::uuid AND e.state = 'active' AND c.course_id = l.course_id AND c.state <> 'cancelled')
	FROM lessons l WHERE l.id = $2::uuid AND l.active`

// openSQL notes that a learner opened a lesson, once a sitting. $1 to $14 are the arguments of an audit entry, $15 the learner,
// $16 the lesson, $17 the time, $18 the time less Sitting. What was read in the sitting before, as far as reports of it came,
// is added up.
const openSQL = `WITH opened AS (
	INSERT INTO lesson_progress AS p (learner_id, course_id, lesson_id, percent, started_at, opened_at, updated_at)
	SELECT $15::uuid, l.course_id, l.id, 0, $17::timestamptz, $17::timestamptz, $17::timestamptz FROM lessons l WHERE l.id = $16::uuid AND l.active
	ON CONFLICT (learner_id, course_id, lesson_id) DO UPDATE SET opened_at = excluded.opened_at,
		read_seconds = p.read_seconds + least(1800, greatest(0, extract(epoch FROM p.updated_at - coalesce(p.opened_at, p.started_at))))::integer
	WHERE coalesce(p.opened_at, p.started_at) < $18::timestamptz
	RETURNING 1
)
INSERT INTO audit_entries (id, actor_id, actor_name, actor_roles, actor_realm, address, action, outcome, object_kind, object_id, before, after, reason, request_id)
SELECT $1::uuid, $2::uuid, $3::text, $4::text, $5::text, $6::text, $7::text, $8::text, $9::text, $10::text, $11::jsonb, $12::jsonb, $13::text, $14::text
FROM opened`

// Unread tells whether OpenLesson has something to note at a time: the lesson's points are not earned, and no sitting is under way.
func (p *Progress) Unread(now time.Time) bool {
	return !p.Earned && (p.openedAt == nil || p.openedAt.Before(now.Add(-Sitting)))
}

// OpenLesson notes that a learner who has a place in a class with the lesson opens it. From then on the time counts that
// earns the lesson's points.
func OpenLesson(ctx context.Context, db *tenants.DB, who audit.Actor, learnerID, lessonID uuid.UUID, now time.Time) error {
	entry := audit.Entry{Action: "lesson.open", ObjectKind: "lesson", ObjectID: lessonID.String(), After: map[string]any{"learner": learnerID}}
	b := &pgx.Batch{}
	b.Queue(openSQL, append(entry.Args(who), learnerID.String(), lessonID.String(), now.UTC(), now.Add(-Sitting).UTC())...)
	return db.WriteOneTrip(ctx, b, func(res pgx.BatchResults) error {
		_, err := res.Exec()
		return err
	})
}

// RecordProgress stores a report in one round trip and one transaction, a batch of small statements: one statement that did all
// of it took PostgreSQL longer to plan than to do. Completing a lesson sets its time once and earns points once. It gives
// domain.Forbidden when the learner is in no class with the lesson, domain.NotFound when there is no such lesson; then nothing
// was written.
func RecordProgress(ctx context.Context, db *tenants.DB, who audit.Actor, in ProgressInput) (Progress, error) {
	if err := in.Validate(); err != nil {
		return Progress{}, err
	}
	entry := audit.Entry{Action: "progress.record", ObjectKind: "lesson", ObjectID: in.LessonID.String(),
		After: map[string]any{"learner": in.LearnerID, "percent": in.Percent, "seconds": in.Seconds, "counter": in.Counter}}
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
		return p, domain.Errorf(domain.NotFound, "There is no such lesson.")
	case err != nil:
		return p, err
	case !allowed:
		return p, domain.Errorf(domain.Forbidden, "Progress is recorded for learners of a class with this lesson.")
	case p.openedAt == nil: // the learner got the place a moment after the report
		return p, domain.Errorf(domain.Conflict, "The progress could not be stored at this moment; send it again.")
	}
	return p, nil
}
