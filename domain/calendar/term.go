// Package calendar is when a tenant learns: its terms, the windows in which tests may be begun, and the weekly rule by which classes meet. It owns the
// rules about time, and how the time on a wall becomes a moment in the tenant's zone; what the tenant decides of holidays will come here. Nothing here
// knows who learns, or what: which test has a window, and which class meets by a rule, stands with the test and the class.
package calendar

import (
	"context"
	"errors"
	"time"

	"github.com/google/uuid"
	"gorm.io/gorm"
	"gorm.io/gorm/clause"

	"lignum/domain"
	"lignum/tenants"
	"lignum/tenants/audit"
)

// TermFields are what somebody decides about a term.
type TermFields struct {
	Title    string `json:"title"`     // 1 to 100 characters
	StartsOn string `json:"starts_on"` // date, YYYY-MM-DD, the tenant's; of the years 1990 to 2200
	EndsOn   string `json:"ends_on"`   // the last day, after the first; of those made by hand at most two years after it
}

// Validate tells everything that is wrong as one domain.Invalid.
func (f *TermFields) Validate() error {
	var p domain.Problems
	p.Text("title", f.Title, 1, 100)
	from, ok1 := ReadTermDate(f.StartsOn)
	if !ok1 {
		p.Add("starts_on", "calendar.must_be_a_date_such")
	}
	to, ok2 := ReadTermDate(f.EndsOn)
	switch {
	case !ok2:
		p.Add("ends_on", "calendar.must_be_a_date_such_as")
	case ok1 && !to.After(from):
		p.Add("ends_on", "calendar.must_be_after_the_first")
	case ok1 && tooLong(from, to):
		p.Add("ends_on", "calendar.must_be_within_two_years")
	}
	return p.Err()
}

// ReadTermDate reads a first or a last day of a term: a date of the years 1990 to 2200.
func ReadTermDate(text string) (date time.Time, ok bool) {
	date, err := time.Parse(time.DateOnly, text)
	return date, err == nil && date.Year() >= 1990 && date.Year() <= 2200
}

// Term is a term or another part of the school year. Terms may lie within one another, as those of a school year do.
type Term struct {
	ID       uuid.UUID `json:"id"`
	SourceID string    `json:"source_id,omitempty"` // its id in the country's own records, which alone change it; "": it was made by hand
	TermFields
	// Version names what is above. Given back with a change, it is refused when somebody else changed the term since.
	Version string `json:"version,omitempty" gorm:"-"`
}

// TableName is GORM's.
func (Term) TableName() string { return "terms" }

// Terms lists terms by their first days; with from those alone that end on this date or later. It gives domain.Invalid.
func Terms(ctx context.Context, q tenants.Querier, from string, page domain.Page) (domain.List[Term], error) {
	var none domain.List[Term]
	limit, after, err := page.Read(1, 1)
	if err != nil {
		return none, err
	}
	if after != nil {
		if _, ok := ReadTermDate(after[0]); !ok {
			return none, domain.BadCursor()
		}
	}
	found := tenants.Entity[Term](q).Scopes(tenants.Page("starts_on, id", after, limit+1))
	if from != "" {
		if _, ok := ReadTermDate(from); !ok {
			return none, domain.InvalidField("from", "calendar.must_be_a_date_such")
		}
		found = found.Where("ends_on >= ?::date", from)
	}
	list, err := found.Find(ctx)
	for i := range list {
		list[i].Version = domain.Version(list[i].TermFields)
	}
	return domain.Cut(list, limit, func(t Term) []string { return []string{t.StartsOn, t.ID.String()} }), err
}

// TermByID gives a term, or domain.NotFound.
func TermByID(ctx context.Context, q tenants.Querier, id uuid.UUID) (Term, error) {
	return oneTerm(ctx, q, id)
}

