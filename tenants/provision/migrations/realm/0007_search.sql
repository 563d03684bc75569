-- Who has a role is looked for by the beginning of a name as everybody is: the index has the role and the name, so that what is read depends
-- on the page and neither on how many have the role nor on how many are called so. The user name comes along as the other names do.
ALTER TABLE user_roles ADD COLUMN user_name_key text NOT NULL DEFAULT '';
UPDATE user_roles r SET user_name_key = u.user_name_key FROM users u WHERE u.id = r.user_id;
CREATE INDEX user_roles_by_family_prefix ON user_roles (role, lower(family_name) COLLATE "C", lower(given_name) COLLATE "C", user_id);
CREATE INDEX user_roles_by_given_prefix ON user_roles (role, lower(given_name) COLLATE "C", lower(family_name) COLLATE "C", user_id);
CREATE INDEX user_roles_by_user_name_prefix ON user_roles (role, user_name_key COLLATE "C", user_id);

-- By key, whatever a session planned while there were few: it keeps its plan, and a roster of thousands would read all accounts for each of them.
CREATE OR REPLACE FUNCTION name_role() RETURNS trigger LANGUAGE plpgsql SET search_path = {{schema}}, pg_temp SET enable_seqscan = off AS $$
BEGIN
    SELECT family_name, given_name, user_name_key INTO NEW.family_name, NEW.given_name, NEW.user_name_key FROM users WHERE id = NEW.user_id FOR SHARE;
    NEW.family_name := coalesce(NEW.family_name, ''); -- there is no such account: the foreign key says so
    NEW.given_name := coalesce(NEW.given_name, '');
    NEW.user_name_key := coalesce(NEW.user_name_key, '');
    RETURN NEW;
END $$;
CREATE OR REPLACE FUNCTION rename_roles() RETURNS trigger LANGUAGE plpgsql SET search_path = {{schema}}, pg_temp SET enable_seqscan = off AS $$
BEGIN
    UPDATE user_roles SET family_name = NEW.family_name, given_name = NEW.given_name, user_name_key = NEW.user_name_key WHERE user_id = NEW.id;
    RETURN NULL;
END $$;
DROP TRIGGER rename_roles ON users;
CREATE TRIGGER rename_roles AFTER UPDATE OF family_name, given_name, user_name_key ON users FOR EACH ROW
    WHEN ((OLD.family_name, OLD.given_name, OLD.user_name_key) IS DISTINCT FROM (NEW.family_name, NEW.given_name, NEW.user_name_key)) EXECUTE FUNCTION rename_roles();

-- The few that are suspended, by the beginning of a name.
CREATE INDEX users_suspended_by_family_prefix ON users (lower(family_name) COLLATE "C", lower(given_name) COLLATE "C", id) WHERE state = 'suspended';
CREATE INDEX users_suspended_by_given_prefix ON users (lower(given_name) COLLATE "C", lower(family_name) COLLATE "C", id) WHERE state = 'suspended';
CREATE INDEX users_suspended_by_user_name_prefix ON users (user_name_key COLLATE "C", id) WHERE state = 'suspended';

-- Those of one form, by name.
CREATE INDEX users_by_grade ON users (grade, family_name, given_name, id) WHERE grade <> '';

-- Requests for cards: those that wait, and those of one account, the newest first.
CREATE INDEX reset_requests_waiting ON reset_requests (id DESC) WHERE state = 'asked';
CREATE INDEX reset_requests_by_user ON reset_requests (user_id, id DESC);
