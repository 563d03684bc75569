-- What the taking of a test costs. A save is one row, whatever it brings, instead of one for each answer; and the statements of a
-- start, a save and a hand-in are functions, whose plans a backend keeps: behind a pooler nothing is prepared, so that a
-- statement sent as text is planned anew each time, which took longer than running it.
--
-- The functions run with the rights of whoever calls them, name their own schema, and may be called by the tenant's login alone.
-- All of them go by keys, and a plan that is kept may be older than the rows: so none of it may be made for a table that was still
-- empty and reads the whole of it (enable_seqscan), and none is made for one call (plan_cache_mode).

-- Appended, never changed: the highest counter of a position is the answer that counts, and no counter of a position is there twice.
CREATE TABLE saves (
    attempt_id uuid NOT NULL REFERENCES attempts ON DELETE CASCADE,
    n          integer NOT NULL CHECK (n > 0),              -- 1 is the attempt's first
    positions  smallint[] NOT NULL,                         -- of what was new in it, from 0
    counters   bigint[] NOT NULL,                           -- the same answers' counters
    responses  jsonb NOT NULL,                              -- and what they say, a list in the same order
    heads      bigint[] NOT NULL,                           -- the highest counter of each position after it, from position 0; null: no answer yet
    saved_at   timestamptz NOT NULL,
    PRIMARY KEY (attempt_id, n),
    CHECK (cardinality(positions) = cardinality(counters) AND cardinality(positions) = jsonb_array_length(responses))
);
REVOKE UPDATE, DELETE ON saves FROM {{login}};

-- Attempts that are over keep the rows that they have; those under way go on with one.
ALTER TABLE responses RENAME TO single_responses;
INSERT INTO saves (attempt_id, n, positions, counters, responses, heads, saved_at)
SELECT r.attempt_id, 1, array_agg(r.position ORDER BY r.position, r.counter), array_agg(r.counter ORDER BY r.position, r.counter),
    jsonb_agg(r.response ORDER BY r.position, r.counter),
    (SELECT array_agg((SELECT max(h.counter) FROM single_responses h WHERE h.attempt_id = r.attempt_id AND h.position = p) ORDER BY p)
        FROM generate_series(0, max(r.position)) p), max(r.saved_at)
FROM single_responses r JOIN attempts a ON a.id = r.attempt_id WHERE a.state = 'open' GROUP BY r.attempt_id;
DELETE FROM single_responses r USING attempts a WHERE a.id = r.attempt_id AND a.state = 'open';
REVOKE INSERT ON single_responses FROM {{login}};

-- Every answer by itself, whichever way it is kept. A program from before this file goes on writing to it until it is replaced.
CREATE VIEW responses AS
    SELECT attempt_id, position, counter, response, saved_at FROM single_responses
    UNION ALL
    SELECT s.attempt_id, k.position, k.counter, s.responses -> (k.i - 1)::integer, s.saved_at
    FROM saves s CROSS JOIN LATERAL unnest(s.positions, s.counters) WITH ORDINALITY AS k (position, counter, i);

CREATE FUNCTION save_one_response() RETURNS trigger LANGUAGE plpgsql SECURITY INVOKER SET search_path = {{schema}}, pg_temp SET plan_cache_mode = force_generic_plan SET enable_seqscan = off AS $$
DECLARE last saves;
BEGIN
    PERFORM FROM attempts WHERE id = new.attempt_id FOR NO KEY UPDATE;
    IF EXISTS (SELECT FROM responses r WHERE r.attempt_id = new.attempt_id AND r.position = new.position AND r.counter = new.counter) THEN
        RETURN NULL;
    END IF;
    SELECT * INTO last FROM saves s WHERE s.attempt_id = new.attempt_id ORDER BY s.n DESC LIMIT 1;
    last.heads := coalesce(last.heads, ARRAY[NULL::bigint]);
    last.heads[new.position + 1] := greatest(last.heads[new.position + 1], new.counter);
    INSERT INTO saves (attempt_id, n, positions, counters, responses, heads, saved_at) VALUES (new.attempt_id, coalesce(last.n, 0) + 1, ARRAY[new.position],
        ARRAY[new.counter], jsonb_build_array(new.response), last.heads, coalesce(new.saved_at, now()));
    RETURN new;
END $$;
CREATE TRIGGER save_one_response INSTEAD OF INSERT OR UPDATE OR DELETE ON responses FOR EACH ROW EXECUTE FUNCTION save_one_response();
REVOKE UPDATE, DELETE ON responses FROM {{login}};

