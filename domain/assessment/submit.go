package assessment

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"lignum/domain"
	"lignum/domain/catalog"
	"lignum/domain/words"
	"lignum/tenants"
	"lignum/tenants/audit"
)

// Submit hands an attempt in and scores it by the answers that count, once: handing in again gives the same result and
// no second points. What a person must read leaves it in the state Marking. realm is tenants.Realm.Name, today the
// tenant's date. It returns domain.NotFound when the attempt is not the learner's.
func (e *Exams) Submit(ctx context.Context, tx *tenants.Tx, realm string, attemptID, learnerID uuid.UUID, now, today time.Time) (*Result, error) {
	return e.SubmitIf(ctx, tx, realm, attemptID, learnerID, func(AttemptFacts) error { return nil }, now, today)
}

// SubmitIf is Submit if may, which is asked about the facts of the learner and the attempt, gives no error. They come in the same
// round trip as the attempt itself.
func (e *Exams) SubmitIf(ctx context.Context, tx *tenants.Tx, realm string, attemptID, learnerID uuid.UUID, may func(AttemptFacts) error, now, today time.Time) (*Result, error) {
	b, one := &pgx.Batch{}, []string{attemptID.String()}
	b.Queue(factsSQL, attemptID.String(), learnerID.String())
	// The lock comes first: the statement after it sees all that was acknowledged before, and no save comes after.
	b.Queue(recordSQL, one, learnerID.String(), true)
	b.Queue(latestSQL, one)
	res := tx.SendBatch(ctx, b)
	defer res.Close()
	f, err := scanFacts(res.QueryRow(), learnerID, now)
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
	items, err := e.items.Get(ctx, tx, realm, r.paper)
	if err != nil {
		return nil, err
	}
	if r.State != Open {
		tx.Record(audit.Entry{Action: "attempt.submit", ObjectKind: "attempt", ObjectID: attemptID.String(), Reason: words.English.Say("assessment.handed_in_before")})
		return r.result(items, latest, now, false), nil
	}
	r.settle(items, latest, now.UTC(), false)
	if err := store(ctx, tx, []*record{r}, now, today); err != nil {
		return nil, err
	}
	tx.Record(r.entry("attempt.submit"))
	return r.result(items, latest, now, false), nil
}

func (r *record) entry(action string) audit.Entry {
	score, most, unmarked := r.outcome.total()
	return audit.Entry{Action: action, ObjectKind: "attempt", ObjectID: r.ID.String(), After: map[string]any{"learner": r.LearnerID, "test": r.TestID,
		"state": r.State, "score": score, "max_score": most, "unmarked": unmarked, "grade": r.grade}}
}

// platformActor is who hands in when the time ran out.
var platformActor = audit.Actor{Name: "platform", Realm: "platform"}

var errNothingToDo = errors.New("nothing to do")

// CloseOverdue hands in, as the platform, all attempts whose deadline and SaveGrace have passed, with what was saved, oldest
// first, so many (1 to 500) in one transaction. It tells how many. Several processes may do it at once: each takes what the
// others have not. One that cannot be scored holds up no other, however many there are, and is in the error. today is the
// tenant's date.
func (e *Exams) CloseOverdue(ctx context.Context, db *tenants.DB, atOnce int, now, today time.Time) (closed int, err error) {
	atOnce = min(max(atOnce, 1), 500)
	after, afterID := time.Unix(0, 0).UTC(), uuid.Nil
	var failed []error
	for {
		var ids []string
		err := db.ReadFresh(ctx, func(r *tenants.Reader) error {
			rows, err := r.Query(ctx, `SELECT id, deadline FROM attempts WHERE state = 'open' AND deadline < $1::timestamptz
				AND (deadline, id) > ($2::timestamptz, $3::uuid) ORDER BY deadline, id LIMIT $4::integer`, now.Add(-SaveGrace).UTC(), after, afterID.String(), atOnce)
			if err != nil {
				return err
			}
			_, err = pgx.ForEachRow(rows, []any{&afterID, &after}, func() error { ids = append(ids, afterID.String()); return nil })
			return err
		})
		if err != nil {
			return closed, errors.Join(append(failed, err)...)
		}
		if len(ids) > 0 {
			n, err := e.closeEach(ctx, db, ids, now, today)
			closed += n
			if err != nil {
				failed = append(failed, err)
			}
			if domain.CodeOf(err) == domain.Unavailable || ctx.Err() != nil {
				return closed, errors.Join(failed...)
			}
		}
		if after = after.UTC(); len(ids) < atOnce {
			return closed, errors.Join(failed...)
		}
	}
}

