// Package provision makes realms and looks after what makes them: schemas, roles and their passwords, migrations, the first rows of a tenant, and the
// repair of logins and functions that are not as they were made. It works over a direct connection as a role that may create roles, which no serving
// process needs; of it that asks only what a realm still lacks (Pending) and which logins were altered (AlteredLogins).
package provision

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"regexp"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/jackc/pgx/v5"

	"lignum/domain"
	"lignum/domain/words"
	"lignum/policy"
	"lignum/tenants"
	"lignum/tenants/audit"
)

// Provisioner makes and migrates realms over a direct connection, as a role that may create roles and schemas. It is
// the only part of the platform that does not go through the proxy.
type Provisioner struct {
	DirectDSN    string // to the database itself
	Installation string // prefix of every role name; roles are global to a cluster
	Vault        *tenants.Vault
	ProxyRole    string       // the role of auth_query, which must be allowed to connect; may be empty (RDS Proxy needs none)
	IAM          bool         // logins have no password and sign in with tokens (RDS: they are members of rds_iam)
	Log          *slog.Logger // what was put back, and what stays open; nil: nowhere
	// FirstAdministrator opens a new tenant's first account in the transaction that makes the tenant, and gives the code with which its owner
	// chooses a password: identity.FirstAdministrator, which stands above. It makes a new code while nobody has used the one before, and
	// gives domain.Conflict after that.
	FirstAdministrator func(ctx context.Context, tx *tenants.Tx, realm tenants.Realm, a Admin, now time.Time) (code string, expires time.Time, err error)
}

func (p *Provisioner) log() *slog.Logger {
	if p.Log == nil {
		return slog.New(slog.DiscardHandler)
	}
	return p.Log
}

var installationPattern = regexp.MustCompile(`^[a-z][a-z0-9]{0,11}$`)

func (p *Provisioner) connect(ctx context.Context) (*pgx.Conn, error) {
	if !installationPattern.MatchString(p.Installation) {
		return nil, fmt.Errorf("installation id %q: 1 to 12 characters of a-z and 0-9, starting with a letter", p.Installation)
	}
	conn, err := pgx.Connect(ctx, p.DirectDSN)
	if err != nil {
		return nil, fmt.Errorf("direct connection: %w", err)
	}
	return conn, nil
}

// Install makes or migrates the platform's own realm, the gate and the tables of the jobs. It may be repeated. It tells
// whether the realm is new, so that the caller can invite the first operator.
func (p *Provisioner) Install(ctx context.Context) (fresh bool, err error) {
	realm := tenants.PlatformRealm(p.Installation)
	r := p.roles(p.ownerRole("platform"), realm.Login)
	if err := p.ensureJobs(ctx, r); err != nil {
		return false, err
	}
	err = p.inLock(ctx, func(tx pgx.Tx) error {
		var exists bool
		if err := tx.QueryRow(ctx, "SELECT to_regnamespace('control') IS NOT NULL").Scan(&exists); err != nil {
			return err
		}
		fresh = !exists
		if err := p.ensureRole(ctx, tx, r.gate, false, 0); err != nil {
			return err
		}
		if err := p.ensureSchema(ctx, tx, realm, r, platformConnections); err != nil {
			return err
		}
		if err := p.ensureAutoscale(ctx, tx, r); err != nil {
			return err
		}
		if _, err := migrateIn(ctx, tx, realm, r); err != nil {
			return err
		}
		if err := p.close(ctx, tx); err != nil {
			return err
		}
		if fresh {
			return seedRules(ctx, tx, realm, policy.DefaultRules(policy.Platform, "platform"))
		}
		return nil
	})
	return fresh, err
}

func seedRules(ctx context.Context, tx pgx.Tx, realm tenants.Realm, rules []policy.Rule) error {
	_, err := tx.CopyFrom(ctx, pgx.Identifier{realm.Schema, "casbin_rules"}, []string{"ptype", "v0", "v1", "v2", "v3", "v4", "v5"},
		pgx.CopyFromSlice(len(rules), func(i int) ([]any, error) {
			r := rules[i]
			return []any{r.PType, r.V0, r.V1, r.V2, r.V3, r.V4, r.V5}, nil
		}))
	return err
}

// Provisioned is a tenant and the code with which its first administrator chooses a password.
type Provisioned struct {
	Tenant     tenants.Tenant `json:"tenant"`
	Invitation string         `json:"invitation"` // shown once
	Expires    time.Time      `json:"expires"`
}

