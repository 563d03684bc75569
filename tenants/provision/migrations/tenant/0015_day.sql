-- What is asked most on a full day: the pages of a learner, a class, a lesson and a test, and reports of progress. As in 0013_player, and for
-- the same reason, each statement is a function, whose plan a backend keeps: planning them anew took longer than running them. What several of
-- them do, to mark a day of work and to award points, is a function that all call.
--
-- Each table is reached by an index. Where there is none, enable_seqscan lets the whole of it be read at a cost so high that PostgreSQL
-- compiles the plan (jit), which takes it a second.

-- ---- What several do ----
-- Marks days of work, a learner's with each place of the lists, and tells how many were the first of their day. What comes after finds
-- the row and writes nothing; an unknown learner marks nothing.
CREATE FUNCTION attend(learners uuid[], days date[], times timestamptz[])
RETURNS integer LANGUAGE plpgsql SECURITY INVOKER SET search_path = {{schema}}, pg_temp SET plan_cache_mode = force_generic_plan SET enable_seqscan = off AS $$
#variable_conflict use_column
DECLARE first_of_day integer;
BEGIN
    INSERT INTO attendance (day, learner_id, school_id, first_at)
    SELECT w.day, u.id, u.school_id, w.at FROM unnest(learners, days, times) AS w (learner_id, day, at) JOIN users u ON u.id = w.learner_id
    ON CONFLICT DO NOTHING;
    GET DIAGNOSTICS first_of_day = ROW_COUNT;
    RETURN first_of_day;
END $$;

-- Stores what learners earned, one thing with each place of the lists, and gives the points that were new to each learner. What the
-- learner has already falls away, so a race or a replay adds nothing. Totals are taken in the order of their keys, so that two awards never
-- wait for each other in a circle. month is the tenant's, as '2026-11'.
CREATE FUNCTION award_points(learners uuid[], rules text[], refs text[], worth integer[], times timestamptz[], month text)
RETURNS TABLE (learner_id uuid, points integer)
LANGUAGE plpgsql SECURITY INVOKER SET search_path = {{schema}}, pg_temp SET plan_cache_mode = force_generic_plan SET enable_seqscan = off AS $$
#variable_conflict use_column
BEGIN
    RETURN QUERY WITH earning AS (
        SELECT u.id AS learner_id, u.school_id, e.rule, e.ref, e.points, e.at
        FROM unnest(learners, rules, refs, worth, times) AS e (learner_id, rule, ref, points, at) JOIN users u ON u.id = e.learner_id
    ), point_entry AS (
        INSERT INTO point_entries (learner_id, rule, ref, points, at)
        SELECT learner_id, rule, ref, points, at FROM earning ORDER BY learner_id, rule, ref
        ON CONFLICT DO NOTHING RETURNING learner_id, points
    ), point_sum AS (
        SELECT learner_id, sum(points)::integer AS points FROM point_entry GROUP BY learner_id
    ), point_earner AS (
        SELECT DISTINCT ON (learner_id) learner_id, school_id, at FROM earning ORDER BY learner_id, at DESC
    ), point_total AS (
        INSERT INTO point_totals AS t (period, learner_id, school_id, points, updated_at)
        SELECT p.period, s.learner_id, e.school_id, s.points, e.at
        FROM point_sum s JOIN point_earner e USING (learner_id) CROSS JOIN LATERAL (VALUES (award_points.month), ('all')) AS p (period)
        ORDER BY p.period, s.learner_id
        ON CONFLICT (period, learner_id) DO UPDATE
        SET points = t.points + excluded.points, school_id = excluded.school_id, updated_at = excluded.updated_at
    )
    SELECT learner_id, points FROM point_sum;
END $$;

