-- One pen writes the audit trail: record_entry, in each realm. An entry comes to it as a document, and whatever stores something together with its
-- entry, in one statement, hands the document on as it came: so the columns of the trail stand here, and nowhere else. A document may lack
-- what is empty, and have more than this file knows.

-- The keys are the columns' names; id is apart, since whoever sends an entry again may want to know it.
CREATE FUNCTION record_entry(entry_id uuid, entry jsonb) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO {{schema}}.audit_entries (id, actor_id, actor_name, actor_roles, actor_realm, address, action, outcome, object_kind, object_id, before, after, reason, request_id)
    VALUES (entry_id, (entry ->> 'actor_id')::uuid, coalesce(entry ->> 'actor_name', ''), coalesce(entry ->> 'actor_roles', ''), coalesce(entry ->> 'actor_realm', ''),
        coalesce(entry ->> 'address', ''), entry ->> 'action', coalesce(entry ->> 'outcome', 'done'), coalesce(entry ->> 'object_kind', ''),
        coalesce(entry ->> 'object_id', ''), entry -> 'before', entry -> 'after', coalesce(entry ->> 'reason', ''), coalesce(entry ->> 'request_id', ''));
END $$;
GRANT EXECUTE ON FUNCTION record_entry TO {{login}};
-- The gate writes into a tenant's trail what the platform did to the tenant.
GRANT EXECUTE ON FUNCTION record_entry TO {{gate}};

-- ---- A tenant's ----
DO $tenant$
BEGIN
IF current_schema() = 'control' THEN
    RETURN;
END IF;

-- A program from before this file sends the parts of an entry one by one, until it is replaced; a later file drops what is for it, which is
-- entry_of and the four that call it. The trail gets the same from both.
CREATE FUNCTION entry_of(actor uuid, name text, roles text, realm text, address text, action text, outcome text, kind text, object text, before jsonb, after jsonb,
    reason text, request text)
RETURNS jsonb LANGUAGE sql IMMUTABLE SET search_path = {{schema}}, pg_temp AS $$
    SELECT jsonb_strip_nulls(jsonb_build_object('actor_id', actor, 'actor_name', name, 'actor_roles', roles, 'actor_realm', realm, 'address', address, 'action', action,
        'outcome', outcome, 'object_kind', kind, 'object_id', object, 'reason', reason, 'request_id', request))
        || CASE WHEN before IS NULL THEN '{}' ELSE jsonb_build_object('before', before) END
        || CASE WHEN after IS NULL THEN '{}' ELSE jsonb_build_object('after', after) END
$$;

CREATE OR REPLACE FUNCTION open_lesson(entry_id uuid, entry_actor uuid, entry_name text, entry_roles text, entry_realm text, entry_address text, entry_action text,
    entry_outcome text, entry_kind text, entry_object text, entry_before jsonb, entry_after jsonb, entry_reason text, entry_request text,
    of_learner uuid, of_lesson uuid, at timestamptz, since timestamptz)
RETURNS boolean LANGUAGE plpgsql SECURITY INVOKER SET search_path = {{schema}}, pg_temp SET plan_cache_mode = force_generic_plan SET enable_seqscan = off AS $$
BEGIN
    RETURN open_lesson(entry_id, entry_of(entry_actor, entry_name, entry_roles, entry_realm, entry_address, entry_action, entry_outcome, entry_kind,
        entry_object, entry_before, entry_after, entry_reason, entry_request), of_learner, of_lesson, at, since);
END $$;

CREATE OR REPLACE FUNCTION save_progress(entry_id uuid, entry_actor uuid, entry_name text, entry_roles text, entry_realm text, entry_address text, entry_action text,
    entry_outcome text, entry_kind text, entry_object text, entry_before jsonb, entry_after jsonb, entry_reason text, entry_request text,
    of_learner uuid, of_lesson uuid, new_percent smallint, new_seconds integer, new_counter bigint, at timestamptz,
    OUT percent smallint, OUT seconds integer, OUT counter bigint, OUT completed_at timestamptz)
RETURNS SETOF record LANGUAGE plpgsql SECURITY INVOKER SET search_path = {{schema}}, pg_temp SET plan_cache_mode = force_generic_plan SET enable_seqscan = off AS $$
BEGIN
    RETURN QUERY SELECT * FROM save_progress(entry_id, entry_of(entry_actor, entry_name, entry_roles, entry_realm, entry_address, entry_action, entry_outcome, entry_kind,
        entry_object, entry_before, entry_after, entry_reason, entry_request), of_learner, of_lesson, new_percent, new_seconds, new_counter, at);
