-- What goes out by mail (tenants/mail). A letter is written in the transaction of the change that it is about, and a job sends it. What it says is sealed, and
-- goes when the letter has gone; the row says to whom, of what kind, and what became of it.
CREATE TABLE mails (
    id         uuid PRIMARY KEY,                         -- UUIDv7, so in the order of time
    user_id    uuid REFERENCES users ON DELETE CASCADE,  -- whose account it was written to
    address    text NOT NULL CHECK (char_length(address) BETWEEN 3 AND 254 AND address !~ '[[:cntrl:][:space:]]'),
    kind       text NOT NULL CHECK (kind ~ '^[a-z][a-z_]{0,31}$'),
    language   text NOT NULL CHECK (char_length(language) BETWEEN 2 AND 16),
    once       text CHECK (char_length(once) BETWEEN 1 AND 100), -- a person gets one letter of a name
    state      text NOT NULL CHECK (state IN ('waiting', 'sending', 'sent', 'refused', 'suppressed', 'failed', 'late')),
    queued     boolean NOT NULL,                         -- its job was queued with it; else a job by the clock finds it
    sealed     text,                                     -- what it says; null: it has gone, or makes sense no more
    tries      integer NOT NULL DEFAULT 0,
    doubtful   boolean NOT NULL DEFAULT false,           -- it may have arrived twice
    fault      text NOT NULL DEFAULT '' CHECK (char_length(fault) <= 300), -- what the mail server said last
    created_at timestamptz NOT NULL,
    until      timestamptz NOT NULL,                     -- how long it makes sense
    changed_at timestamptz NOT NULL
);
CREATE UNIQUE INDEX mails_once ON mails (user_id, once) WHERE once IS NOT NULL;
CREATE INDEX mails_by_state ON mails (state, id);
CREATE INDEX mails_of ON mails (user_id, kind, id);
CREATE INDEX mails_by_age ON mails (created_at);
CREATE INDEX mails_unsent ON mails (changed_at) WHERE state IN ('waiting', 'sending');
CREATE INDEX mails_kept ON mails (until) WHERE sealed IS NOT NULL AND state NOT IN ('waiting', 'sending');

-- Addresses that no letter goes to.
CREATE TABLE mail_suppressed (
    address text PRIMARY KEY CHECK (address = lower(address)),
    reason  text NOT NULL CHECK (reason IN ('refused', 'bounced', 'complained')),
    fault   text NOT NULL CHECK (char_length(fault) <= 300),
    since   timestamptz NOT NULL
);

-- Which letters somebody wants, of those that they need not have. Who never said has no row, and wants all.
CREATE TABLE mail_wishes (
    user_id    uuid PRIMARY KEY REFERENCES users ON DELETE CASCADE,
    digest     boolean NOT NULL,
    figures    boolean NOT NULL,
    changed_at timestamptz NOT NULL
);

-- Who can be written to: few, since children have no address.
CREATE INDEX users_with_address ON users (id) WHERE email IS NOT NULL AND state = 'active';
