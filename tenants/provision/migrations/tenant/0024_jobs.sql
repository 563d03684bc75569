-- Tenants that are there already learn the permissions to see what is done in the background, and to let it run again; a new one gets them with its first rules.

INSERT INTO casbin_rules (ptype, v0, v1, v2)
SELECT 'p', 'tenant_administrator', slug, permission FROM settings, unnest(ARRAY['job.read', 'job.change']) AS permission ON CONFLICT DO NOTHING;
