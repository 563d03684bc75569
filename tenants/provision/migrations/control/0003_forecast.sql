-- Loads that tenants know of beforehand: what the database's autoscaler reads to add capacity before they come. It tells when and
-- how many, never who or what: of an exam its id, of lessons a quarter of an hour, of an import its id.

CREATE TABLE capacity_forecast (
    slug         text NOT NULL REFERENCES tenants ON DELETE CASCADE,
    kind         text NOT NULL CHECK (kind IN ('exam', 'live', 'import')),
    id           uuid NOT NULL,                                       -- of the test or the import; of lessons one made of their start
    starts_at    timestamptz NOT NULL,
    ends_at      timestamptz NOT NULL,
    learners     integer NOT NULL CHECK (learners >= 0),              -- expected: enrolments; of an import the rows done so far
    published_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (slug, kind, id),
    CHECK (starts_at < ends_at)
);
CREATE INDEX capacity_forecast_by_end ON capacity_forecast (ends_at);

-- Only the gate writes it: a forecast is the tenant's own word.
REVOKE INSERT, UPDATE, DELETE ON capacity_forecast FROM {{login}};
GRANT SELECT, INSERT, UPDATE, DELETE ON capacity_forecast TO {{gate}};
GRANT USAGE ON SCHEMA {{schema}} TO {{autoscale}};
GRANT SELECT ON capacity_forecast TO {{autoscale}};
GRANT SELECT (slug, time_zone, state) ON tenants TO {{autoscale}};

SET LOCAL ROLE {{gate}};

-- publish_forecast replaces the caller's own rows from now on (what has ended stays for 35 days, to learn from), and tells
-- whether anything but published_at has changed. entries: [{"kind", "id", "starts_at", "ends_at", "learners"}], at most 2,000, each
-- ending between now and 60 days on, with no more learners than the tenant may have, or a million.
CREATE FUNCTION gate.publish_forecast(entries jsonb) RETURNS boolean
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
    -- The lock puts two publishers of one tenant in line.
    SELECT least(1000000, coalesce((limits->>'learners')::bigint, 0)) INTO most FROM control.tenants WHERE slug = who FOR NO KEY UPDATE;
    IF EXISTS (SELECT FROM jsonb_to_recordset(entries) AS e(kind text, id uuid, starts_at timestamptz, ends_at timestamptz, learners bigint)
        WHERE (e.kind IN ('exam', 'live', 'import') AND e.id IS NOT NULL AND isfinite(e.starts_at) AND e.starts_at < e.ends_at
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

REVOKE ALL ON FUNCTION gate.publish_forecast(jsonb) FROM PUBLIC;

-- Tenants that are here already; a new one gets it when it is made.
DO $$ DECLARE login text; BEGIN
    FOR login IN SELECT login_role FROM control.tenants LOOP
        EXECUTE format('GRANT EXECUTE ON FUNCTION gate.publish_forecast(jsonb) TO %I', login);
    END LOOP;
END $$;
RESET ROLE;