END $$;

CREATE OR REPLACE FUNCTION start_attempt(entry_id uuid, entry_actor uuid, entry_name text, entry_roles text, entry_realm text, entry_address text, entry_action text,
    entry_outcome text, entry_kind text, entry_object text, entry_before jsonb, entry_after jsonb, entry_reason text, entry_request text,
    of_test uuid, of_learner uuid, started timestamptz, new_id uuid, new_seed bigint, new_paper uuid[], today date)
RETURNS TABLE (course_id uuid, "number" integer, deadline timestamptz)
LANGUAGE plpgsql SECURITY INVOKER SET search_path = {{schema}}, pg_temp SET plan_cache_mode = force_generic_plan SET enable_seqscan = off AS $$
BEGIN
    RETURN QUERY SELECT * FROM start_attempt(entry_id, entry_of(entry_actor, entry_name, entry_roles, entry_realm, entry_address, entry_action, entry_outcome, entry_kind,
        entry_object, entry_before, entry_after, entry_reason, entry_request), of_test, of_learner, started, new_id, new_seed, new_paper, today);
END $$;

CREATE OR REPLACE FUNCTION save_answers(entry_id uuid, entry_actor uuid, entry_name text, entry_roles text, entry_realm text, entry_address text, entry_action text,
    entry_outcome text, entry_kind text, entry_object text, entry_before jsonb, entry_after jsonb, entry_reason text, entry_request text,
    of_attempt uuid, of_learner uuid, at timestamptz, since timestamptz, sent_positions smallint[], sent_counters bigint[], sent_responses jsonb,
    OUT highest bigint[], OUT fresh integer)
RETURNS SETOF record LANGUAGE plpgsql SECURITY INVOKER SET search_path = {{schema}}, pg_temp SET plan_cache_mode = force_generic_plan SET enable_seqscan = off AS $$
BEGIN
    RETURN QUERY SELECT * FROM save_answers(entry_id, entry_of(entry_actor, entry_name, entry_roles, entry_realm, entry_address, entry_action, entry_outcome, entry_kind,
        entry_object, entry_before, entry_after, entry_reason, entry_request), of_attempt, of_learner, at, since, sent_positions, sent_counters, sent_responses);
END $$;

-- The same, with the entry as a document: what they do beside is as before (0013_player, 0015_day, 0017_places).
CREATE FUNCTION open_lesson(entry_id uuid, entry jsonb, of_learner uuid, of_lesson uuid, at timestamptz, since timestamptz)
RETURNS boolean LANGUAGE plpgsql SECURITY INVOKER SET search_path = {{schema}}, pg_temp SET plan_cache_mode = force_generic_plan SET enable_seqscan = off AS $$
#variable_conflict use_column
BEGIN
    INSERT INTO lesson_progress AS p (learner_id, course_id, lesson_id, percent, started_at, opened_at, updated_at)
    SELECT of_learner, l.course_id, l.id, 0, open_lesson.at, open_lesson.at, open_lesson.at FROM lessons l WHERE l.id = of_lesson AND l.active
    ON CONFLICT (learner_id, course_id, lesson_id) DO UPDATE SET opened_at = excluded.opened_at,
        read_seconds = p.read_seconds + least(1800, greatest(0, extract(epoch FROM p.updated_at - coalesce(p.opened_at, p.started_at))))::integer
    WHERE coalesce(p.opened_at, p.started_at) < since;
    IF NOT FOUND THEN
        RETURN false;
    END IF;
    PERFORM record_entry(entry_id, entry);
    RETURN true;
END $$;

CREATE FUNCTION save_progress(entry_id uuid, entry jsonb, of_learner uuid, of_lesson uuid, new_percent smallint, new_seconds integer, new_counter bigint,
    at timestamptz, OUT percent smallint, OUT seconds integer, OUT counter bigint, OUT completed_at timestamptz)
