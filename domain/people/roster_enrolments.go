package people

import (
	"context"
	"maps"
	"slices"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"lignum/domain"
	"lignum/tenants"
)

// rosterEnrolment is a learner's place in a class, as it is or as the roster wants it.
type rosterEnrolment struct {
	ClassID   uuid.UUID `json:"class_id"`
	LearnerID uuid.UUID `json:"learner_id"`
	SourceID  string    `json:"source_id"` // empty: the learner registered here
	State     string    `json:"state"`
}

func (e *rosterEnrolment) key() [2]uuid.UUID { return [2]uuid.UUID{e.ClassID, e.LearnerID} }

// enrolmentsPlan is the work on one chunk of enrollments.csv.
type enrolmentsPlan struct {
	im       *importer
	users    map[string]*rosterUser
	classes  map[string]*rosterClass
	byPair   map[[2]uuid.UUID]*rosterEnrolment
	bySource map[string]*rosterEnrolment
	write    map[[2]uuid.UUID]*rosterEnrolment
	touched  map[uuid.UUID]*rosterClass // whose count of places or coach changes
}

func (im *importer) planEnrolments(ctx context.Context, q tenants.Querier, rows []rosterRow, out *outcome) (func(tx *tenants.Tx) error, error) {
	pl := &enrolmentsPlan{im: im, byPair: map[[2]uuid.UUID]*rosterEnrolment{}, bySource: map[string]*rosterEnrolment{},
		write: map[[2]uuid.UUID]*rosterEnrolment{}, touched: map[uuid.UUID]*rosterClass{}}
	var err error
	// The classes are locked first, as registration does it.
	if pl.classes, err = im.classes(ctx, q, column(rows, "classsourcedid")); err != nil {
		return nil, err
	}
	if pl.users, err = im.usersBySource(ctx, q, column(rows, "usersourcedid"), ""); err != nil {
		return nil, err
	}
	if err := pl.load(ctx, q, rows); err != nil {
		return nil, err
	}
	for _, r := range rows {
		pl.row(r, out)
	}
	if im.sim != nil {
		keep(im.sim.classes, pl.classes)
		keep(im.sim.enrolments, pl.byPair)
		keep(im.sim.enrolledAs, pl.bySource)
	}
	if len(pl.write)+len(pl.touched) == 0 {
		return nil, nil
	}
	return func(tx *tenants.Tx) error { return pl.apply(ctx, tx) }, nil
}

// load reads the places that the rows are about, by their ids and by class and learner.
func (pl *enrolmentsPlan) load(ctx context.Context, q tenants.Querier, rows []rosterRow) error {
	sources := column(rows, "sourcedid")
	var pairs []rosterEnrolment
	var keys [][2]uuid.UUID
	for _, r := range rows {
		if c, u := pl.classes[r.get("classsourcedid")], pl.users[r.get("usersourcedid")]; c != nil && u != nil {
			pairs = append(pairs, rosterEnrolment{ClassID: c.ID, LearnerID: u.ID})
			keys = append(keys, [2]uuid.UUID{c.ID, u.ID})
		}
	}
	found, err := q.Query(ctx, `SELECT class_id, learner_id, coalesce(source_id, ''), state FROM enrolments WHERE source_id = ANY($1::text[])
		UNION SELECT e.class_id, e.learner_id, coalesce(e.source_id, ''), e.state FROM enrolments e
		JOIN jsonb_to_recordset($2::jsonb) AS r(class_id uuid, learner_id uuid) ON e.class_id = r.class_id AND e.learner_id = r.learner_id`, sources, jsonRows(pairs))
	if err != nil {
		return err
	}
	list, err := pgx.CollectRows(found, pgx.RowToAddrOfStructByPos[rosterEnrolment])
	for _, e := range list {
		pl.remember(e)
	}
	if pl.im.sim != nil {
		overlay(pl.byPair, pl.im.sim.enrolments, keys)
		overlay(pl.bySource, pl.im.sim.enrolledAs, sources)
	}
	return err
}

func (pl *enrolmentsPlan) remember(e *rosterEnrolment) {
	pl.byPair[e.key()] = e
	if e.SourceID != "" {
		pl.bySource[e.SourceID] = e
	}
}

// row decides what becomes of one row.
func (pl *enrolmentsPlan) row(r rosterRow, out *outcome) {
	var p domain.Problems
	source := r.get("sourcedid")
	class, user := pl.classes[r.get("classsourcedid")], pl.users[r.get("usersourcedid")]
	checkText(&p, "sourcedId", source, 1, 255)
	role := r.word(&p, "role", enrolmentWords)
	if r.get("role") == "" {
		p.Add("role", "is missing; allowed: %s", anyOf(enrolmentWords))
	}
	r.status(&p)
	primary := r.word(&p, "primary", truthWords) == "true"
	if len(p) == 0 && r.ends() && (class == nil || user == nil) {
		out.unchanged++ // never was here
		return
	}
	if class == nil {
		p.Add("classSourcedId", "the class %q is not known; import classes.csv first", clipText(r.get("classsourcedid"), 60))
	} else if only := pl.im.opts.OnlySchool; only != nil && !sameID(class.SchoolID, only) {
		p.Add("classSourcedId", "is not a class of your school")
	}
	if user == nil {
		p.Add("userSourcedId", "%q is not known; import users.csv first", clipText(r.get("usersourcedid"), 60))
	}
	if len(p) > 0 {
		out.refuseAll(r.line, p)
		return
	}
	if role == "student" {
		pl.student(r, class, user, out)
	} else {
		pl.teacher(r, primary, class, user, out)
	}
}

