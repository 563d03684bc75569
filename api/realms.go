package api

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"github.com/google/uuid"

	"lignum/domain/identity"
	"lignum/policy"
	"lignum/tenants"
	"lignum/tenants/files"
)

// realmState is what the server keeps of a realm between requests: rules, keys, looks, and whose sessions have
// ended. It is replaced whole when the realm's versions move; nothing in it is changed in place but the deny set.
type realmState struct {
	Enforcer *policy.Enforcer
	Keys     *identity.KeyRing
	Issuer   string           // in the realm's tokens
	Branding tenants.Branding // what it decides for itself; the platform's is fixed
	Logo     *files.File      // nil: it has none

	versions [4]int64 // rules, keys, settings, sessions
	mu       sync.RWMutex
	ended    map[uuid.UUID]bool // sessions that ended while a token of theirs may still be valid
	users    map[uuid.UUID]int  // users who signed out everywhere: the least session version that is good
}

var cachedKinds = [4]string{"rules", "keys", "settings", "sessions"}

// slot is where a realm's state hangs; its lock lets one request load while the others wait.
type slot struct {
	mu    sync.Mutex
	state atomic.Pointer[realmState]
}

// state returns a realm's state as of the last poll of the versions, loading it when it has moved.
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
	st := &realmState{Issuer: s.issuer(realm), Branding: tenants.PlatformBranding, ended: map[uuid.UUID]bool{}, users: map[uuid.UUID]int{}}
	if err := identity.EnsureKeys(ctx, db, time.Now().UTC()); err != nil {
		return nil, err
	}
	err := db.ReadFresh(ctx, func(r *tenants.Reader) error {
		rules, err := tenants.Rules(ctx, r)
		if err != nil {
			return err
		}
		if st.Enforcer, err = policy.NewEnforcer(realm.Name(), s.registry.Version(realm.Slug, "rules"), rules); err != nil {
			return err
		}
		st.Enforcer.Asking(s.Rules)
		if before != nil && before.versions[1] == want[1] {
			st.Keys = before.Keys
		} else if st.Keys, err = identity.LoadKeys(ctx, r, db.Vault(), realm.Name()); err != nil {
			return err
		}
		if !realm.IsPlatform() {
			if st.Branding, err = tenants.ReadBranding(ctx, r); err != nil {
				return err
			}
			if st.Logo, err = files.LogoOf(ctx, r); err != nil {
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

// gone reports whether the session of a valid token has ended since.
func (st *realmState) gone(c *identity.Claims) bool {
	st.mu.RLock()
	defer st.mu.RUnlock()
	if st.ended[c.SessionID] {
		return true
	}
	least, ok := st.users[c.UserID]
	return ok && c.SessionVersion < least
}

// End makes an ended session count at once in this process; the others hear of it by the version.
func (st *realmState) End(session uuid.UUID) {
	st.mu.Lock()
	defer st.mu.Unlock()
	st.ended[session] = true
}

// EndAll makes 'sign out everywhere' count at once in this process.
func (st *realmState) EndAll(user uuid.UUID, version int) {
	st.mu.Lock()
	defer st.mu.Unlock()
	st.users[user] = version
}
