package assessment

import (
	"context"
	"encoding/json"
	"errors"
	"math/rand/v2"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"lignum/domain"
	"lignum/domain/classes"
	"lignum/tenants"
	"lignum/tenants/audit"
)

// StartFacts are what the policy asks before a start, with what a start needs to know of the test.
type StartFacts struct {
	TestID       uuid.UUID
	Enrolled     bool       // an active place in a class of the test's course
	WindowOpen   bool       // now is inside the test's window, or an attempt is under way
	AttemptsLeft int        // 1000 where there is no limit; an attempt under way may be gone on with and counts as left
	Running      *uuid.UUID // the attempt under way
	learner      uuid.UUID
	running      Attempt    // the same, when Running is set
	overdue      *uuid.UUID // one whose time ran out and that is not handed in yet
	content      string     // hash of the course's content
}

const noLimit = 1000

// StartFactsSQL: $1 the test, $2 the learner, $3 the time, $4 the time less SaveGrace.
const StartFactsSQL = `SELECT c.content_hash,
	EXISTS (SELECT FROM enrolments e JOIN classes k ON k.id = e.class_id
		WHERE e.learner_id = $2::uuid AND e.state = 'active' AND k.course_id = t.course_id AND k.state <> 'cancelled'),
	(t.opens_at IS NULL OR t.opens_at <= $3::timestamptz) AND (t.closes_at IS NULL OR t.closes_at > $3::timestamptz),
	t.attempts, (SELECT count(*) FROM attempts a WHERE a.test_id = t.id AND a.learner_id = $2::uuid), coalesce(o.deadline < $4::timestamptz, false),
	t.course_id, o.id, coalesce(o.number, 0), coalesce(o.started_at, $3::timestamptz), coalesce(o.deadline, $3::timestamptz), coalesce(cardinality(o.paper), 0)
FROM tests t JOIN courses c ON c.id = t.course_id
LEFT JOIN attempts o ON o.test_id = t.id AND o.learner_id = $2::uuid AND o.state = 'open'
WHERE t.id = $1::uuid AND t.active`

// FactsOfStart gives the facts about a learner and a test in one query, or domain.NotFound. Read them fresh
// (tenants.DB.ReadFresh).
func FactsOfStart(ctx context.Context, q tenants.Querier, testID, learnerID uuid.UUID, now time.Time) (StartFacts, error) {
	f := StartFacts{TestID: testID, learner: learnerID}
	a := &f.running
	a.TestID, a.LearnerID, a.State, a.Resumed = testID, learnerID, Open, true
	var limit, made int
	var open *uuid.UUID
	var late bool
	err := q.QueryRow(ctx, StartFactsSQL, testID.String(), learnerID.String(), now.UTC(), now.Add(-SaveGrace).UTC()).
		Scan(&f.content, &f.Enrolled, &f.WindowOpen, &limit, &made, &late, &a.CourseID, &open, &a.Number, &a.StartedAt, &a.Deadline, &a.Items)
	if errors.Is(err, pgx.ErrNoRows) {
		return f, domain.Errorf(domain.NotFound, "There is no such test.")
	}
	if f.AttemptsLeft = noLimit; limit > 0 {
		f.AttemptsLeft = max(0, limit-made)
	}
	if late {
		f.overdue = open
	} else if open != nil {
		f.Running, f.WindowOpen, f.AttemptsLeft = open, true, min(f.AttemptsLeft+1, noLimit)
		a.ID, a.StartedAt, a.Deadline = *open, a.StartedAt.UTC(), a.Deadline.UTC()
	}
	return f, err
}

// pool is what papers of a test are drawn from.
type pool struct {
	shuffle bool
	draws   []draw
}

type draw struct {
	ids []uuid.UUID // never changed
	n   int
}

// paperSource gives what the test's papers are drawn from: from memory, or with one round trip. The content's hash says
// when the memory is out of date.
func (e *Exams) paperSource(ctx context.Context, db *tenants.DB, f StartFacts) (*pool, error) {
	realm := db.Realm().Name()
	if p, ok := e.pools.Get(poolKey{realm, f.TestID, f.content}); ok {
		return p, nil
	}
	var p *pool
	var hash string
	err := db.ReadFresh(ctx, func(r *tenants.Reader) (err error) {
		p, hash, err = readPool(ctx, r, f.TestID)
		return err
	})
	if err != nil {
		return nil, err
	}
	e.pools.Add(poolKey{realm, f.TestID, hash}, p)
	return p, nil
}

