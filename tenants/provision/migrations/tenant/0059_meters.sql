-- What a tenant used, as facts from which its bills follow (billing/meter). Each was written in the transaction in which it happened, and is named by a key of its own, so that what is tried again,
-- or dies, is neither lost nor there twice.
--
-- Who signed in on a day, and who worked on it, are facts that are there already: the rows of active_days and attendance, named by day and person. All others stand here. Of some a fact is a level, which
-- holds for its subject until that subject's next: 1 while a class runs, the bytes of a file, and 0 when it is over.
CREATE TABLE meter_facts (
    key         text PRIMARY KEY CHECK (char_length(key) BETWEEN 1 AND 200),
    meter       text NOT NULL CHECK (meter ~ '^[a-z][a-z_]{0,59}$'),
    subject     text NOT NULL CHECK (char_length(subject) <= 100),                  -- a pseudonym; '': the whole tenant
    at          timestamptz NOT NULL,
    quantity    bigint NOT NULL CHECK (quantity BETWEEN 0 AND 1000000000000000),
    recorded_at timestamptz NOT NULL DEFAULT clock_timestamp()
);
CREATE INDEX meter_facts_in_order ON meter_facts (meter, subject, at DESC);
CREATE INDEX meter_facts_by_time ON meter_facts (meter, at);
REVOKE UPDATE, DELETE, TRUNCATE ON meter_facts FROM {{login}};

-- Pseudonyms, by a salt that stays here: the platform bills, and does not know of whom.
CREATE TABLE meter_salt (
    one  boolean PRIMARY KEY DEFAULT true CHECK (one),
    salt bytea NOT NULL CHECK (length(salt) >= 32)
);
INSERT INTO meter_salt (salt) VALUES (new_salt());
REVOKE INSERT, UPDATE, DELETE, TRUNCATE ON meter_salt FROM {{login}};
CREATE FUNCTION meter_subject(id uuid) RETURNS text LANGUAGE sql STABLE SET search_path = {{schema}}, pg_temp AS $$
    SELECT left(encode(sha256(salt || uuid_send(id)), 'hex'), 24) FROM meter_salt
$$;

-- note_levels notes the level that each of some things has from now on. It is now by the clock, and not as of the transaction's begin: of two transactions that change one row, the one that is second has its
-- row later, and the clock with it, however early it began.
CREATE FUNCTION note_levels(of_meter text, ids uuid[], since timestamptz[], levels bigint[]) RETURNS void LANGUAGE sql SET search_path = {{schema}}, pg_temp AS $$
    INSERT INTO meter_facts (key, meter, subject, at, quantity)
    SELECT of_meter || ':' || meter_subject(n.id) || ':' || (extract(epoch FROM n.since) * 1000000)::bigint, of_meter, meter_subject(n.id), n.since, n.level
    FROM unnest(ids, since, levels) AS n(id, since, level)
    ON CONFLICT (key) DO NOTHING
$$;

-- A class that was there before, as demo data are, counts from when it was made.
CREATE FUNCTION meter_classes() RETURNS trigger LANGUAGE plpgsql SET search_path = {{schema}}, pg_temp AS $$
BEGIN
    IF TG_OP = 'INSERT' THEN
        PERFORM note_levels('classes', array_agg(id), array_agg(least(created_at, clock_timestamp())), array_agg(1::bigint)) FROM changed WHERE state = 'active' HAVING count(*) > 0;
    ELSE
        PERFORM note_levels('classes', array_agg(id), array_agg(clock_timestamp()), array_agg(0::bigint)) FROM changed WHERE state = 'active' HAVING count(*) > 0;
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER meter_new AFTER INSERT ON classes REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION meter_classes();
CREATE TRIGGER meter_gone AFTER DELETE ON classes REFERENCING OLD TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION meter_classes();
-- A class changes with every seat that is taken, its state once: row by row, so that the others pay for a comparison alone.
CREATE FUNCTION meter_class() RETURNS trigger LANGUAGE plpgsql SET search_path = {{schema}}, pg_temp AS $$
BEGIN
    PERFORM note_levels('classes', ARRAY[NEW.id], ARRAY[clock_timestamp()], ARRAY[(NEW.state = 'active')::integer::bigint]);
    RETURN NULL;
END $$;
CREATE TRIGGER meter_state AFTER UPDATE OF state ON classes FOR EACH ROW WHEN ((OLD.state = 'active') <> (NEW.state = 'active')) EXECUTE FUNCTION meter_class();

CREATE FUNCTION meter_files() RETURNS trigger LANGUAGE plpgsql SET search_path = {{schema}}, pg_temp AS $$
BEGIN
    PERFORM note_levels('storage', array_agg(id), array_agg(clock_timestamp()), array_agg(CASE TG_OP WHEN 'DELETE' THEN 0 ELSE size END)) FROM changed HAVING count(*) > 0;
    RETURN NULL;
END $$;
CREATE TRIGGER meter_new AFTER INSERT ON files REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION meter_files();
CREATE TRIGGER meter_gone AFTER DELETE ON files REFERENCING OLD TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION meter_files();
CREATE FUNCTION meter_file() RETURNS trigger LANGUAGE plpgsql SET search_path = {{schema}}, pg_temp AS $$
BEGIN
    PERFORM note_levels('storage', ARRAY[NEW.id], ARRAY[clock_timestamp()], ARRAY[NEW.size]);
    RETURN NULL;
END $$;
CREATE TRIGGER meter_size AFTER UPDATE OF size ON files FOR EACH ROW WHEN (OLD.size <> NEW.size) EXECUTE FUNCTION meter_file();

