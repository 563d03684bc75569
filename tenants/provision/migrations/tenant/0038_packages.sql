-- Packages that bring scripts of their own, and are shown in a frame at an origin of their own (tenants/packages). The bytes of all entries lie one behind the
-- other in one file; without it a package is nothing.
CREATE TABLE packages (
    id         uuid PRIMARY KEY,                                    -- UUIDv7, so in the order of time
    file_id    uuid NOT NULL UNIQUE REFERENCES files ON DELETE CASCADE,
    origin     text NOT NULL UNIQUE CHECK (origin ~ '^[a-z2-7]{26}$'), -- in the name of its host
    title      text NOT NULL CHECK (char_length(title) BETWEEN 1 AND 200),
    created_at timestamptz NOT NULL
);

CREATE TABLE package_entries (
    package_id   uuid NOT NULL REFERENCES packages ON DELETE CASCADE,
    path         text NOT NULL CHECK (octet_length(path) BETWEEN 1 AND 200),
    at           bigint NOT NULL CHECK (at >= 0),                   -- where it begins in the file, in bytes
    size         bigint NOT NULL CHECK (size >= 0),                 -- bytes
    content_type text NOT NULL,
    PRIMARY KEY (package_id, path)
);
