-- Tenants that are there already learn the permissions to see what was written by mail, and to send it again; a new one gets them with its first rules.
INSERT INTO casbin_rules (ptype, v0, v1, v2)
SELECT 'p', 'tenant_administrator', slug, permission FROM settings, unnest(ARRAY['mail.read', 'mail.change']) AS permission ON CONFLICT DO NOTHING;
