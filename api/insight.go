package api

import (
	"context"

	"lignum/domain"
	"lignum/domain/insight"
	"lignum/policy"
	"lignum/tenants"
)

func init() { resources = append(resources, insights) }

// insights is figures: of the own school, or of the whole tenant with those about too few people left blank.
func insights(s *Server) {
	Query(s, Route{Path: "/api/v1/insight/summary", Permission: policy.InsightRead, Tag: "Insight", Summary: "The tenant, or the own school, at a glance"},
		func(ctx context.Context, c *Call, _ *struct{}) (*insight.Summary, error) {
			return InsightSummary(ctx, c)
		})
	Query(s, Route{Path: "/api/v1/insight/attendance", Permission: policy.InsightRead, Tag: "Insight", Summary: "Attendance by day, region or school",
		Detail: "A figure about too few people is left blank, and so is a second one wherever the first could be had by subtraction."},
		func(ctx context.Context, c *Call, in *struct {
			DayRange
			By insight.By `query:"by" enum:"day,region,school" default:"day"`
		}) (*insight.Table, error) {
			return AttendanceFigures(ctx, c, in.By, in.DayRange)
		})
	Query(s, Route{Path: "/api/v1/insight/active-users", Permission: policy.InsightRead, Tag: "Insight", Summary: "Users of any role by day"},
		func(ctx context.Context, c *Call, in *DayRange) (*insight.Table, error) {
			return ActiveUserFigures(ctx, c, *in)
		})
	Query(s, Route{Path: "/api/v1/insight/pass-rates", Permission: policy.InsightRead, Tag: "Insight", Summary: "How many attempts passed, by subject, region or school"},
		func(ctx context.Context, c *Call, in *struct {
			DayRange
			By insight.By `query:"by" enum:"subject,region,school" default:"subject"`
		}) (*insight.Table, error) {
			return PassRateFigures(ctx, c, in.By, in.DayRange)
		})
}

// view asks the policy whose figures the signed-in person sees. Officials never name a school: tables of single schools
// beside those of the whole would give away what either leaves blank.
func (c *Call) view() (insight.View, error) {
	d, err := c.Decide(policy.Facts{Listing: true})
	if err != nil {
		return insight.View{}, err
	}
	switch d.Scope {
	case policy.Aggregate, policy.Whole:
		return insight.View{MinCell: d.MinCell}, nil
	case policy.School:
		if c.Claims.SchoolID != nil {
			return insight.View{SchoolID: *c.Claims.SchoolID, MinCell: d.MinCell}, nil
		}
		return insight.View{}, domain.Errorf(domain.Forbidden, "You see the figures of your own school, and belong to none.")
	case policy.Own, policy.Assigned, policy.Region:
	}
	return insight.View{}, domain.Errorf(domain.Forbidden, "These figures are not open to you.")
}

// figures asks the policy, reads the range of days, and gives what read makes of them.
func figures[T any](ctx context.Context, c *Call, in DayRange, read func(q tenants.Querier, p insight.Period, v insight.View) (*T, error)) (*T, error) {
	v, err := c.view()
	if err != nil {
		return nil, err
	}
	first, last, err := days(in.From, in.To, c.day())
	if err != nil {
		return nil, err
	}
	var out *T
	err = c.DB.Read(ctx, func(r *tenants.Reader) (err error) {
		out, err = read(r, insight.Period{From: first, To: last}, v)
		return err
	})
	return out, err
}

// InsightSummary gives the tenant, or the own school, at a glance.
func InsightSummary(ctx context.Context, c *Call) (*insight.Summary, error) {
	return figures(ctx, c, DayRange{}, func(q tenants.Querier, _ insight.Period, v insight.View) (*insight.Summary, error) {
		return insight.Glance(ctx, q, c.day(), c.Tenant.Location(), v)
	})
}

// AttendanceFigures gives attendance by day, region or school.
func AttendanceFigures(ctx context.Context, c *Call, by insight.By, in DayRange) (*insight.Table, error) {
	return figures(ctx, c, in, func(q tenants.Querier, p insight.Period, v insight.View) (*insight.Table, error) {
		return insight.Attendance(ctx, q, p, by, v)
	})
}

// ActiveUserFigures gives users of any role by day.
func ActiveUserFigures(ctx context.Context, c *Call, in DayRange) (*insight.Table, error) {
	return figures(ctx, c, in, func(q tenants.Querier, p insight.Period, v insight.View) (*insight.Table, error) {
		return insight.ActiveUsers(ctx, q, p, v)
	})
}

// PassRateFigures gives how many attempts passed, by subject, region or school.
func PassRateFigures(ctx context.Context, c *Call, by insight.By, in DayRange) (*insight.Table, error) {
	return figures(ctx, c, in, func(q tenants.Querier, p insight.Period, v insight.View) (*insight.Table, error) {
		return insight.PassRates(ctx, q, p, c.Tenant.Location(), by, v)
	})
}
