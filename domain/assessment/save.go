package assessment

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"lignum/domain"
	"lignum/domain/catalog"
	"lignum/domain/catalog/item"
	"lignum/domain/words"
	"lignum/tenants"
	"lignum/tenants/audit"
)

// Limits of one save.
const (
	MaxAnswers  = 100
	MaxResponse = 128 << 10 // bytes of one response in JSON: the longest essay, whatever its letters are and however they are escaped
	MaxSave     = 256 << 10 // bytes of all responses of one save
)

// Answer is a response to one position of the paper as a client sends it.
type Answer struct {
	Position int             `json:"position" doc:"Position of the item in the paper, from 0"`
	Counter  int64           `json:"counter" doc:"A number of the client's that rises with each change of this answer; 0 to 2^53"`
	Response json.RawMessage `json:"response" doc:"The answer; {} takes it back"` // item.Response
}

// Kept is what became of one position's answers.
type Kept struct {
	Position int   `json:"position"`
	Counter  int64 `json:"counter"` // the highest that is stored: the answer that counts
	// Stored is false when another device stored a different answer under a counter that was sent. That answer stands, the
	// one that was sent is not kept: send it again with a higher counter.
	Stored bool `json:"stored"`
}

// Refused is an answer that was not taken, and why. Nothing of it is stored: an answer stored before it, if there is one, still
// counts.
type Refused struct {
	Position int        `json:"position"` // as it was sent
	Counter  int64      `json:"counter"`  // as it was sent
	Field    string     `json:"field"`    // position, counter, or what of the response: response.number
	Reason   words.Text `json:"reason"`   // a sentence for the person who typed it
}

// Saved is what became of answers: each of them is in one of the two lists.
type Saved struct {
	Kept    []Kept    `json:"kept"`    // a client keeps an answer until it finds it here as stored
	Refused []Refused `json:"refused"` // sending them again changes nothing; the learner must change them
}

// saveSQL saves answers in one statement: owner, state and deadline, the row, and the entry in the audit trail with the digest of
// what is new. $1 and $2 are the arguments of an audit entry, $3 the attempt, $4 the learner, $5 the time, $6 the time less
// SaveGrace, $7 positions, $8 counters, $9 responses. It gives one row with the highest counter of each position, in the order
// sent, and how many answers were new; or none when the attempt takes no answers.
const saveSQL = `SELECT highest, fresh FROM save_answers(` + audit.Parameters + `, $3::uuid, $4::uuid, $5::timestamptz, $6::timestamptz,
	$7::smallint[], $8::bigint[], $9::jsonb)`

// standingSQL tells what became of answers that were not new: whether the attempt still takes any, and, for each answer in
// order, whether the very same is stored, and the position's highest counter. Nothing: it is not the learner's attempt.
const standingSQL = `SELECT a.state, a.deadline >= $3::timestamptz, coalesce(r.response = s.response::jsonb, false), coalesce(last.heads[s.position + 1], -1)
FROM attempts a LEFT JOIN LATERAL (SELECT heads FROM saves WHERE attempt_id = a.id ORDER BY n DESC LIMIT 1) last ON true
CROSS JOIN unnest($4::smallint[], $5::bigint[], $6::jsonb[]) WITH ORDINALITY AS s (position, counter, response, n)
LEFT JOIN (SELECT k.position, k.counter, v.responses -> (k.i - 1)::integer AS response
	FROM saves v CROSS JOIN LATERAL unnest(v.positions, v.counters) WITH ORDINALITY AS k (position, counter, i) WHERE v.attempt_id = $1::uuid) r
	ON r.position = s.position AND r.counter = s.counter
WHERE a.id = $1::uuid AND a.learner_id = $2::uuid ORDER BY s.n`

