package people

import (
	"context"
	"fmt"
	"strings"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"lignum/domain"
	"lignum/tenants"
	"lignum/tenants/audit"
)

// States of a school.
const (
	SchoolActive = "active"
	SchoolClosed = "closed" // nobody and no class is put into it any more; what was stays
)

// SchoolFields are what somebody decides about a school.
type SchoolFields struct {
	SourceID *string `json:"source_id,omitempty"` // its code in the country's own records, by which a roster finds it; at most 255 characters
	Name     string  `json:"name"`                // 1 to 200 characters
	Kind     string  `json:"kind"`                // secondary, primary, college ...; 1 to 40 characters
	Region   string  `json:"region"`              // figures are by region; at most 100 characters
	State    string  `json:"state"`               // SchoolActive or SchoolClosed
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
		p.Add("state", "must be active or closed")
	}
	return p.Err()
}

// School is a school of a tenant.
type School struct {
	ID uuid.UUID `json:"id"`
	SchoolFields
	// Version names what is above. Given back with a change, it is refused when somebody else changed the school since.
	Version string `json:"version"`
}

const schoolSQL = `SELECT id, source_id, name, kind, region, state FROM schools`

func scanSchool(row pgx.CollectableRow) (s School, err error) {
	err = row.Scan(&s.ID, &s.SourceID, &s.Name, &s.Kind, &s.Region, &s.State)
	s.Version = domain.Version(s.SchoolFields)
	return s, err
}

// SchoolPage is a page of schools in the order of their names.
type SchoolPage struct {
	Schools []School `json:"schools"`
	Next    string   `json:"next,omitempty"`
}

// SchoolFilter says which schools to list. Conditions add up; the zero value lists all.
type SchoolFilter struct {
	Region string // of this region
	Query  string // beginnings of words of the name or the code, in any order; case does not matter; at most 200 characters
	Open   bool   // not closed
	After  string // the cursor of the page before
	Limit  int    // 1 to 200; 0: 30
}

// Schools lists schools by name.
func Schools(ctx context.Context, q tenants.Querier, f SchoolFilter) (SchoolPage, error) {
	var page SchoolPage
	if f.Limit == 0 {
		f.Limit = domain.Rows
	}
	if f.Limit < 1 || f.Limit > 200 {
		return page, domain.InvalidField("limit", "must be 1 to 200")
	}
	var p domain.Problems
	p.Text("query", f.Query, 0, 200)
	if err := p.Err(); err != nil {
		return page, err
	}
	where, args := []string{"true"}, []any{}
	add := func(sql string, values ...any) { where = append(where, bind(&args, sql, values...)) }
	if f.Region != "" {
		add("region = ?::text", f.Region)
	}
	if f.Open {
		add("state = '" + SchoolActive + "'")
	}
	if f.Query != "" {
		add("words @@ "+domain.Beginnings, f.Query)
	}
	if f.After != "" {
		at, err := domain.ReadCursor(f.After, 2)
		if err != nil {
			return page, err
		}
		if _, err := uuid.Parse(at[1]); err != nil {
			return page, domain.BadCursor()
		}
		add("(name, id) > (?::text, ?::uuid)", at[0], at[1])
	}
	args = append(args, f.Limit+1)
	rows, err := q.Query(ctx, schoolSQL+" WHERE "+strings.Join(where, " AND ")+fmt.Sprintf(" ORDER BY name, id LIMIT $%d::integer", len(args)), args...)
	if err != nil {
		return page, err
	}
	if page.Schools, err = pgx.CollectRows(rows, scanSchool); err != nil {
		return page, err
	}
	if len(page.Schools) > f.Limit {
		page.Schools = page.Schools[:f.Limit]
		page.Next = domain.Cursor(page.Schools[f.Limit-1].Name, page.Schools[f.Limit-1].ID.String())
	}
	return page, nil
}

// SchoolsNamed gives the schools of exactly this name, whose case does not matter, or of this code, at most limit; with open those alone that are
// not closed.
func SchoolsNamed(ctx context.Context, q tenants.Querier, name string, open bool, limit int) ([]School, error) {
	rows, err := q.Query(ctx, schoolSQL+` WHERE (lower(name) = lower($1::text) OR source_id = $1::text) AND (NOT $2::boolean OR state = 'active') ORDER BY name, id LIMIT $3::integer`, name, open, limit)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, scanSchool)
}

// Regions gives the names of the regions that have schools, at most a thousand: each is found from the one before.
func Regions(ctx context.Context, q tenants.Querier) ([]string, error) {
	rows, err := q.Query(ctx, `WITH RECURSIVE r AS (
			(SELECT region FROM schools WHERE region <> '' ORDER BY region LIMIT 1)
			UNION ALL SELECT (SELECT s.region FROM schools s WHERE s.region > r.region ORDER BY s.region LIMIT 1) FROM r WHERE r.region IS NOT NULL
		) SELECT region FROM r WHERE region IS NOT NULL LIMIT 1000`)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, pgx.RowTo[string])
}

// SchoolNames gives the names of some schools by their ids; those that are not there are left out.
func SchoolNames(ctx context.Context, q tenants.Querier, ids []uuid.UUID) (map[uuid.UUID]string, error) {
	names := map[uuid.UUID]string{}
	rows, err := q.Query(ctx, `SELECT id, name FROM schools WHERE id = ANY($1::text[]::uuid[])`, texts(ids))
	if err != nil {
		return nil, err
	}
	var id uuid.UUID
	var name string
	_, err = pgx.ForEachRow(rows, []any{&id, &name}, func() error { names[id] = name; return nil })
	return names, err
}

// SchoolByID gives a school, or domain.NotFound.
func SchoolByID(ctx context.Context, q tenants.Querier, id uuid.UUID) (School, error) {
	return oneSchool(ctx, q, id, "")
}

func oneSchool(ctx context.Context, q tenants.Querier, id uuid.UUID, lock string) (School, error) {
	rows, err := q.Query(ctx, schoolSQL+` WHERE id = $1::uuid `+lock, id.String())
	if err != nil {
		return School{}, err
	}
	s, err := pgx.CollectExactlyOneRow(rows, scanSchool)
	return s, notFound(err, "school")
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
	if _, err := tx.Exec(ctx, `INSERT INTO schools (id, source_id, name, kind, region, state) VALUES ($1::uuid, $2::text, $3::text, $4::text, $5::text, $6::text)`,
		s.ID.String(), f.SourceID, f.Name, f.Kind, f.Region, f.State); err != nil {
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
	was, err := oneSchool(ctx, tx, id, "FOR UPDATE")
	if err != nil {
		return was, err
	}
	if err := domain.CheckVersion(version, was.Version); err != nil {
		return was, err
	}
	if _, err := tx.Exec(ctx, `UPDATE schools SET source_id = $2::text, name = $3::text, kind = $4::text, region = $5::text, state = $6::text WHERE id = $1::uuid`,
		id.String(), f.SourceID, f.Name, f.Kind, f.Region, f.State); err != nil {
		return was, codeTaken(err)
	}
	tx.Record(audit.Entry{Action: "school.change", ObjectKind: "school", ObjectID: id.String(), Before: was.SchoolFields, After: f})
	return School{ID: id, SchoolFields: f, Version: domain.Version(f)}, nil
}

func codeTaken(err error) error {
	if tenants.IsViolation(err, "schools_source_id_key") {
		return domain.InvalidField("source_id", "is another school's")
	}
	return err
}
