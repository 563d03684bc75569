package people

import (
	"context"
	"io"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"lignum/domain"
	"lignum/tenants"
	"lignum/tenants/audit"
)

// rosterSchool is a school, as it is and as the roster wants it.
type rosterSchool struct {
	ID       uuid.UUID `json:"id"`
	SourceID string    `json:"source_id"`
	Name     string    `json:"name"`
	Region   string    `json:"region"`
	State    string    `json:"state"`
}

// readRegions takes the names of districts and the like: a school's region is the name of the organisation above it.
func (im *importer) readRegions(s *rosterSource) error {
	r, why := s.rows()
	if why != "" {
		return domain.InvalidField("file", s.Name+" "+why)
	}
	defer r.Close()
	for {
		line, err := r.next()
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
		if line.problem != nil || line.empty || strings.EqualFold(line.row.get("type"), "school") {
			continue
		}
		if len(im.regions) == maxRegions {
			return domain.Errorf(domain.TooLarge, "A roster has at most %d organisations that are not schools.", maxRegions)
		}
		if org := checkOrg(line.row); len(org.problems) == 0 {
			im.regions[org.SourceID] = org.Name
		}
	}
}

// maxRegions bounds what is kept of an import's organisations above the schools.
const maxRegions = 10_000

// checkedOrg is what a row of orgs.csv says by itself.
type checkedOrg struct {
	rosterSchool
	kind     string
	problems domain.Problems
}

func checkOrg(r rosterRow) checkedOrg {
	c := checkedOrg{rosterSchool: rosterSchool{SourceID: r.get("sourcedid"), Name: r.get("name"), Region: r.get("metadata.region"), State: "active"}}
	checkText(&c.problems, "sourcedId", c.SourceID, 1, 255)
	longest := 200
	if c.kind = r.word(&c.problems, "type", orgWords); c.kind != "school" {
		longest = 100 // it becomes the region of its schools
	}
	if r.get("type") == "" {
		c.problems.Add("type", "is missing; allowed: %s", anyOf(orgWords))
	}
	checkText(&c.problems, "name", c.Name, 1, longest)
	checkText(&c.problems, "metadata.region", c.Region, 0, 100)
	r.status(&c.problems)
	return c
}

const tenantOnly = "only an administrator of the whole tenant may import this"

func (im *importer) planOrgs(ctx context.Context, q tenants.Querier, rows []rosterRow, out *outcome) (func(tx *tenants.Tx) error, error) {
	sources := column(rows, "sourcedid")
	have, err := im.schools(ctx, q, sources)
	if err != nil {
		return nil, err
	}
	var write []*rosterSchool
	for _, r := range rows {
		org := checkOrg(r)
		want, p := org.rosterSchool, org.problems
		if len(p) == 0 && org.kind != "school" {
			out.unchanged++ // a region; schools carry its name
			continue
		}
		if im.opts.OnlySchool != nil {
			p.Add("", tenantOnly)
		}
		if len(p) > 0 {
			out.refuseAll(r.line, p)
			continue
		}
		is := have[want.SourceID]
		if above := r.get("parentsourcedid"); want.Region == "" && im.regions[above] != "" {
			want.Region = im.regions[above]
		} else if want.Region == "" && above != "" {
			if is != nil {
				want.Region = is.Region // the file does not say what is above it
			}
			if !r.ends() {
				out.warn(r.line, "the organisation that parentSourcedId names is not in the file; the school keeps the region that it has, and a new one has none")
			}
		}
		switch {
		case is == nil && r.ends():
			out.unchanged++
			continue
		case is == nil:
			want.ID = audit.NewID()
			out.created++
		default:
			want.ID = is.ID
			if r.ends() {
				want = *is
				want.State = "closed"
			}
			if want == *is {
				out.unchanged++
				continue
			}
			out.changed++
		}
		have[want.SourceID] = &want
		write = append(write, &want)
	}
	if im.sim != nil {
		keep(im.sim.schools, have)
	}
	if len(write) == 0 {
		return nil, nil
	}
	return func(tx *tenants.Tx) error {
		_, err := tx.Exec(ctx, `INSERT INTO schools (id, source_id, name, region, state)
			SELECT r.id, r.source_id, r.name, r.region, r.state FROM jsonb_to_recordset($1::jsonb) AS r(id uuid, source_id text, name text, region text, state text)
			ON CONFLICT (id) DO UPDATE SET name = excluded.name, region = excluded.region, state = excluded.state`, jsonRows(write))
		return err
	}, nil
}

