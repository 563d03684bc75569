// Package demo fills an installation with people, courses and work to look at: Small in seconds for a first look, Post
// at the scale that the public story of the pandemic's year tells. All of it follows from one fixed seed, so that it is
// the same each time, but for the dates of Small, which end today. Whatever was made before is left alone: running again
// changes nothing, and a run that was interrupted goes on where it stopped.
//
// It writes rows in bulk through tenants.DB, each chunk with an entry in the tenant's audit trail, and uses the rooms'
// own functions where they take whole sets: the import of packs, points, attendance, scores.
package demo

import (
	"context"
	"errors"
	"fmt"
	"time"

	"lignum/domain"
	"lignum/domain/identity"
	"lignum/tenants"
	"lignum/tenants/audit"
	"lignum/tenants/files"
	"lignum/tenants/provision"
)

// Password is what all demo people sign in with. It is public: an installation with demo data is for looking around.
const Password = "harbour lantern breadfruit"

// OTPSecret is the key of the demo platform staff's authenticator app (base32), as public as the password: the platform
// always asks for a second factor.
const OTPSecret = "LIGNUMDEMOLIGNUMDEMOLIGNUMDEMO22"

// Specs are the tenants that demo data goes into. Whoever runs Small or Post provisions them before.
var Specs = []provision.Spec{
	{Slug: "jamaica", Name: "Ministry of Education, Jamaica", Country: "JM", Plan: "country", TimeZone: "America/Jamaica", Locale: "en-JM",
		Currency: "JMD", ExamScheme: "CSEC", Colour: "#14532d", Accent: "#eab308", Admin: administrator("jamaica")},
	{Slug: "bahamas", Name: "Department of Education, The Bahamas", Country: "BS", Plan: "country", TimeZone: "America/Nassau", Locale: "en-BS",
		Currency: "BSD", ExamScheme: "BGCSE", Colour: "#155e75", Accent: "#facc15", Admin: administrator("bahamas")},
	{Slug: "celearn", Name: "CELEARN", Country: "BS", Plan: "college", TimeZone: "America/Nassau", Locale: "en-BS",
		Currency: "BSD", ExamScheme: "CELEARN certificate", Colour: "#3730a3", Accent: "#f97316", Admin: administrator("celearn")},
}

func administrator(slug string) provision.Admin {
	return provision.Admin{UserName: "admin1", GivenName: "Ada", FamilyName: "Ministrator", Email: "admin@" + slug + ".example"}
}

// Input is where the data goes.
type Input struct {
	DB       func(slug string) *tenants.DB       // "": the platform's own realm
	Tenant   func(slug string) *tenants.Tenant   // nil: there is no such tenant
	Files    *files.Bucket                       // takes the pictures of courses
	Hasher   *identity.Hasher                    // one hash per realm, with the parameters that everybody has
	Actor    audit.Actor                         // who is on record for it
	Now      time.Time                           // Small's dates end here
	Progress func(stage string, done, total int) // may be nil; total is the same within a stage

	hashes map[string]string // of the password, by realm
}

// NewInput names an installation's rooms, with the time that it is now. The caller may set Actor and Progress.
func NewInput(store *tenants.Store, registry *tenants.Registry, bucket *files.Bucket, platform tenants.Realm) Input {
	tenant := func(slug string) *tenants.Tenant {
		t, err := registry.Tenant(slug)
		if err != nil {
			return nil
		}
		return t
	}
	return Input{Tenant: tenant, Files: bucket, Hasher: identity.NewHasher(0), Now: time.Now().UTC(), Actor: audit.Actor{Name: "demo", Realm: "platform"},
		DB: func(slug string) *tenants.DB {
			if t := tenant(slug); t != nil {
				return store.DB(t.Realm())
			}
			return store.DB(platform)
		}}
}

func (in *Input) progress(stage string, done, total int) {
	if in.Progress != nil {
		in.Progress(stage, done, total)
	}
}

// Summary is what the realms hold now, whoever made it.
type Summary struct {
	Tenants []Counts      `json:"tenants"`
	Took    time.Duration `json:"took"`
}

// Small makes a few people of every role, with user names such as student1, in each tenant and on the platform, with
// schools, terms, courses, classes and some weeks of work. It takes seconds. It returns domain.NotFound when a tenant of
// Specs is missing, and a violation of users_user_name_key_key when somebody else has one of the names.
func Small(ctx context.Context, in Input) (Summary, error) {
	began := time.Now()
	in.hashes = map[string]string{}
	if err := makeSmall(ctx, &in); err != nil {
		return Summary{}, err
	}
	return summarise(ctx, &in, began)
}

// Post makes what Small makes, and around it the load that the post reports: see postSizes. It takes a few minutes.
func Post(ctx context.Context, in Input) (Summary, error) {
	return post(ctx, in, postSizes)
}

