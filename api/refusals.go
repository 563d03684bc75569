package api

import (
	"context"
	"net/http"
	"sync"
	"time"

	"github.com/google/uuid"

	"lignum/domain"
	"lignum/tenants"
	"lignum/tenants/audit"
)

// refusals bounds what refused requests may write into a trail: so many entries per actor and minute. Refusals of
// people who are not signed in are metrics, and one summary entry a minute and realm.
type refusals struct {
	mu        sync.Mutex
	minute    int64
	perActor  map[uuid.UUID]int
	anonymous map[tenants.Realm]int
}

// maxRefusals is how many refusals of one actor are written down a minute; the rest are metrics.
const maxRefusals = 10

func (r *refusals) allow(actor uuid.UUID, now time.Time) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if m := now.Unix() / 60; m != r.minute || r.perActor == nil {
		r.minute, r.perActor = m, map[uuid.UUID]int{}
	}
	r.perActor[actor]++
	return r.perActor[actor] <= maxRefusals
}

func (r *refusals) count(realm tenants.Realm, n int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.anonymous == nil {
		r.anonymous = map[tenants.Realm]int{}
	}
	r.anonymous[realm] += n
}

func (r *refusals) take() map[tenants.Realm]int {
	r.mu.Lock()
	defer r.mu.Unlock()
	taken := r.anonymous
	r.anonymous = nil
	return taken
}

// noteRefusal writes a signed-in person's refusal into the realm's trail, in a transaction of its own.
func (c *Call) noteRefusal(p *Problem) {
	if c.DB == nil || c.State == nil || c.suppressed {
		return
	}
	switch {
	case c.Claims == nil && (p.Status == http.StatusUnauthorized || p.Status == http.StatusForbidden):
		c.Server.refusals.count(c.Realm, 1)
	case c.Claims != nil && p.Status == http.StatusForbidden:
		action := c.route.Permission.Name()
		c.note(c.Actor, audit.Entry{Action: action, Refused: true, ObjectKind: "route", ObjectID: c.route.Method + " " + c.route.Path, Reason: p.Detail})
	}
}

func (c *Call) note(who audit.Actor, e audit.Entry) {
	if !c.Server.refusals.allow(who.ID, c.Now) {
		return
	}
	ctx, cancel := context.WithTimeout(c.Server.base, 2*time.Second)
	defer cancel()
	err := c.own().Write(ctx, who, func(tx *tenants.Tx) error { tx.Record(e); return nil })
	if err != nil && domain.CodeOf(err) != domain.Unavailable {
		c.Server.log.Warn("a refusal could not be written down", "err", err, "request_id", c.Actor.RequestID)
	}
}

// summarise writes one entry a minute and realm for the refusals of people who were not signed in. A realm that cannot take
// it now costs the others little, and gets it with the next.
func (s *Server) summarise(ctx context.Context) {
	for realm, n := range s.refusals.take() {
		who := audit.Actor{Name: "lignum", Realm: realm.Name()}
		own, cancel := context.WithTimeout(ctx, turnTime)
		err := s.store.DB(realm).Write(own, who, func(tx *tenants.Tx) error {
			tx.Record(audit.Entry{Action: "request.anonymous_refused", Refused: true, ObjectKind: "realm", ObjectID: realm.Name(), After: map[string]int{"requests": n}})
			return nil
		})
		cancel()
		if err != nil {
			s.refusals.count(realm, n)
			s.log.Warn("summary of refusals", "realm", realm.Name(), "err", err)
		}
	}
}

func (c *Call) where() string { return c.route.Method + " " + c.route.Path }
