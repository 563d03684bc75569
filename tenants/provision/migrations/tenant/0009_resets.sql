-- Tenants that are there already get the permissions that new ones start with: whoever prints cards may ask for one, and
-- see what became of it.

INSERT INTO casbin_rules (ptype, v0, v1, v2)
SELECT 'p', 'teacher', s.slug, p FROM settings s, unnest(ARRAY['reset.ask', 'reset.read']) AS p
WHERE EXISTS (SELECT FROM casbin_rules c WHERE c.ptype = 'p' AND c.v0 = 'teacher' AND c.v2 = 'user.reset')
ON CONFLICT DO NOTHING;
