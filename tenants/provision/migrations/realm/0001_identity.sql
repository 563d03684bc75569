-- What every realm has, a tenant's schema and the platform's alike: people who sign in, and how.

CREATE TABLE users (
    id                   uuid PRIMARY KEY,
    source_id            text UNIQUE,                       -- the id in the country's own records (OneRoster sourcedId)
    user_name            text NOT NULL,
    user_name_key        text NOT NULL UNIQUE,              -- folded: what sign-in compares
    given_name           text NOT NULL,
    family_name          text NOT NULL,
    email                text,                              -- children have none
    state                text NOT NULL DEFAULT 'active' CHECK (state IN ('active', 'suspended', 'erased')),
    state_reason         text NOT NULL DEFAULT '' CHECK (length(state_reason) <= 500),   -- 'roster': the roster suspended it and may resume it
    school_id            uuid,                              -- tenants only
    grade                text NOT NULL DEFAULT '' CHECK (length(grade) <= 20),
    password_hash        text,                              -- argon2id, PHC string; null: no password chosen yet
    short_password       boolean NOT NULL DEFAULT false,    -- it is only long enough beside a second factor
    must_change_password boolean NOT NULL DEFAULT false,
    totp_secret          text,                              -- sealed with the realm's key; null: none
    totp_confirmed_at    timestamptz,
    totp_last_step       bigint NOT NULL DEFAULT 0,         -- a code is good once
    session_version      integer NOT NULL DEFAULT 1,        -- access tokens of a lower version are void
    tokens_voided_at     timestamptz,                       -- when it was raised last
    locale               text,
    created_at           timestamptz NOT NULL DEFAULT now(),
    updated_at           timestamptz NOT NULL DEFAULT now(),
    CHECK (length(user_name) BETWEEN 1 AND 64),
    CHECK (length(given_name) BETWEEN 1 AND 100 AND length(family_name) BETWEEN 1 AND 100)
);
CREATE INDEX users_by_name ON users (family_name, given_name, id);
CREATE INDEX users_by_family_prefix ON users (lower(family_name) text_pattern_ops);
CREATE INDEX users_by_given_prefix ON users (lower(given_name) text_pattern_ops);
CREATE INDEX users_by_user_name_prefix ON users (user_name_key text_pattern_ops);
CREATE INDEX users_by_user_name_stem ON users (rtrim(user_name_key, '0123456789'));      -- for the next free number
CREATE INDEX users_voided ON users (tokens_voided_at) WHERE tokens_voided_at IS NOT NULL;

CREATE TABLE user_roles (
    user_id    uuid NOT NULL REFERENCES users ON DELETE CASCADE,
    role       text NOT NULL CHECK (length(role) BETWEEN 1 AND 64),
    granted_at timestamptz NOT NULL DEFAULT now(),
    granted_by uuid,
    PRIMARY KEY (user_id, role)
);
CREATE INDEX user_roles_by_role ON user_roles (role, user_id);

-- One row is one family of refresh tokens: a browser or a device that is signed in.
CREATE TABLE sessions (
    id             uuid PRIMARY KEY,
    user_id        uuid NOT NULL REFERENCES users ON DELETE CASCADE,
    refresh_hash   bytea NOT NULL,                          -- SHA-256 of the current refresh token
    previous_hash  bytea,                                   -- of the one before: good for a few seconds more, then proof of theft
    rotated_at     timestamptz NOT NULL DEFAULT now(),
    second_factor  boolean NOT NULL DEFAULT false,
    user_agent     text NOT NULL DEFAULT '' CHECK (length(user_agent) <= 300),
    address        text NOT NULL DEFAULT '',
    created_at     timestamptz NOT NULL DEFAULT now(),
    expires_at     timestamptz NOT NULL,
    ended_at       timestamptz,
    ended_reason   text
);
CREATE UNIQUE INDEX sessions_by_refresh ON sessions (refresh_hash);
CREATE INDEX sessions_by_previous ON sessions (previous_hash) WHERE previous_hash IS NOT NULL;
CREATE INDEX sessions_by_user ON sessions (user_id, created_at DESC);
CREATE INDEX sessions_ended ON sessions (ended_at) WHERE ended_at IS NOT NULL;

-- A printed card, or an invitation: good once, for choosing a password.
CREATE TABLE sign_in_cards (
    id         uuid PRIMARY KEY,
    user_id    uuid NOT NULL REFERENCES users ON DELETE CASCADE,
    code_hash  bytea NOT NULL UNIQUE,
    purpose    text NOT NULL CHECK (purpose IN ('card', 'invitation', 'reset')),
    created_by uuid,
    created_at timestamptz NOT NULL DEFAULT now(),
    expires_at timestamptz NOT NULL,
    used_at    timestamptz
);
CREATE INDEX sign_in_cards_by_user ON sign_in_cards (user_id);

-- What stands in for a lost authenticator app: each code is good once.
CREATE TABLE recovery_codes (
    user_id   uuid NOT NULL REFERENCES users ON DELETE CASCADE,
    code_hash bytea NOT NULL,                               -- keyed hash
    used_at   timestamptz,
    PRIMARY KEY (user_id, code_hash)
);

-- Failed sign-ins, per account name and per address, both as keyed hashes.
CREATE TABLE sign_in_failures (
    subject       bytea PRIMARY KEY,
    failures      integer NOT NULL,
    last_at       timestamptz NOT NULL,
    blocked_until timestamptz
);
CREATE INDEX sign_in_failures_by_age ON sign_in_failures (last_at);

-- Keys that sign the realm's tokens. The private half is sealed with the master key.
CREATE TABLE signing_keys (
    kid          text PRIMARY KEY,
    public_key   bytea NOT NULL,
    sealed_key   text NOT NULL,
    created_at   timestamptz NOT NULL DEFAULT now(),
    signs_from   timestamptz NOT NULL,                      -- published before it signs, so that every process knows it
    retires_at   timestamptz NOT NULL                       -- verifies until then
);