func readPool(ctx context.Context, q tenants.Querier, testID uuid.UUID) (*pool, string, error) {
	var p pool
	var hash, blueprint string
	var banks string
	// One statement, so that one snapshot holds the hash and the items.
	err := q.QueryRow(ctx, `SELECT c.content_hash, t.shuffle, t.blueprint::text, coalesce((
			SELECT jsonb_object_agg(b.section_id, b.ids) FROM (SELECT i.section_id, jsonb_agg(i.id ORDER BY i.id) AS ids FROM items i
				WHERE i.active AND i.kind <> 'description' AND i.section_id IN (SELECT (d->>'section_id')::uuid FROM jsonb_array_elements(t.blueprint) d)
				GROUP BY i.section_id) b), '{}')::text
		FROM tests t JOIN courses c ON c.id = t.course_id WHERE t.id = $1::uuid`, testID.String()).Scan(&hash, &p.shuffle, &blueprint, &banks)
	if err != nil {
		return nil, "", err
	}
	var sections []struct {
		ID    uuid.UUID `json:"section_id"`
		Items int       `json:"items"`
	}
	var ids map[uuid.UUID][]uuid.UUID
	if err := json.Unmarshal([]byte(blueprint), &sections); err != nil {
		return nil, "", err
	}
	if err := json.Unmarshal([]byte(banks), &ids); err != nil {
		return nil, "", err
	}
	for _, s := range sections {
		p.draws = append(p.draws, draw{ids[s.ID], s.Items})
	}
	return &p, hash, nil
}

// paper draws the items of one attempt: the sections in the blueprint's order, the items of each at random. A section
// that the blueprint names twice never gives the same item twice.
func (p *pool) paper(seed int64) []uuid.UUID {
	rnd := rand.New(rand.NewPCG(uint64(seed), 0))
	var paper []uuid.UUID
	taken := map[uuid.UUID]bool{}
	for _, d := range p.draws {
		left := d.n
		for _, i := range rnd.Perm(len(d.ids)) {
			if left == 0 {
				break
			}
			if id := d.ids[i]; !taken[id] {
				taken[id] = true
				paper = append(paper, id)
				left--
			}
		}
	}
	return paper
}

// StartSQL stores a new attempt: the rules again, the row, and the entry in the audit trail. $1 to $14 are the arguments of
// an audit entry, $15 the test, $16 the learner, $17 the time, $18 the attempt's id, $19 the seed, $20 the paper. Nothing
// comes back when the rules do not allow a start or an attempt is under way: then nothing was written.
const StartSQL = `WITH fresh AS (
	INSERT INTO attempts (id, test_id, course_id, learner_id, school_id, number, state, seed, paper, started_at, deadline)
	SELECT $18::uuid, t.id, t.course_id, u.id, u.school_id, m.made + 1, 'open', $19::bigint, $20::text[]::uuid[], $17::timestamptz,
		least($17::timestamptz + t.minutes * interval '1 minute', t.closes_at)
	FROM tests t CROSS JOIN users u CROSS JOIN (SELECT count(*) AS made FROM attempts WHERE test_id = $15::uuid AND learner_id = $16::uuid) m
	WHERE t.id = $15::uuid AND t.active AND u.id = $16::uuid AND u.state = 'active' AND (t.attempts = 0 OR m.made < t.attempts)
		AND (t.opens_at IS NULL OR t.opens_at <= $17::timestamptz) AND (t.closes_at IS NULL OR t.closes_at > $17::timestamptz)
		AND EXISTS (SELECT FROM enrolments e JOIN classes k ON k.id = e.class_id
			WHERE e.learner_id = $16::uuid AND e.state = 'active' AND k.course_id = t.course_id AND k.state <> 'cancelled')
	ON CONFLICT DO NOTHING RETURNING course_id, number, deadline
), noted AS (
	INSERT INTO audit_entries (id, actor_id, actor_name, actor_roles, actor_realm, address, action, outcome, object_kind, object_id, before, after, reason, request_id)
	SELECT $1::uuid, $2::uuid, $3::text, $4::text, $5::text, $6::text, $7::text, $8::text, $9::text, $10::text, $11::jsonb,
		$12::jsonb || jsonb_build_object('number', fresh.number), $13::text, $14::text FROM fresh
)
SELECT course_id, number, deadline FROM fresh`

