-- What was refused to one person, however much else they have done.
CREATE INDEX audit_refused_by_actor ON audit_entries (actor_id, id DESC) WHERE outcome = 'refused';

-- Who waits for a first password, by the beginning of a name, as those who are suspended.
CREATE INDEX users_waiting_by_family_prefix ON users (lower(family_name) COLLATE "C", lower(given_name) COLLATE "C", id) WHERE password_hash IS NULL;
CREATE INDEX users_waiting_by_given_prefix ON users (lower(given_name) COLLATE "C", lower(family_name) COLLATE "C", id) WHERE password_hash IS NULL;
CREATE INDEX users_waiting_by_user_name_prefix ON users (user_name_key COLLATE "C", id) WHERE password_hash IS NULL;

-- And by role: a few teachers among the thousands of learners who wait for their cards. The role takes it along as it does the names.
ALTER TABLE user_roles ADD COLUMN waiting boolean NOT NULL DEFAULT false;
UPDATE user_roles r SET waiting = true FROM users u WHERE u.id = r.user_id AND u.password_hash IS NULL;
CREATE INDEX user_roles_waiting ON user_roles (role, family_name, given_name, user_id) WHERE waiting;

CREATE OR REPLACE FUNCTION name_role() RETURNS trigger LANGUAGE plpgsql SET search_path = {{schema}}, pg_temp SET enable_seqscan = off AS $$
BEGIN
    SELECT family_name, given_name, user_name_key, password_hash IS NULL INTO NEW.family_name, NEW.given_name, NEW.user_name_key, NEW.waiting
        FROM users WHERE id = NEW.user_id FOR SHARE;
    NEW.family_name := coalesce(NEW.family_name, ''); -- there is no such account: the foreign key says so
    NEW.given_name := coalesce(NEW.given_name, '');
    NEW.user_name_key := coalesce(NEW.user_name_key, '');
    NEW.waiting := coalesce(NEW.waiting, false);
    RETURN NEW;
END $$;
CREATE OR REPLACE FUNCTION rename_roles() RETURNS trigger LANGUAGE plpgsql SET search_path = {{schema}}, pg_temp SET enable_seqscan = off AS $$
BEGIN
    UPDATE user_roles SET family_name = NEW.family_name, given_name = NEW.given_name, user_name_key = NEW.user_name_key, waiting = NEW.password_hash IS NULL
        WHERE user_id = NEW.id;
    RETURN NULL;
END $$;
DROP TRIGGER rename_roles ON users;
CREATE TRIGGER rename_roles AFTER UPDATE OF family_name, given_name, user_name_key, password_hash ON users FOR EACH ROW
    WHEN ((OLD.family_name, OLD.given_name, OLD.user_name_key, OLD.password_hash IS NULL) IS DISTINCT FROM (NEW.family_name, NEW.given_name, NEW.user_name_key, NEW.password_hash IS NULL))
    EXECUTE FUNCTION rename_roles();
