// Package coaching is what a coach sees of the learners in the coach's classes: how far each is, how far they should be
// by now, and who falls behind.
package coaching

import (
	"context"
	"encoding/json"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"lignum/domain"
	"lignum/tenants"
)

// Reasons for which a learner counts as behind.
const (
	ReasonPace   = "pace"   // more than 20 % less lesson time completed than is due by now
	ReasonUnseen = "unseen" // no day of work for 7 days, counted from registration or the class's first day at the earliest
	ReasonScore  = "score"  // the last marked test of the course under 40 %
)

// Learner is one of the learners of a coach, with each of the coach's classes that they are in.
type Learner struct {
	LearnerID  uuid.UUID `json:"learner_id"`
	GivenName  string    `json:"given_name"`
	FamilyName string    `json:"family_name"`
	LastActive string    `json:"last_active"` // date in the tenant's zone; empty: never
	Behind     bool      `json:"behind"`      // in one of the classes at least
	Reasons    []string  `json:"reasons"`     // of all classes together, each once
	Classes    []Place   `json:"classes"`     // the one that needs most first
	key        string
}

// Place is how far a learner is in one class.
type Place struct {
	ClassID   uuid.UUID `json:"class_id"`
	Class     string    `json:"class"` // title
	Done      int       `json:"done"`  // lessons completed
	Due       int       `json:"due"`   // lessons that should be completed by now
	Lessons   int       `json:"lessons"`
	Shortfall int       `json:"shortfall"`           // percent of the due lesson time that is missing, 0 to 100
	LastTest  *LastTest `json:"last_test,omitempty"` // the last marked test of the course
	Behind    bool      `json:"behind"`
	Reasons   []string  `json:"reasons"`
}

// LastTest is the last marked test of a course.
type LastTest struct {
	AttemptID uuid.UUID `json:"attempt_id"`
	Title     string    `json:"title"`
	Percent   int       `json:"percent"`
}

// Filter says whose learners. CoachID or ClassID must be given.
type Filter struct {
	CoachID  uuid.UUID // only the classes of this coach
	ClassID  uuid.UUID // only this class
	SchoolOf uuid.UUID // only learners of the school of this account
	Behind   bool      // only those who are behind
}

