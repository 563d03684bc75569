package provision

import (
	"context"
	"regexp"
	"slices"
	"strings"
	"sync"

	"github.com/jackc/pgx/v5"

	"lignum/tenants"
)

// function is one that a realm's migrations make, as one of them made it.
type function struct {
	name     string
	takes    []string // the names of its arguments: with name, which of several with one name it is
	text     string   // CREATE OR REPLACE FUNCTION ..., with the words in {{}} that roles.fill knows
	body     string
	settings []string // name=value, as PostgreSQL keeps them
	definer  bool     // it works with the rights of its owner
	callers  []string // {{login}}, {{gate}}; one that is called by triggers has none
}

var (
	functionText    = regexp.MustCompile(`(?s)\nCREATE (?:OR REPLACE )?FUNCTION ((\w+)\(.*?)\$\$(.*?)\$\$;`)
	functionSetting = regexp.MustCompile(`\bSET (\w+) (?:= |FROM )(.+?)(?: SET | AS $)`)
	functionArgs    = regexp.MustCompile(`(?s)^\w+\((.*?)\)\s*(?:RETURNS|LANGUAGE)`)
	functionGrant   = regexp.MustCompile(`(?s)\nGRANT EXECUTE ON FUNCTION ([^;]*) TO (\{\{(?:login|gate)\}\});`)
)

// functionsOf are the functions of a realm's schema in the order in which its migrations make them; one that was made anew is there
// several times.
func functionsOf(realm tenants.Realm) (list []function) {
	for _, m := range migrationsOf(realm) {
		for _, found := range functionText.FindAllStringSubmatch(m.sql, -1) {
			f := function{name: found[2], text: "CREATE OR REPLACE FUNCTION " + found[1] + "$$" + found[3] + "$$;\n", body: found[3], definer: strings.Contains(found[1], "SECURITY DEFINER")}
			head := found[1]
			for arg := range strings.SplitSeq(functionArgs.FindStringSubmatch(head)[1], ",") {
				if words := strings.Fields(arg); len(words) > 1 && words[0] != "OUT" {
					f.takes = append(f.takes, strings.Trim(words[0], `"`))
				}
			}
			for at := functionSetting.FindStringSubmatchIndex(head); at != nil; at = functionSetting.FindStringSubmatchIndex(head) {
				f.settings = append(f.settings, head[at[2]:at[3]]+"="+strings.Replace(head[at[4]:at[5]], "CURRENT", "{{schema}}", 1))
				head = head[at[5]:]
			}
			list = append(list, f)
		}
		for _, grant := range functionGrant.FindAllStringSubmatch(m.sql, -1) {
			for i, f := range list {
				if regexp.MustCompile(`\b`+f.name+`\b`).MatchString(grant[1]) && !slices.Contains(f.callers, grant[2]) {
					list[i].callers = append(slices.Clone(f.callers), grant[2])
				}
			}
		}
	}
	return list
}

// tenantFunctions are those of every tenant, whose sources do not change while a program runs. Nobody may change the list.
var tenantFunctions = sync.OnceValue(func() []function { return functionsOf(tenants.Realm{Slug: "any"}) })

// functionsSQL lists the functions in the schemas of all tenants, with all of each that decides whose rights it has and what it does.
const functionsSQL = `SELECT t.slug, t.schema_name, t.login_role, t.owner_role, p.proname::text, coalesce(p.proargnames[1:p.pronargs], '{}'), p.oid::regprocedure::text, pg_catalog.pg_get_userbyid(p.proowner)::text,
		p.prosecdef, p.prosrc, coalesce(p.proconfig, '{}'),
		ARRAY(SELECT CASE a.grantee WHEN 0 THEN 'PUBLIC' ELSE pg_catalog.pg_get_userbyid(a.grantee)::text END || CASE WHEN a.is_grantable THEN '*' ELSE '' END
			FROM pg_catalog.aclexplode(coalesce(p.proacl, pg_catalog.acldefault('f', p.proowner))) a WHERE a.grantee <> p.proowner ORDER BY 1)
	FROM control.tenants t JOIN pg_catalog.pg_namespace n ON n.nspname = t.schema_name JOIN pg_catalog.pg_proc p ON p.pronamespace = n.oid ORDER BY t.slug, p.proname`

