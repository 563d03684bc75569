// Package insight is figures: of one school, or of the whole tenant with those about too few people left blank.
package insight

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/google/uuid"

	"lignum/api"
	"lignum/domain"
	"lignum/domain/insight"
	"lignum/policy"
	"lignum/tenants"
)

// wholeMonths is what those must know who ask for groups of the whole tenant.
const wholeMonths = "For a whole tenant, figures by school, region or subject are of finished calendar months: `from` is the first day of a month and `to` the last day of one, " +
	"or the answer is 422. Without them it is the last finished month. Figures about few people are withheld month by month. Over several months, `count` and `passed` add up the months that are shown; " +
	"`withheld` says how many are not, so the true figure is at least as high; `incomplete` says in how many months some rows are not even listed; `people` is null, because the people of several months cannot be added up."

// FigureRows says which rows of a table by school are wanted: a country's hundreds come in pages. Neither what is withheld nor the total, which
// is of all schools, depends on it.
type FigureRows struct {
	api.Paging
	Region string        `query:"region" maxLength:"100" doc:"With by=school: only schools of this region"`
	Order  insight.Order `query:"order" enum:"name,lowest" doc:"With by=school: the order of the schools. name: by region and name; lowest: the lowest pass rate or fewest days of attendance first, and those whose figures are withheld last"`
}

// of returns the rows of a table that has one for each school; others have no pages.
func (r FigureRows) of(by insight.By) insight.Rows {
	rows := insight.Rows{Region: r.Region, Order: r.Order, After: r.Cursor}
	if by == insight.BySchool {
		rows.Limit = r.Limit
	}
	return rows
}

// Routes declares the routes of this area.
func Routes(s *api.Server) {
	api.Query(s, api.Route{Path: "/api/v1/insight/summary", Permission: policy.InsightRead, Tag: "Insight", Summary: "Show the main figures of the tenant, or of your school",
		Detail: "For a whole tenant, `attendance_month`, `attempts` and `pass_percent` are of the last finished month."},
		func(ctx context.Context, c *api.Call, _ *struct{}) (*insight.Summary, error) {
			return InsightSummary(ctx, c)
		})
	api.Query(s, api.Route{Path: "/api/v1/insight/attendance", Permission: policy.InsightRead, Tag: "Insight", Summary: "Count attendance by day, region or school",
		Detail: "For a whole tenant, a figure about fewer than five people is left blank, and so is a second one wherever the first could be found by subtraction. " + wholeMonths +
			" By day, a day with fewer than five people counts in no sum and in no month."},
		func(ctx context.Context, c *api.Call, in *struct {
			api.DayRange
			By insight.By `query:"by" enum:"day,region,school" default:"day" doc:"What the table has a row for"`
			FigureRows
		}) (*insight.Table, error) {
			return AttendanceFigures(ctx, c, in.By, in.DayRange, in.FigureRows)
		})
	api.Query(s, api.Route{Path: "/api/v1/insight/active-users", Permission: policy.InsightRead, Tag: "Insight", Summary: "Count active users of all roles by day",
		Detail: "For a whole tenant, a day with fewer than five people counts in no sum, and the number of different people is given for single days only."},
		func(ctx context.Context, c *api.Call, in *api.DayRange) (*insight.Table, error) {
			return ActiveUserFigures(ctx, c, *in)
		})
	api.Query(s, api.Route{Path: "/api/v1/insight/pass-rates", Permission: policy.InsightRead, Tag: "Insight", Summary: "Count passed attempts by subject, region or school",
		Detail: wholeMonths},
		func(ctx context.Context, c *api.Call, in *struct {
			api.DayRange
			By insight.By `query:"by" enum:"subject,region,school" default:"subject" doc:"What the table has a row for"`
			FigureRows
		}) (*insight.Table, error) {
			return PassRateFigures(ctx, c, in.By, in.DayRange, in.FigureRows)
		})
}

// view asks the policy whose figures the signed-in person sees. Officials never name a school: tables of single schools
// beside those of the whole would give away what either leaves blank.
func view(c *api.Call) (insight.View, error) {
	d, err := c.Decide(policy.Facts{Listing: true})
	if err != nil {
		return insight.View{}, err
	}
	v, err := ViewOf(d, c.Claims.SchoolID, c.Day(), c.Realm)
	v.Rankings = c.Server.Rankings
	return v, err
}

// ViewOf gives whose figures somebody of a school sees by a decision about figures.
func ViewOf(d policy.Decision, school *uuid.UUID, today time.Time, realm tenants.Realm) (insight.View, error) {
	switch d.Scope {
	case policy.Aggregate, policy.Whole:
		return insight.View{MinCell: d.MinCell, Today: today, Realm: realm.Name()}, nil
	case policy.School:
		if school != nil {
			return insight.View{SchoolID: *school, MinCell: d.MinCell}, nil
		}
		return insight.View{}, domain.Refuse(domain.Forbidden, "insight.you_see_the_figures_of")
	case policy.Own, policy.Assigned, policy.Region:
	}
	return insight.View{}, domain.Refuse(domain.Forbidden, "insight.these_figures_are_not_open")
}

