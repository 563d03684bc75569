package exports

import (
	"context"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"

	insightapi "lignum/api/insight"
	"lignum/billing"
	"lignum/billing/books"
	"lignum/domain"
	"lignum/domain/exports"
	"lignum/domain/insight"
	"lignum/domain/people"
	"lignum/domain/tables"
	"lignum/tenants"
	"lignum/tenants/audit"
)

// What is written is read a page at a time, each in a transaction of its own, so that a long export holds up nobody.

// read reads a page.
func (m *maker) read(ctx context.Context, fn func(r *tenants.Reader) error) error {
	return m.j.DB.ReadFresh(ctx, fn)
}

// trail writes entries of the audit trail, newest first, that were there when it was asked for.
func (m *maker) trail(ctx context.Context, asked *Trail) error {
	if m.task.Format != exports.JSONL {
		m.out.begin("", tables.Columns("id", "at", "actor_id", "actor_name", "actor_roles", "actor_realm", "address", "action", "outcome", "object_kind", "object_id", "before", "after", "reason", "request_id",
			"actor_erased", "content_erased"))
	}
	filter := asked.filter(m.task.AskedAt)
	if !filter.From.IsZero() && !filter.To.After(filter.From) { // it was asked for what is to come
		return nil
	}
	for more := true; more; {
		var list []audit.Stored
		if err := m.read(ctx, func(r *tenants.Reader) (err error) {
			list, more, err = tenants.Trail(ctx, r, filter)
			return err
		}); err != nil {
			return err
		}
		for i := range list {
			e := &list[i]
			filter.Before = e.ID
			var err error
			if m.task.Format == exports.JSONL {
				err = m.out.object(e)
			} else {
				err = m.out.row(e.ID.String(), e.At, idOf(e.ActorID), e.ActorName, e.ActorRoles, e.ActorRealm, e.Address, e.Action, e.Outcome, e.ObjectKind, e.ObjectID, string(e.Before), string(e.After),
					e.Reason, e.RequestID, e.ActorErased, e.ContentErased)
			}
			if err != nil {
				return err
			}
		}
	}
	return nil
}

func idOf(id *uuid.UUID) string {
	if id == nil {
		return ""
	}
	return id.String()
}

func textOf(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}

// people writes accounts, by name.
func (m *maker) people(ctx context.Context, asked *People) error {
	l := m.a.Language
	title := l.Say("exports.people")
	m.out.begin(title, []tables.Column{{Name: "id", Title: l.Say("exports.account_number")}, {Name: "user_name", Title: l.Say("page.user_name")}, {Name: "given_name", Title: l.Say("exports.given_name")},
		{Name: "family_name", Title: l.Say("exports.family_name")}, {Name: "email", Title: l.Say("exports.email")}, {Name: "roles", Title: l.Say("page.role")}, {Name: "school_id", Title: l.Say("exports.school_number")},
		{Name: "school", Title: l.Say("page.school")}, {Name: "grade", Title: l.Say("page.grade_label")}, {Name: "state", Title: l.Say("page.state")}, {Name: "locale", Title: l.Say("exports.language")},
		{Name: "has_password", Title: l.Say("exports.has_password")}, {Name: "second_factor", Title: l.Say("exports.second_factor")}, {Name: "created_at", Title: l.Say("exports.created_at")}})
	filter, err := asked.filter().Within(m.d, m.j.Tenant != nil, m.a.User.ID, m.a.User.SchoolID)
	if err != nil {
		return err
	}
	schools := map[uuid.UUID]string{}
	for page := (domain.Page{Limit: 200}); ; {
		var list domain.List[people.User]
		if err := m.read(ctx, func(r *tenants.Reader) (err error) {
			if list, err = people.Users(ctx, r, filter, page); err != nil || m.j.Tenant == nil {
				return err
			}
			var unknown []uuid.UUID
			for i := range list.Items {
				if id := list.Items[i].SchoolID; id != nil && schools[*id] == "" && !slices.Contains(unknown, *id) {
					unknown = append(unknown, *id)
				}
			}
			if len(unknown) == 0 {
				return nil
			}
			names, err := people.SchoolNames(ctx, r, unknown)
			maps.Copy(schools, names)
			return err
		}); err != nil {
			return err
		}
		for i := range list.Items {
			u := &list.Items[i]
			school := ""
			if u.SchoolID != nil {
				school = schools[*u.SchoolID]
			}
			if err := m.out.row(u.ID.String(), u.UserName, u.GivenName, u.FamilyName, textOf(u.Email), strings.Join(u.Roles, " "), idOf(u.SchoolID), school, u.Grade, string(u.State), textOf(u.Locale),
				u.HasPassword, u.SecondFactor, u.CreatedAt); err != nil {
				return err
			}
		}
		if page.After = list.Next; page.After == "" {
			return nil
		}
	}
}

