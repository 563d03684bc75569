package classes

import (
	"context"
	"maps"
	"slices"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"lignum/domain"
	"lignum/tenants"
	"lignum/tenants/limits"
)

// MostSeats is how many seats a class may have.
const MostSeats = 100_000

// TooFew reports whether seats are fewer than those that are taken. Nobody loses a place because a class becomes smaller.
func TooFew(seats, taken int) bool { return seats < taken }

// full reports whether no seat is left. takeSeat and placeSQL ask the same of the row itself, because they are one round trip; behind all of them
// stands the table's CHECK.
func full(seats, taken int) bool { return taken >= seats }

// Bulk is a change of many classes and places in one transaction. Classes come from ClassesBySource, which locks them, or are new. The Bulk is asked for one
// after the other, and answers from what is in memory by the rules that hold for Create, Change, Register and Leave: an active class takes one of the
// plan's classes, and a place takes a seat of an active class that is not full. Write then writes what it said yes to, a statement for each table. A trial
// asks, and does not write.
type Bulk struct {
	plan    limits.Counts // of classes; nil when none is opened or closed
	put     []*SourcedClass
	places  map[Seat]*SourcedPlace
	changed map[uuid.UUID]*SourcedClass // whose seats or coach changed
}

// NewBulk begins a change. plan has the count of limits.Classes, locked; nil when Put is not called.
func NewBulk(plan limits.Counts) *Bulk {
	return &Bulk{plan: plan, places: map[Seat]*SourcedPlace{}, changed: map[uuid.UUID]*SourcedClass{}}
}

// Put notes a class that is new (was is nil) or other than it was, but for the seats that are taken and the coach. It reports false, and notes nothing, when the
// plan has no room for another active class.
func (b *Bulk) Put(was, is *SourcedClass) bool {
	before := was != nil && was.State == Active
	if !before && is.State == Active && !b.plan[limits.Classes].Take() {
		return false
	}
	if before && is.State != Active {
		b.plan[limits.Classes].GiveBack()
	}
	b.put = append(b.put, is)
	return true
}

// Place returns a learner, who is an active student, a place in a class, and takes a seat. It gives why there is none: ReasonOver, ReasonFull, or "" when the
// place is taken. The learner has none yet.
func (b *Bulk) Place(c *SourcedClass, p *SourcedPlace) (reason string) {
	switch {
	case c.State != Active:
		return ReasonOver
	case full(c.Seats, c.Taken):
		return ReasonFull
	}
	p.State = PlaceActive
	b.note(c, p, 1)
	return ""
}

// Leave takes a learner's place away, which is active, and gives the seat back.
func (b *Bulk) Leave(c *SourcedClass, p *SourcedPlace) {
	p.State = PlaceLeft
	b.note(c, p, -1)
}

// Name gives a place that is there, and stays as it is, its id in the country's records.
func (b *Bulk) Name(p *SourcedPlace) { b.places[p.Seat] = p }

// Coach gives a class its coach; nil: none.
func (b *Bulk) Coach(c *SourcedClass, coach *uuid.UUID) {
	c.CoachID = coach
	b.changed[c.ID] = c
}

func (b *Bulk) note(c *SourcedClass, p *SourcedPlace, seats int) {
	b.places[p.Seat] = p
	c.Taken += seats
	b.changed[c.ID] = c
}

// Empty reports whether there is nothing to write.
func (b *Bulk) Empty() bool { return len(b.put)+len(b.places)+len(b.changed) == 0 }

// Write writes the change in one round trip. Whoever calls it records the entry.
func (b *Bulk) Write(ctx context.Context, tx *tenants.Tx, now time.Time) error {
	batch := &pgx.Batch{}
	if len(b.put) > 0 {
		// A class of a roster is filled by the roster: learners do not register themselves.
		batch.Queue(`INSERT INTO classes (id, source_id, course_id, title, kind, school_id, term_id, grade, starts_on, ends_on, seats, open, state, created_at)
			SELECT r.id, r.source_id, r.course_id, r.title, r.kind, r.school_id, r.term_id, r.grade, r.starts_on, r.ends_on, r.seats, false, r.state, $2::timestamptz
			FROM jsonb_to_recordset($1::jsonb) AS r(id uuid, source_id text, course_id uuid, title text, kind text, school_id uuid, term_id uuid,
				grade text, starts_on date, ends_on date, seats integer, state text)
			ON CONFLICT (id) DO UPDATE SET course_id = excluded.course_id, title = excluded.title, kind = excluded.kind, school_id = excluded.school_id,
				term_id = excluded.term_id, grade = excluded.grade, starts_on = excluded.starts_on, ends_on = excluded.ends_on, seats = excluded.seats, state = excluded.state`,
			domain.Recordset(b.put), now)
	}
	if len(b.places) > 0 {
		batch.Queue(`INSERT INTO enrolments (class_id, learner_id, source_id, state, enrolled_at, left_at)
			SELECT r.class_id, r.learner_id, r.source_id, r.state, $2::timestamptz, CASE WHEN r.state = 'left' THEN $2::timestamptz END
			FROM jsonb_to_recordset($1::jsonb) AS r(class_id uuid, learner_id uuid, source_id text, state text)
			ON CONFLICT (class_id, learner_id) DO UPDATE SET source_id = excluded.source_id, state = excluded.state, left_at = excluded.left_at,
				enrolled_at = CASE WHEN enrolments.state = 'left' AND excluded.state = 'active' THEN excluded.enrolled_at ELSE enrolments.enrolled_at END`,
			domain.Recordset(slices.Collect(maps.Values(b.places))), now)
	}
	if len(b.changed) > 0 {
		batch.Queue(`UPDATE classes c SET taken = r.taken, coach_id = r.coach_id FROM jsonb_to_recordset($1::jsonb) AS r(id uuid, taken integer, coach_id uuid)
			WHERE c.id = r.id`, domain.Recordset(slices.Collect(maps.Values(b.changed))))
	}
	b.plan.Queue(batch)
	return tx.SendBatch(ctx, batch).Close()
}
