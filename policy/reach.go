package policy

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
)

// Two roles may hold the same permission and yet reach differently far: a school's administrator reads the learners of one
// school, an official figures of the whole country. So whoever gives a role, or has power over an account, is compared by
// reach: the widest scope that the contextual rules give for each permission.

// reach is how far some roles get with each permission, by its index in the registry. What the roles do not hold, and what
// the rules never allow them, is 0.
type reach []uint8

// ranks orders the scopes, the narrowest first. Figures are of the whole realm, so nobody who keeps to a school stands over
// somebody who sees them; the rows behind the figures are more still.
var ranks = map[Scope]uint8{Own: 1, Assigned: 2, School: 3, Region: 4, Aggregate: 5, Whole: 6}

// maxReaches bounds what an enforcer remembers; a realm has far fewer sets of roles in use.
const maxReaches = 1000

// reaches is what was asked before, under one version of the contextual rules; roles joined by commas -> reach.
type reaches struct {
	sync.Mutex
	rules *loaded
	known map[string]reach
}

// embeddedRules are asked by enforcers that were told of no others.
var embeddedRules = sync.OnceValues(func() (*Engine, error) { return NewEngine(nil) })

// Asking returns the same enforcer asking these contextual rules how far its roles reach; without it, it asks those that come
// with the program.
func (e *Enforcer) Asking(rules *Engine) *Enforcer {
	e.engine = rules
	return e
}

// contextual are the rules in force at this moment, so that both sides of a comparison are judged by the same.
func (e *Enforcer) contextual() (*loaded, error) {
	engine := e.engine
	if engine == nil {
		var err error
		if engine, err = embeddedRules(); err != nil {
			return nil, err
		}
	}
	return engine.current.Load(), nil
}

// reachOf asks both engines about every permission, once for each set of roles and version of the rules. It takes some
// milliseconds the first time and no question after that.
func (e *Enforcer) reachOf(rules *loaded, roles []string) (reach, error) {
	expanded := e.Expand(roles)
	key := strings.Join(expanded, ",")
	e.reaches.Lock()
	if e.reaches.rules != rules || len(e.reaches.known) >= maxReaches {
		e.reaches.rules, e.reaches.known = rules, map[string]reach{}
	}
	found, ok := e.reaches.known[key]
	e.reaches.Unlock()
	if ok {
		return found, nil
	}
	found = make(reach, len(registry))
	for i, p := range registry {
		if !e.Allows(roles, p) {
			continue
		}
		for _, listing := range []bool{false, true} {
			in := everything(p, listing)
			in.Realm, in.Roles = KindOf(e.realm), expanded
			d, err := rules.decide(context.Background(), &in)
			if err != nil {
				return nil, fmt.Errorf("reach of %s: %w", p.Name(), err)
			}
			if d.Allow {
				found[i] = max(found[i], ranks[d.Scope])
			}
		}
	}
	e.reaches.Lock()
	if e.reaches.rules == rules {
		e.reaches.known[key] = found
	}
	e.reaches.Unlock()
	return found, nil
}

// beyond names, sorted, the permissions with which the subject reaches further than the actor.
func (actor reach) beyond(subject reach) (names []string) {
	for i := range registry {
		if subject[i] > actor[i] {
			names = append(names, registry[i].Name())
		}
	}
	slices.Sort(names)
	return names
}

// beyond names the permissions with which one set of roles reaches further than the actor's does, or which the actor's lack.
func (e *Enforcer) beyond(actorRoles, subjectRoles []string) ([]string, error) {
	more := e.lacking(actorRoles, e.Permissions(subjectRoles))
	if len(more) > 0 {
		return more, nil
	}
	rules, err := e.contextual()
	if err != nil {
		return nil, err
	}
	actor, err := e.reachOf(rules, actorRoles)
	if err != nil {
		return nil, err
	}
	subject, err := e.reachOf(rules, subjectRoles)
	if err != nil {
		return nil, err
	}
	return actor.beyond(subject), nil
}

// Covers reports whether the actor reaches at least as far as the subject with everything that the subject holds. Whoever
// resets, changes or suspends an account that reaches further could take it over and rise. It is the fact
// Input.Facts.Covers. Rules that give no answer cover nobody.
func (e *Enforcer) Covers(actorRoles, subjectRoles []string) bool {
	more, err := e.beyond(actorRoles, subjectRoles)
	return err == nil && len(more) == 0
}
