package provision

import (
	"context"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"

	"lignum/tenants"
)

// Altered is a database role of the installation that is not as provisioning makes it. A login may change some of that itself,
// whoever holds its password: its own settings and its own password, for all sessions to come.
type Altered struct {
	Realm string         `json:"realm"` // the tenant's slug, or "platform"
	Role  string         `json:"role"`  // "PUBLIC": what everybody may do in the database
	What  []string       `json:"what"`  // of the words below
	Was   map[string]any `json:"was"`
	Err   error          `json:"-"` // why it could not be put back

	should should
}

// What can be other than it was made.
const (
	alteredMissing     = "missing"     // the role is not there: only a backup of the roles has what was granted to it
	alteredAttributes  = "attributes"  // superuser, may make roles, is valid until ...
	alteredConnections = "connections" // how many it may have open
	alteredSettings    = "settings"    // search_path, time-outs: everywhere, or in one database
	alteredMembership  = "membership"  // it is a member of another role, or not of rds_iam
	alteredDatabase    = "database"    // rights in the database beside connecting
	alteredSchemas     = "schemas"     // rights in schemas beside its own
	alteredOwns        = "owns"        // things of its own, such as large objects: told, and left for a person to look at
	alteredFunctions   = "functions"   // of the schema: whose rights they have, who may call them, what they do
	alteredPassword    = "password"    // seen by whoever may read verifiers, which is a superuser
)

// should is how a role is made.
type should struct {
	Role        string
	Login       bool
	Connections int
	Settings    []string // name=value
	Schemas     []string // "tenant_jamaica USAGE"
	Schema      string
	Attributes  []string // words of ALTER ROLE that put its attributes back
	Functions   string   // statements that put its schema's functions back
	Strange     []string // functions in its schema that no migration made
}

// alteredSQL looks at all roles of the installation at once. PostgreSQL shows all of it to every login, so the serving process,
// which has no direct connection, sees it too. $1 to $4 are the platform's login and owner, the gate and the autoscaler's login, $5 whether
// logins sign in with tokens, $6 and $7 what the platform and the autoscaler may open, $8 the settings of every login but its
// search_path; $9 is the login of the jobs, $10 what it may open, $11 all of its settings.
const alteredSQL = `WITH should AS (
		SELECT slug AS realm, login_role AS role, true AS login, greatest(least((limits->>'connections')::numeric, 100000), 0)::integer AS connections,
			ARRAY['search_path=' || schema_name] || $8::text[] AS settings, ARRAY['gate USAGE', schema_name || ' USAGE'] AS schemas, schema_name
			FROM control.tenants WHERE made_at IS NOT NULL
		UNION ALL SELECT slug, owner_role, false, -1, '{}', '{}', schema_name FROM control.tenants WHERE made_at IS NOT NULL
		UNION ALL SELECT 'platform', $1::text, true, $6::integer, ARRAY['search_path=control'] || $8::text[], ARRAY['control USAGE', 'gate USAGE'], 'control'
		UNION ALL SELECT 'platform', $4::text, true, $7::integer, ARRAY['search_path=control'] || $8::text[], ARRAY['control USAGE', 'gate USAGE'], 'control'
		UNION ALL SELECT 'platform', $9::text, true, $10::integer, $11::text[], ARRAY['control USAGE', 'jobs USAGE'], 'control'
		UNION ALL SELECT 'platform', one, false, -1, '{}', '{}', 'control' FROM unnest(ARRAY[$2::text, $3::text]) AS one
	), member AS (
		SELECT m.member AS oid, array_agg(g.rolname::text) AS roles FROM pg_catalog.pg_auth_members m JOIN pg_catalog.pg_roles g ON g.oid = m.roleid GROUP BY 1
	), here AS (
		SELECT setrole AS oid, setconfig AS settings FROM pg_catalog.pg_db_role_setting WHERE setdatabase = 0
	), elsewhere AS (
		SELECT s.setrole AS oid, jsonb_object_agg(d.datname, s.setconfig) AS settings
		FROM pg_catalog.pg_db_role_setting s JOIN pg_catalog.pg_database d ON d.oid = s.setdatabase GROUP BY 1
	), connect AS (
		SELECT a.grantee AS oid, array_agg(a.privilege_type::text) AS rights
		FROM pg_catalog.pg_database d, pg_catalog.aclexplode(coalesce(d.datacl, pg_catalog.acldefault('d', d.datdba))) a
		WHERE d.datname = current_database() GROUP BY 1
	), usage AS (
		SELECT a.grantee AS oid, array_agg(n.nspname || ' ' || a.privilege_type) AS rights
		FROM pg_catalog.pg_namespace n, pg_catalog.aclexplode(n.nspacl) a GROUP BY 1
	), owns AS (
		SELECT refobjid AS oid, count(*) AS n FROM pg_catalog.pg_shdepend WHERE deptype = 'o' AND refclassid = 'pg_catalog.pg_authid'::regclass GROUP BY 1
	), seen AS (
		SELECT s.*, r.oid, r.rolconnlimit, coalesce(here.settings, '{}') AS now_settings, elsewhere.settings AS now_elsewhere,
			array_remove(coalesce(member.roles, '{}'), CASE WHEN $5::boolean AND s.login THEN 'rds_iam' END) AS now_roles,
			$5::boolean AND s.login AND NOT coalesce('rds_iam' = ANY (member.roles), false) AS no_token,
			coalesce(connect.rights, '{}') AS now_connect, coalesce(usage.rights, '{}') AS now_usage, coalesce(owns.n, 0) AS now_owns,
			array_remove(ARRAY[CASE WHEN r.rolsuper THEN 'NOSUPERUSER' END, CASE WHEN r.rolinherit THEN 'NOINHERIT' END,
				CASE WHEN r.rolcreaterole THEN 'NOCREATEROLE' END, CASE WHEN r.rolcreatedb THEN 'NOCREATEDB' END,
				CASE WHEN r.rolreplication THEN 'NOREPLICATION' END, CASE WHEN r.rolbypassrls THEN 'NOBYPASSRLS' END,
				CASE WHEN r.rolvaliduntil <> 'infinity' THEN 'VALID UNTIL ''infinity''' END,
				CASE WHEN r.rolcanlogin AND NOT s.login THEN 'NOLOGIN' WHEN s.login AND NOT r.rolcanlogin THEN 'LOGIN' END], NULL) AS attributes
		FROM should s LEFT JOIN pg_catalog.pg_roles r ON r.rolname = s.role LEFT JOIN member USING (oid) LEFT JOIN here USING (oid)
			LEFT JOIN elsewhere USING (oid) LEFT JOIN connect USING (oid) LEFT JOIN usage USING (oid) LEFT JOIN owns USING (oid)
	), told AS (
		SELECT seen.*, array_remove(ARRAY[
			CASE WHEN oid IS NULL THEN 'missing' END,
			CASE WHEN attributes <> '{}' THEN 'attributes' END,
			CASE WHEN login AND rolconnlimit <> connections THEN 'connections' END,
			CASE WHEN oid IS NOT NULL AND (NOT (settings @> now_settings AND settings <@ now_settings) OR now_elsewhere IS NOT NULL) THEN 'settings' END,
			CASE WHEN oid IS NOT NULL AND (now_roles <> '{}' OR no_token) THEN 'membership' END,
			CASE WHEN oid IS NOT NULL AND login AND now_connect <> '{CONNECT}' THEN 'database' END,
			CASE WHEN oid IS NOT NULL AND login AND NOT (schemas @> now_usage AND schemas <@ now_usage) THEN 'schemas' END,
			CASE WHEN login AND now_owns > 0 THEN 'owns' END], NULL) AS what
		FROM seen
	)
	SELECT realm, role, login, connections, settings, schemas, schema_name, attributes, what,
		jsonb_strip_nulls(jsonb_build_object('attributes', CASE WHEN 'attributes' = ANY (what) THEN attributes END,
			'connections', CASE WHEN 'connections' = ANY (what) THEN rolconnlimit END, 'settings', CASE WHEN 'settings' = ANY (what) THEN now_settings END,
			'settings_elsewhere', now_elsewhere, 'membership', CASE WHEN 'membership' = ANY (what) THEN now_roles END,
			'database', CASE WHEN 'database' = ANY (what) THEN now_connect END, 'schemas', CASE WHEN 'schemas' = ANY (what) THEN now_usage END,
			'owns', CASE WHEN 'owns' = ANY (what) THEN now_owns END))
	FROM told WHERE what <> '{}'
	UNION ALL
	SELECT 'platform', 'PUBLIC', false, 0, '{}', '{}', 'control', '{}', '{database}', jsonb_build_object('database', rights) FROM connect WHERE oid = 0
	ORDER BY 1, 2`