func (pl *enrolmentsPlan) student(r rosterRow, class *rosterClass, user *rosterUser, out *outcome) {
	source := r.get("sourcedid")
	is := pl.byPair[[2]uuid.UUID{class.ID, user.ID}]
	if other := pl.bySource[source]; other != nil && (is == nil || other.key() != is.key()) {
		out.refuse(r.line, "sourcedId", "belongs to another learner's place or another class")
		return
	}
	ours := is != nil && (is.SourceID == source || is.SourceID == "")
	if r.ends() {
		if is == nil || !ours || is.State != "active" {
			out.unchanged++
			return
		}
		pl.set(class, rosterEnrolment{class.ID, user.ID, source, "left"}, -1)
		out.changed++
		return
	}
	if is != nil && is.State == "active" {
		if !ours || is.SourceID == source {
			out.unchanged++
			return
		}
		pl.set(class, rosterEnrolment{class.ID, user.ID, source, "active"}, 0) // it takes over a place that the learner took here
		out.changed++
		return
	}
	switch {
	case user.State != "active" || !user.is(Student):
		out.refuse(r.line, "userSourcedId", "is not an active student")
		return
	case pl.im.opts.OnlySchool != nil && !sameID(user.SchoolID, pl.im.opts.OnlySchool): // the place opens the learner's record to the class's staff
		out.refuse(r.line, "userSourcedId", "is not a learner of your school")
		return
	case class.State != "active":
		out.refuse(r.line, "classSourcedId", "the class is %s", class.State)
		return
	case class.Taken >= class.Seats:
		out.refuse(r.line, "classSourcedId", "the class is full (%d seats)", class.Seats)
		return
	}
	pl.set(class, rosterEnrolment{class.ID, user.ID, source, "active"}, 1)
	if is == nil {
		out.created++
	} else {
		out.changed++
	}
}

func (pl *enrolmentsPlan) set(class *rosterClass, e rosterEnrolment, seats int) {
	pl.remember(&e)
	pl.write[e.key()] = &e
	if seats != 0 {
		class.Taken += seats
		pl.touched[class.ID] = class
	}
}

// teacher makes the teacher of a class its coach: the primary one, or the first when it has none.
func (pl *enrolmentsPlan) teacher(r rosterRow, primary bool, class *rosterClass, user *rosterUser, out *outcome) {
	coaches := sameID(class.CoachID, &user.ID)
	switch {
	case r.ends() && coaches:
		class.CoachID = nil
	case r.ends(), coaches, class.CoachID != nil && !primary:
		out.unchanged++
		return
	case user.State != "active" || !user.is("teacher") && !user.is("coach"):
		out.refuse(r.line, "userSourcedId", "is not an active teacher or coach")
		return
	case pl.im.opts.OnlySchool != nil && user.ID == pl.im.actor.ID && class.Taken > 0: // they may be of other schools
		out.refuse(r.line, "userSourcedId", "is you; on the class's page you can take over a class that has learners, if all are of your school")
		return
	default:
		class.CoachID = &user.ID
	}
	pl.touched[class.ID] = class
	out.changed++
}

// apply writes the plan. The classes are locked, so their counts are exact.
func (pl *enrolmentsPlan) apply(ctx context.Context, tx *tenants.Tx) error {
	b := &pgx.Batch{}
	if len(pl.write) > 0 {
		b.Queue(`INSERT INTO enrolments (class_id, learner_id, source_id, state, enrolled_at, left_at)
			SELECT r.class_id, r.learner_id, r.source_id, r.state, $2::timestamptz, CASE WHEN r.state = 'left' THEN $2::timestamptz END
			FROM jsonb_to_recordset($1::jsonb) AS r(class_id uuid, learner_id uuid, source_id text, state text)
			ON CONFLICT (class_id, learner_id) DO UPDATE SET source_id = excluded.source_id, state = excluded.state, left_at = excluded.left_at,
				enrolled_at = CASE WHEN enrolments.state = 'left' AND excluded.state = 'active' THEN excluded.enrolled_at ELSE enrolments.enrolled_at END`,
			jsonRows(slices.Collect(maps.Values(pl.write))), pl.im.now)
	}
	if len(pl.touched) > 0 {
		b.Queue(`UPDATE classes c SET taken = r.taken, coach_id = r.coach_id FROM jsonb_to_recordset($1::jsonb) AS r(id uuid, taken integer, coach_id uuid)
			WHERE c.id = r.id`, jsonRows(slices.Collect(maps.Values(pl.touched))))
	}
	return tx.SendBatch(ctx, b).Close()
}
