package api

import (
	"context"
	"time"

	"github.com/google/uuid"

	"lignum/domain"
	"lignum/domain/people"
	"lignum/domain/words"
	"lignum/policy"
	"lignum/tenants"
	"lignum/tenants/audit"
	"lignum/tenants/jobs"
)

// Asker is somebody for whom a job works, as they are now: who left since, or may less than when they asked, gets no more than what they may.
type Asker struct {
	Actor    audit.Actor // for the trail
	User     people.User
	Language words.Language // that they read
	Enforcer *policy.Enforcer
	rules    *policy.Engine
	tenant   *tenants.Tenant // nil: the platform
}

// AskerOf reads who asked for a job, and the rules of their realm. It gives domain.NotFound where there is no such account.
func AskerOf(ctx context.Context, j *jobs.Job, rules *policy.Engine, id uuid.UUID) (*Asker, error) {
	a := &Asker{rules: rules, tenant: j.Tenant, Actor: j.Actor()}
	if err := j.DB.ReadFresh(ctx, func(r *tenants.Reader) (err error) {
		if a.User, err = people.UserByID(ctx, r, id); err != nil {
			return err
		}
		own, spoken := "", tenants.PlatformBranding.Languages
		if a.User.Locale != nil {
			own = *a.User.Locale
		}
		if a.tenant != nil {
			looks, err := tenants.ReadBranding(ctx, r)
			if err != nil {
				return err
			}
			spoken = looks.Languages
		}
		a.Language = words.Choose(own, "", spoken)
		list, err := tenants.Rules(ctx, r)
		if err != nil {
			return err
		}
		a.Enforcer, err = policy.NewEnforcer(j.DB.Realm().Name(), 0, list)
		return err
	}); err != nil {
		return nil, err
	}
	a.Enforcer.Asking(rules)
	a.Actor.ID, a.Actor.Name, a.Actor.Roles, a.Actor.Realm = a.User.ID, a.User.UserName, a.User.Roles, j.DB.Realm().Name()
	return a, nil
}

// Decide asks Casbin and the policy as of now. It gives domain.Forbidden where either refuses.
func (a *Asker) Decide(ctx context.Context, p policy.Permission, facts policy.Facts) (policy.Decision, error) {
	// A second factor was proven when it was asked for.
	in := policy.Input{Permission: p, Realm: policy.Platform, ActorState: string(a.User.State), Roles: a.Enforcer.Expand(a.User.Roles), SecondFactor: true, Facts: facts}
	if a.tenant != nil {
		in.Realm, in.TenantTakes = policy.Tenant, a.tenant.Allows().Takes
	}
	d, err := a.rules.Decide(ctx, in)
	if err != nil {
		return d, err
	}
	if !d.Allow || !a.Enforcer.Allows(a.User.Roles, p) {
		return d, domain.Refuse(domain.Forbidden, "api.who_asked_may_not_any_more")
	}
	return d, nil
}

// Zone is the time zone of the asker's realm; of the platform UTC.
func (a *Asker) Zone() *time.Location {
	if a.tenant == nil {
		return time.UTC
	}
	return a.tenant.Location()
}

// Day is the asker's date at a moment.
func (a *Asker) Day(now time.Time) time.Time {
	if a.tenant == nil {
		return now.UTC().Truncate(24 * time.Hour)
	}
	return a.tenant.Today(now)
}
