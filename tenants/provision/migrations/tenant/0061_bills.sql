-- The platform bills some tenants by their terms (gate.term_starts).
GRANT SELECT ON terms TO {{gate}};
-- Who sees the tenant's own bills, where the rules are there already; a new tenant has it with its first rules.
INSERT INTO casbin_rules (ptype, v0, v1, v2)
SELECT 'p', 'tenant_administrator', slug, 'bill.read' FROM settings ON CONFLICT DO NOTHING;
