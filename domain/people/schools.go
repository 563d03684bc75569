package people

import (
	"context"
	"errors"

	"github.com/google/uuid"
	"gorm.io/gorm"
	"gorm.io/gorm/clause"

	"lignum/domain"
	"lignum/tenants"
	"lignum/tenants/audit"
)

// SchoolState is whether a school goes on.
type SchoolState string

// States of a school.
const (
	SchoolActive SchoolState = "active"
	SchoolClosed SchoolState = "closed" // nobody and no class is put into it any more; what was stays
)

// SchoolKinds are the kinds that forms offer; a country's own records may have others.
var SchoolKinds = []string{"primary", "secondary", "all-age", "college", "special"}

// SchoolFields are what somebody decides about a school.
type SchoolFields struct {
	SourceID *string     `json:"source_id,omitempty"` // its code in the country's own records, by which a roster finds it; at most 255 characters
	Name     string      `json:"name"`                // 1 to 200 characters
	Kind     string      `json:"kind"`                // secondary, primary, college ...; 1 to 40 characters
	Region   string      `json:"region"`              // figures are by region; at most 100 characters
	State    SchoolState `json:"state"`
}

// Validate tells everything that is wrong as one domain.Invalid.
func (f *SchoolFields) Validate() error {
	var p domain.Problems
	if f.SourceID != nil && *f.SourceID == "" {
		f.SourceID = nil
	}
	if f.SourceID != nil {
		p.Text("source_id", *f.SourceID, 1, 255)
	}
	p.Text("name", f.Name, 1, 200)
	p.Text("kind", f.Kind, 1, 40)
	p.Text("region", f.Region, 0, 100)
	if f.State != SchoolActive && f.State != SchoolClosed {
		p.Add("state", "people.must_be_active_or_closed")
	}
	return p.Err()
}

// School is a school of a tenant.
type School struct {
	ID uuid.UUID `json:"id"`
	SchoolFields
	// Version names what is above. Given back with a change, it is refused when somebody else changed the school since.
	Version string `json:"version" gorm:"-"`
}

// TableName is GORM's.
func (School) TableName() string { return "schools" }

// versioned names what was read of schools.
func versioned(list []School, err error) ([]School, error) {
	for i := range list {
		list[i].Version = domain.Version(list[i].SchoolFields)
	}
	return list, err
}

// open is a scope: the schools that are not closed, or with false all.
func open(only bool) func(*gorm.Statement) {
	return func(s *gorm.Statement) {
		if only {
			s.Where("state = ?", SchoolActive)
		}
	}
}

// SchoolFilter says which schools to list. Conditions add up; the zero value lists all.
type SchoolFilter struct {
	Region string // of this region
	Query  string // beginnings of words of the name or the code, in any order; case does not matter; at most 200 characters
	Open   bool   // not closed
}

// Schools lists schools by name. It gives domain.Invalid.
func Schools(ctx context.Context, q tenants.Querier, f SchoolFilter, page domain.Page) (domain.List[School], error) {
	var none domain.List[School]
	limit, after, err := page.Read(1, 1)
	if err != nil {
		return none, err
	}
	var p domain.Problems
	if p.Text("query", f.Query, 0, 200); len(p) > 0 {
		return none, p.Err()
	}
	found := tenants.Entity[School](q).Scopes(open(f.Open), tenants.Page("name, id", after, limit+1))
	if f.Region != "" {
		found = found.Where("region = ?", f.Region)
	}
	if f.Query != "" {
		found = found.Where("words @@ "+domain.Beginnings, f.Query)
	}
	list, err := versioned(found.Find(ctx))
	return domain.Cut(list, limit, func(s School) []string { return []string{s.Name, s.ID.String()} }), err
}

// SchoolsNamed gives the schools of exactly this name, whose case does not matter, or of this code, at most limit; with only those alone that are
// not closed.
func SchoolsNamed(ctx context.Context, q tenants.Querier, name string, only bool, limit int) ([]School, error) {
	return versioned(tenants.Entity[School](q).Scopes(open(only), tenants.Page("name, id", nil, limit)).
		Where("(lower(name) = lower(?::text) OR source_id = ?)", name, name).Find(ctx))
}

// SchoolNames gives the names of some schools by their ids; those that are not there are left out.
func SchoolNames(ctx context.Context, q tenants.Querier, ids []uuid.UUID) (map[uuid.UUID]string, error) {
	list, err := tenants.Entity[School](q).Select("id", "name").Scopes(tenants.OneOf("id", ids)).Find(ctx)
	names := make(map[uuid.UUID]string, len(list))
	for _, s := range list {
		names[s.ID] = s.Name
	}
	return names, err
}

// SchoolByID gives a school, or domain.NotFound.
func SchoolByID(ctx context.Context, q tenants.Querier, id uuid.UUID) (School, error) {
	return oneSchool(ctx, q, id)
}

func oneSchool(ctx context.Context, q tenants.Querier, id uuid.UUID, with ...clause.Expression) (School, error) {
	s, err := tenants.Entity[School](q, with...).Where("id = ?", id).Take(ctx)
	if errors.Is(err, gorm.ErrRecordNotFound) {
		return s, domain.Refuse(domain.NotFound, "people.there_is_no_such_school")
	}
	s.Version = domain.Version(s.SchoolFields)
	return s, err
}

// CreateSchool adds a school by hand. It gives domain.Invalid, also when another school has its code.
func CreateSchool(ctx context.Context, tx *tenants.Tx, f SchoolFields) (School, error) {
	if f.State == "" {
		f.State = SchoolActive
	}
	if err := f.Validate(); err != nil {
		return School{}, err
	}
	s := School{ID: audit.NewID(), SchoolFields: f, Version: domain.Version(f)}
	if err := tenants.Entity[School](tx).Create(ctx, &s); err != nil {
		return s, codeTaken(err)
	}
	tx.Record(audit.Entry{Action: "school.create", ObjectKind: "school", ObjectID: s.ID.String(), After: f})
	return s, nil
}

// ChangeSchool replaces what was decided about a school. version is the one that was read; "" holds whatever was there. It gives
// domain.NotFound, domain.Invalid, also when another school has its code, or domain.Conflict when somebody else changed it meanwhile.
func ChangeSchool(ctx context.Context, tx *tenants.Tx, id uuid.UUID, f SchoolFields, version string) (School, error) {
	if err := f.Validate(); err != nil {
		return School{}, err
	}
	was, err := oneSchool(ctx, tx, id, tenants.Held)
	if err != nil {
		return was, err
	}
	if err := domain.CheckVersion(version, was.Version); err != nil {
		return was, err
	}
	to := School{ID: id, SchoolFields: f, Version: domain.Version(f)}
	if _, err := tenants.Entity[School](tx).Select("*").Omit("id").Updates(ctx, to); err != nil {
		return was, codeTaken(err)
	}
	tx.Record(audit.Entry{Action: "school.change", ObjectKind: "school", ObjectID: id.String(), Before: was.SchoolFields, After: f})
	return to, nil
}

func codeTaken(err error) error {
	if tenants.IsViolation(err, "schools_source_id_key") {
		return domain.InvalidField("source_id", "people.is_another_schools")
	}
	return err
}
