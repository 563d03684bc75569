// Package assessment is how a test is taken: an attempt is started, answered, handed in, scored, and marked by a person
// where a machine cannot. Two promises shape it. A start is cheap: drawing a paper costs no query and storing it one row,
// so that a whole country may press start in the same minute. And an acknowledged answer is never lost: answers are
// appended, never changed; saving and handing in lock the same row, so that what was acknowledged is also scored.
package assessment

import (
	"context"
	"errors"
	"time"

	"github.com/google/uuid"
	lru "github.com/hashicorp/golang-lru/v2"
	"github.com/jackc/pgx/v5"

	"lignum/domain"
	"lignum/domain/catalog"
	"lignum/tenants"
)

// States of an attempt.
const (
	Open    = "open"
	Marking = "marking" // handed in; a person must mark some of it
	Marked  = "marked"  // the score is final
)

// When feedback on the items is shown, as a test says.
const (
	OnSubmit    = "on_submit"
	AfterWindow = "after_window" // when the test's window has closed; at once where it has no end
	ScoreOnly   = "score_only"
)

const (
	// PointsEach is what one item is worth, in hundredths of a point.
	PointsEach = 100
	// PassMark is the percentage from which an attempt counts as passed, for points and figures.
	PassMark = 50
	// SaveGrace is how long after the deadline an answer is still taken: it was given in time and the network was slow.
	SaveGrace = 10 * time.Second
	// SubmitGrace is how long after the deadline a learner may still hand in. No answer is taken then; the platform hands in
	// by itself after SaveGrace, and handing in again gives the same result.
	SubmitGrace = 2 * time.Minute
)

// Exams is a process's memory for running tests: items, what papers are drawn from, and the papers of attempts under
// way. All of it can be read again, so a second process or a restart loses nothing. Safe for concurrent use.
type Exams struct {
	items  *catalog.Items
	pools  *lru.Cache[poolKey, *pool]
	papers *lru.Cache[paperKey, []*catalog.Item] // in the order of their positions
}

type poolKey struct {
	realm string
	test  uuid.UUID
	hash  string // of the course's content
}

type paperKey struct {
	realm   string
	attempt uuid.UUID
}

// New makes the memory: papers is how many attempts under way are remembered, of some 1 KB each.
func New(items *catalog.Items, papers int) (*Exams, error) {
	pools, err := lru.New[poolKey, *pool](500)
	if err != nil {
		return nil, err
	}
	kept, err := lru.New[paperKey, []*catalog.Item](papers)
	return &Exams{items: items, pools: pools, papers: kept}, err
}

// Attempt is one learner's go at a test.
type Attempt struct {
	ID        uuid.UUID `json:"id"`
	TestID    uuid.UUID `json:"test_id"`
	CourseID  uuid.UUID `json:"course_id"`
	LearnerID uuid.UUID `json:"learner_id"`
	Number    int       `json:"number"` // 1 is the learner's first
	State     string    `json:"state"`
	StartedAt time.Time `json:"started_at"`
	Deadline  time.Time `json:"deadline"`
	Items     int       `json:"items"`
	Resumed   bool      `json:"resumed"` // it was under way before
}

// Ticket is what lets the learner save answers without another look at the facts.
func (a *Attempt) Ticket() Ticket {
	return Ticket{AttemptID: a.ID, LearnerID: a.LearnerID, TestID: a.TestID, Deadline: a.Deadline, Items: a.Items}
}

func unknownAttempt(err error) error {
	if errors.Is(err, pgx.ErrNoRows) {
		return domain.Refuse(domain.NotFound, "assessment.there_is_no_such_attempt")
	}
	return err
}

// AttemptFacts are what the policy asks about a viewer and an attempt.
type AttemptFacts struct {
	LearnerID      uuid.UUID
	TestID         uuid.UUID
	Owner          bool // the attempt is the viewer's own
	CoachOf        bool // the learner is in an active class of the attempt's course whose coach the viewer is
	SameSchool     bool // the learner and the viewer are of one school
	AttemptOpen    bool
	WithinDeadline bool // now is not after the deadline and SaveGrace
	WithinGrace    bool // now is not after the deadline and SubmitGrace, or it is handed in already and that changes nothing
}

const factsSQL = `SELECT learner_id, test_id, open, deadline, coach_of, same_school FROM attempt_facts($1::uuid, $2::uuid)`

// FactsOf returns the facts about a viewer and an attempt in one query, or domain.NotFound.
func FactsOf(ctx context.Context, q tenants.Querier, attemptID, viewerID uuid.UUID, now time.Time) (AttemptFacts, error) {
	return scanFacts(q.QueryRow(ctx, factsSQL, attemptID.String(), viewerID.String()), viewerID, now)
}

func scanFacts(row pgx.Row, viewerID uuid.UUID, now time.Time) (AttemptFacts, error) {
	var f AttemptFacts
	var deadline time.Time
	err := row.Scan(&f.LearnerID, &f.TestID, &f.AttemptOpen, &deadline, &f.CoachOf, &f.SameSchool)
	f.Owner = f.LearnerID == viewerID
	f.WithinDeadline = !now.After(deadline.Add(SaveGrace))
	f.WithinGrace = !f.AttemptOpen || !now.After(deadline.Add(SubmitGrace))
	return f, unknownAttempt(err)
}
