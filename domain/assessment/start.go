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
	"lignum/domain/catalog/item"
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

	title, kind, instructions string // the test's
}

const noLimit = 1000

// startFactsSQL: $1 the test, $2 the learner, $3 the time, $4 the time less SaveGrace.
const startFactsSQL = `SELECT content_hash, enrolled, window_open, attempts, made, late, course_id, open_id, number, started_at, deadline, items, title, kind, instructions
FROM start_facts($1::uuid, $2::uuid, $3::timestamptz, $4::timestamptz)`

// FactsOfStart returns the facts about a learner and a test in one query, or domain.NotFound. Read them fresh
// (tenants.DB.ReadFresh).
func FactsOfStart(ctx context.Context, q tenants.Querier, testID, learnerID uuid.UUID, now time.Time) (StartFacts, error) {
	f := StartFacts{TestID: testID, learner: learnerID}
	a := &f.running
	a.TestID, a.LearnerID, a.State, a.Resumed = testID, learnerID, Open, true
	var limit, made int
	var open *uuid.UUID
	var late bool
	err := q.QueryRow(ctx, startFactsSQL, testID.String(), learnerID.String(), now.UTC(), now.Add(-SaveGrace).UTC()).
		Scan(&f.content, &f.Enrolled, &f.WindowOpen, &limit, &made, &late, &a.CourseID, &open, &a.Number, &a.StartedAt, &a.Deadline, &a.Items,
			&f.title, &f.kind, &f.instructions)
	if errors.Is(err, pgx.ErrNoRows) {
		return f, domain.Refuse(domain.NotFound, "domain.there_is_no_such_test")
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

// paperSource returns what the test's papers are drawn from: from memory, or with one round trip. The content's hash says
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
				WHERE i.active AND i.kind <> ALL ($2::text[]) AND i.section_id IN (SELECT (d->>'section_id')::uuid FROM jsonb_array_elements(t.blueprint) d)
				GROUP BY i.section_id) b), '{}')::text
		FROM tests t JOIN courses c ON c.id = t.course_id WHERE t.id = $1::uuid`, testID.String(), item.Unasked).Scan(&hash, &p.shuffle, &blueprint, &banks)
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

// startSQL stores a new attempt: the rules again, the row, the day of work, and the entry in the audit trail. $1 and $2 are the
// arguments of an audit entry, $3 the test, $4 the learner, $5 the time, $6 the attempt's id, $7 the seed, $8 the paper, $9
// the tenant's date. Nothing comes back when the rules do not allow a start or an attempt is under way: then nothing was written.
const startSQL = `SELECT course_id, number, deadline FROM start_attempt(` + audit.Parameters + `, $3::uuid, $4::uuid, $5::timestamptz, $6::uuid, $7::bigint,
	$8::text[]::uuid[], $9::text::date)`

// StartInput asks for an attempt.
type StartInput struct {
	TestID    uuid.UUID
	LearnerID uuid.UUID
	Now       time.Time
	Today     time.Time // the tenant's date
}

// drawn is the paper of an attempt that was made just now. It shuffles nothing with a seed of 0.
type drawn struct {
	items []uuid.UUID
	seed  int64
}

// Start returns the learner's attempt at a test: the one under way, or a new one with a paper of its own. It writes in one
// round trip and repeats the rules, so that the facts, which the policy has just seen, need no transaction. However
// often and from however many devices it is called, one attempt comes of it. The deadline is the test's time after the
// start, but never after the window. It returns domain.Conflict when the rules do not allow a start any more.
func (e *Exams) Start(ctx context.Context, db *tenants.DB, who audit.Actor, f StartFacts, in StartInput) (Attempt, error) {
	a, _, err := e.start(ctx, db, who, f, in)
	return a, err
}

// StartPaper is Start with the attempt's paper. That of a new attempt is known without another look at the database.
func (e *Exams) StartPaper(ctx context.Context, db *tenants.DB, who audit.Actor, f StartFacts, in StartInput) (*Paper, error) {
	a, d, err := e.start(ctx, db, who, f, in)
	if err != nil {
		return nil, err
	}
	realm := db.Realm().Name()
	if d != nil {
		if items, ok := e.items.Known(realm, d.items); ok {
			e.papers.Add(paperKey{realm, a.ID}, items)
			a.Resumed = true // as whoever opens the paper again finds it
			return &Paper{Attempt: a, Title: f.title, Kind: f.kind, Instructions: f.instructions, Remaining: a.remaining(in.Now), Questions: questions(items, nil, uint64(d.seed))}, nil
		}
	}
	var p *Paper
	err = db.ReadFresh(ctx, func(r *tenants.Reader) (err error) {
		p, err = e.Paper(ctx, r, realm, a.ID, in.LearnerID, in.Now)
		return err
	})
	return p, err
}

// start is Start; it also gives the paper that it drew, or nil for an attempt that was under way.
func (e *Exams) start(ctx context.Context, db *tenants.DB, who audit.Actor, f StartFacts, in StartInput) (Attempt, *drawn, error) {
	if f.TestID != in.TestID || f.learner != in.LearnerID {
		return Attempt{}, nil, errors.New("the facts are of another test or learner")
	}
	if f.Running != nil {
		return f.running, nil, nil
	}
	if f.overdue != nil {
		if _, err := e.close(ctx, db, []string{f.overdue.String()}, in.Now, in.Today); err != nil {
			return Attempt{}, nil, err
		}
	}
	source, err := e.paperSource(ctx, db, f)
	if err != nil {
		return Attempt{}, nil, err
	}
	a, d, err := begin(ctx, db, who, source, &in)
	if !errors.Is(err, pgx.ErrNoRows) {
		return a, d, err
	}
	// Another device was first, or the rules changed since the facts were read.
	err = db.ReadFresh(ctx, func(r *tenants.Reader) (err error) {
		f, err = FactsOfStart(ctx, r, in.TestID, in.LearnerID, in.Now)
		return err
	})
	if err != nil {
		return Attempt{}, nil, err
	}
	if f.Running != nil {
		return f.running, nil, nil
	}
	return Attempt{}, nil, f.refusal()
}

func (f *StartFacts) refusal() error {
	switch {
	case !f.Enrolled:
		return domain.Refuse(domain.Forbidden, "assessment.the_test_is_for_learners")
	case !f.WindowOpen:
		return domain.Refuse(domain.Conflict, "assessment.the_test_is_not_open")
	case f.AttemptsLeft == 0:
		return domain.Refuse(domain.Conflict, "assessment.all_attempts_at_this_test")
	}
	return domain.Refuse(domain.Conflict, "assessment.the_attempt_could_not_be")
}

func begin(ctx context.Context, db *tenants.DB, who audit.Actor, source *pool, in *StartInput) (Attempt, *drawn, error) {
	d := &drawn{seed: 1 + rand.Int64N(1<<53-1)}
	d.items = source.paper(d.seed)
	if len(d.items) == 0 {
		return Attempt{}, nil, domain.Refuse(domain.Conflict, "assessment.the_test_has_no_items")
	}
	if !source.shuffle {
		d.seed = 0
	}
	// In whole microseconds, as the row has it.
	a := Attempt{ID: audit.NewID(), TestID: in.TestID, LearnerID: in.LearnerID, State: Open, StartedAt: in.Now.UTC().Truncate(time.Microsecond), Items: len(d.items)}
	entry := audit.Entry{Action: "attempt.start", ObjectKind: "attempt", ObjectID: a.ID.String(), Plain: true,
		After: map[string]any{"test": in.TestID, "learner": in.LearnerID, "items": len(d.items)}}
	b := &pgx.Batch{}
	b.Queue(startSQL, append(entry.Args(who), in.TestID.String(), in.LearnerID.String(), a.StartedAt, a.ID.String(), d.seed, texts(d.items), in.Today.Format(time.DateOnly))...)
	err := db.WriteOneTrip(ctx, b, func(res pgx.BatchResults) error {
		return res.QueryRow().Scan(&a.CourseID, &a.Number, &a.Deadline)
	})
	a.Deadline = a.Deadline.UTC()
	return a, d, err
}

func texts(ids []uuid.UUID) []string {
	list := make([]string, len(ids))
	for i, id := range ids {
		list[i] = id.String()
	}
	return list
}
