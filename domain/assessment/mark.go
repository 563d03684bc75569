package assessment

import (
	"context"
	"math/big"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"lignum/domain"
	"lignum/domain/catalog/item"
	"lignum/domain/notices"
	"lignum/tenants"
	"lignum/tenants/audit"
)

// MaxComment is the longest comment of a marker, in characters.
const MaxComment = 2000

// MarkInput is one person's mark for one position.
type MarkInput struct {
	AttemptID uuid.UUID
	Position  int    // from 0
	Fraction  int    // of the item's mark, 0 to Of
	Of        int    // how many parts the mark has, 1 to item.FullMark; 0 is item.FullMark. 1 of 3 is a third, which no decimal says
	Comment   string // plain text, at most MaxComment characters; the learner reads it
	Now       time.Time
	Today     time.Time // the tenant's date
}

// MarkedState is how far the marking of an attempt is.
type MarkedState struct {
	AttemptID uuid.UUID `json:"attempt_id"`
	State     string    `json:"state"`
	Unmarked  int       `json:"unmarked"` // positions that still wait
	Score     int       `json:"score"`    // hundredths of a point
	MaxScore  int       `json:"max_score"`
	Percent   int       `json:"percent"`
	Grade     string    `json:"grade"` // an estimate; "" until the last mark
}

// Mark stores a person's mark for a position that a machine could not mark; until the last one it may be changed. With the
// last one the attempt is Marked, its score is final, its points are awarded, and the learner is told. It returns domain.NotFound,
// domain.Conflict when nothing of the attempt waits for a mark, and domain.Invalid.
func Mark(ctx context.Context, tx *tenants.Tx, in MarkInput) (MarkedState, error) {
	in.Comment = strings.TrimSpace(in.Comment)
	var p domain.Problems
	if in.Of == 0 {
		in.Of = item.FullMark
	}
	if in.Of < 1 || in.Of > item.FullMark {
		p.Add("of", "assessment.must_be_1_to", "Most", item.FullMark)
	} else if in.Fraction < 0 || in.Fraction > in.Of {
		p.Add("fraction", "assessment.must_be_0_to", "Most", in.Of)
	}
	if !utf8.ValidString(in.Comment) || strings.ContainsRune(in.Comment, 0) || utf8.RuneCountInString(in.Comment) > MaxComment {
		p.Add("comment", "assessment.must_be_at_most_characters", "Most", MaxComment)
	}
	if err := p.Err(); err != nil {
		return MarkedState{}, err
	}
	rows, err := tx.Query(ctx, recordSQL, []string{in.AttemptID.String()}, nil, true)
	if err != nil {
		return MarkedState{}, err
	}
	r, err := pgx.CollectExactlyOneRow(rows, scanRecord)
	if err != nil {
		return MarkedState{}, unknownAttempt(err)
	}
	switch {
	case r.State == Open:
		return MarkedState{}, domain.Refuse(domain.Conflict, "assessment.the_attempt_is_not_handed")
	case r.State == Marked:
		return MarkedState{}, domain.Refuse(domain.Conflict, "assessment.the_attempt_is_marked_and")
	case in.Position < 0 || in.Position >= len(r.outcome.Items) || !r.outcome.Items[in.Position].NeedsMarking && !r.outcome.Items[in.Position].ByPerson:
		return MarkedState{}, domain.InvalidField("position", "assessment.is_not_one_that_a")
	}
	it := &r.outcome.Items[in.Position]
	was := *it
	it.earn(big.NewRat(int64(in.Fraction), int64(in.Of)))
	it.NeedsMarking, it.ByPerson, it.Comment = false, true, in.Comment
	r.outcome.sum()
	r.conclude()
	if err := store(ctx, tx, []*record{r}, in.Now, in.Today); err != nil {
		return MarkedState{}, err
	}
	tx.Record(audit.Entry{Action: "attempt.mark", ObjectKind: "attempt", ObjectID: r.ID.String(),
		Before: map[string]any{"position": in.Position, "score": was.Score, "needs_marking": was.NeedsMarking},
		After:  map[string]any{"position": in.Position, "score": it.Score, "fraction": in.Fraction, "of": in.Of, "learner": r.LearnerID, "state": r.State}})
	if r.State == Marked {
		if err := tellMarked(ctx, tx, r, in.Now); err != nil {
			return MarkedState{}, err
		}
	}
	m := MarkedState{AttemptID: r.ID, State: r.State, Percent: r.percent(), Grade: r.grade}
	m.Score, m.MaxScore, m.Unmarked = r.outcome.total()
	return m, nil
}

// tellMarked tells a learner that a result is final which was not when they handed in. Who was erased is told nothing.
func tellMarked(ctx context.Context, tx *tenants.Tx, r *record, now time.Time) error {
	rows, err := tx.Query(ctx, `SELECT id FROM users WHERE id = $1::uuid AND state <> 'erased'`, r.LearnerID.String())
	if err != nil {
		return err
	}
	to, err := pgx.CollectRows(rows, pgx.RowTo[uuid.UUID])
	if err != nil {
		return err
	}
	return notices.Tell(ctx, tx, notices.TestMarked, notices.Params{"test": r.title, "attempt_id": r.ID.String()}, to, now)
}

// ToMark is an attempt that waits for a person.
type ToMark struct {
	ID          uuid.UUID `json:"id"`
	LearnerID   uuid.UUID `json:"learner_id"`
	GivenName   string    `json:"given_name"`
	FamilyName  string    `json:"family_name"`
	Title       string    `json:"title"`  // the test's
	Course      string    `json:"course"` // title
	SubmittedAt time.Time `json:"submitted_at"`
	Unmarked    int       `json:"unmarked"` // positions that wait
}

// MarkFilter says whose attempts. The zero filter is refused, so that a forgotten scope shows nothing.
type MarkFilter struct {
	CoachID uuid.UUID // whom this coach coaches in the attempt's course
	Whole   bool      // the whole tenant
}

// AttemptsToMark lists attempts that wait for a person, the longest waiting first.
func AttemptsToMark(ctx context.Context, q tenants.Querier, f MarkFilter, page domain.Page) (domain.List[ToMark], error) {
	var none domain.List[ToMark]
	if f.CoachID == uuid.Nil && !f.Whole {
		return none, domain.InvalidField("coach_id", "assessment.a_coach_must_be_named")
	}
	limit, after, err := moment(page)
	if err != nil {
		return none, err
	}
	rows, err := q.Query(ctx, `SELECT a.id, a.learner_id, u.given_name, u.family_name, t.title, c.title, a.submitted_at,
		(SELECT count(*)::integer FROM jsonb_array_elements(a.result->'items') i WHERE (i->>'needs_marking')::boolean)
		FROM attempts a JOIN users u ON u.id = a.learner_id JOIN tests t ON t.id = a.test_id JOIN courses c ON c.id = a.course_id
		WHERE a.state = 'marking' AND ($1::boolean OR EXISTS (SELECT FROM coached k WHERE k.coach_id = $2::uuid AND k.learner_id = a.learner_id AND k.course_id = a.course_id))
		AND ($3::timestamptz IS NULL OR (a.submitted_at, a.id) > ($3::timestamptz, $4::text::uuid))
		ORDER BY a.submitted_at, a.id LIMIT $5::integer`, f.Whole, f.CoachID.String(), after.at, after.id, limit+1)
	if err != nil {
		return none, err
	}
	list, err := pgx.CollectRows(rows, pgx.RowToStructByPos[ToMark])
	return domain.Cut(list, limit, func(m ToMark) []string { return momentKey(m.SubmittedAt, m.ID) }), err
}
