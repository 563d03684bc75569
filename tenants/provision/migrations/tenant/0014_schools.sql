-- A country of nine hundred schools is asked for a page of them at a time, and for those that fit what somebody typed.
CREATE INDEX schools_by_name ON schools (name, id);
DROP INDEX schools_by_region;
CREATE INDEX schools_by_region ON schools (region, name, id);
CREATE INDEX schools_named ON schools (lower(name));
-- Figures are listed in the order of bytes, which the program sorts by too where months have to be counted.
CREATE INDEX schools_in_figures ON schools (region COLLATE "C", name COLLATE "C", id);
-- Each word of the name and of the code is found by its beginning.
ALTER TABLE schools ADD COLUMN words tsvector NOT NULL GENERATED ALWAYS AS
    (to_tsvector('simple', regexp_replace(name || ' ' || coalesce(source_id, ''), '[^[:alnum:]]+', ' ', 'g'))) STORED;
CREATE INDEX schools_by_word ON schools USING gin (words) WITH (fastupdate = off);

-- ---- Figures by school, a page at a time ----
-- What may be shown of a month is decided when it is kept, with all of its rows in sight; a page reads no others. The columns have no
-- default, so that a program that knows nothing of them keeps no month: it would keep one that nothing is hidden in.
DELETE FROM month_figures;
UPDATE figure_months SET kept_at = NULL;
ALTER TABLE month_figures ADD COLUMN hidden boolean NOT NULL, ADD COLUMN absent boolean NOT NULL, ADD CHECK (hidden OR NOT absent);
CREATE INDEX month_figures_by_school ON month_figures (kind, key, month) INCLUDE (people, n, passed, hidden) WHERE level = 2 AND NOT absent;
CREATE INDEX month_figures_absent ON month_figures (month, kind, level) WHERE absent;

-- ---- How many learn in each form ----
-- 'grade:10' is of active learners of the whole tenant; those of one school are counted, they are few. The triggers' names come after those
-- that lock the accounts (count_...), and so do they. Each account is looked up by key, whatever a session
-- planned while there were few: it keeps its plan, and a roster of thousands would read all accounts for each of them.
CREATE FUNCTION count_grades() RETURNS trigger LANGUAGE plpgsql SET search_path = {{schema}}, pg_temp SET enable_seqscan = off AS $$
DECLARE
    names text[]; counts bigint[];
BEGIN
    SELECT array_agg('grade:' || grade), array_agg(n * TG_ARGV[0]::bigint) INTO names, counts FROM (
        SELECT grade, count(*) AS n FROM (SELECT (SELECT u.grade FROM users u WHERE u.id = c.user_id AND u.state = 'active' AND u.grade <> '') AS grade FROM changed c WHERE c.role = 'student') c
        WHERE grade IS NOT NULL GROUP BY grade) g;
    PERFORM add_to_totals(names, counts);
    RETURN NULL;
END $$;
CREATE TRIGGER grade_new AFTER INSERT ON user_roles REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION count_grades('1');
CREATE TRIGGER grade_gone AFTER DELETE ON user_roles REFERENCING OLD TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION count_grades('-1');
CREATE FUNCTION count_other_grade() RETURNS trigger LANGUAGE plpgsql SET search_path = {{schema}}, pg_temp SET enable_seqscan = off AS $$
BEGIN
    PERFORM add_to_totals(array_agg('grade:' || u.grade), array_agg(c.n))
        FROM (VALUES (OLD.user_id, OLD.role, -1::bigint), (NEW.user_id, NEW.role, 1)) AS c (user_id, role, n) JOIN users u ON u.id = c.user_id
        WHERE c.role = 'student' AND u.state = 'active' AND u.grade <> '';
    RETURN NULL;
END $$;
CREATE TRIGGER grade_other AFTER UPDATE OF user_id, role ON user_roles FOR EACH ROW EXECUTE FUNCTION count_other_grade();
CREATE FUNCTION count_moved_grade() RETURNS trigger LANGUAGE plpgsql SET search_path = {{schema}}, pg_temp SET enable_seqscan = off AS $$
BEGIN
    PERFORM add_to_totals(array_agg('grade:' || g.grade), array_agg(g.n))
        FROM (VALUES (OLD.grade, OLD.state, -1::bigint), (NEW.grade, NEW.state, 1)) AS g (grade, state, n)
        WHERE g.grade <> '' AND g.state = 'active' AND EXISTS (SELECT FROM user_roles WHERE user_id = NEW.id AND role = 'student');
    RETURN NULL;
END $$;
CREATE TRIGGER grade_moved AFTER UPDATE OF state, grade ON users FOR EACH ROW
    WHEN (OLD.grade <> NEW.grade OR (OLD.state = 'active') <> (NEW.state = 'active')) EXECUTE FUNCTION count_moved_grade();

CREATE FUNCTION count_grades_again() RETURNS void LANGUAGE sql SET search_path = {{schema}}, pg_temp AS $$
    LOCK TABLE users, user_roles IN SHARE MODE;
    DELETE FROM totals WHERE name LIKE 'grade:%';
    INSERT INTO totals SELECT 'grade:' || u.grade, count(*) FROM users u JOIN user_roles r ON r.user_id = u.id AND r.role = 'student'
        WHERE u.state = 'active' AND u.grade <> '' GROUP BY u.grade;
$$;
SELECT count_grades_again();

-- Functions of the schema are called by its login, and by nobody else.
GRANT EXECUTE ON FUNCTION count_grades(), count_other_grade(), count_moved_grade(), count_grades_again() TO {{login}};