RETURNS SETOF record LANGUAGE plpgsql SECURITY INVOKER SET search_path = {{schema}}, pg_temp SET plan_cache_mode = force_generic_plan SET enable_seqscan = off AS $$
#variable_conflict use_column
BEGIN
    INSERT INTO lesson_progress AS p (learner_id, course_id, lesson_id, percent, seconds, counter, started_at, opened_at, updated_at, completed_at)
    SELECT of_learner, l.course_id, l.id, new_percent, new_seconds, new_counter, save_progress.at, save_progress.at, save_progress.at,
        CASE WHEN new_percent = 100 THEN save_progress.at END
    FROM lessons l WHERE l.id = of_lesson AND l.active AND EXISTS (SELECT FROM enrolled e WHERE e.learner_id = of_learner AND e.course_id = l.course_id)
    ON CONFLICT (learner_id, course_id, lesson_id) DO UPDATE SET percent = greatest(p.percent, excluded.percent),
        seconds = greatest(p.seconds, excluded.seconds), counter = greatest(p.counter, excluded.counter),
        updated_at = greatest(p.updated_at, excluded.updated_at), completed_at = coalesce(p.completed_at, excluded.completed_at)
    WHERE excluded.counter > p.counter OR excluded.percent > p.percent OR excluded.seconds > p.seconds
    RETURNING p.percent, p.seconds, p.counter, p.completed_at INTO percent, seconds, counter, completed_at;
    IF NOT FOUND THEN
        RETURN;
    END IF;
    PERFORM record_entry(entry_id, entry);
    RETURN NEXT;
END $$;

CREATE FUNCTION start_attempt(entry_id uuid, entry jsonb, of_test uuid, of_learner uuid, started timestamptz, new_id uuid, new_seed bigint,
    new_paper uuid[], today date)
RETURNS TABLE (course_id uuid, "number" integer, deadline timestamptz)
LANGUAGE plpgsql SECURITY INVOKER SET search_path = {{schema}}, pg_temp SET plan_cache_mode = force_generic_plan SET enable_seqscan = off AS $$
#variable_conflict use_column
BEGIN
    INSERT INTO attempts AS n (id, test_id, course_id, learner_id, school_id, number, state, seed, paper, started_at, deadline)
    SELECT new_id, t.id, t.course_id, u.id, u.school_id, m.made + 1, 'open', new_seed, new_paper, started,
        least(started + t.minutes * interval '1 minute', t.closes_at)
    FROM tests t CROSS JOIN users u CROSS JOIN (SELECT count(*) AS made FROM attempts WHERE test_id = of_test AND learner_id = of_learner) m
    WHERE t.id = of_test AND t.active AND u.id = of_learner AND u.state = 'active' AND (t.attempts = 0 OR m.made < t.attempts)
        AND (t.opens_at IS NULL OR t.opens_at <= started) AND (t.closes_at IS NULL OR t.closes_at > started)
        AND EXISTS (SELECT FROM enrolled e WHERE e.learner_id = of_learner AND e.course_id = t.course_id)
    ON CONFLICT DO NOTHING RETURNING n.course_id, n.number, n.deadline INTO course_id, number, deadline;
    IF NOT FOUND THEN
        RETURN;
    END IF;
    PERFORM attend(ARRAY[of_learner], ARRAY[today], ARRAY[started]);
    PERFORM record_entry(entry_id, entry || jsonb_build_object('after', entry -> 'after' || jsonb_build_object('number', start_attempt.number)));
    RETURN NEXT;
END $$;

CREATE FUNCTION save_answers(entry_id uuid, entry jsonb, of_attempt uuid, of_learner uuid, at timestamptz, since timestamptz,
    sent_positions smallint[], sent_counters bigint[], sent_responses jsonb,
    OUT highest bigint[], OUT fresh integer)
RETURNS SETOF record LANGUAGE plpgsql SECURITY INVOKER SET search_path = {{schema}}, pg_temp SET plan_cache_mode = force_generic_plan SET enable_seqscan = off AS $$
DECLARE
    last integer;
    head bigint;
    tops bigint[];
    known boolean := false; -- some of them may be stored already
