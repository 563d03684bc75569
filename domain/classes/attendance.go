package classes

import (
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
)

// AttendanceCTE marks days of work inside a statement that does more: put it into the WITH list after a CTE
//
//	worker (learner_id uuid, school_id uuid, day date, at timestamptz)
//
// It takes no arguments. The first work of a day counts; everything after it finds the row and writes nothing.
const AttendanceCTE = `attended AS (
	INSERT INTO attendance (day, learner_id, school_id, first_at) SELECT day, learner_id, school_id, at FROM worker ON CONFLICT DO NOTHING RETURNING 1
)`

// QueueAttendance adds a learner's day of work to a batch. Its result is one row with one boolean: whether it was the
// first of the day. today is the tenant's date. An unknown learner marks nothing.
func QueueAttendance(b *pgx.Batch, learnerID uuid.UUID, now, today time.Time) {
	b.Queue(`WITH worker AS (
		SELECT u.id AS learner_id, u.school_id, $2::text::date AS day, $3::timestamptz AS at FROM users u WHERE u.id = $1::uuid
	), `+AttendanceCTE+` SELECT EXISTS (SELECT FROM attended)`, learnerID.String(), today.Format(time.DateOnly), now.UTC())
}
