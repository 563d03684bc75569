package console

import (
	"context"
	"time"

	"github.com/gofiber/fiber/v2"

	"lignum/api"
	exportsapi "lignum/api/exports"
	noticesapi "lignum/api/notices"
	"lignum/api/platform"
	"lignum/api/web"
	"lignum/domain/exports"
	"lignum/domain/notices"
	"lignum/domain/words"
	"lignum/policy"
	"lignum/tenants"
)

var (
	stateChanged  = web.Notice("tenant-state", "console.the_state_is_changed_the")
	limitsChanged = web.Notice("tenant-limits", "console.the_limits_are_changed")
	planChanged   = web.Notice("tenant-plan", "console.the_plan_is_changed_its")
)

func tenantPages(s *api.Server) {
	api.Page(s, api.Route{Path: "/console", Permission: policy.PlatformTenantRead, Parts: []policy.Permission{policy.PlatformUsageRead, policy.ProfileRead}, Summary: "Tenants and what they use"},
		func(ctx context.Context, c *api.Call, fc *fiber.Ctx) error {
			return showTenants(ctx, c, fc, &web.Form{})
		})
	api.Form(s, api.Route{Path: "/console/export", Permission: policy.PlatformUsageRead, Parts: []policy.Permission{policy.PlatformTenantRead, policy.ProfileRead}, Summary: "Ask for a file with what all tenants used"},
		func(ctx context.Context, c *api.Call, tx *tenants.Tx, fc *fiber.Ctx) (string, error) {
			return web.Exports(ctx, c, tx, fc, func(f *web.Form) error { return showTenants(ctx, c, fc, f) }, func(as exports.Format) (*exportsapi.Asked, error) {
				f := web.ReadForm(fc)
				return exportsapi.AskUsage(ctx, c, tx, as, exportsapi.Days{From: f.Text("from"), To: f.Text("to")})
			})
		})
	api.Page(s, api.Route{Path: "/console/tenants/new", Permission: policy.PlatformTenantProvision, Summary: "Form of a new tenant"}, newTenant)
	api.Page(s, api.Route{Method: fiber.MethodPost, Path: "/console/tenants", Permission: policy.PlatformTenantProvision, Summary: "Open a tenant"}, openTenant)
	api.Page(s, api.Route{Path: "/console/tenants/{tenant}", Permission: policy.PlatformTenantRead, Parts: []policy.Permission{policy.PlatformUsageRead}, Summary: "One tenant"},
		func(ctx context.Context, c *api.Call, fc *fiber.Ctx) error {
			return showTenant(ctx, c, fc, &web.Form{})
		})
	api.Form(s, api.Route{Path: "/console/tenants/{tenant}/suspension", Permission: policy.PlatformTenantSuspend, Parts: []policy.Permission{policy.PlatformTenantRead, policy.PlatformUsageRead}, Summary: "Suspend a tenant or make it read-only"},
		tenantForm(stateChanged, changeState))
	api.Form(s, api.Route{Path: "/console/tenants/{tenant}/resume", Permission: policy.PlatformTenantResume, Parts: []policy.Permission{policy.PlatformTenantRead, policy.PlatformUsageRead}, Summary: "Resume a suspended or read-only tenant"},
		tenantForm(stateChanged, func(ctx context.Context, c *api.Call, tx *tenants.Tx, slug string, f *web.Form) error {
			_, err := platform.ResumeTenant(ctx, c, tx, slug, f.Get("version"))
			return err
		}))
	api.Form(s, api.Route{Path: "/console/tenants/{tenant}/closing", Permission: policy.PlatformTenantClose, Parts: []policy.Permission{policy.PlatformTenantRead, policy.PlatformUsageRead}, Summary: "Close a tenant, or open one that is closing again"},
		tenantForm(stateChanged, changeState))
	api.Form(s, api.Route{Path: "/console/tenants/{tenant}/end", Permission: policy.PlatformTenantEnd, Parts: []policy.Permission{policy.PlatformTenantRead, policy.PlatformUsageRead}, Summary: "End a tenant that is closing, or take that back"},
		tenantForm(stateChanged, changeState))
	api.Form(s, api.Route{Path: "/console/tenants/{tenant}/plan", Permission: policy.PlatformTenantChange, Parts: []policy.Permission{policy.PlatformTenantRead, policy.PlatformUsageRead}, Summary: "Give a tenant another plan"},
		tenantForm(planChanged, func(ctx context.Context, c *api.Call, tx *tenants.Tx, slug string, f *web.Form) error {
			_, err := platform.ChangePlan(ctx, c, tx, slug, f.Get("plan"), nil, f.Get("version"))
			return err
		}))
	api.Form(s, api.Route{Path: "/console/tenants/{tenant}/limits", Permission: policy.PlatformTenantChange, Parts: []policy.Permission{policy.PlatformTenantRead, policy.PlatformUsageRead}, Summary: "Give a tenant limits of its own"},
		tenantForm(limitsChanged, setLimits))
}

