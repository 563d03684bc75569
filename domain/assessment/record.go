package assessment

import (
	"context"
	"encoding/json"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"lignum/domain/catalog"
	"lignum/domain/catalog/pack"
	"lignum/domain/points"
	"lignum/tenants"
)

// record is an attempt as it is stored, with what scoring and showing it needs of its test.
type record struct {
	Attempt
	schoolID    *uuid.UUID
	seed        int64
	paper       []uuid.UUID
	submittedAt *time.Time
	byPlatform  bool
	grade       string
	outcome     *outcome // nil while open
	title       string
	kind        string
	feedback    string
	closesAt    *time.Time
	boundaries  []pack.Grade
	sections    map[string]string // code -> title
	earned      int               // points, by handing in or marking just now
}

// recordSQL goes on with a WHERE and, where the attempt will change, with FOR UPDATE OF a.
const recordSQL = `SELECT a.id, a.test_id, a.course_id, a.learner_id, a.number, a.state, a.started_at, a.deadline, cardinality(a.paper),
	a.school_id, a.seed, a.paper, a.submitted_at, a.by_platform, a.grade, a.result::text, t.title, t.kind, t.feedback, t.closes_at, t.grades::text,
	(SELECT coalesce(jsonb_object_agg(s.code, s.title), '{}')::text FROM course_sections s WHERE s.course_id = a.course_id)
FROM attempts a JOIN tests t ON t.id = a.test_id `

func scanRecord(row pgx.CollectableRow) (*record, error) {
	r := &record{}
	var result *string
	var boundaries, sections string
	if err := row.Scan(&r.ID, &r.TestID, &r.CourseID, &r.LearnerID, &r.Number, &r.State, &r.StartedAt, &r.Deadline, &r.Items, &r.schoolID, &r.seed, &r.paper,
		&r.submittedAt, &r.byPlatform, &r.grade, &result, &r.title, &r.kind, &r.feedback, &r.closesAt, &boundaries, &sections); err != nil {
		return nil, err
	}
	r.StartedAt, r.Deadline = r.StartedAt.UTC(), r.Deadline.UTC()
	if r.submittedAt != nil {
		at := r.submittedAt.UTC()
		r.submittedAt = &at
	}
	if result != nil {
		r.outcome = &outcome{}
		if err := json.Unmarshal([]byte(*result), r.outcome); err != nil {
			return nil, err
		}
	}
	if err := json.Unmarshal([]byte(boundaries), &r.boundaries); err != nil {
		return nil, err
	}
	return r, json.Unmarshal([]byte(sections), &r.sections)
}

// readOne takes one record and its answers out of a batch that holds recordSQL and latestSQL.
func readOne(res pgx.BatchResults) (*record, map[int]answered, error) {
	defer res.Close()
	rows, err := res.Query()
	if err != nil {
		return nil, nil, err
	}
	r, err := pgx.CollectExactlyOneRow(rows, scanRecord)
	if err != nil {
		return nil, nil, unknownAttempt(err)
	}
	latest, err := readLatest(res.Query())
	if err != nil {
		return nil, nil, err
	}
	return r, latest[r.ID], res.Close()
}

// percent is what the score is of the highest possible, rounded down.
func (r *record) percent() int {
	score, most, _ := r.outcome.total()
	return percentOf(score, most)
}

// settle scores an open attempt that is handed in at a moment.
func (r *record) settle(items []*catalog.Item, latest map[int]answered, at time.Time, byPlatform bool) {
	r.outcome = score(items, latest)
	r.submittedAt, r.byPlatform = &at, byPlatform
	r.conclude()
}

// conclude gives the attempt the state and the grade that follow from its items. A grade waits for the last mark.
func (r *record) conclude() {
	if r.State = r.outcome.state(); r.State == Marked {
		r.grade = gradeOf(r.boundaries, r.percent())
	}
}

// earnings are the points that the attempt brings now: for handing in at once, for the score when it is final.
func (r *record) earnings() []points.Earning {
	if r.State == Marked {
		return points.ForTest(r.TestID, r.percent(), r.percent() >= PassMark)
	}
	return points.ForTest(r.TestID, 0, false)
}

// storeSQL stores scores and awards points, for many attempts in one statement. $1 the time, $2 the tenant's month, $3 to
// $10 the attempts, $11 to $14 the earnings. It gives a row per learner with new points.
const storeSQL = `WITH new AS (
	SELECT id::uuid, state, submitted_at, by_platform, score, max_score, grade, result::jsonb FROM unnest($3::text[], $4::text[], $5::timestamptz[],
		$6::boolean[], $7::integer[], $8::integer[], $9::text[], $10::text[]) AS n (id, state, submitted_at, by_platform, score, max_score, grade, result)
), done AS (
	UPDATE attempts a SET state = new.state, submitted_at = new.submitted_at, by_platform = new.by_platform, score = new.score, max_score = new.max_score,
		grade = new.grade, result = new.result
	FROM new WHERE a.id = new.id AND a.state <> 'marked' RETURNING a.id, a.learner_id
), earning AS (
	SELECT d.learner_id, u.school_id, e.rule, e.ref, e.points, $1::timestamptz AS at, $2::text AS month
	FROM done d JOIN users u ON u.id = d.learner_id
	JOIN unnest($11::text[], $12::text[], $13::text[], $14::integer[]) AS e (id, rule, ref, points) ON e.id::uuid = d.id
), ` + points.CTEs + `
SELECT learner_id, points FROM point_sum`

// store writes scored attempts, which the transaction has locked, and notes the points that each learner earned.
func store(ctx context.Context, tx *tenants.Tx, list []*record, now, today time.Time) error {
	n := len(list)
	ids, states, handed, platform := make([]string, n), make([]string, n), make([]time.Time, n), make([]bool, n)
	scores, most, grades, results := make([]int32, n), make([]int32, n), make([]string, n), make([]string, n)
	var of, rules, refs []string
	var worth []int32
	for i, r := range list {
		score, max, _ := r.outcome.total()
		ids[i], states[i], handed[i], platform[i] = r.ID.String(), r.State, r.submittedAt.UTC(), r.byPlatform
		scores[i], most[i], grades[i], results[i] = int32(score), int32(max), r.grade, r.outcome.json()
		for _, e := range r.earnings() {
			of, rules, refs, worth = append(of, ids[i]), append(rules, e.Rule), append(refs, e.Ref), append(worth, int32(e.Points))
		}
	}
	rows, err := tx.Query(ctx, storeSQL, now.UTC(), points.Month(today), ids, states, handed, platform, scores, most, grades, results, of, rules, refs, worth)
	if err != nil {
		return err
	}
	earned := map[uuid.UUID]int{}
	var learner uuid.UUID
	var fresh int
	if _, err := pgx.ForEachRow(rows, []any{&learner, &fresh}, func() error { earned[learner] = fresh; return nil }); err != nil {
		return err
	}
	for _, r := range list {
		r.earned = earned[r.LearnerID]
	}
	return nil
}
