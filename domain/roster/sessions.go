package roster

import (
	"context"
	"time"

	"lignum/domain"
	"lignum/domain/calendar"
	"lignum/tenants"
	"lignum/tenants/audit"
)

func (im *importer) planSessions(ctx context.Context, q tenants.Querier, rows []record, out *outcome) (func(tx *tenants.Tx) error, error) {
	have, err := im.terms(ctx, q, column(rows, "sourcedid"))
	if err != nil {
		return nil, err
	}
	var write []*calendar.Term
	for _, r := range rows {
		var p domain.Problems
		want := calendar.Term{SourceID: r.get("sourcedid"), TermFields: calendar.TermFields{Title: r.get("title"), StartsOn: r.get("startdate"), EndsOn: r.get("enddate")}}
		p.Text("sourcedId", want.SourceID, 1, 255)
		p.Text("title", want.Title, 1, 100)
		r.status(&p)
		r.word(&p, "type", sessionWords)
		starts, ok1 := checkDate(&p, "startDate", want.StartsOn)
		ends, ok2 := checkDate(&p, "endDate", want.EndsOn)
		if ok1 && ok2 && !ends.After(starts) {
			p.Add("endDate", "roster.must_be_after_startdate")
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
	return func(tx *tenants.Tx) error { return calendar.PutTerms(ctx, tx, write) }, nil
}

func (im *importer) terms(ctx context.Context, q tenants.Querier, sources []string) (map[string]*calendar.Term, error) {
	have, err := calendar.TermsBySource(ctx, q, sources)
	if err == nil && im.sim != nil {
		overlay(have, im.sim.terms, sources)
	}
	return have, err
}

func checkDate(p *domain.Problems, field, v string) (time.Time, bool) {
	t, ok := calendar.ReadTermDate(v)
	if !ok {
		p.Add(field, "domain.must_be_a_date_such")
	}
	return t, ok
}
