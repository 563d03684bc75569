-- What a tenant's figures cost does not depend on how many learn in it: they are sums that triggers keep, as in realm/0006_growth. The
-- rows come from sign-in, progress, answers, rosters, demo data, and persons at the database.
-- ---- How many there are ----
-- Schools and classes, each with the name of its total.
CREATE FUNCTION count_active() RETURNS trigger LANGUAGE plpgsql SET search_path = {{schema}}, pg_temp AS $$
BEGIN
    PERFORM add_to_totals(ARRAY[TG_ARGV[0]], ARRAY[TG_ARGV[1]::bigint * (SELECT count(*) FROM changed WHERE state = 'active')]);
    RETURN NULL;
END $$;
CREATE TRIGGER count_new AFTER INSERT ON schools REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION count_active('schools', '1');
CREATE TRIGGER count_gone AFTER DELETE ON schools REFERENCING OLD TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION count_active('schools', '-1');
CREATE TRIGGER count_before AFTER UPDATE ON schools REFERENCING OLD TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION count_active('schools', '-1');
CREATE TRIGGER count_after AFTER UPDATE ON schools REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION count_active('schools', '1');
CREATE TRIGGER count_new AFTER INSERT ON classes REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION count_active('classes', '1');
CREATE TRIGGER count_gone AFTER DELETE ON classes REFERENCING OLD TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION count_active('classes', '-1');
-- A class changes with every seat that is taken, its state once: row by row, so that the others pay for a comparison alone.
CREATE FUNCTION count_class() RETURNS trigger LANGUAGE plpgsql SET search_path = {{schema}}, pg_temp AS $$
BEGIN
    PERFORM add_to_totals(ARRAY['classes'], ARRAY[CASE WHEN NEW.state = 'active' THEN 1 ELSE -1 END]::bigint[]);
    RETURN NULL;
END $$;
CREATE TRIGGER count_state AFTER UPDATE OF state ON classes FOR EACH ROW WHEN ((OLD.state = 'active') <> (NEW.state = 'active')) EXECUTE FUNCTION count_class();

-- ---- Days ----
-- Who was signed in belongs to the school that they had then, as attendance does; of what was before, the one that they have now.
ALTER TABLE active_days ADD COLUMN school_id uuid;
UPDATE active_days a SET school_id = u.school_id FROM users u WHERE u.id = a.user_id AND u.school_id IS NOT NULL;
CREATE FUNCTION school_of_day() RETURNS trigger LANGUAGE plpgsql SET search_path = {{schema}}, pg_temp AS $$
BEGIN
    NEW.school_id := (SELECT school_id FROM users WHERE id = NEW.user_id);
    RETURN NEW;
END $$;
CREATE TRIGGER school_of_day BEFORE INSERT ON active_days FOR EACH ROW WHEN (NEW.school_id IS NULL) EXECUTE FUNCTION school_of_day();

-- How many learners worked and how many users were signed in on a day. Whoever marks one day adds to one of eight parts, by the backend that
-- they have, so that a country that begins an exam in one minute does not wait in one line; many days at once, as demo data has, go into the first. A
-- part alone means nothing, and may be below zero.
CREATE TABLE day_totals (
    school_id uuid NOT NULL,                                -- of one school; all zeros: of the whole tenant
    day       date NOT NULL,                                -- in the tenant's time zone
    part      smallint NOT NULL,
    attended  integer NOT NULL DEFAULT 0,
    active    integer NOT NULL DEFAULT 0,
    PRIMARY KEY (school_id, day, part)
) WITH (fillfactor = 50);

-- Months whose figures are kept, and those that were changed since. A month can be kept when it has been over everywhere on earth for
-- two hours. Then no transaction runs any more that began before is_over() told it that its change must be noted.
CREATE TABLE figure_months (
    month     date PRIMARY KEY CHECK (extract(day FROM month) = 1),
    kept_at   timestamptz,                                  -- null: changed since, or never kept: count the rows
    least     integer NOT NULL DEFAULT 0,                   -- by which rules it was counted: the fewest people of a day,
    pass_mark integer NOT NULL DEFAULT 0,                   -- what an attempt must reach, in percent,
    starts    timestamptz,                                  -- and when the month begins and ends in the tenant's time zone
    ends      timestamptz
);
CREATE FUNCTION is_over(month date) RETURNS boolean LANGUAGE sql STABLE SET search_path = {{schema}}, pg_temp AS $$
    SELECT now() AT TIME ZONE 'UTC' >= month + interval '1 month 12 hours'