// Create provisions a tenant, in two transactions. The first says in the registry that it is being made, so that whoever looks sees it, also when the process
// dies on the way. The second makes roles, schema, migrations, default rules, settings and the first administrator, and says that the tenant is active,
// with entries in the tenant's and the platform's trail. Killed between the two, the same request goes on with it, and Abandon takes it away; when
// the second fails it is taken away here. Run again after it has completed, and before the administrator used the invitation, Create makes a
// new invitation in place of the lost one; otherwise it returns domain.Conflict.
func (p *Provisioner) Create(ctx context.Context, spec Spec, by audit.Actor) (Provisioned, error) {
	if err := spec.Validate(); err != nil {
		return Provisioned{}, err
	}
	var out Provisioned
	began := false
	err := p.inLock(ctx, func(tx pgx.Tx) (err error) {
		began, err = p.begin(ctx, tx, spec, by)
		return err
	})
	if err != nil {
		return Provisioned{}, err
	}
	if err = p.inLock(ctx, func(tx pgx.Tx) error {
		out = Provisioned{}
		t, err := tenants.Find(ctx, tx, spec.Slug, tenants.Held)
		if err != nil {
			return err
		}
		if t.Allows().Made { // by an earlier request, or by another at the same moment
			out.Tenant = t
			return p.reinvite(ctx, tx, &out, spec, by)
		}
		return p.complete(ctx, tx, &out, t, spec, by)
	}); err != nil && began {
		// Nobody else has to find out what became of it: what failed is gone, and may be tried again under whatever name.
		after, cancel := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
		defer cancel()
		if gone := p.Abandon(after, spec.Slug, words.Say("tenants.could_not_be_made").String(), by); gone != nil && domain.CodeOf(gone) != domain.Conflict { // another request has made it meanwhile
			p.log().Warn("a tenant that could not be made stays as being made: lignum tenant abandon takes it away", "tenant", spec.Slug, "err", gone)
		}
	}
	if err != nil {
		return Provisioned{}, err
	}
	return out, nil
}

// begin says in the registry that a tenant is being made, unless there is one already. It reports whether it did.
func (p *Provisioner) begin(ctx context.Context, tx pgx.Tx, spec Spec, by audit.Actor) (began bool, err error) {
	t, err := tenants.Find(ctx, tx, spec.Slug, tenants.Held)
	switch {
	case err == nil && t.Allows().Made:
		return false, nil
	case err != nil && domain.CodeOf(err) != domain.NotFound:
		return false, err
	case err != nil:
		t = tenants.Tenant{Slug: spec.Slug, Name: spec.Name}
	}
	way, err := t.Begins()
	if err != nil {
		return false, err
	}
	if way == nil { // somebody began, and is at it or was interrupted
		if t.Name != spec.Name || t.Country != spec.Country {
			err = domain.Refuse(domain.Conflict, "tenants.is_being_made", "Slug", spec.Slug)
		}
		return false, err
	}
	plan, _ := tenants.PlanByName(spec.Plan)
	limits, err := json.Marshal(plan.Limits)
	if err != nil {
		return false, err
	}
	name := strings.ReplaceAll(spec.Slug, "-", "_")
	if _, err := tx.Exec(ctx, `INSERT INTO control.tenants (slug, id, name, country, state, plan, limits, time_zone, locale, currency, exam_scheme, cluster, schema_name, login_role, owner_role, made_at)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, 'main', $12, $13, $14, NULL)
		ON CONFLICT (slug) DO UPDATE SET state = excluded.state, name = excluded.name, country = excluded.country, updated_at = now()`, spec.Slug, audit.NewID().String(), spec.Name, spec.Country, string(way.To), plan.Name, string(limits),
		spec.TimeZone, spec.Locale, spec.Currency, spec.ExamScheme, "tenant_"+name, p.loginRole(name), p.ownerRole(name)); err != nil {
		return false, err
	}
	return true, p.told(ctx, tx, by, audit.Entry{Action: "platform.tenant.begin", ObjectKind: "tenant", ObjectID: spec.Slug,
		Before: map[string]any{"state": way.From}, After: map[string]any{"state": way.To, "name": spec.Name, "country": spec.Country, "plan": plan.Name}})
}

