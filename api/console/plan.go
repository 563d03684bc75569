package console

import (
	"context"
	"encoding/json"
	"strconv"
	"strings"

	"lignum/api"
	"lignum/api/platform"
	"lignum/api/web"
	"lignum/domain"
	"lignum/policy"
	"lignum/tenants"
	"lignum/tenants/limits"
)

// limitRow is one limit of a tenant with what is used of it and what the plans would give. Used is "" for what is not counted or published.
type limitRow struct {
	Name, Label, Used, Limit string
	Beyond                   bool // it was set below what is used
	Warned                   int
	Plans                    []string
}

// planOffer is another plan with what changing to it does.
type planOffer struct{ Value, Title, Says string }

// plan puts a tenant's limits together, with what it published of their use and what the plans would give. f is the form of own limits as it was typed.
func (d *tenantData) plan(ctx context.Context, c *api.Call, f *web.Form) error {
	now := d.Tenant
	d.OwnTyped = f.Has("concurrent")
	quotas := now.Limits.Quotas(nil)
	if part, err := c.Under(policy.PlatformUsageRead); err == nil {
		q, err := platform.Quotas(ctx, part, now.Slug)
		if err != nil {
			return err
		}
		if quotas = q.List; q.Connections != now.Limits.Connections {
			d.Connections = c.Language.Number(int(q.Connections))
		}
	}
	plans := map[string][]string{}
	for _, p := range tenants.Plans {
		for _, q := range p.Limits.Quotas(nil) {
			plans[q.Name] = append(plans[q.Name], amount(c, q.Name, q.Limit))
		}
	}
	for _, q := range quotas {
		row := limitRow{Name: q.Name, Label: c.Say("quota." + q.Name), Limit: amount(c, q.Name, q.Limit), Warned: q.Warned, Plans: plans[q.Name]}
		if q.Used != nil {
			row.Used, row.Beyond, d.UsedAt = amount(c, q.Name, *q.Used), *q.Used > q.Limit, q.AsOf
		}
		d.Limits = append(d.Limits, row)
		if !f.Has(q.Name) {
			f.Set(q.Name, strconv.FormatInt(q.Limit, 10))
		}
	}
	d.PlanOffers = planOffers(c, now, quotas)
	return nil
}

// amount writes so much of a limit.
func amount(c *api.Call, name string, n int64) string {
	if name == string(limits.Storage) {
		return c.Say("console.gigabytes", "N", strings.TrimSuffix(strconv.FormatFloat(float64(n)/(1<<30), 'f', 1, 64), ".0"))
	}
	return c.Language.Number(int(n))
}

// planOffers says of each other plan what would hold then, and what is over its limits by what was published last.
func planOffers(c *api.Call, now tenants.Tenant, quotas []tenants.Quota) []planOffer {
	var offers []planOffer
	for _, p := range tenants.Plans {
		if p.Name == now.Plan && p.Limits == now.Limits {
			continue
		}
		says := c.Say("console.plan_changes", "Learners", int(p.Limits.Learners), "LearnersNow", int(now.Limits.Learners), "Staff", int(p.Limits.Staff), "StaffNow", int(now.Limits.Staff),
			"Classes", int(p.Limits.Classes), "ClassesNow", int(now.Limits.Classes))
		then := map[string]int64{}
		for _, q := range p.Limits.Quotas(nil) {
			then[q.Name] = q.Limit
		}
		for _, q := range quotas {
			if q.Used != nil && *q.Used > then[q.Name] {
				says += " " + c.Say("console.more_is_used", "Quota", c.Say("quota."+q.Name), "Used", amount(c, q.Name, *q.Used), "Limit", amount(c, q.Name, then[q.Name]))
			}
		}
		offers = append(offers, planOffer{p.Name, c.Language.Word(p.Name), says})
	}
	return offers
}

// setLimits gives a tenant limits of its own, beside the plan that it has.
func setLimits(ctx context.Context, c *api.Call, tx *tenants.Tx, slug string, f *web.Form) error {
	var own tenants.Limits
	typed := map[string]int64{}
	var p domain.Problems
	for _, q := range own.Quotas(nil) {
		n, err := strconv.ParseInt(f.Text(q.Name), 10, 64)
		if err != nil {
			p.Add(q.Name, "console.must_be_a_whole_number")
		}
		typed[q.Name] = n
	}
	if err := p.Err(); err != nil {
		return err
	}
	raw, err := json.Marshal(typed)
	if err == nil {
		err = json.Unmarshal(raw, &own)
	}
	if err != nil {
		return err
	}
	_, err = platform.ChangePlan(ctx, c, tx, slug, f.Get("plan"), &own, f.Get("version"))
	for name := range typed {
		err = api.Renamed(err, "limits."+name, name)
	}
	return err
}