// AttendSQL follows StartSQL in its batch: whoever starts a test works that day. $1 the attempt, $2 the tenant's date.
const AttendSQL = `WITH worker AS (
	SELECT learner_id, school_id, $2::text::date AS day, started_at AS at FROM attempts WHERE id = $1::uuid
), ` + classes.AttendanceCTE + ` SELECT`

// StartInput asks for an attempt.
type StartInput struct {
	TestID    uuid.UUID
	LearnerID uuid.UUID
	Now       time.Time
	Today     time.Time // the tenant's date
}

// Start gives the learner's attempt at a test: the one under way, or a new one with a paper of its own. It writes in one
// round trip and repeats the rules, so that the facts, which the policy has just seen, need no transaction. However
// often and from however many devices it is called, one attempt comes of it. The deadline is the test's time after the
// start, but never after the window. It gives domain.Conflict when the rules do not allow a start any more.
func (e *Exams) Start(ctx context.Context, db *tenants.DB, who audit.Actor, f StartFacts, in StartInput) (Attempt, error) {
	if f.TestID != in.TestID || f.learner != in.LearnerID {
		return Attempt{}, errors.New("the facts are of another test or learner")
	}
	if f.Running != nil {
		return f.running, nil
	}
	if f.overdue != nil {
		if _, err := e.close(ctx, db, []string{f.overdue.String()}, in.Now, in.Today); err != nil {
			return Attempt{}, err
		}
	}
	source, err := e.paperSource(ctx, db, f)
	if err != nil {
		return Attempt{}, err
	}
	a, err := start(ctx, db, who, source, &in)
	if !errors.Is(err, pgx.ErrNoRows) {
		return a, err
	}
	// Another device was first, or the rules changed since the facts were read.
	err = db.ReadFresh(ctx, func(r *tenants.Reader) (err error) {
		f, err = FactsOfStart(ctx, r, in.TestID, in.LearnerID, in.Now)
		return err
	})
	if err != nil {
		return Attempt{}, err
	}
	if f.Running != nil {
		return f.running, nil
	}
	return Attempt{}, f.refusal()
}

func (f *StartFacts) refusal() error {
	switch {
	case !f.Enrolled:
		return domain.Errorf(domain.Forbidden, "The test is for learners of a class of its course.")
	case !f.WindowOpen:
		return domain.Errorf(domain.Conflict, "The test is not open now.")
	case f.AttemptsLeft == 0:
		return domain.Errorf(domain.Conflict, "All attempts at this test are used.")
	}
	return domain.Errorf(domain.Conflict, "The attempt could not be started; try again.")
}

func start(ctx context.Context, db *tenants.DB, who audit.Actor, source *pool, in *StartInput) (Attempt, error) {
	seed := 1 + rand.Int64N(1<<53-1)
	paper := source.paper(seed)
	if len(paper) == 0 {
		return Attempt{}, domain.Errorf(domain.Conflict, "The test has no items to draw from yet.")
	}
	if !source.shuffle {
		seed = 0
	}
	a := Attempt{ID: audit.NewID(), TestID: in.TestID, LearnerID: in.LearnerID, State: Open, StartedAt: in.Now.UTC(), Items: len(paper)}
	entry := audit.Entry{Action: "attempt.start", ObjectKind: "attempt", ObjectID: a.ID.String(),
		After: map[string]any{"test": in.TestID, "learner": in.LearnerID, "items": len(paper)}}
	b := &pgx.Batch{}
	b.Queue(StartSQL, append(entry.Args(who), in.TestID.String(), in.LearnerID.String(), a.StartedAt, a.ID.String(), seed, texts(paper))...)
	b.Queue(AttendSQL, a.ID.String(), in.Today.Format(time.DateOnly))
	err := db.WriteOneTrip(ctx, b, func(res pgx.BatchResults) error {
		err := res.QueryRow().Scan(&a.CourseID, &a.Number, &a.Deadline)
		if err != nil {
			return err
		}
		_, err = res.Exec()
		return err
	})
	a.Deadline = a.Deadline.UTC()
	return a, err
}

func texts(ids []uuid.UUID) []string {
	list := make([]string, len(ids))
	for i, id := range ids {
		list[i] = id.String()
	}
	return list
}
