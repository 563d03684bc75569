package localcluster

import (
	"context"
	"errors"
	"fmt"
	"regexp"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

const (
	lookupRole   = "pgbouncer_auth"   // the role that PgBouncer looks others up with
	lookupSchema = "pgbouncer_lookup" // in every database that is reached through PgBouncer
)

var validDatabase = regexp.MustCompile(`^[a-z][a-z0-9_]{0,62}$`)

// prepareCluster makes PgBouncer's role and closes the databases that initdb leaves open to everybody.
func (c *Cluster) prepareCluster(ctx context.Context) error {
	const statements = `
DO $$ BEGIN
	IF NOT EXISTS (SELECT FROM pg_catalog.pg_roles WHERE rolname = '` + lookupRole + `') THEN
		CREATE ROLE ` + lookupRole + ` LOGIN NOINHERIT;
	END IF;
END $$;
REVOKE ALL ON DATABASE postgres, template1 FROM PUBLIC;`
	return execDirect(ctx, directDSN(c.state.Sockets, "postgres"), statements)
}

// PrepareDatabase creates a database unless it is there, takes everything in it from PUBLIC, and lets
// PgBouncer look logins up in it. It may be repeated. A clone of a prepared database has the lookup
// already and lacks its database-level grants only: PrepareDatabase gives those too.
// name: ^[a-z][a-z0-9_]{0,62}$.
func (c *Cluster) PrepareDatabase(ctx context.Context, name string) error {
	if !validDatabase.MatchString(name) {
		return fmt.Errorf("localcluster: database name %q: use a-z, 0-9 and _, at most 63, with a letter first", name)
	}
	database := pgx.Identifier{name}.Sanitize()
	// Two programs at once would fail with 'tuple concurrently updated'. The lock is taken in a database where no login of a tenant
	// may connect, so that none can be in the way of it.
	turn, err := pgx.Connect(ctx, c.DirectDSN("postgres"))
	if err != nil {
		return fmt.Errorf("localcluster: %w", err)
	}
	defer turn.Close(context.WithoutCancel(ctx)) // which gives the lock back
	if _, err := turn.Exec(ctx, "SELECT pg_catalog.pg_advisory_lock(7083241)"); err != nil {
		return fmt.Errorf("localcluster: %w", err)
	}
	var known *pgconn.PgError // CREATE DATABASE knows no IF NOT EXISTS
	if _, err = turn.Exec(ctx, "CREATE DATABASE "+database); err != nil && !(errors.As(err, &known) && (known.Code == "42P04" || known.Code == "23505")) {
		return fmt.Errorf("localcluster: %w", err)
	}
	// login gives no row for an unknown role (RETURNS TABLE), so that PgBouncer refuses it as it
	// refuses a wrong password. Superusers and PgBouncer itself cannot sign in through PgBouncer.
	return execDirect(ctx, c.DirectDSN(name), `
REVOKE ALL ON DATABASE `+database+` FROM PUBLIC;
REVOKE ALL ON SCHEMA public FROM PUBLIC;
GRANT CONNECT ON DATABASE `+database+` TO `+lookupRole+`;
CREATE SCHEMA IF NOT EXISTS `+lookupSchema+`;
REVOKE ALL ON SCHEMA `+lookupSchema+` FROM PUBLIC;
GRANT USAGE ON SCHEMA `+lookupSchema+` TO `+lookupRole+`;
CREATE OR REPLACE FUNCTION `+lookupSchema+`.login(wanted text) RETURNS TABLE (role_name text, verifier text)
	LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
	SELECT rolname::text, rolpassword FROM pg_catalog.pg_authid
	WHERE rolname = wanted AND rolcanlogin AND NOT rolsuper AND NOT rolreplication AND rolname <> '`+lookupRole+`'
		AND rolpassword IS NOT NULL AND (rolvaliduntil IS NULL OR rolvaliduntil > now())
$$;
REVOKE ALL ON FUNCTION `+lookupSchema+`.login(text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION `+lookupSchema+`.login(text) TO `+lookupRole+`;`)
}

// execDirect runs statements, several of them in one transaction, over a connection of their own.
func execDirect(ctx context.Context, dsn, statements string) error {
	conn, err := pgx.Connect(ctx, dsn)
	if err != nil {
		return fmt.Errorf("localcluster: %w", err)
	}
	defer conn.Close(context.WithoutCancel(ctx))
	if _, err := conn.Exec(ctx, statements); err != nil {
		return fmt.Errorf("localcluster: %w", err)
	}
	return nil
}
