package classes

import (
	"context"
	"errors"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"lignum/domain"
	"lignum/domain/notices"
	"lignum/tenants"
	"lignum/tenants/audit"
	"lignum/tenants/limits"
)

// Create opens a class. It gives domain.Invalid for wrong fields, domain.OverQuota when the tenant's plan has no room
// for another active class.
func Create(ctx context.Context, tx *tenants.Tx, f Fields) (uuid.UUID, error) {
	if err := f.Validate(); err != nil {
		return uuid.Nil, err
	}
	id := audit.NewID()
	b := &pgx.Batch{}
	limits.QueueTake(b, limits.Classes, 1)
	b.Queue(coachKnown, idText(f.CoachID))
	b.Queue(`INSERT INTO classes (id, `+fieldColumns+`) VALUES ($1::uuid, `+fieldValues+`)`, append([]any{id.String()}, f.args()...)...)
	res := tx.SendBatch(ctx, b)
	defer res.Close()
	room, err := res.Exec()
	if err != nil {
		return uuid.Nil, err
	}
	if room.RowsAffected() == 0 {
		return uuid.Nil, domain.Errorf(domain.OverQuota, "The plan has no room for another active class.")
	}
	if err := coachFits(res); err != nil {
		return uuid.Nil, err
	}
	if _, err := res.Exec(); err != nil {
		return uuid.Nil, explain(err)
	}
	tx.Record(audit.Entry{Action: "class.manage", ObjectKind: "class", ObjectID: id.String(), After: f})
	return id, res.Close()
}

const coachKnown = `SELECT $1::text IS NULL OR EXISTS (SELECT FROM user_roles r JOIN users u ON u.id = r.user_id
	WHERE u.id = $1::text::uuid AND u.state = 'active' AND r.role IN ('coach', 'teacher'))`

func coachFits(res pgx.BatchResults) error {
	var fits bool
	if err := res.QueryRow().Scan(&fits); err != nil || fits {
		return err
	}
	return domain.InvalidField("coach_id", "must be an active account with the role coach or teacher")
}

// Change replaces what was decided about an active class. It gives domain.NotFound, domain.Invalid, or domain.Conflict
// when the class is over or has fewer seats than learners.
//
// With the Version that was read it gives domain.Conflict when somebody else changed the class since. Those of the class are
// told of other times, days and addresses.
func Change(ctx context.Context, tx *tenants.Tx, id uuid.UUID, f Fields, now time.Time) error {
	if err := f.Validate(); err != nil {
		return err
	}
	seen := f.Version
	f.Version = ""
	b := &pgx.Batch{}
	b.Queue(`SELECT state, taken, `+fieldsText+` FROM classes WHERE id = $1::uuid FOR NO KEY UPDATE`, id.String())
	b.Queue(coachKnown, idText(f.CoachID))
	res := tx.SendBatch(ctx, b)
	defer res.Close()
	var state string
	var taken int
	var before Fields
	if err := res.QueryRow().Scan(append([]any{&state, &taken}, before.targets()...)...); err != nil {
		return missing(err)
	}
	if err := coachFits(res); err != nil {
		return err
	}
	if err := res.Close(); err != nil {
		return err
	}
	if err := domain.CheckVersion(seen, domain.Version(before)); err != nil {
		return err
	}
	switch {
	case state != Active:
		return domain.Errorf(domain.Conflict, "The class is %s and cannot be changed any more.", state)
	case TooFew(f.Seats, taken):
		return domain.Errorf(domain.Conflict, "%d learners are in the class: it cannot have %d seats.", taken, f.Seats)
	}
	if _, err := tx.Exec(ctx, `UPDATE classes SET (`+fieldColumns+`) = ROW (`+fieldValues+`) WHERE id = $1::uuid`, append([]any{id.String()}, f.args()...)...); err != nil {
		return explain(err)
	}
	tx.Record(audit.Entry{Action: "class.manage", ObjectKind: "class", ObjectID: id.String(), Before: before, After: f})
	return tellOfChange(ctx, tx, id, before, f, now)
}

// Cancel ends a class before its time and gives its place in the plan back. Learners keep what they did. The reason, 3
// to 500 characters, stays in the audit trail, and those of the class are told it. A class that is not active gives
// domain.Conflict.
func Cancel(ctx context.Context, tx *tenants.Tx, id uuid.UUID, reason string, now time.Time) error {
	reason = strings.TrimSpace(reason)
	if n := utf8.RuneCountInString(reason); n < 3 || n > 500 {
		return domain.InvalidField("reason", "must be 3 to 500 characters")
	}
	var state, title string
	var coach *uuid.UUID
	if err := tx.QueryRow(ctx, `SELECT state, title, coach_id FROM classes WHERE id = $1::uuid FOR NO KEY UPDATE`, id.String()).Scan(&state, &title, &coach); err != nil {
		return missing(err)
	}
	if state != Active {
		return domain.Errorf(domain.Conflict, "The class is %s already.", state)
	}
	b := &pgx.Batch{}
	b.Queue(`UPDATE classes SET state = 'cancelled', open = false WHERE id = $1::uuid`, id.String())
	limits.QueueGiveBack(b, limits.Classes, 1)
	if err := tx.SendBatch(ctx, b).Close(); err != nil {
		return err
	}
	tx.Record(audit.Entry{Action: "class.manage", ObjectKind: "class", ObjectID: id.String(), Before: map[string]string{"state": state},
		After: map[string]string{"state": Cancelled}, Reason: reason})
	return tell(ctx, tx, notices.ClassCancelled, id, notices.Params{"class": title, "reason": reason}, now, coach)
}

// EndPast ends the active classes whose last day is before today, the tenant's date, and tells how many. It is the
// night's work: their places in the plan become free.
func EndPast(ctx context.Context, tx *tenants.Tx, today time.Time) (int, error) {
	n, err := tx.Exec(ctx, `UPDATE classes SET state = 'ended', open = false WHERE state = 'active' AND ends_on < $1::text::date`, today.Format(time.DateOnly))
	if err != nil {
		return 0, err
	}
	if n > 0 {
		if err := limits.GiveBack(ctx, tx, limits.Classes, n); err != nil {
			return 0, err
		}
	}
	tx.Record(audit.Entry{Action: "class.ended", ObjectKind: "class", After: map[string]any{"classes": n, "before": today.Format(time.DateOnly)}})
	return int(n), nil
}

func missing(err error) error {
	if errors.Is(err, pgx.ErrNoRows) {
		return domain.Errorf(domain.NotFound, "There is no such class.")
	}
	return err
}