// alteredFunctionsOf looks for functions in tenants' schemas that are not as a migration made them: with the rights of their owner,
// of another owner, called by others, or with other words in them. One that is not there yet is the next migration's.
func alteredFunctionsOf(ctx context.Context, q interface {
	Query(ctx context.Context, sql string, args ...any) (pgx.Rows, error)
}, installation string) ([]Altered, error) {
	rows, err := q.Query(ctx, functionsSQL)
	if err != nil {
		return nil, err
	}
	known := tenantFunctions()
	var list []Altered
	var slug, schema, login, owner, name, called, owned, body string
	var definer bool
	var takes, settings, callers []string
	_, err = pgx.ForEachRow(rows, []any{&slug, &schema, &login, &owner, &name, &takes, &called, &owned, &definer, &body, &settings, &callers}, func() error {
		r, made, last, expected := roles{owner: owner, login: login, gate: gateRole(installation)}, false, -1, []string{}
		for i, f := range known {
			if f.name != name || !slices.Equal(f.takes, takes) {
				continue
			}
			last = i
			for _, c := range f.callers {
				if role := map[string]string{"{{login}}": r.login, "{{gate}}": r.gate}[c]; !slices.Contains(expected, role) {
					expected = append(expected, role)
				}
			}
			made = made || definer == f.definer && body == r.fill(f.body, schema) && slices.EqualFunc(f.settings, settings, func(a, b string) bool { return plainSetting(r.fill(a, schema)) == plainSetting(b) })
		}
		slices.Sort(expected)
		slices.Sort(callers)
		if made && owned == owner && slices.Equal(callers, expected) {
			return nil
		}
		i := slices.IndexFunc(list, func(a Altered) bool { return a.Role == owner })
		if i < 0 {
			i, list = len(list), append(list, Altered{Realm: slug, Role: owner, What: []string{alteredFunctions}, Was: map[string]any{}, should: should{Role: owner, Schema: schema}})
		}
		was, _ := list[i].Was[alteredFunctions].(map[string]any)
		if was == nil {
			was = map[string]any{}
			list[i].Was[alteredFunctions] = was
		}
		was[called] = map[string]any{"owner": owned, "security_definer": definer, "settings": settings, "callers": callers, "body": body}
		if last < 0 {
			list[i].should.Strange = append(list[i].should.Strange, called)
			return nil
		}
		list[i].should.Functions += functionBack(r, schema, called, callers, expected, known[last].text)
		return nil
	})
	return list, err
}

// functionBack are the statements that make a function what its migration made it.
func functionBack(r roles, schema, called string, callers, expected []string, text string) string {
	q := "ALTER FUNCTION " + called + " OWNER TO {{owner}};\nSET LOCAL ROLE {{owner}};\nSET LOCAL search_path = {{schema}};\n" + text + "REVOKE ALL ON FUNCTION " + called + " FROM PUBLIC"
	for _, c := range callers {
		if c = strings.TrimSuffix(c, "*"); c != "PUBLIC" {
			q += ", " + pgx.Identifier{c}.Sanitize()
		}
	}
	for _, c := range expected {
		q += ";\nGRANT EXECUTE ON FUNCTION " + called + " TO " + pgx.Identifier{c}.Sanitize()
	}
	return r.fill(q+";\nRESET ROLE;\nRESET search_path;\n", schema)
}

// plainSetting is a setting without the signs around names that need none.
func plainSetting(s string) string { return strings.NewReplacer(`"`, "", " ", "").Replace(s) }

// joinAltered puts what is altered of the same role together.
func joinAltered(list, more []Altered) []Altered {
	for _, m := range more {
		i := slices.IndexFunc(list, func(a Altered) bool { return a.Role == m.Role })
		if i < 0 {
			list = append(list, m)
			continue
		}
		list[i].What = append(list[i].What, m.What...)
		list[i].should.Functions, list[i].should.Strange = m.should.Functions, m.should.Strange
		if list[i].Was == nil {
			list[i].Was = map[string]any{}
		}
		list[i].Was[alteredFunctions] = m.Was[alteredFunctions]
	}
	return list
}
