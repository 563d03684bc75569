package classes

import (
	"context"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"lignum/domain"
	"lignum/domain/notices"
	"lignum/tenants"
	"lignum/tenants/audit"
)

// MostPlaced is how many learners get a place, or lose it, in one go.
const MostPlaced = 1000

// Reasons for which a learner got no place.
const (
	ReasonFull     = "full"              // no seat was left
	ReasonOver     = "over"              // the class is not active; only a Bulk says it of one learner
	ReasonNobody   = "no_active_learner" // there is no such account, or it is suspended, or nobody who learns
	ReasonNotYours = "not_your_school"   // whoever places has no tie to the learner
)

const placed, already = "placed", "already"

// Person is a learner by name.
type Person struct {
	ID         uuid.UUID `json:"id"`
	GivenName  string    `json:"given_name"`
	FamilyName string    `json:"family_name"`
}

// Unplaced is a learner who got no place, and why.
type Unplaced struct {
	Person
	Reason string `json:"reason" enum:"full,no_active_learner,not_your_school"`
}

// Placement is what became of learners who were to get places from staff. Each of them is in exactly one of the lists.
type Placement struct {
	Placed  []Person   `json:"placed"`
	Already []Person   `json:"already"` // had a place before
	Refused []Unplaced `json:"refused"`
	Seats   int        `json:"seats"`
	Taken   int        `json:"taken"` // now
}

// placeSQL seats learners in the order in which they are named until the class is full, and counts the seats in the same
// statement. It runs behind lockClass: nobody else changes the count meanwhile. $1 the class, $2 the learners, $3 the tenant's
// date, $4 the time.
const placeSQL = `WITH wanted AS (
	SELECT w.id::uuid AS id, w.n FROM unnest($2::text[]) WITH ORDINALITY AS w (id, n)
), known AS (
	SELECT w.id, w.n, coalesce(u.given_name, '') AS given_name, coalesce(u.family_name, '') AS family_name,
		u.state = 'active' AND EXISTS (SELECT FROM user_roles r WHERE r.user_id = u.id AND r.role = 'student') AS fit,
		EXISTS (SELECT FROM enrolments e WHERE e.class_id = $1::uuid AND e.learner_id = w.id AND e.state = 'active') AS already
	FROM wanted w LEFT JOIN users u ON u.id = w.id AND u.state <> 'erased'
), seated AS (
	INSERT INTO enrolments AS e (class_id, learner_id, enrolled_at)
	SELECT $1::uuid, k.id, $4::timestamptz FROM known k WHERE k.fit AND NOT k.already ORDER BY k.n
	LIMIT coalesce((SELECT seats - taken FROM classes WHERE id = $1::uuid AND state = 'active' AND ends_on >= $3::text::date), 0)
	ON CONFLICT (class_id, learner_id) DO UPDATE SET state = 'active', enrolled_at = excluded.enrolled_at, left_at = NULL
	RETURNING learner_id
), counted AS (
	UPDATE classes SET taken = taken + (SELECT count(*) FROM seated) WHERE id = $1::uuid AND EXISTS (SELECT FROM seated) RETURNING 1
)
SELECT k.id, k.given_name, k.family_name, CASE WHEN s.learner_id IS NOT NULL THEN 'placed' WHEN k.already THEN 'already'
	WHEN k.fit THEN 'full' ELSE 'no_active_learner' END
FROM known k LEFT JOIN seated s ON s.learner_id = k.id ORDER BY k.n`