// SaveAnswers stores answers in one round trip and one transaction and acknowledges each position, in their order; where
// not all of them were new, a second trip looks at what is stored. Each answer is judged alone: one that is out of bounds or
// does not fit its item is refused by name and holds up no other. It may be repeated and may arrive in any order. When the
// time is over or the attempt was handed in it returns domain.Conflict, for a ticket of another learner domain.NotFound, for
// no answers or too many at once domain.Invalid or domain.TooLarge; then nothing was written.
func (e *Exams) SaveAnswers(ctx context.Context, db *tenants.DB, who audit.Actor, t Ticket, answers []Answer, now time.Time) (Saved, error) {
	var s Saved
	if t.LearnerID != who.ID || who.ID == uuid.Nil {
		return s, unknownAttempt(pgx.ErrNoRows)
	}
	if now.After(t.Deadline.Add(SaveGrace)) {
		return s, timeOver()
	}
	if err := bound(answers); err != nil {
		return s, err
	}
	c, refused, err := e.judge(ctx, db, t, answers)
	if err != nil {
		return s, err
	}
	s.Kept, s.Refused = []Kept{}, refused
	if n := len(c.positions); n > 0 {
		kept, fresh, err := save(ctx, db, who, t, c, now)
		if err == nil && fresh < n {
			kept, err = standing(ctx, db, t, c, now)
		}
		if err != nil {
			return Saved{}, err
		}
		s.Kept = kept
	}
	slices.SortFunc(s.Kept, func(a, b Kept) int { return a.Position - b.Position })
	slices.SortStableFunc(s.Refused, func(a, b Refused) int { return a.Position - b.Position })
	return s, nil
}

func timeOver() error {
	return domain.Refuse(domain.Conflict, "assessment.the_time_for_this_test")
}

// bound checks what concerns the save as a whole.
func bound(answers []Answer) error {
	if len(answers) == 0 || len(answers) > MaxAnswers {
		return domain.InvalidField("answers", "assessment.must_be_1_to", "Most", MaxAnswers)
	}
	total := 0
	for _, a := range answers {
		total += len(a.Response)
	}
	if total > MaxSave {
		return domain.Refuse(domain.TooLarge, "assessment.answers_may_have_at_most", "Most", MaxSave>>10)
	}
	return nil
}

// judge looks at each answer alone: it gives those that may be stored, with their JSON and nothing else, and the others with
// the reason.
func (e *Exams) judge(ctx context.Context, db *tenants.DB, t Ticket, answers []Answer) (columns, []Refused, error) {
	c, refused := columns{}, []Refused{}
	paper, err := e.paperOf(ctx, db, t)
	if err != nil {
		return c, nil, err
	}
	type key struct {
		position int
		counter  int64
	}
	seen := make(map[key]bool, len(answers))
	for _, a := range answers {
		response, wrong, err := fit(paper, a)
		if err != nil {
			return c, nil, err
		}
		at := key{a.Position, a.Counter}
		if wrong == nil && seen[at] {
			wrong = &domain.Field{Name: "counter", Reason: words.Say("assessment.is_there_twice_for_this")}
		}
		if wrong != nil {
			refused = append(refused, Refused{a.Position, a.Counter, wrong.Name, wrong.Reason.Sentence()})
			continue
		}
		seen[at] = true
		c.positions, c.counters, c.responses = append(c.positions, int16(a.Position)), append(c.counters, a.Counter), append(c.responses, response)
	}
	return c, refused, nil
}

// fit returns the JSON of an answer that may be stored, or what is wrong with it.
func fit(paper []*catalog.Item, a Answer) (string, *domain.Field, error) {
	switch {
	case a.Position < 0 || a.Position >= len(paper):
		return "", &domain.Field{Name: "position", Reason: words.Say("assessment.must_be_0_to", "Most", len(paper)-1)}, nil
	case a.Counter < 0 || a.Counter > 1<<53:
		return "", &domain.Field{Name: "counter", Reason: words.Say("assessment.must_be_a_whole_number")}, nil
	case len(a.Response) > MaxResponse:
		return "", &domain.Field{Name: "response", Reason: words.Say("assessment.the_answer_is_too_long", "KB", MaxResponse>>10)}, nil
	}
	r, err := item.ParseResponse(a.Response)
	if err == nil {
		err = paper[a.Position].Content.CheckResponse(r)
	}
	var wrong *domain.Error
	if errors.As(err, &wrong) && len(wrong.Fields) > 0 {
		f := wrong.Fields[0]
		if f.Name != "response" {
			f.Name = "response." + f.Name
		}
		return "", &f, nil
	}
	if err != nil {
		return "", nil, err
	}
	raw, err := json.Marshal(r)
	return string(raw), nil, err
}

