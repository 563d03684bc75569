// Package platform is what account managers do: open tenants, give them plans and states, see what is used. Nothing here reaches a tenant's own
// data.
package platform

import (
	"context"
	"net/http"
	"time"

	"lignum/api"
	"lignum/domain"
	"lignum/policy"
	"lignum/tenants"
	"lignum/tenants/provision"
)

// TenantRef names a tenant in a path.
type TenantRef struct {
	Tenant string `path:"tenant" maxLength:"32" doc:"The tenant's slug"`
}

// Routes declares the routes of this area.
func Routes(s *api.Server) {
	api.Query(s, api.Route{Path: "/api/v1/platform/tenants", Permission: policy.PlatformTenantRead, Tag: "Platform", Summary: "List the tenants by slug"},
		func(ctx context.Context, c *api.Call, in *struct {
			api.Paging
			State string `query:"state" enum:"invited,provisioning,active,read_only,suspended,closing,closed" doc:"Only tenants in this state"`
		}) (*api.List[TenantInfo], error) {
			return ListTenants(ctx, c, tenants.State(in.State), in.Paging)
		})
	api.Query(s, api.Route{Path: "/api/v1/platform/tenants/{tenant}", Permission: policy.PlatformTenantRead, Tag: "Platform", Summary: "Show a tenant"},
		func(ctx context.Context, c *api.Call, in *TenantRef) (*TenantInfo, error) {
			return TenantPage(ctx, c, in.Tenant)
		})
	api.Direct(s, api.Route{Method: http.MethodPost, Path: "/api/v1/platform/tenants", Permission: policy.PlatformTenantProvision, Tag: "Platform", Status: http.StatusCreated, Summary: "Open a tenant",
		Detail: "The tenant is made whole or not at all, within a few seconds. The invitation of the first administrator is shown once. The same request sent again gives a new invitation, as long as none was used."},
		func(ctx context.Context, c *api.Call, in *struct{ Body provision.Spec }) (*provision.Provisioned, error) {
			return ProvisionTenant(ctx, c, in.Body)
		})
	api.Command(s, api.Route{Method: http.MethodPost, Path: "/api/v1/platform/tenants/{tenant}/suspension", Permission: policy.PlatformTenantSuspend, Tag: "Platform",
		Summary: "Suspend a tenant, or make it read-only", Detail: "The reason is shown to the tenant's people and stands in its audit trail."},
		func(ctx context.Context, c *api.Call, tx *tenants.Tx, in *struct {
			TenantRef
			Body struct {
				State   tenants.State `json:"state" enum:"suspended,read_only" doc:"suspended: nobody can use it; read_only: nothing can be changed"`
				Reason  string        `json:"reason" minLength:"10" maxLength:"300" doc:"Why; shown to the tenant's people"`
				Version string        `json:"version,omitempty" maxLength:"64" doc:"The version that you read: the answer is 409 when somebody else has changed the tenant's state or plan since"`
			}
		}) (*TenantInfo, error) {
			return ChangeState(ctx, c, tx, in.Tenant, in.Body.State, in.Body.Reason, in.Body.Version)
		})
	api.Command(s, api.Route{Method: http.MethodDelete, Path: "/api/v1/platform/tenants/{tenant}/suspension", Permission: policy.PlatformTenantResume, Tag: "Platform", Summary: "Resume a suspended or read-only tenant"},
		func(ctx context.Context, c *api.Call, tx *tenants.Tx, in *TenantRef) (*TenantInfo, error) {
			return ResumeTenant(ctx, c, tx, in.Tenant, "")
		})
	api.Command(s, api.Route{Method: http.MethodPost, Path: "/api/v1/platform/tenants/{tenant}/closing", Permission: policy.PlatformTenantClose, Tag: "Platform",
		Summary: "Set a tenant closing, or let it work again", Detail: "While it is closing its administrators can read everything and take files of it; everybody else is told that it is closed. Nothing is deleted. The reason is shown to the tenant's people and stands in its audit trail."},
		func(ctx context.Context, c *api.Call, tx *tenants.Tx, in *struct {
			TenantRef
			Body struct {
				State   tenants.State `json:"state" enum:"closing,active" doc:"closing: only its administrators read; active: it works again"`
				Reason  string        `json:"reason" minLength:"10" maxLength:"300" doc:"Why; shown to the tenant's people"`
				Version string        `json:"version,omitempty" maxLength:"64" doc:"The version that you read: the answer is 409 when somebody else has changed the tenant's state or plan since"`
			}
		}) (*TenantInfo, error) {
			return ChangeState(ctx, c, tx, in.Tenant, in.Body.State, in.Body.Reason, in.Body.Version)
		})
	api.Command(s, api.Route{Method: http.MethodPost, Path: "/api/v1/platform/tenants/{tenant}/end", Permission: policy.PlatformTenantEnd, Tag: "Platform",
		Summary: "End a tenant that is closing, or take that back", Detail: "Nothing is billed any more, and nothing is deleted: its administrators still read everything."},
		func(ctx context.Context, c *api.Call, tx *tenants.Tx, in *struct {
			TenantRef
			Body struct {
				State   tenants.State `json:"state" enum:"closed,closing" doc:"closed: it has ended; closing: it has not"`
				Reason  string        `json:"reason" minLength:"10" maxLength:"300" doc:"Why; shown to the tenant's people"`
				Version string        `json:"version,omitempty" maxLength:"64" doc:"The version that you read: the answer is 409 when somebody else has changed the tenant's state or plan since"`
			}
		}) (*TenantInfo, error) {
			return ChangeState(ctx, c, tx, in.Tenant, in.Body.State, in.Body.Reason, in.Body.Version)
		})
	api.Command(s, api.Route{Method: http.MethodPut, Path: "/api/v1/platform/tenants/{tenant}/plan", Permission: policy.PlatformTenantChange, Tag: "Platform", Summary: "Change a tenant's plan, or give it limits of its own"},
		func(ctx context.Context, c *api.Call, tx *tenants.Tx, in *struct {
			TenantRef
			Body struct {
				Plan    string          `json:"plan" enum:"school,college,country" doc:"The plan, which sets the limits"`
				Limits  *tenants.Limits `json:"limits,omitempty" doc:"Limits in place of the plan's; 0 allows none at all"`
				Version string          `json:"version,omitempty" maxLength:"64" doc:"The version that you read: the answer is 409 when somebody else has changed the tenant's state or plan since"`
			}
		}) (*TenantInfo, error) {
			return ChangePlan(ctx, c, tx, in.Tenant, in.Body.Plan, in.Body.Limits, in.Body.Version)
		})
	api.Query(s, api.Route{Path: "/api/v1/platform/tenants/{tenant}/quotas", Permission: policy.PlatformUsageRead, Tag: "Platform", Summary: "List the limits of a tenant, with what is used and what is left",
		Detail: "What is used is as the tenant published it last, within the last hour."},
		func(ctx context.Context, c *api.Call, in *TenantRef) (*api.List[tenants.Quota], error) {
			q, err := Quotas(ctx, c, in.Tenant)
			return api.ListOf(q.List, "", err)
		})
	usage := func(ctx context.Context, c *api.Call, in *usageQuery) (*api.List[tenants.UsageDay], error) {
		return UsageDays(ctx, c, in.Tenant, in.From, in.To)
	}
	api.Query(s, api.Route{Path: "/api/v1/platform/tenants/{tenant}/usage", Permission: policy.PlatformUsageRead, Tag: "Platform", Summary: "List what a tenant used, one entry for each day, newest first"}, usage)
	api.Query(s, api.Route{Path: "/api/v1/platform/usage", Permission: policy.PlatformUsageRead, Tag: "Platform", Summary: "List what all tenants used, one entry for each day, newest first"},
		func(ctx context.Context, c *api.Call, in *api.DayRange) (*api.List[tenants.UsageDay], error) {
			return UsageDays(ctx, c, "", in.From, in.To)
		})
}

