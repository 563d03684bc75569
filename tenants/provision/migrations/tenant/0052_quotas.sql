-- What there may be so much of in a day, of the tenant's own calendar (tenants/limits), and of which limits administrators were warned.
CREATE TABLE daily_counts (
    kind text NOT NULL CHECK (kind ~ '^[a-z][a-z_]{0,31}$'),
    day  date NOT NULL,
    n    bigint NOT NULL CHECK (n >= 0),
    PRIMARY KEY (kind, day)
);
CREATE TABLE quota_warnings (
    kind  text PRIMARY KEY CHECK (kind ~ '^[a-z][a-z_]{0,31}$'),
    level smallint NOT NULL CHECK (level IN (80, 95, 100)),   -- the last per cent of the limit of which they were told
    at    timestamptz NOT NULL
);

UPDATE settings SET limits = jsonb_build_object(
    'import_rows_a_day', CASE plan WHEN 'country' THEN 2000000 WHEN 'college' THEN 300000 ELSE 50000 END,
    'mails_a_day', CASE plan WHEN 'country' THEN 250000 WHEN 'college' THEN 50000 ELSE 5000 END,
    'concurrent', CASE plan WHEN 'country' THEN 1000 WHEN 'college' THEN 300 ELSE 100 END) || limits;