// closeEach hands in attempts together, and where one of them cannot be scored, one by one.
func (e *Exams) closeEach(ctx context.Context, db *tenants.DB, ids []string, now, today time.Time) (int, error) {
	closed, err := e.close(ctx, db, ids, now, today)
	if err == nil || domain.CodeOf(err) == domain.Unavailable {
		return closed, err
	}
	var failed []error
	for _, id := range ids {
		n, err := e.close(ctx, db, []string{id}, now, today)
		if err != nil {
			failed = append(failed, fmt.Errorf("attempt %s: %w", id, err))
		}
		closed += n
	}
	return closed, errors.Join(failed...)
}

// CloseIfOverdue does the same for one attempt, for a learner who comes back before the platform's next round.
func (e *Exams) CloseIfOverdue(ctx context.Context, db *tenants.DB, attemptID uuid.UUID, now, today time.Time) (closed bool, err error) {
	n, err := e.close(ctx, db, []string{attemptID.String()}, now, today)
	return n > 0, err
}

// close hands in those of the attempts that are open and overdue and that nobody else has locked, in one transaction of
// a few statements however many they are. The moment of handing in is the deadline.
func (e *Exams) close(ctx context.Context, db *tenants.DB, ids []string, now, today time.Time) (closed int, err error) {
	err = db.Write(ctx, platformActor, func(tx *tenants.Tx) error {
		rows, err := tx.Query(ctx, `SELECT id::text FROM attempts WHERE id = ANY ($1::text[]::uuid[]) AND state = 'open' AND deadline < $2::timestamptz
			ORDER BY id FOR UPDATE SKIP LOCKED`, ids, now.Add(-SaveGrace).UTC())
		if err != nil {
			return err
		}
		ids, err := pgx.CollectRows(rows, pgx.RowTo[string])
		if err != nil {
			return err
		}
		if len(ids) == 0 {
			return errNothingToDo
		}
		b := &pgx.Batch{}
		b.Queue(recordSQL, ids, nil, false)
		b.Queue(latestSQL, ids)
		res := tx.SendBatch(ctx, b)
		defer res.Close()
		rows, err = res.Query()
		if err != nil {
			return err
		}
		list, err := pgx.CollectRows(rows, scanRecord)
		if err != nil {
			return err
		}
		latest, err := readLatest(res.Query())
		if err != nil {
			return err
		}
		if err := res.Close(); err != nil {
			return err
		}
		if err := e.settleAll(ctx, tx, db.Realm().Name(), list, latest); err != nil {
			return err
		}
		closed = len(list)
		return store(ctx, tx, list, now, today)
	})
	if errors.Is(err, errNothingToDo) {
		return 0, nil
	}
	if err != nil {
		return 0, err
	}
	return closed, nil
}

func (e *Exams) settleAll(ctx context.Context, tx *tenants.Tx, realm string, list []*record, latest map[uuid.UUID]map[int]answered) error {
	var all []uuid.UUID
	known := map[uuid.UUID]*catalog.Item{}
	for _, r := range list {
		for _, id := range r.paper {
			if _, ok := known[id]; !ok {
				known[id] = nil
				all = append(all, id)
			}
		}
	}
	items, err := e.items.Get(ctx, tx, realm, all)
	if err != nil {
		return err
	}
	for _, it := range items {
		known[it.ID] = it
	}
	for _, r := range list {
		paper := make([]*catalog.Item, len(r.paper))
		for i, id := range r.paper {
			paper[i] = known[id]
		}
		r.settle(paper, latest[r.ID], r.Deadline.UTC(), true)
		tx.Record(r.entry("attempt.close"))
	}
	return nil
}