// Place gives learners places in a class, also when registration is closed, as far as there are seats: those named first are
// seated first, and are told. Who had a place keeps it. It is one statement however many they are, at most MostPlaced. A class that is over or
// cancelled gives domain.Conflict.
func Place(ctx context.Context, tx *tenants.Tx, classID uuid.UUID, learners []uuid.UUID, now, today time.Time) (Placement, error) {
	out := Placement{Placed: []Person{}, Already: []Person{}, Refused: []Unplaced{}}
	ids, err := uniqueIDs(learners)
	if err != nil {
		return out, err
	}
	date := today.Format(time.DateOnly)
	b := &pgx.Batch{}
	b.Queue(lockClass, classID.String(), date)
	b.Queue(placeSQL, classID.String(), ids, date, now.UTC())
	res := tx.SendBatch(ctx, b)
	defer res.Close()
	var open, past bool
	var state State
	if err := res.QueryRow().Scan(&open, &state, &out.Seats, &out.Taken, &past); err != nil {
		return out, missing(err)
	}
	if state != Active || past {
		return out, refusal(state, past, true, false)
	}
	rows, err := res.Query()
	if err != nil {
		return out, err
	}
	var p Person
	var became string
	if _, err := pgx.ForEachRow(rows, []any{&p.ID, &p.GivenName, &p.FamilyName, &became}, func() error {
		switch became {
		case placed:
			out.Placed = append(out.Placed, p)
		case already:
			out.Already = append(out.Already, p)
		default:
			out.Refused = append(out.Refused, Unplaced{p, became})
		}
		return nil
	}); err != nil {
		return out, err
	}
	out.Taken += len(out.Placed)
	tx.Record(audit.Entry{Action: "class.place", ObjectKind: "class", ObjectID: classID.String(),
		After: map[string]any{"learners": idsOf(out.Placed), "already": len(out.Already), "refused": len(out.Refused), "taken": out.Taken}})
	if err := res.Close(); err != nil {
		return out, err
	}
	return out, tellLearners(ctx, tx, notices.ClassPlaced, classID, idsOf(out.Placed), now)
}

// Remove takes learners out of a class and frees their seats, in one statement; what they did stays. It gives those who had a
// place, and tells them. When none of them had one it returns domain.NotFound.
func Remove(ctx context.Context, tx *tenants.Tx, classID uuid.UUID, learners []uuid.UUID, now time.Time) ([]uuid.UUID, error) {
	ids, err := uniqueIDs(learners)
	if err != nil {
		return nil, err
	}
	b := &pgx.Batch{}
	b.Queue(`SELECT FROM classes WHERE id = $1::uuid FOR NO KEY UPDATE`, classID.String())
	b.Queue(`WITH gone AS (
			UPDATE enrolments SET state = 'left', left_at = $3::timestamptz WHERE class_id = $1::uuid AND learner_id = ANY($2::text[]::uuid[]) AND state = 'active' RETURNING learner_id
		), counted AS (
			UPDATE classes SET taken = taken - (SELECT count(*) FROM gone) WHERE id = $1::uuid AND EXISTS (SELECT FROM gone) RETURNING 1
		) SELECT learner_id FROM gone`, classID.String(), ids, now.UTC())
	res := tx.SendBatch(ctx, b)
	defer res.Close()
	if _, err := res.Exec(); err != nil {
		return nil, err
	}
	rows, err := res.Query()
	if err != nil {
		return nil, err
	}
	gone, err := pgx.CollectRows(rows, pgx.RowTo[uuid.UUID])
	if err != nil {
		return nil, err
	}
	if len(gone) == 0 {
		return nil, domain.Refuse(domain.NotFound, "classes.nobody_of_them_has_a")
	}
	tx.Record(audit.Entry{Action: "class.remove", ObjectKind: "class", ObjectID: classID.String(), Before: map[string]any{"learners": gone}})
	if err := res.Close(); err != nil {
		return nil, err
	}
	return gone, tellLearners(ctx, tx, notices.ClassRemoved, classID, gone, now)
}

func idsOf(people []Person) []uuid.UUID {
	ids := make([]uuid.UUID, len(people))
	for i, p := range people {
		ids[i] = p.ID
	}
	return ids
}

// uniqueIDs returns ids as text, each once, in their order.
func uniqueIDs(list []uuid.UUID) ([]string, error) {
	seen, ids := map[uuid.UUID]bool{}, []string{}
	for _, id := range list {
		if !seen[id] {
			seen[id] = true
			ids = append(ids, id.String())
		}
	}
	if len(ids) == 0 || len(ids) > MostPlaced {
		return nil, domain.InvalidField("learner_ids", "classes.must_name_1_to_learners", "Most", MostPlaced)
	}
	return ids, nil
}

// HasOthers reports whether somebody of another school than this one, or of none, has a place in a class.
func HasOthers(ctx context.Context, q tenants.Querier, classID uuid.UUID, school *uuid.UUID) (yes bool, err error) {
	err = q.QueryRow(ctx, `SELECT EXISTS (SELECT FROM places p JOIN users u ON u.id = p.learner_id
		WHERE p.class_id = $1::uuid AND u.school_id IS DISTINCT FROM $2::text::uuid)`, classID.String(), idText(school)).Scan(&yes)
	return yes, err
}
