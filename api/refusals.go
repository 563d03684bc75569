package api

import (
	"cmp"
	"context"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
	"unicode/utf8"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"lignum/domain"
	"lignum/domain/identity"
	"lignum/policy"
	"lignum/tenants"
	"lignum/tenants/audit"
)

// refusals bounds what refused requests write into a trail, and loses none of them. A signed-in person's are written one by one, so
// many a minute; the rest of theirs, and those of people who are not signed in, are counted, and each minute the counts become one
// entry per person and per network. What was typed as a name is in none of them: it may be a password.
//
// The counts of the minute under way are of this process; they are written when it stops, and lost only when it is killed.
type refusals struct {
	mu      sync.Mutex
	minute  int64
	written map[uuid.UUID]int
	tallies map[subject]*tally
}

// subject is whose refusals are counted together.
type subject struct {
	realm   tenants.Realm
	actor   uuid.UUID
	network string // of nobody signed in; with no actor either: everybody for whom there was no room
}

// tally is what was refused of a subject since it was written down last.
type tally struct {
	who      audit.Actor
	from, to time.Time
	requests int
	subjects int            // how many were put together
	what     map[string]int // the requests by what was refused: "403 GET /api/v1/users"
	things   map[string]int // by what they were about: "user 0190..."
}

const (
	maxRefusals = 10   // of one actor that are written one by one in a minute
	maxSubjects = 5000 // counted at one time; the rest together
	maxEntries  = 50   // of a realm in a minute; the rest together
	maxKinds    = 50   // in each list of a tally; the rest as "other"
)

// allow reports whether a refusal of the actor is written down by itself.
func (r *refusals) allow(actor uuid.UUID, now time.Time) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if m := now.Unix() / 60; m != r.minute || r.written == nil {
		r.minute, r.written = m, map[uuid.UUID]int{}
	}
	if _, known := r.written[actor]; !known && len(r.written) >= maxSubjects {
		return false
	}
	r.written[actor]++
	return r.written[actor] <= maxRefusals
}

// add counts what a tally holds.
func (r *refusals) add(of subject, t tally) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.tallies == nil {
		r.tallies = map[subject]*tally{}
	}
	if _, known := r.tallies[of]; !known && len(r.tallies) >= maxSubjects {
		of, t.who = subject{realm: of.realm}, audit.Actor{Name: "lignum", Realm: of.realm.Name()}
	}
	if sum := r.tallies[of]; sum != nil {
		sum.add(&t)
	} else {
		r.tallies[of] = &t
	}
}

func (t *tally) add(more *tally) {
	t.requests += more.requests
	if more.from.Before(t.from) {
		t.from = more.from
	}
	if more.to.After(t.to) {
		t.to = more.to
	}
	t.what, t.things = addCounts(t.what, more.what), addCounts(t.things, more.things)
}

func addCounts(sum, more map[string]int) map[string]int {
	if sum == nil {
		return more
	}
	for name, n := range more {
		if _, known := sum[name]; !known && len(sum) >= maxKinds {
			name = "other"
		}
		sum[name] += n
	}
	return sum
}

// take returns what was counted, by realm, and begins anew. Of each realm the subjects with the most are kept apart.
func (r *refusals) take() map[tenants.Realm]map[subject]*tally {
	r.mu.Lock()
	all := r.tallies
	r.tallies = nil
	r.mu.Unlock()
	byRealm := map[tenants.Realm][]subject{}
	for of := range all {
		byRealm[of.realm] = append(byRealm[of.realm], of)
	}
	out := map[tenants.Realm]map[subject]*tally{}
	for realm, list := range byRealm {
		slices.SortFunc(list, func(a, b subject) int { return cmp.Compare(all[b].requests, all[a].requests) })
		out[realm] = map[subject]*tally{}
		rest := subject{realm: realm}
		for i, of := range list {
			t := all[of]
			if i >= maxEntries && of != rest {
				of, t = rest, &tally{who: audit.Actor{Name: "lignum", Realm: realm.Name()}, from: t.from, to: t.to, requests: t.requests, subjects: max(1, t.subjects), what: t.what, things: t.things}
			}
			if sum := out[realm][of]; sum != nil {
				sum.add(t)
				sum.subjects += t.subjects
			} else {
				out[realm][of] = t
			}
		}
	}
	return out
}

// entry is a tally as it stands in the trail.
func (t *tally) entry(of subject) audit.Entry {
	after := map[string]any{"requests": t.requests, "from": t.from.UTC(), "to": t.to.UTC(), "what": t.what}
	if len(t.things) > 0 {
		after["things"] = t.things
	}
	switch {
	case of.actor != uuid.Nil:
		return audit.Entry{Action: "request.refused_often", Refused: true, ObjectKind: "user", ObjectID: of.actor.String(), After: after}
	case of.network != "":
		return audit.Entry{Action: "request.anonymous_refused", Refused: true, ObjectKind: "network", ObjectID: of.network, After: after}
	}
	after["networks"] = t.subjects
	return audit.Entry{Action: "request.anonymous_refused", Refused: true, ObjectKind: "realm", ObjectID: of.realm.Name(), After: after}
}

