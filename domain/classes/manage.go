package classes

import (
	"context"
	"errors"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"gorm.io/gorm"
	"gorm.io/gorm/clause"

	"lignum/domain"
	"lignum/domain/notices"
	"lignum/tenants"
	"lignum/tenants/audit"
	"lignum/tenants/limits"
)

// Create opens a class. It returns domain.Invalid for wrong fields, domain.OverQuota when the tenant's plan has no room
// for another active class.
func Create(ctx context.Context, tx *tenants.Tx, f Fields) (uuid.UUID, error) {
	if err := f.Validate(); err != nil {
		return uuid.Nil, err
	}
	id := audit.NewID()
	b := &pgx.Batch{}
	limits.QueueTake(b, limits.Classes, 1)
	b.Queue(coachKnown, idText(f.CoachID))
	if err := tenants.Entity[stored](tenants.Into(b)).Create(ctx, &stored{ID: id, Fields: f.plain(), State: Active}); err != nil {
		return uuid.Nil, err
	}
	res := tx.SendBatch(ctx, b)
	defer res.Close()
	room, err := res.Exec()
	if err != nil {
		return uuid.Nil, err
	}
	if room.RowsAffected() == 0 {
		return uuid.Nil, domain.Refuse(domain.OverQuota, "classes.the_plan_has_no_room")
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
	return domain.InvalidField("coach_id", "classes.must_be_an_active_account")
}

// Change replaces what was decided about an active class. It returns domain.NotFound, domain.Invalid, or domain.Conflict
// when the class is over or has fewer seats than learners.
//
// With the Version that was read it returns domain.Conflict when somebody else changed the class since. Those of the class are
// told of other times, days and addresses, and of another coach.
func Change(ctx context.Context, tx *tenants.Tx, id uuid.UUID, f Fields, now time.Time) error {
	if err := f.Validate(); err != nil {
		return err
	}
	seen := f.Version
	f.Version = ""
	is, err := one(ctx, tx, id, tenants.Held)
	if err != nil {
		return err
	}
	before := is.Fields
	if err := domain.CheckVersion(seen, domain.Version(before)); err != nil {
		return err
	}
	switch {
	case is.State != Active:
		return domain.Refuse(domain.Conflict, "classes.the_class_is_and_cannot", "State", is.State.Words())
	case TooFew(f.Seats, is.Taken):
		return domain.Refuse(domain.Conflict, "classes.learners_are_in_the_class", "Taken", is.Taken, "N", f.Seats)
	}
	b := &pgx.Batch{}
	b.Queue(coachKnown, idText(f.CoachID))
	if _, err := tenants.Entity[stored](tenants.Into(b)).Select("*").Omit("id", "state", "taken").Updates(ctx, stored{ID: id, Fields: f.plain()}); err != nil {
		return err
	}
	res := tx.SendBatch(ctx, b)
	defer res.Close()
	if err := coachFits(res); err != nil {
		return err
	}
	if err := res.Close(); err != nil {
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
		return domain.InvalidField("reason", "classes.must_be_3_to_500")
	}
	is, err := one(ctx, tx, id, tenants.Held)
	if err != nil {
		return err
	}
	if is.State != Active {
		return domain.Refuse(domain.Conflict, "classes.the_class_is_already", "State", is.State.Words())
	}
	b := &pgx.Batch{}
	if _, err := tenants.Entity[stored](tenants.Into(b)).Where("id = ?", id).Select("state", "open").Updates(ctx, stored{State: Cancelled}); err != nil {
		return err
	}
	limits.QueueGiveBack(b, limits.Classes, 1)
	if err := tx.SendBatch(ctx, b).Close(); err != nil {
		return err
	}
	tx.Record(audit.Entry{Action: "class.manage", ObjectKind: "class", ObjectID: id.String(), Before: map[string]State{"state": is.State},
		After: map[string]State{"state": Cancelled}, Reason: reason})
	return tell(ctx, tx, notices.ClassCancelled, id, notices.Params{"class": is.Title, "reason": reason}, now, is.CoachID)
}

// EndPast ends the active classes whose last day is before today, the tenant's date, and tells how many. It is the
// night's work: their places in the plan become free.
func EndPast(ctx context.Context, tx *tenants.Tx, today time.Time) (int, error) {
	date := today.Format(time.DateOnly)
	n, err := tenants.Entity[stored](tx).Where("state = ? AND ends_on < ?", Active, date).Select("state", "open").Updates(ctx, stored{State: Ended})
	if err != nil {
		return 0, err
	}
	if n > 0 {
		if err := limits.GiveBack(ctx, tx, limits.Classes, int64(n)); err != nil {
			return 0, err
		}
	}
	tx.Record(audit.Entry{Action: "class.ended", ObjectKind: "class", After: map[string]any{"classes": n, "before": date}})
	return n, nil
}

// one returns a class, or domain.NotFound.
func one(ctx context.Context, q tenants.Querier, id uuid.UUID, with ...clause.Expression) (stored, error) {
	c, err := tenants.Entity[stored](q, with...).Where("id = ?", id).Take(ctx)
	return c, missing(err)
}

// FieldsOf returns what was decided about a class, or domain.NotFound.
func FieldsOf(ctx context.Context, q tenants.Querier, id uuid.UUID) (Fields, error) {
	c, err := one(ctx, q, id)
	c.Version = domain.Version(c.Fields)
	return c.Fields, err
}

// Titles returns the titles of classes by id; of an id that is no class there is none.
func Titles(ctx context.Context, q tenants.Querier, ids []uuid.UUID) (map[uuid.UUID]string, error) {
	list, err := tenants.Entity[stored](q).Select("id", "title").Scopes(tenants.OneOf("id", ids)).Find(ctx)
	titles := make(map[uuid.UUID]string, len(list))
	for _, c := range list {
		titles[c.ID] = c.Title
	}
	return titles, err
}

func missing(err error) error {
	if errors.Is(err, pgx.ErrNoRows) || errors.Is(err, gorm.ErrRecordNotFound) {
		return domain.Refuse(domain.NotFound, "classes.there_is_no_such_class")
	}
	return err
}
