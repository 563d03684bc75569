-- A question to the trail costs the same however long the trail is: each filter finds its entries in the order of the trail, and
-- reads no others. An index is paid for by every change there is, so two of the three are exchanged for others, and the new
-- one holds what is refused alone. Where a trail is long already, changes of that realm wait until they are made: about two
-- minutes for ten million entries.

-- The thing alone, of whatever kind: ids of two kinds do not meet. Entries about no thing are in no index.
DROP INDEX audit_by_object;
CREATE INDEX audit_by_object ON audit_entries (object_id, id DESC) WHERE object_id <> '';

-- There are few kinds of entry, a kind being action, thing and outcome: a list by any of the three goes through the kinds that fit,
-- and takes from each the newest. In the order of bytes, so that what begins the same lies together in any collation.
DROP INDEX audit_by_action;
CREATE INDEX audit_by_kind ON audit_entries (action COLLATE "C", object_kind COLLATE "C", outcome COLLATE "C", id DESC);

CREATE INDEX audit_refused ON audit_entries (id DESC) WHERE outcome = 'refused';

-- ---- Accounts by name ----
-- Each list of accounts has an index in its order, with what narrows it.
CREATE INDEX users_suspended ON users (family_name, given_name, id) WHERE state = 'suspended';
CREATE INDEX users_without_password ON users (family_name, given_name, id) WHERE password_hash IS NULL AND state <> 'erased';
-- What is looked for by its beginning is listed by what begins so: the family names first, then given names, then user names. In the order of
-- bytes, in which all that begins the same lies together.
DROP INDEX users_by_family_prefix, users_by_given_prefix, users_by_user_name_prefix;
CREATE INDEX users_by_family_prefix ON users (lower(family_name) COLLATE "C", lower(given_name) COLLATE "C", id);
CREATE INDEX users_by_given_prefix ON users (lower(given_name) COLLATE "C", lower(family_name) COLLATE "C", id);
CREATE INDEX users_by_user_name_prefix ON users (user_name_key COLLATE "C", id);

-- Who has a role, by name: the names are those of the account, which takes them along when they change.
ALTER TABLE user_roles ADD COLUMN family_name text NOT NULL DEFAULT '', ADD COLUMN given_name text NOT NULL DEFAULT '';
UPDATE user_roles r SET family_name = u.family_name, given_name = u.given_name FROM users u WHERE u.id = r.user_id;
DROP INDEX user_roles_by_role;
CREATE INDEX user_roles_by_name ON user_roles (role, family_name, given_name, user_id);

-- The account is locked, so that one that is renamed at this moment is either renamed before or takes this role along.
CREATE FUNCTION name_role() RETURNS trigger LANGUAGE plpgsql SET search_path = {{schema}}, pg_temp AS $$
BEGIN
    SELECT family_name, given_name INTO NEW.family_name, NEW.given_name FROM users WHERE id = NEW.user_id FOR SHARE;
    NEW.family_name := coalesce(NEW.family_name, ''); -- there is no such account: the foreign key says so
    NEW.given_name := coalesce(NEW.given_name, '');
    RETURN NEW;
END $$;
CREATE TRIGGER name_role BEFORE INSERT OR UPDATE OF user_id ON user_roles FOR EACH ROW EXECUTE FUNCTION name_role();
CREATE FUNCTION rename_roles() RETURNS trigger LANGUAGE plpgsql SET search_path = {{schema}}, pg_temp AS $$
BEGIN
    UPDATE user_roles SET family_name = NEW.family_name, given_name = NEW.given_name WHERE user_id = NEW.id;
    RETURN NULL;
END $$;
CREATE TRIGGER rename_roles AFTER UPDATE OF family_name, given_name ON users FOR EACH ROW
    WHEN ((OLD.family_name, OLD.given_name) IS DISTINCT FROM (NEW.family_name, NEW.given_name)) EXECUTE FUNCTION rename_roles();

-- ---- How many accounts there are ----
-- Sums are kept where rows would be counted: by triggers, in the transaction of the change itself, because the rows come from many
-- places (pages, rosters, provisioning, demo data, a person at the database), and a sum that one of them forgets is wrong for ever.
-- 'accounts' is of active accounts, and so is 'role:teacher'. They change seldom, and whoever changes them locks the row, as with usage_counts.
CREATE TABLE totals (
    name text PRIMARY KEY CHECK (length(name) BETWEEN 1 AND 100),
    n    bigint NOT NULL
) WITH (fillfactor = 50);

CREATE FUNCTION add_to_totals(names text[], counts bigint[]) RETURNS void LANGUAGE sql SET search_path = {{schema}}, pg_temp AS $$
    INSERT INTO totals AS t (name, n)
    SELECT c.name, sum(c.n) FROM unnest(names, counts) AS c (name, n) GROUP BY c.name HAVING sum(c.n) <> 0 ORDER BY c.name
    ON CONFLICT (name) DO UPDATE SET n = t.n + excluded.n