type usageQuery struct {
	TenantRef
	api.DayRange
}

// TenantInfo is a tenant as the platform knows it.
type TenantInfo struct {
	tenants.Tenant
	URL     string `json:"url"`     // where its people sign in
	Version string `json:"version"` // of its state and plan, to be given back with a change of them
}

func tenantInfo(c *api.Call, t tenants.Tenant) TenantInfo {
	return TenantInfo{t, c.URL(t.Slug), t.Version()}
}

// unchanged refuses a change of a tenant whose state or plan somebody else changed since version was read; "" holds whatever there
// was. The tenant's row stays locked until the change is done.
func unchanged(ctx context.Context, tx *tenants.Tx, slug, version string) error {
	t, err := tenants.Find(ctx, tx, slug, tenants.Held)
	if err != nil {
		return err
	}
	return domain.CheckVersion(version, t.Version())
}

// ListTenants lists the tenants by slug, in one state or ("") in any.
func ListTenants(ctx context.Context, c *api.Call, state tenants.State, p api.Paging) (*api.List[TenantInfo], error) {
	if err := c.Permit(policy.Facts{Listing: true}); err != nil {
		return nil, err
	}
	out := &api.List[TenantInfo]{Items: []TenantInfo{}}
	err := c.DB.ReadFresh(ctx, func(r *tenants.Reader) error {
		list, more, err := tenants.List(ctx, r, state, p.Cursor, p.Limit)
		for _, t := range list {
			out.Items = append(out.Items, tenantInfo(c, t))
		}
		if more {
			out.Next = list[len(list)-1].Slug
		}
		return err
	})
	return out, err
}