// What is due: by today's share of the class's days, the lessons from the first on whose minutes together fit into the
// same share of all minutes: multiplied out, since a third of the days has no decimal. Due time is that of whole lessons, so that nobody is behind for a lesson just begun.
// $1 coach or null, $2 class or null, $3 the tenant's date, $11 whose school or null.
const learnersSQL = `WITH class AS (
	SELECT c.class_id AS id, c.class AS title, c.course_id, c.starts_on,
		greatest(0, least(c.ends_on, $3::text::date) - c.starts_on + 1) AS gone, c.ends_on - c.starts_on + 1 AS days
	FROM active_classes c WHERE ($1::text IS NULL OR c.coach_id = $1::text::uuid) AND ($2::text IS NULL OR c.class_id = $2::text::uuid)
), plan AS (
	SELECT class.id, count(l.minutes)::integer AS lessons, count(*) FILTER (WHERE l.upto * days <= gone * l.total)::integer AS due,
		coalesce(sum(l.minutes) FILTER (WHERE l.upto * days <= gone * l.total), 0) AS due_minutes
	FROM class LEFT JOIN LATERAL (SELECT minutes, sum(minutes) OVER (ORDER BY position) AS upto, sum(minutes) OVER () AS total
		FROM lessons WHERE course_id = class.course_id AND active) l ON true
	GROUP BY class.id
), done AS (
	SELECT e.class_id, e.learner_id, e.enrolled_at, count(l.id)::integer AS lessons, coalesce(sum(l.minutes), 0) AS minutes
	FROM class JOIN places e ON e.class_id = class.id
	LEFT JOIN lesson_progress p ON p.learner_id = e.learner_id AND p.course_id = class.course_id AND p.completed_at IS NOT NULL
	LEFT JOIN lessons l ON l.id = p.lesson_id AND l.active
	GROUP BY e.class_id, e.learner_id, e.enrolled_at
), measured AS (
	SELECT done.learner_id, u.given_name, u.family_name, class.id AS class_id, class.title, done.lessons AS done, plan.due, plan.lessons,
		CASE WHEN plan.due_minutes = 0 THEN 0 ELSE greatest(0, 100 - floor(100 * done.minutes / plan.due_minutes))::integer END AS shortfall,
		seen.day, score.percent, score.attempt, score.test, $3::text::date - greatest(seen.day, class.starts_on, (done.enrolled_at AT TIME ZONE 'UTC')::date) AS away
	FROM done JOIN class ON class.id = done.class_id JOIN plan ON plan.id = class.id JOIN users u ON u.id = done.learner_id
		AND ($10::text IS NULL OR u.school_id = (SELECT school_id FROM users WHERE id = $10::text::uuid))
	LEFT JOIN LATERAL (SELECT a.day FROM attendance a WHERE a.learner_id = done.learner_id ORDER BY a.day DESC LIMIT 1) seen ON true
	LEFT JOIN LATERAL (SELECT a.score * 100 / a.max_score AS percent, a.id AS attempt, t.title AS test FROM attempts a JOIN tests t ON t.id = a.test_id
		WHERE a.learner_id = done.learner_id AND a.course_id = class.course_id AND a.state = 'marked' AND a.max_score > 0
		ORDER BY a.started_at DESC, a.id DESC LIMIT 1) score ON true
), judged AS (
	SELECT *, array_remove(ARRAY[CASE WHEN shortfall > 20 THEN 'pace' END, CASE WHEN away >= 7 THEN 'unseen' END,
		CASE WHEN percent < 40 THEN 'score' END], NULL) AS reasons FROM measured
), person AS (
	SELECT learner_id, given_name, family_name, max(day) AS day, max(shortfall) AS shortfall,
		ARRAY(SELECT r FROM unnest(ARRAY['pace', 'unseen', 'score']) AS r WHERE r = ANY(string_to_array(string_agg(array_to_string(reasons, ' '), ' '), ' '))) AS reasons,
		jsonb_agg(jsonb_build_object('class_id', class_id, 'class', title, 'done', done, 'due', due, 'lessons', lessons, 'shortfall', shortfall,
			'last_test', CASE WHEN percent IS NOT NULL THEN jsonb_build_object('attempt_id', attempt, 'title', test, 'percent', percent) END,
			'behind', cardinality(reasons) > 0, 'reasons', reasons) ORDER BY cardinality(reasons) DESC, shortfall DESC, title, class_id) AS classes
	FROM judged GROUP BY learner_id, given_name, family_name
), ordered AS (
	SELECT *, (9 - cardinality(reasons))::text || lpad((100 - shortfall)::text, 3, '0') AS key FROM person
)
SELECT learner_id, given_name, family_name, coalesce(day::text, ''), cardinality(reasons) > 0, reasons, classes::text, key
FROM ordered
WHERE (NOT $4::boolean OR cardinality(reasons) > 0) AND (key, family_name, given_name, learner_id) > ($5::text, $6::text, $7::text, $8::text::uuid)
ORDER BY key, family_name, given_name, learner_id LIMIT $9::integer`

// Learners lists the learners of a coach or a class with how far they are, each of them once, worst first: by the number of
// reasons in all their classes together, then by what is missing where most is. It is one statement however many they are. today is
// the tenant's date.
func Learners(ctx context.Context, q tenants.Querier, f Filter, page domain.Page, today time.Time) (domain.List[Learner], error) {
	var none domain.List[Learner]
	if f.CoachID == uuid.Nil && f.ClassID == uuid.Nil {
		return none, domain.InvalidField("class_id", "coaching.a_coach_or_a_class")
	}
	limit, after, err := page.Start(3, 1)
	if err != nil {
		return none, err
	}
	rows, err := q.Query(ctx, learnersSQL, idOrNull(f.CoachID), idOrNull(f.ClassID), today.Format(time.DateOnly), f.Behind,
		after[0], after[1], after[2], after[3], limit+1, idOrNull(f.SchoolOf))
	if err != nil {
		return none, err
	}
	list, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (l Learner, err error) {
		var classes string
		if err := row.Scan(&l.LearnerID, &l.GivenName, &l.FamilyName, &l.LastActive, &l.Behind, &l.Reasons, &classes, &l.key); err != nil {
			return l, err
		}
		return l, json.Unmarshal([]byte(classes), &l.Classes)
	})
	return domain.Cut(list, limit, func(l Learner) []string {
		return []string{l.key, l.FamilyName, l.GivenName, l.LearnerID.String()}
	}), err
}

func idOrNull(id uuid.UUID) *string {
	if id == uuid.Nil {
		return nil
	}
	s := id.String()
	return &s
}