$$;

CREATE FUNCTION count_days() RETURNS trigger LANGUAGE plpgsql SET search_path = {{schema}}, pg_temp AS $$
BEGIN
    INSERT INTO day_totals AS t (school_id, day, part, attended, active)
    SELECT s.id, c.day, CASE WHEN (SELECT count(*) FROM changed) = 1 THEN pg_backend_pid() % 8 ELSE 0 END, TG_ARGV[0]::integer * count(*) * (TG_TABLE_NAME = 'attendance')::integer,
        TG_ARGV[0]::integer * count(*) * (TG_TABLE_NAME = 'active_days')::integer
    FROM changed c CROSS JOIN LATERAL (SELECT '00000000-0000-0000-0000-000000000000'::uuid AS id UNION ALL SELECT c.school_id WHERE c.school_id IS NOT NULL) s
    GROUP BY s.id, c.day ORDER BY s.id, c.day
    ON CONFLICT (school_id, day, part) DO UPDATE SET attended = t.attended + excluded.attended, active = t.active + excluded.active;
    IF TG_TABLE_NAME = 'attendance' THEN
        INSERT INTO figure_months AS f (month) SELECT DISTINCT date_trunc('month', day)::date AS month FROM changed
            WHERE is_over(date_trunc('month', day)::date) ORDER BY month
        ON CONFLICT (month) DO UPDATE SET kept_at = NULL;
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER count_new AFTER INSERT ON attendance REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION count_days('1');
CREATE TRIGGER count_gone AFTER DELETE ON attendance REFERENCING OLD TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION count_days('-1');
CREATE TRIGGER count_before AFTER UPDATE ON attendance REFERENCING OLD TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION count_days('-1');
CREATE TRIGGER count_after AFTER UPDATE ON attendance REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION count_days('1');
CREATE TRIGGER count_new AFTER INSERT ON active_days REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION count_days('1');
CREATE TRIGGER count_gone AFTER DELETE ON active_days REFERENCING OLD TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION count_days('-1');
CREATE TRIGGER count_before AFTER UPDATE ON active_days REFERENCING OLD TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION count_days('-1');
CREATE TRIGGER count_after AFTER UPDATE ON active_days REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION count_days('1');

-- ---- Months ----
-- Different people do not add up, so the figures of a month that is over are counted once, by the hour's work (insight.KeepMonths), and
-- thrown away with the first change of what they were counted from. Until they are there again, the rows are counted.
CREATE TABLE month_figures (
    month  date NOT NULL,
    kind   text NOT NULL CHECK (kind IN ('attendance', 'place', 'subject')),
    level  smallint NOT NULL,                               -- 0 all, 1 region or subject, 2 school
    grp    text NOT NULL,                                   -- region or subject
    key    text NOT NULL,                                   -- region, subject, or the school's id
    people integer NOT NULL,
    n      integer NOT NULL,                                -- days of attendance, or attempts
    passed integer NOT NULL,
    PRIMARY KEY (month, kind, level, grp, key)
);

-- An attempt's month depends on the time zone, so it may be one of two.
CREATE FUNCTION note_months_of(submitted timestamptz) RETURNS void LANGUAGE sql SET search_path = {{schema}}, pg_temp AS $$
    INSERT INTO figure_months AS f (month)
    SELECT DISTINCT date_trunc('month', submitted AT TIME ZONE 'UTC' + h)::date AS month FROM unnest(ARRAY[interval '-12 hours', '14 hours']) h
    WHERE submitted IS NOT NULL AND is_over(date_trunc('month', submitted AT TIME ZONE 'UTC' + h)::date) ORDER BY month
    ON CONFLICT (month) DO UPDATE SET kept_at = NULL
$$;
CREATE FUNCTION note_attempt() RETURNS trigger LANGUAGE plpgsql SET search_path = {{schema}}, pg_temp AS $$
BEGIN
    IF TG_OP <> 'INSERT' THEN
        PERFORM note_months_of(OLD.submitted_at);
    END IF;
    IF TG_OP <> 'DELETE' THEN
        PERFORM note_months_of(NEW.submitted_at);
    END IF;
    RETURN NULL;