-- ---- A class ----
-- Classes as a viewer sees them, by title, with the facts that the policy asks for.
CREATE FUNCTION class_cards(viewer uuid, of_classes uuid[])
RETURNS TABLE (id uuid, state text, taken integer, course text, course_title text, subject text, school text, coach text, enrolled boolean,
    title text, kind text, course_id uuid, school_id uuid, term_id uuid, coach_id uuid, grade text, starts_on text, ends_on text, meets text, weekly text,
    meeting_url text, seats integer, open boolean, same_school boolean)
LANGUAGE plpgsql STABLE SECURITY INVOKER SET search_path = {{schema}}, pg_temp SET plan_cache_mode = force_generic_plan SET enable_seqscan = off AS $$
#variable_conflict use_column
BEGIN
    RETURN QUERY SELECT c.id, c.state, c.taken, coalesce(o.slug, ''), coalesce(o.title, ''), coalesce(o.subject, ''), coalesce(s.name, ''),
        coalesce(u.given_name || ' ' || u.family_name, ''), e.learner_id IS NOT NULL,
        c.title, c.kind, c.course_id, c.school_id, c.term_id, c.coach_id, c.grade, c.starts_on::text, c.ends_on::text, c.meets, c.weekly::text, c.meeting_url, c.seats, c.open,
        coalesce(c.school_id = (SELECT v.school_id FROM users v WHERE v.id = viewer), false)
    FROM classes c LEFT JOIN courses o ON o.id = c.course_id LEFT JOIN schools s ON s.id = c.school_id LEFT JOIN users u ON u.id = c.coach_id
    LEFT JOIN enrolments e ON e.class_id = c.id AND e.learner_id = viewer AND e.state = 'active'
    WHERE c.id = ANY (of_classes) ORDER BY c.title, c.id;
END $$;

-- The lessons of a class's course, with how far the viewer is in each.
CREATE FUNCTION class_lessons(viewer uuid, of_class uuid)
RETURNS TABLE (id uuid, slug text, title text, section text, minutes integer, percent integer, completed_at timestamptz)
LANGUAGE plpgsql STABLE SECURITY INVOKER SET search_path = {{schema}}, pg_temp SET plan_cache_mode = force_generic_plan SET enable_seqscan = off AS $$
#variable_conflict use_column
BEGIN
    RETURN QUERY SELECT l.id, l.slug, l.title, s.title, l.minutes, coalesce(p.percent, 0), p.completed_at
    FROM lessons l JOIN course_sections s ON s.id = l.section_id
    LEFT JOIN lesson_progress p ON p.learner_id = viewer AND p.course_id = l.course_id AND p.lesson_id = l.id
    WHERE l.course_id = (SELECT c.course_id FROM classes c WHERE c.id = of_class) AND l.active ORDER BY l.position;
END $$;

-- The tests of a class's course, with what the viewer made of each.
CREATE FUNCTION class_tests(viewer uuid, of_class uuid)
RETURNS TABLE (id uuid, slug text, title text, kind text, minutes integer, items integer, attempts integer, opens_at timestamptz, closes_at timestamptz,
    made integer, best integer)
LANGUAGE plpgsql STABLE SECURITY INVOKER SET search_path = {{schema}}, pg_temp SET plan_cache_mode = force_generic_plan SET enable_seqscan = off AS $$
#variable_conflict use_column
BEGIN
    RETURN QUERY SELECT t.id, t.slug, t.title, t.kind, t.minutes, t.items, t.attempts, t.opens_at, t.closes_at, a.made, a.best
    FROM tests t CROSS JOIN LATERAL (
        SELECT count(*)::integer AS made, max(a.score * 100 / nullif(a.max_score, 0)) FILTER (WHERE a.state = 'marked') AS best
        FROM attempts a WHERE a.test_id = t.id AND a.learner_id = viewer) a
    WHERE t.course_id = (SELECT c.course_id FROM classes c WHERE c.id = of_class) AND t.active ORDER BY t.position;
END $$;

