-- The tenant's own copy of what the platform decided, its looks, and the people of its schools.

CREATE TABLE settings (
    slug                 text PRIMARY KEY,
    state                text NOT NULL,
    state_reason         text NOT NULL DEFAULT '',
    plan                 text NOT NULL,
    limits               jsonb NOT NULL
);
CREATE UNIQUE INDEX settings_one_row ON settings ((true));
REVOKE INSERT, UPDATE, DELETE ON settings FROM {{login}};

CREATE TABLE branding (
    id           boolean PRIMARY KEY DEFAULT true CHECK (id),
    name         text NOT NULL CHECK (length(name) BETWEEN 1 AND 120),
    colour       text NOT NULL CHECK (colour ~ '^#[0-9a-f]{6}$'),
    accent       text NOT NULL CHECK (accent ~ '^#[0-9a-f]{6}$'),
    staff_second_factor boolean NOT NULL DEFAULT false,     -- staff must have TOTP before they see learners' data
    updated_at   timestamptz NOT NULL DEFAULT now()
);

-- Exact counts of what is limited, changed in the transaction that changes the thing.
CREATE TABLE usage_counts (
    kind text PRIMARY KEY CHECK (kind IN ('learners', 'staff', 'classes', 'storage_bytes')),
    n    bigint NOT NULL CHECK (n >= 0)
);
INSERT INTO usage_counts VALUES ('learners', 0), ('staff', 0), ('classes', 0), ('storage_bytes', 0);

CREATE TABLE schools (
    id        uuid PRIMARY KEY,
    source_id text UNIQUE,
    name      text NOT NULL CHECK (length(name) BETWEEN 1 AND 200),
    kind      text NOT NULL DEFAULT 'secondary',
    region    text NOT NULL DEFAULT '' CHECK (length(region) <= 100),
    state     text NOT NULL DEFAULT 'active' CHECK (state IN ('active', 'closed'))
);
CREATE INDEX schools_by_region ON schools (region, name);

CREATE TABLE terms (
    id        uuid PRIMARY KEY,
    source_id text UNIQUE,
    title     text NOT NULL CHECK (length(title) BETWEEN 1 AND 100),
    starts_on date NOT NULL,
    ends_on   date NOT NULL,
    CHECK (ends_on > starts_on)
);

ALTER TABLE users
    ADD CONSTRAINT users_school_id_fkey FOREIGN KEY (school_id) REFERENCES schools,
    ADD COLUMN on_leaderboard boolean NOT NULL DEFAULT true;
CREATE INDEX users_by_school ON users (school_id, family_name, given_name, id);

CREATE TABLE guardianships (
    guardian_id  uuid NOT NULL REFERENCES users ON DELETE CASCADE,
    learner_id   uuid NOT NULL REFERENCES users ON DELETE CASCADE,
    relationship text NOT NULL DEFAULT 'guardian' CHECK (length(relationship) <= 40),
    consent      boolean NOT NULL DEFAULT false,
    consent_at   timestamptz,
    ended_at     timestamptz,
    PRIMARY KEY (guardian_id, learner_id)
);
CREATE INDEX guardianships_by_learner ON guardianships (learner_id);

-- One row per learner and day on which they worked: what a country calls attendance.
CREATE TABLE attendance (
    day        date NOT NULL,                               -- in the tenant's time zone
    learner_id uuid NOT NULL,
    school_id  uuid,
    first_at   timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (day, learner_id)
);
CREATE INDEX attendance_by_school ON attendance (day, school_id);
CREATE INDEX attendance_by_learner ON attendance (learner_id, day DESC);

-- One row per user of any role and day on which they were signed in.
CREATE TABLE active_days (
    day     date NOT NULL,
    user_id uuid NOT NULL,
    PRIMARY KEY (day, user_id)
);

-- An import that can be interrupted: which lines are done, and what was wrong with the others.
CREATE TABLE imports (
    id          uuid PRIMARY KEY,
    kind        text NOT NULL,
    file_hash   bytea NOT NULL,
    file_name   text NOT NULL,
    next_line   integer NOT NULL DEFAULT 1,                 -- the first line that is not done
    created     integer NOT NULL DEFAULT 0,
    changed     integer NOT NULL DEFAULT 0,
    unchanged   integer NOT NULL DEFAULT 0,
    refused     integer NOT NULL DEFAULT 0,
    started_at  timestamptz NOT NULL DEFAULT now(),
    finished_at timestamptz,
    started_by  uuid
);
CREATE UNIQUE INDEX imports_open ON imports (kind, file_hash) WHERE finished_at IS NULL;
CREATE INDEX imports_by_start ON imports (started_at DESC, id DESC);
CREATE TABLE import_problems (
    import_id uuid NOT NULL REFERENCES imports ON DELETE CASCADE,
    line      integer NOT NULL,
    field     text NOT NULL,
    reason    text NOT NULL,
    PRIMARY KEY (import_id, line, field)
);
