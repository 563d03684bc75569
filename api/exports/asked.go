package exports

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/google/uuid"

	"lignum/api"
	insightapi "lignum/api/insight"
	peopleapi "lignum/api/people"
	"lignum/domain"
	"lignum/domain/exports"
	"lignum/domain/insight"
	"lignum/policy"
	"lignum/tenants"
)

// Trail says which entries of an audit trail are wanted. Conditions add up.
type Trail struct {
	Actor      *uuid.UUID `json:"actor,omitempty" format:"uuid" doc:"Only what this account did"`
	Action     string     `json:"action,omitempty" maxLength:"200" doc:"Only this action, such as class.register; with a final point, as in sign_in., all actions that begin so"`
	ObjectKind string     `json:"object_kind,omitempty" maxLength:"200" doc:"Only what was done to things of this kind, such as class or user"`
	Object     string     `json:"object,omitempty" maxLength:"200" doc:"Only what was done to the thing with this id"`
	Outcome    string     `json:"outcome,omitempty" enum:"done,refused" doc:"Only what was done, or only what was refused"`
	From       *time.Time `json:"from,omitempty" doc:"Only entries from this moment on"`
	To         *time.Time `json:"to,omitempty" doc:"Only entries before this moment"`
}

// filter is the same for the trail, up to a moment.
func (a *Trail) filter(until time.Time) tenants.TrailFilter {
	f := tenants.TrailFilter{Action: a.Action, ObjectKind: a.ObjectKind, ObjectID: a.Object, Outcome: a.Outcome, To: until, Limit: 200}
	if a.Actor != nil {
		f.ActorID = *a.Actor
	}
	if a.From != nil {
		f.From = *a.From
	}
	if a.To != nil && a.To.Before(until) {
		f.To = *a.To
	}
	return f
}

// People says which accounts are wanted. Conditions add up.
type People struct {
	Query  string     `json:"q,omitempty" maxLength:"100" doc:"Only people whose given name, family name or user name begins so, or whose names begin as in \"Ann Bro\""`
	Role   string     `json:"role,omitempty" maxLength:"64" doc:"Only people with this role"`
	State  string     `json:"state,omitempty" enum:"active,suspended" doc:"Only accounts in this state"`
	School *uuid.UUID `json:"school,omitempty" format:"uuid" doc:"Only people of this school"`
	Class  *uuid.UUID `json:"class,omitempty" format:"uuid" doc:"Only people who have a place in this class"`
	NoCard bool       `json:"no_password,omitempty" doc:"Only people who have not chosen a password yet"`
}

func (a *People) filter() peopleapi.UserFilter {
	f := peopleapi.UserFilter{Query: a.Query, Role: a.Role, State: a.State, NoCard: a.NoCard}
	if a.School != nil {
		f.School = *a.School
	}
	if a.Class != nil {
		f.Class = *a.Class
	}
	return f
}

// Days are some days, the first and the last among them.
type Days struct {
	From string `json:"from,omitempty" format:"date" doc:"The first day; without it 30 days end with the last day"`
	To   string `json:"to,omitempty" format:"date" doc:"The last day; without it today"`
}

// Figures says of which time figures are wanted.
type Figures struct {
	Days
	FirstMonth string `json:"first_month,omitempty" maxLength:"7" doc:"For a whole tenant, the first month of figures by school, region and subject, such as 2026-10: one of the last 13 that are over; without it the last of them. Figures of your own school are of the days"`
	LastMonth  string `json:"last_month,omitempty" maxLength:"7" doc:"The last month of those; without it the last that is over"`
}

// month is how a month is written.
const month = "2006-01"

// permissionOf is the permission to read what an export has, in a tenant or on the platform.
func permissionOf(kind exports.Kind, tenant bool) policy.Permission {
	switch kind {
	case exports.Trail:
		if tenant {
			return policy.AuditRead
		}
		return policy.PlatformAuditRead
	case exports.People:
		if tenant {
			return policy.UserRead
		}
		return policy.PlatformUserRead
	case exports.Usage:
		return policy.PlatformUsageRead
	case exports.Bills:
		return policy.PlatformBillRead
	case exports.Figures:
	}
	return policy.InsightRead
}

