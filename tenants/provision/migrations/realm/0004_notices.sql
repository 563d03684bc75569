-- What a person must be told, written in the transaction of the change that it is about and shown on their home page until
-- they have seen it.

CREATE TABLE notices (
    id         uuid PRIMARY KEY,
    user_id    uuid NOT NULL REFERENCES users ON DELETE CASCADE,
    kind       text NOT NULL CHECK (length(kind) BETWEEN 1 AND 64),
    params     jsonb NOT NULL DEFAULT '{}' CHECK (jsonb_typeof(params) = 'object' AND pg_column_size(params) <= 8192),
    created_at timestamptz NOT NULL,
    seen_at    timestamptz
);
CREATE INDEX notices_to_see ON notices (user_id, id DESC) WHERE seen_at IS NULL;
