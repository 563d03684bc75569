-- Closes, in the database where it runs, what PostgreSQL opens to everybody and no tenant's login needs: locks that are the whole
-- database's, figures of other tenants (rows, sizes, activity), other sessions, large objects, and the log of changes.
--
-- It takes the rights of a superuser (the owner of what is built in) and may be repeated. `lignum migrate` runs it as whoever it
-- connects as: where that is no superuser, PostgreSQL's own answer to each line is to change nothing. There a superuser runs it once
-- for a new database, and once more after a new major version of PostgreSQL:
--
--   psql -v ON_ERROR_STOP=1 -d lignum -f tenants/provision/close.sql
--
-- A managed database gives nobody that right; infra/reach.md says what is open there, and why nothing hangs on it.
-- What monitors and administrators need stays with PostgreSQL's own roles: pg_monitor reads, pg_signal_backend ends sessions.
DO $$
DECLARE closing record; columns text;
BEGIN
    FOR closing IN
        SELECT format('%I.%I(%s)', n.nspname, p.proname, pg_get_function_identity_arguments(p.oid)) AS called,
            CASE WHEN p.proname ~ '^pg_(terminate|cancel)_backend$' THEN 'pg_signal_backend'
                WHEN p.proname ~ '^(pg_stat_|pg_lock_status|pg_get_replication|pg_prepared|.*_size$|pg_.*blocking)' THEN 'pg_monitor' END AS kept
        FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace
        WHERE (n.nspname = 'pg_catalog' AND (
                p.proname ~ '^pg_(try_)?advisory_'          -- locks of the whole database, as many as its memory has room for
                OR p.proname ~ '^pg_stat_get_'              -- behind the views below
                OR p.proname IN ('pg_lock_status', 'pg_blocking_pids', 'pg_safe_snapshot_blocking_pids', 'pg_get_replication_slots', 'pg_prepared_xact')
                OR p.proname IN ('pg_relation_size', 'pg_table_size', 'pg_indexes_size', 'pg_total_relation_size', 'pg_database_size', 'pg_tablespace_size')
                OR p.proname ~ '^pg_current_wal_'           -- how much all tenants together write
                OR p.proname IN ('pg_terminate_backend', 'pg_cancel_backend') -- a login's own sessions are those of its tenant's people
                OR p.proname ~ '^pg_sleep' OR p.proname IN ('pg_export_snapshot', 'pg_logical_emit_message', 'pg_notify')
                OR p.proname ~ '^lo_' OR p.proname IN ('loread', 'lowrite')) -- data outside every schema, limit and export
            OR p.proname ~ '^pg_stat_statements')           -- an extension: calls and rows of every login
        AND EXISTS (SELECT FROM aclexplode(coalesce(p.proacl, acldefault('f', p.proowner))) a WHERE a.grantee = 0)
    LOOP
        BEGIN
            EXECUTE format('REVOKE ALL ON FUNCTION %s FROM PUBLIC', closing.called);
            IF closing.kept IS NOT NULL THEN EXECUTE format('GRANT EXECUTE ON FUNCTION %s TO %s', closing.called, closing.kept); END IF;
        EXCEPTION WHEN insufficient_privilege THEN NULL;
        END;
    END LOOP;

    FOR closing IN
        SELECT format('%I.%I', n.nspname, c.relname) AS named
        FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
        WHERE c.relkind = 'v' AND (n.nspname = 'pg_catalog' AND (c.relname ~ '^pg_stat(io)?_'
                OR c.relname IN ('pg_locks', 'pg_replication_slots', 'pg_replication_origin_status', 'pg_prepared_xacts'))
            OR c.relname ~ '^pg_stat_statements')
        AND EXISTS (SELECT FROM aclexplode(c.relacl) a WHERE a.grantee = 0)
    LOOP
        BEGIN
            EXECUTE format('REVOKE ALL ON %s FROM PUBLIC', closing.named);
            EXECUTE format('GRANT SELECT ON %s TO pg_monitor', closing.named);
        EXCEPTION WHEN insufficient_privilege THEN NULL;
        END;
    END LOOP;

    -- The catalogue of tables tells the rows and pages of each; its other columns stay, since clients read them.
    IF EXISTS (SELECT FROM pg_class c, aclexplode(c.relacl) a WHERE c.oid = 'pg_catalog.pg_class'::regclass AND a.grantee = 0) THEN
        SELECT string_agg(quote_ident(attname), ', ' ORDER BY attnum) INTO columns FROM pg_attribute
        WHERE attrelid = 'pg_catalog.pg_class'::regclass AND attnum > 0 AND NOT attisdropped
            AND attname NOT IN ('reltuples', 'relpages', 'relallvisible', 'relallfrozen', 'relfrozenxid', 'relminmxid', 'relfilenode');
        BEGIN
            REVOKE ALL ON pg_catalog.pg_class FROM PUBLIC;
            EXECUTE format('GRANT SELECT (%s) ON pg_catalog.pg_class TO PUBLIC', columns);
            GRANT SELECT ON pg_catalog.pg_class TO pg_monitor;
        EXCEPTION WHEN insufficient_privilege THEN NULL;
        END;
    END IF;
END $$;