// decisions are where the form of a decision about a tenant's state goes, by the permission that it takes.
var decisions = map[policy.Permission]string{policy.PlatformTenantSuspend: "suspension", policy.PlatformTenantResume: "resume", policy.PlatformTenantClose: "closing", policy.PlatformTenantEnd: "end"}

func changeState(ctx context.Context, c *api.Call, tx *tenants.Tx, slug string, f *web.Form) error {
	_, err := platform.ChangeState(ctx, c, tx, slug, tenants.State(f.Get("state")), f.Text("reason"), f.Get("version"))
	return err
}

// way is a transition that whoever looks at the page may go now, as a form.
type way struct {
	Path, State, Do, Means string
	Reason                 bool // must be given
	Open                   bool // it was sent, and is shown again
}

// waysOn are the ways from the tenant's state that whoever looks may go.
func waysOn(c *api.Call, t tenants.Tenant, asked string) (ways []way) {
	for _, next := range t.State.Next() {
		path, ok := decisions[next.Permission]
		if !ok || !c.Could(next.Permission) { // it is made and taken away by other means
			continue
		}
		ways = append(ways, way{Path: path, State: string(next.To), Do: next.Do.In(c.Language).String(), Means: next.To.Means().In(c.Language).String(), Reason: next.Reason,
			Open: asked == string(next.To)})
	}
	return ways
}

// tenantRow is a tenant with what it published for its yesterday.
type tenantRow struct {
	Slug, Name, Country, Plan, State, Look, StateReason string
	Known                                               bool
	Learners, Active, Attendance                        int
}

type tenantsData struct {
	Rows                         []tenantRow
	Working                      int // how many are active
	Learners, Active, Attendance int
	MayOpen, MayExport           bool
	Told                         []notices.Notice
}

func showTenants(ctx context.Context, c *api.Call, fc *fiber.Ctx, f *web.Form) error {
	d := tenantsData{MayExport: c.Could(policy.PlatformUsageRead), MayOpen: c.Could(policy.PlatformTenantProvision)}
	if part, err := c.Under(policy.ProfileRead); err == nil {
		list, err := noticesapi.MyNotices(ctx, part)
		if err != nil {
			return err
		}
		d.Told = list.Items
	}
	listing, err := c.Under(policy.PlatformTenantRead)
	if err != nil {
		return err
	}
	all, err := allTenants(ctx, listing)
	if err != nil {
		return err
	}
	published, err := yesterdays(ctx, c)
	if err != nil {
		return err
	}
	for _, t := range all {
		row := tenantRow{Slug: t.Slug, Name: t.Name, Country: nameOf(c.Language, t.Country), Plan: t.Plan, State: string(t.State), Look: web.StateLook(t.State), StateReason: t.StateReason}
		if day, ok := published[t.Slug+" "+t.Today(c.Now).AddDate(0, 0, -1).Format(time.DateOnly)]; ok {
			row.Known, row.Learners, row.Active, row.Attendance = true, day.Learners, day.ActiveUsers, day.Attendance
			d.Learners, d.Active, d.Attendance = d.Learners+day.Learners, d.Active+day.ActiveUsers, d.Attendance+day.Attendance
		}
		if t.Allows().Takes == policy.TakesChanges {
			d.Working++
		}
		d.Rows = append(d.Rows, row)
	}
	return pages.Render(c, fc, "tenants", web.Page{Title: c.Say("console.tenants"), Form: f, Data: d})
}

// mostTenants is how many the list shows.
const mostTenants = 1000

func allTenants(ctx context.Context, c *api.Call) ([]platform.TenantInfo, error) {
	var all []platform.TenantInfo
	for cursor := ""; len(all) < mostTenants; {
		list, err := platform.ListTenants(ctx, c, "", api.Paging{Cursor: cursor, Limit: 200})
		if err != nil {
			return nil, err
		}
		all = append(all, list.Items...)
		if cursor = list.Next; cursor == "" {
			break
		}
	}
	return all, nil
}

