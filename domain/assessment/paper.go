package assessment

import (
	"context"
	"encoding/json"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"lignum/domain"
	"lignum/domain/catalog"
	"lignum/domain/catalog/item"
	"lignum/tenants"
)

// Paper is an attempt under way as its learner sees it: nothing in it tells what is right.
type Paper struct {
	Attempt
	Title        string      `json:"title"`
	Kind         string      `json:"kind"`         // practice or assessment
	Instructions string      `json:"instructions"` // HTML
	Remaining    int         `json:"remaining"`    // seconds to the deadline, not below 0
	Questions    []PaperItem `json:"questions"`
}

// PaperItem is one position of the paper with the answer that counts so far.
type PaperItem struct {
	Position int             `json:"position"` // from 0
	Section  string          `json:"section"`  // code
	Item     item.Public     `json:"item"`
	Response json.RawMessage `json:"response,omitempty"` // item.Response; nothing: not answered yet
	Counter  int64           `json:"counter"`            // of that answer; -1: none. The next one must be higher
}

// latestSQL gives the answers that count of attempts: one a position, the one with the highest counter.
const latestSQL = `SELECT attempt_id, position, counter, response FROM latest_answers($1::text[]::uuid[])`

type answered struct {
	counter  int64
	response string
}

// readLatest takes the rows of latestSQL, by attempt and position.
func readLatest(rows pgx.Rows, err error) (map[uuid.UUID]map[int]answered, error) {
	if err != nil {
		return nil, err
	}
	latest := map[uuid.UUID]map[int]answered{}
	var id uuid.UUID
	var position int
	var a answered
	_, err = pgx.ForEachRow(rows, []any{&id, &position, &a.counter, &a.response}, func() error {
		if latest[id] == nil {
			latest[id] = map[int]answered{}
		}
		latest[id][position] = a
		return nil
	})
	return latest, err
}

// Paper returns a learner's attempt under way with its items in this attempt's order and the answers saved so far. realm
// is tenants.Realm.Name. It gives domain.NotFound when the attempt is not the learner's, and domain.Conflict when it was
// handed in: then there is a Result. Read it fresh, so that the answer saved a moment ago is there.
func (e *Exams) Paper(ctx context.Context, q tenants.Querier, realm string, attemptID, learnerID uuid.UUID, now time.Time) (*Paper, error) {
	b := &pgx.Batch{}
	b.Queue(`SELECT id, test_id, course_id, learner_id, number, state, started_at, deadline, items, paper, seed, title, kind, instructions
		FROM attempt_paper($1::uuid, $2::uuid)`, attemptID.String(), learnerID.String())
	b.Queue(latestSQL, []string{attemptID.String()})
	res := q.SendBatch(ctx, b)
	defer res.Close()
	p := &Paper{Attempt: Attempt{Resumed: true}}
	var ids []uuid.UUID
	var seed int64
	if err := res.QueryRow().Scan(&p.ID, &p.TestID, &p.CourseID, &p.LearnerID, &p.Number, &p.State, &p.StartedAt, &p.Deadline, &p.Items,
		&ids, &seed, &p.Title, &p.Kind, &p.Instructions); err != nil {
		return nil, unknownAttempt(err)
	}
	if p.State != Open {
		return nil, domain.Refuse(domain.Conflict, "assessment.this_attempt_was_handed_in")
	}
	latest, err := readLatest(res.Query())
	if err != nil {
		return nil, err
	}
	if err := res.Close(); err != nil {
		return nil, err
	}
	items, err := e.items.Get(ctx, q, realm, ids)
	if err != nil {
		return nil, err
	}
	e.papers.Add(paperKey{realm, attemptID}, items)
	p.Remaining = p.remaining(now)
	p.Questions = questions(items, latest[attemptID], uint64(seed))
	return p, nil
}

// remaining is whole seconds to the deadline, not below 0.
func (a *Attempt) remaining(now time.Time) int { return max(0, int(a.Deadline.Sub(now)/time.Second)) }

func questions(items []*catalog.Item, latest map[int]answered, seed uint64) []PaperItem {
	list := make([]PaperItem, len(items))
	for i, it := range items {
		list[i] = PaperItem{Position: i, Section: it.Section, Item: it.Shown.Shuffled(seed), Counter: -1}
		if a, ok := latest[i]; ok {
			list[i].Counter, list[i].Response = a.counter, json.RawMessage(a.response)
		}
	}
	return list
}
