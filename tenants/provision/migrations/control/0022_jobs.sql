-- Jobs: work that is done apart from requests, by River's tables in schema jobs, which provisioning makes (provision/jobs.go). A realm's login has nothing
-- there: it queues through the gate, in the transaction of the change that the job belongs to, and only the kinds that are listed for its realm.

RESET ROLE;
SET LOCAL ROLE {{gate}};

-- What may be queued, and by whom. A kind that the program has and this table has not is refused.
CREATE TABLE jobs.kinds (
    kind     text NOT NULL CHECK (kind ~ '^[a-z][a-z_]*(\.[a-z_]+)+$' AND length(kind) <= 64),
    realm    text NOT NULL CHECK (realm IN ('tenant', 'platform')),
    queue    text NOT NULL CHECK (queue IN ('short', 'long')),             -- long: what may take minutes, and must not hold up the others
    attempts smallint NOT NULL CHECK (attempts BETWEEN 1 AND 25),
    keep     interval NOT NULL CHECK (keep BETWEEN interval '1 minute' AND interval '90 days'), -- how long one that is done can be looked at
    PRIMARY KEY (kind, realm)
);

INSERT INTO jobs.kinds (kind, realm, queue, attempts, keep) VALUES
    ('attempts.close', 'tenant', 'short', 5, '10 minutes'),
    ('keys.tidy', 'tenant', 'short', 5, '1 hour'),
    ('keys.tidy', 'platform', 'short', 5, '1 hour'),
    ('forecast.publish', 'tenant', 'short', 5, '1 hour'),
    ('usage.publish', 'tenant', 'short', 8, '2 days'),
    ('figures.keep', 'tenant', 'long', 8, '2 days'),
    ('night.usage', 'tenant', 'short', 10, '14 days'),
    ('night.classes', 'tenant', 'short', 10, '14 days'),
    ('night.sweep', 'tenant', 'short', 10, '14 days'),
    ('night.sweep', 'platform', 'short', 10, '14 days'),
    ('files.sweep', 'tenant', 'long', 10, '14 days');

-- Whose a job is stands in its arguments, with the id of what it is about, and nothing else does.
CREATE INDEX river_job_unfinished ON jobs.river_job ((args ->> 'tenant'), kind) WHERE finalized_at IS NULL;
CREATE INDEX river_job_of ON jobs.river_job ((args ->> 'tenant'), id);
CREATE INDEX river_job_running ON jobs.river_job (attempted_at) WHERE state = 'running';

GRANT USAGE ON SCHEMA jobs TO {{jobs}};
GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA jobs TO {{jobs}};
GRANT USAGE ON ALL SEQUENCES IN SCHEMA jobs TO {{jobs}};
REVOKE INSERT, UPDATE, DELETE ON jobs.kinds FROM {{jobs}};

-- queue_jobs queues a job of one kind for each thing that it is about, not before a time, and returns how many are new. once, where given, names each job:
-- while one with the same name of the same kind and realm is kept, another is not made. The more of a kind a realm has waiting, the later its next come,
-- so that nobody waits behind somebody else's ten thousand.
CREATE FUNCTION gate.queue_jobs(what text, about text[], at timestamptz, once text[]) RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE who text := gate.caller(); k jobs.kinds%ROWTYPE; waiting integer; made integer;
BEGIN
    SELECT * INTO k FROM jobs.kinds WHERE kind = what AND realm = CASE WHEN who = '' THEN 'platform' ELSE 'tenant' END;
    IF NOT FOUND THEN RAISE EXCEPTION 'a job of this kind cannot be queued here' USING ERRCODE = 'insufficient_privilege'; END IF;
    IF cardinality(about) NOT BETWEEN 1 AND 1000 OR once IS NOT NULL AND cardinality(once) <> cardinality(about) OR at > now() + interval '400 days'
        OR EXISTS (SELECT FROM unnest(about || coalesce(once, '{}')) AS one WHERE one IS NULL OR one !~ '^[A-Za-z0-9._:-]{0,200}$') THEN
        RAISE EXCEPTION 'a job is about up to 1,000 ids of at most 200 letters, digits and ._:-' USING ERRCODE = 'check_violation';
    END IF;
    SELECT count(*) INTO waiting FROM (SELECT FROM jobs.river_job j WHERE j.args ->> 'tenant' = who AND j.kind = what AND j.finalized_at IS NULL LIMIT 400) AS counted;
    INSERT INTO jobs.river_job (kind, queue, max_attempts, priority, scheduled_at, args, unique_key, unique_states)
    SELECT what, k.queue, k.attempts, CASE WHEN waiting + one.n <= 10 THEN 1 WHEN waiting + one.n <= 100 THEN 2 WHEN waiting + one.n <= 400 THEN 3 ELSE 4 END,
        coalesce(at, now()), jsonb_build_object('tenant', who, 'about', one.about),
        CASE WHEN one.once <> '' THEN sha256(convert_to(what || '|' || who || '|' || one.once, 'UTF8')) END, CASE WHEN one.once <> '' THEN B'11111111' END
    FROM unnest(about, coalesce(once, array_fill(''::text, ARRAY[cardinality(about)]))) WITH ORDINALITY AS one(about, once, n)
    ON CONFLICT (unique_key) WHERE unique_key IS NOT NULL AND unique_states IS NOT NULL AND jobs.river_job_state_in_bitmask(unique_states, state) DO NOTHING;
    GET DIAGNOSTICS made = ROW_COUNT;
    RETURN made;