func oneTerm(ctx context.Context, q tenants.Querier, id uuid.UUID, with ...clause.Expression) (Term, error) {
	t, err := tenants.Entity[Term](q, with...).Where("id = ?", id).Take(ctx)
	if errors.Is(err, gorm.ErrRecordNotFound) {
		return t, domain.Refuse(domain.NotFound, "calendar.there_is_no_such_term")
	}
	t.Version = domain.Version(t.TermFields)
	return t, err
}

// Crossing gives the titles of other terms, at most five, that share days with one while neither lies within the other, and of those that have the
// same days. It is no fault, since a country's schools may keep different terms; but mostly somebody has mistyped a day.
func Crossing(ctx context.Context, q tenants.Querier, t Term) ([]string, error) {
	list, err := tenants.Entity[Term](q).Select("title").Where(`id <> @id AND (starts_on = @first AND ends_on = @last
		OR starts_on < @first AND ends_on >= @first AND ends_on < @last OR starts_on > @first AND starts_on <= @last AND ends_on > @last)`,
		map[string]any{"id": t.ID, "first": t.StartsOn, "last": t.EndsOn}).Scopes(tenants.Page("starts_on, id", nil, 5)).Find(ctx)
	titles := make([]string, len(list))
	for i := range list {
		titles[i] = list[i].Title
	}
	return titles, err
}

// CreateTerm adds a term by hand. It gives domain.Invalid.
func CreateTerm(ctx context.Context, tx *tenants.Tx, f TermFields) (Term, error) {
	if err := f.Validate(); err != nil {
		return Term{}, err
	}
	t := Term{ID: audit.NewID(), TermFields: f, Version: domain.Version(f)}
	if err := tenants.Entity[Term](tx).Omit("source_id").Create(ctx, &t); err != nil {
		return t, err
	}
	tx.Record(audit.Entry{Action: "term.create", ObjectKind: "term", ObjectID: t.ID.String(), After: f})
	return t, nil
}

// ChangeTerm replaces what was decided about a term; what began in it keeps its own days. version is the one that was read; "" holds whatever was there. It
// gives domain.NotFound, domain.Invalid, or domain.Conflict when somebody else changed it meanwhile, and for a term of the country's own records: the next import
// would undo the change.
func ChangeTerm(ctx context.Context, tx *tenants.Tx, id uuid.UUID, f TermFields, version string) (Term, error) {
	if err := f.Validate(); err != nil {
		return Term{}, err
	}
	was, err := oneTerm(ctx, tx, id, tenants.Held)
	if err != nil {
		return was, err
	}
	if err := domain.CheckVersion(version, was.Version); err != nil {
		return was, err
	}
	if was.SourceID != "" {
		return was, domain.Refuse(domain.Conflict, "calendar.this_term_comes_from_the")
	}
	to := Term{ID: id, TermFields: f, Version: domain.Version(f)}
	if _, err := tenants.Entity[Term](tx).Select("title", "starts_on", "ends_on").Updates(ctx, to); err != nil {
		return was, err
	}
	tx.Record(audit.Entry{Action: "term.change", ObjectKind: "term", ObjectID: id.String(), Before: was.TermFields, After: f})
	return to, nil
}

// RemoveTerm takes a term out of the calendar; one of the country's own records comes back with the next import that has it. It gives
// domain.NotFound, and domain.Conflict when something belongs to the term.
func RemoveTerm(ctx context.Context, tx *tenants.Tx, id uuid.UUID) error {
	was, err := oneTerm(ctx, tx, id, tenants.Held)
	if err != nil {
		return err
	}
	if _, err := tenants.Entity[Term](tx).Where("id = ?", id).Delete(ctx); err != nil {
		if tenants.IsReferredTo(err) {
			return domain.Refuse(domain.Conflict, "calendar.classes_belong_to_this_term")
		}
		return err
	}
	before := map[string]any{"title": was.Title, "starts_on": was.StartsOn, "ends_on": was.EndsOn}
	if was.SourceID != "" {
		before["source_id"] = was.SourceID
	}
	tx.Record(audit.Entry{Action: "term.remove", ObjectKind: "term", ObjectID: id.String(), Before: before})
	return nil
}
