-- What proves who somebody is (domain/identity) stands apart from who they are (domain/people): whatever lists, shows or exports people cannot
-- give away a secret. Whoever has chosen nothing yet has no row here.
CREATE TABLE credentials (
    user_id              uuid PRIMARY KEY REFERENCES users ON DELETE CASCADE,
    password_hash        text,                              -- argon2id, PHC string; null: none chosen since it was taken away
    short_password       boolean NOT NULL DEFAULT false,    -- it is only long enough beside a second factor
    must_change_password boolean NOT NULL DEFAULT false,
    totp_secret          text,                              -- sealed with the realm's key; null: none
    totp_confirmed_at    timestamptz,
    totp_last_step       bigint NOT NULL DEFAULT 0,         -- a code is good once
    changed_at           timestamptz NOT NULL DEFAULT now()
);
INSERT INTO credentials SELECT id, password_hash, short_password, must_change_password, totp_secret, totp_confirmed_at, totp_last_step, updated_at
    FROM users WHERE password_hash IS NOT NULL OR totp_secret IS NOT NULL OR short_password OR must_change_password;

-- What a school must see of it, since it prints the cards.
ALTER TABLE users
    ADD COLUMN has_password  boolean NOT NULL DEFAULT false,
    ADD COLUMN claimed       boolean NOT NULL DEFAULT false,    -- somebody chose a password once, also if it was taken away since
    ADD COLUMN second_factor boolean NOT NULL DEFAULT false;    -- confirmed
DROP TRIGGER rename_roles ON users;
UPDATE users SET has_password = password_hash IS NOT NULL, claimed = had_password OR password_hash IS NOT NULL, second_factor = totp_confirmed_at IS NOT NULL
    WHERE had_password OR password_hash IS NOT NULL OR totp_confirmed_at IS NOT NULL;

-- Whoever locks both locks the person first.
CREATE FUNCTION note_access(id uuid, password boolean, factor boolean) RETURNS void LANGUAGE sql SET search_path = {{schema}}, pg_temp AS $$
    UPDATE users u SET has_password = password, claimed = u.claimed OR password, second_factor = factor, updated_at = now()
        WHERE u.id = note_access.id AND (u.has_password, u.second_factor) IS DISTINCT FROM (password, factor)
$$;
CREATE FUNCTION tell_access() RETURNS trigger LANGUAGE plpgsql SET search_path = {{schema}}, pg_temp AS $$
BEGIN
    PERFORM note_access(NEW.user_id, NEW.password_hash IS NOT NULL, NEW.totp_confirmed_at IS NOT NULL);
    RETURN NULL;
END $$;
CREATE TRIGGER tell_new AFTER INSERT ON credentials FOR EACH ROW EXECUTE FUNCTION tell_access();
CREATE TRIGGER tell_changed AFTER UPDATE OF password_hash, totp_confirmed_at ON credentials FOR EACH ROW
    WHEN ((OLD.password_hash IS NULL, OLD.totp_confirmed_at IS NULL) IS DISTINCT FROM (NEW.password_hash IS NULL, NEW.totp_confirmed_at IS NULL)) EXECUTE FUNCTION tell_access();
CREATE FUNCTION tell_no_access() RETURNS trigger LANGUAGE plpgsql SET search_path = {{schema}}, pg_temp AS $$
BEGIN
    PERFORM note_access(OLD.user_id, false, false);
    RETURN NULL;
END $$;
CREATE TRIGGER tell_gone AFTER DELETE ON credentials FOR EACH ROW EXECUTE FUNCTION tell_no_access();

DROP INDEX users_without_password, users_waiting_by_family_prefix, users_waiting_by_given_prefix, users_waiting_by_user_name_prefix;
ALTER TABLE users DROP COLUMN password_hash, DROP COLUMN short_password, DROP COLUMN must_change_password, DROP COLUMN had_password,
    DROP COLUMN totp_secret, DROP COLUMN totp_confirmed_at, DROP COLUMN totp_last_step;
CREATE INDEX users_waiting ON users (family_name, given_name, id) WHERE NOT has_password AND state <> 'erased';
CREATE INDEX users_waiting_by_family_prefix ON users (lower(family_name) COLLATE "C", lower(given_name) COLLATE "C", id) WHERE NOT has_password;
CREATE INDEX users_waiting_by_given_prefix ON users (lower(given_name) COLLATE "C", lower(family_name) COLLATE "C", id) WHERE NOT has_password;
CREATE INDEX users_waiting_by_user_name_prefix ON users (user_name_key COLLATE "C", id) WHERE NOT has_password;

CREATE OR REPLACE FUNCTION name_role() RETURNS trigger LANGUAGE plpgsql SET search_path = {{schema}}, pg_temp SET enable_seqscan = off AS $$
BEGIN
    SELECT family_name, given_name, user_name_key, NOT has_password, state = 'suspended'
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
    UPDATE user_roles SET family_name = NEW.family_name, given_name = NEW.given_name, user_name_key = NEW.user_name_key, waiting = NOT NEW.has_password,
        suspended = NEW.state = 'suspended' WHERE user_id = NEW.id;
    RETURN NULL;
END $$;
CREATE TRIGGER rename_roles AFTER UPDATE OF family_name, given_name, user_name_key, has_password, state ON users FOR EACH ROW
    WHEN ((OLD.family_name, OLD.given_name, OLD.user_name_key, OLD.has_password, OLD.state = 'suspended')
        IS DISTINCT FROM (NEW.family_name, NEW.given_name, NEW.user_name_key, NEW.has_password, NEW.state = 'suspended'))
    EXECUTE FUNCTION rename_roles();

GRANT EXECUTE ON FUNCTION note_access(uuid, boolean, boolean), tell_access(), tell_no_access() TO {{login}};
