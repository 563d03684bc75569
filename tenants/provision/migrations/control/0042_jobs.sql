-- How many jobs of a kind a tenant may have that are not done: more is refused. It is far beyond what a country brings about, some fifty thousand letters of one
-- morning, and keeps one that queues without an end from filling the table of all.
RESET ROLE;
SET LOCAL ROLE {{gate}};
ALTER TABLE jobs.kinds ADD COLUMN most integer NOT NULL DEFAULT 20000 CHECK (most BETWEEN 1 AND 1000000);
UPDATE jobs.kinds SET most = 250000 WHERE kind = 'mail.send';

-- queue_jobs as it was, with that bound. What has a date, more than a minute ahead, is counted apart from what is due: it makes nobody wait yet, and beyond the
-- bound it is left out instead of being refused with the change that it belongs to, since what is queued with a date has a sweep that finds it.
CREATE OR REPLACE FUNCTION gate.queue_jobs(what text, about text[], at timestamptz, once text[]) RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE who text := gate.caller(); k jobs.kinds%ROWTYPE; waiting integer; far integer; made integer; dated boolean := coalesce(at > now() + interval '1 minute', false);
BEGIN
    SELECT * INTO k FROM jobs.kinds WHERE kind = what AND realm = CASE WHEN who = '' THEN 'platform' ELSE 'tenant' END;
    IF NOT FOUND THEN RAISE EXCEPTION 'a job of this kind cannot be queued here' USING ERRCODE = 'insufficient_privilege'; END IF;
    IF cardinality(about) NOT BETWEEN 1 AND 1000 OR once IS NOT NULL AND cardinality(once) <> cardinality(about) OR at > now() + interval '400 days'
        OR EXISTS (SELECT FROM unnest(about || coalesce(once, '{}')) AS one WHERE one IS NULL OR one !~ '^[A-Za-z0-9._:-]{0,200}$') THEN
        RAISE EXCEPTION 'a job is about up to 1,000 ids of at most 200 letters, digits and ._:-' USING ERRCODE = 'check_violation';
    END IF;
    FOREACH far IN ARRAY ARRAY[400, k.most] LOOP -- more than 400 all have the same place
        SELECT count(*) INTO waiting FROM (SELECT FROM jobs.river_job j WHERE j.args ->> 'tenant' = who AND j.kind = what AND j.finalized_at IS NULL
            AND (j.state = 'available' AND j.scheduled_at > now() + interval '1 minute') = dated LIMIT far) AS counted;
        EXIT WHEN waiting < 400;
    END LOOP;
    IF who <> '' AND waiting + cardinality(about) > k.most THEN
        IF dated THEN RETURN 0; END IF;
        RAISE EXCEPTION 'the tenant has % jobs of this kind that are not done', waiting USING ERRCODE = 'LJ001';
    END IF;
    INSERT INTO jobs.river_job (kind, queue, max_attempts, priority, scheduled_at, args, unique_key, unique_states)
    SELECT what, k.queue, k.attempts, CASE WHEN waiting + one.n <= 10 THEN 1 WHEN waiting + one.n <= 100 THEN 2 WHEN waiting + one.n <= 400 THEN 3 ELSE 4 END,
        coalesce(at, now()), jsonb_build_object('tenant', who, 'about', one.about),
        CASE WHEN one.once <> '' THEN sha256(convert_to(what || '|' || who || '|' || one.once, 'UTF8')) END, CASE WHEN one.once <> '' THEN B'11111111' END
    FROM unnest(about, coalesce(once, array_fill(''::text, ARRAY[cardinality(about)]))) WITH ORDINALITY AS one(about, once, n)
    ON CONFLICT (unique_key) WHERE unique_key IS NOT NULL AND unique_states IS NOT NULL AND jobs.river_job_state_in_bitmask(unique_states, state) DO NOTHING;
    GET DIAGNOSTICS made = ROW_COUNT;
    RETURN made;
END $$;
RESET ROLE;