// complete makes what a tenant is made of, as whoever asks now wants it.
func (p *Provisioner) complete(ctx context.Context, tx pgx.Tx, out *Provisioned, t tenants.Tenant, spec Spec, by audit.Actor) error {
	way, err := t.Completes()
	if err != nil {
		return err
	}
	plan, _ := tenants.PlanByName(spec.Plan)
	now := time.Now().UTC()
	t.State, t.MadeAt, t.Plan, t.Limits = way.To, &now, plan.Name, plan.Limits
	t.TimeZone, t.Locale, t.Currency, t.ExamScheme = spec.TimeZone, spec.Locale, spec.Currency, spec.ExamScheme
	if err := p.build(ctx, tx, t, spec); err != nil {
		return err
	}
	out.Tenant = t
	return p.invite(ctx, tx, out, spec, by, "platform.tenant.provision")
}

// told writes an entry into the platform's trail, and tells all processes that the registry changed.
func (p *Provisioner) told(ctx context.Context, tx pgx.Tx, by audit.Actor, e audit.Entry) error {
	if _, err := tx.Exec(ctx, "INSERT INTO control.versions AS v (slug, kind, n) VALUES ('', 'registry', 1) ON CONFLICT (slug, kind) DO UPDATE SET n = v.n + 1"); err != nil {
		return err
	}
	return tenants.Within(ctx, tx, tenants.PlatformRealm(p.Installation), p.Vault, by, func(tx *tenants.Tx) error { tx.Record(e); return nil })
}

// Abandon takes away a tenant whose making was interrupted, or that was only invited: its row of the registry, which is all there is of it. reason
// has 3 to 300 characters. It returns domain.Conflict for a tenant that is made.
func (p *Provisioner) Abandon(ctx context.Context, slug, reason string, by audit.Actor) error {
	reason = strings.TrimSpace(reason)
	if n := utf8.RuneCountInString(reason); n < 3 || n > 300 {
		return domain.InvalidField("reason", "tenants.must_say_why_in_3")
	}
	return p.inLock(ctx, func(tx pgx.Tx) error {
		t, err := tenants.Find(ctx, tx, slug, tenants.Held)
		if err != nil {
			return err
		}
		if err := t.Abandons(); err != nil {
			return err
		}
		if _, err := tx.Exec(ctx, "DELETE FROM control.tenants WHERE slug = $1 AND made_at IS NULL", slug); err != nil {
			return err
		}
		return p.told(ctx, tx, by, audit.Entry{Action: "platform.tenant.abandon", ObjectKind: "tenant", ObjectID: slug, Reason: reason, Before: map[string]any{"state": t.State, "name": t.Name}})
	})
}

// build makes the schema and fills it.
func (p *Provisioner) build(ctx context.Context, tx pgx.Tx, t tenants.Tenant, spec Spec) error {
	document, err := tenants.FirstBranding(t.Name, spec.Colour, spec.Accent)
	if err != nil {
		return err
	}
	r := p.roles(t.OwnerRole, t.LoginRole)
	if err := p.ensureSchema(ctx, tx, t.Realm(), r, t.Limits.Connections); err != nil {
		return err
	}
	if _, err := migrateIn(ctx, tx, t.Realm(), r); err != nil {
		return err
	}
	limits, err := json.Marshal(t.Limits)
	if err != nil {
		return err
	}
	if _, err := tx.Exec(ctx, r.fill(`
		GRANT USAGE ON SCHEMA gate TO {{login}};
		GRANT EXECUTE ON FUNCTION gate.bump(text), gate.publish_usage(date, integer, integer, integer, integer, integer), gate.publish_forecast(jsonb), gate.publish_use(text[], bigint[], smallint[]),
			gate.queue_jobs(text, text[], timestamptz, text[]), gate.list_jobs(text, text, text[], bigint, integer), gate.retry_job(bigint), gate.cancel_job(bigint),
			gate.own_bills(text, integer), gate.own_bill(text), gate.own_paper(text), gate.own_account() TO {{login}};
		GRANT USAGE ON SCHEMA {{schema}} TO {{gate}};
		GRANT SELECT, UPDATE ON {{schema}}.settings TO {{gate}};
		GRANT INSERT ON {{schema}}.audit_entries TO {{gate}};`, t.SchemaName)); err != nil {
		return err
	}
	b := &pgx.Batch{}
	b.Queue(r.fill("INSERT INTO {{schema}}.settings (slug, state, plan, limits) VALUES ($1, $2, $3, $4)", t.SchemaName), t.Slug, string(t.State), t.Plan, string(limits))
	b.Queue(r.fill("INSERT INTO {{schema}}.branding (document) VALUES ($1)", t.SchemaName), document)
	b.Queue(`UPDATE control.tenants SET state = $2, plan = $3, limits = $4, time_zone = $5, locale = $6, currency = $7, exam_scheme = $8, made_at = $9, updated_at = now() WHERE slug = $1`,
		t.Slug, string(t.State), t.Plan, string(limits), t.TimeZone, t.Locale, t.Currency, t.ExamScheme, t.MadeAt)
	b.Queue("INSERT INTO control.versions AS v (slug, kind, n) VALUES ('', 'registry', 1) ON CONFLICT (slug, kind) DO UPDATE SET n = v.n + 1")
	if err := tx.SendBatch(ctx, b).Close(); err != nil {
		return err
	}
	return seedRules(ctx, tx, t.Realm(), policy.DefaultRules(policy.Tenant, t.Slug))
}

