package classes

import (
	"context"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"lignum/domain"
	"lignum/tenants"
)

// A country's own records know classes, and places in them, by ids of theirs, and send thousands at once (domain/roster). What is here reads as many as
// there are in one statement; a Bulk changes them.

// SourcedClass is a class of the country's own records.
type SourcedClass struct {
	ID       uuid.UUID  `json:"id"`
	SourceID string     `json:"source_id"` // in the country's records
	Title    string     `json:"title"`
	Kind     string     `json:"kind"`
	SchoolID *uuid.UUID `json:"school_id"`
	TermID   *uuid.UUID `json:"term_id"`
	CourseID *uuid.UUID `json:"course_id"`
	CoachID  *uuid.UUID `json:"coach_id"`
	Grade    string     `json:"grade"`
	StartsOn string     `json:"starts_on"` // date, YYYY-MM-DD, the tenant's
	EndsOn   string     `json:"ends_on"`   // the last day
	Seats    int        `json:"seats"`
	Taken    int        `json:"taken"`
	State    State      `json:"state"`
}

// ClassesBySource returns classes by their ids in the country's records; those that are not there are left out. With lock they stay as they are until the
// transaction ends, and with them their seats.
func ClassesBySource(ctx context.Context, q tenants.Querier, sources []string, lock bool) (map[string]*SourcedClass, error) {
	locking := ""
	if lock {
		locking = " FOR NO KEY UPDATE"
	}
	rows, err := q.Query(ctx, `SELECT id, source_id, title, kind, school_id, term_id, course_id, coach_id, grade, to_char(starts_on, 'YYYY-MM-DD'),
		to_char(ends_on, 'YYYY-MM-DD'), seats, taken, state FROM classes WHERE source_id = ANY($1::text[]) ORDER BY id`+locking, sources)
	if err != nil {
		return nil, err
	}
	list, err := pgx.CollectRows(rows, pgx.RowToAddrOfStructByPos[SourcedClass])
	classes := make(map[string]*SourcedClass, len(list))
	for _, c := range list {
		classes[c.SourceID] = c
	}
	return classes, err
}

// Seat names a learner's place in a class.
type Seat struct {
	ClassID   uuid.UUID `json:"class_id"`
	LearnerID uuid.UUID `json:"learner_id"`
}

// States of a place.
const (
	PlaceActive = "active"
	PlaceLeft   = "left"
)

// SourcedPlace is a learner's place in a class, as the country's own records may know it.
type SourcedPlace struct {
	Seat
	SourceID string `json:"source_id"` // in the country's records; "": the learner registered here
	State    string `json:"state"`     // PlaceActive or PlaceLeft
}

// PlacesBySource returns the places that have these ids in the country's records, and those of these seats.
func PlacesBySource(ctx context.Context, q tenants.Querier, sources []string, seats []Seat) ([]*SourcedPlace, error) {
	rows, err := q.Query(ctx, `SELECT class_id, learner_id, coalesce(source_id, ''), state FROM enrolments WHERE source_id = ANY($1::text[])
		UNION SELECT e.class_id, e.learner_id, coalesce(e.source_id, ''), e.state FROM enrolments e
		JOIN jsonb_to_recordset($2::jsonb) AS r(class_id uuid, learner_id uuid) ON e.class_id = r.class_id AND e.learner_id = r.learner_id`, sources, domain.Recordset(seats))
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, func(row pgx.CollectableRow) (*SourcedPlace, error) {
		var p SourcedPlace
		err := row.Scan(&p.ClassID, &p.LearnerID, &p.SourceID, &p.State)
		return &p, err
	})
}
