-- Letters have a queue of their own, of one place in each process: a mail server that is slow holds up nothing else, and a process that dies leaves one letter in doubt.
RESET ROLE;
SET LOCAL ROLE {{gate}};
ALTER TABLE jobs.kinds DROP CONSTRAINT kinds_queue_check;
ALTER TABLE jobs.kinds ADD CONSTRAINT kinds_queue_check CHECK (queue IN ('short', 'long', 'mail'));
INSERT INTO jobs.kinds (kind, realm, queue, attempts, keep) VALUES
    ('mail.send', 'tenant', 'mail', 25, '7 days'),
    ('mail.send', 'platform', 'mail', 25, '7 days'),
    ('mail.collect', 'tenant', 'short', 5, '1 hour'),
    ('mail.collect', 'platform', 'short', 5, '1 hour'),
    ('mail.digest', 'tenant', 'long', 10, '14 days'),
    ('mail.digest', 'platform', 'long', 10, '14 days'),
    ('mail.figures', 'tenant', 'long', 10, '14 days');
RESET ROLE;

-- Who sees what was sent, and may send it again, where the rules are there already; a new installation has it with its first rules.
SET LOCAL ROLE {{owner}};
INSERT INTO casbin_rules (ptype, v0, v1, v2)
SELECT 'p', r.role, 'platform', r.permission FROM (VALUES ('account_manager', 'platform.mail.read'), ('operator', 'platform.mail.read'), ('operator', 'platform.mail.change')) AS r(role, permission)
WHERE EXISTS (SELECT FROM casbin_rules c WHERE c.v0 = r.role) ON CONFLICT DO NOTHING;
RESET ROLE;
