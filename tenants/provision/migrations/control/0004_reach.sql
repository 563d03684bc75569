-- Bounds of what comes through the gate, in its functions and in the tables, and no row that a tenant's transaction could keep
-- from the platform: what locks a tenant's row of the registry waits for no tenant.

-- The calendar of the figures begins with the first year that a tenant may import, and ends where nobody plans.
DELETE FROM usage_days WHERE day NOT BETWEEN '2000-01-01' AND '2199-12-31'
    OR greatest(active_users, attendance, learners, classes, attempts) > 10000000;
ALTER TABLE usage_days
    ADD CONSTRAINT usage_days_day CHECK (day BETWEEN '2000-01-01' AND '2199-12-31'),
    ADD CONSTRAINT usage_days_figures CHECK (greatest(active_users, attendance, learners, classes, attempts) <= 10000000);
DELETE FROM capacity_forecast WHERE starts_at < '2000-01-01' OR ends_at >= '2200-01-01' OR learners > 1000000;
ALTER TABLE capacity_forecast
    ADD CONSTRAINT capacity_forecast_times CHECK (starts_at >= '2000-01-01' AND ends_at < '2200-01-01'),
    ADD CONSTRAINT capacity_forecast_learners CHECK (learners <= 1000000);
ALTER TABLE tenants
    ADD CONSTRAINT tenants_state_reason CHECK (length(state_reason) <= 300),
    ADD CONSTRAINT tenants_plan CHECK (length(plan) BETWEEN 1 AND 64),
    ADD CONSTRAINT tenants_limits CHECK (jsonb_typeof(limits) = 'object' AND length(limits::text) <= 4000);
ALTER TABLE versions ADD CONSTRAINT versions_slug CHECK (length(slug) <= 32);

-- One row a tenant: what puts publishers of one forecast in line.
CREATE TABLE forecast_turns (slug text PRIMARY KEY REFERENCES tenants ON DELETE CASCADE);
REVOKE ALL ON forecast_turns FROM {{login}};
GRANT SELECT, INSERT, UPDATE ON forecast_turns TO {{gate}};

SET LOCAL ROLE {{gate}};

-- bump says that something other processes cache has changed in the caller's realm. The registry is the platform's.
CREATE OR REPLACE FUNCTION gate.bump(what text) RETURNS void LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE who text := gate.caller();
BEGIN
    IF (what IN ('rules', 'keys', 'sessions', 'settings', 'content') OR what = 'registry' AND who = '') IS NOT TRUE THEN
        RAISE EXCEPTION 'not a thing that is cached' USING ERRCODE = 'check_violation';
    END IF;
    INSERT INTO control.versions AS v (slug, kind, n) VALUES (who, what, 1)
    ON CONFLICT (slug, kind) DO UPDATE SET n = v.n + 1;
END $$;

-- publish_usage replaces the caller's own figures of one day, which is in this century and at most three years on: a country may
-- bring its past, and demo data may be made for a day to come. No figure is above ten million.
CREATE OR REPLACE FUNCTION gate.publish_usage(of_day date, n_active integer, n_attendance integer, n_learners integer, n_classes integer, n_attempts integer)
RETURNS void LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE who text := gate.caller();
BEGIN
    IF who = '' THEN RAISE EXCEPTION 'not a tenant' USING ERRCODE = 'insufficient_privilege'; END IF;
    IF (of_day BETWEEN '2000-01-01' AND current_date + 1100 AND n_active BETWEEN 0 AND 10000000 AND n_attendance BETWEEN 0 AND 10000000
        AND n_learners BETWEEN 0 AND 10000000 AND n_classes BETWEEN 0 AND 10000000 AND n_attempts BETWEEN 0 AND 10000000) IS NOT TRUE THEN
        RAISE EXCEPTION 'a figure or its day is out of bounds' USING ERRCODE = 'check_violation';
    END IF;
    INSERT INTO control.usage_days (slug, day, active_users, attendance, learners, classes, attempts)
    VALUES (who, of_day, n_active, n_attendance, n_learners, n_classes, n_attempts)
    ON CONFLICT (slug, day) DO UPDATE SET active_users = excluded.active_users, attendance = excluded.attendance,
        learners = excluded.learners, classes = excluded.classes, attempts = excluded.attempts, published_at = now();
END $$;

