-- What people asked to be written into a file for them: a job makes it (domain/exports), they alone get it, and after a week it goes, with its row.
CREATE TABLE exports (
    id         uuid PRIMARY KEY,                     -- UUIDv7, so in the order of time
    kind       text NOT NULL CHECK (kind IN ('trail', 'people', 'figures', 'usage')),
    format     text NOT NULL CHECK (format IN ('csv', 'jsonl', 'xlsx')),
    asked      jsonb NOT NULL,                       -- what it is narrowed by
    reach      text NOT NULL,                        -- how far the asker's sight went: '' everything, else the id of a school
    state      text NOT NULL CHECK (state IN ('waiting', 'working', 'done', 'failed')),
    owner_id   uuid NOT NULL REFERENCES users,       -- who asked
    created_at timestamptz NOT NULL,
    begun_at   timestamptz,
    ended_at   timestamptz,
    row_count  integer NOT NULL DEFAULT 0 CHECK (row_count >= 0), -- how many rows or entries the file has
    file_id    uuid REFERENCES files ON DELETE SET NULL, -- null: there is none yet, or there was nothing to write
    bytes      bigint NOT NULL DEFAULT 0,
    fault      text NOT NULL DEFAULT ''              -- why it failed: the key of a message
);
CREATE INDEX exports_by_owner ON exports (owner_id, id);
CREATE INDEX exports_by_file ON exports (file_id) WHERE file_id IS NOT NULL;