// usage writes what all tenants published, newest day first.
func (m *maker) usage(ctx context.Context, asked *Days) error {
	p, err := asked.period()
	if err != nil {
		return err
	}
	l := m.a.Language
	m.out.begin(l.Say("exports.usage"), []tables.Column{{Name: "slug", Title: l.Say("page.tenant")}, {Name: "name", Title: l.Say("page.name")}, {Name: "country", Title: l.Say("exports.country")}, {Name: "plan", Title: l.Say("exports.plan")},
		{Name: "day", Title: l.Say("page.day")}, {Name: "active_users", Title: l.Say("page.active_users")}, {Name: "attendance", Title: l.Say("page.in_attendance")}, {Name: "learners", Title: l.Say("page.learners")},
		{Name: "classes", Title: l.Say("exports.classes")}, {Name: "attempts", Title: l.Say("exports.attempts")}, {Name: "published_at", Title: l.Say("exports.published_at")}})
	known := map[string]tenants.Tenant{}
	for after, more := "", true; more; {
		var list []tenants.Tenant
		if err := m.read(ctx, func(r *tenants.Reader) (err error) {
			list, more, err = tenants.List(ctx, r, "", after, 200)
			return err
		}); err != nil {
			return err
		}
		for _, t := range list {
			known[t.Slug], after = t, t.Slug
		}
	}
	const most = 31 // days of all tenants at once
	for last := p.To; !last.Before(p.From); last = last.AddDate(0, 0, -most) {
		first := last.AddDate(0, 0, 1-most)
		if first.Before(p.From) {
			first = p.From
		}
		var list []tenants.UsageDay
		if err := m.read(ctx, func(r *tenants.Reader) (err error) {
			list, err = tenants.UsageDays(ctx, r, "", first, last)
			return err
		}); err != nil {
			return err
		}
		for _, d := range list {
			t := known[d.Slug]
			if err := m.out.row(d.Slug, t.Name, t.Country, t.Plan, d.Day, d.ActiveUsers, d.Attendance, d.Learners, d.Classes, d.Attempts, d.PublishedAt); err != nil {
				return err
			}
		}
	}
	return nil
}

// bills writes invoices, credit notes and payments by day, each sum as a decimal number with its currency.
func (m *maker) bills(ctx context.Context, asked *Days) error {
	p, err := asked.period()
	if err != nil {
		return err
	}
	l := m.a.Language
	m.out.begin(l.Say("bill.bills"), []tables.Column{{Name: "day", Title: l.Say("page.day")}, {Name: "tenant", Title: l.Say("page.tenant")}, {Name: "issuer", Title: l.Say("bill.issuer")}, {Name: "kind", Title: l.Say("bill.what")},
		{Name: "number", Title: l.Say("bill.number")}, {Name: "payment", Title: l.Say("bill.payment_name")}, {Name: "reference", Title: l.Say("bill.payer_wrote")}, {Name: "from", Title: l.Say("bill.from_day")}, {Name: "last", Title: l.Say("bill.until")},
		{Name: "due", Title: l.Say("bill.due_on")}, {Name: "currency", Title: l.Say("exports.currency")}, {Name: "before_tax", Title: l.Say("bill.subtotal")}, {Name: "tax", Title: l.Say("exports.tax")}, {Name: "amount", Title: l.Say("bill.sum")}})
	const most = 500
	for after := (books.Journal{}); ; {
		var list []books.Journal
		if err := m.read(ctx, func(r *tenants.Reader) (err error) {
			list, err = books.JournalOf(ctx, r, billing.On(p.From.Date()), billing.On(p.To.Date()), after, most)
			return err
		}); err != nil {
			return err
		}
		for _, e := range list {
			c := e.Currency
			if err := m.out.row(e.On.String(), e.Tenant, e.Issuer, e.What, e.Number, e.Name, e.Reference, e.From.String(), e.Last.String(), e.Due.String(), string(c), tables.Decimal(c.Money(e.Net).Decimal()), tables.Decimal(c.Money(e.Tax).Decimal()), tables.Decimal(c.Money(e.Amount).Decimal())); err != nil {
				return err
			}
			after = e
		}
		if len(list) < most {
			return nil
		}
	}
}

// figureTable is one table of figures: what is counted, by what.
type figureTable struct {
	figure string // as a file of CSV names it
	by     insight.By
	title  string
	months bool // it is of months, where the whole tenant is seen
	read   func(ctx context.Context, q tenants.Querier, p insight.Period, v insight.View) (*insight.Table, error)
}