// figures asks the policy, reads the range of days, and gives what read makes of them.
func figures[T any](ctx context.Context, c *api.Call, by insight.By, in api.DayRange, rows FigureRows, read func(q tenants.Querier, p insight.Period, v insight.View) (*T, error)) (*T, error) {
	v, err := view(c)
	if err != nil {
		return nil, err
	}
	p, err := PeriodOf(in, by, v, c.Day())
	if err != nil {
		return nil, err
	}
	v.Rows = rows.of(by)
	var out *T
	err = c.DB.Read(ctx, func(r *tenants.Reader) (err error) {
		out, err = read(r, p, v)
		return err
	})
	return out, inQuery(api.AtCursor(err))
}

// PeriodOf reads a range of days. Without one it is the last thirty days, or the last finished month where only whole months
// are to be had; with one end, the month of that end.
func PeriodOf(in api.DayRange, by insight.By, v insight.View, today time.Time) (insight.Period, error) {
	first, last, err := api.Days(in.From, in.To, today)
	if err != nil || !insight.Grouped(by, v) {
		return insight.Period{From: first, To: last}, err
	}
	p := insight.Period{From: first, To: last}
	switch {
	case in.From == "" && in.To == "":
		p = insight.FinishedMonth(today)
	case in.From == "":
		p.From = last.AddDate(0, 0, 1-last.Day())
	case in.To == "":
		p.To = first.AddDate(0, 1, -first.Day())
	}
	return p, nil
}

// inQuery gives wrong fields the names that they have in the address.
func inQuery(err error) error {
	var d *domain.Error
	if errors.As(err, &d) {
		for i, f := range d.Fields {
			if !strings.HasPrefix(f.Name, "query.") {
				d.Fields[i].Name = "query." + f.Name
			}
		}
	}
	return err
}

// FigureMonths is the months, the newest first, of which the signed-in person may have figures of groups; nil where any days
// may be asked for, as of one's own school. A year and a month: the longest time that one answer is about.
func FigureMonths(c *api.Call, by insight.By) ([]insight.Period, error) {
	v, err := view(c)
	if err != nil || !insight.Grouped(by, v) {
		return nil, err
	}
	var months []insight.Period
	for m := insight.FinishedMonth(c.Day()); len(months) < 13; m = insight.FinishedMonth(m.From) {
		months = append(months, m)
	}
	return months, nil
}

// InsightSummary returns the main figures of the tenant, or of the actor's own school.
func InsightSummary(ctx context.Context, c *api.Call) (*insight.Summary, error) {
	s, err := figures(ctx, c, insight.ByDay, api.DayRange{}, FigureRows{}, func(q tenants.Querier, _ insight.Period, v insight.View) (*insight.Summary, error) {
		return insight.Glance(ctx, q, c.Day(), c.Tenant.Location(), v)
	})
	if err == nil && s.Counted {
		c.Server.KeepFigures(ctx, c.Tenant)
	}
	return s, err
}

// AttendanceFigures returns attendance by day, region or school.
func AttendanceFigures(ctx context.Context, c *api.Call, by insight.By, in api.DayRange, rows FigureRows) (*insight.Table, error) {
	return keepingMonths(ctx, c)(figures(ctx, c, by, in, rows, func(q tenants.Querier, p insight.Period, v insight.View) (*insight.Table, error) {
		return insight.Attendance(ctx, q, p, by, v)
	}))
}

// ActiveUserFigures returns users of any role by day.
func ActiveUserFigures(ctx context.Context, c *api.Call, in api.DayRange) (*insight.Table, error) {
	return figures(ctx, c, insight.ByDay, in, FigureRows{}, func(q tenants.Querier, p insight.Period, v insight.View) (*insight.Table, error) {
		return insight.ActiveUsers(ctx, q, p, v)
	})
}

// PassRateFigures returns how many attempts passed, by subject, region or school.
func PassRateFigures(ctx context.Context, c *api.Call, by insight.By, in api.DayRange, rows FigureRows) (*insight.Table, error) {
	return keepingMonths(ctx, c)(figures(ctx, c, by, in, rows, func(q tenants.Querier, p insight.Period, v insight.View) (*insight.Table, error) {
		return insight.PassRates(ctx, q, p, c.Tenant.Location(), by, v)
	}))
}

// keepingMonths sees to it that months which had to be counted from their rows are kept before they are asked for again.
func keepingMonths(ctx context.Context, c *api.Call) func(*insight.Table, error) (*insight.Table, error) {
	return func(t *insight.Table, err error) (*insight.Table, error) {
		if err == nil && t.Counted {
			c.Server.KeepFigures(ctx, c.Tenant)
		}
		return t, err
	}
}
