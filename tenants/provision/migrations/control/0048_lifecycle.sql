-- The states of a tenant are those of the program's table (tenants/state.go). Of those that are not made yet there is this row and nothing else: no schema, no
-- login, no copy of the state, no trail.
ALTER TABLE tenants
    ADD COLUMN made_at timestamptz DEFAULT now(),           -- when the schema was made; null: not yet
    DROP CONSTRAINT tenants_state_check,
    ADD CONSTRAINT tenants_state_check CHECK (state IN ('invited', 'provisioning', 'active', 'read_only', 'suspended', 'closing', 'closed')),
    ADD CONSTRAINT tenants_made CHECK ((made_at IS NULL) = (state IN ('invited', 'provisioning')));
UPDATE tenants SET made_at = created_at;

-- Closing a country, and ending it.
INSERT INTO casbin_rules (ptype, v0, v1, v2)
SELECT 'p', r.role, 'platform', r.permission FROM (VALUES ('account_manager', 'platform.tenant.close'), ('operator', 'platform.tenant.end')) AS r(role, permission)
WHERE EXISTS (SELECT FROM casbin_rules c WHERE c.v0 = r.role) ON CONFLICT DO NOTHING;

SET LOCAL ROLE {{gate}};

-- set_tenant as before (realm/0019_pen), for all states in which a tenant is made. Which way leads to which state, the program says.
CREATE OR REPLACE FUNCTION gate.set_tenant(which text, new_state text, new_reason text, new_plan text, new_limits jsonb, entry_id uuid, entry jsonb)
RETURNS boolean LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE t control.tenants%ROWTYPE; was jsonb;
BEGIN
    IF gate.caller() <> '' THEN RAISE EXCEPTION 'only the platform' USING ERRCODE = 'insufficient_privilege'; END IF;
    IF (new_state IN ('active', 'read_only', 'suspended', 'closing', 'closed') AND length(new_reason) <= 300 AND length(new_plan) BETWEEN 1 AND 64
        AND jsonb_typeof(new_limits) = 'object' AND length(new_limits::text) <= 4000 AND entry_id IS NOT NULL AND jsonb_typeof(entry) = 'object'
        AND length(entry ->> 'action') BETWEEN 1 AND 100 AND length(entry::text) <= 6000) IS NOT TRUE THEN
        RAISE EXCEPTION 'a state, a plan or an entry is out of bounds' USING ERRCODE = 'check_violation';
    END IF;
    IF EXISTS (SELECT FROM jsonb_each(new_limits) AS l(name, n)
        WHERE CASE WHEN jsonb_typeof(n) = 'number' THEN n::text::numeric NOT BETWEEN 0 AND 1125899906842624 OR n::text::numeric % 1 <> 0 ELSE true END) THEN
        RAISE EXCEPTION 'a limit is out of bounds' USING ERRCODE = 'check_violation';
    END IF;
    SELECT * INTO t FROM control.tenants WHERE slug = which FOR NO KEY UPDATE;
    IF NOT FOUND THEN RETURN false; END IF;
    IF t.made_at IS NULL THEN RAISE EXCEPTION 'the tenant is not made' USING ERRCODE = 'check_violation'; END IF;
    was := jsonb_build_object('state', t.state, 'plan', t.plan, 'limits', t.limits);
    UPDATE control.tenants SET state = new_state, state_reason = new_reason, plan = new_plan, limits = new_limits, updated_at = now() WHERE slug = which;
    EXECUTE format('UPDATE %I.settings SET state = $1, state_reason = $2, plan = $3, limits = $4', t.schema_name)
        USING new_state, new_reason, new_plan, new_limits;
    EXECUTE format('SELECT %I.record_entry($1, $2)', t.schema_name) USING entry_id, entry || jsonb_build_object('actor_realm', 'platform', 'object_kind', 'tenant',
        'object_id', which, 'before', was, 'after', jsonb_build_object('state', new_state, 'plan', new_plan, 'limits', new_limits));
    INSERT INTO control.versions AS v (slug, kind, n) VALUES ('', 'registry', 1) ON CONFLICT (slug, kind) DO UPDATE SET n = v.n + 1;
    RETURN true;
END $$;
RESET ROLE;
