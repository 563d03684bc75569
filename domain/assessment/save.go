package assessment

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"lignum/domain"
	"lignum/domain/catalog"
	"lignum/domain/catalog/item"
	"lignum/tenants"
	"lignum/tenants/audit"
)

// Limits of one save.
const (
	MaxAnswers  = 100
	MaxResponse = 20 << 10  // bytes of one response in JSON
	MaxSave     = 256 << 10 // bytes of all responses of one save
)

// Answer is a response to one position of the paper as a client sends it.
type Answer struct {
	Position int             `json:"position"` // from 0
	Counter  int64           `json:"counter"`  // the client's own, rising with each change of this position; 0 to 2^53
	Response json.RawMessage `json:"response"` // item.Response; {} takes an answer back
}

// Kept is what became of one position's answers.
type Kept struct {
	Position int   `json:"position"`
	Counter  int64 `json:"counter"` // the highest that is stored: the answer that counts
	// Stored is false when another device stored a different answer under a counter that was sent. That answer stands, the
	// one that was sent is not kept: send it again with a higher counter.
	Stored bool `json:"stored"`
}

// SaveSQL saves answers: owner, state and deadline, the rows, and the entry in the audit trail with their digest, all in one
// small statement, since PostgreSQL plans it anew each time. $1 to $14 are the arguments of an audit entry, $15 the
// attempt, $16 the learner, $17 the time, $18 the time less SaveGrace, $19 positions, $20 counters, $21 responses. It gives
// a row for each answer that is new, with the position's highest counter.
//
// The row of the attempt is locked against handing in: what is acknowledged is there when the score is made. A save that
// brings nothing new writes nothing. The digest is SHA-256 over the new rows as "position:counter:response" in the
// order of position and counter, a line each, the response as jsonb prints it.
const SaveSQL = `WITH attempt AS (
	SELECT id FROM attempts WHERE id = $15::uuid AND learner_id = $16::uuid AND state = 'open' AND deadline >= $18::timestamptz FOR KEY SHARE
), stored AS (
	INSERT INTO responses (attempt_id, position, counter, response, saved_at)
	SELECT attempt.id, s.position, s.counter, s.response::jsonb, $17::timestamptz
	FROM attempt CROSS JOIN unnest($19::bigint[], $20::bigint[], $21::text[]) AS s (position, counter, response) ORDER BY s.position, s.counter
	ON CONFLICT DO NOTHING RETURNING position, counter, response
), noted AS (
	INSERT INTO audit_entries (id, actor_id, actor_name, actor_roles, actor_realm, address, action, outcome, object_kind, object_id, before, after, reason, request_id)
	SELECT $1::uuid, $2::uuid, $3::text, $4::text, $5::text, $6::text, $7::text, $8::text, $9::text, $10::text, $11::jsonb,
		$12::jsonb || jsonb_build_object('rows', count(*), 'sha256', encode(sha256(convert_to(
			string_agg(position || ':' || counter || ':' || response::text, E'\n' ORDER BY position, counter), 'UTF8')), 'hex')), $13::text, $14::text
	FROM stored HAVING count(*) > 0
)
SELECT position, counter, greatest(counter, (SELECT max(r.counter) FROM responses r WHERE r.attempt_id = $15::uuid AND r.position = stored.position)) FROM stored`

// standingSQL tells what became of answers that were not new: whether the attempt still takes any, and, for each answer in
// order, whether the very same is stored, and the position's highest counter. Nothing: it is not the learner's attempt.
const standingSQL = `SELECT a.state, a.deadline >= $3::timestamptz,
	coalesce((SELECT r.response = s.response::jsonb FROM responses r WHERE r.attempt_id = a.id AND r.position = s.position AND r.counter = s.counter), false),
	coalesce((SELECT max(r.counter) FROM responses r WHERE r.attempt_id = a.id AND r.position = s.position), -1)
FROM attempts a CROSS JOIN unnest($4::bigint[], $5::bigint[], $6::text[]) WITH ORDINALITY AS s (position, counter, response, n)
WHERE a.id = $1::uuid AND a.learner_id = $2::uuid ORDER BY s.n`