func post(ctx context.Context, in Input, size sizes) (Summary, error) {
	began := time.Now()
	in.hashes = map[string]string{}
	if err := makeSmall(ctx, &in); err != nil {
		return Summary{}, err
	}
	jamaica, err := in.room("jamaica")
	if err != nil {
		return Summary{}, err
	}
	bahamas, err := in.room("bahamas")
	if err != nil {
		return Summary{}, err
	}
	for _, step := range []func() error{
		func() error { return jamaica.postJamaica(ctx, size) },
		func() error { return bahamas.postBahamas(ctx, size) },
	} {
		if err := step(); err != nil {
			return Summary{}, err
		}
	}
	return summarise(ctx, &in, began)
}

func makeSmall(ctx context.Context, in *Input) error {
	total := len(Specs) + 1
	for i, s := range Specs {
		in.progress("small", i, total)
		r, err := in.room(s.Slug)
		if err != nil {
			return err
		}
		if err := r.small(ctx); err != nil {
			return fmt.Errorf("demo data of %s: %w", s.Slug, err)
		}
	}
	in.progress("small", len(Specs), total)
	if err := in.platform(ctx); err != nil {
		return fmt.Errorf("demo data of the platform: %w", err)
	}
	in.progress("small", total, total)
	return nil
}

// room is one realm that is being filled.
type room struct {
	in     *Input
	slug   string
	name   string // of the tenant
	db     *tenants.DB
	loc    *time.Location
	today  time.Time // the tenant's date
	scheme string
}

func (in *Input) room(slug string) (*room, error) {
	t := in.Tenant(slug)
	if t == nil {
		return nil, domain.Refuse(domain.NotFound, "demo.there_is_no_tenant_to", "Slug", fmt.Sprintf("%q", slug))
	}
	return &room{in: in, slug: slug, name: t.Name, db: in.DB(slug), loc: t.Location(), today: t.Today(in.Now), scheme: t.ExamScheme}, nil
}

// madeAction marks in the audit trail what was made: the trail is the list of what need not be made again.
const madeAction = "demo.make"

var errMade = errors.New("made before")

// once runs fn in a transaction of its own unless a part of this name was made before, by whichever process.
func (r *room) once(ctx context.Context, part string, fn func(tx *tenants.Tx) error) error {
	err := r.db.Write(ctx, r.in.Actor, func(tx *tenants.Tx) error {
		if err := tx.Lock(ctx, "demo"); err != nil {
			return err
		}
		made, err := r.made(ctx, tx, part)
		if err != nil {
			return err
		}
		if made {
			return errMade
		}
		tx.Record(audit.Entry{Action: madeAction, ObjectKind: "demo", ObjectID: part})
		return fn(tx)
	})
	if errors.Is(err, errMade) {
		return nil
	}
	return err
}

func (r *room) made(ctx context.Context, q tenants.Querier, part string) (yes bool, err error) {
	err = q.QueryRow(ctx, `SELECT EXISTS (SELECT FROM audit_entries WHERE object_kind = 'demo' AND object_id = $1::text AND action = $2::text)`, part, madeAction).Scan(&yes)
	return yes, err
}

// missing reports whether a part is still to be made, before work for it is done outside a transaction.
func (r *room) missing(ctx context.Context, part string) (bool, error) {
	made := false
	err := r.db.ReadFresh(ctx, func(q *tenants.Reader) (err error) { made, err = r.made(ctx, q, part); return err })
	return !made, err
}

// chunks cuts total into pieces of at most size and runs each one once, under "part/number".
func (r *room) chunks(ctx context.Context, part string, total, size int, fn func(tx *tenants.Tx, from, to int) error) error {
	for from := 0; from < total; from += size {
		r.in.progress(r.slug+": "+part, from, total)
		to := min(from+size, total)
		if err := r.once(ctx, fmt.Sprintf("%s/%d", part, from), func(tx *tenants.Tx) error { return fn(tx, from, to) }); err != nil {
			return fmt.Errorf("%s of %s: %w", part, r.slug, err)
		}
	}
	r.in.progress(r.slug+": "+part, total, total)
	return nil
}

// passwordHash hashes the demo password after the real rule agreed to it for everybody's names at once.
func (r *room) passwordHash(ctx context.Context) (string, error) {
	if hash, ok := r.in.hashes[r.slug]; ok {
		return hash, nil
	}
	rule := identity.PasswordRule{Expected: append(append([]string{r.name, r.slug}, givenNames...), familyNames...)}
	if err := rule.Check(Password); err != nil {
		return "", err
	}
	hash, err := r.in.Hasher.Hash(ctx, r.slug, Password)
	if err == nil {
		r.in.hashes[r.slug] = hash
	}
	return hash, err
}
