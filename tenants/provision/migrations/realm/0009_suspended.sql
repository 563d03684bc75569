-- Who is suspended, by role: a few teachers among hundreds of learners. The role takes it along as it does the names.
ALTER TABLE user_roles ADD COLUMN suspended boolean NOT NULL DEFAULT false;
UPDATE user_roles r SET suspended = true FROM users u WHERE u.id = r.user_id AND u.state = 'suspended';
CREATE INDEX user_roles_suspended ON user_roles (role, family_name, given_name, user_id) WHERE suspended;

CREATE OR REPLACE FUNCTION name_role() RETURNS trigger LANGUAGE plpgsql SET search_path = {{schema}}, pg_temp SET enable_seqscan = off AS $$
BEGIN
    SELECT family_name, given_name, user_name_key, password_hash IS NULL, state = 'suspended'
        INTO NEW.family_name, NEW.given_name, NEW.user_name_key, NEW.waiting, NEW.suspended FROM users WHERE id = NEW.user_id FOR SHARE;
    NEW.family_name := coalesce(NEW.family_name, ''); -- there is no such account: the foreign key says so
    NEW.given_name := coalesce(NEW.given_name, '');
    NEW.user_name_key := coalesce(NEW.user_name_key, '');
    NEW.waiting := coalesce(NEW.waiting, false);
    NEW.suspended := coalesce(NEW.suspended, false);
    RETURN NEW;
END $$;
CREATE OR REPLACE FUNCTION rename_roles() RETURNS trigger LANGUAGE plpgsql SET search_path = {{schema}}, pg_temp SET enable_seqscan = off AS $$
BEGIN
    UPDATE user_roles SET family_name = NEW.family_name, given_name = NEW.given_name, user_name_key = NEW.user_name_key, waiting = NEW.password_hash IS NULL,
        suspended = NEW.state = 'suspended' WHERE user_id = NEW.id;
    RETURN NULL;
END $$;
DROP TRIGGER rename_roles ON users;
CREATE TRIGGER rename_roles AFTER UPDATE OF family_name, given_name, user_name_key, password_hash, state ON users FOR EACH ROW
    WHEN ((OLD.family_name, OLD.given_name, OLD.user_name_key, OLD.password_hash IS NULL, OLD.state = 'suspended')
        IS DISTINCT FROM (NEW.family_name, NEW.given_name, NEW.user_name_key, NEW.password_hash IS NULL, NEW.state = 'suspended'))
    EXECUTE FUNCTION rename_roles();
