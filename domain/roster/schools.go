package roster

import (
	"context"
	"io"
	"strings"

	"lignum/domain"
	"lignum/domain/people"
	"lignum/tenants"
	"lignum/tenants/audit"
)

// readRegions takes the names of districts and the like: a school's region is the name of the organisation above it.
func (im *importer) readRegions(s *sourceFile) error {
	r, why := s.rows()
	if !why.IsZero() {
		return domain.InvalidField("file", "roster.file_left_out", "Name", s.Name, "Why", why)
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
			return domain.Refuse(domain.TooLarge, "roster.a_roster_has_at_most_organisations", "Most", maxRegions)
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
	people.SourcedSchool
	kind     string
	problems domain.Problems
}

func checkOrg(r record) checkedOrg {
	c := checkedOrg{SourcedSchool: people.SourcedSchool{SourceID: r.get("sourcedid"), Name: r.get("name"), Region: r.get("metadata.region"), State: people.SchoolActive}}
	c.problems.Text("sourcedId", c.SourceID, 1, 255)
	longest := 200
	if c.kind = r.word(&c.problems, "type", orgWords); c.kind != "school" {
		longest = 100 // it becomes the region of its schools
	}
	if r.get("type") == "" {
		c.problems.Add("type", "roster.is_missing_allowed", "Allowed", anyOf(orgWords))
	}
	c.problems.Text("name", c.Name, 1, longest)
	c.problems.Text("metadata.region", c.Region, 0, 100)
	r.status(&c.problems)
	return c
}

const tenantOnly = "roster.only_an_administrator_of_the"

func (im *importer) planOrgs(ctx context.Context, q tenants.Querier, rows []record, out *outcome) (func(tx *tenants.Tx) error, error) {
	sources := column(rows, "sourcedid")
	have, err := im.schools(ctx, q, sources)
	if err != nil {
		return nil, err
	}
	var write []*people.SourcedSchool
	for _, r := range rows {
		org := checkOrg(r)
		want, p := org.SourcedSchool, org.problems
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
				out.warn(r.line, "roster.the_organisation_that_parentsourcedid_names")
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
				want.State = people.SchoolClosed
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
	return func(tx *tenants.Tx) error { return people.PutSchools(ctx, tx, write) }, nil
}

func (im *importer) schools(ctx context.Context, q tenants.Querier, sources []string) (map[string]*people.SourcedSchool, error) {
	have, err := people.SchoolsBySource(ctx, q, sources)
	if err == nil && im.sim != nil {
		overlay(have, im.sim.schools, sources)
	}
	return have, err
}