// alteredArgs are alteredSQL's.
func alteredArgs(installation string, iam bool) []any {
	var settings []string
	for _, s := range loginSettings("")[1:] {
		settings = append(settings, s.name+"="+s.value)
	}
	var jobs []string
	for _, s := range jobsSettings() {
		jobs = append(jobs, s.name+"="+s.value)
	}
	return []any{tenants.PlatformRealm(installation).Login, installation + "_platform_owner", gateRole(installation), AutoscaleRole(installation), iam,
		platformConnections, autoscaleConnections, settings, tenants.JobsLogin(installation), jobsConnections, jobs}
}

func scanAltered(row pgx.CollectableRow) (a Altered, err error) {
	err = row.Scan(&a.Realm, &a.Role, &a.should.Login, &a.should.Connections, &a.should.Settings, &a.should.Schemas, &a.should.Schema, &a.should.Attributes, &a.What, &a.Was)
	a.should.Role = a.Role
	return a, err
}

// AlteredLogins looks, on the platform's own data, for roles of the installation that are not as provisioning makes them, and for
// functions that are not as a migration made them; all
// but passwords, which no login can see. It is for whoever has no direct connection; Provisioner.Repair puts them back. iam tells whether
// logins sign in with tokens.
func AlteredLogins(ctx context.Context, q tenants.Querier, installation string, iam bool) ([]Altered, error) {
	rows, err := q.Query(ctx, alteredSQL, alteredArgs(installation, iam)...)
	if err != nil {
		return nil, err
	}
	list, err := pgx.CollectRows(rows, scanAltered)
	if err != nil {
		return nil, err
	}
	functions, err := alteredFunctionsOf(ctx, q, installation)
	return joinAltered(list, functions), err
}

// Unexplained reports whether something is altered that nobody does who works with the platform: a plan with another number of
// connections is given to the role by the next migration.
func (a Altered) Unexplained() bool { return !slices.Equal(a.What, []string{alteredConnections}) }

// String is the role and what is altered of it.
func (a Altered) String() string { return a.Role + ": " + strings.Join(a.What, ", ") }
