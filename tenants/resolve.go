package tenants

import (
	"context"
	"fmt"
	"maps"
	"net"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5"

	"lignum/domain"
)

// Registry knows every tenant and every host name, from a snapshot that is replaced whole when it changes.
type Registry struct {
	db       *DB // the platform's realm
	base     string
	platform string
	snapshot atomic.Pointer[snapshot]
	mu       sync.Mutex // one refresh at a time
	watchers []func(slug, kind string)
	polled   []func(Serving)
}

type snapshot struct {
	tenants  map[string]*Tenant
	hosts    map[string]*Tenant
	versions map[versionKey]int64
}

type versionKey struct{ slug, kind string }

// NewRegistry takes the platform's data, the base domain of the tenants' subdomains ("lignum.example", locally
// "localhost"), and reads it all once.
func NewRegistry(ctx context.Context, db *DB, baseDomain string) (*Registry, error) {
	r := &Registry{db: db, base: NormalHost(baseDomain), platform: "platform." + NormalHost(baseDomain)}
	return r, r.Refresh(ctx)
}

// NormalHost returns the form in which host names are compared: lower case, without port and trailing dot.
func NormalHost(host string) string {
	if h, _, err := net.SplitHostPort(host); err == nil {
		host = h
	}
	return strings.TrimSuffix(strings.ToLower(host), ".")
}

// Lookup turns a request's host name into a realm: the tenant, or nil with platform true. domain.NotFound for
// any other name.
func (r *Registry) Lookup(host string) (t *Tenant, platform bool, err error) {
	host = NormalHost(host)
	if host == r.platform {
		return nil, true, nil
	}
	if t := r.snapshot.Load().hosts[host]; t != nil {
		return t, false, nil
	}
	return nil, false, domain.Refuse(domain.NotFound, "domain.there_is_nothing_at_this")
}

// Platform is the data of the platform's realm.
func (r *Registry) Platform() *DB { return r.db }

// Tenant finds a tenant by its slug, or domain.NotFound.
func (r *Registry) Tenant(slug string) (*Tenant, error) {
	if t := r.snapshot.Load().tenants[slug]; t != nil {
		return t, nil
	}
	return nil, domain.Refuse(domain.NotFound, "tenants.there_is_no_tenant", "Slug", fmt.Sprintf("%q", slug))
}

// Tenants lists all, by slug.
func (r *Registry) Tenants() []*Tenant {
	all := r.snapshot.Load().tenants
	list := make([]*Tenant, 0, len(all))
	for _, slug := range slices.Sorted(maps.Keys(all)) {
		list = append(list, all[slug])
	}
	return list
}

// Host is the subdomain at which a tenant is reached; "" means the platform.
func (r *Registry) Host(slug string) string {
	if slug == "" {
		return r.platform
	}
	return slug + "." + r.base
}

// HostsOf are all names by which a tenant is reached, in order.
func (r *Registry) HostsOf(slug string) (names []string) {
	for name, t := range r.snapshot.Load().hosts {
		if t.Slug == slug {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}

// Version is the number of a cached thing as last polled: 'rules', 'keys', 'sessions', 'settings', 'content'.
func (r *Registry) Version(slug, kind string) int64 {
	return r.snapshot.Load().versions[versionKey{slug, kind}]
}

// OnChange adds a function that hears of each version that moved, from the goroutine that refreshes. Call before Watch.
func (r *Registry) OnChange(fn func(slug, kind string)) { r.watchers = append(r.watchers, fn) }

// OnPoll adds a function that hears of each poll who serves, from the goroutine that refreshes.
func (r *Registry) OnPoll(fn func(Serving)) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.polled = append(r.polled, fn)
}

// servingNow is who serves and how large the database is. $1 and $2 are seconds: for how long each word counts.
const servingNow = `SELECT
	(SELECT coalesce(array_agg(id ORDER BY id), '{}') FROM processes WHERE seen_at > now() - make_interval(secs => $1::double precision)),
	coalesce(max(cores) FILTER (WHERE endpoint = 'writer'), 0), coalesce(max(cores) FILTER (WHERE endpoint = 'readers'), 0)
	FROM database_capacity WHERE said_at > now() - make_interval(secs => $2::double precision)`

// Refresh reads the versions and who serves and, when the registry's own version moved, the tenants and hosts.
func (r *Registry) Refresh(ctx context.Context) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	next := &snapshot{versions: map[versionKey]int64{}}
	old := r.snapshot.Load()
	var serving Serving
	err := r.db.ReadFresh(ctx, func(q *Reader) error {
		if err := poll(ctx, q, next.versions, &serving); err != nil {
			return err
		}
		registry := versionKey{"", "registry"}
		if old != nil && old.versions[registry] == next.versions[registry] {
			next.tenants, next.hosts = old.tenants, old.hosts
			return nil
		}
		return r.readTenants(ctx, q, next)
	})
	if err != nil {
		return err
	}
	r.snapshot.Store(next)
	for _, fn := range r.polled {
		fn(serving)
	}
	if old == nil {
		return nil
	}
	for key, n := range next.versions {
		if old.versions[key] != n {
			for _, fn := range r.watchers {
				fn(key.slug, key.kind)
			}
		}
	}
	return nil
}

// poll is one round trip.
func poll(ctx context.Context, q *Reader, versions map[versionKey]int64, serving *Serving) error {
	b := &pgx.Batch{}
	b.Queue("SELECT slug, kind, n FROM versions")
	b.Queue(servingNow, silent.Seconds(), capacityLife.Seconds())
	res := q.SendBatch(ctx, b)
	defer res.Close()
	rows, err := res.Query()
	if err != nil {
		return err
	}
	var key versionKey
	var n int64
	if _, err := pgx.ForEachRow(rows, []any{&key.slug, &key.kind, &n}, func() error { versions[key] = n; return nil }); err != nil {
		return err
	}
	if err := res.QueryRow().Scan(&serving.Processes, &serving.Writer, &serving.Readers); err != nil {
		return err
	}
	return res.Close()
}

func (r *Registry) readTenants(ctx context.Context, q *Reader, into *snapshot) error {
	into.tenants, into.hosts = map[string]*Tenant{}, map[string]*Tenant{}
	all, err := Entity[Tenant](q).Find(ctx)
	if err != nil {
		return err
	}
	for i := range all {
		into.tenants[all[i].Slug] = &all[i]
		into.hosts[r.Host(all[i].Slug)] = &all[i]
	}
	hosts, err := Entity[host](q).Where("verified_at IS NOT NULL").Find(ctx)
	for _, h := range hosts {
		if t := into.tenants[h.Slug]; t != nil && h.Host != r.platform {
			into.hosts[h.Host] = t
		}
	}
	return err
}

// host is a domain of a tenant's own.
type host struct {
	Host       string     // lower case
	Slug       string     // whose
	VerifiedAt *time.Time // that it is the tenant's; nil: not yet
}

// TableName is GORM's.
func (host) TableName() string { return "control.hosts" }

// Watch refreshes until ctx ends. A refresh that fails keeps what was known and is reported.
func (r *Registry) Watch(ctx context.Context, period time.Duration, report func(error)) {
	Every(ctx, period, r.Refresh, report)
}

// Every does something once a period, for the first time after one, until ctx ends. A failure is reported, and no reason to stop.
func Every(ctx context.Context, period time.Duration, do func(context.Context) error, report func(error)) {
	tick := time.NewTicker(period)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			if err := do(ctx); err != nil && ctx.Err() == nil {
				report(err)
			}
		}
	}
}
