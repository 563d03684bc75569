RESET ROLE;
SET LOCAL ROLE {{gate}};
-- usage_facts gives the platform what a tenant used in some periods, of pseudonyms alone (tenant/0059_meters): what its bills follow from.
CREATE FUNCTION gate.usage_facts(which text, periods tstzrange[], sums text[], levels text[]) RETURNS TABLE (key text, meter text, subject text, at timestamptz, quantity bigint)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE home text; zone text;
BEGIN
    IF gate.caller() <> '' THEN RAISE EXCEPTION 'only the platform' USING ERRCODE = 'insufficient_privilege'; END IF;
    IF (cardinality(periods) BETWEEN 1 AND 40 AND NOT EXISTS (SELECT FROM unnest(periods) r WHERE lower_inf(r) OR upper_inf(r) OR isempty(r) OR upper(r) - lower(r) > interval '802 days')) IS NOT TRUE THEN
        RAISE EXCEPTION 'the periods are out of bounds' USING ERRCODE = 'check_violation';
    END IF;
    SELECT t.schema_name, t.time_zone INTO home, zone FROM control.tenants t WHERE t.slug = which AND t.made_at IS NOT NULL;
    IF home IS NOT NULL THEN
        RETURN QUERY EXECUTE format('SELECT * FROM %I.usage_facts($1, $2, $3, $4)', home) USING periods, zone, sums, levels;
    END IF;
END $$;
REVOKE ALL ON FUNCTION gate.usage_facts(text, tstzrange[], text[], text[]) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION gate.usage_facts(text, tstzrange[], text[], text[]) TO {{login}};
RESET ROLE;
