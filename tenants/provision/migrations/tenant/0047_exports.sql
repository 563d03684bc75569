-- Tenants that are there already learn the permission to see what one asked for; a new one gets it with its first rules.
INSERT INTO casbin_rules (ptype, v0, v1, v2)
SELECT 'p', 'member', slug, 'export.read' FROM settings ON CONFLICT DO NOTHING;