END $$;
-- What is handed in now is of no month that is over: whoever answers a test pays for a comparison alone.
CREATE TRIGGER note_new AFTER INSERT ON attempts FOR EACH ROW WHEN (NEW.submitted_at < now() - interval '10 minutes') EXECUTE FUNCTION note_attempt();
CREATE TRIGGER note_gone AFTER DELETE ON attempts FOR EACH ROW WHEN (OLD.submitted_at < now() - interval '10 minutes') EXECUTE FUNCTION note_attempt();
CREATE TRIGGER note_changed AFTER UPDATE ON attempts FOR EACH ROW WHEN ((OLD.submitted_at < now() - interval '10 minutes' OR NEW.submitted_at < now() - interval '10 minutes')
    AND (OLD.state, OLD.score, OLD.max_score, OLD.submitted_at, OLD.school_id, OLD.learner_id, OLD.course_id)
        IS DISTINCT FROM (NEW.state, NEW.score, NEW.max_score, NEW.submitted_at, NEW.school_id, NEW.learner_id, NEW.course_id)) EXECUTE FUNCTION note_attempt();

-- A school that comes, goes or is in another region, and a course of another subject, are in every month. The lock is that of KeepMonths:
-- none is kept meanwhile that does not know of it.
INSERT INTO locks VALUES ('figures');
CREATE FUNCTION note_all() RETURNS trigger LANGUAGE plpgsql SET search_path = {{schema}}, pg_temp AS $$
BEGIN
    INSERT INTO locks VALUES ('figures') ON CONFLICT (name) DO UPDATE SET name = excluded.name;
    UPDATE figure_months SET kept_at = NULL WHERE kept_at IS NOT NULL;
    RETURN NULL;
END $$;
CREATE TRIGGER note_region AFTER UPDATE OF region ON schools FOR EACH ROW WHEN (OLD.region <> NEW.region) EXECUTE FUNCTION note_all();
CREATE TRIGGER note_school AFTER INSERT OR DELETE ON schools FOR EACH STATEMENT EXECUTE FUNCTION note_all();
CREATE TRIGGER note_subject AFTER UPDATE OF subject ON courses FOR EACH ROW WHEN (OLD.subject <> NEW.subject) EXECUTE FUNCTION note_all();

-- ---- One school of many ----
-- Its own days and attempts, without those of the others.
DROP INDEX attendance_by_school;
CREATE INDEX attendance_by_school ON attendance (school_id, day) INCLUDE (learner_id);
CREATE INDEX active_days_by_school ON active_days (school_id, day) INCLUDE (user_id);
CREATE INDEX classes_by_title ON classes (title, id);        -- those that are over as well
CREATE INDEX attempts_by_school ON attempts (school_id, submitted_at) INCLUDE (course_id, learner_id, state, score, max_score) WHERE submitted_at IS NOT NULL;

-- ---- Tenants that have people already ----
CREATE FUNCTION count_figures_again() RETURNS void LANGUAGE sql SET search_path = {{schema}}, pg_temp AS $$
    LOCK TABLE schools, classes, attendance, active_days IN SHARE MODE;
    DELETE FROM totals WHERE name IN ('schools', 'classes');
    INSERT INTO totals SELECT 'schools', count(*) FROM schools WHERE state = 'active'
        UNION ALL SELECT 'classes', count(*) FROM classes WHERE state = 'active';
    DELETE FROM day_totals;
    INSERT INTO day_totals (school_id, day, part, attended, active)
        SELECT coalesce(school_id, '00000000-0000-0000-0000-000000000000'), day, 0, sum(attended), sum(active) FROM (
            SELECT school_id, day, 1 AS attended, 0 AS active, learner_id FROM attendance
            UNION ALL SELECT school_id, day, 0, 1, user_id FROM active_days) d
        GROUP BY GROUPING SETS ((school_id, day), (day)) HAVING grouping(school_id) = 1 OR school_id IS NOT NULL;
    UPDATE figure_months SET kept_at = NULL WHERE kept_at IS NOT NULL;
$$;
SELECT count_figures_again();

-- Functions of the schema are called by its login, and by nobody else.
GRANT EXECUTE ON FUNCTION count_active(), count_class(), school_of_day(), is_over(date), count_days(), note_months_of(timestamptz), note_attempt(), note_all(), count_figures_again() TO {{login}};
