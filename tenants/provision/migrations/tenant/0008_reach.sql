-- The tenant's own copy of what the platform decided has the bounds of the registry's.
ALTER TABLE settings
    ADD CONSTRAINT settings_state CHECK (state IN ('active', 'read_only', 'suspended')),
    ADD CONSTRAINT settings_state_reason CHECK (length(state_reason) <= 300),
    ADD CONSTRAINT settings_plan CHECK (length(plan) BETWEEN 1 AND 64),
    ADD CONSTRAINT settings_limits CHECK (jsonb_typeof(limits) = 'object' AND length(limits::text) <= 4000);
