package platform

import (
	"context"

	"lignum/api"
	"lignum/domain/insight"
	"lignum/policy"
	"lignum/tenants"
	"lignum/tenants/audit"
	"lignum/tenants/jobs"
	"lignum/tenants/provision"
)

// TenantQuotas are a tenant's limits with what is used of them.
type TenantQuotas struct {
	List        []tenants.Quota
	Connections int64 // that its login may have open now: for a moment after a change of plan other than its limit
}

// Quotas returns a tenant's limits with what it published of their use.
func Quotas(ctx context.Context, c *api.Call, slug string) (q TenantQuotas, err error) {
	if err := c.Permit(policy.Facts{Listing: true}); err != nil {
		return q, err
	}
	err = c.DB.ReadFresh(ctx, func(r *tenants.Reader) error {
		t, err := tenants.Find(ctx, r, slug)
		if err != nil {
			return err
		}
		used, err := insight.UsedBy(ctx, r, slug)
		if err != nil {
			return err
		}
		q.List = t.Limits.Quotas(used)
		q.Connections, err = provision.Connections(ctx, r, t.LoginRole)
		return err
	})
	return q, err
}

// ChangePlan gives a tenant another plan's limits, or limits of its own.
func ChangePlan(ctx context.Context, c *api.Call, tx *tenants.Tx, slug, plan string, own *tenants.Limits, version string) (*TenantInfo, error) {
	if err := c.Permit(policy.Facts{}); err != nil {
		return nil, err
	}
	if err := unchanged(ctx, tx, slug, version); err != nil {
		return nil, err
	}
	t, err := tenants.SetPlan(ctx, tx, slug, plan, own, audit.Entry{Action: policy.PlatformTenantChange.Name()})
	if err != nil {
		return nil, err
	}
	jobs.Queue(tx, tenants.ConnectionsJob, slug)
	info := tenantInfo(c, t)
	return &info, nil
}
