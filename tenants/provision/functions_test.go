package provision_test

import (
	"regexp"
	"slices"
	"strings"
	"testing"

	"lignum/tenants"
	"lignum/tenants/provision"
	"lignum/tests/testkit"
)

// A function of a tenant's schema works with its caller's rights, but for the one that takes from the trail what names somebody who was erased. Whoever gives it more, lets others call it or changes what it does
// is found by the platform's login, and the next repair makes it again what its migration made it.
func TestAFunctionIsPutBackAsItWasMade(t *testing.T) {
	w, ctx := testkit.New(t), t.Context()
	direct := w.Direct(t)
	tenant := w.Tenant("bahamas")
	state := func() (text string) {
		t.Helper()
		err := direct.QueryRow(ctx, `SELECT string_agg(concat_ws(' ', p.oid::regprocedure, proowner::regrole, prosecdef, proconfig, proacl, md5(prosrc)), E'\n' ORDER BY p.oid::regprocedure::text)
			FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace WHERE nspname = $1`, tenant.SchemaName).Scan(&text)
		if err != nil {
			t.Fatal(err)
		}
		return text
	}
	before := state()
	if !strings.Contains(before, "save_answers(") || strings.Count(before, " t {") != 1 || !regexp.MustCompile(`erase_from_trail\(\S+ \w+ t `).MatchString(before) {
		t.Fatalf("the functions are %s", before)
	}
	of := func() (seen, list []provision.Altered) {
		t.Helper()
		err := w.DB("").Read(ctx, func(r *tenants.Reader) (err error) {
			seen, err = provision.AlteredLogins(ctx, r, testkit.Installation, false)
			return err
		})
		if err == nil {
			list, err = w.Provisioner.Repair(ctx, w.Actor)
		}
		if err != nil {
			t.Fatal(err)
		}
		return seen, list
	}
	called := tenant.SchemaName + ".attempt_facts(uuid, uuid)"
	rewritten := strings.Replace(`CREATE OR REPLACE FUNCTION {}.attempt_facts(of_attempt uuid, viewer uuid) RETURNS TABLE (learner_id uuid, test_id uuid, open boolean, deadline timestamptz,
		coach_of boolean, same_school boolean) LANGUAGE plpgsql AS $$ BEGIN RETURN QUERY SELECT viewer, viewer, true, now(), true, true; END $$`, "{}", tenant.SchemaName, 1)
	for _, statement := range []string{
		`ALTER FUNCTION ` + called + ` SECURITY DEFINER`,
		`ALTER FUNCTION ` + called + ` OWNER TO postgres`,
		`ALTER FUNCTION ` + called + ` SET search_path = tenant_jamaica`,
		`ALTER FUNCTION ` + called + ` RESET ALL`,
		`GRANT EXECUTE ON FUNCTION ` + called + ` TO PUBLIC`,
		`GRANT EXECUTE ON FUNCTION ` + called + ` TO ` + w.Tenant("jamaica").LoginRole,
		`GRANT EXECUTE ON FUNCTION ` + called + ` TO ` + tenant.LoginRole + ` WITH GRANT OPTION`,
		`REVOKE EXECUTE ON FUNCTION ` + called + ` FROM ` + tenant.LoginRole,
		rewritten,
		`ALTER FUNCTION ` + tenant.SchemaName + `.erase_from_trail SECURITY INVOKER`,
		`ALTER FUNCTION ` + tenant.SchemaName + `.record_entry SECURITY DEFINER`,
		`REVOKE EXECUTE ON FUNCTION ` + tenant.SchemaName + `.record_entry FROM ` + testkit.Installation + `_gate`,
		`ALTER FUNCTION ` + tenant.SchemaName + `.save_progress(uuid, jsonb, uuid, uuid, smallint, integer, bigint, timestamptz) SECURITY DEFINER`,
		`ALTER FUNCTION ` + tenant.SchemaName + `.open_lesson(uuid, jsonb, uuid, uuid, timestamptz, timestamptz) RESET ALL`,
		`ALTER FUNCTION ` + tenant.SchemaName + `.save_one_response() SECURITY DEFINER`,
	} {
		if _, err := direct.Exec(ctx, statement); err != nil {
			t.Fatalf("%s: %v", statement, err)
		}
		seen, list := of()
		for _, l := range [][]provision.Altered{seen, list} {
			if len(l) != 1 || l[0].Realm != "bahamas" || l[0].Role != tenant.OwnerRole || !slices.Equal(l[0].What, []string{"functions"}) || l[0].Err != nil {
				t.Errorf("%s: %v", statement, l)
			}
		}
		if now := state(); now != before {
			t.Errorf("%s: they are\n%s\nwere\n%s", statement, now, before)
		}
		if seen, list := of(); len(seen)+len(list) != 0 {
			t.Errorf("%s: the second time %v %v", statement, seen, list)
		}
	}
	// One that nobody made is told, and left for a person to look at.
	if _, err := direct.Exec(ctx, `CREATE FUNCTION `+tenant.SchemaName+`.extra() RETURNS integer LANGUAGE sql SECURITY DEFINER AS 'SELECT 1'`); err != nil {
		t.Fatal(err)
	}
	if seen, list := of(); len(seen) != 1 || len(list) != 1 || list[0].Err == nil {
		t.Errorf("a function that no migration made: %v %v", seen, list)
	}
}
