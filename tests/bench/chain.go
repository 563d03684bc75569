package main

import (
	"context"
	"fmt"
	"slices"
	"time"

	"lignum/domain/identity"
	"lignum/policy"
	"lignum/tenants"
	"lignum/tenants/limits"
	"lignum/tests/load"
)

// chainSteps is how many requests of the record day go through the chain: those of two busy hours, with half of their people.
const chainSteps = 60_000

// passage is one request of the day on its way through the chain.
type passage struct {
	token string
	do    *load.Action
}

// chain measures the processor time of token, Casbin, rate quota and OPA for one request: the record day's own sequence, with its people,
// their roles, tokens that are renewed every twelve minutes and so must be verified once each, and each page's own questions to the
// policy. What admits to it is in process, as in the API.
func chain(ctx context.Context, b *bench) ([]figure, error) {
	if err := b.on(ctx, post); err != nil {
		return nil, err
	}
	client := load.NewClient(b.apiAddr, 1)
	country, err := b.country(ctx, "jamaica")
	if err != nil {
		return nil, err
	}
	rules, keys, err := b.realm(ctx, country.Tenant)
	if err != nil {
		return nil, err
	}
	engine, err := policy.NewEngine(nil)
	if err != nil {
		return nil, err
	}
	enforcer, err := policy.NewEnforcer(country.Tenant.Slug, 1, rules)
	if err != nil {
		return nil, err
	}
	steps, verified, err := passages(country)
	if err != nil {
		return nil, err
	}
	c := &chainOf{ctx: ctx, engine: engine, keys: keys, issuer: client.Issuer("jamaica"), verifier: identity.NewVerifier(0), rate: limits.NewRate(nil), shares: limits.NewShares(nil)}
	asked := 0
	before := load.OwnTime()
	for _, p := range steps {
		if err := c.pass(p, enforcer, true); err != nil {
			return nil, fmt.Errorf("%s: %w", p.do.Name, err)
		}
		asked += len(p.do.Asked)
	}
	with := micros(load.OwnTime()-before, len(steps))
	without, err := c.uncached(steps, country.Tenant.Slug, rules)
	if err != nil {
		return nil, err
	}
	return []figure{
		atMost("authorization chain, tokens and facts of the record day: CPU a request", with, "µs", 60),
		told("of these requests, tokens that were shown for the first time", 100*float64(verified)/float64(len(steps)), "%"),
		told("of these requests, decisions a request", float64(asked)/float64(len(steps)), ""),
		told("authorization chain without caches: CPU a request", without, "µs"),
	}, nil
}

// realm returns a tenant's rules and keys.
func (b *bench) realm(ctx context.Context, t *tenants.Tenant) (rules []policy.Rule, keys *identity.KeyRing, err error) {
	err = b.store.DB(t.Realm()).Read(ctx, func(r *tenants.Reader) error {
		if rules, err = tenants.Rules(ctx, r); err != nil {
			return err
		}
		keys, err = identity.LoadKeys(ctx, r, b.vault, t.Slug)
		return err
	})
	return rules, keys, err
}

// passages returns the requests of the record day from four in the afternoon on, each with the token that the person has at that time.
func passages(country *load.Country) (list []passage, verified int, err error) {
	learners := min(load.RecordUsers/2, len(country.Learners))
	plan := load.Plan(learners, country.Staff[:learners/20], 1)
	from := slices.IndexFunc(plan, func(s load.Step) bool { return s.At >= 16*time.Hour })
	type ticket struct {
		token  string
		issued time.Duration
	}
	tickets := map[int32]ticket{}
	for _, s := range plan[from:min(len(plan), from+chainSteps)] {
		who := country.Learners[max(0, s.Who)]
		if s.Who < 0 {
			who = country.Staff[-1-s.Who]
		}
		p := passage{do: s.Do}
		t, known := tickets[s.Who]
		if !known || s.At-t.issued >= identity.TokenLife {
			if t.token, err = country.Desk.Token(who); err != nil {
				return nil, 0, err
			}
			t.issued = s.At
			tickets[s.Who] = t
			verified++
		}
		p.token = t.token
		list = append(list, p)
	}
	return list, verified, nil
}

// chainOf is the parts that a request passes.
type chainOf struct {
	ctx      context.Context
	engine   *policy.Engine
	keys     *identity.KeyRing
	issuer   string
	verifier *identity.Verifier
	rate     *limits.Rate
	shares   *limits.Shares
}

// pass takes a request through, as api/pipeline.go does. cached remembers tokens.
func (c *chainOf) pass(p passage, enforcer *policy.Enforcer, cached bool) error {
	now := time.Now()
	var claims *identity.Claims
	if cached {
		claims = c.verifier.Known(c.keys, p.token, c.issuer, now)
	}
	if claims == nil {
		c.shares.Take([]byte("an address"), 1, limits.Quota{PerSecond: 1 << 40, Window: 20 * time.Second})
		var err error
		if cached {
			claims, err = c.verifier.Verify(c.keys, p.token, c.issuer, now)
		} else {
			claims, err = c.keys.Verify(p.token, c.issuer, now)
		}
		if err != nil {
			return err
		}
	}
	for i, q := range p.do.Asked {
		if !enforcer.Allows(claims.Roles, q.Permission) {
			return fmt.Errorf("casbin refuses %v the permission %s", claims.Roles, q.Permission.Name())
		}
		if i == 0 {
			c.shares.Take(append(append([]byte{}, claims.UserID[:]...), "jamaica/read"...), 1, limits.Quota{PerSecond: 1 << 40, Window: 4 * time.Second})
			c.rate.Allow("jamaica/read", 1<<40)
		}
		d, err := c.engine.Decide(c.ctx, policy.Input{Permission: q.Permission, Realm: policy.Tenant, TenantTakes: policy.TakesChanges, ActorState: "active",
			Roles: enforcer.Expand(claims.Roles), SecondFactor: claims.SecondFactor, Facts: q.Facts})
		if err != nil {
			return err
		}
		if !d.Allow {
			return fmt.Errorf("the rules refuse %v the permission %s: %s", claims.Roles, q.Permission.Name(), d.Reason)
		}
	}
	return nil
}

// uncached is the same with each token verified anew and each role asked of Casbin anew.
func (c *chainOf) uncached(steps []passage, slug string, rules []policy.Rule) (float64, error) {
	steps = steps[:min(300, len(steps))]
	fresh := make([]*policy.Enforcer, len(steps))
	for i := range fresh {
		var err error
		if fresh[i], err = policy.NewEnforcer(slug, 1, rules); err != nil {
			return 0, err
		}
	}
	before := load.OwnTime()
	for i, p := range steps {
		if err := c.pass(p, fresh[i], false); err != nil {
			return 0, err
		}
	}
	return micros(load.OwnTime()-before, len(steps)), nil
}
