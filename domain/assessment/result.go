package assessment

import (
	"context"
	"encoding/json"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"lignum/domain"
	"lignum/domain/calendar"
	"lignum/domain/catalog"
	"lignum/domain/catalog/item"
	"lignum/domain/words"
	"lignum/tenants"
)

// Result is what came of an attempt that was handed in.
type Result struct {
	Attempt
	SchoolID     *uuid.UUID      `json:"school_id,omitempty"`
	Learner      string          `json:"learner,omitempty"` // full name; told to others than the learner
	Title        string          `json:"title"`             // the test's
	Kind         string          `json:"kind"`
	SubmittedAt  time.Time       `json:"submitted_at"`
	ByPlatform   bool            `json:"by_platform"` // the time ran out: handed in with what was saved
	Final        bool            `json:"final"`       // false: a person still has to mark some of it, the score may rise
	Score        int             `json:"score"`       // hundredths of a point, rounded down
	MaxScore     int             `json:"max_score"`
	Percent      int             `json:"percent"`               // rounded down
	Grade        string          `json:"grade"`                 // "" where the test has no boundaries, none is reached, or marks are missing
	Estimate     bool            `json:"estimate"`              // always true: examination boards do not publish their boundaries
	Passed       bool            `json:"passed"`                // PassMark is reached
	Points       int             `json:"points"`                // earned by handing in just now
	FeedbackAt   *time.Time      `json:"feedback_at,omitempty"` // the answers are shown from then on
	FeedbackNote words.Text      `json:"feedback_note"`         // why there are no questions below; "" when there are
	Sections     []SectionResult `json:"sections"`
	Questions    []ItemResult    `json:"questions"` // empty while the test's rule withholds them
}

// SectionResult is the part of one section of the syllabus.
type SectionResult struct {
	Section  string `json:"section"` // code
	Title    string `json:"title"`
	Items    int    `json:"items"`
	Score    int    `json:"score"` // hundredths of a point, rounded down
	MaxScore int    `json:"max_score"`
	Percent  int    `json:"percent"`
}

// ItemResult is one position with the learner's answer and what it earned.
type ItemResult struct {
	Position     int             `json:"position"`
	Section      string          `json:"section"` // code
	Item         item.Public     `json:"item"`    // as the learner saw it
	Response     json.RawMessage `json:"response,omitempty"`
	Score        int             `json:"score"` // hundredths of a point, rounded down
	MaxScore     int             `json:"max_score"`
	Correct      bool            `json:"correct"`
	NeedsMarking bool            `json:"needs_marking"`
	Feedback     []string        `json:"feedback"`          // HTML
	RightAnswer  string          `json:"right_answer"`      // plain text
	Comment      string          `json:"comment,omitempty"` // of the person who marked, plain text
}

// ResultIf returns the result of an attempt in one round trip if may, which is asked about the facts of the viewer and the attempt, gives no
// error. For others, who are here because the policy let them see it, it is whole; for the learner the test's feedback rule decides what of
// the items is in it. It returns domain.NotFound, and domain.Conflict while the attempt is open.
func (e *Exams) ResultIf(ctx context.Context, q tenants.Querier, realm string, attemptID, viewerID uuid.UUID, may func(AttemptFacts) error, now time.Time) (*Result, error) {
	b, one := &pgx.Batch{}, []string{attemptID.String()}
	b.Queue(factsSQL, attemptID.String(), viewerID.String())
	b.Queue(recordSQL, one, nil, false)
	b.Queue(latestSQL, one)
	res := q.SendBatch(ctx, b)
	defer res.Close()
	f, err := scanFacts(res.QueryRow(), viewerID, now)
	if err == nil {
		err = may(f)
	}
	if err != nil {
		return nil, err
	}
	r, latest, err := readOne(res)
	if err != nil {
		return nil, err
	}
	if r.State == Open {
		return nil, domain.Refuse(domain.Conflict, "assessment.this_attempt_is_not_handed")
	}
	items, err := e.items.Get(ctx, q, realm, r.paper)
	if err != nil {
		return nil, err
	}
	return r.result(items, latest, now, !f.Owner), nil
}