// AskTrail asks for entries of the realm's audit trail.
func AskTrail(ctx context.Context, c *api.Call, tx *tenants.Tx, as exports.Format, a Trail) (*Asked, error) {
	if err := c.Permit(policy.Facts{Listing: true}); err != nil {
		return nil, err
	}
	if err := someID(map[string]*uuid.UUID{"actor": a.Actor}); err != nil {
		return nil, inBody(err)
	}
	if err := someday(map[string]*time.Time{"from": a.From, "to": a.To}); err != nil {
		return nil, inBody(err)
	}
	f := a.filter(c.Now)
	if a.To != nil {
		f.To = *a.To
	}
	if err := f.Check(); err != nil {
		return nil, inBody(err)
	}
	return ask(ctx, c, tx, exports.Trail, as, a, "")
}

// AskPeople asks for accounts of the realm, or of the actor's school.
func AskPeople(ctx context.Context, c *api.Call, tx *tenants.Tx, as exports.Format, a People) (*Asked, error) {
	d, err := c.Decide(policy.Facts{Listing: true})
	if err != nil {
		return nil, err
	}
	if err := someID(map[string]*uuid.UUID{"school": a.School, "class": a.Class}); err != nil {
		return nil, inBody(err)
	}
	f := a.filter()
	if c.Tenant == nil {
		var p domain.Problems
		for name, id := range map[string]*uuid.UUID{"body.school": a.School, "body.class": a.Class} {
			if id != nil {
				p.Add(name, "exports.the_platform_has_no_schools")
			}
		}
		if err := p.Err(); err != nil {
			return nil, err
		}
	}
	reach, err := peopleReach(d, f, c.Tenant != nil, c.Claims.UserID, c.Claims.SchoolID)
	if err != nil {
		return nil, err
	}
	return ask(ctx, c, tx, exports.People, as, a, reach)
}

// peopleReach gives how far somebody sees accounts. Files are for those who look after all of the tenant or a school.
func peopleReach(d policy.Decision, f peopleapi.UserFilter, tenant bool, who uuid.UUID, school *uuid.UUID) (string, error) {
	filter, err := f.Within(d, tenant, who, school)
	if err != nil {
		return "", err
	}
	if err := filter.Check(); err != nil {
		return "", api.Renamed(err, "prefix", "body.q")
	}
	switch d.Scope {
	case policy.Whole:
		return "", nil
	case policy.School:
		return school.String(), nil // Within has seen that there is one
	case policy.Own, policy.Assigned, policy.Region, policy.Aggregate:
	}
	return "", domain.Refuse(domain.Forbidden, "exports.files_of_people_are_for_those")
}

// OffersPeople reports whether somebody who lists accounts may have them in a file.
func OffersPeople(c *api.Call) bool {
	d, err := c.Decide(policy.Facts{Listing: true})
	if err != nil {
		return false
	}
	_, err = peopleReach(d, peopleapi.UserFilter{}, c.Tenant != nil, c.Claims.UserID, c.Claims.SchoolID)
	return err == nil
}

// AskFigures asks for the figures of the tenant, or of the actor's school.
func AskFigures(ctx context.Context, c *api.Call, tx *tenants.Tx, as exports.Format, a Figures) (*Asked, error) {
	months, err := insightapi.FigureMonths(c, insight.BySchool)
	if err != nil {
		return nil, err
	}
	if err := a.settle(c.Day(), months); err != nil {
		return nil, inBody(err)
	}
	reach := ""
	if months == nil {
		reach = c.Claims.SchoolID.String() // whoever sees no whole tenant sees a school
	}
	return ask(ctx, c, tx, exports.Figures, as, a, reach)
}