// SaveAnswers stores answers in one round trip and one transaction and acknowledges each position, in their order; where
// not all of them were new, a second trip looks at what is stored. It may be repeated and may arrive in any order. When the time is over or the attempt was handed in it gives domain.Conflict, for a ticket
// of another learner domain.NotFound; then nothing was written. Input that is out of bounds, or that does not fit the
// item, is domain.Invalid or domain.TooLarge.
func (e *Exams) SaveAnswers(ctx context.Context, db *tenants.DB, who audit.Actor, t Ticket, answers []Answer, now time.Time) ([]Kept, error) {
	if t.LearnerID != who.ID || who.ID == uuid.Nil {
		return nil, unknownAttempt(pgx.ErrNoRows)
	}
	if now.After(t.Deadline.Add(SaveGrace)) {
		return nil, timeOver()
	}
	if err := bound(t, answers); err != nil {
		return nil, err
	}
	clean, err := e.fit(ctx, db, t, answers)
	if err != nil {
		return nil, err
	}
	n := len(answers)
	c := columns{make([]int64, n), make([]int64, n), clean}
	for i, a := range answers {
		c.positions[i], c.counters[i] = int64(a.Position), a.Counter
	}
	kept, fresh, err := save(ctx, db, who, t, c, now)
	if err == nil && fresh < n {
		kept, err = standing(ctx, db, t, c, now)
	}
	slices.SortFunc(kept, func(a, b Kept) int { return a.Position - b.Position })
	return kept, err
}

func timeOver() error {
	return domain.Errorf(domain.Conflict, "The time for this test is over. What was saved in time counts.")
}

// bound checks what needs no item.
func bound(t Ticket, answers []Answer) error {
	if len(answers) == 0 || len(answers) > MaxAnswers {
		return domain.InvalidField("answers", fmt.Sprintf("must be 1 to %d", MaxAnswers))
	}
	type key struct {
		position int
		counter  int64
	}
	seen := make(map[key]bool, len(answers))
	total := 0
	var p domain.Problems
	for i, a := range answers {
		at := fmt.Sprintf("answers[%d]", i)
		if a.Position < 0 || a.Position >= t.Items {
			p.Add(at+".position", "must be 0 to %d", t.Items-1)
		}
		if a.Counter < 0 || a.Counter > 1<<53 {
			p.Add(at+".counter", "must be 0 to 2^53")
		}
		if seen[key{a.Position, a.Counter}] {
			p.Add(at+".counter", "is there twice for this position")
		}
		seen[key{a.Position, a.Counter}] = true
		if len(a.Response) > MaxResponse {
			return domain.Errorf(domain.TooLarge, "A response may have at most %d bytes.", MaxResponse)
		}
		total += len(a.Response)
	}
	if total > MaxSave {
		return domain.Errorf(domain.TooLarge, "Responses may have at most %d bytes together; send them in parts.", MaxSave)
	}
	return p.Err()
}

// fit checks each answer against its item and gives its JSON without anything else.
func (e *Exams) fit(ctx context.Context, db *tenants.DB, t Ticket, answers []Answer) ([]string, error) {
	paper, err := e.paperOf(ctx, db, t)
	if err != nil {
		return nil, err
	}
	var p domain.Problems
	clean := make([]string, len(answers))
	for i, a := range answers {
		at := fmt.Sprintf("answers[%d].response", i)
		if a.Position >= len(paper) {
			return nil, domain.InvalidField(fmt.Sprintf("answers[%d].position", i), "is not on the paper")
		}
		r, err := item.ParseResponse(a.Response)
		if err == nil {
			err = paper[a.Position].Content.CheckResponse(r)
		}
		var wrong *domain.Error
		if errors.As(err, &wrong) {
			for _, f := range wrong.Fields {
				p.Add(at+"."+f.Name, "%s", f.Reason)
			}
			continue
		}
		if err != nil {
			return nil, err
		}
		raw, err := json.Marshal(r)
		if err != nil {
			return nil, err
		}
		clean[i] = string(raw)
	}
	return clean, p.Err()
}

// paperOf gives the items of the attempt that the ticket names, in the order of their positions.
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
	positions []int64
	counters  []int64
	responses []string
}

// save tells how many answers were new, and what is kept of their positions.
func save(ctx context.Context, db *tenants.DB, who audit.Actor, t Ticket, c columns, now time.Time) (kept []Kept, fresh int, err error) {
	entry := audit.Entry{Action: "attempt.answer", ObjectKind: "attempt", ObjectID: t.AttemptID.String(), After: map[string]any{}}
	b := &pgx.Batch{}
	b.Queue(SaveSQL, append(entry.Args(who), t.AttemptID.String(), t.LearnerID.String(), now.UTC(), now.Add(-SaveGrace).UTC(), c.positions, c.counters, c.responses)...)
	err = db.WriteOneTrip(ctx, b, func(res pgx.BatchResults) error {
		rows, err := res.Query()
		if err != nil {
			return err
		}
		var position int
		var counter, highest int64
		_, err = pgx.ForEachRow(rows, []any{&position, &counter, &highest}, func() error {
			fresh++
			kept = keep(kept, position, highest, true)
			return nil
		})
		return err
	})
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
		return nil, domain.Errorf(domain.Conflict, "This attempt was handed in. What was saved before counts.")
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
