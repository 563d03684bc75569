-- Who has a place, who is enrolled and who coaches whom, each said once. domain/classes owns these words and the tables; whoever else asks reads
-- these views. PostgreSQL puts what a view says into the statement that reads it, and the plan is that of the joins written out. They take
-- the rights of whoever reads them, and nobody writes through them.

-- A place in a class, whatever became of the class: its list of members.
CREATE VIEW places WITH (security_invoker) AS
    SELECT e.class_id, e.learner_id, e.enrolled_at FROM enrolments e WHERE e.state = 'active';

-- Enrolled: a place in a class that was not cancelled. An ended class still opens its lessons and tests to those who were in it to the end.
CREATE VIEW enrolled WITH (security_invoker) AS
    SELECT e.learner_id, e.class_id, c.title AS class, c.course_id, e.enrolled_at
    FROM enrolments e JOIN classes c ON c.id = e.class_id WHERE e.state = 'active' AND c.state <> 'cancelled';

-- Who coaches a class, or a course, does so while the class is active; a class need not have a coach.
CREATE VIEW active_classes WITH (security_invoker) AS
    SELECT c.id AS class_id, c.title AS class, c.coach_id, c.course_id, c.starts_on, c.ends_on FROM classes c WHERE c.state = 'active';

-- Coaches a learner: an active class of the coach's in which the learner has a place. Where a class has no coach, coach_id is null.
CREATE VIEW coached WITH (security_invoker) AS
    SELECT c.coach_id, e.learner_id, e.class_id, c.course_id
    FROM enrolments e JOIN classes c ON c.id = e.class_id WHERE e.state = 'active' AND c.state = 'active';

REVOKE INSERT, UPDATE, DELETE ON places, enrolled, active_classes, coached FROM {{login}};

-- The functions that had these meanings written out, as they were but for that. One changes what it says: a coach has a course's lessons and
-- tests while a class of theirs with the course is active, as they have its learners.
CREATE OR REPLACE FUNCTION course_facts(of_course text, viewer uuid)
RETURNS TABLE (enrolled boolean, coach_of boolean)
LANGUAGE plpgsql STABLE SECURITY INVOKER SET search_path = {{schema}}, pg_temp SET plan_cache_mode = force_generic_plan SET enable_seqscan = off AS $$
#variable_conflict use_column
BEGIN
    RETURN QUERY SELECT
        EXISTS (SELECT FROM enrolled e JOIN courses o ON o.id = e.course_id WHERE e.learner_id = viewer AND o.slug = of_course),
        EXISTS (SELECT FROM active_classes c JOIN courses o ON o.id = c.course_id WHERE c.coach_id = viewer AND o.slug = of_course);
END $$;

CREATE OR REPLACE FUNCTION save_progress(entry_id uuid, entry_actor uuid, entry_name text, entry_roles text, entry_realm text, entry_address text, entry_action text,
    entry_outcome text, entry_kind text, entry_object text, entry_before jsonb, entry_after jsonb, entry_reason text, entry_request text,
    of_learner uuid, of_lesson uuid, new_percent smallint, new_seconds integer, new_counter bigint, at timestamptz,
    OUT percent smallint, OUT seconds integer, OUT counter bigint, OUT completed_at timestamptz)
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
    INSERT INTO audit_entries (id, actor_id, actor_name, actor_roles, actor_realm, address, action, outcome, object_kind, object_id, before, after, reason, request_id)
    VALUES (entry_id, entry_actor, entry_name, entry_roles, entry_realm, entry_address, entry_action, entry_outcome, entry_kind, entry_object, entry_before, entry_after,
        entry_reason, entry_request);
    RETURN NEXT;
END $$;

CREATE OR REPLACE FUNCTION progress_of(of_learner uuid)
RETURNS TABLE (course text, title text, subject text, class_id uuid, class text, lessons integer, done integer, seconds integer, last_at timestamptz,
    next text, next_title text)
LANGUAGE plpgsql STABLE SECURITY INVOKER SET search_path = {{schema}}, pg_temp SET plan_cache_mode = force_generic_plan SET enable_seqscan = off AS $$
#variable_conflict use_column
BEGIN
    RETURN QUERY WITH mine AS (
        SELECT DISTINCT ON (e.course_id) e.course_id, e.class_id AS id, e.class AS title FROM enrolled e
        WHERE e.learner_id = of_learner AND e.course_id IS NOT NULL ORDER BY e.course_id, e.enrolled_at DESC
    )
    SELECT o.slug, o.title, o.subject, m.id, m.title, o.lessons, p.done, p.seconds, p.last_at, coalesce(n.slug, ''), coalesce(n.title, '')
    FROM mine m JOIN courses o ON o.id = m.course_id
    CROSS JOIN LATERAL (SELECT count(*) FILTER (WHERE p.completed_at IS NOT NULL AND l.active)::integer AS done,
        coalesce(sum(p.seconds), 0)::integer AS seconds, max(p.updated_at) AS last_at
        FROM lesson_progress p JOIN lessons l ON l.id = p.lesson_id WHERE p.learner_id = of_learner AND p.course_id = m.course_id) p
    LEFT JOIN LATERAL (SELECT l.slug, l.title FROM lessons l
        WHERE l.course_id = m.course_id AND l.active AND NOT EXISTS (SELECT FROM lesson_progress d
            WHERE d.learner_id = of_learner AND d.course_id = l.course_id AND d.lesson_id = l.id AND d.completed_at IS NOT NULL)
        ORDER BY l.position LIMIT 1) n ON true
    ORDER BY p.last_at DESC NULLS LAST, o.title, o.id;