// summarise writes what was counted into the realms' trails, each in one round trip. A realm that cannot take it now costs the others
// little, and gets it with the next.
func (s *Server) summarise(ctx context.Context) {
	for realm, tallies := range s.refusals.take() {
		b := &pgx.Batch{}
		for of, t := range tallies {
			e := t.entry(of)
			b.Queue(audit.Insert, e.Args(t.who)...)
		}
		own, cancel := context.WithTimeout(ctx, turnTime)
		err := s.store.DB(realm).WriteOneTrip(own, b, func(res pgx.BatchResults) error {
			for range tallies {
				if _, err := res.Exec(); err != nil {
					return err
				}
			}
			return nil
		})
		cancel()
		if err == nil {
			continue
		}
		s.Log.Warn("the counts of refusals could not be written down yet", "realm", realm.Name(), "err", Causes(err))
		for of, t := range tallies {
			s.refusals.add(of, *t)
		}
	}
}

// noteRefusal writes a signed-in person's refusal into the realm's trail, in a transaction of its own, or counts it.
func (c *Call) noteRefusal(p *Problem) {
	if c.DB == nil || c.suppressed || c.Tenant != nil && c.Tenant.Allows().Takes == policy.TakesNothing {
		return
	}
	switch {
	case c.Claims != nil && p.Status == http.StatusForbidden:
		e := audit.Entry{Action: c.route.Permission.Name(), Refused: true, Reason: p.Detail.String()}
		about := c.about()
		e.ObjectKind, e.ObjectID = about.kind, about.id
		if about.kind != "route" {
			about.all["route"] = c.where()
			e.After = about.all
		}
		c.note(c.Actor, e)
	case p.Status == http.StatusUnauthorized, p.Status == http.StatusForbidden, p.Status == http.StatusTooManyRequests:
		c.count(strconv.Itoa(p.Status) + " " + c.where())
	}
}

func (c *Call) where() string { return c.route.Method + " " + c.route.Path }

// count adds a refusal to the summary of who asked: the person, or the network.
func (c *Call) count(what string) {
	t := tally{who: c.Actor, from: c.Now, to: c.Now, requests: 1, what: map[string]int{what: 1}}
	t.who.RequestID = ""
	of := subject{realm: c.Realm, actor: c.Actor.ID}
	if c.Claims == nil {
		of.network = networkText(c.visitor)
		t.who = audit.Actor{Name: "lignum", Realm: c.Realm.Name(), Address: of.network}
	} else if about := c.about(); about.kind != "route" {
		t.things = map[string]int{about.kind + " " + about.id: 1}
	}
	c.Server.refusals.add(of, t)
}

// Unproven notes that somebody failed to prove who they are, and lets their address pay for it. The trail has an entry of each
// failure at an account that exists; the summary has the others as well.
func (c *Call) Unproven(where string, err error) {
	switch code := domain.CodeOf(err); {
	case identity.NeedsCode(err):
		return
	case identity.NamesNobody(err):
		where += ": nobody's"
	case code == domain.OverQuota:
		where += ": too many failures"
	case code == domain.Forbidden:
		where += ": a suspended account"
	case code == domain.Unauthentic:
		where += ": not right"
	default:
		return
	}
	c.charge(costWrong)
	c.count(where)
	c.suppressed = true
}

// thing is what a request is about.
type thing struct {
	kind, id string
	all      map[string]string
}

// kindOf gives the kind that the trail knows what a parameter names as.
var kindOf = map[string]string{"learner": "user", "child": "user", "guardian": "user", "student": "user", "coach": "user", "actor": "user"}

// about is what a request is about: the last parameter of its path, or the things that its query names; or the route itself.
func (c *Call) about() thing {
	t := thing{kind: "route", id: c.where(), all: map[string]string{}}
	for _, name := range parameters(c.route.Path) {
		t.name(name, shortText(c.fc.Params(name)))
	}
	if t.kind == "route" {
		for key, value := range c.fc.Context().QueryArgs().All() {
			if id, err := uuid.ParseBytes(value); err == nil && len(t.all) < 5 {
				t.name(strings.TrimSuffix(shortText(string(key)), "_id"), id.String())
			}
		}
	}
	return t
}

func (t *thing) name(kind, id string) {
	t.all[kind] = id
	if known := kindOf[kind]; known != "" {
		kind = known
	}
	t.kind, t.id = kind, id
}

// shortText is text from outside as the trail takes it: at most 64 characters.
func shortText(s string) string {
	s = cleanText(strings.Clone(s))
	if utf8.RuneCountInString(s) > 64 {
		s = string([]rune(s)[:64]) + "…"
	}
	return s
}

// note writes an entry of a refusal, or counts it: when the actor has had as many as are written one by one, and when the database
// does not take it.
func (c *Call) note(who audit.Actor, e audit.Entry) {
	if c.Server.refusals.allow(who.ID, c.Now) {
		ctx, cancel := context.WithTimeout(c.Server.base, 2*time.Second)
		defer cancel()
		err := c.own().Write(ctx, who, func(tx *tenants.Tx) error { tx.Record(e); return nil })
		if err == nil {
			return
		}
		c.Server.Log.Warn("a refusal could not be written down, and is counted", "err", Causes(err), "request_id", c.Actor.RequestID)
	}
	what := "403 " + c.where()
	if e.Action == "token.foreign" {
		what = e.Reason
	}
	c.count(what)
}
