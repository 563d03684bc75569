package roster

import (
	"context"
	"fmt"
	"strconv"

	"github.com/google/uuid"

	"lignum/domain"
	"lignum/domain/calendar"
	"lignum/domain/catalog"
	"lignum/domain/classes"
	"lignum/domain/people"
	"lignum/tenants"
	"lignum/tenants/audit"
	"lignum/tenants/limits"
)

func (im *importer) classes(ctx context.Context, q tenants.Querier, sources []string) (map[string]*classes.SourcedClass, error) {
	have, err := classes.ClassesBySource(ctx, q, sources, !im.opts.DryRun)
	if err == nil && im.sim != nil {
		overlay(have, im.sim.classes, sources)
	}
	return have, err
}

func (im *importer) planClasses(ctx context.Context, q tenants.Querier, rows []record, out *outcome) (func(tx *tenants.Tx) error, error) {
	have, err := im.classes(ctx, q, column(rows, "sourcedid"))
	if err != nil {
		return nil, err
	}
	schools, err := im.schools(ctx, q, column(rows, "schoolsourcedid"))
	if err != nil {
		return nil, err
	}
	var termIDs []string
	for _, r := range rows {
		termIDs = append(termIDs, r.list("termsourcedids")...)
	}
	terms, err := im.terms(ctx, q, termIDs)
	if err != nil {
		return nil, err
	}
	courses, err := catalog.CourseIDs(ctx, q, column(rows, "coursesourcedid"))
	if err != nil {
		return nil, err
	}
	plan, err := im.quotas(ctx, q, limits.Classes)
	if err != nil {
		return nil, err
	}
	bulk := classes.NewBulk(plan)
	for _, r := range rows {
		is := have[r.get("sourcedid")]
		if r.ends() && is == nil && r.get("sourcedid") != "" {
			out.unchanged++
			continue
		}
		want, p := im.readClass(r, is, schools, terms, courses)
		if len(p) > 0 {
			out.refuseAll(r.line, p)
			continue
		}
		same := is != nil && sameClass(is, want)
		if !same && !bulk.Put(is, want) {
			out.refuse(r.line, "sourcedId", "roster.the_quota_of_classes_is")
			continue
		}
		if course := r.get("coursesourcedid"); course != "" && !r.ends() && courses[course] == uuid.Nil {
			out.warn(r.line, "roster.the_course_that_coursesourcedid_names")
		}
		switch {
		case same:
			out.unchanged++
			continue
		case is == nil:
			out.created++
		default:
			out.changed++
		}
		have[want.SourceID] = want
	}
	if im.sim != nil {
		keep(im.sim.classes, have)
		im.sim.use(plan)
	}
	if bulk.Empty() {
		return nil, nil
	}
	return func(tx *tenants.Tx) error { return bulk.Write(ctx, tx, im.now) }, nil
}

func sameClass(a, b *classes.SourcedClass) bool {
	return a.Title == b.Title && a.Kind == b.Kind && a.Grade == b.Grade && a.StartsOn == b.StartsOn && a.EndsOn == b.EndsOn && a.Seats == b.Seats && a.State == b.State &&
		sameID(a.SchoolID, b.SchoolID) && sameID(a.TermID, b.TermID) && sameID(a.CourseID, b.CourseID)
}

// readClass returns what the row wants, over what is there.
func (im *importer) readClass(r record, is *classes.SourcedClass, schools map[string]*people.SourcedSchool, terms map[string]*calendar.Term, courses map[string]uuid.UUID) (*classes.SourcedClass, domain.Problems) {
	var p domain.Problems
	only := im.opts.OnlySchool
	if only != nil && is != nil && !sameID(is.SchoolID, only) {
		p.Add("sourcedId", "roster.belongs_to_a_class_of")
		return nil, p
	}
	if is != nil && r.ends() {
		want := *is
		if want.State == classes.Active {
			want.State = classes.Cancelled
		}
		return &want, p
	}
	want := classes.SourcedClass{ID: audit.NewID(), Kind: classes.Live, Seats: im.opts.Seats, State: classes.Active}
	if is != nil {
		want = *is
		if is.State != classes.Active {
			p.Add("status", "roster.the_class_is_here_open", "State", is.State.Words())
		}
	}
	want.SourceID, want.Title = r.get("sourcedid"), r.get("title")
	p.Text("sourcedId", want.SourceID, 1, 255)
	p.Text("title", want.Title, 1, 200)
	r.status(&p)
	r.word(&p, "classType", classWords)
	if grades := r.list("grades"); len(grades) > 0 {
		want.Grade = grades[0]
		p.Text("grades", want.Grade, 0, 20)
	}
	if kind := r.word(&p, "metadata.kind", meetingWords); kind != "" {
		want.Kind = kind
	}
	if text := r.get("metadata.seats"); text != "" {
		n, err := strconv.Atoi(text)
		if want.Seats = n; err != nil || n < 1 || n > classes.MostSeats {
			p.Add("metadata.seats", "roster.must_be_a_number_from", "Most", classes.MostSeats)
		} else if classes.TooFew(n, want.Taken) {
			p.Add("metadata.seats", "roster.learners_have_a_place_already", "N", want.Taken)
		}
	}
	if s := schools[r.get("schoolsourcedid")]; s == nil {
		p.Add("schoolSourcedId", "roster.the_school_is_not_known", "Given", fmt.Sprintf("%q", clipText(r.get("schoolsourcedid"), 60)))
	} else if want.SchoolID = &s.ID; only != nil && s.ID != *only {
		p.Add("schoolSourcedId", "roster.is_not_your_school")
	}
	var term *calendar.Term
	for _, id := range r.list("termsourcedids") {
		switch t := terms[id]; {
		case t == nil:
			p.Add("termSourcedIds", "roster.the_term_is_not_known", "Given", fmt.Sprintf("%q", clipText(id, 60)))
		case term == nil:
			term, want.TermID, want.StartsOn, want.EndsOn = t, &t.ID, t.StartsOn, t.EndsOn
		default: // a class of several terms goes from the first day to the last
			want.StartsOn, want.EndsOn = min(want.StartsOn, t.StartsOn), max(want.EndsOn, t.EndsOn)
		}
	}
	if term == nil && len(p) == 0 {
		p.Add("termSourcedIds", "roster.is_missing_it_gives_the")
	}
	if id, ok := courses[r.get("coursesourcedid")]; ok {
		want.CourseID = &id
	}
	return &want, p
}