END $$;

-- list_jobs gives jobs, the newest first, those before an id: to a tenant its own, to the platform everybody's or one tenant's.
CREATE FUNCTION gate.list_jobs(of_tenant text, of_kind text, of_states text[], before bigint, most integer)
RETURNS TABLE (id bigint, tenant text, kind text, about text, state text, attempt integer, max_attempts integer, queued_at timestamptz, due_at timestamptz,
    begun_at timestamptz, ended_at timestamptz, fault text)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE who text := gate.caller(); whose text := CASE WHEN who = '' THEN of_tenant ELSE who END;
BEGIN
    RETURN QUERY SELECT j.id, j.args ->> 'tenant', j.kind, j.args ->> 'about', j.state::text, j.attempt::integer, j.max_attempts::integer, j.created_at, j.scheduled_at,
            j.attempted_at, j.finalized_at, coalesce(j.errors[array_upper(j.errors, 1)] ->> 'error', '')
        FROM jobs.river_job j
        WHERE (whose IS NULL OR j.args ->> 'tenant' = whose) AND (of_kind IS NULL OR j.kind = of_kind) AND (cardinality(of_states) = 0 OR j.state::text = ANY (of_states))
            AND (before IS NULL OR j.id < before)
        ORDER BY j.id DESC LIMIT least(most, 1000);
END $$;

-- retry_job lets a job that failed, was given up or was cancelled run again now; cancel_job keeps one that waits from running, and one that runs from running
-- again. Each returns the kind, or nothing when there is no such job in such a state that is the caller's.
CREATE FUNCTION gate.retry_job(job bigint) RETURNS text LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE who text := gate.caller(); what text;
BEGIN
    UPDATE jobs.river_job j SET state = 'available', scheduled_at = now(), finalized_at = NULL, max_attempts = least(greatest(j.max_attempts, j.attempt + 1), 32767),
            metadata = j.metadata - 'cancel_attempted_at'
        WHERE j.id = job AND (who = '' OR j.args ->> 'tenant' = who) AND j.state IN ('retryable', 'discarded', 'cancelled', 'scheduled')
        RETURNING j.kind INTO what;
    RETURN what;
END $$;

CREATE FUNCTION gate.cancel_job(job bigint) RETURNS text LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE who text := gate.caller(); what text;
BEGIN
    UPDATE jobs.river_job j SET metadata = j.metadata || jsonb_build_object('cancel_attempted_at', now()),
            state = CASE WHEN j.state = 'running' THEN j.state ELSE 'cancelled' END, finalized_at = CASE WHEN j.state = 'running' THEN NULL ELSE now() END
        WHERE j.id = job AND (who = '' OR j.args ->> 'tenant' = who) AND j.state IN ('available', 'retryable', 'scheduled', 'running')
        RETURNING j.kind INTO what;
    RETURN what;
END $$;

REVOKE ALL ON FUNCTION gate.queue_jobs(text, text[], timestamptz, text[]), gate.list_jobs(text, text, text[], bigint, integer), gate.retry_job(bigint), gate.cancel_job(bigint) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION gate.queue_jobs(text, text[], timestamptz, text[]), gate.list_jobs(text, text, text[], bigint, integer), gate.retry_job(bigint), gate.cancel_job(bigint) TO {{login}};

-- Tenants that are here already; a new one gets it when it is made.
DO $$ DECLARE login text; BEGIN
    FOR login IN SELECT login_role FROM control.tenants LOOP
        EXECUTE format('GRANT EXECUTE ON FUNCTION gate.queue_jobs(text, text[], timestamptz, text[]), gate.list_jobs(text, text, text[], bigint, integer), gate.retry_job(bigint), gate.cancel_job(bigint) TO %I', login);
    END LOOP;
END $$;

RESET ROLE;
SET LOCAL ROLE {{owner}};
-- Whoever works sees which processes live: what a dead one held is taken from it.
GRANT USAGE ON SCHEMA control TO {{jobs}};
GRANT SELECT ON processes TO {{jobs}};
RESET ROLE;

-- Who sees the jobs, and may let them run again, where the rules are there already; a new installation has it with its first rules.
SET LOCAL ROLE {{owner}};
INSERT INTO casbin_rules (ptype, v0, v1, v2)
SELECT 'p', r.role, 'platform', r.permission FROM (VALUES ('account_manager', 'platform.job.read'), ('operator', 'platform.job.read'), ('operator', 'platform.job.change')) AS r(role, permission)
WHERE EXISTS (SELECT FROM casbin_rules c WHERE c.v0 = r.role) ON CONFLICT DO NOTHING;
RESET ROLE;