func (im *importer) schools(ctx context.Context, q tenants.Querier, sources []string) (map[string]*rosterSchool, error) {
	have := map[string]*rosterSchool{}
	rows, err := q.Query(ctx, `SELECT id, source_id, name, region, state FROM schools WHERE source_id = ANY($1::text[])`, sources)
	if err != nil {
		return nil, err
	}
	list, err := pgx.CollectRows(rows, pgx.RowToAddrOfStructByPos[rosterSchool])
	for _, s := range list {
		have[s.SourceID] = s
	}
	if im.sim != nil {
		overlay(have, im.sim.schools, sources)
	}
	return have, err
}

// rosterTerm is a term or another academic session.
type rosterTerm struct {
	ID       uuid.UUID `json:"id"`
	SourceID string    `json:"source_id"`
	Title    string    `json:"title"`
	Starts   string    `json:"starts"` // YYYY-MM-DD
	Ends     string    `json:"ends"`
}

func (im *importer) planSessions(ctx context.Context, q tenants.Querier, rows []rosterRow, out *outcome) (func(tx *tenants.Tx) error, error) {
	have, err := im.terms(ctx, q, column(rows, "sourcedid"))
	if err != nil {
		return nil, err
	}
	var write []*rosterTerm
	for _, r := range rows {
		var p domain.Problems
		want := rosterTerm{SourceID: r.get("sourcedid"), Title: r.get("title"), Starts: r.get("startdate"), Ends: r.get("enddate")}
		checkText(&p, "sourcedId", want.SourceID, 1, 255)
		checkText(&p, "title", want.Title, 1, 100)
		r.status(&p)
		r.word(&p, "type", sessionWords)
		starts, ok1 := checkDate(&p, "startDate", want.Starts)
		ends, ok2 := checkDate(&p, "endDate", want.Ends)
		if ok1 && ok2 && !ends.After(starts) {
			p.Add("endDate", "must be after startDate")
		}
		if im.opts.OnlySchool != nil {
			p.Add("", tenantOnly)
		}
		if len(p) > 0 {
			out.refuseAll(r.line, p)
			continue
		}
		is := have[want.SourceID]
		switch {
		case r.ends(): // classes may hang on it; it stays in the calendar until somebody takes it out there
			out.unchanged++
			continue
		case is == nil:
			want.ID = audit.NewID()
			out.created++
		default:
			want.ID = is.ID
			if want == *is {
				out.unchanged++
				continue
			}
			out.changed++
		}
		have[want.SourceID] = &want
		write = append(write, &want)
	}
	if im.sim != nil {
		keep(im.sim.terms, have)
	}
	if len(write) == 0 {
		return nil, nil
	}
	return func(tx *tenants.Tx) error {
		_, err := tx.Exec(ctx, `INSERT INTO terms (id, source_id, title, starts_on, ends_on)
			SELECT r.id, r.source_id, r.title, r.starts, r.ends FROM jsonb_to_recordset($1::jsonb) AS r(id uuid, source_id text, title text, starts date, ends date)
			ON CONFLICT (id) DO UPDATE SET title = excluded.title, starts_on = excluded.starts_on, ends_on = excluded.ends_on`, jsonRows(write))
		return err
	}, nil
}

func (im *importer) terms(ctx context.Context, q tenants.Querier, sources []string) (map[string]*rosterTerm, error) {
	have := map[string]*rosterTerm{}
	rows, err := q.Query(ctx, `SELECT id, source_id, title, to_char(starts_on, 'YYYY-MM-DD'), to_char(ends_on, 'YYYY-MM-DD') FROM terms WHERE source_id = ANY($1::text[])`, sources)
	if err != nil {
		return nil, err
	}
	list, err := pgx.CollectRows(rows, pgx.RowToAddrOfStructByPos[rosterTerm])
	for _, t := range list {
		have[t.SourceID] = t
	}
	if im.sim != nil {
		overlay(have, im.sim.terms, sources)
	}
	return have, err
}

func checkDate(p *domain.Problems, field, v string) (time.Time, bool) {
	t, err := time.Parse(time.DateOnly, v)
	if err != nil || t.Year() < 1990 || t.Year() > 2200 {
		p.Add(field, "must be a date such as 2026-09-07")
		return t, false
	}
	return t, true
}
