-- The one narrow door between schemas. Each function takes the caller's realm from session_user, pins
-- search_path, and returns nothing of anybody else's. They belong to a role that cannot log in.

RESET ROLE;

CREATE SCHEMA gate AUTHORIZATION {{gate}};
REVOKE ALL ON SCHEMA gate FROM PUBLIC;
GRANT USAGE ON SCHEMA control TO {{gate}};
GRANT SELECT ON control.tenants TO {{gate}};
GRANT UPDATE (state, state_reason, plan, limits, name, updated_at) ON control.tenants TO {{gate}};
GRANT SELECT, INSERT, UPDATE ON control.versions, control.usage_days TO {{gate}};
GRANT INSERT ON control.audit_entries TO {{gate}};
GRANT USAGE ON SCHEMA gate TO {{login}};

SET LOCAL ROLE {{gate}};

-- The tenant whose login is calling; '' for the platform's login; an error for anybody else.
CREATE FUNCTION gate.caller() RETURNS text LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE found text;
BEGIN
    IF session_user = {{login_literal}} THEN RETURN ''; END IF;
    SELECT slug INTO found FROM control.tenants WHERE login_role = session_user;
    IF found IS NULL THEN RAISE EXCEPTION 'not a realm' USING ERRCODE = 'insufficient_privilege'; END IF;
    RETURN found;
END $$;

-- bump says that something other processes cache has changed in the caller's realm.
CREATE FUNCTION gate.bump(what text) RETURNS void LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    INSERT INTO control.versions AS v (slug, kind, n) VALUES (gate.caller(), what, 1)
    ON CONFLICT (slug, kind) DO UPDATE SET n = v.n + 1;
END $$;

-- publish_usage replaces the caller's own figures of one day.
CREATE FUNCTION gate.publish_usage(of_day date, n_active integer, n_attendance integer, n_learners integer, n_classes integer, n_attempts integer)
RETURNS void LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE who text := gate.caller();
BEGIN
    IF who = '' THEN RAISE EXCEPTION 'not a tenant' USING ERRCODE = 'insufficient_privilege'; END IF;
    INSERT INTO control.usage_days (slug, day, active_users, attendance, learners, classes, attempts)
    VALUES (who, of_day, n_active, n_attendance, n_learners, n_classes, n_attempts)
    ON CONFLICT (slug, day) DO UPDATE SET active_users = excluded.active_users, attendance = excluded.attendance,
        learners = excluded.learners, classes = excluded.classes, attempts = excluded.attempts, published_at = now();
END $$;

-- set_tenant changes a tenant's state, plan and limits in the registry and in the tenant's own copy, with an
-- entry in the tenant's trail, in the caller's transaction. Only the platform's login may.
CREATE FUNCTION gate.set_tenant(which text, new_state text, new_reason text, new_plan text, new_limits jsonb,
    entry_id uuid, entry_actor uuid, entry_actor_name text, entry_roles text, entry_address text, entry_action text, entry_why text, entry_request text)
RETURNS boolean LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE t control.tenants%ROWTYPE; was jsonb;
BEGIN
    IF gate.caller() <> '' THEN RAISE EXCEPTION 'only the platform' USING ERRCODE = 'insufficient_privilege'; END IF;
    SELECT * INTO t FROM control.tenants WHERE slug = which FOR UPDATE;
    IF NOT FOUND THEN RETURN false; END IF;
    was := jsonb_build_object('state', t.state, 'plan', t.plan, 'limits', t.limits);
    UPDATE control.tenants SET state = new_state, state_reason = new_reason, plan = new_plan, limits = new_limits, updated_at = now() WHERE slug = which;
    EXECUTE format('UPDATE %I.settings SET state = $1, state_reason = $2, plan = $3, limits = $4', t.schema_name)
        USING new_state, new_reason, new_plan, new_limits;
    EXECUTE format('INSERT INTO %I.audit_entries (id, actor_id, actor_name, actor_roles, actor_realm, address, action, object_kind, object_id, before, after, reason, request_id)
        VALUES ($1, $2, $3, $4, ''platform'', $5, $6, ''tenant'', $7, $8, $9, $10, $11)', t.schema_name)
        USING entry_id, entry_actor, entry_actor_name, entry_roles, entry_address, entry_action, which, was,
              jsonb_build_object('state', new_state, 'plan', new_plan, 'limits', new_limits), entry_why, entry_request;
    INSERT INTO control.versions AS v (slug, kind, n) VALUES ('', 'registry', 1) ON CONFLICT (slug, kind) DO UPDATE SET n = v.n + 1;
    INSERT INTO control.versions AS v (slug, kind, n) VALUES (which, 'settings', 1) ON CONFLICT (slug, kind) DO UPDATE SET n = v.n + 1;
    RETURN true;
END $$;

REVOKE ALL ON ALL FUNCTIONS IN SCHEMA gate FROM PUBLIC;
GRANT EXECUTE ON FUNCTION gate.bump(text), gate.set_tenant(text, text, text, text, jsonb, uuid, uuid, text, text, text, text, text, text) TO {{login}};
RESET ROLE;
