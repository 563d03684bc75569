-- How much tenants use of what their plans give, as each publishes it itself (gate.publish_use); the platform warns its account managers from here.
CREATE TABLE quota_use (
    slug    text NOT NULL REFERENCES tenants ON DELETE CASCADE,
    kind    text NOT NULL CHECK (kind ~ '^[a-z][a-z_]{0,31}$'),
    used    bigint NOT NULL CHECK (used >= 0),
    level   smallint NOT NULL CHECK (level IN (0, 80, 95, 100)),             -- the last per cent at which the tenant warned its own people
    told    smallint NOT NULL DEFAULT 0 CHECK (told IN (0, 80, 95, 100)),    -- and the last of which account managers were told
    at      timestamptz NOT NULL,
    PRIMARY KEY (slug, kind)
);
CREATE INDEX quota_use_to_tell ON quota_use (slug, kind) WHERE level <> told;

-- What plans give beside what they gave before. Nothing is taken from a tenant that had limits of its own: of what is new it has its plan's.
UPDATE tenants SET limits = jsonb_build_object(
    'import_rows_a_day', CASE plan WHEN 'country' THEN 2000000 WHEN 'college' THEN 300000 ELSE 50000 END,
    'mails_a_day', CASE plan WHEN 'country' THEN 250000 WHEN 'college' THEN 50000 ELSE 5000 END,
    'concurrent', CASE plan WHEN 'country' THEN 1000 WHEN 'college' THEN 300 ELSE 100 END) || limits;
INSERT INTO versions AS v (slug, kind, n) VALUES ('', 'registry', 1) ON CONFLICT (slug, kind) DO UPDATE SET n = v.n + 1;

RESET ROLE;
SET LOCAL ROLE {{owner}};
GRANT SELECT, INSERT, UPDATE ON quota_use TO {{gate}};
RESET ROLE;
SET LOCAL ROLE {{gate}};

-- publish_use replaces what the platform knows of the caller's use, and forgets what is not among it.
CREATE FUNCTION gate.publish_use(of_kinds text[], used_now bigint[], levels smallint[]) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE who text := gate.caller();
BEGIN
    IF who = '' THEN RAISE EXCEPTION 'not a tenant' USING ERRCODE = 'insufficient_privilege'; END IF;
    IF (cardinality(of_kinds) BETWEEN 1 AND 20 AND cardinality(used_now) = cardinality(of_kinds) AND cardinality(levels) = cardinality(of_kinds)) IS NOT TRUE THEN
        RAISE EXCEPTION 'use is of 1 to 20 kinds' USING ERRCODE = 'check_violation';
    END IF;
    INSERT INTO control.quota_use AS q (slug, kind, used, level, at) SELECT who, u.*, now() FROM unnest(of_kinds, used_now, levels) u
    ON CONFLICT (slug, kind) DO UPDATE SET used = excluded.used, level = excluded.level, told = least(q.told, excluded.level), at = excluded.at;
END $$;
REVOKE ALL ON FUNCTION gate.publish_use(text[], bigint[], smallint[]) FROM PUBLIC;

-- Tenants that are here already; a new one gets it when it is made.
DO $$ DECLARE login text; BEGIN
    FOR login IN SELECT login_role FROM control.tenants WHERE made_at IS NOT NULL LOOP
        EXECUTE format('GRANT EXECUTE ON FUNCTION gate.publish_use(text[], bigint[], smallint[]) TO %I', login);
    END LOOP;
END $$;

INSERT INTO jobs.kinds (kind, realm, queue, attempts, keep) VALUES
    ('quotas.tell', 'platform', 'short', 10, '3 days'),
    ('tenant.connections', 'platform', 'short', 25, '14 days');
RESET ROLE;
