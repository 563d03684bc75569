-- A row for each file that comes in parts (tenants/files). Its room is taken when it is announced: of kind storage_bytes, usage_counts has what all files and all open uploads
-- have. What has arrived lies in the bucket, beside where the file will be.
CREATE TABLE uploads (
    id           uuid PRIMARY KEY,                      -- UUIDv7; the file has the same
    owner_id     uuid NOT NULL REFERENCES users,        -- who sends it
    purpose      text NOT NULL CHECK (purpose ~ '^[a-z][a-z_]{0,31}$'),
    name         text NOT NULL CHECK (char_length(name) BETWEEN 1 AND 200),
    size         bigint NOT NULL CHECK (size > 0),      -- bytes of the whole, as announced
    received     bigint NOT NULL DEFAULT 0 CHECK (received BETWEEN 0 AND size), -- bytes that are kept
    sha256       text NOT NULL CHECK (sha256 ~ '^([0-9a-f]{64})?$'), -- of the whole: as announced, and what it is when it is complete
    state        text NOT NULL CHECK (state IN ('open', 'complete')),
    created_at   timestamptz NOT NULL,
    expires_at   timestamptz NOT NULL,
    content_type text NOT NULL DEFAULT '' CHECK (char_length(content_type) <= 127),
    hash         bytea NOT NULL,                        -- the state of SHA-256 over what is kept
    last_from    bigint NOT NULL DEFAULT 0,             -- where the part before began, and the hash of what is kept of it
    last_sha256  bytea NOT NULL DEFAULT '',
    sender       uuid,                                  -- who goes on with it now: nobody else may say how far it is
    handle       text NOT NULL DEFAULT '',              -- the bucket's name for the pieces
    begun        integer NOT NULL DEFAULT 0,            -- the highest number that a piece may have
    numbers      integer[] NOT NULL DEFAULT '{}',       -- of the pieces, and what the bucket wants to hear of each
    tags         text[] NOT NULL DEFAULT '{}',
    tail         text NOT NULL DEFAULT '',              -- where the bytes lie that are no whole piece yet, and how many there are
    tail_size    bigint NOT NULL DEFAULT 0,
    CHECK (cardinality(numbers) = cardinality(tags))
);
CREATE INDEX uploads_by_owner ON uploads (owner_id, id);
CREATE INDEX uploads_by_end ON uploads (expires_at);

-- Tenants that are there already learn the permission to upload files; a new one gets it with its first rules.
INSERT INTO casbin_rules (ptype, v0, v1, v2)
SELECT 'p', 'teacher', slug, 'file.upload' FROM settings ON CONFLICT DO NOTHING;