// invite makes the administrator, or a new code for one who has not used theirs, with entries in both trails.
func (p *Provisioner) invite(ctx context.Context, tx pgx.Tx, out *Provisioned, spec Spec, by audit.Actor, action string) error {
	entry := audit.Entry{Action: action, ObjectKind: "tenant", ObjectID: out.Tenant.Slug,
		After: map[string]any{"name": out.Tenant.Name, "country": out.Tenant.Country, "plan": out.Tenant.Plan, "administrator": spec.Admin.UserName}}
	realm := out.Tenant.Realm()
	if err := tenants.Within(ctx, tx, realm, p.Vault, by, func(tx *tenants.Tx) (err error) {
		out.Invitation, out.Expires, err = p.FirstAdministrator(ctx, tx, realm, spec.Admin, time.Now().UTC())
		tx.Record(entry)
		return err
	}); err != nil {
		return err
	}
	return tenants.Within(ctx, tx, tenants.PlatformRealm(p.Installation), p.Vault, by, func(tx *tenants.Tx) error { tx.Record(entry); return nil })
}

// reinvite serves a Create that is repeated because its answer was lost. Once the invitation was used it returns domain.Conflict.
func (p *Provisioner) reinvite(ctx context.Context, tx pgx.Tx, out *Provisioned, spec Spec, by audit.Actor) error {
	taken := domain.Refuse(domain.Conflict, "tenants.a_tenant_with_the_name", "Slug", spec.Slug)
	if out.Tenant.Name != spec.Name || out.Tenant.Country != spec.Country {
		return taken
	}
	err := p.invite(ctx, tx, out, spec, by, "platform.tenant.invite")
	if domain.CodeOf(err) == domain.Conflict {
		return taken
	}
	return err
}

// Drop removes a tenant with all its data and its roles; a job erases its files later. It is for tests and for abandoned trials; it asks for the
// slug twice so that it cannot happen by a slip.
func (p *Provisioner) Drop(ctx context.Context, slug, again string) error {
	if slug != again {
		return domain.InvalidField("slug", "tenants.must_be_given_twice_the")
	}
	return p.inLock(ctx, func(tx pgx.Tx) error {
		t, err := tenants.Find(ctx, tx, slug)
		if err != nil {
			return err
		}
		if !t.Allows().Made {
			return domain.Refuse(domain.Conflict, "tenants.that_way_is_not_yours", "Name", t.Name, "From", t.State.Words(), "To", tenants.None.Words())
		}
		r := p.roles(t.OwnerRole, t.LoginRole)
		_, err = tx.Exec(ctx, r.fill(`DROP SCHEMA {{schema}} CASCADE; DELETE FROM control.tenants WHERE slug = '`+t.Slug+`';
			INSERT INTO control.removed_tenants (login_role) VALUES ('`+t.LoginRole+`');
			DROP OWNED BY {{login}}, {{owner}}; DROP ROLE {{login}}; DROP ROLE {{owner}};
			INSERT INTO control.versions AS v (slug, kind, n) VALUES ('', 'registry', 1) ON CONFLICT (slug, kind) DO UPDATE SET n = v.n + 1;`, t.SchemaName))
		return err
	})
}