// paperOf returns the items of the attempt that the ticket names, in the order of their positions.
func (e *Exams) paperOf(ctx context.Context, db *tenants.DB, t Ticket) ([]*catalog.Item, error) {
	realm := db.Realm().Name()
	if items, ok := e.papers.Get(paperKey{realm, t.AttemptID}); ok {
		return items, nil
	}
	var items []*catalog.Item
	err := db.ReadFresh(ctx, func(r *tenants.Reader) (err error) {
		var paper []uuid.UUID
		if err := r.QueryRow(ctx, `SELECT paper FROM attempts WHERE id = $1::uuid AND learner_id = $2::uuid`, t.AttemptID.String(), t.LearnerID.String()).Scan(&paper); err != nil {
			return unknownAttempt(err)
		}
		items, err = e.items.Get(ctx, r, realm, paper)
		return err
	})
	if err == nil {
		e.papers.Add(paperKey{realm, t.AttemptID}, items)
	}
	return items, err
}

// columns are answers as the statements take them.
type columns struct {
	positions []int16
	counters  []int64
	responses []string
}

// save tells how many answers were new, and what is kept of their positions.
func save(ctx context.Context, db *tenants.DB, who audit.Actor, t Ticket, c columns, now time.Time) (kept []Kept, fresh int, err error) {
	entry := audit.Entry{Action: "attempt.answer", ObjectKind: "attempt", ObjectID: t.AttemptID.String(), After: map[string]any{}, Plain: true}
	b := &pgx.Batch{}
	b.Queue(saveSQL, append(entry.Args(who), t.AttemptID.String(), t.LearnerID.String(), now.UTC(), now.Add(-SaveGrace).UTC(),
		c.positions, c.counters, "["+strings.Join(c.responses, ",")+"]")...)
	err = db.WriteOneTrip(ctx, b, func(res pgx.BatchResults) error {
		var highest []int64
		if err := res.QueryRow().Scan(&highest, &fresh); err != nil {
			return err
		}
		for i, h := range highest {
			kept = keep(kept, int(c.positions[i]), h, true)
		}
		return nil
	})
	if errors.Is(err, pgx.ErrNoRows) {
		err = nil // why, standing tells
	}
	return kept, fresh, err
}

// standing tells what became of answers of which some were not new: a replay, another device's answer under the same
// counter, or an attempt that takes none.
func standing(ctx context.Context, db *tenants.DB, t Ticket, c columns, now time.Time) (kept []Kept, err error) {
	state := ""
	err = db.ReadFresh(ctx, func(r *tenants.Reader) error {
		rows, err := r.Query(ctx, standingSQL, t.AttemptID.String(), t.LearnerID.String(), now.Add(-SaveGrace).UTC(), c.positions, c.counters, c.responses)
		if err != nil {
			return err
		}
		var inTime, stored bool
		var highest int64
		i := 0
		_, err = pgx.ForEachRow(rows, []any{&state, &inTime, &stored, &highest}, func() error {
			if !inTime {
				return timeOver()
			}
			kept = keep(kept, int(c.positions[i]), highest, stored)
			i++
			return nil
		})
		return err
	})
	switch {
	case err != nil:
		return nil, err
	case state == "":
		return nil, unknownAttempt(pgx.ErrNoRows)
	case state != Open:
		return nil, domain.Refuse(domain.Conflict, "assessment.this_attempt_was_handed_in_what")
	}
	return kept, nil
}

// keep notes an answer; a position is there once.
func keep(kept []Kept, position int, highest int64, stored bool) []Kept {
	for i := range kept {
		if kept[i].Position == position {
			kept[i].Counter, kept[i].Stored = max(kept[i].Counter, highest), kept[i].Stored && stored
			return kept
		}
	}
	return append(kept, Kept{position, highest, stored})
}