// settle puts in what was left out, as of a day, and looks whether it makes sense. months are those that may be asked for, the newest first; nil: of a school they are none.
func (a *Figures) settle(today time.Time, months []insight.Period) error {
	if err := a.Days.settle(today); err != nil {
		return err
	}
	if p, err := a.period(); err != nil {
		return err
	} else if err := p.Check(); err != nil {
		return err
	}
	if months == nil {
		if a.FirstMonth != "" || a.LastMonth != "" {
			return domain.InvalidField("first_month", "exports.figures_of_a_school_are_of_days")
		}
		return nil
	}
	known := func(name, value string) error {
		for _, m := range months {
			if m.From.Format(month) == value {
				return nil
			}
		}
		return domain.InvalidField(name, "exports.must_be_one_of_the_months", "First", months[len(months)-1].From.Format(month), "Last", months[0].From.Format(month))
	}
	if a.LastMonth == "" {
		a.LastMonth = months[0].From.Format(month)
	}
	if a.FirstMonth == "" {
		a.FirstMonth = a.LastMonth
	}
	if err := known("last_month", a.LastMonth); err != nil {
		return err
	}
	if err := known("first_month", a.FirstMonth); err != nil {
		return err
	}
	if a.LastMonth < a.FirstMonth {
		return domain.InvalidField("last_month", "exports.must_not_be_before_the_first_month")
	}
	return nil
}

// settle puts in what was left out.
func (d *Days) settle(today time.Time) error {
	first, last, err := api.Days(d.From, d.To, today)
	if err == nil {
		err = someday(map[string]*time.Time{"from": &first, "to": &last})
	}
	d.From, d.To = first.Format(time.DateOnly), last.Format(time.DateOnly)
	return err
}

// someday gives domain.Invalid for moments long ago or far ahead, which neither calendars nor databases all know; nil is none.
func someday(list map[string]*time.Time) error {
	var p domain.Problems
	for name, at := range list {
		if at != nil && (at.Year() < 1900 || at.Year() > 9000) {
			p.Add(name, "domain.must_be_a_date_such")
		}
	}
	return p.Err()
}

// someID gives domain.Invalid for the id that nothing has; nil is none.
func someID(list map[string]*uuid.UUID) error {
	var p domain.Problems
	for name, id := range list {
		if id != nil && *id == uuid.Nil {
			p.Add(name, "domain.must_be_one_of_those")
		}
	}
	return p.Err()
}

// period gives the days that were settled.
func (d *Days) period() (p insight.Period, err error) {
	if p.From, err = time.Parse(time.DateOnly, d.From); err != nil {
		return p, err
	}
	p.To, err = time.Parse(time.DateOnly, d.To)
	return p, err
}

// AskUsage asks for what all tenants used.
func AskUsage(ctx context.Context, c *api.Call, tx *tenants.Tx, as exports.Format, d Days) (*Asked, error) {
	return askDays(ctx, c, tx, exports.Usage, as, d)
}

// AskBills asks for what all tenants were billed, credited and paid.
func AskBills(ctx context.Context, c *api.Call, tx *tenants.Tx, as exports.Format, d Days) (*Asked, error) {
	return askDays(ctx, c, tx, exports.Bills, as, d)
}

// askDays asks for what all tenants have of some days: at most 366.
func askDays(ctx context.Context, c *api.Call, tx *tenants.Tx, kind exports.Kind, as exports.Format, d Days) (*Asked, error) {
	if err := c.Permit(policy.Facts{Listing: true}); err != nil {
		return nil, err
	}
	if err := d.settle(c.Now.UTC().Truncate(24 * time.Hour)); err != nil {
		return nil, inBody(err)
	}
	if p, err := d.period(); err != nil {
		return nil, err
	} else if p.To.Sub(p.From) >= 366*24*time.Hour {
		return nil, domain.InvalidField("body.from", "exports.at_most_366_days")
	}
	return ask(ctx, c, tx, kind, as, d, "")
}

func ask(ctx context.Context, c *api.Call, tx *tenants.Tx, kind exports.Kind, as exports.Format, asked any, reach string) (*Asked, error) {
	id, err := exports.Ask(ctx, tx, kind, as, asked, reach, c.Now)
	return &Asked{id}, inBody(err)
}

// inBody gives wrong fields, as whoever looks at them calls them, the names that they have in the body.
func inBody(err error) error {
	var d *domain.Error
	if errors.As(err, &d) {
		for i, f := range d.Fields {
			d.Fields[i].Name = strings.TrimPrefix(strings.TrimPrefix(f.Name, "query."), "body.")
		}
	}
	return api.InBody(err)
}