-- publish_forecast replaces the caller's own rows from now on (what has ended stays for 35 days, to learn from), and tells
-- whether anything but published_at has changed. entries: [{"kind", "id", "starts_at", "ends_at", "learners"}], at most 2,000, each
-- beginning in this century and ending between now and 60 days on, with no more learners than the tenant may have, or a million.
CREATE OR REPLACE FUNCTION gate.publish_forecast(entries jsonb) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE who text := gate.caller(); most bigint; changed boolean;
BEGIN
    IF who = '' THEN RAISE EXCEPTION 'not a tenant' USING ERRCODE = 'insufficient_privilege'; END IF;
    IF entries IS NULL OR jsonb_typeof(entries) <> 'array' THEN
        RAISE EXCEPTION 'a forecast is an array' USING ERRCODE = 'invalid_parameter_value';
    END IF;
    IF jsonb_array_length(entries) > 2000 OR length(entries::text) > 1000000 THEN
        RAISE EXCEPTION 'a forecast has at most 2000 entries and a million characters' USING ERRCODE = 'program_limit_exceeded';
    END IF;
    -- Two publishers of one tenant come one after the other. It is a row of this function alone: a tenant that keeps its
    -- transaction open must not keep the platform from the tenant's own row, with which it is suspended.
    INSERT INTO control.forecast_turns (slug) VALUES (who) ON CONFLICT (slug) DO UPDATE SET slug = excluded.slug;
    SELECT least(1000000, coalesce((limits->>'learners')::bigint, 0)) INTO most FROM control.tenants WHERE slug = who;
    IF EXISTS (SELECT FROM jsonb_to_recordset(entries) AS e(kind text, id uuid, starts_at timestamptz, ends_at timestamptz, learners bigint)
        WHERE (e.kind IN ('exam', 'live', 'import') AND e.id IS NOT NULL AND e.starts_at >= '2000-01-01' AND e.starts_at < e.ends_at
            AND e.ends_at > now() AND e.ends_at <= now() + interval '60 days' AND e.learners BETWEEN 0 AND most) IS NOT TRUE) THEN
        RAISE EXCEPTION 'an entry of the forecast is out of bounds' USING ERRCODE = 'check_violation';
    END IF;
    WITH stood AS (
        SELECT kind, id, starts_at, ends_at, learners FROM control.capacity_forecast WHERE slug = who AND ends_at > now()
    ), said AS (
        SELECT kind, id, starts_at, ends_at, learners
        FROM jsonb_to_recordset(entries) AS e(kind text, id uuid, starts_at timestamptz, ends_at timestamptz, learners integer)
    )
    SELECT EXISTS (TABLE stood EXCEPT TABLE said) OR EXISTS (TABLE said EXCEPT TABLE stood) INTO changed;
    DELETE FROM control.capacity_forecast WHERE slug = who AND (ends_at > now() OR ends_at < now() - interval '35 days');
    INSERT INTO control.capacity_forecast (slug, kind, id, starts_at, ends_at, learners)
    SELECT who, kind, id, starts_at, ends_at, learners
    FROM jsonb_to_recordset(entries) AS e(kind text, id uuid, starts_at timestamptz, ends_at timestamptz, learners integer)
    ON CONFLICT (slug, kind, id) DO UPDATE SET starts_at = excluded.starts_at, ends_at = excluded.ends_at,
        learners = excluded.learners, published_at = now();
    RETURN changed;
END $$;

-- set_tenant changes a tenant's state, plan and limits in the registry and in the tenant's own copy, with an entry in the
-- tenant's trail, in the caller's transaction. Only the platform's login may. It waits for no lock that a tenant's login can
-- hold: the row of the registry is locked beside foreign keys (FOR NO KEY UPDATE), the tenant's versions are left alone (every
-- process reads the registry anew), and settings and audit_entries are tables of which the login may lock nothing.
CREATE OR REPLACE FUNCTION gate.set_tenant(which text, new_state text, new_reason text, new_plan text, new_limits jsonb,
    entry_id uuid, entry_actor uuid, entry_actor_name text, entry_roles text, entry_address text, entry_action text, entry_why text, entry_request text)
RETURNS boolean LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE t control.tenants%ROWTYPE; was jsonb;
BEGIN
    IF gate.caller() <> '' THEN RAISE EXCEPTION 'only the platform' USING ERRCODE = 'insufficient_privilege'; END IF;
    IF (new_state IN ('active', 'read_only', 'suspended') AND length(new_reason) <= 300 AND length(new_plan) BETWEEN 1 AND 64
        AND jsonb_typeof(new_limits) = 'object' AND length(new_limits::text) <= 4000 AND entry_id IS NOT NULL AND length(entry_actor_name) <= 200
        AND length(entry_roles) <= 2000 AND length(entry_address) <= 200 AND length(entry_action) BETWEEN 1 AND 100 AND length(entry_why) <= 2000
        AND length(entry_request) <= 200) IS NOT TRUE THEN
        RAISE EXCEPTION 'a state, a plan or an entry is out of bounds' USING ERRCODE = 'check_violation';
    END IF;
    IF EXISTS (SELECT FROM jsonb_each(new_limits) AS l(name, n)
        WHERE CASE WHEN jsonb_typeof(n) = 'number' THEN n::text::numeric NOT BETWEEN 0 AND 1125899906842624 OR n::text::numeric % 1 <> 0 ELSE true END) THEN
        RAISE EXCEPTION 'a limit is out of bounds' USING ERRCODE = 'check_violation';
    END IF;
    SELECT * INTO t FROM control.tenants WHERE slug = which FOR NO KEY UPDATE;
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
    RETURN true;
END $$;

RESET ROLE;
