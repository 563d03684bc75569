// Package settings is what a tenant decides for itself: its settings, and who may ever do what. What the platform decides
// about a tenant is in api/platform.
package settings

import (
	"context"
	"net/http"

	"lignum/api"
	"lignum/domain"
	"lignum/domain/people"
	"lignum/policy"
	"lignum/tenants"
	"lignum/tenants/files"
	"lignum/tenants/limits"
)

// Routes declares the routes of this area.
func Routes(s *api.Server) {
	api.Query(s, api.Route{Path: "/api/v1/tenant", Permission: policy.TenantRead, Tag: "Tenant", Summary: "Show the tenant's state, plan, limits and settings"},
		func(ctx context.Context, c *api.Call, _ *struct{}) (*TenantSettings, error) {
			return ReadSettings(ctx, c)
		})
	api.Query(s, api.Route{Path: "/api/v1/tenant/quotas", Permission: policy.TenantRead, Tag: "Tenant", Summary: "List the limits of the tenant's plan, with what is used and what is left",
		Detail: "Administrators are warned at 80, 95 and 100 per cent. Of rates and of requests at one moment it is not counted how much is used; a request beyond its limit is answered 429."},
		func(ctx context.Context, c *api.Call, _ *struct{}) (*api.List[tenants.Quota], error) {
			return Quotas(ctx, c)
		})
	api.Command(s, api.Route{Method: http.MethodPut, Path: "/api/v1/tenant/branding", Permission: policy.TenantChange, Tag: "Tenant", Summary: "Change the tenant's settings"},
		func(ctx context.Context, c *api.Call, tx *tenants.Tx, in *struct{ Body tenants.Branding }) (*api.Done, error) {
			return ChangeBranding(ctx, c, tx, in.Body.Version, func(b *tenants.Branding) error { return c.Onto(b) })
		})
	logoRoutes(s)
}

// TenantSettings are a tenant's settings with what the platform knows it by.
type TenantSettings struct {
	Slug       string `json:"slug"`
	Country    string `json:"country"`
	TimeZone   string `json:"time_zone"`
	Locale     string `json:"locale"`
	Currency   string `json:"currency"`
	ExamScheme string `json:"exam_scheme"`
	Logo       *Logo  `json:"logo,omitempty" doc:"Absent where the tenant has none"`
	tenants.Settings
}

// ReadSettings returns the tenant's own settings.
func ReadSettings(ctx context.Context, c *api.Call) (*TenantSettings, error) {
	if err := c.Permit(policy.Facts{}); err != nil {
		return nil, err
	}
	t := c.Tenant
	out := &TenantSettings{Slug: t.Slug, Country: t.Country, TimeZone: t.TimeZone, Locale: t.Locale, Currency: t.Currency, ExamScheme: t.ExamScheme}
	err := c.DB.ReadFresh(ctx, func(r *tenants.Reader) (err error) {
		if out.Settings, err = tenants.ReadSettings(ctx, r); err != nil {
			return err
		}
		f, err := files.LogoOf(ctx, r)
		out.Logo = logoOf(f)
		return err
	})
	return out, err
}

// Quotas returns the tenant's limits with what is used of them. How many people there are is left out where the actor sees figures alone and they are few.
func Quotas(ctx context.Context, c *api.Call) (*api.List[tenants.Quota], error) {
	d, err := c.Decide(policy.Facts{})
	if err != nil {
		return nil, err
	}
	var list []tenants.Quota
	if err := c.DB.ReadFresh(ctx, func(r *tenants.Reader) (err error) {
		list, err = tenants.ReadQuotas(ctx, r, c.Day())
		return err
	}); err != nil {
		return nil, err
	}
	for i, q := range list {
		if (q.Name == string(limits.Learners) || q.Name == string(limits.Staff)) && q.Used != nil && *q.Used < int64(d.MinCell) {
			list[i] = tenants.Quota{Name: q.Name, Limit: q.Limit}
		}
	}
	return api.ListOf(list, "", nil)
}

// ChangeBranding lets edit change what the tenant decides for itself; seen is the version that was changed. What edit leaves alone stays as it
// is. Who asks staff for a second factor must have signed in with one, so that nobody shuts themselves out.
func ChangeBranding(ctx context.Context, c *api.Call, tx *tenants.Tx, seen string, edit func(b *tenants.Branding) error) (*api.Done, error) {
	if err := c.Permit(policy.Facts{}); err != nil {
		return nil, err
	}
	was, is, err := tenants.EditBranding(ctx, tx, seen, func(b *tenants.Branding) error {
		if err := edit(b); err != nil {
			return err
		}
		if b.StaffSecondFactor && !c.Claims.SecondFactor {
			return domain.Refuse(domain.Conflict, "settings.sign_in_with_a_second")
		}
		return nil
	}, c.Now)
	if err == nil && is.LeaderboardBy != was.LeaderboardBy {
		err = people.UnlistAll(ctx, tx, c.Now) // what one decided is not the other's decision
	}
	return &api.Done{Done: true}, err
}