-- What is there already.
SELECT note_levels('classes', array_agg(id), array_agg(created_at), array_agg(1::bigint)) FROM classes WHERE state = 'active' HAVING count(*) > 0;
SELECT note_levels('storage', array_agg(id), array_agg(created_at), array_agg(size)) FROM files HAVING count(*) > 0;

-- record_facts notes facts of sums, [{"key", "meter", "subject" (an id, or null), "at", "quantity"}], and tells how many were new. One that is there already counts once; another of the same name is refused.
CREATE FUNCTION record_facts(facts jsonb) RETURNS bigint LANGUAGE plpgsql SET search_path = {{schema}}, pg_temp AS $$
DECLARE n bigint;
BEGIN
    INSERT INTO meter_facts (key, meter, subject, at, quantity)
    SELECT f.key, f.meter, coalesce(meter_subject(f.subject), ''), f.at, f.quantity FROM jsonb_to_recordset(facts) AS f(key text, meter text, subject uuid, at timestamptz, quantity bigint)
    ON CONFLICT (key) DO NOTHING;
    GET DIAGNOSTICS n = ROW_COUNT;
    IF n < jsonb_array_length(facts) AND EXISTS (
        SELECT FROM jsonb_to_recordset(facts) AS f(key text, meter text, subject uuid, at timestamptz, quantity bigint) JOIN meter_facts m USING (key)
        WHERE (m.meter, m.subject, m.at, m.quantity) IS DISTINCT FROM (f.meter, coalesce(meter_subject(f.subject), ''), f.at, f.quantity)) THEN
        RAISE EXCEPTION 'one key has two facts' USING ERRCODE = 'check_violation';
    END IF;
    RETURN n;
END $$;

-- usage_facts gives the facts of periods, each from its first moment to before its end, as billing/meter counts them. Of who signed in and who worked it is the first day of each in each period, since who is
-- there once is counted once; of those who signed in only whoever worked, so that staff are not among them. Of the sums it is all in the periods; of levels all from the first period's begin to the last's
-- end, and of those before that the last of each subject that still holds. zone is the tenant's: a day of it has its noon there.
CREATE FUNCTION usage_facts(periods tstzrange[], zone text, sums text[], levels text[]) RETURNS TABLE (key text, meter text, subject text, at timestamptz, quantity bigint)
LANGUAGE sql STABLE SET search_path = {{schema}}, pg_temp AS $$
    WITH p AS MATERIALIZED (
        SELECT r, (lower(r) AT TIME ZONE zone)::date AS first_day, ((upper(r) - interval '1 microsecond') AT TIME ZONE zone)::date AS last_day FROM unnest(periods) AS r WHERE NOT isempty(r)
    ), worked AS MATERIALIZED (
        SELECT p.first_day, p.last_day, a.learner_id AS id, min(a.day) AS day FROM p JOIN attendance a ON a.day BETWEEN p.first_day AND p.last_day GROUP BY 1, 2, 3
    ), signed AS (
        SELECT w.id, min(a.day) AS day FROM p JOIN active_days a ON a.day BETWEEN p.first_day AND p.last_day JOIN worked w ON w.id = a.user_id AND w.first_day = p.first_day GROUP BY w.id, p.first_day
    ), people AS MATERIALIZED ( -- as meter_subject, once for each
        SELECT w.id, left(encode(sha256(s.salt || uuid_send(w.id)), 'hex'), 24) AS subject FROM (SELECT DISTINCT id FROM worked) w CROSS JOIN meter_salt s
    ), noons AS MATERIALIZED (
        SELECT d::date AS day, (d::date + time '12:00') AT TIME ZONE zone AS at FROM p CROSS JOIN LATERAL generate_series(p.first_day, p.last_day, interval '1 day') d GROUP BY 1
    ), days AS (
        SELECT DISTINCT 'work' AS meter, id, day FROM worked UNION ALL SELECT DISTINCT 'sign_ins', id, day FROM signed
    ), bounds AS (SELECT min(lower(r)) AS begins, max(upper(r)) AS ends FROM p)
    SELECT d.meter || ':' || d.day || ':' || o.subject, d.meter, o.subject, n.at, 1::bigint FROM days d JOIN people o USING (id) JOIN noons n USING (day)
    UNION ALL
    SELECT DISTINCT f.key, f.meter, f.subject, f.at, f.quantity FROM p JOIN meter_facts f ON f.meter = ANY(sums) AND f.at >= lower(p.r) AND f.at < upper(p.r)
    UNION ALL
    SELECT f.key, f.meter, f.subject, f.at, f.quantity FROM bounds b JOIN meter_facts f ON f.meter = ANY(levels) AND f.at >= b.begins AND f.at < b.ends
    UNION ALL
    SELECT * FROM (SELECT DISTINCT ON (f.meter, f.subject) f.key, f.meter, f.subject, f.at, f.quantity FROM bounds b JOIN meter_facts f ON f.meter = ANY(levels) AND f.at < b.begins
        ORDER BY f.meter, f.subject, f.at DESC) AS held WHERE held.quantity > 0
$$;
GRANT EXECUTE ON FUNCTION meter_subject(uuid), note_levels(text, uuid[], timestamptz[], bigint[]), record_facts(jsonb), usage_facts(tstzrange[], text, text[], text[]) TO {{login}};
GRANT EXECUTE ON FUNCTION meter_subject(uuid), usage_facts(tstzrange[], text, text[], text[]) TO {{gate}};
GRANT SELECT ON meter_facts, meter_salt, active_days, attendance TO {{gate}};