BEGIN
    PERFORM FROM attempts a WHERE a.id = of_attempt AND a.learner_id = of_learner AND a.state = 'open' AND a.deadline >= since FOR NO KEY UPDATE;
    IF NOT FOUND THEN
        RETURN;
    END IF;
    SELECT s.n, s.heads INTO last, tops FROM saves s WHERE s.attempt_id = of_attempt ORDER BY s.n DESC LIMIT 1;
    tops := coalesce(tops, ARRAY[NULL::bigint]);
    FOR i IN 1 .. cardinality(sent_positions) LOOP
        head := tops[sent_positions[i] + 1];
        IF head >= sent_counters[i] THEN
            known := true;
            highest[i] := head;
        ELSE
            highest[i] := sent_counters[i];
            tops[sent_positions[i] + 1] := sent_counters[i];
        END IF;
    END LOOP;
    IF known THEN
        SELECT coalesce(array_agg(k.p ORDER BY k.i), '{}'), coalesce(array_agg(k.c ORDER BY k.i), '{}'), coalesce(jsonb_agg(sent_responses -> (k.i - 1)::integer ORDER BY k.i), '[]')
        INTO sent_positions, sent_counters, sent_responses
        FROM unnest(sent_positions, sent_counters) WITH ORDINALITY AS k (p, c, i)
        WHERE NOT EXISTS (SELECT FROM saves s CROSS JOIN LATERAL unnest(s.positions, s.counters) AS o (p, c) WHERE s.attempt_id = of_attempt AND o.p = k.p AND o.c = k.c);
    END IF;
    fresh := cardinality(sent_positions);
    IF fresh > 0 THEN
        INSERT INTO saves (attempt_id, n, positions, counters, responses, heads, saved_at)
        VALUES (of_attempt, coalesce(last, 0) + 1, sent_positions, sent_counters, sent_responses, tops, at);
        PERFORM record_entry(entry_id, entry || jsonb_build_object('after', entry -> 'after' || jsonb_build_object('rows', fresh, 'sha256', encode(sha256(convert_to((
            SELECT string_agg(k.p || ':' || k.c || ':' || (sent_responses -> (k.i - 1)::integer)::text, E'\n' ORDER BY k.p, k.c)
            FROM unnest(sent_positions, sent_counters) WITH ORDINALITY AS k (p, c, i)), 'UTF8')), 'hex'))));
    END IF;
    RETURN NEXT;
END $$;

GRANT EXECUTE ON FUNCTION entry_of, open_lesson(uuid, jsonb, uuid, uuid, timestamptz, timestamptz),
    save_progress(uuid, jsonb, uuid, uuid, smallint, integer, bigint, timestamptz),
    start_attempt(uuid, jsonb, uuid, uuid, timestamptz, uuid, bigint, uuid[], date),
    save_answers(uuid, jsonb, uuid, uuid, timestamptz, timestamptz, smallint[], bigint[], jsonb) TO {{login}};
END $tenant$;

-- ---- The platform's ----
DO $platform$
BEGIN
IF current_schema() <> 'control' THEN
    RETURN;
END IF;
SET LOCAL ROLE {{gate}};

-- set_tenant as before (control/0004_reach), with the entry as one document. It completes what only it knows.
CREATE FUNCTION gate.set_tenant(which text, new_state text, new_reason text, new_plan text, new_limits jsonb, entry_id uuid, entry jsonb)
RETURNS boolean LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE t control.tenants%ROWTYPE; was jsonb;
BEGIN
    IF gate.caller() <> '' THEN RAISE EXCEPTION 'only the platform' USING ERRCODE = 'insufficient_privilege'; END IF;
    IF (new_state IN ('active', 'read_only', 'suspended') AND length(new_reason) <= 300 AND length(new_plan) BETWEEN 1 AND 64
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
    was := jsonb_build_object('state', t.state, 'plan', t.plan, 'limits', t.limits);
    UPDATE control.tenants SET state = new_state, state_reason = new_reason, plan = new_plan, limits = new_limits, updated_at = now() WHERE slug = which;
    EXECUTE format('UPDATE %I.settings SET state = $1, state_reason = $2, plan = $3, limits = $4', t.schema_name)
        USING new_state, new_reason, new_plan, new_limits;
    EXECUTE format('SELECT %I.record_entry($1, $2)', t.schema_name) USING entry_id, entry || jsonb_build_object('actor_realm', 'platform', 'object_kind', 'tenant',
        'object_id', which, 'before', was, 'after', jsonb_build_object('state', new_state, 'plan', new_plan, 'limits', new_limits));
    INSERT INTO control.versions AS v (slug, kind, n) VALUES ('', 'registry', 1) ON CONFLICT (slug, kind) DO UPDATE SET n = v.n + 1;
    RETURN true;
END $$;

-- What a program from before this file calls, until it is replaced.
CREATE OR REPLACE FUNCTION gate.set_tenant(which text, new_state text, new_reason text, new_plan text, new_limits jsonb,
    entry_id uuid, entry_actor uuid, entry_actor_name text, entry_roles text, entry_address text, entry_action text, entry_why text, entry_request text)
RETURNS boolean LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN gate.set_tenant(which, new_state, new_reason, new_plan, new_limits, entry_id, jsonb_strip_nulls(jsonb_build_object('actor_id', entry_actor,
        'actor_name', entry_actor_name, 'actor_roles', entry_roles, 'address', entry_address, 'action', entry_action, 'reason', entry_why, 'request_id', entry_request)));
END $$;

REVOKE ALL ON FUNCTION gate.set_tenant(text, text, text, text, jsonb, uuid, jsonb) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION gate.set_tenant(text, text, text, text, jsonb, uuid, jsonb) TO {{login}};
RESET ROLE;
END $platform$;
