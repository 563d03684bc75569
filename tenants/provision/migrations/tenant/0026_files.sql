-- A row for each file that somebody uploaded. Its bytes lie in the installation's bucket, under <login>/<purpose>/<id>, where the column state says so
-- (tenants/files). How many bytes there are is counted in usage_counts, kind storage_bytes, in the transaction that makes or removes a row.
CREATE TABLE files (
    id           uuid PRIMARY KEY,                      -- UUIDv7, so in the order of time
    purpose      text NOT NULL CHECK (purpose ~ '^[a-z][a-z_]{0,31}$'),
    state        text NOT NULL CHECK (state IN ('stored')),
    sha256       text NOT NULL CHECK (sha256 ~ '^[0-9a-f]{64}$'),
    content_type text NOT NULL CHECK (char_length(content_type) BETWEEN 3 AND 127), -- as found in the content
    size         bigint NOT NULL CHECK (size > 0),      -- bytes
    width        integer NOT NULL CHECK (width >= 0),   -- of a picture, in pixels; 0: it is none
    height       integer NOT NULL CHECK (height >= 0),
    name         text NOT NULL CHECK (char_length(name) BETWEEN 1 AND 200), -- as its sender called it; in no path
    owner_id     uuid REFERENCES users,                 -- who sent it; null: nobody, the platform's own work
    created_at   timestamptz NOT NULL
);
CREATE INDEX files_by_purpose ON files (purpose, id);
CREATE INDEX files_by_owner ON files (owner_id, id);
