-- Tenants that are there already learn the permission to add and correct schools; a new one gets it with its first rules.

INSERT INTO casbin_rules (ptype, v0, v1, v2)
SELECT 'p', 'tenant_administrator', slug, 'school.change' FROM settings ON CONFLICT DO NOTHING;
