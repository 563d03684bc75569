package people

import (
	"context"
	"strconv"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"lignum/domain"
	"lignum/tenants"
	"lignum/tenants/audit"
)

// rosterClass is a class, as it is or as the roster wants it. The tables are those of the room of classes, which stands on
// this one; the roster writes them itself.
type rosterClass struct {
	ID       uuid.UUID  `json:"id"`
	SourceID string     `json:"source_id"`
	Title    string     `json:"title"`
	Kind     string     `json:"kind"`
	SchoolID *uuid.UUID `json:"school_id"`
	TermID   *uuid.UUID `json:"term_id"`
	CourseID *uuid.UUID `json:"course_id"`
	CoachID  *uuid.UUID `json:"coach_id"`
	Grade    string     `json:"grade"`
	Starts   string     `json:"starts"`
	Ends     string     `json:"ends"`
	Seats    int        `json:"seats"`
	Taken    int        `json:"taken"`
	State    string     `json:"state"`
}

func (im *importer) classes(ctx context.Context, q tenants.Querier, sources []string) (map[string]*rosterClass, error) {
	have := map[string]*rosterClass{}
	rows, err := q.Query(ctx, `SELECT id, source_id, title, kind, school_id, term_id, course_id, coach_id, grade, to_char(starts_on, 'YYYY-MM-DD'),
		to_char(ends_on, 'YYYY-MM-DD'), seats, taken, state FROM classes WHERE source_id = ANY($1::text[]) ORDER BY id`+im.locking(" FOR NO KEY UPDATE"), sources)
	if err != nil {
		return nil, err
	}
	list, err := pgx.CollectRows(rows, pgx.RowToAddrOfStructByPos[rosterClass])
	for _, c := range list {
		have[c.SourceID] = c
	}
	if im.sim != nil {
		overlay(have, im.sim.classes, sources)
	}
	return have, err
}

func (im *importer) planClasses(ctx context.Context, q tenants.Querier, rows []rosterRow, out *outcome) (func(tx *tenants.Tx) error, error) {
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
	courses, err := coursesBySlug(ctx, q, column(rows, "coursesourcedid"))
	if err != nil {
		return nil, err
	}
	seats, err := im.seats(ctx, q, "classes")
	if err != nil {
		return nil, err
	}
	var write []*rosterClass
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
		if is == nil && !seats["classes"].take() {
			out.refuse(r.line, "sourcedId", "the quota of classes is used up")
			continue
		}
		switch {
		case is == nil:
			out.created++
		case sameClass(is, want):
			out.unchanged++
			continue
		default:
			if is.State == "active" && want.State != "active" {
				seats["classes"].free()
			}
			out.changed++
		}
		have[want.SourceID] = want
		write = append(write, want)
	}
	if im.sim != nil {
		keep(im.sim.classes, have)
		im.sim.used["classes"] += seats["classes"].used - seats["classes"].before
	}
	if len(write) == 0 {
		return nil, nil
	}
	return func(tx *tenants.Tx) error {
		b := &pgx.Batch{}
		// A class of a roster is filled by the roster: learners do not register themselves.
		b.Queue(`INSERT INTO classes (id, source_id, course_id, title, kind, school_id, term_id, grade, starts_on, ends_on, seats, open, state, created_at)
			SELECT r.id, r.source_id, r.course_id, r.title, r.kind, r.school_id, r.term_id, r.grade, r.starts, r.ends, r.seats, false, r.state, $2::timestamptz
			FROM jsonb_to_recordset($1::jsonb) AS r(id uuid, source_id text, course_id uuid, title text, kind text, school_id uuid, term_id uuid,
				grade text, starts date, ends date, seats integer, state text)
			ON CONFLICT (id) DO UPDATE SET course_id = excluded.course_id, title = excluded.title, kind = excluded.kind, school_id = excluded.school_id,
				term_id = excluded.term_id, grade = excluded.grade, starts_on = excluded.starts_on, ends_on = excluded.ends_on, seats = excluded.seats, state = excluded.state`,
			jsonRows(write), im.now)
		im.queueSeats(b, seats)
		return tx.SendBatch(ctx, b).Close()
	}, nil
}

