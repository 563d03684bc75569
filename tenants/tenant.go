// Package tenants is what makes a tenant a tenant: a schema, a login of its own, a host name, limits and a
// state. It holds the only ways to a tenant's data (DB, Reader, Tx), the registry that turns a host name into a
// realm, its settings, states and rules. Schemas and logins are made in tenants/provision, the trail is tenants/audit. Learning happens in domain/*, which
// stands on this room.
//
// # GORM and pgx
//
// GORM has the entities: what has an identity and is made, read by its key, changed and listed, such as an account, a school, a class, a tenant, an import.
// pgx has what is one round trip, a statement for many rows, a report, or measured. Whoever adds to an entity's table adds by GORM, and tests/entities_test.go
// names the tables, and each place where pgx is right on them with its reason.
//
//   - Entity is the one way to GORM: Entity[School](q).Where("id = ?", id).Take(ctx). It goes through a Tx, in whose transaction it is, or a Reader; Into lets what it
//     writes travel in a batch. It costs nothing to who does not ask for it.
//   - A model stands beside its type, or is the type, in the room that owns the table. Nobody else writes by it. States are typed constants.
//   - A scope is a function of a statement, for a rule that several queries share: Page, OneOf and those beside a model.
//   - Whoever changes holds the row first (Held), compares the version, and names the columns: Select("*").Omit("id"), or one by one.
//   - The migrations change the schema, never AutoMigrate. No hooks, no relations, no SQL of one's own through GORM: what happens is written where it happens.
//   - On thirty rows of eight columns GORM takes some 0.1 ms more of the processor than pgx, and on one row some 0.05.
package tenants

import (
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"

	"lignum/domain"
)

// Tenant is a country, or a college that serves a region.
type Tenant struct {
	Slug        string     `json:"slug"`
	ID          string     `json:"id"`
	Name        string     `json:"name"`
	Country     string     `json:"country"` // ISO 3166-1 alpha-2
	State       State      `json:"state"`
	StateReason string     `json:"state_reason"`
	Plan        string     `json:"plan"`
	Limits      Limits     `json:"limits" gorm:"serializer:json"`
	TimeZone    string     `json:"time_zone"`   // IANA name
	Locale      string     `json:"locale"`      // BCP 47
	Currency    string     `json:"currency"`    // ISO 4217
	ExamScheme  string     `json:"exam_scheme"` // free text: it belongs to the tenant
	Cluster     string     `json:"cluster"`
	SchemaName  string     `json:"-"`
	LoginRole   string     `json:"-"`
	OwnerRole   string     `json:"-"`
	MadeAt      *time.Time `json:"made_at"` // when its schema was made; null: not yet
	CreatedAt   time.Time  `json:"created_at"`
	UpdatedAt   time.Time  `json:"updated_at"`
}

// TableName is GORM's. The registry stands in the platform's schema, also for whoever makes tenants and has no schema.
func (Tenant) TableName() string { return "control.tenants" }

// zones keeps what was loaded: reading a zone's file costs more than most requests do.
var zones sync.Map // name -> *time.Location

// Location is the tenant's time zone; UTC when the machine does not know it.
func (t *Tenant) Location() *time.Location {
	if loc, ok := zones.Load(t.TimeZone); ok {
		return loc.(*time.Location)
	}
	loc, err := time.LoadLocation(t.TimeZone)
	if err != nil {
		return time.UTC
	}
	zones.Store(t.TimeZone, loc)
	return loc
}

// Today is the current date where the tenant is, as midnight UTC of that date.
func (t *Tenant) Today(now time.Time) time.Time {
	y, m, d := now.In(t.Location()).Date()
	return time.Date(y, m, d, 0, 0, 0, 0, time.UTC)
}

var slugPattern = regexp.MustCompile(`^[a-z][a-z0-9-]{1,30}[a-z0-9]$`)

// reserved names would be taken for a part of the platform, or serve a phisher.
var reserved = []string{
	"platform", "www", "api", "app", "admin", "administrator", "root", "control", "console", "gate", "public", "static", "assets",
	"cdn", "mail", "mail-from", "smtp", "imap", "ftp", "ns1", "ns2", "status", "support", "help", "billing", "login", "signin", "sign-in",
	"account", "accounts", "auth", "sso", "security", "lignum", "content", "sandbox", "test", "staging", "localhost", "postgres",
	"pgbouncer", "template", "system", "internal", "metrics", "health", "well-known", "autoconfig", "autodiscover", "autoscale", "jobs", "wpad",
}

// PlatformRealm is the platform's own realm in an installation.
func PlatformRealm(installation string) Realm {
	return Realm{Schema: "control", Login: installation + "_platform"}
}

// JobsSchema is where the jobs of all realms wait, in tables of River's (tenants/jobs).
const JobsSchema = "jobs"

// JobsLogin is the login that takes jobs and says what became of them. It reads no realm's data.
func JobsLogin(installation string) string { return installation + "_jobs" }

// UserNamePattern is what a user name may look like, once folded.
var UserNamePattern = regexp.MustCompile(`^[a-z0-9][a-z0-9._@+-]{0,63}$`)

// CheckSlug refuses a name that cannot be a subdomain (RFC 1123 label), a schema, or that is reserved. A name that ends in
// -owner is reserved too: its login would be called as the owner of the tenant whose name is before that.
func CheckSlug(slug string) error {
	switch {
	case !slugPattern.MatchString(slug), strings.Contains(slug, "--"):
		return domain.InvalidField("slug", "tenants.must_be_3_to_32")
	case strings.HasSuffix(slug, "-owner"):
		return domain.InvalidField("slug", "tenants.must_not_end_in_owner")
	case slices.Contains(reserved, slug):
		return domain.InvalidField("slug", "tenants.is_reserved_choose_another_such")
	}
	return nil
}

// Realm is whose data: a tenant's, or the platform's own when Slug is empty.
type Realm struct {
	Slug   string
	Schema string
	Login  string
}

// IsPlatform tells the platform's own realm from a tenant's.
func (r Realm) IsPlatform() bool { return r.Slug == "" }

// Name is what tokens, logs and rules call the realm.
func (r Realm) Name() string {
	if r.IsPlatform() {
		return "platform"
	}
	return r.Slug
}

// Realm is where the tenant's data lives.
func (t *Tenant) Realm() Realm { return Realm{Slug: t.Slug, Schema: t.SchemaName, Login: t.LoginRole} }
