-- One pen writes the audit trail: record_entry, in each realm. An entry comes to it as a document, and whatever stores something together with its
-- entry, in one statement, hands the document on as it came: so the columns of the trail stand here, and nowhere else. A document may lack
-- what is empty, and have more than this file knows.

-- ---- What names people stands apart ----
-- An entry is never changed. What may have to be forgotten is therefore not in it: in its place stands a commitment, the SHA-256 of a salt and of
-- what it stands for, and that with its salt stands in one of two tables, from which a person's erasure takes it. Then the entry is as it was,
-- and nobody can tell any more what was behind the commitment: not even by trying, for want of the salt. The package tenants/audit describes the format.
-- Entries from before keep what they have within; whoever reads takes either. So no row is written anew here, however long the trail is.
ALTER TABLE audit_entries
    ADD COLUMN actor_commitment   bytea,                    -- to the actor's name and address; null: they are within
    ADD COLUMN content_commitment bytea;                    -- to before, after and reason; null: they are within, or there is none

-- Who acted, under which name, and from where: a row for each of these, which all its entries share, so that most changes write one row and
-- not two. Two transactions that are the first at once make two rows, and each is right.
CREATE TABLE audit_actors (
    commitment bytea PRIMARY KEY,                           -- SHA-256 of the salt, the name, a zero byte and the address
    actor_id   uuid NOT NULL,                               -- zeros: nobody who has an account, such as the platform itself
    name       text NOT NULL,
    address    text NOT NULL,
    salt       bytea NOT NULL CHECK (length(salt) >= 16)
);
CREATE INDEX audit_actors_by_actor ON audit_actors (actor_id, name, address);

CREATE TABLE audit_texts (
    entry_id uuid PRIMARY KEY,
    salt     bytea NOT NULL CHECK (length(salt) >= 16),
    content  text NOT NULL                                  -- JSON, to the byte as it was when the commitment was made: SHA-256 of the salt and of this
);
REVOKE UPDATE, DELETE ON audit_actors, audit_texts FROM {{login}};

-- The trail as people read it.
CREATE VIEW audit_trail WITH (security_invoker) AS
    SELECT e.id, e.at, e.actor_id, coalesce(a.name, e.actor_name) AS actor_name, e.actor_roles, e.actor_realm, coalesce(a.address, e.address) AS address,
        e.action, e.outcome, e.object_kind, e.object_id, coalesce(t.content::jsonb -> 'before', e.before) AS before, coalesce(t.content::jsonb -> 'after', e.after) AS after,
        coalesce(t.content::jsonb ->> 'reason', e.reason) AS reason, e.request_id,
        e.actor_commitment IS NOT NULL AND a.commitment IS NULL AS actor_erased, e.content_commitment IS NOT NULL AND t.entry_id IS NULL AS content_erased
    FROM audit_entries e LEFT JOIN audit_actors a ON a.commitment = e.actor_commitment LEFT JOIN audit_texts t ON t.entry_id = e.id;
REVOKE INSERT, UPDATE, DELETE ON audit_trail FROM {{login}};

-- 32 bytes that nobody can guess.
CREATE FUNCTION new_salt() RETURNS bytea LANGUAGE sql VOLATILE AS $$
    SELECT uuid_send(gen_random_uuid()) || uuid_send(gen_random_uuid())
$$;

-- ---- The pen ----
-- The keys are the columns' names, and content: before, after and reason, of which none may stay in the entry. before and after beside it stay: they
-- hold ids, counts and times alone, and never tell of a person (an object of the kind user). id is apart, since whoever sends an entry again may want to know it.
CREATE FUNCTION record_entry(entry_id uuid, entry jsonb) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    nobody constant uuid := '00000000-0000-0000-0000-000000000000';
    for_content bytea;
    fresh bytea;