// figures writes the tables of figures: a file of CSV has all in one, a workbook a sheet for each.
func (m *maker) figures(ctx context.Context, asked *Figures) error {
	v, err := insightapi.ViewOf(m.d, m.a.User.SchoolID, m.a.Day(m.j.Now), m.j.DB.Realm())
	if err != nil {
		return err
	}
	days, err := asked.period()
	if err != nil {
		return err
	}
	months := days
	if v.SchoolID == uuid.Nil {
		first, err := time.Parse(month, asked.FirstMonth)
		if err != nil {
			return err
		}
		last, err := time.Parse(month, asked.LastMonth)
		if err != nil {
			return err
		}
		months = insight.Period{From: first, To: last.AddDate(0, 1, -1)}
	}
	l, zone := m.a.Language, m.a.Zone()
	attendance := func(by insight.By) func(context.Context, tenants.Querier, insight.Period, insight.View) (*insight.Table, error) {
		return func(ctx context.Context, q tenants.Querier, p insight.Period, v insight.View) (*insight.Table, error) {
			return insight.Attendance(ctx, q, p, by, v)
		}
	}
	results := func(by insight.By) func(context.Context, tenants.Querier, insight.Period, insight.View) (*insight.Table, error) {
		return func(ctx context.Context, q tenants.Querier, p insight.Period, v insight.View) (*insight.Table, error) {
			return insight.PassRates(ctx, q, p, zone, by, v)
		}
	}
	list := []figureTable{
		{"attendance", insight.ByDay, l.Say("exports.attendance_by_day"), false, attendance(insight.ByDay)},
		{"active_users", insight.ByDay, l.Say("exports.active_users_by_day"), false, insight.ActiveUsers},
		{"results", insight.BySubject, l.Say("exports.results_by_subject"), true, results(insight.BySubject)},
	}
	if v.SchoolID == uuid.Nil {
		list = append(list, figureTable{"attendance", insight.ByRegion, l.Say("exports.attendance_by_region"), true, attendance(insight.ByRegion)},
			figureTable{"attendance", insight.BySchool, l.Say("exports.attendance_by_school"), true, attendance(insight.BySchool)},
			figureTable{"results", insight.ByRegion, l.Say("exports.results_by_region"), true, results(insight.ByRegion)},
			figureTable{"results", insight.BySchool, l.Say("exports.results_by_school"), true, results(insight.BySchool)})
	}
	for _, t := range list {
		p := days
		if t.months {
			p = months
		}
		if err := m.figureTable(ctx, t, p, v); err != nil {
			return err
		}
	}
	return nil
}

// figureTable writes one table, page by page where it has one row for each school, and its total at the end.
func (m *maker) figureTable(ctx context.Context, t figureTable, p insight.Period, v insight.View) error {
	l := m.a.Language
	m.out.begin(t.title, []tables.Column{{Name: "figure", Title: l.Say("exports.figure")}, {Name: "by", Title: l.Say("exports.by")}, {Name: "from", Title: l.Say("page.from")}, {Name: "to", Title: l.Say("page.to")},
		{Name: "total", Title: l.Say("exports.total")}, {Name: "key", Title: l.Say("exports.key")}, {Name: "name", Title: l.Say("page.name")}, {Name: "region", Title: l.Say("staff.region")},
		{Name: "people", Title: l.Say("exports.different_people")}, {Name: "count", Title: l.Say("exports.how_many")}, {Name: "passed", Title: l.Say("page.passed")}, {Name: "percent", Title: l.Say("exports.percent")},
		{Name: "suppressed", Title: l.Say("exports.withheld")}, {Name: "withheld", Title: l.Say("exports.parts_withheld")}, {Name: "incomplete", Title: l.Say("exports.months_not_listed_whole")}})
	write := func(c insight.Cell, total bool, table *insight.Table) error {
		incomplete := 0
		if total {
			incomplete = table.Incomplete
		}
		return m.out.row(t.figure, string(t.by), table.From, table.To, total, c.Key, c.Name, c.Group, c.People, c.Count, c.Passed, c.Percent, c.Suppressed, c.Withheld, incomplete)
	}
	if t.by == insight.BySchool {
		v.Rows.Limit = 200
	}
	some := false
	for {
		var table *insight.Table
		if err := m.read(ctx, func(r *tenants.Reader) (err error) {
			table, err = t.read(ctx, r, p, v)
			return err
		}); err != nil {
			return err
		}
		for _, c := range table.Cells {
			some = true
			if err := write(c, false, table); err != nil {
				return err
			}
		}
		if v.Rows.After = table.Next; table.Next != "" {
			continue
		}
		if !some && table.Incomplete == 0 {
			return nil
		}
		return write(table.Total, true, table)
	}
}
