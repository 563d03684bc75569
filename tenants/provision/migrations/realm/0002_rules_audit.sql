-- Who may do what, what was done, and what was already answered.

CREATE TABLE casbin_rules (
    id    uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    ptype text NOT NULL CHECK (ptype IN ('p', 'g')),
    v0    text NOT NULL DEFAULT '',
    v1    text NOT NULL DEFAULT '',
    v2    text NOT NULL DEFAULT '',
    v3    text NOT NULL DEFAULT '',
    v4    text NOT NULL DEFAULT '',
    v5    text NOT NULL DEFAULT '',
    UNIQUE (ptype, v0, v1, v2, v3, v4, v5)
);

-- Rows without foreign keys, written in the change's own transaction, never changed again.
CREATE TABLE audit_entries (
    id          uuid PRIMARY KEY,                           -- UUIDv7: the order of the ids is the order of the trail
    at          timestamptz NOT NULL DEFAULT now(),
    actor_id    uuid,
    actor_name  text NOT NULL DEFAULT '',
    actor_roles text NOT NULL DEFAULT '',                   -- comma-separated
    actor_realm text NOT NULL DEFAULT '',
    address     text NOT NULL DEFAULT '',
    action      text NOT NULL,                              -- the permission's name or an event: 'class.register', 'sign_in.failed'
    outcome     text NOT NULL DEFAULT 'done' CHECK (outcome IN ('done', 'refused')),
    object_kind text NOT NULL DEFAULT '',
    object_id   text NOT NULL DEFAULT '',
    before      jsonb,
    after       jsonb,
    reason      text NOT NULL DEFAULT '',
    request_id  text NOT NULL DEFAULT ''
);
CREATE INDEX audit_by_object ON audit_entries (object_kind, object_id, id DESC);
CREATE INDEX audit_by_actor ON audit_entries (actor_id, id DESC);
CREATE INDEX audit_by_action ON audit_entries (action, id DESC);

-- Answers to requests with an Idempotency-Key. Three buckets by day: the one of the day before yesterday
-- is emptied by TRUNCATE, so that nothing is ever deleted row by row.
CREATE TABLE idempotency_keys (
    bucket     smallint NOT NULL,                           -- day number modulo 3
    actor_id   uuid NOT NULL,
    key        text NOT NULL CHECK (length(key) BETWEEN 1 AND 200),
    route      text NOT NULL,
    body_hash  bytea NOT NULL,
    status     smallint NOT NULL,
    answer     text NOT NULL CHECK (length(answer) <= 65536),
    created_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (bucket, actor_id, key)
) PARTITION BY LIST (bucket);
CREATE TABLE idempotency_keys_0 PARTITION OF idempotency_keys FOR VALUES IN (0);
CREATE TABLE idempotency_keys_1 PARTITION OF idempotency_keys FOR VALUES IN (1);
CREATE TABLE idempotency_keys_2 PARTITION OF idempotency_keys FOR VALUES IN (2);

REVOKE UPDATE, DELETE ON audit_entries FROM {{login}};
GRANT TRUNCATE ON idempotency_keys_0, idempotency_keys_1, idempotency_keys_2 TO {{login}};