BEGIN
    IF entry ->> 'object_kind' = 'user' AND entry ?| '{before,after}' THEN
        RAISE EXCEPTION 'what is told of a person stands apart' USING ERRCODE = 'check_violation';
    END IF;
    IF entry ? 'content' THEN
        fresh := {{schema}}.new_salt();
        for_content := sha256(fresh || convert_to(entry ->> 'content', 'UTF8'));
        INSERT INTO {{schema}}.audit_texts (entry_id, salt, content) VALUES (record_entry.entry_id, fresh, entry ->> 'content');
    END IF;
    LOOP
        INSERT INTO {{schema}}.audit_entries (id, actor_id, actor_roles, actor_realm, action, outcome, object_kind, object_id, before, after, request_id, actor_commitment, content_commitment)
        SELECT record_entry.entry_id, (entry ->> 'actor_id')::uuid, coalesce(entry ->> 'actor_roles', ''), coalesce(entry ->> 'actor_realm', ''), entry ->> 'action',
            coalesce(entry ->> 'outcome', 'done'), coalesce(entry ->> 'object_kind', ''), coalesce(entry ->> 'object_id', ''), entry -> 'before', entry -> 'after',
            coalesce(entry ->> 'request_id', ''), a.commitment, for_content
        FROM {{schema}}.audit_actors a WHERE a.actor_id = coalesce((entry ->> 'actor_id')::uuid, nobody) AND a.name = coalesce(entry ->> 'actor_name', '')
            AND a.address = coalesce(entry ->> 'address', '') LIMIT 1;
        EXIT WHEN FOUND;
        fresh := {{schema}}.new_salt(); -- the first time that they act, from there
        INSERT INTO {{schema}}.audit_actors (commitment, actor_id, name, address, salt)
        SELECT sha256(fresh || convert_to(n.name, 'UTF8') || '\x00' || convert_to(n.address, 'UTF8')), n.id, n.name, n.address, fresh
        FROM (SELECT coalesce((entry ->> 'actor_id')::uuid, nobody) AS id, coalesce(entry ->> 'actor_name', '') AS name, coalesce(entry ->> 'address', '') AS address) n;
    END LOOP;
END $$;
GRANT EXECUTE ON FUNCTION record_entry, new_salt TO {{login}};
-- The gate writes into a tenant's trail what the platform did to the tenant.
GRANT EXECUTE ON FUNCTION record_entry, new_salt TO {{gate}};
GRANT SELECT, INSERT ON audit_actors TO {{gate}};
GRANT INSERT ON audit_texts TO {{gate}};

-- ---- The rubber ----
-- Takes from the trail what names a person who was erased: their names and addresses where they acted, and the contents of entries about them.
-- Nothing else may take anything from it, and this leaves its own entry, with how much it took; it refuses for whoever was not erased. Entries from before
-- get a commitment whose salt nobody keeps. Entries about a person have all their content apart, so that none of the new form is changed.
CREATE FUNCTION erase_from_trail(entry_id uuid, entry jsonb) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = {{schema}}, pg_temp AS $$
DECLARE
    person uuid := (entry ->> 'object_id')::uuid;
    n bigint;
    acted bigint;
    about bigint;
BEGIN
    IF (entry ->> 'action' = 'user.erase' AND entry ->> 'object_kind' = 'user' AND EXISTS (SELECT FROM users WHERE id = person AND state = 'erased')) IS NOT TRUE THEN
        RAISE EXCEPTION 'nobody who was erased' USING ERRCODE = 'check_violation';
    END IF;
    DELETE FROM audit_actors WHERE actor_id = person;
    GET DIAGNOSTICS acted = ROW_COUNT;
    UPDATE audit_entries SET actor_commitment = sha256(new_salt() || convert_to(actor_name, 'UTF8') || '\x00' || convert_to(address, 'UTF8')), actor_name = '', address = ''
        WHERE actor_id = person AND (actor_name <> '' OR address <> '');
    GET DIAGNOSTICS n = ROW_COUNT;
    acted := acted + n;
    DELETE FROM audit_texts t USING audit_entries e WHERE e.object_id = person::text AND e.object_id <> '' AND e.object_kind = 'user' AND t.entry_id = e.id;
    GET DIAGNOSTICS about = ROW_COUNT;
    UPDATE audit_entries SET content_commitment = sha256(new_salt() || convert_to(jsonb_build_object('before', before, 'after', after, 'reason', reason)::text, 'UTF8')),
        before = NULL, after = NULL, reason = ''
        WHERE object_id = person::text AND object_id <> '' AND object_kind = 'user' AND (before IS NOT NULL OR after IS NOT NULL OR reason <> '');
    GET DIAGNOSTICS n = ROW_COUNT;
    PERFORM record_entry(entry_id, entry || jsonb_build_object('content', coalesce(entry -> 'content', '{}')
        || jsonb_build_object('after', jsonb_build_object('names', acted, 'texts', about + n))));
END $$;
GRANT EXECUTE ON FUNCTION erase_from_trail TO {{login}};

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
        'outcome', outcome, 'object_kind', kind, 'object_id', object, 'request_id', request))
        || CASE WHEN reason = '' THEN '{}' ELSE jsonb_build_object('content', jsonb_build_object('reason', reason)) END
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
        'actor_name', entry_actor_name, 'actor_roles', entry_roles, 'address', entry_address, 'action', entry_action, 'request_id', entry_request,
        'content', CASE WHEN entry_why <> '' THEN jsonb_build_object('reason', entry_why) END)));
END $$;

REVOKE ALL ON FUNCTION gate.set_tenant(text, text, text, text, jsonb, uuid, jsonb) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION gate.set_tenant(text, text, text, text, jsonb, uuid, jsonb) TO {{login}};
RESET ROLE;
END $platform$;
