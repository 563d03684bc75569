package provision

import (
	"context"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5"

	"lignum/tenants"
)

func (p *Provisioner) ownerRole(name string) string { return p.Installation + "_" + name + "_owner" }
func (p *Provisioner) loginRole(name string) string { return p.Installation + "_" + name }

// gateRole owns the functions of the gate.
func gateRole(installation string) string { return installation + "_gate" }

// roles are a realm's own, and those that all realms share: the gate's, and the logins of the autoscaler and of the jobs.
func (p *Provisioner) roles(owner, login string) roles {
	return roles{owner, login, gateRole(p.Installation), AutoscaleRole(p.Installation), tenants.JobsLogin(p.Installation)}
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
func (p *Provisioner) ensureSchema(ctx context.Context, tx pgx.Tx, realm tenants.Realm, r roles, connections int64) error {
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
// the client hears to come again; a login may set others for itself, until they are put back. To compile a plan takes longer than any
// statement of ours runs.
func loginSettings(schema string) []setting {
	return []setting{{"search_path", schema}, {"statement_timeout", "15s"}, {"idle_in_transaction_session_timeout", "15s"}, {"lock_timeout", "5s"},
		{"default_transaction_read_only", "on"}, {"jit", "off"}}
}

// setAll is the statements that give a role its settings.
func setAll(role string, settings []setting) string {
	q := ""
	for _, s := range settings {
		q += "ALTER ROLE " + pgx.Identifier{role}.Sanitize() + " SET " + s.name + " = '" + strings.ReplaceAll(s.value, "'", "''") + "';\n"
	}
	return q
}