func sameClass(a, b *rosterClass) bool {
	return a.Title == b.Title && a.Kind == b.Kind && a.Grade == b.Grade && a.Starts == b.Starts && a.Ends == b.Ends && a.Seats == b.Seats && a.State == b.State &&
		sameID(a.SchoolID, b.SchoolID) && sameID(a.TermID, b.TermID) && sameID(a.CourseID, b.CourseID)
}

// readClass gives what the row wants, over what is there.
func (im *importer) readClass(r rosterRow, is *rosterClass, schools map[string]*rosterSchool, terms map[string]*rosterTerm, courses map[string]uuid.UUID) (*rosterClass, domain.Problems) {
	var p domain.Problems
	only := im.opts.OnlySchool
	if only != nil && is != nil && !sameID(is.SchoolID, only) {
		p.Add("sourcedId", "belongs to a class of another school")
		return nil, p
	}
	if is != nil && r.ends() {
		want := *is
		if want.State == "active" {
			want.State = "cancelled"
		}
		return &want, p
	}
	want := rosterClass{ID: audit.NewID(), Kind: "live", Seats: im.opts.Seats, State: "active"}
	if is != nil {
		want = *is
		if is.State != "active" {
			p.Add("status", "the class is %s here; open it again by hand", is.State)
		}
	}
	want.SourceID, want.Title = r.get("sourcedid"), r.get("title")
	checkText(&p, "sourcedId", want.SourceID, 1, 255)
	checkText(&p, "title", want.Title, 1, 200)
	r.status(&p)
	r.word(&p, "classType", classWords)
	if grades := r.list("grades"); len(grades) > 0 {
		want.Grade = grades[0]
		checkText(&p, "grades", want.Grade, 0, 20)
	}
	if kind := r.word(&p, "metadata.kind", meetingWords); kind != "" {
		want.Kind = kind
	}
	if text := r.get("metadata.seats"); text != "" {
		n, err := strconv.Atoi(text)
		if want.Seats = n; err != nil || n < 1 || n > 100_000 {
			p.Add("metadata.seats", "must be a number from 1 to 100000")
		} else if n < want.Taken {
			p.Add("metadata.seats", "%d learners have a place already", want.Taken)
		}
	}
	if s := schools[r.get("schoolsourcedid")]; s == nil {
		p.Add("schoolSourcedId", "the school %q is not known; import orgs.csv first", clipText(r.get("schoolsourcedid"), 60))
	} else if want.SchoolID = &s.ID; only != nil && s.ID != *only {
		p.Add("schoolSourcedId", "is not your school")
	}
	var term *rosterTerm
	for _, id := range r.list("termsourcedids") {
		switch t := terms[id]; {
		case t == nil:
			p.Add("termSourcedIds", "the term %q is not known; import academicSessions.csv first", clipText(id, 60))
		case term == nil:
			term, want.TermID, want.Starts, want.Ends = t, &t.ID, t.Starts, t.Ends
		default: // a class of several terms goes from the first day to the last
			want.Starts, want.Ends = min(want.Starts, t.Starts), max(want.Ends, t.Ends)
		}
	}
	if term == nil && len(p) == 0 {
		p.Add("termSourcedIds", "is missing; it gives the class its first and last day")
	}
	if id, ok := courses[r.get("coursesourcedid")]; ok {
		want.CourseID = &id
	}
	return &want, p
}

func coursesBySlug(ctx context.Context, q tenants.Querier, slugs []string) (map[string]uuid.UUID, error) {
	courses := map[string]uuid.UUID{}
	rows, err := q.Query(ctx, `SELECT slug, id FROM courses WHERE slug = ANY($1::text[])`, slugs)
	if err != nil {
		return nil, err
	}
	var slug string
	var id uuid.UUID
	_, err = pgx.ForEachRow(rows, []any{&slug, &id}, func() error { courses[slug] = id; return nil })
	return courses, err
}