-- ---- A lesson ----
-- Whether somebody has a place in a class of a course, by its slug, and whether they coach one. Cancelled classes do not count.
CREATE FUNCTION course_facts(of_course text, viewer uuid)
RETURNS TABLE (enrolled boolean, coach_of boolean)
LANGUAGE plpgsql STABLE SECURITY INVOKER SET search_path = {{schema}}, pg_temp SET plan_cache_mode = force_generic_plan SET enable_seqscan = off AS $$
#variable_conflict use_column
BEGIN
    RETURN QUERY SELECT
        EXISTS (SELECT FROM enrolments e JOIN classes c ON c.id = e.class_id JOIN courses o ON o.id = c.course_id
            WHERE e.learner_id = viewer AND e.state = 'active' AND c.state <> 'cancelled' AND o.slug = of_course),
        EXISTS (SELECT FROM classes c JOIN courses o ON o.id = c.course_id WHERE c.coach_id = viewer AND c.state <> 'cancelled' AND o.slug = of_course);
END $$;

-- A lesson of a published course, by both their slugs.
CREATE FUNCTION lesson_page(of_course text, of_lesson text)
RETURNS TABLE (id uuid, slug text, title text, section text, minutes integer, course_id uuid, course text, course_title text, section_title text, html text,
    content_hash text)
LANGUAGE plpgsql STABLE SECURITY INVOKER SET search_path = {{schema}}, pg_temp SET plan_cache_mode = force_generic_plan SET enable_seqscan = off AS $$
#variable_conflict use_column
BEGIN
    RETURN QUERY SELECT l.id, l.slug, l.title, s.code, l.minutes, c.id, c.slug, c.title, s.title, l.html, l.content_hash
    FROM courses c JOIN lessons l ON l.course_id = c.id JOIN course_sections s ON s.id = l.section_id
    WHERE c.slug = of_course AND c.published AND l.slug = of_lesson AND l.active;
END $$;

-- The lesson before it, or the one after.
CREATE FUNCTION lesson_beside(of_course text, of_lesson text, after boolean)
RETURNS TABLE (slug text, title text)
LANGUAGE plpgsql STABLE SECURITY INVOKER SET search_path = {{schema}}, pg_temp SET plan_cache_mode = force_generic_plan SET enable_seqscan = off AS $$
#variable_conflict use_column
BEGIN
    IF after THEN
        RETURN QUERY SELECT n.slug, n.title FROM lessons l JOIN courses c ON c.id = l.course_id JOIN lessons n ON n.course_id = l.course_id AND n.active
        WHERE c.slug = of_course AND c.published AND l.slug = of_lesson AND l.active AND n.position > l.position ORDER BY n.position LIMIT 1;
    ELSE
        RETURN QUERY SELECT n.slug, n.title FROM lessons l JOIN courses c ON c.id = l.course_id JOIN lessons n ON n.course_id = l.course_id AND n.active
        WHERE c.slug = of_course AND c.published AND l.slug = of_lesson AND l.active AND n.position < l.position ORDER BY n.position DESC LIMIT 1;
    END IF;
END $$;