// yesterdays returns the last days that were published, by "slug day"; nothing to those who may not see use.
func yesterdays(ctx context.Context, c *api.Call) (map[string]tenants.UsageDay, error) {
	days := map[string]tenants.UsageDay{}
	part, err := c.Under(policy.PlatformUsageRead)
	if err != nil {
		return days, nil //nolint:nilerr // refused: the page has the rest
	}
	// Somewhere it is still the day before: two days back from UTC holds every tenant's yesterday.
	list, err := platform.UsageDays(ctx, part, "", c.Now.AddDate(0, 0, -2).Format(time.DateOnly), c.Now.Format(time.DateOnly))
	if err != nil {
		return nil, err
	}
	for _, day := range list.Items {
		days[day.Slug+" "+day.Day] = day
	}
	return days, nil
}

type tenantData struct {
	Tenant                                 tenants.Tenant
	State, Look, Country, Address, Version string
	Means                                  string // what the state means
	Ways                                   []way
	Active, Attendance                     web.Chart
	Days                                   []tenants.UsageDay
	Plans                                  []tenants.Plan
	PlanOffers                             []planOffer
	Limits                                 []limitRow
	UsedAt                                 *time.Time // when what is used was published; nil: nothing is
	Connections                            string     // that the login may have open now, where that is not yet its limit
	OwnTyped                               bool
	Made, MayChange                        bool
}

func showTenant(ctx context.Context, c *api.Call, fc *fiber.Ctx, f *web.Form) error {
	slug := fc.Params("tenant")
	reading, err := c.Under(policy.PlatformTenantRead) // also when a form of this page is shown again
	if err != nil {
		return err
	}
	t, err := platform.TenantPage(ctx, reading, slug)
	if err != nil {
		return err
	}
	d := tenantData{Tenant: t.Tenant, State: string(t.State), Country: nameOf(c.Language, t.Country), Address: t.URL, Version: t.Version, Plans: tenants.Plans,
		Look: web.StateLook(t.State), Means: t.State.Means().In(c.Language).String(), Ways: waysOn(c, t.Tenant, f.Get("state")), Made: t.Allows().Made,
		MayChange: c.Could(policy.PlatformTenantChange) && t.Allows().Made}
	if part, err := c.Under(policy.PlatformUsageRead); err == nil {
		list, err := platform.UsageDays(ctx, part, slug, "", "")
		if err != nil {
			return err
		}
		d.Days = list.Items
		d.Active, d.Attendance = usageCharts(c.Language, list.Items)
	}
	if err := d.plan(ctx, c, f); err != nil {
		return err
	}
	return pages.Render(c, fc, "tenant", web.Page{Title: t.Name, Form: f, Data: d})
}

// usageCharts draws days, which come newest first, from the oldest on.
func usageCharts(l words.Language, days []tenants.UsageDay) (active, attendance web.Chart) {
	active, attendance = web.Chart{ID: "active", Title: l.Say("page.active_users_a_day")}, web.Chart{ID: "attendance", Title: l.Say("page.learners_in_attendance_a_day")}
	for i := len(days) - 1; i >= 0; i-- {
		label := days[i].Day
		if t, err := time.Parse(time.DateOnly, label); err == nil {
			label = l.Format(t, "day_and_month")
		}
		active.Bars = append(active.Bars, web.Bar{Label: label, Value: days[i].ActiveUsers})
		attendance.Bars = append(attendance.Bars, web.Bar{Label: label, Value: days[i].Attendance})
	}
	return active, attendance
}

// tenantForm is a form of a tenant's page: it changes, and goes back to the page.
func tenantForm(notice string, change func(context.Context, *api.Call, *tenants.Tx, string, *web.Form) error) func(context.Context, *api.Call, *tenants.Tx, *fiber.Ctx) (string, error) {
	return func(ctx context.Context, c *api.Call, tx *tenants.Tx, fc *fiber.Ctx) (string, error) {
		f := web.ReadForm(fc)
		f.Again(fc, func(f *web.Form) error { return showTenant(ctx, c, fc, f) })
		slug := fc.Params("tenant")
		if err := change(ctx, c, tx, slug, f); err != nil {
			return "", err
		}
		web.Notify(c, fc, notice)
		return "/console/tenants/" + slug, nil
	}
}
