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
END $tenant$;