-- Points for a lesson are for reading it: a fifth of the lesson's minutes, but 20 seconds at least and 5 minutes at most, by
-- the server's clock, from the moment at which the lesson was opened. What a client says of its own seconds counts nothing
-- here. Completing is stored at once all the same; the points come with a later report. A sitting counts half an hour at most,
-- and the points of two lessons lie as far apart as the second takes: open side by side, lessons are not read side by side.
--
-- What is stored of a learner and a lesson, with whether the lesson's points are earned and the seconds that are left until they
-- can be. rule is the one by which lessons earn.
CREATE FUNCTION progress_in(of_learner uuid, of_lesson uuid, at timestamptz, of_rule text)
RETURNS TABLE (percent smallint, seconds integer, counter bigint, completed_at timestamptz, opened_at timestamptz, earned boolean, points_in integer)
LANGUAGE plpgsql STABLE SECURITY INVOKER SET search_path = {{schema}}, pg_temp SET plan_cache_mode = force_generic_plan SET enable_seqscan = off AS $$
#variable_conflict use_column
BEGIN
    RETURN QUERY SELECT p.percent, p.seconds, p.counter, p.completed_at, coalesce(p.opened_at, p.started_at), mine.earned,
        CASE WHEN mine.earned THEN 0 ELSE greatest(0, ceil(least(greatest(l.minutes * 60 / 5, 20), 300)
            - least(p.read_seconds + least(1800, extract(epoch FROM progress_in.at - coalesce(p.opened_at, p.started_at))),
                coalesce(extract(epoch FROM progress_in.at - (SELECT max(e.at) FROM point_entries e WHERE e.learner_id = p.learner_id AND e.rule = of_rule)), 1e9))))::integer END
    FROM lessons l JOIN lesson_progress p ON p.learner_id = of_learner AND p.course_id = l.course_id AND p.lesson_id = l.id
    CROSS JOIN LATERAL (SELECT EXISTS (SELECT FROM point_entries e WHERE e.learner_id = p.learner_id AND e.rule = of_rule AND e.ref = l.id::text) AS earned) mine
    WHERE l.id = of_lesson;
END $$;

-- Notes that a learner opened a lesson, once a sitting, with the entry in the audit trail. What was read in the sitting before, as far as
-- reports of it came, is added up. It tells whether there was anything to note. since is the time less a sitting.
CREATE FUNCTION open_lesson(entry_id uuid, entry_actor uuid, entry_name text, entry_roles text, entry_realm text, entry_address text, entry_action text,
    entry_outcome text, entry_kind text, entry_object text, entry_before jsonb, entry_after jsonb, entry_reason text, entry_request text,
    of_learner uuid, of_lesson uuid, at timestamptz, since timestamptz)
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
    INSERT INTO audit_entries (id, actor_id, actor_name, actor_roles, actor_realm, address, action, outcome, object_kind, object_id, before, after, reason, request_id)
    VALUES (entry_id, entry_actor, entry_name, entry_roles, entry_realm, entry_address, entry_action, entry_outcome, entry_kind, entry_object, entry_before, entry_after,
        entry_reason, entry_request);
    RETURN true;
END $$;

-- Stores a report of progress with its entry in the audit trail, and gives what is stored then; nothing when the report brings nothing new
-- or may not be stored. Each column keeps the furthest that was ever reported, so that the order in which reports arrive does not
-- matter: after a storm a device sends its queue while another one goes on.
CREATE FUNCTION save_progress(entry_id uuid, entry_actor uuid, entry_name text, entry_roles text, entry_realm text, entry_address text, entry_action text,
    entry_outcome text, entry_kind text, entry_object text, entry_before jsonb, entry_after jsonb, entry_reason text, entry_request text,
    of_learner uuid, of_lesson uuid, new_percent smallint, new_seconds integer, new_counter bigint, at timestamptz,
    OUT percent smallint, OUT seconds integer, OUT counter bigint, OUT completed_at timestamptz)
RETURNS SETOF record LANGUAGE plpgsql SECURITY INVOKER SET search_path = {{schema}}, pg_temp SET plan_cache_mode = force_generic_plan SET enable_seqscan = off AS $$
#variable_conflict use_column
BEGIN
    INSERT INTO lesson_progress AS p (learner_id, course_id, lesson_id, percent, seconds, counter, started_at, opened_at, updated_at, completed_at)
    SELECT of_learner, l.course_id, l.id, new_percent, new_seconds, new_counter, save_progress.at, save_progress.at, save_progress.at,
        CASE WHEN new_percent = 100 THEN save_progress.at END
    FROM lessons l WHERE l.id = of_lesson AND l.active AND EXISTS (SELECT FROM enrolments e JOIN classes c ON c.id = e.class_id
        WHERE e.learner_id = of_learner AND e.state = 'active' AND c.course_id = l.course_id AND c.state <> 'cancelled')
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

