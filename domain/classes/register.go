package classes

import (
	"context"
	"errors"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"lignum/domain"
	"lignum/domain/notices"
	"lignum/domain/words"
	"lignum/tenants"
	"lignum/tenants/audit"
)

// RegisterInput asks for a seat.
type RegisterInput struct {
	ClassID   uuid.UUID
	LearnerID uuid.UUID
	ByStaff   bool // staff place learners also in a class that is not open
	Now       time.Time
	Today     time.Time // the tenant's date
}

// Enrolment is a learner's place in a class.
type Enrolment struct {
	ClassID    uuid.UUID `json:"class_id"`
	LearnerID  uuid.UUID `json:"learner_id"`
	EnrolledAt time.Time `json:"enrolled_at"`
	Already    bool      `json:"already"` // the learner had the place before
	Seats      int       `json:"seats"`
	Taken      int       `json:"taken"` // now
}

// lockClass is the first statement of all that change a class's seats: whoever comes second waits here and then sees
// what the first did, since each statement takes its own snapshot.
const lockClass = `SELECT open, state, seats, taken, ends_on < $2::text::date FROM classes WHERE id = $1::uuid FOR NO KEY UPDATE`

// takeSeat changes the count and the enrolment together, or neither. The condition holds the seat limit; the CHECK of
// the table stands behind it.
const takeSeat = `WITH seat AS (
	UPDATE classes SET taken = taken + 1
	WHERE id = $1::uuid AND (open OR $3::boolean) AND state = 'active' AND ends_on >= $4::text::date AND taken < seats
		AND NOT EXISTS (SELECT FROM enrolments WHERE class_id = $1::uuid AND learner_id = $2::uuid AND state = 'active')
		AND EXISTS (SELECT FROM users u JOIN user_roles r ON r.user_id = u.id AND r.role = 'student' WHERE u.id = $2::uuid AND u.state = 'active')
	RETURNING id
)
INSERT INTO enrolments AS e (class_id, learner_id, enrolled_at)
SELECT seat.id, $2::uuid, $5::timestamptz FROM seat
ON CONFLICT (class_id, learner_id) DO UPDATE SET state = 'active', enrolled_at = excluded.enrolled_at, left_at = NULL
RETURNING enrolled_at`

// Register gives a learner a seat. A hundred who ask for the last one get one seat between them, and ninety-nine
// domain.Conflict. Asking again gives the same place and takes no second seat. A learner who left may come back.
func Register(ctx context.Context, tx *tenants.Tx, in RegisterInput) (Enrolment, error) {
	today := in.Today.Format(time.DateOnly)
	b := &pgx.Batch{}
	b.Queue(lockClass, in.ClassID.String(), today)
	b.Queue(takeSeat, in.ClassID.String(), in.LearnerID.String(), in.ByStaff, today, in.Now.UTC())
	b.Queue(`SELECT enrolled_at FROM enrolments WHERE class_id = $1::uuid AND learner_id = $2::uuid AND state = 'active'`, in.ClassID.String(), in.LearnerID.String())
	res := tx.SendBatch(ctx, b)
	defer res.Close()

	e := Enrolment{ClassID: in.ClassID, LearnerID: in.LearnerID}
	var open, past bool
	var state State
	if err := res.QueryRow().Scan(&open, &state, &e.Seats, &e.Taken, &past); err != nil {
		return e, missing(err)
	}
	err := res.QueryRow().Scan(&e.EnrolledAt)
	e.Already = errors.Is(err, pgx.ErrNoRows)
	if err != nil && !e.Already {
		return e, err
	}
	entry := audit.Entry{Action: "class.register", ObjectKind: "class", ObjectID: in.ClassID.String(),
		After: map[string]any{"learner": in.LearnerID, "by_staff": in.ByStaff}}
	if !e.Already {
		e.Taken++
		tx.Record(entry)
		if err := res.Close(); err != nil || !in.ByStaff {
			return e, err
		}
		return e, tellLearners(ctx, tx, notices.ClassPlaced, in.ClassID, []uuid.UUID{in.LearnerID}, in.Now)
	}
	err = res.QueryRow().Scan(&e.EnrolledAt)
	if errors.Is(err, pgx.ErrNoRows) {
		return e, refusal(state, past, open || in.ByStaff, full(e.Seats, e.Taken))
	}
	entry.Reason = words.English.Say("classes.had_the_place")
	tx.Record(entry)
	return e, err
}

func refusal(state State, past, open, full bool) error {
	switch {
	case state == Cancelled:
		return domain.Refuse(domain.Conflict, "classes.the_class_was_cancelled")
	case state != Active || past:
		return domain.Refuse(domain.Conflict, "classes.the_class_is_over")
	case !open:
		return domain.Refuse(domain.Conflict, "classes.registration_for_the_class_is")
	case full:
		return domain.Refuse(domain.Conflict, "classes.the_class_is_full")
	}
	return domain.Refuse(domain.NotFound, "classes.there_is_no_such_active")
}

// Leave gives a learner's seat back. What the learner did stays. Without a place it gives domain.NotFound.
func Leave(ctx context.Context, tx *tenants.Tx, classID, learnerID uuid.UUID, now time.Time) error {
	b := &pgx.Batch{}
	b.Queue(`SELECT FROM classes WHERE id = $1::uuid FOR NO KEY UPDATE`, classID.String())
	b.Queue(`WITH gone AS (
			UPDATE enrolments SET state = 'left', left_at = $3::timestamptz WHERE class_id = $1::uuid AND learner_id = $2::uuid AND state = 'active' RETURNING class_id
		) UPDATE classes SET taken = taken - 1 WHERE id IN (SELECT class_id FROM gone)`, classID.String(), learnerID.String(), now.UTC())
	res := tx.SendBatch(ctx, b)
	defer res.Close()
	if _, err := res.Exec(); err != nil {
		return err
	}
	tag, err := res.Exec()
	if err != nil {
		return err
	}
	if tag.RowsAffected() == 0 {
		return domain.Refuse(domain.NotFound, "classes.the_learner_has_no_place")
	}
	tx.Record(audit.Entry{Action: "class.leave", ObjectKind: "class", ObjectID: classID.String(), After: map[string]any{"learner": learnerID}})
	return res.Close()
}
