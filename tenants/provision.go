package tenants

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"regexp"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"lignum/domain"
	"lignum/policy"
	"lignum/tenants/audit"
)

// Provisioner makes and migrates realms over a direct connection, as a role that may create roles and schemas. It is
// the only part of the platform that does not go through the proxy.
type Provisioner struct {
	DirectDSN    string // to the database itself
	Installation string // prefix of every role name; roles are global to a cluster
	Vault        *Vault
	ProxyRole    string       // the role of auth_query, which must be allowed to connect; may be empty (RDS Proxy needs none)
	IAM          bool         // logins have no password and sign in with tokens (RDS: they are members of rds_iam)
	Log          *slog.Logger // what was put back, and what stays open; nil: nowhere
}

func (p *Provisioner) log() *slog.Logger {
	if p.Log == nil {
		return slog.New(slog.DiscardHandler)
	}
	return p.Log
}

var installationPattern = regexp.MustCompile(`^[a-z][a-z0-9]{0,11}$`)

func (p *Provisioner) ownerRole(name string) string { return p.Installation + "_" + name + "_owner" }
func (p *Provisioner) loginRole(name string) string { return p.Installation + "_" + name }

// roles are a realm's own, and the two that all realms share: the gate's, and the autoscaler's login.
func (p *Provisioner) roles(owner, login string) roles {
	return roles{owner, login, p.Installation + "_gate", AutoscaleRole(p.Installation)}
}

// PlatformRealm is the platform's own realm in an installation.
func PlatformRealm(installation string) Realm {
	return Realm{Schema: "control", Login: installation + "_platform"}
}

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

// mostWait bounds every wait for a lock over the direct connection: a tenant's open transaction can hold what a change of its
// tables needs, and must not hold whoever waits.
const mostWait = "SET LOCAL lock_timeout = '8s'"

// inLock runs fn in one transaction, alone among those that touch roles and database grants; PostgreSQL fails concurrent ones.
// What puts them in line is a row of the platform's schema, which no tenant's login can reach. The very first Install has no such
// row yet: of two at once PostgreSQL fails one, which then begins again and finds the row. So fn may run several times.
func (p *Provisioner) inLock(ctx context.Context, fn func(tx pgx.Tx) error) error {
	conn, err := p.connect(ctx)
	if err != nil {
		return err
	}
	defer conn.Close(context.WithoutCancel(ctx))
	for try := 1; ; try++ {
		err := pgx.BeginFunc(ctx, conn, func(tx pgx.Tx) error {
			var installed bool
			if _, err := tx.Exec(ctx, mostWait); err != nil {
				return err
			}
			if err := tx.QueryRow(ctx, "SELECT to_regclass('control.locks') IS NOT NULL").Scan(&installed); err != nil {
				return err
			}
			if installed {
				if _, err := tx.Exec(ctx, strings.Replace(lockRow, "INTO locks", "INTO control.locks", 1), "provision"); err != nil {
					return err
				}
			}
			return fn(tx)
		})
		if waited(err) && try == 1 && p.evict(ctx, conn) {
			continue
		}
		if !raced(err) || try == 5 {
			return explain(err)
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(time.Duration(try) * 50 * time.Millisecond):
		}
	}
}

// evict ends sessions of the installation's logins that have done nothing in an open transaction, or one statement, for longer
// than a login's own time-outs let it: whoever has switched those off may hold a table that a migration changes. It reports whether any
// was ended. It takes the rights of pg_monitor and pg_signal_backend; without them nothing is ended, and the proxy's time-outs must do.
func (p *Provisioner) evict(ctx context.Context, conn *pgx.Conn) bool {
	rows, err := conn.Query(ctx, `SELECT a.usename::text, pg_catalog.pg_terminate_backend(a.pid) FROM pg_catalog.pg_stat_activity a
		WHERE a.datname = current_database() AND (a.usename = $1 OR a.usename IN (SELECT login_role FROM control.tenants))
			AND (a.state LIKE 'idle in transaction%' AND a.state_change < now() - interval '16 seconds' OR a.state = 'active' AND a.query_start < now() - interval '16 seconds')`,
		PlatformRealm(p.Installation).Login)
	if err != nil {
		return false
	}
	ended := 0
	var login string
	var done bool
	if _, err = pgx.ForEachRow(rows, []any{&login, &done}, func() error {
		ended++
		p.log().Warn("a session that held on to its locks was ended", "role", login)
		return nil
	}); err != nil {
		p.log().Info("sessions that hold on to their locks cannot be ended", "err", err)
		return false
	}
	return ended > 0
}

