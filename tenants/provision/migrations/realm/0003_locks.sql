-- What puts transactions of a realm in line. Advisory locks would be the whole database's: any tenant's login could take those of
-- all others. A row is locked by those who may write it, and that is the realm's own login alone.

-- Names of parts that are changed by one transaction at a time; others, such as a course's, join when they are first used.
CREATE TABLE locks (
    name text PRIMARY KEY CHECK (length(name) BETWEEN 1 AND 200)
) WITH (fillfactor = 50);                                   -- a lock leaves a version of the row behind: room beside it
INSERT INTO locks VALUES ('administrators'), ('demo'), ('provision'), ('rules'), ('signing_keys'), ('user_names');
REVOKE DELETE ON locks FROM {{login}};

-- Idempotency keys whose requests are under way. A row is written first and deleted last in the request's own transaction, so
-- none outlives one, whatever becomes of it, and the table needs no log: after a crash nothing is under way.
CREATE UNLOGGED TABLE idempotency_claims (
    actor_id uuid NOT NULL,
    key      text NOT NULL CHECK (length(key) BETWEEN 1 AND 200),
    PRIMARY KEY (actor_id, key)
);
