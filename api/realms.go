package api

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"lignum/domain/identity"
	"lignum/policy"
	"lignum/tenants"
)

// realmState is what the server keeps of a realm between requests: rules, keys, looks, and whose sessions have
// ended. It is replaced whole when the realm's versions move; nothing in it is changed in place but the deny set.
type realmState struct {
	enforcer *policy.Enforcer
	keys     *identity.KeyRing
	issuer   string // in the realm's tokens
	Branding Branding

	versions [4]int64 // rules, keys, settings, sessions
	mu       sync.RWMutex
	ended    map[uuid.UUID]bool // sessions that ended while a token of theirs may still be valid
	users    map[uuid.UUID]int  // users who signed out everywhere: the least session version that is good
}

var cachedKinds = [4]string{"rules", "keys", "settings", "sessions"}

// Branding is how a realm looks.
type Branding struct {
	Name              string `json:"name"`
	Colour            string `json:"colour"`
	Accent            string `json:"accent"`
	StaffSecondFactor bool   `json:"staff_second_factor"`
	LeaderboardBy     string `json:"leaderboard_by"` // learner or guardian; "" on the platform
}

// The platform always asks its staff for a second factor; the rules hold it too.
var platformBranding = Branding{Name: "Lignum", Colour: "#1f2937", Accent: "#f59e0b", StaffSecondFactor: true}

// slot is where a realm's state hangs; its lock lets one request load while the others wait.
type slot struct {
	mu    sync.Mutex
	state atomic.Pointer[realmState]
}

// state gives a realm's state as of the last poll of the versions, loading it when it has moved.
func (s *Server) state(ctx context.Context, realm tenants.Realm) (*realmState, error) {
	var want [4]int64
	for i, kind := range cachedKinds {
		want[i] = s.registry.Version(realm.Slug, kind)
	}
	v, ok := s.slots.Load(realm.Slug)
	if !ok {
		v, _ = s.slots.LoadOrStore(realm.Slug, &slot{})
	}
	sl := v.(*slot)
	if st := sl.state.Load(); st != nil && st.versions == want {
		return st, nil
	}
	sl.mu.Lock()
	defer sl.mu.Unlock()
	if st := sl.state.Load(); st != nil && st.versions == want {
		return st, nil
	}
	st, err := s.loadState(ctx, realm, sl.state.Load(), want)
	if err != nil {
		// What was known stays good for a while when the database is away: reads of pages would fail anyway.
		return nil, err
	}
	st.versions = want
	sl.state.Store(st)
	return st, nil
}

// lastState is a realm's state as it was last loaded, perhaps outdated; nil when it was not.
func (s *Server) lastState(realm tenants.Realm) *realmState {
	v, ok := s.slots.Load(realm.Slug)
	if !ok {
		return nil
	}
	return v.(*slot).state.Load()
}

// loadState reads a realm's state. The keys of the state before are kept when they have not moved: tokens that they verified are
// remembered by them, and a state is loaded anew whenever anybody signs out.
func (s *Server) loadState(ctx context.Context, realm tenants.Realm, before *realmState, want [4]int64) (*realmState, error) {
	db := s.store.DB(realm)
	st := &realmState{issuer: s.issuer(realm), Branding: platformBranding, ended: map[uuid.UUID]bool{}, users: map[uuid.UUID]int{}}
	if err := identity.EnsureKeys(ctx, db, time.Now().UTC()); err != nil {
		return nil, err
	}
	err := db.ReadFresh(ctx, func(r *tenants.Reader) error {
		rows, err := r.Query(ctx, "SELECT ptype, v0, v1, v2, v3, v4, v5 FROM casbin_rules ORDER BY ptype, v0, v1, v2, v3")
		if err != nil {
			return err
		}
		rules, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (p policy.Rule, err error) {
			err = row.Scan(&p.PType, &p.V0, &p.V1, &p.V2, &p.V3, &p.V4, &p.V5)
			return p, err
		})
		if err != nil {
			return err
		}
		if st.enforcer, err = policy.NewEnforcer(realm.Name(), s.registry.Version(realm.Slug, "rules"), rules); err != nil {
			return err
		}
		st.enforcer.Asking(s.rules)
		if before != nil && before.versions[1] == want[1] {
			st.keys = before.keys
		} else if st.keys, err = identity.LoadKeys(ctx, r, db.Vault(), realm.Name()); err != nil {
			return err
		}
		if !realm.IsPlatform() {
			err = r.QueryRow(ctx, "SELECT name, colour, accent, staff_second_factor, leaderboard_by FROM branding").
				Scan(&st.Branding.Name, &st.Branding.Colour, &st.Branding.Accent, &st.Branding.StaffSecondFactor, &st.Branding.LeaderboardBy)
			if err != nil {
				return err
			}
		}
		revoked, err := identity.Revoked(ctx, r, time.Now().UTC().Add(-identity.RevocationWindow))
		if err != nil {
			return err
		}
		for _, id := range revoked.Sessions {
			st.ended[id] = true
		}
		for id, version := range revoked.Users {
			st.users[id] = version
		}
		return nil
	})
	return st, err
}

// gone tells whether the session of a valid token has ended since.
func (st *realmState) gone(c *identity.Claims) bool {
	st.mu.RLock()
	defer st.mu.RUnlock()
	if st.ended[c.SessionID] {
		return true
	}
	least, ok := st.users[c.UserID]
	return ok && c.SessionVersion < least
}

// end makes an ended session count at once in this process; the others hear of it by the version.
func (st *realmState) end(session uuid.UUID) {
	st.mu.Lock()
	defer st.mu.Unlock()
	st.ended[session] = true
}

// endAll makes 'sign out everywhere' count at once in this process.
func (st *realmState) endAll(user uuid.UUID, version int) {
	st.mu.Lock()
	defer st.mu.Unlock()
	st.users[user] = version
}