-- Stores the answers of one save that are new, with the entry in the audit trail, and tells for each answer as it was sent the highest
-- counter of its position, and how many were new. Nothing comes back where the attempt takes none: then nothing was written. The lock
-- on the attempt lets one save at a time through, and none beside a hand-in. The entry carries SHA-256 over what is new as
-- "position:counter:response" in the order of position and counter, a line each, the response as jsonb prints it.
CREATE FUNCTION save_answers(entry_id uuid, entry_actor uuid, entry_name text, entry_roles text, entry_realm text, entry_address text, entry_action text,
    entry_outcome text, entry_kind text, entry_object text, entry_before jsonb, entry_after jsonb, entry_reason text, entry_request text,
    of_attempt uuid, of_learner uuid, at timestamptz, since timestamptz, sent_positions smallint[], sent_counters bigint[], sent_responses jsonb,
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
        INSERT INTO audit_entries (id, actor_id, actor_name, actor_roles, actor_realm, address, action, outcome, object_kind, object_id, before, after, reason, request_id)
        SELECT entry_id, entry_actor, entry_name, entry_roles, entry_realm, entry_address, entry_action, entry_outcome, entry_kind, entry_object, entry_before,
            entry_after || jsonb_build_object('rows', fresh, 'sha256', encode(sha256(convert_to((
                SELECT string_agg(k.p || ':' || k.c || ':' || (sent_responses -> (k.i - 1)::integer)::text, E'\n' ORDER BY k.p, k.c)
                FROM unnest(sent_positions, sent_counters) WITH ORDINALITY AS k (p, c, i)), 'UTF8')), 'hex')), entry_reason, entry_request;
    END IF;
    RETURN NEXT;
END $$;

-- The answers that count of attempts: one a position.
CREATE FUNCTION latest_answers(of_attempts uuid[])
RETURNS TABLE (attempt_id uuid, "position" integer, counter bigint, response text)
LANGUAGE plpgsql STABLE SECURITY INVOKER SET search_path = {{schema}}, pg_temp SET plan_cache_mode = force_generic_plan SET enable_seqscan = off AS $$
#variable_conflict use_column
BEGIN
    RETURN QUERY SELECT s.attempt_id, k.position::integer, k.counter, (s.responses -> (k.i - 1)::integer)::text
    FROM unnest(of_attempts) AS w (id)
    CROSS JOIN LATERAL (SELECT l.heads FROM saves l WHERE l.attempt_id = w.id ORDER BY l.n DESC LIMIT 1) last
    CROSS JOIN LATERAL (SELECT * FROM saves o WHERE o.attempt_id = w.id OFFSET 0) s
    CROSS JOIN LATERAL unnest(s.positions, s.counters) WITH ORDINALITY AS k (position, counter, i)
    WHERE k.counter = last.heads[k.position + 1]
    UNION ALL SELECT o.attempt_id, o.position::integer, o.counter, o.response::text FROM unnest(of_attempts) AS w (id)
    CROSS JOIN LATERAL (SELECT DISTINCT ON (r.position) r.* FROM single_responses r WHERE r.attempt_id = w.id ORDER BY r.position, r.counter DESC) o;
END $$;

-- What the policy asks before a start, with what a start and its paper need to know of the test.
CREATE FUNCTION start_facts(of_test uuid, of_learner uuid, at timestamptz, since timestamptz)
RETURNS TABLE (content_hash text, enrolled boolean, window_open boolean, attempts integer, made bigint, late boolean, course_id uuid, open_id uuid,
    "number" integer, started_at timestamptz, deadline timestamptz, items integer, title text, kind text, instructions text)
LANGUAGE plpgsql STABLE SECURITY INVOKER SET search_path = {{schema}}, pg_temp SET plan_cache_mode = force_generic_plan SET enable_seqscan = off AS $$
#variable_conflict use_column
BEGIN
    RETURN QUERY SELECT c.content_hash,
        EXISTS (SELECT FROM enrolments e JOIN classes k ON k.id = e.class_id
            WHERE e.learner_id = of_learner AND e.state = 'active' AND k.course_id = t.course_id AND k.state <> 'cancelled'),
        (t.opens_at IS NULL OR t.opens_at <= at) AND (t.closes_at IS NULL OR t.closes_at > at),
        t.attempts, (SELECT count(*) FROM attempts a WHERE a.test_id = t.id AND a.learner_id = of_learner), coalesce(o.deadline < since, false),
        t.course_id, o.id, coalesce(o.number, 0), coalesce(o.started_at, at), coalesce(o.deadline, at), coalesce(cardinality(o.paper), 0), t.title, t.kind, t.instructions
    FROM tests t JOIN courses c ON c.id = t.course_id
    LEFT JOIN attempts o ON o.test_id = t.id AND o.learner_id = of_learner AND o.state = 'open'
    WHERE t.id = of_test AND t.active;
END $$;

-- Stores a new attempt: the rules again, the row, the learner's day of work, and the entry in the audit trail. Nothing comes back
-- when the rules do not allow a start or an attempt is under way: then nothing was written.
CREATE FUNCTION start_attempt(entry_id uuid, entry_actor uuid, entry_name text, entry_roles text, entry_realm text, entry_address text, entry_action text,
    entry_outcome text, entry_kind text, entry_object text, entry_before jsonb, entry_after jsonb, entry_reason text, entry_request text,
    of_test uuid, of_learner uuid, started timestamptz, new_id uuid, new_seed bigint, new_paper uuid[], today date)
RETURNS TABLE (course_id uuid, "number" integer, deadline timestamptz)
LANGUAGE plpgsql SECURITY INVOKER SET search_path = {{schema}}, pg_temp SET plan_cache_mode = force_generic_plan SET enable_seqscan = off AS $$
#variable_conflict use_column
BEGIN
    RETURN QUERY WITH fresh AS (
        INSERT INTO attempts (id, test_id, course_id, learner_id, school_id, number, state, seed, paper, started_at, deadline)
        SELECT new_id, t.id, t.course_id, u.id, u.school_id, m.made + 1, 'open', new_seed, new_paper, started,
            least(started + t.minutes * interval '1 minute', t.closes_at)
        FROM tests t CROSS JOIN users u CROSS JOIN (SELECT count(*) AS made FROM attempts WHERE test_id = of_test AND learner_id = of_learner) m
        WHERE t.id = of_test AND t.active AND u.id = of_learner AND u.state = 'active' AND (t.attempts = 0 OR m.made < t.attempts)
            AND (t.opens_at IS NULL OR t.opens_at <= started) AND (t.closes_at IS NULL OR t.closes_at > started)
            AND EXISTS (SELECT FROM enrolments e JOIN classes k ON k.id = e.class_id
                WHERE e.learner_id = of_learner AND e.state = 'active' AND k.course_id = t.course_id AND k.state <> 'cancelled')
        ON CONFLICT DO NOTHING RETURNING course_id, learner_id, school_id, number, started_at, deadline
    ), worker AS (
        SELECT learner_id, school_id, today AS day, started_at AS at FROM fresh
    ), attended AS (
        INSERT INTO attendance (day, learner_id, school_id, first_at) SELECT day, learner_id, school_id, at FROM worker ON CONFLICT DO NOTHING RETURNING 1
    ), noted AS (
        INSERT INTO audit_entries (id, actor_id, actor_name, actor_roles, actor_realm, address, action, outcome, object_kind, object_id, before, after, reason, request_id)
        SELECT entry_id, entry_actor, entry_name, entry_roles, entry_realm, entry_address, entry_action, entry_outcome, entry_kind, entry_object, entry_before,
            entry_after || jsonb_build_object('number', fresh.number), entry_reason, entry_request FROM fresh
    )
    SELECT course_id, number, deadline FROM fresh;
END $$;

-- A learner's attempt with what a paper needs of its test.
CREATE FUNCTION attempt_paper(of_attempt uuid, of_learner uuid)
RETURNS TABLE (id uuid, test_id uuid, course_id uuid, learner_id uuid, "number" integer, state text, started_at timestamptz, deadline timestamptz, items integer,
    paper uuid[], seed bigint, title text, kind text, instructions text)
LANGUAGE plpgsql STABLE SECURITY INVOKER SET search_path = {{schema}}, pg_temp SET plan_cache_mode = force_generic_plan SET enable_seqscan = off AS $$
#variable_conflict use_column
BEGIN
    RETURN QUERY SELECT a.id, a.test_id, a.course_id, a.learner_id, a.number, a.state, a.started_at, a.deadline, cardinality(a.paper), a.paper, a.seed,
        t.title, t.kind, t.instructions FROM attempts a JOIN tests t ON t.id = a.test_id WHERE a.id = of_attempt AND a.learner_id = of_learner;
END $$;

-- What the policy asks about a viewer and an attempt.
CREATE FUNCTION attempt_facts(of_attempt uuid, viewer uuid)
RETURNS TABLE (learner_id uuid, test_id uuid, open boolean, deadline timestamptz, coach_of boolean, same_school boolean)
LANGUAGE plpgsql STABLE SECURITY INVOKER SET search_path = {{schema}}, pg_temp SET plan_cache_mode = force_generic_plan SET enable_seqscan = off AS $$
#variable_conflict use_column
BEGIN
    RETURN QUERY SELECT a.learner_id, a.test_id, a.state = 'open', a.deadline,
        EXISTS (SELECT FROM enrolments e JOIN classes c ON c.id = e.class_id WHERE e.learner_id = a.learner_id AND e.state = 'active'
            AND c.coach_id = viewer AND c.course_id = a.course_id AND c.state = 'active'),
        coalesce(l.school_id = v.school_id, false)
    FROM attempts a JOIN users l ON l.id = a.learner_id LEFT JOIN users v ON v.id = viewer WHERE a.id = of_attempt;
END $$;

-- Attempts with what scoring and showing them needs of their tests; of one learner, or null for any. locked: they will change, and
-- the lock comes first, so that all that was acknowledged before is seen after it.
CREATE FUNCTION attempt_records(of_attempts uuid[], of_learner uuid, locked boolean)
RETURNS TABLE (id uuid, test_id uuid, course_id uuid, learner_id uuid, "number" integer, state text, started_at timestamptz, deadline timestamptz, items integer,
    school_id uuid, seed bigint, paper uuid[], submitted_at timestamptz, by_platform boolean, grade text, result text,
    title text, kind text, feedback text, closes_at timestamptz, grades text, sections text)
LANGUAGE plpgsql SECURITY INVOKER SET search_path = {{schema}}, pg_temp SET plan_cache_mode = force_generic_plan SET enable_seqscan = off AS $$
#variable_conflict use_column
BEGIN
    IF locked THEN
        PERFORM FROM attempts a WHERE a.id = ANY (of_attempts) AND (of_learner IS NULL OR a.learner_id = of_learner) ORDER BY a.id FOR UPDATE;
    END IF;
    RETURN QUERY SELECT a.id, a.test_id, a.course_id, a.learner_id, a.number, a.state, a.started_at, a.deadline, cardinality(a.paper),
        a.school_id, a.seed, a.paper, a.submitted_at, a.by_platform, a.grade, a.result::text, t.title, t.kind, t.feedback, t.closes_at, t.grades::text,
        (SELECT coalesce(jsonb_object_agg(s.code, s.title), '{}')::text FROM course_sections s WHERE s.course_id = a.course_id)
    FROM attempts a JOIN tests t ON t.id = a.test_id WHERE a.id = ANY (of_attempts) AND (of_learner IS NULL OR a.learner_id = of_learner) ORDER BY a.id;
END $$;

-- Stores scores and awards points, for many attempts at once, and gives what was new to each learner.
CREATE FUNCTION store_scores(at timestamptz, month text, ids uuid[], states text[], submitted timestamptz[], platform boolean[], scores integer[],
    max_scores integer[], grades text[], results jsonb[], earning_of uuid[], rules text[], refs text[], worth integer[])
RETURNS TABLE (learner_id uuid, points integer)
LANGUAGE plpgsql SECURITY INVOKER SET search_path = {{schema}}, pg_temp SET plan_cache_mode = force_generic_plan SET enable_seqscan = off AS $$
#variable_conflict use_column
BEGIN
    RETURN QUERY WITH new AS (
        SELECT * FROM unnest(ids, states, submitted, platform, scores, max_scores, grades, results)
            AS n (id, state, submitted_at, by_platform, score, max_score, grade, result)
    ), done AS (
        UPDATE attempts a SET state = new.state, submitted_at = new.submitted_at, by_platform = new.by_platform, score = new.score, max_score = new.max_score,
            grade = new.grade, result = new.result
        FROM new WHERE a.id = new.id AND a.state <> 'marked' RETURNING a.id, a.learner_id
    ), earning AS (
        SELECT d.learner_id, u.school_id, e.rule, e.ref, e.points, store_scores.at, store_scores.month
        FROM done d JOIN users u ON u.id = d.learner_id
        JOIN unnest(earning_of, rules, refs, worth) AS e (id, rule, ref, points) ON e.id = d.id
    ), point_entry AS (
        INSERT INTO point_entries (learner_id, rule, ref, points, at)
        SELECT learner_id, rule, ref, points, at FROM earning ORDER BY learner_id, rule, ref
        ON CONFLICT DO NOTHING RETURNING learner_id, rule, ref, points
    ), point_sum AS (
        SELECT learner_id, sum(points)::integer AS points FROM point_entry GROUP BY learner_id
    ), point_earner AS (
        SELECT DISTINCT ON (learner_id) learner_id, school_id, at, month FROM earning
    ), point_total AS (
        INSERT INTO point_totals AS t (period, learner_id, school_id, points, updated_at)
        SELECT p.period, s.learner_id, e.school_id, s.points, e.at
        FROM point_sum s JOIN point_earner e USING (learner_id) CROSS JOIN LATERAL (VALUES (e.month), ('all')) AS p (period)
        ORDER BY p.period, s.learner_id
        ON CONFLICT (period, learner_id) DO UPDATE
        SET points = t.points + excluded.points, school_id = excluded.school_id, updated_at = excluded.updated_at
        RETURNING t.period, t.learner_id, t.points
    )
    SELECT learner_id, points FROM point_sum;
END $$;

GRANT EXECUTE ON FUNCTION save_answers, latest_answers, start_facts, start_attempt, attempt_paper, attempt_facts, attempt_records, store_scores TO {{login}};