$$;


-- Roles that came or went. The accounts are locked against a change of their state until this transaction ends: otherwise one that is
-- suspended at this moment would be counted by one of the two, or by neither.
CREATE FUNCTION count_roles() RETURNS trigger LANGUAGE plpgsql SET search_path = {{schema}}, pg_temp AS $$
DECLARE
    names text[]; counts bigint[];
BEGIN
    PERFORM FROM users WHERE id IN (SELECT user_id FROM changed) ORDER BY id FOR SHARE;
    SELECT array_agg('role:' || role), array_agg(n * TG_ARGV[0]::bigint) INTO names, counts FROM (
        SELECT c.role, count(*) AS n FROM changed c JOIN users u ON u.id = c.user_id WHERE u.state = 'active' GROUP BY c.role) r;
    PERFORM add_to_totals(names, counts);
    RETURN NULL;
END $$;
CREATE TRIGGER count_new AFTER INSERT ON user_roles REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION count_roles('1');
CREATE TRIGGER count_gone AFTER DELETE ON user_roles REFERENCING OLD TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION count_roles('-1');
CREATE FUNCTION count_other_role() RETURNS trigger LANGUAGE plpgsql SET search_path = {{schema}}, pg_temp AS $$
BEGIN
    PERFORM FROM users WHERE id IN (OLD.user_id, NEW.user_id) ORDER BY id FOR SHARE;
    PERFORM add_to_totals(array_agg('role:' || c.role), array_agg(c.n))
        FROM (VALUES (OLD.user_id, OLD.role, -1::bigint), (NEW.user_id, NEW.role, 1)) AS c (user_id, role, n) JOIN users u ON u.id = c.user_id WHERE u.state = 'active';
    RETURN NULL;
END $$;
CREATE TRIGGER count_other AFTER UPDATE OF user_id, role ON user_roles FOR EACH ROW EXECUTE FUNCTION count_other_role();

CREATE FUNCTION count_new_accounts() RETURNS trigger LANGUAGE plpgsql SET search_path = {{schema}}, pg_temp AS $$
BEGIN
    PERFORM add_to_totals(ARRAY['accounts'], ARRAY[(SELECT count(*) FROM changed WHERE state = 'active')]);
    RETURN NULL;
END $$;
CREATE TRIGGER count_new AFTER INSERT ON users REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION count_new_accounts();

CREATE FUNCTION count_account() RETURNS trigger LANGUAGE plpgsql SET search_path = {{schema}}, pg_temp AS $$
DECLARE
    sign bigint := CASE WHEN NEW.state = 'active' THEN 1 ELSE -1 END;
BEGIN
    PERFORM add_to_totals(array_agg(name), array_agg(sign)) FROM (
        SELECT 'accounts' AS name UNION ALL SELECT 'role:' || role FROM user_roles WHERE user_id = NEW.id) t;
    RETURN NULL;
END $$;
CREATE TRIGGER count_state AFTER UPDATE OF state ON users FOR EACH ROW WHEN ((OLD.state = 'active') <> (NEW.state = 'active')) EXECUTE FUNCTION count_account();

-- The roles go first, while it can be seen whether the account was active.
CREATE FUNCTION count_gone_account() RETURNS trigger LANGUAGE plpgsql SET search_path = {{schema}}, pg_temp AS $$
BEGIN
    DELETE FROM user_roles WHERE user_id = OLD.id;
    IF OLD.state = 'active' THEN
        PERFORM add_to_totals(ARRAY['accounts'], ARRAY[-1]::bigint[]);
    END IF;
    RETURN OLD;
END $$;
CREATE TRIGGER count_gone BEFORE DELETE ON users FOR EACH ROW EXECUTE FUNCTION count_gone_account();


CREATE FUNCTION count_accounts_again() RETURNS void LANGUAGE sql SET search_path = {{schema}}, pg_temp AS $$
    LOCK TABLE users, user_roles IN SHARE MODE;
    DELETE FROM totals WHERE name = 'accounts' OR name LIKE 'role:%';
    INSERT INTO totals SELECT 'accounts', count(*) FROM users WHERE state = 'active'
        UNION ALL SELECT 'role:' || r.role, count(*) FROM user_roles r JOIN users u ON u.id = r.user_id WHERE u.state = 'active' GROUP BY r.role;
$$;
SELECT count_accounts_again();

-- Functions of the schema are called by its login, and by nobody else.
GRANT EXECUTE ON FUNCTION name_role(), rename_roles(), add_to_totals(text[], bigint[]), count_roles(), count_other_role(), count_new_accounts(), count_account(), count_gone_account(), count_accounts_again() TO {{login}};
