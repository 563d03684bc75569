package main

import (
	"context"
	"fmt"
	"syscall"
	"time"

	"github.com/jackc/pgx/v5"

	"lignum/domain/people"
	"lignum/policy"
	"lignum/tenants"
	"lignum/tenants/limits"
)

// chain measures the processor time of token, Casbin, rate quota and OPA for one request, with the caches that the API has and
// without any.
func chain(ctx context.Context, b *bench) ([]figure, error) {
	w, err := b.world(ctx, "jamaica")
	if err != nil {
		return nil, err
	}
	t := w.tenant
	db := b.store.DB(t.Realm())
	var rules []policy.Rule
	var keys *people.KeyRing
	err = db.Read(ctx, func(r *tenants.Reader) error {
		rows, err := r.Query(ctx, "SELECT ptype, v0, v1, v2, v3, v4, v5 FROM casbin_rules")
		if err != nil {
			return err
		}
		if rules, err = pgx.CollectRows(rows, pgx.RowToStructByPos[policy.Rule]); err != nil {
			return err
		}
		keys, err = people.LoadKeys(ctx, r, b.vault, t.Slug)
		return err
	})
	if err != nil {
		return nil, err
	}
	engine, err := policy.NewEngine(nil)
	if err != nil {
		return nil, err
	}
	enforcer, err := policy.NewEnforcer(t.Slug, 1, rules)
	if err != nil {
		return nil, err
	}
	token, err := keys.Issue(people.SignedIn{SessionID: [16]byte{1}, UserID: [16]byte{2}, UserName: "student1", Roles: []string{"student"}, SessionVersion: 1}, b.issuer(t.Slug), time.Now())
	if err != nil {
		return nil, err
	}
	verifier, rate, shares := people.NewVerifier(0), limits.NewRate(nil), limits.NewShares(nil)
	input := policy.Input{Permission: policy.ClassRead, Realm: policy.Tenant, TenantState: "active", ActorState: "active"}
	cached := func() error {
		claims, err := verifier.Verify(keys, token.Access, b.issuer(t.Slug), time.Now())
		if err != nil {
			return err
		}
		if !enforcer.Allows(claims.Roles, policy.ClassRead) {
			return fmt.Errorf("casbin refuses a student the class page")
		}
		shares.Take(append(append([]byte{}, claims.UserID[:]...), "jamaica/read"...), 1, limits.Quota{PerSecond: 1 << 40, Window: 4 * time.Second})
		rate.Allow("jamaica/read", 1<<40)
		input.Roles = enforcer.Expand(claims.Roles)
		d, err := engine.Decide(ctx, input)
		if err == nil && !d.Allow {
			err = fmt.Errorf("OPA refuses: %s", d.Reason)
		}
		return err
	}
	with, err := cpuOf(5000, cached)
	if err != nil {
		return nil, err
	}
	// Without caches: each token verified anew, each role asked of Casbin anew.
	var fresh []*policy.Enforcer
	for range 300 {
		e, err := policy.NewEnforcer(t.Slug, 1, rules)
		if err != nil {
			return nil, err
		}
		fresh = append(fresh, e)
	}
	i := 0
	without, err := cpuOf(len(fresh), func() error {
		claims, err := keys.Verify(token.Access, b.issuer(t.Slug), time.Now())
		if err != nil {
			return err
		}
		e := fresh[i]
		i++
		if !e.Allows(claims.Roles, policy.ClassRead) {
			return fmt.Errorf("casbin refuses a student the class page")
		}
		rate.Allow("jamaica/read", 1<<40)
		input.Roles = e.Expand(claims.Roles)
		_, err = engine.Decide(ctx, input)
		return err
	})
	if err != nil {
		return nil, err
	}
	return []figure{
		atMost("authorization chain, cached: CPU a request", with, "µs", 60),
		told("authorization chain, uncached: CPU a request", without, "µs"),
	}, nil
}

// cpuOf gives the processor time of one call in microseconds, garbage collection included.
func cpuOf(n int, fn func() error) (float64, error) {
	if n >= 1000 { // fill the caches first
		for range n / 10 {
			if err := fn(); err != nil {
				return 0, err
			}
		}
	}
	before := ownTime()
	for range n {
		if err := fn(); err != nil {
			return 0, err
		}
	}
	return micros(ownTime()-before, n), nil
}

func ownTime() float64 {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		return 0
	}
	return float64(u.Utime.Sec+u.Stime.Sec) + float64(u.Utime.Usec+u.Stime.Usec)/1e6
}
