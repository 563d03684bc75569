-- Which processes serve, and how large the database is: from both follows how many transactions each process may have busy at once.

-- Each serving process says every two seconds that it is there (tenants/process.go). One that has said nothing for ten counts no more.
CREATE TABLE processes (
    id      uuid PRIMARY KEY,
    name    text NOT NULL CHECK (length(name) BETWEEN 1 AND 200),         -- machine and process id, for people
    since   timestamptz NOT NULL DEFAULT now(),
    seen_at timestamptz NOT NULL DEFAULT now()
);

-- Processors of the database that answer now, as the autoscaler last saw them: of the writer, and of all readers together. Empty where
-- there is none; the processes have a setting then.
CREATE TABLE database_capacity (
    endpoint text PRIMARY KEY CHECK (endpoint IN ('writer', 'readers')),
    cores    double precision NOT NULL CHECK (cores BETWEEN 0 AND 4096),
    said_at  timestamptz NOT NULL DEFAULT now()
);
REVOKE INSERT, UPDATE, DELETE ON database_capacity FROM {{login}};
GRANT SELECT, INSERT, UPDATE ON database_capacity TO {{gate}};

SET LOCAL ROLE {{gate}};
GRANT USAGE ON SCHEMA gate TO {{autoscale}};

-- publish_capacity replaces both figures. Only the autoscaler's login may.
CREATE FUNCTION gate.publish_capacity(writer double precision, readers double precision) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF (writer BETWEEN 0 AND 4096 AND readers BETWEEN 0 AND 4096) IS NOT TRUE THEN
        RAISE EXCEPTION 'a figure of the capacity is out of bounds' USING ERRCODE = 'check_violation';
    END IF;
    INSERT INTO control.database_capacity AS c (endpoint, cores) VALUES ('writer', writer), ('readers', readers)
    ON CONFLICT (endpoint) DO UPDATE SET cores = excluded.cores, said_at = now();
END $$;
REVOKE ALL ON FUNCTION gate.publish_capacity(double precision, double precision) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION gate.publish_capacity(double precision, double precision) TO {{autoscale}};
RESET ROLE;
