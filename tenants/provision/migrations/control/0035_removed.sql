-- Tenants that were removed, until a job of the platform's has erased what they kept in the bucket of files. Their names there are their logins'; a bucket may
-- hold those of other installations, too, so that what has no tenant of ours is not by that alone ours to erase.
CREATE TABLE removed_tenants (
    login_role text NOT NULL CHECK (login_role <> ''),
    removed_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (login_role, removed_at)
);

RESET ROLE;
SET LOCAL ROLE {{gate}};
INSERT INTO jobs.kinds (kind, realm, queue, attempts, keep) VALUES
    ('uploads.expire', 'tenant', 'short', 8, '2 days'),
    ('files.erase', 'platform', 'long', 10, '14 days');
RESET ROLE;