END $$;

CREATE OR REPLACE FUNCTION start_facts(of_test uuid, of_learner uuid, at timestamptz, since timestamptz)
RETURNS TABLE (content_hash text, enrolled boolean, window_open boolean, attempts integer, made bigint, late boolean, course_id uuid, open_id uuid,
    "number" integer, started_at timestamptz, deadline timestamptz, items integer, title text, kind text, instructions text)
LANGUAGE plpgsql STABLE SECURITY INVOKER SET search_path = {{schema}}, pg_temp SET plan_cache_mode = force_generic_plan SET enable_seqscan = off AS $$
#variable_conflict use_column
BEGIN
    RETURN QUERY SELECT c.content_hash,
        EXISTS (SELECT FROM enrolled e WHERE e.learner_id = of_learner AND e.course_id = t.course_id),
        (t.opens_at IS NULL OR t.opens_at <= at) AND (t.closes_at IS NULL OR t.closes_at > at),
        t.attempts, (SELECT count(*) FROM attempts a WHERE a.test_id = t.id AND a.learner_id = of_learner), coalesce(o.deadline < since, false),
        t.course_id, o.id, coalesce(o.number, 0), coalesce(o.started_at, at), coalesce(o.deadline, at), coalesce(cardinality(o.paper), 0), t.title, t.kind, t.instructions
    FROM tests t JOIN courses c ON c.id = t.course_id
    LEFT JOIN attempts o ON o.test_id = t.id AND o.learner_id = of_learner AND o.state = 'open'
    WHERE t.id = of_test AND t.active;
END $$;

CREATE OR REPLACE FUNCTION start_attempt(entry_id uuid, entry_actor uuid, entry_name text, entry_roles text, entry_realm text, entry_address text, entry_action text,
    entry_outcome text, entry_kind text, entry_object text, entry_before jsonb, entry_after jsonb, entry_reason text, entry_request text,
    of_test uuid, of_learner uuid, started timestamptz, new_id uuid, new_seed bigint, new_paper uuid[], today date)
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
    INSERT INTO audit_entries (id, actor_id, actor_name, actor_roles, actor_realm, address, action, outcome, object_kind, object_id, before, after, reason, request_id)
    VALUES (entry_id, entry_actor, entry_name, entry_roles, entry_realm, entry_address, entry_action, entry_outcome, entry_kind, entry_object, entry_before,
        entry_after || jsonb_build_object('number', start_attempt.number), entry_reason, entry_request);
    RETURN NEXT;
END $$;

CREATE OR REPLACE FUNCTION attempt_facts(of_attempt uuid, viewer uuid)
RETURNS TABLE (learner_id uuid, test_id uuid, open boolean, deadline timestamptz, coach_of boolean, same_school boolean)
LANGUAGE plpgsql STABLE SECURITY INVOKER SET search_path = {{schema}}, pg_temp SET plan_cache_mode = force_generic_plan SET enable_seqscan = off AS $$
#variable_conflict use_column
BEGIN
    RETURN QUERY SELECT a.learner_id, a.test_id, a.state = 'open', a.deadline,
        EXISTS (SELECT FROM coached k WHERE k.coach_id = viewer AND k.learner_id = a.learner_id AND k.course_id = a.course_id),
        coalesce(l.school_id = v.school_id, false)
    FROM attempts a JOIN users l ON l.id = a.learner_id LEFT JOIN users v ON v.id = viewer WHERE a.id = of_attempt;
END $$;

-- Two that were statements, whose plans are kept from now on: a view makes the planning of a statement a little longer.
-- The slugs of the courses in which somebody is enrolled, and of those that they coach.
CREATE FUNCTION courses_of(viewer uuid)
RETURNS TABLE (enrolled text[], coached text[])
LANGUAGE plpgsql STABLE SECURITY INVOKER SET search_path = {{schema}}, pg_temp SET plan_cache_mode = force_generic_plan SET enable_seqscan = off AS $$
#variable_conflict use_column
BEGIN
    RETURN QUERY SELECT
        ARRAY(SELECT DISTINCT o.slug FROM enrolled e JOIN courses o ON o.id = e.course_id WHERE e.learner_id = viewer),
        ARRAY(SELECT DISTINCT o.slug FROM active_classes c JOIN courses o ON o.id = c.course_id WHERE c.coach_id = viewer);
END $$;

-- Whether a learner is enrolled in the course of a lesson; nothing where there is no such lesson.
CREATE FUNCTION lesson_standing(of_learner uuid, of_lesson uuid)
RETURNS TABLE (enrolled boolean)
LANGUAGE plpgsql STABLE SECURITY INVOKER SET search_path = {{schema}}, pg_temp SET plan_cache_mode = force_generic_plan SET enable_seqscan = off AS $$
#variable_conflict use_column
BEGIN
    RETURN QUERY SELECT EXISTS (SELECT FROM enrolled e WHERE e.learner_id = of_learner AND e.course_id = l.course_id) FROM lessons l WHERE l.id = of_lesson AND l.active;
END $$;

GRANT EXECUTE ON FUNCTION courses_of, lesson_standing TO {{login}};