func (r *record) result(items []*catalog.Item, latest map[int]answered, now time.Time, staff bool) *Result {
	res := &Result{Attempt: r.Attempt, SchoolID: r.schoolID, Title: r.title, Kind: r.kind, SubmittedAt: *r.submittedAt, ByPlatform: r.byPlatform,
		Final: r.State == Marked, Grade: r.grade, Estimate: true, Percent: r.percent(), Points: r.earned, Questions: []ItemResult{}}
	res.Score, res.MaxScore, _ = r.outcome.total()
	res.Passed = res.Final && res.Percent >= PassMark
	for _, s := range r.outcome.Sections {
		res.Sections = append(res.Sections, SectionResult{s.Section, r.sections[s.Section], s.Items, s.Score, s.MaxScore, percentOf(s.Score, s.MaxScore)})
	}
	if !staff {
		if res.FeedbackNote, res.FeedbackAt = r.withheld(now); !res.FeedbackNote.IsZero() {
			return res
		}
	}
	for i, it := range items {
		if i >= len(r.outcome.Items) {
			break
		}
		o := r.outcome.Items[i]
		a, ok := latest[i]
		var given item.Response
		q := ItemResult{Position: i, Section: o.Section, Item: it.Shown.Shuffled(uint64(r.seed)), Score: o.Score, MaxScore: o.MaxScore, Correct: o.Correct,
			NeedsMarking: o.NeedsMarking, Comment: o.Comment}
		if ok {
			q.Response = json.RawMessage(a.response)
			if parsed, err := item.ParseResponse(q.Response); err == nil {
				given = parsed
			}
		}
		q.Feedback, q.RightAnswer = it.Key.Tell(it.Content.Mark(given))
		res.Questions = append(res.Questions, q)
	}
	return res
}

// withheld says why the learner does not see the items now, and when they will; nothing when they do.
func (r *record) withheld(now time.Time) (note words.Text, until *time.Time) {
	switch {
	case r.feedback == OnSubmit:
		return words.Text{}, nil
	case r.feedback == AfterWindow && (r.closesAt == nil || calendar.Window{ClosesAt: r.closesAt}.Over(now)):
		return words.Text{}, nil
	case r.feedback == AfterWindow:
		return words.Say("assessment.answers_come_later"), r.closesAt
	}
	return words.Say("assessment.score_alone"), nil
}

// Summary is an attempt as lists show it.
type Summary struct {
	ID          uuid.UUID  `json:"id"`
	TestID      uuid.UUID  `json:"test_id"`
	Title       string     `json:"title"` // the test's
	Kind        string     `json:"kind"`
	Course      string     `json:"course"` // title
	Number      int        `json:"number"`
	State       string     `json:"state"`
	StartedAt   time.Time  `json:"started_at"`
	Deadline    time.Time  `json:"deadline"`
	SubmittedAt *time.Time `json:"submitted_at,omitempty"`
	Percent     *int       `json:"percent,omitempty"` // when the score is final
	Grade       string     `json:"grade"`             // an estimate
}

// attemptsSQL gives a learner's ($1) attempts, the newest first, so many ($4) from a place in the list ($2, $3) on.
const attemptsSQL = `SELECT id, test_id, title, kind, course, number, state, started_at, deadline, submitted_at, percent, grade
	FROM attempts_of($1::uuid, $2::timestamptz, $3::text::uuid, $4::integer)`

// Attempts lists a learner's attempts, the newest first.
func Attempts(ctx context.Context, q tenants.Querier, learnerID uuid.UUID, page domain.Page) (domain.List[Summary], error) {
	var none domain.List[Summary]
	limit, before, err := moment(page)
	if err != nil {
		return none, err
	}
	rows, err := q.Query(ctx, attemptsSQL, learnerID.String(), before.at, before.id, limit+1)
	if err != nil {
		return none, err
	}
	list, err := pgx.CollectRows(rows, pgx.RowToStructByPos[Summary])
	return domain.Cut(list, limit, func(s Summary) []string { return momentKey(s.StartedAt, s.ID) }), err
}

// QueueAttempts adds a learner's last attempts to a batch, at most most of them: the list is there when the batch is closed.
func QueueAttempts(b *pgx.Batch, learnerID uuid.UUID, most int, list *[]Summary) {
	b.Queue(attemptsSQL, learnerID.String(), nil, uuid.Nil.String(), most).Query(func(rows pgx.Rows) (err error) {
		*list, err = pgx.CollectRows(rows, pgx.RowToStructByPos[Summary])
		return err
	})
}

// place is where a list ordered by time goes on; a nil moment is its start.
type place struct {
	at *time.Time
	id string
}

func moment(page domain.Page) (limit int, p place, err error) {
	limit, key, err := page.Start(1, 1)
	if err != nil || key[0] == "" {
		return limit, place{id: uuid.Nil.String()}, err
	}
	at, err := time.Parse(time.RFC3339Nano, key[0])
	if err != nil {
		return 0, place{}, domain.BadCursor()
	}
	at = at.UTC()
	return limit, place{&at, key[1]}, nil
}

func momentKey(at time.Time, id uuid.UUID) []string {
	return []string{at.UTC().Format(time.RFC3339Nano), id.String()}
}
