-- Rosters that people bring in their browser or by the API are looked through, and then imported, by jobs.

RESET ROLE;
SET LOCAL ROLE {{gate}};
INSERT INTO jobs.kinds (kind, realm, queue, attempts, keep) VALUES
    ('roster.check', 'tenant', 'long', 5, '14 days'),
    ('roster.import', 'tenant', 'long', 8, '40 days');
RESET ROLE;
