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

	"github.com/jackc/pgx/v5"

	"lignum/domain"
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

// Create provisions a tenant: roles, schema, migrations, default rules, settings, the first administrator and the
// registry's row, with entries in the tenant's and the platform's trail, all in one transaction. Killed at any
// point it leaves nothing; run again it completes. Run again after it has completed, and before the administrator used the
// invitation, it makes a new invitation in place of the lost one; otherwise it returns domain.Conflict.
func (p *Provisioner) Create(ctx context.Context, spec Spec, by audit.Actor) (Provisioned, error) {
	if err := spec.Validate(); err != nil {
		return Provisioned{}, err
	}
	plan, _ := tenants.PlanByName(spec.Plan)
	var out Provisioned
	err := p.inLock(ctx, func(tx pgx.Tx) error {
		t, err := tenants.Find(ctx, tx, spec.Slug)
		if err == nil {
			out.Tenant = t
			return p.reinvite(ctx, tx, &out, spec, by)
		}
		if domain.CodeOf(err) != domain.NotFound {
			return err
		}
		name := strings.ReplaceAll(spec.Slug, "-", "_")
		t = tenants.Tenant{Slug: spec.Slug, ID: audit.NewID().String(), Name: spec.Name, Country: spec.Country, State: tenants.Active, Plan: plan.Name, Limits: plan.Limits,
			TimeZone: spec.TimeZone, Locale: spec.Locale, Currency: spec.Currency, ExamScheme: spec.ExamScheme, Cluster: "main",
			SchemaName: "tenant_" + name, LoginRole: p.loginRole(name), OwnerRole: p.ownerRole(name)}
		if err := p.build(ctx, tx, t, spec); err != nil {
			return err
		}
		out.Tenant = t
		return p.invite(ctx, tx, &out, spec, by, "platform.tenant.provision")
	})
	return out, err
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
	b.Queue(`INSERT INTO control.tenants (slug, id, name, country, state, plan, limits, time_zone, locale, currency, exam_scheme, cluster, schema_name, login_role, owner_role)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)`, t.Slug, t.ID, t.Name, t.Country, string(t.State), t.Plan, string(limits),
		t.TimeZone, t.Locale, t.Currency, t.ExamScheme, t.Cluster, t.SchemaName, t.LoginRole, t.OwnerRole)
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
		r := p.roles(t.OwnerRole, t.LoginRole)
		_, err = tx.Exec(ctx, r.fill(`DROP SCHEMA {{schema}} CASCADE; DELETE FROM control.tenants WHERE slug = '`+t.Slug+`';
			INSERT INTO control.removed_tenants (login_role) VALUES ('`+t.LoginRole+`');
			DROP OWNED BY {{login}}, {{owner}}; DROP ROLE {{login}}; DROP ROLE {{owner}};
			INSERT INTO control.versions AS v (slug, kind, n) VALUES ('', 'registry', 1) ON CONFLICT (slug, kind) DO UPDATE SET n = v.n + 1;`, t.SchemaName))
		return err
	})
}
