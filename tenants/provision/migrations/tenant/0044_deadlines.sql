-- start_attempt also queues the job that hands the attempt in when its time is over: one for all attempts of the tenant that end within the same half minute. It is due 15
-- to 45 seconds after their deadlines, when nothing that was sent in time is taken any more. The first of them queues it, and the others see that one is there: an open
-- one that began before them. Two who begin at once and do not see each other both queue it, under one name.
CREATE OR REPLACE FUNCTION start_attempt(entry_id uuid, entry jsonb, of_test uuid, of_learner uuid, started timestamptz, new_id uuid, new_seed bigint,
    new_paper uuid[], today date)
RETURNS TABLE (course_id uuid, "number" integer, deadline timestamptz)
LANGUAGE plpgsql SECURITY INVOKER SET search_path = {{schema}}, pg_temp SET plan_cache_mode = force_generic_plan SET enable_seqscan = off AS $$
#variable_conflict use_column
DECLARE due timestamptz;
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
    due := date_bin(interval '30 seconds', start_attempt.deadline + interval '45 seconds', 'epoch');
    IF NOT EXISTS (SELECT FROM attempts a WHERE a.state = 'open' AND a.deadline >= due - interval '45 seconds' AND a.deadline < due - interval '15 seconds' AND a.id <> new_id) THEN
        PERFORM gate.queue_jobs('attempts.close', '{""}', due, ARRAY['due:' || to_char(due AT TIME ZONE 'UTC', 'YYYYMMDD"T"HH24MISS')]);
    END IF;
    RETURN NEXT;
END $$;