// raced tells whether two transactions made, or changed, the same thing of PostgreSQL's own catalogues at once.
func raced(err error) bool {
	var pg *pgconn.PgError
	if !errors.As(err, &pg) {
		return false
	}
	switch pg.Code {
	case "42710", "42P06", "42P07": // a role, a schema, a table that is there already
		return true
	case "23505":
		return pg.SchemaName == "pg_catalog"
	}
	return strings.HasPrefix(pg.Message, "tuple concurrently ")
}

// Install makes or migrates the platform's own realm and the gate. It is one transaction and may be repeated. It tells
// whether the realm is new, so that the caller can invite the first operator.
func (p *Provisioner) Install(ctx context.Context) (fresh bool, err error) {
	realm := PlatformRealm(p.Installation)
	r := p.roles(p.ownerRole("platform"), realm.Login)
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

// ensureRole makes a role. A login gets its derived password and the limits that hold whatever a client asks for.
func (p *Provisioner) ensureRole(ctx context.Context, tx pgx.Tx, name string, login bool, connections int64) error {
	var exists bool
	if err := tx.QueryRow(ctx, "SELECT EXISTS (SELECT FROM pg_roles WHERE rolname = $1)", name).Scan(&exists); err != nil || exists {
		return err
	}
	id := pgx.Identifier{name}.Sanitize()
	if !login {
		q := "CREATE ROLE " + id + " NOLOGIN NOINHERIT NOCREATEDB NOCREATEROLE"
		var super bool // where nobody is (RDS), only a member of a role may make what belongs to it
		if err := tx.QueryRow(ctx, "SELECT rolsuper FROM pg_roles WHERE rolname = current_user").Scan(&super); err != nil {
			return err
		}
		if !super {
			q += "; GRANT " + id + " TO CURRENT_USER"
		}
		_, err := tx.Exec(ctx, q)
		return err
	}
	granted := ""
	if p.IAM {
		granted = "; GRANT rds_iam TO " + id
	}
	_, err := tx.Exec(ctx, fmt.Sprintf("CREATE ROLE %s LOGIN NOINHERIT NOCREATEDB NOCREATEROLE CONNECTION LIMIT %d %s%s", id, connections, p.password(name), granted))
	return err
}

// ensureSchema makes a realm's roles and empty schema, and grants what its login may do there: rows, never tables.
func (p *Provisioner) ensureSchema(ctx context.Context, tx pgx.Tx, realm Realm, r roles, connections int64) error {
	if err := p.ensureRole(ctx, tx, r.owner, false, 0); err != nil {
		return err
	}
	if err := p.ensureRole(ctx, tx, r.login, true, connections); err != nil {
		return err
	}
	var database string
	if err := tx.QueryRow(ctx, "SELECT current_database()").Scan(&database); err != nil {
		return err
	}
	db := pgx.Identifier{database}.Sanitize()
	q := r.fill(`
		REVOKE ALL ON DATABASE `+db+` FROM PUBLIC;
		GRANT CONNECT ON DATABASE `+db+` TO {{login}};
		CREATE SCHEMA IF NOT EXISTS {{schema}} AUTHORIZATION {{owner}};
		REVOKE ALL ON SCHEMA {{schema}} FROM PUBLIC;
		GRANT USAGE ON SCHEMA {{schema}} TO {{login}};
		ALTER DEFAULT PRIVILEGES FOR ROLE {{owner}} IN SCHEMA {{schema}} GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO {{login}};
		ALTER DEFAULT PRIVILEGES FOR ROLE {{owner}} REVOKE ALL ON FUNCTIONS FROM PUBLIC;`, realm.Schema)
	q += setAll(r.login, loginSettings(realm.Schema))
	if p.ProxyRole != "" {
		q += "GRANT CONNECT ON DATABASE " + db + " TO " + pgx.Identifier{p.ProxyRole}.Sanitize() + ";"
	}
	_, err := tx.Exec(ctx, q)
	return err
}

// A setting of a role, as PostgreSQL keeps it: what each session of the login begins with.
type setting struct{ name, value string }

// loginSettings are those of a realm's login. A wait for a lock ends well before a request does, which has ten seconds, so that
// the client hears to come again; a login may set others for itself, until they are put back.
func loginSettings(schema string) []setting {
	return []setting{{"search_path", schema}, {"statement_timeout", "15s"}, {"idle_in_transaction_session_timeout", "15s"}, {"lock_timeout", "5s"},
		{"default_transaction_read_only", "on"}}
}

// setAll is the statements that give a role its settings.
func setAll(role string, settings []setting) string {
	q := ""
	for _, s := range settings {
		q += "ALTER ROLE " + pgx.Identifier{role}.Sanitize() + " SET " + s.name + " = '" + strings.ReplaceAll(s.value, "'", "''") + "';\n"
	}
	return q
}

func seedRules(ctx context.Context, tx pgx.Tx, realm Realm, rules []policy.Rule) error {
	_, err := tx.CopyFrom(ctx, pgx.Identifier{realm.Schema, "casbin_rules"}, []string{"ptype", "v0", "v1", "v2", "v3", "v4", "v5"},
		pgx.CopyFromSlice(len(rules), func(i int) ([]any, error) {
			r := rules[i]
			return []any{r.PType, r.V0, r.V1, r.V2, r.V3, r.V4, r.V5}, nil
		}))
	return err
}

// Provisioned is a tenant and the code with which its first administrator chooses a password.
type Provisioned struct {
	Tenant     Tenant    `json:"tenant"`
	Invitation string    `json:"invitation"` // shown once
	Expires    time.Time `json:"expires"`
}

// invitationLife is how long a first administrator has.
const invitationLife = 7 * 24 * time.Hour

// Create provisions a tenant: roles, schema, migrations, default rules, settings, the first administrator and the
// registry's row, with entries in the tenant's and the platform's trail, all in one transaction. Killed at any
// point it leaves nothing; run again it completes. Run again after it has completed, and before the administrator used the
// invitation, it makes a new invitation in place of the lost one; otherwise it gives domain.Conflict.
func (p *Provisioner) Create(ctx context.Context, spec Spec, by audit.Actor) (Provisioned, error) {
	if err := spec.Validate(); err != nil {
		return Provisioned{}, err
	}
	plan, _ := PlanByName(spec.Plan)
	var out Provisioned
	err := p.inLock(ctx, func(tx pgx.Tx) error {
		t, err := tenantBySlug(ctx, tx, spec.Slug)
		if err == nil {
			out.Tenant = t
			return p.reinvite(ctx, tx, &out, spec, by)
		}
		if domain.CodeOf(err) != domain.NotFound {
			return err
		}
		name := strings.ReplaceAll(spec.Slug, "-", "_")
		t = Tenant{Slug: spec.Slug, ID: audit.NewID().String(), Name: spec.Name, Country: spec.Country, State: Active, Plan: plan.Name, Limits: plan.Limits,
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
func (p *Provisioner) build(ctx context.Context, tx pgx.Tx, t Tenant, spec Spec) error {
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
		GRANT EXECUTE ON FUNCTION gate.bump(text), gate.publish_usage(date, integer, integer, integer, integer, integer), gate.publish_forecast(jsonb) TO {{login}};
		GRANT USAGE ON SCHEMA {{schema}} TO {{gate}};
		GRANT SELECT, UPDATE ON {{schema}}.settings TO {{gate}};
		GRANT INSERT ON {{schema}}.audit_entries TO {{gate}};`, t.SchemaName)); err != nil {
		return err
	}
	b := &pgx.Batch{}
	b.Queue(r.fill("INSERT INTO {{schema}}.settings (slug, state, plan, limits) VALUES ($1, $2, $3, $4)", t.SchemaName), t.Slug, string(t.State), t.Plan, string(limits))
	b.Queue(r.fill("INSERT INTO {{schema}}.branding (name, colour, accent) VALUES ($1, $2, $3)", t.SchemaName), t.Name, spec.Colour, spec.Accent)
	b.Queue(`INSERT INTO control.tenants (slug, id, name, country, state, plan, limits, time_zone, locale, currency, exam_scheme, cluster, schema_name, login_role, owner_role)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)`, t.Slug, t.ID, t.Name, t.Country, string(t.State), t.Plan, string(limits),
		t.TimeZone, t.Locale, t.Currency, t.ExamScheme, t.Cluster, t.SchemaName, t.LoginRole, t.OwnerRole)
	b.Queue("INSERT INTO control.versions AS v (slug, kind, n) VALUES ('', 'registry', 1) ON CONFLICT (slug, kind) DO UPDATE SET n = v.n + 1")
	if err := tx.SendBatch(ctx, b).Close(); err != nil {
		return err
	}
	return seedRules(ctx, tx, t.Realm(), policy.DefaultRules(policy.Tenant, t.Slug))
}

// invite makes the administrator when missing, and a card for choosing a password, with entries in both trails.
func (p *Provisioner) invite(ctx context.Context, tx pgx.Tx, out *Provisioned, spec Spec, by audit.Actor, action string) error {
	schema := pgx.Identifier{out.Tenant.SchemaName}.Sanitize()
	user := audit.NewID()
	_, err := tx.Exec(ctx, `INSERT INTO `+schema+`.users (id, user_name, user_name_key, given_name, family_name, email)
		VALUES ($1, $2, $2, $3, $4, nullif($5, '')) ON CONFLICT (user_name_key) DO NOTHING`,
		user, spec.Admin.UserName, spec.Admin.GivenName, spec.Admin.FamilyName, spec.Admin.Email)
	if err != nil {
		return err
	}
	if err := tx.QueryRow(ctx, "SELECT id FROM "+schema+".users WHERE user_name_key = $1", spec.Admin.UserName).Scan(&user); err != nil {
		return err
	}
	out.Invitation, out.Expires = NewCardCode(), time.Now().UTC().Add(invitationLife).Truncate(time.Second)
	b := &pgx.Batch{}
	b.Queue("INSERT INTO "+schema+".user_roles (user_id, role) VALUES ($1, 'tenant_administrator') ON CONFLICT DO NOTHING", user)
	b.Queue("UPDATE " + schema + ".usage_counts SET n = (SELECT count(*) FROM " + schema + ".users) WHERE kind = 'staff'")
	b.Queue("DELETE FROM "+schema+".sign_in_cards WHERE user_id = $1 AND used_at IS NULL", user)
	b.Queue("INSERT INTO "+schema+".sign_in_cards (id, user_id, code_hash, purpose, expires_at) VALUES ($1, $2, $3, 'invitation', $4)",
		audit.NewID(), user, HashCardCode(out.Invitation), out.Expires)
	entry := audit.Entry{Action: action, ObjectKind: "tenant", ObjectID: out.Tenant.Slug,
		After: map[string]any{"name": out.Tenant.Name, "country": out.Tenant.Country, "plan": out.Tenant.Plan, "administrator": spec.Admin.UserName}}
	for _, s := range []string{schema, "control"} {
		b.Queue(strings.Replace(audit.Insert, "audit_entries", s+".audit_entries", 1), entry.Args(by)...)
	}
	return tx.SendBatch(ctx, b).Close()
}

// reinvite serves a Create that is repeated because its answer was lost. Once the invitation was used it is no way in any more, also
// when the password has been taken away since: the account is the tenant's own.
func (p *Provisioner) reinvite(ctx context.Context, tx pgx.Tx, out *Provisioned, spec Spec, by audit.Actor) error {
	schema := pgx.Identifier{out.Tenant.SchemaName}.Sanitize()
	var pending bool
	err := tx.QueryRow(ctx, `SELECT count(*) = 1 AND bool_and(password_hash IS NULL AND NOT had_password AND user_name_key = $1) FROM `+schema+`.users`, spec.Admin.UserName).Scan(&pending)
	if err != nil {
		return err
	}
	if !pending || out.Tenant.Name != spec.Name || out.Tenant.Country != spec.Country {
		return domain.Errorf(domain.Conflict, "A tenant with the name %q exists already.", spec.Slug)
	}
	return p.invite(ctx, tx, out, spec, by, "platform.tenant.invite")
}

// Drop removes a tenant with all its data and its roles. It is for tests and for abandoned trials; it asks for the
// slug twice so that it cannot happen by a slip.
func (p *Provisioner) Drop(ctx context.Context, slug, again string) error {
	if slug != again {
		return domain.InvalidField("slug", "must be given twice, the same")
	}
	return p.inLock(ctx, func(tx pgx.Tx) error {
		t, err := tenantBySlug(ctx, tx, slug)
		if err != nil {
			return err
		}
		r := p.roles(t.OwnerRole, t.LoginRole)
		_, err = tx.Exec(ctx, r.fill(`DROP SCHEMA {{schema}} CASCADE; DELETE FROM control.tenants WHERE slug = '`+t.Slug+`';
			DROP OWNED BY {{login}}, {{owner}}; DROP ROLE {{login}}; DROP ROLE {{owner}};
			INSERT INTO control.versions AS v (slug, kind, n) VALUES ('', 'registry', 1) ON CONFLICT (slug, kind) DO UPDATE SET n = v.n + 1;`, t.SchemaName))
		return err
	})
}
