-- The platform's own room: which tenants there are, where they live, what they may use.

CREATE TABLE tenants (
    slug          text PRIMARY KEY CHECK (slug ~ '^[a-z][a-z0-9-]{1,30}[a-z0-9]$'),
    id            uuid NOT NULL UNIQUE,
    name          text NOT NULL CHECK (length(name) BETWEEN 1 AND 120),
    country       text NOT NULL CHECK (country ~ '^[A-Z]{2}$'),           -- ISO 3166-1 alpha-2
    state         text NOT NULL CHECK (state IN ('active', 'read_only', 'suspended')),
    state_reason  text NOT NULL DEFAULT '',
    plan          text NOT NULL,
    limits        jsonb NOT NULL,
    time_zone     text NOT NULL,
    locale        text NOT NULL,
    currency      text NOT NULL CHECK (currency ~ '^[A-Z]{3}$'),          -- ISO 4217
    exam_scheme   text NOT NULL,
    cluster       text NOT NULL DEFAULT 'main',
    schema_name   text NOT NULL UNIQUE,
    login_role    text NOT NULL UNIQUE,
    owner_role    text NOT NULL UNIQUE,
    created_at    timestamptz NOT NULL DEFAULT now(),
    updated_at    timestamptz NOT NULL DEFAULT now()
);

-- Tenants' own domains, matched exactly once verified. Subdomains of the base domain follow from the slug.
CREATE TABLE hosts (
    host        text PRIMARY KEY CHECK (host = lower(host) AND length(host) <= 253),
    slug        text NOT NULL REFERENCES tenants ON DELETE CASCADE,
    verified_at timestamptz
);
CREATE INDEX hosts_by_slug ON hosts (slug);

-- A number per realm and kind of cached thing; every process polls it and reloads what moved.
CREATE TABLE versions (
    slug text NOT NULL,                                                   -- '' is the platform itself
    kind text NOT NULL CHECK (kind IN ('registry', 'rules', 'keys', 'sessions', 'settings', 'content')),
    n    bigint NOT NULL,
    PRIMARY KEY (slug, kind)
);

-- Daily aggregates that each tenant's own job publishes: all that the platform sees of a tenant's use.
CREATE TABLE usage_days (
    slug            text NOT NULL REFERENCES tenants ON DELETE CASCADE,
    day             date NOT NULL,
    active_users    integer NOT NULL CHECK (active_users >= 0),
    attendance      integer NOT NULL CHECK (attendance >= 0),
    learners        integer NOT NULL CHECK (learners >= 0),
    classes         integer NOT NULL CHECK (classes >= 0),
    attempts        integer NOT NULL CHECK (attempts >= 0),
    published_at    timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (slug, day)
);