// TenantPage returns a tenant.
func TenantPage(ctx context.Context, c *api.Call, slug string) (*TenantInfo, error) {
	if err := c.Permit(policy.Facts{}); err != nil {
		return nil, err
	}
	var t tenants.Tenant
	err := c.DB.ReadFresh(ctx, func(r *tenants.Reader) (err error) {
		t, err = tenants.Find(ctx, r, slug)
		return err
	})
	info := tenantInfo(c, t)
	return &info, err
}

// ProvisionTenant opens a tenant and gives the invitation of its first administrator, once.
func ProvisionTenant(ctx context.Context, c *api.Call, spec provision.Spec) (*provision.Provisioned, error) {
	if err := c.Permit(policy.Facts{}); err != nil {
		return nil, err
	}
	p := c.Provisioner()
	if p == nil {
		return nil, domain.Refuse(domain.Unavailable, "platform.this_process_may_not_open")
	}
	out, err := p.Create(ctx, spec, c.Actor)
	if err != nil {
		return nil, err
	}
	// The tenant is there; a refresh that fails is made up for by the next poll.
	if err := c.Registry().Refresh(ctx); err != nil {
		c.Server.Log.Warn("the registry could not be refreshed", "err", api.Causes(err))
	}
	c.Server.SendInvitation(ctx, &out.Tenant)
	return &out, nil
}

// ChangeState leads a tenant to another state, by a transition that the route's permission is for (tenants/state.go). Where one is needed the reason has
// at most 300 characters, and at least ten letters or digits in at least two words; the tenant's people read it. A refusal for want of one
// names the field. version is the one that was read. It returns domain.Conflict for a transition that there is not, or that is another permission's.
func ChangeState(ctx context.Context, c *api.Call, tx *tenants.Tx, slug string, to tenants.State, reason, version string) (*TenantInfo, error) {
	if err := c.Permit(policy.Facts{ReasonLength: api.ReasonLength(reason)}); err != nil {
		return nil, api.ReasonWanted(err, "body.reason")
	}
	if _, known := tenants.StateOf(string(to)); !known {
		return nil, domain.InvalidField("state", "platform.must_be_a_state")
	}
	if err := unchanged(ctx, tx, slug, version); err != nil {
		return nil, err
	}
	t, err := tenants.SetState(ctx, tx, slug, to, reason, tenants.By{Permission: c.Permission()})
	info := tenantInfo(c, t)
	return &info, err
}

// ResumeTenant lets a suspended or read-only tenant work again. version is the one that was read.
func ResumeTenant(ctx context.Context, c *api.Call, tx *tenants.Tx, slug, version string) (*TenantInfo, error) {
	return ChangeState(ctx, c, tx, slug, tenants.Active, "", version)
}

// UsageDays returns the days that a tenant (or with "" all of them) published, newest first; from and to are dates, or
// empty for the last 30 days.
func UsageDays(ctx context.Context, c *api.Call, slug, from, to string) (*api.List[tenants.UsageDay], error) {
	if err := c.Permit(policy.Facts{Listing: true}); err != nil {
		return nil, err
	}
	first, last, err := api.Days(from, to, c.Now.UTC().Truncate(24*time.Hour))
	if err != nil {
		return nil, err
	}
	var items []tenants.UsageDay
	err = c.DB.ReadFresh(ctx, func(r *tenants.Reader) (err error) {
		if slug != "" {
			if _, err := tenants.Find(ctx, r, slug); err != nil {
				return err
			}
		}
		items, err = tenants.UsageDays(ctx, r, slug, first, last)
		return err
	})
	return api.ListOf(items, "", err)
}
