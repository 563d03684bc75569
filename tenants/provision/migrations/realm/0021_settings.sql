-- What a tenant decides for itself is one document, whose fields the program's tenants.Branding declares with their bounds. What a document lacks is
-- as undecided says there, so a new field needs no migration. What SQL reads of it stands in every document: whoever lets it read another field writes it
-- into those that lack it, in the same file.
DO $tenant$
BEGIN
IF current_schema() = 'control' THEN
    RETURN;
END IF;

ALTER TABLE branding ADD COLUMN document jsonb;
UPDATE branding SET document = jsonb_build_object('name', name, 'colour', colour, 'accent', accent, 'staff_second_factor', staff_second_factor, 'leaderboard_by', leaderboard_by);
ALTER TABLE branding ALTER COLUMN document SET NOT NULL,
    ADD CONSTRAINT branding_document CHECK (jsonb_typeof(document) = 'object' AND octet_length(document::text) <= 32768),
    DROP COLUMN name, DROP COLUMN colour, DROP COLUMN accent, DROP COLUMN staff_second_factor, DROP COLUMN leaderboard_by;

-- As before (0015_day), but for where it is written who decides.
CREATE OR REPLACE FUNCTION own_points(of_learner uuid, month text)
RETURNS TABLE (total integer, in_month integer, listed boolean, decides text)
LANGUAGE plpgsql STABLE SECURITY INVOKER SET search_path = {{schema}}, pg_temp SET plan_cache_mode = force_generic_plan SET enable_seqscan = off AS $$
#variable_conflict use_column
BEGIN
    RETURN QUERY SELECT coalesce((SELECT points FROM point_totals WHERE period = 'all' AND learner_id = of_learner), 0),
        coalesce((SELECT points FROM point_totals WHERE period = own_points.month AND learner_id = of_learner), 0),
        coalesce((SELECT on_leaderboard FROM users WHERE id = of_learner), false), (SELECT document ->> 'leaderboard_by' FROM branding WHERE id);
END $$;

-- A program from before 0019_pen cannot serve since 0018_credentials, which must have stopped it: what was kept for it goes.
DROP FUNCTION open_lesson(entry_id uuid, entry_actor uuid, entry_name text, entry_roles text, entry_realm text, entry_address text, entry_action text,
    entry_outcome text, entry_kind text, entry_object text, entry_before jsonb, entry_after jsonb, entry_reason text, entry_request text,
    of_learner uuid, of_lesson uuid, at timestamptz, since timestamptz);
DROP FUNCTION save_progress(entry_id uuid, entry_actor uuid, entry_name text, entry_roles text, entry_realm text, entry_address text, entry_action text,
    entry_outcome text, entry_kind text, entry_object text, entry_before jsonb, entry_after jsonb, entry_reason text, entry_request text,
    of_learner uuid, of_lesson uuid, new_percent smallint, new_seconds integer, new_counter bigint, at timestamptz);
DROP FUNCTION start_attempt(entry_id uuid, entry_actor uuid, entry_name text, entry_roles text, entry_realm text, entry_address text, entry_action text,
    entry_outcome text, entry_kind text, entry_object text, entry_before jsonb, entry_after jsonb, entry_reason text, entry_request text,
    of_test uuid, of_learner uuid, started timestamptz, new_id uuid, new_seed bigint, new_paper uuid[], today date);
DROP FUNCTION save_answers(entry_id uuid, entry_actor uuid, entry_name text, entry_roles text, entry_realm text, entry_address text, entry_action text,
    entry_outcome text, entry_kind text, entry_object text, entry_before jsonb, entry_after jsonb, entry_reason text, entry_request text,
    of_attempt uuid, of_learner uuid, at timestamptz, since timestamptz, sent_positions smallint[], sent_counters bigint[], sent_responses jsonb);
DROP FUNCTION entry_of(actor uuid, name text, roles text, realm text, address text, action text, outcome text, kind text, object text, before jsonb, after jsonb,
    reason text, request text);
END $tenant$;

DO $platform$
BEGIN
IF current_schema() <> 'control' THEN
    RETURN;
END IF;
SET LOCAL ROLE {{gate}};
DROP FUNCTION gate.set_tenant(which text, new_state text, new_reason text, new_plan text, new_limits jsonb,
    entry_id uuid, entry_actor uuid, entry_actor_name text, entry_roles text, entry_address text, entry_action text, entry_why text, entry_request text);
RESET ROLE;
END $platform$;
