-- Makes the database of an installation, its administrator, and what PgBouncer looks logins up with. Run by a superuser:
--
--   psql -v ON_ERROR_STOP=1 -v admin_file=ADMIN -v lookup_file=LOOKUP -f prepare.sql postgres
--
-- ADMIN and LOOKUP are files with one password each. It is for a new server: a second run stops at the first role.
\set ECHO none
SET log_statement = 'none';
SET log_min_error_statement = 'panic';
SET password_encryption = 'scram-sha-256';
\set admin `cat :'admin_file'`
\set lookup `cat :'lookup_file'`

-- Migrations and provisioning, over a direct connection: makes schemas and roles, and is no superuser.
-- It sees and ends sessions, since a tenant's may hold on to what a migration changes.
CREATE ROLE lignum_admin LOGIN CREATEROLE PASSWORD :'admin';
GRANT pg_monitor, pg_signal_backend TO lignum_admin;
-- PgBouncer's own: may ask for a login's SCRAM verifier, and nothing else.
CREATE ROLE pgbouncer_auth LOGIN NOINHERIT PASSWORD :'lookup';
CREATE DATABASE lignum OWNER lignum_admin TEMPLATE template0 ENCODING 'UTF8' LOCALE 'C.UTF-8';
REVOKE ALL ON DATABASE postgres, template1, lignum FROM PUBLIC;
GRANT CONNECT ON DATABASE lignum TO pgbouncer_auth;

\connect lignum
REVOKE ALL ON SCHEMA public FROM PUBLIC;
CREATE SCHEMA pgbouncer_lookup;
GRANT USAGE ON SCHEMA pgbouncer_lookup TO pgbouncer_auth;
-- No row for an unknown role, for superusers, and for PgBouncer and the administrator: they do not sign in through it.
CREATE FUNCTION pgbouncer_lookup.login(wanted text) RETURNS TABLE (role_name text, verifier text)
	LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
	SELECT rolname::text, rolpassword FROM pg_catalog.pg_authid
	WHERE rolname = wanted AND rolcanlogin AND NOT rolsuper AND NOT rolreplication AND rolname NOT IN ('pgbouncer_auth', 'lignum_admin')
		AND rolpassword IS NOT NULL AND (rolvaliduntil IS NULL OR rolvaliduntil > now())
$$;
REVOKE ALL ON FUNCTION pgbouncer_lookup.login(text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION pgbouncer_lookup.login(text) TO pgbouncer_auth;