-- Whether this very transaction wrote the learner's row of the lesson: what follows save_progress in its batch does its part only then.
CREATE FUNCTION saved_now(of_learner uuid, of_lesson uuid)
RETURNS boolean LANGUAGE plpgsql STABLE SECURITY INVOKER SET search_path = {{schema}}, pg_temp SET plan_cache_mode = force_generic_plan SET enable_seqscan = off AS $$
#variable_conflict use_column
BEGIN
    RETURN EXISTS (SELECT FROM lesson_progress p WHERE p.learner_id = of_learner AND p.lesson_id = of_lesson AND p.xmin = pg_current_xact_id()::xid);
END $$;

-- Awards the points of a lesson that the report before it completed, when it was read for long enough: the points that are new, whether the
-- learner has the lesson's points now, and the seconds left until then.
CREATE FUNCTION earn_lesson(of_learner uuid, of_lesson uuid, of_rule text, of_ref text, worth integer, at timestamptz, month text,
    OUT fresh integer, OUT earned boolean, OUT points_in integer)
LANGUAGE plpgsql SECURITY INVOKER SET search_path = {{schema}}, pg_temp SET plan_cache_mode = force_generic_plan SET enable_seqscan = off AS $$
#variable_conflict use_column
BEGIN
    IF saved_now(of_learner, of_lesson) THEN
        SELECT p.earned, p.points_in INTO earned, points_in FROM progress_in(of_learner, of_lesson, earn_lesson.at, of_rule) p;
        IF NOT earned AND points_in = 0 THEN
            SELECT a.points INTO fresh FROM award_points(ARRAY[of_learner], ARRAY[of_rule], ARRAY[of_ref], ARRAY[worth], ARRAY[earn_lesson.at], earn_lesson.month) a;
            earned := true; -- now, or by a report that came in between
        END IF;
    ELSE
        earned := EXISTS (SELECT FROM point_entries e WHERE e.learner_id = of_learner AND e.rule = of_rule AND e.ref = of_ref);
    END IF;
    fresh := coalesce(fresh, 0);
    points_in := coalesce(points_in, 0);
END $$;

-- ---- A learner ----
-- How far a learner is in each course of their classes, the one worked on last first.
CREATE FUNCTION progress_of(of_learner uuid)
RETURNS TABLE (course text, title text, subject text, class_id uuid, class text, lessons integer, done integer, seconds integer, last_at timestamptz,
    next text, next_title text)
