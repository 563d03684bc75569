package roster

import (
	"context"
	"fmt"

	"lignum/domain"
	"lignum/domain/classes"
	"lignum/domain/people"
	"lignum/tenants"
)

// enrolmentsPlan is the work on one chunk of enrollments.csv.
type enrolmentsPlan struct {
	im       *importer
	users    map[string]*people.SourcedUser
	classes  map[string]*classes.SourcedClass
	bySeat   map[classes.Seat]*classes.SourcedPlace
	bySource map[string]*classes.SourcedPlace
	bulk     *classes.Bulk
}

func (im *importer) planEnrolments(ctx context.Context, q tenants.Querier, rows []record, out *outcome) (func(tx *tenants.Tx) error, error) {
	pl := &enrolmentsPlan{im: im, bySeat: map[classes.Seat]*classes.SourcedPlace{}, bySource: map[string]*classes.SourcedPlace{}, bulk: classes.NewBulk(nil)}
	var err error
	// The classes are locked first, as registration does it.
	if pl.classes, err = im.classes(ctx, q, column(rows, "classsourcedid")); err != nil {
		return nil, err
	}
	if pl.users, err = im.users(ctx, q, column(rows, "usersourcedid"), false); err != nil {
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
		keep(im.sim.places, pl.bySeat)
		keep(im.sim.placesAs, pl.bySource)
	}
	if pl.bulk.Empty() {
		return nil, nil
	}
	return func(tx *tenants.Tx) error { return pl.bulk.Write(ctx, tx, im.now) }, nil
}

// load reads the places that the rows are about, by their ids and by class and learner.
func (pl *enrolmentsPlan) load(ctx context.Context, q tenants.Querier, rows []record) error {
	sources := column(rows, "sourcedid")
	var seats []classes.Seat
	for _, r := range rows {
		if c, u := pl.classes[r.get("classsourcedid")], pl.users[r.get("usersourcedid")]; c != nil && u != nil {
			seats = append(seats, classes.Seat{ClassID: c.ID, LearnerID: u.ID})
		}
	}
	list, err := classes.PlacesBySource(ctx, q, sources, seats)
	if err != nil {
		return err
	}
	for _, e := range list {
		pl.remember(e)
	}
	if pl.im.sim != nil {
		overlay(pl.bySeat, pl.im.sim.places, seats)
		overlay(pl.bySource, pl.im.sim.placesAs, sources)
	}
	return nil
}

func (pl *enrolmentsPlan) remember(e *classes.SourcedPlace) {
	pl.bySeat[e.Seat] = e
	if e.SourceID != "" {
		pl.bySource[e.SourceID] = e
	}
}

// row decides what becomes of one row.
func (pl *enrolmentsPlan) row(r record, out *outcome) {
	var p domain.Problems
	source := r.get("sourcedid")
	class, user := pl.classes[r.get("classsourcedid")], pl.users[r.get("usersourcedid")]
	p.Text("sourcedId", source, 1, 255)
	role := r.word(&p, "role", enrolmentWords)
	if r.get("role") == "" {
		p.Add("role", "roster.is_missing_allowed", "Allowed", anyOf(enrolmentWords))
	}
	r.status(&p)
	primary := r.word(&p, "primary", truthWords) == "true"
	if len(p) == 0 && r.ends() && (class == nil || user == nil) {
		out.unchanged++ // never was here
		return
	}
	if class == nil {
		p.Add("classSourcedId", "roster.the_class_is_not_known", "Given", fmt.Sprintf("%q", clipText(r.get("classsourcedid"), 60)))
	} else if only := pl.im.opts.OnlySchool; only != nil && !sameID(class.SchoolID, only) {
		p.Add("classSourcedId", "roster.is_not_a_class_of")
	}
	if user == nil {
		p.Add("userSourcedId", "roster.is_not_known_import_users", "Given", fmt.Sprintf("%q", clipText(r.get("usersourcedid"), 60)))
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

func (pl *enrolmentsPlan) student(r record, class *classes.SourcedClass, user *people.SourcedUser, out *outcome) {
	want := &classes.SourcedPlace{Seat: classes.Seat{ClassID: class.ID, LearnerID: user.ID}, SourceID: r.get("sourcedid"), State: classes.PlaceActive}
	is := pl.bySeat[want.Seat]
	if other := pl.bySource[want.SourceID]; other != nil && (is == nil || other.Seat != is.Seat) {
		out.refuse(r.line, "sourcedId", "roster.belongs_to_another_learners_place")
		return
	}
	has := is != nil && is.State == classes.PlaceActive
	ours := is != nil && (is.SourceID == want.SourceID || is.SourceID == "")
	switch {
	case r.ends() && (!has || !ours), !r.ends() && has && (!ours || is.SourceID == want.SourceID):
		out.unchanged++
		return
	case r.ends():
		pl.bulk.Leave(class, want)
	case has:
		pl.bulk.Name(want) // it takes over a place that the learner took here
	case !pl.place(r, class, user, want, out):
		return
	}
	pl.remember(want)
	if is == nil {
		out.created++
	} else {
		out.changed++
	}
}

// place gives a learner a place who has none, or refuses the row.
func (pl *enrolmentsPlan) place(r record, class *classes.SourcedClass, user *people.SourcedUser, want *classes.SourcedPlace, out *outcome) bool {
	switch {
	case user.State != people.UserActive || !user.Is(people.Student):
		out.refuse(r.line, "userSourcedId", "roster.is_not_an_active_student")
		return false
	case pl.im.opts.OnlySchool != nil && !sameID(user.SchoolID, pl.im.opts.OnlySchool): // the place opens the learner's record to the class's staff
		out.refuse(r.line, "userSourcedId", "roster.is_not_a_learner_of")
		return false
	}
	switch pl.bulk.Place(class, want) {
	case classes.ReasonOver:
		out.refuse(r.line, "classSourcedId", "roster.the_class_is_over", "State", class.State.Words())
		return false
	case classes.ReasonFull:
		out.refuse(r.line, "classSourcedId", "roster.the_class_is_full_seats", "N", class.Seats)
		return false
	}
	return true
}

// teacher makes the teacher of a class its coach: the primary one, or the first when it has none.
func (pl *enrolmentsPlan) teacher(r record, primary bool, class *classes.SourcedClass, user *people.SourcedUser, out *outcome) {
	coaches := sameID(class.CoachID, &user.ID)
	switch {
	case r.ends() && coaches:
		pl.bulk.Coach(class, nil)
	case r.ends(), coaches, class.CoachID != nil && !primary:
		out.unchanged++
		return
	case user.State != people.UserActive || !user.Is("teacher") && !user.Is("coach"):
		out.refuse(r.line, "userSourcedId", "roster.is_not_an_active_teacher")
		return
	case pl.im.opts.OnlySchool != nil && user.ID == pl.im.actor.ID && class.Taken > 0: // they may be of other schools
		out.refuse(r.line, "userSourcedId", "roster.is_you_on_the_classs")
		return
	default:
		pl.bulk.Coach(class, &user.ID)
	}
	out.changed++
}
