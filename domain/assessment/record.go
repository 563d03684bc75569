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

// recordSQL gives attempts: $1 which, $2 of whom (null: anybody), $3 whether they will change, which locks them first.
const recordSQL = `SELECT id, test_id, course_id, learner_id, number, state, started_at, deadline, items, school_id, seed, paper, submitted_at, by_platform, grade,
	result, title, kind, feedback, closes_at, grades, sections FROM attempt_records($1::text[]::uuid[], $2::uuid, $3::boolean)`

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
const storeSQL = `SELECT learner_id, points FROM store_scores($1::timestamptz, $2::text, $3::text[]::uuid[], $4::text[], $5::timestamptz[], $6::boolean[], $7::integer[],
	$8::integer[], $9::text[], $10::text[]::jsonb[], $11::text[]::uuid[], $12::text[], $13::text[], $14::integer[])`

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