LANGUAGE plpgsql STABLE SECURITY INVOKER SET search_path = {{schema}}, pg_temp SET plan_cache_mode = force_generic_plan SET enable_seqscan = off AS $$
#variable_conflict use_column
BEGIN
    RETURN QUERY WITH mine AS (
        SELECT DISTINCT ON (c.course_id) c.course_id, c.id, c.title FROM enrolments e JOIN classes c ON c.id = e.class_id
        WHERE e.learner_id = of_learner AND e.state = 'active' AND c.state <> 'cancelled' AND c.course_id IS NOT NULL
        ORDER BY c.course_id, e.enrolled_at DESC
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

-- A learner's points, in all and in a month, and who decides whether others see them.
CREATE FUNCTION own_points(of_learner uuid, month text)
RETURNS TABLE (total integer, in_month integer, listed boolean, decides text)
LANGUAGE plpgsql STABLE SECURITY INVOKER SET search_path = {{schema}}, pg_temp SET plan_cache_mode = force_generic_plan SET enable_seqscan = off AS $$
#variable_conflict use_column
BEGIN
    RETURN QUERY SELECT coalesce((SELECT points FROM point_totals WHERE period = 'all' AND learner_id = of_learner), 0),
        coalesce((SELECT points FROM point_totals WHERE period = own_points.month AND learner_id = of_learner), 0),
        coalesce((SELECT on_leaderboard FROM users WHERE id = of_learner), false), (SELECT leaderboard_by FROM branding WHERE id);
END $$;

-- What brought a learner points of late. All that one report or one handing in brought has one time: it is one line.
CREATE FUNCTION recent_points(of_learner uuid)
RETURNS TABLE (kind text, id uuid, title text, points integer, at timestamptz)
LANGUAGE plpgsql STABLE SECURITY INVOKER SET search_path = {{schema}}, pg_temp SET plan_cache_mode = force_generic_plan SET enable_seqscan = off AS $$
#variable_conflict use_column
BEGIN
    RETURN QUERY WITH recent AS (
        SELECT split_part(rule, '.', 1) AS kind, split_part(ref, '/', 1)::uuid AS id, sum(points)::integer AS points, at
        FROM point_entries WHERE learner_id = of_learner GROUP BY 1, 2, at ORDER BY at DESC, 2 LIMIT 20
    )
    SELECT r.kind, r.id, coalesce(l.title, t.title, ''), r.points, r.at FROM recent r
    LEFT JOIN lessons l ON r.kind = 'lesson' AND l.id = r.id LEFT JOIN tests t ON r.kind = 'test' AND t.id = r.id
    ORDER BY r.at DESC, r.id;
END $$;

-- A learner's attempts, the newest first, from a place in the list on; null: from its start.
CREATE FUNCTION attempts_of(of_learner uuid, before timestamptz, before_id uuid, most integer)
RETURNS TABLE (id uuid, test_id uuid, title text, kind text, course text, "number" integer, state text, started_at timestamptz, deadline timestamptz,
    submitted_at timestamptz, percent integer, grade text)
LANGUAGE plpgsql STABLE SECURITY INVOKER SET search_path = {{schema}}, pg_temp SET plan_cache_mode = force_generic_plan SET enable_seqscan = off AS $$
#variable_conflict use_column
BEGIN
    RETURN QUERY SELECT a.id, a.test_id, t.title, t.kind, c.title, a.number, a.state, a.started_at, a.deadline, a.submitted_at,
        CASE WHEN a.state = 'marked' THEN a.score * 100 / nullif(a.max_score, 0) END, a.grade
    FROM attempts a JOIN tests t ON t.id = a.test_id JOIN courses c ON c.id = a.course_id
    WHERE a.learner_id = of_learner AND (before IS NULL OR (a.started_at, a.id) < (before, before_id))
    ORDER BY a.started_at DESC, a.id DESC LIMIT most;
END $$;

-- ---- The leaderboard of a school ----
-- The first of a period, with their ranks. It is a copy of the statement in domain/points/leaderboard.go, which has one for each circle of learners:
-- this is the one that everybody's page asks for.
CREATE FUNCTION school_top(of_period text, viewer uuid, of_school uuid, most integer)
RETURNS TABLE (rank integer, name text, points integer, me boolean)
LANGUAGE plpgsql STABLE SECURITY INVOKER SET search_path = {{schema}}, pg_temp SET plan_cache_mode = force_generic_plan SET enable_seqscan = off AS $$
#variable_conflict use_column
BEGIN
    RETURN QUERY SELECT rank() OVER (ORDER BY t.points DESC)::integer, u.given_name || ' ' || left(u.family_name, 1) || '.', t.points, t.learner_id = viewer
    FROM (SELECT t.learner_id, t.points FROM point_totals t WHERE t.period = of_period AND t.school_id = of_school AND EXISTS (
        SELECT FROM users u WHERE u.id = t.learner_id AND u.on_leaderboard AND u.state = 'active') AND t.points > 0
        ORDER BY t.points DESC, t.learner_id DESC LIMIT most) t JOIN users u ON u.id = t.learner_id
    ORDER BY t.points DESC, t.learner_id DESC;
END $$;

-- The viewer between up to two neighbours on each side, with their ranks: a copy as well.
CREATE FUNCTION school_near(of_period text, viewer uuid, of_school uuid)
RETURNS TABLE (rank integer, name text, points integer, me boolean)
LANGUAGE plpgsql STABLE SECURITY INVOKER SET search_path = {{schema}}, pg_temp SET plan_cache_mode = force_generic_plan SET enable_seqscan = off AS $$
#variable_conflict use_column
BEGIN
    RETURN QUERY WITH me AS MATERIALIZED (
        SELECT t.learner_id, t.points FROM point_totals t WHERE t.period = of_period AND t.learner_id = viewer AND t.school_id = of_school
    ), near AS MATERIALIZED (
        (SELECT t.learner_id, t.points FROM point_totals t WHERE (t.points, t.learner_id) > ((SELECT points FROM me), (SELECT learner_id FROM me)) AND t.period = of_period AND t.school_id = of_school AND EXISTS (
        SELECT FROM users u WHERE u.id = t.learner_id AND u.on_leaderboard AND u.state = 'active')
            ORDER BY t.points, t.learner_id LIMIT 2)
        UNION ALL SELECT learner_id, points FROM me UNION ALL
        (SELECT t.learner_id, t.points FROM point_totals t WHERE (t.points, t.learner_id) < ((SELECT points FROM me), (SELECT learner_id FROM me)) AND t.points > 0 AND t.period = of_period AND t.school_id = of_school AND EXISTS (
        SELECT FROM users u WHERE u.id = t.learner_id AND u.on_leaderboard AND u.state = 'active')
            ORDER BY t.points DESC, t.learner_id DESC LIMIT 2)
    ), above AS MATERIALIZED (
        SELECT count(*) AS n FROM point_totals t WHERE t.points > (SELECT max(points) FROM near) AND t.period = of_period AND t.school_id = of_school AND EXISTS (
        SELECT FROM users u WHERE u.id = t.learner_id AND u.on_leaderboard AND u.state = 'active')
    )
    SELECT (1 + above.n + (SELECT count(*) FROM point_totals t WHERE t.points > n.points AND t.points <= (SELECT max(points) FROM near) AND t.period = of_period AND t.school_id = of_school AND EXISTS (
        SELECT FROM users u WHERE u.id = t.learner_id AND u.on_leaderboard AND u.state = 'active')))::integer,
        u.given_name || ' ' || left(u.family_name, 1) || '.', n.points, n.learner_id = viewer
    FROM near n JOIN users u ON u.id = n.learner_id CROSS JOIN above
    ORDER BY n.points DESC, n.learner_id DESC;
END $$;

-- ---- A test ----
-- A test as it is announced, with what a learner made of it. since is the time less what is granted after a deadline.
CREATE FUNCTION announced_test(of_test uuid, of_learner uuid, since timestamptz)
RETURNS TABLE (id uuid, slug text, title text, kind text, course text, course_title text, minutes integer, items integer, instructions text, attempts integer,
    feedback text, opens_at timestamptz, closes_at timestamptz, made integer, best integer, running uuid)
LANGUAGE plpgsql STABLE SECURITY INVOKER SET search_path = {{schema}}, pg_temp SET plan_cache_mode = force_generic_plan SET enable_seqscan = off AS $$
#variable_conflict use_column
BEGIN
    RETURN QUERY SELECT t.id, t.slug, t.title, t.kind, c.slug, c.title, t.minutes, t.items, t.instructions, t.attempts, t.feedback, t.opens_at, t.closes_at,
        m.made, m.best, (SELECT o.id FROM attempts o WHERE o.test_id = t.id AND o.learner_id = of_learner AND o.state = 'open' AND o.deadline >= since)
    FROM tests t JOIN courses c ON c.id = t.course_id CROSS JOIN LATERAL (
        SELECT count(*)::integer AS made, max(a.score * 100 / nullif(a.max_score, 0)) FILTER (WHERE a.state = 'marked') AS best
        FROM attempts a WHERE a.test_id = t.id AND a.learner_id = of_learner) m
    WHERE t.id = of_test AND t.active AND c.published;
END $$;

-- The lessons of some sections of a published course, by the sections' codes and in the course's order, with how far a learner is in each.
CREATE FUNCTION lessons_to_repeat(of_course uuid, sections text[], of_learner uuid)
RETURNS TABLE (course text, id uuid, slug text, title text, section text, minutes integer, percent integer, completed_at timestamptz)
LANGUAGE plpgsql STABLE SECURITY INVOKER SET search_path = {{schema}}, pg_temp SET plan_cache_mode = force_generic_plan SET enable_seqscan = off AS $$
#variable_conflict use_column
BEGIN
    RETURN QUERY SELECT o.slug, l.id, l.slug, l.title, s.title, l.minutes, coalesce(p.percent, 0), p.completed_at
    FROM courses o JOIN course_sections s ON s.course_id = o.id AND s.code = ANY (sections) JOIN lessons l ON l.section_id = s.id AND l.active
    LEFT JOIN lesson_progress p ON p.learner_id = of_learner AND p.course_id = l.course_id AND p.lesson_id = l.id
    WHERE o.id = of_course AND o.published ORDER BY l.position LIMIT 50;
END $$;

-- ---- An attempt ----
-- A start and a hand-in mark the day and award points as everybody does.
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
        AND EXISTS (SELECT FROM enrolments e JOIN classes k ON k.id = e.class_id
            WHERE e.learner_id = of_learner AND e.state = 'active' AND k.course_id = t.course_id AND k.state <> 'cancelled')
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

CREATE OR REPLACE FUNCTION store_scores(at timestamptz, month text, ids uuid[], states text[], submitted timestamptz[], platform boolean[], scores integer[],
    max_scores integer[], grades text[], results jsonb[], earning_of uuid[], rules text[], refs text[], worth integer[])
RETURNS TABLE (learner_id uuid, points integer)
LANGUAGE plpgsql SECURITY INVOKER SET search_path = {{schema}}, pg_temp SET plan_cache_mode = force_generic_plan SET enable_seqscan = off AS $$
#variable_conflict use_column
DECLARE
    earners uuid[]; earned_rules text[]; earned_refs text[]; earned_points integer[]; times timestamptz[];
BEGIN
    WITH done AS (
        UPDATE attempts a SET state = n.state, submitted_at = n.submitted_at, by_platform = n.by_platform, score = n.score, max_score = n.max_score,
            grade = n.grade, result = n.result
        FROM unnest(ids, states, submitted, platform, scores, max_scores, grades, results) AS n (id, state, submitted_at, by_platform, score, max_score, grade, result)
        WHERE a.id = n.id AND a.state <> 'marked' RETURNING a.id, a.learner_id
    )
    SELECT array_agg(d.learner_id), array_agg(e.rule), array_agg(e.ref), array_agg(e.points), array_agg(store_scores.at)
    INTO earners, earned_rules, earned_refs, earned_points, times
    FROM done d JOIN unnest(earning_of, store_scores.rules, store_scores.refs, store_scores.worth) AS e (id, rule, ref, points) ON e.id = d.id;
    RETURN QUERY SELECT a.learner_id, a.points FROM award_points(earners, earned_rules, earned_refs, earned_points, times, store_scores.month) a;
END $$;

GRANT EXECUTE ON FUNCTION attend, award_points, class_cards, class_lessons, class_tests, course_facts, lesson_page, lesson_beside, progress_in, open_lesson,
    save_progress, saved_now, earn_lesson, progress_of, own_points, recent_points, attempts_of, announced_test, lessons_to_repeat, school_top, school_near TO {{login}};
