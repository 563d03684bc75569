-- Files of the platform's own people: what was written for them (purpose export). It is as a tenant's; the platform has no quotas.
CREATE TABLE files (
    id           uuid PRIMARY KEY,                      -- UUIDv7, so in the order of time
    purpose      text NOT NULL CHECK (purpose ~ '^[a-z][a-z_]{0,31}$'),
    state        text NOT NULL CHECK (state IN ('stored')),
    sha256       text NOT NULL CHECK (sha256 ~ '^[0-9a-f]{64}$'),
    content_type text NOT NULL CHECK (char_length(content_type) BETWEEN 3 AND 127),
    size         bigint NOT NULL CHECK (size > 0),      -- bytes
    width        integer NOT NULL CHECK (width >= 0),
    height       integer NOT NULL CHECK (height >= 0),
    name         text NOT NULL CHECK (char_length(name) BETWEEN 1 AND 200),
    owner_id     uuid REFERENCES users,
    created_at   timestamptz NOT NULL
);
CREATE INDEX files_by_purpose ON files (purpose, id);
CREATE INDEX files_by_owner ON files (owner_id, id);

-- A table that somebody asked for is written by a job, for a read-only country too.
INSERT INTO casbin_rules (ptype, v0, v1, v2)
SELECT 'p', 'member', 'platform', 'export.read' WHERE EXISTS (SELECT FROM casbin_rules WHERE v0 = 'member') ON CONFLICT DO NOTHING;
RESET ROLE;
SET LOCAL ROLE {{gate}};
INSERT INTO jobs.kinds (kind, realm, queue, attempts, keep) VALUES
    ('export.make', 'tenant', 'long', 5, '14 days'),
    ('export.make', 'platform', 'long', 5, '14 days'),
    ('files.sweep', 'platform', 'long', 10, '14 days');
RESET ROLE;
