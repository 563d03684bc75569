-- The tenant's copy of its state: those in which it is made (tenants/state.go).
ALTER TABLE settings
    DROP CONSTRAINT settings_state,
    ADD CONSTRAINT settings_state CHECK (state IN ('active', 'read_only', 'suspended', 'closing', 'closed'));
