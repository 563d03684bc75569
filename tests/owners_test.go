package tests

import (
	"cmp"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// owners says which room writes a table. All others leave it alone, and only rooms that may import the owner read it. What
// stands here and is no table, or a table that does not stand here, is a fault.
var owners = map[string]string{
	// control: the platform's registry, and what the tenants publish through the gate
	"tenants": "tenants", "removed_tenants": "tenants", "hosts": "tenants", "versions": "tenants", "processes": "tenants", "usage_days": "tenants", "database_capacity": "tenants",
	"capacity_forecast": "tenants", "forecast_turns": "tenants", // the gate's
	"bill_issuers": "billing/books", "bill_plans": "billing/books", "bill_accounts": "billing/books", "bill_in_force": "billing/books", "bill_credits": "billing/books", "bill_documents": "billing/books", "bill_papers": "billing/books", "bill_payments": "billing/books",
	// every realm
	"settings": "tenants", "branding": "tenants", "casbin_rules": "tenants", "idempotency_keys": "tenants", "idempotency_claims": "tenants",
	"schema_versions": "tenants/provision", "jobs_done": "tenants/jobs", "usage_counts": "tenants/limits", "daily_counts": "tenants/limits", "quota_warnings": "tenants", "quota_use": "domain/insight", "files": "tenants/files", "uploads": "tenants/files", "exports": "domain/exports", "packages": "tenants/packages", "package_entries": "tenants/packages",
	"mails": "tenants/mail", "mail_suppressed": "tenants/mail", "mail_wishes": "tenants/mail",
	"users": "domain/people", "user_roles": "domain/people", "notices": "domain/notices",
	"credentials": "domain/identity", "sessions": "domain/identity", "sign_in_cards": "domain/identity", "sign_in_failures": "domain/identity",
	"recovery_codes": "domain/identity", "signing_keys": "domain/identity", "reset_requests": "domain/identity", "active_days": "domain/identity",
	// a tenant's
	"schools": "domain/people", "guardianships": "domain/people",
	"terms":   "domain/calendar",
	"courses": "domain/catalog", "course_sections": "domain/catalog", "lessons": "domain/catalog", "items": "domain/catalog", "resources": "domain/catalog", "tests": "domain/catalog",
	"point_entries": "domain/points", "point_totals": "domain/points",
	"classes": "domain/classes", "enrolments": "domain/classes", "lesson_progress": "domain/classes", "attendance": "domain/classes",
	"imports": "domain/roster", "import_problems": "domain/roster", "roster_runs": "domain/roster", "roster_problems": "domain/roster", "roster_accounts": "domain/roster",
	"attempts": "domain/assessment", "saves": "domain/assessment", "single_responses": "domain/assessment",
	"day_totals": "domain/insight", "figure_months": "domain/insight", "month_figures": "domain/insight",
}

// everybodys tables are written by every room.
var everybodys = map[string]string{
	"audit_entries": "an entry travels in the transaction, and often in the statement, of what it tells; by one pen (pen_test.go)",
	"audit_actors":  "the names of those whose entries they are",
	"audit_texts":   "what entries say, apart from them",
	"totals":        "each room keeps the sums of its own tables, a row for each",
	"meter_facts":   "each room notes what is used of its own tables, by triggers, and what it records through billing/usage",
	"meter_salt":    "the salt of pseudonyms, which the schema begins with and nobody changes",
	"locks":         "a row for each part that is changed by one transaction at a time; whoever takes it may make it",
}

const beginning = "a tenant begins with its schema, its registration and its first rows, in one transaction of the direct connection"

// trespasses are the ways across that stay, each with its reason: what does it, and to which table (or *).
var trespasses = map[[2]string]string{
	{"infra/autoscale", "capacity_forecast"}: "the autoscaler is a program of its own, with a login that reads this one table",
	{"infra/autoscale", "database_capacity"}: "and tells, through the gate, how large the database is",
	{"tenants/provision", "tenants"}:         beginning, {"tenants/provision", "versions"}: beginning, {"tenants/provision", "settings"}: beginning,
	{"tenants/provision", "branding"}: beginning, {"tenants/provision", "removed_tenants"}: "a tenant ends with its registration, in one transaction of the direct connection", {"tenants/provision", "casbin_rules"}: beginning,
	{"domain/demo", "*"}: "makes a country's past in bulk, which no function of the rooms would do: nobody acts in it",
}

// unnamed are files that write to a table that only running tells.
var unnamed = map[string]string{
	"tenants/provision/provision.go": "writes into the schema that it has just made, which its name tells",
	"tenants/once.go":                "truncates the parts of idempotency_keys by turns",
	"domain/demo/rows/rows.go":       "copies into the table that it is handed; whoever hands it over is looked at",
	"tenants/tx.go":                  "the way by which the others copy",
}

// A table has one room that writes it; others read it along the arrows of the imports. What is looked at are the SQL functions,
// triggers and views as the migrations leave them, every text of the program that is known when it is compiled, and what GORM does by models. A function of
// the schema that writes belongs to the owner of what it writes; one that only reads counts as read by whoever calls it.
func TestTablesHaveOwners(t *testing.T) {
	s := readSchema(t, migrationsOf(t))
	said := map[string]bool{}
	fault := func(format string, args ...any) {
		if text := fmt.Sprintf(format, args...); !said[text] {
			said[text] = true
			t.Error(text)
		}
	}
	s.checkOwners(fault)
	packages := house(t)
	s.checkModels(packages, fault)
	statements := 0
	for _, room := range slices.Sorted(maps.Keys(packages)) {
		p := packages[room]
		for i, f := range p.files {
			for _, text := range p.texts(f) {
				if s.check(roomOf(room), filepath.Join(room, p.names[i]), text, fault) {
					statements++
				}
			}
		}
	}
	if statements < 300 || len(s.functions) < 40 || len(s.triggers) < 20 {
		t.Errorf("only %d statements, %d functions and %d triggers were looked at", statements, len(s.functions), len(s.triggers))
	}
}

func roomOf(pkg string) string {
	for _, room := range []string{"domain/catalog", "domain/demo", "api", "policy"} {
		if (pkg == room || strings.HasPrefix(pkg, room+"/")) && pkg != "api/cmd/lignum" {
			return room
		}
	}
	return pkg
}

type routine struct {
	name, body string            // of a function of which there are several, with other arguments, the bodies of all
	forms      map[string]string // by the arguments
	does       uses
}

type trigger struct{ name, table, function string }

type schema struct {
	tables           map[string]bool
	functions, views map[string]*routine
	triggers         map[string]trigger
}

// uses is what a text of SQL does with the things of the schema.
type uses struct{ writes, reads, calls []string }

const qualifier = `(?:\{\{schema\}\}\.|control\.|gate\.|` + "\x00" + `\.)?`

var (
	sqlComment = regexp.MustCompile(`--[^\n]*`)
	created    = regexp.MustCompile(`(?s)CREATE (?:UNLOGGED )?TABLE (?:IF NOT EXISTS )?` + qualifier + `(\w+)\s*\(|` +
		`CREATE (?:OR REPLACE )?FUNCTION ` + qualifier + `(\w+)\s*\((.*?)\$\w*\$(.*?)\$\w*\$|` +
		`CREATE (?:OR REPLACE )?VIEW ` + qualifier + `(\w+)(.*?);|` +
		`CREATE (?:OR REPLACE )?TRIGGER (\w+) [^;]*? ON ` + qualifier + `(\w+)[^;]*?EXECUTE FUNCTION ` + qualifier + `(\w+)|` +
		`DROP FUNCTION (?:IF EXISTS )?` + qualifier + `(\w+)(\([^)]*)?|DROP TRIGGER (?:IF EXISTS )?(\w+) ON ` + qualifier + `(\w+)|DROP TABLE (?:IF EXISTS )?` + qualifier + `(\w+)|DROP VIEW (?:IF EXISTS )?` + qualifier + `(\w+)|ALTER TABLE ` + qualifier + `(\w+) RENAME TO (\w+)`)
	arguments = regexp.MustCompile(`(?s)^.*?\)\s*(?:RETURNS|LANGUAGE)`)
	write     = regexp.MustCompile(`(?i)\b(?:INSERT\s+INTO|UPDATE(?:\s+ONLY)?|DELETE\s+FROM(?:\s+ONLY)?|MERGE\s+INTO|TRUNCATE(?:\s+TABLE)?|COPY)\s+` + qualifier + `("?[a-z_]+"?|` + "\x00" + `)`)
	read      = regexp.MustCompile(`\b(?:FROM|JOIN|USING)\s+(?:ONLY\s+|LATERAL\s+)?` + qualifier + `("?[a-z_]+"?)((?:\s+(?:AS\s+)?[a-z_]+)?(?:\s*,\s*(?:LATERAL\s+)?` + qualifier + `"?[a-z_]+"?(?:\s+(?:AS\s+)?[a-z_]+)?)*)`)
	more      = regexp.MustCompile(`,\s*(?:LATERAL\s+)?` + qualifier + `"?([a-z_]+)"?`)
	granted   = regexp.MustCompile(`(?:GRANT|REVOKE) [^;]*`)
	call      = regexp.MustCompile(`\b([a-z_]+)\s*\(`)
)

// migrationsOf gives the texts of all migrations in their order: by number, the shared schema of a realm before a tenant's own.
func migrationsOf(t *testing.T) (all []string) {
	t.Helper()
	files, err := filepath.Glob("../tenants/provision/migrations/*/*.sql")
	if err != nil || len(files) < 20 {
		t.Fatal(files, err)
	}
	slices.SortFunc(files, func(a, b string) int {
		return cmp.Or(cmp.Compare(filepath.Base(a)[:4], filepath.Base(b)[:4]), cmp.Compare(a, b))
	})
	for _, f := range files {
		raw, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, string(raw))
	}
	return all
}

// readSchema reads what a list of migrations leaves, and what each routine of it does.
func readSchema(t *testing.T, migrations []string) *schema {
	t.Helper()
	s := &schema{tables: map[string]bool{"schema_versions": true}, functions: map[string]*routine{}, views: map[string]*routine{}, triggers: map[string]trigger{}}
	for _, text := range migrations {
		for _, m := range created.FindAllStringSubmatch(sqlComment.ReplaceAllString(text, ""), -1) {
			switch {
			case m[1] != "":
				s.tables[m[1]] = true
			case m[2] != "":
				f := s.functions[m[2]]
				if f == nil {
					f = &routine{name: m[2], forms: map[string]string{}}
					s.functions[m[2]] = f
				}
				f.forms[strings.Join(strings.Fields(arguments.FindString(m[3])), " ")] = m[4]
				f.body = f.bodies()
			case m[5] != "":
				s.views[m[5]] = &routine{name: m[5], body: m[6]}
			case m[7] != "":
				s.triggers[m[7]+" on "+m[8]] = trigger{m[7], m[8], m[9]}
			case m[10] != "":
				s.drop(m[10], strings.TrimPrefix(m[11], "("))
			case m[12] != "":
				delete(s.triggers, m[12]+" on "+m[13])
			case m[14] != "":
				delete(s.tables, m[14])
			case m[15] != "":
				delete(s.views, m[15])
			case m[16] != "":
				delete(s.tables, m[16])
				s.tables[m[17]] = true
			}
		}
	}
	for _, of := range []map[string]*routine{s.functions, s.views} {
		for _, r := range of {
			r.does = s.uses(r.body)
		}
	}
	return s
}

// drop takes a function away, or of several with its name the one that takes these arguments, written as it was made.
func (s *schema) drop(name, arguments string) {
	f := s.functions[name]
	if f == nil {
		return
	}
	arguments = strings.Join(strings.Fields(arguments), " ")
	maps.DeleteFunc(f.forms, func(form, _ string) bool {
		return arguments == "" || strings.HasPrefix(form, arguments+")") || strings.HasPrefix(form, arguments+", OUT ")
	})
	if f.body = f.bodies(); len(f.forms) == 0 {
		delete(s.functions, name)
	}
}

// bodies gives those of all forms.
func (r *routine) bodies() string { return strings.Join(slices.Sorted(maps.Values(r.forms)), ";\n") }

// uses reads a text of SQL. "?" among writes is a table that the text does not name.
func (s *schema) uses(text string) (u uses) {
	text = sqlComment.ReplaceAllString(text, "")
	add := func(list *[]string, name string, known bool) {
		if known && !slices.Contains(*list, name) {
			*list = append(*list, name)
		}
	}
	text = granted.ReplaceAllString(text, "")
	for _, m := range write.FindAllStringSubmatch(text, -1) {
		name := strings.Trim(m[1], `"`)
		if name == "\x00" {
			name = "?"
		}
		add(&u.writes, name, name == "?" || s.tables[name] || s.views[name] != nil)
	}
	for _, m := range read.FindAllStringSubmatch(text, -1) {
		for _, name := range append([]string{strings.Trim(m[1], `"`)}, column(more.FindAllStringSubmatch(m[2], -1))...) {
			add(&u.reads, name, s.tables[name] || s.views[name] != nil)
		}
	}
	for _, name := range column(call.FindAllStringSubmatch(text, -1)) {
		add(&u.calls, name, s.functions[name] != nil)
	}
	return u
}

func column(rows [][]string) (first []string) {
	for _, r := range rows {
		first = append(first, r[1])
	}
	return first
}

// ownerOf gives the room of a routine: that which owns what it writes. Two are a fault; none: it belongs to whoever calls it.
func (s *schema) ownerOf(r *routine) (rooms []string) {
	for _, table := range r.does.writes {
		if o := owners[table]; o != "" && !slices.Contains(rooms, o) {
			rooms = append(rooms, o)
		}
	}
	return rooms
}

type complain func(format string, args ...any)

// checkOwners looks at the schema itself: that each table has an owner, and each routine one at most.
func (s *schema) checkOwners(fault complain) {
	for _, table := range slices.Sorted(maps.Keys(s.tables)) {
		if owners[table] == "" && everybodys[table] == "" {
			fault("the table %s has no owner", table)
		}
	}
	for table := range owners {
		if !s.tables[table] || everybodys[table] != "" {
			fault("%s owns %s, which is no table, or everybody's", owners[table], table)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(s.functions)) {
		r := s.functions[name]
		switch rooms := s.ownerOf(r); len(rooms) {
		case 0:
		case 1:
			s.judge(rooms[0], "the function "+name, r.does, fault)
		default:
			fault("the function %s writes tables of %s", name, strings.Join(rooms, " and "))
		}
	}
	for _, name := range slices.Sorted(maps.Keys(s.triggers)) {
		tr := s.triggers[name]
		r := s.functions[tr.function]
		if r == nil {
			continue // of PostgreSQL itself
		}
		rooms := s.ownerOf(r)
		if len(rooms) == 0 { // then it is the table's own room's, unless it calls functions of a room above
			for _, f := range r.does.calls {
				for _, o := range s.ownerOf(s.functions[f]) {
					if o != owners[tr.table] && !below(o, owners[tr.table]) {
						rooms = append(rooms, o)
					}
				}
			}
		}
		if len(rooms) == 0 {
			s.judge(owners[tr.table], "the trigger "+name, r.does, fault)
		} else if !mayRead(rooms[0], tr.table) {
			fault("the trigger %s writes for %s, which may not read %s", name, rooms[0], tr.table)
		}
	}
}

// check looks at one text of a room; it reports whether that is a statement.
func (s *schema) check(room, file, text string, fault complain) bool {
	u := s.uses(text)
	if slices.Contains(u.writes, "?") && unnamed[file] == "" {
		fault("%s writes to a table that only running tells: %.80q", file, text)
	}
	s.judge(room, file, u, fault)
	return len(u.writes)+len(u.reads)+len(u.calls) > 0
}

// judge says what of a text's doings is not the room's.
func (s *schema) judge(room, where string, u uses, fault complain) {
	for _, table := range u.writes {
		if table != "?" && owners[table] != room && !allowed(room, table) {
			fault("%s (%s) writes %s, which is %s's", where, room, table, owners[table])
		}
	}
	for _, table := range u.reads {
		if v := s.views[table]; v != nil {
			s.judge(room, where+", through the view "+table, v.does, fault)
		} else if !mayRead(room, table) {
			fault("%s (%s) reads %s, which is %s's, above it", where, room, table, owners[table])
		}
	}
	for _, name := range u.calls {
		r := s.functions[name]
		if rooms := s.ownerOf(r); len(rooms) == 1 {
			if rooms[0] != room && !below(rooms[0], room) && !allowed(room, r.does.writes[0]) {
				fault("%s (%s) calls %s, which is %s's, above it", where, room, name, rooms[0])
			}
		} else if r.body != "" && !strings.Contains(where, "through "+name) {
			s.judge(room, where+", through "+name, r.does, fault)
		}
	}
}

func allowed(room, table string) bool {
	return everybodys[table] != "" || trespasses[[2]string{room, table}] != "" || trespasses[[2]string{room, "*"}] != ""
}

func mayRead(room, table string) bool {
	return owners[table] == room || below(owners[table], room) || allowed(room, table)
}

// below reports whether a room may be imported by another.
func below(lower, upper string) bool {
	a, b := room("lignum/"+lower), room("lignum/"+upper)
	return a < b || a == b && (order[a] != "lignum/domain/" || mayUse("lignum/"+upper, "lignum/"+lower))
}

// texts gives the texts of a file that are known when it is compiled: literals, put together with constants of the package. What
// is not known stands in them as a NUL.
func (s *source) texts(f *ast.File) (all []string) {
	var whole func(e ast.Expr) (string, bool)
	whole = func(e ast.Expr) (string, bool) {
		switch e := e.(type) {
		case *ast.BasicLit:
			if e.Kind == token.STRING {
				text, err := strconv.Unquote(e.Value)
				return strings.NewReplacer("%s", "\x00", "%q", "\x00", "%[1]s", "\x00").Replace(text), err == nil
			}
		case *ast.ParenExpr:
			return whole(e.X)
		case *ast.BinaryExpr:
			a, okA := whole(e.X)
			b, okB := whole(e.Y)
			return a + b, e.Op == token.ADD && (okA || okB)
		case *ast.Ident:
			if text, ok := s.constant(e.Name); ok {
				return text, true
			}
		}
		return "\x00", false
	}
	ast.Inspect(f, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.ImportSpec:
			return false
		case *ast.BinaryExpr:
			if text, ok := whole(n); ok {
				all = append(all, text)
				return true // what is called within may hold texts of its own
			}
		case *ast.BasicLit:
			if text, ok := whole(n); ok {
				all = append(all, text)
			}
		case *ast.CallExpr:
			if name := calledName(n); name == "Copy" || name == "rows.Copy" || strings.HasSuffix(name, "CopyFrom") {
				ast.Inspect(n, func(n ast.Node) bool {
					if lit, ok := n.(*ast.BasicLit); ok && lit.Kind == token.STRING {
						if table, err := strconv.Unquote(lit.Value); err == nil && owners[table] != "" {
							all = append(all, fmt.Sprintf("COPY %s", table))
						}
					}
					return true
				})
			}
		}
		return true
	})
	return all
}

// Each way across is seen: by a statement, a text put together of pieces, a copy, a view, a function and a trigger; and what is a
// room's own, or below it, is let through.
func TestTrespassesAreSeen(t *testing.T) {
	const planted = `CREATE TABLE users (id uuid); CREATE TABLE classes (id uuid); CREATE TABLE enrolments (id uuid); CREATE TABLE day_totals (n integer); CREATE TABLE audit_entries (id uuid);
		CREATE TABLE renamed (id uuid); ALTER TABLE renamed RENAME TO attempts;
		CREATE VIEW enrolled AS SELECT e.id FROM enrolments e JOIN classes c ON c.id = e.id;
		CREATE FUNCTION join_class() RETURNS void LANGUAGE sql AS $$ INSERT INTO enrolments SELECT id FROM users; INSERT INTO audit_entries VALUES (NULL) $$;
		CREATE FUNCTION places() RETURNS bigint LANGUAGE sql AS $$ SELECT count(*) FROM enrolments $$;
		CREATE FUNCTION two() RETURNS void LANGUAGE sql AS $$ UPDATE users SET id = NULL; DELETE FROM classes $$;
		CREATE FUNCTION count_day() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN INSERT INTO day_totals VALUES (1); RETURN NULL; END $$;
		CREATE FUNCTION count_person() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN UPDATE users SET id = NULL; RETURN NULL; END $$;
		CREATE FUNCTION note_person() RETURNS void LANGUAGE sql AS $$ UPDATE users SET id = NULL $$;
		CREATE FUNCTION tell_person() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM note_person(); RETURN NULL; END $$;
		CREATE FUNCTION tell_class() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM places(); RETURN NULL; END $$;
		CREATE TRIGGER told AFTER INSERT ON enrolments FOR EACH ROW EXECUTE FUNCTION tell_person();
		CREATE TRIGGER asked AFTER INSERT ON users FOR EACH ROW EXECUTE FUNCTION tell_class();
		CREATE TRIGGER day AFTER INSERT ON enrolments FOR EACH ROW EXECUTE FUNCTION count_day();
		CREATE TRIGGER person AFTER INSERT ON enrolments FOR EACH ROW EXECUTE FUNCTION count_person();`
	s := readSchema(t, []string{planted})
	for _, c := range []struct{ room, text, wrong string }{
		{"domain/people", "SELECT * FROM users", ""},
		{"domain/classes", "SELECT * FROM users u, classes", ""},
		{"domain/classes", "INSERT INTO enrolments SELECT FROM users -- UPDATE users", ""},
		{"domain/people", "INSERT INTO audit_entries VALUES ()", ""},
		{"domain/insight", "SELECT join_class()", ""},
		{"domain/people", "SELECT * FROM users u, classes", "reads classes"},
		{"domain/people", "SELECT * FROM users u JOIN LATERAL (SELECT FROM enrolments) e", "reads enrolments"},
		{"domain/people", "SELECT * FROM enrolled", "reads enrolments"},
		{"domain/people", "SELECT places()", "reads enrolments"},
		{"domain/people", "SELECT join_class()", "calls join_class"},
		{"domain/points", "SELECT id FROM classes", "reads classes"},
		{"domain/classes", "UPDATE users SET id = NULL", "writes users"},
		{"domain/classes", "insert into users values ()", "writes users"},
		{"domain/classes", "DELETE FROM ONLY users", "writes users"},
		{"domain/classes", "WITH x AS (UPDATE users u SET id = NULL RETURNING id) SELECT FROM x", "writes users"},
		{"domain/insight", "INSERT INTO attempts VALUES ()", "writes attempts"},
		{"domain/classes", "COPY users", "writes users"},
		{"domain/classes", "UPDATE \x00.users SET id = NULL", "writes users"},
		{"domain/classes", "UPDATE \x00 SET id = NULL", "only running tells"},
		{"api", "UPDATE classes SET id = NULL", "writes classes"},
	} {
		var said []string
		s.check(c.room, "planted.go", c.text, func(format string, args ...any) { said = append(said, fmt.Sprintf(format, args...)) })
		if all := strings.Join(said, "; "); (c.wrong == "") != (all == "") || !strings.Contains(all, c.wrong) {
			t.Errorf("%s: %q: said %q, want %q", c.room, c.text, all, c.wrong)
		}
	}
	var said []string
	s.checkOwners(func(format string, args ...any) {
		if text := fmt.Sprintf(format, args...); !strings.Contains(text, "is no table") {
			said = append(said, text)
		}
	})
	want := []string{"the function two writes tables of domain/people and domain/classes", "the trigger asked on users, through places (domain/people) reads enrolments, which is domain/classes's, above it", "the trigger person on enrolments writes for domain/people, which may not read enrolments"}
	if slices.Sort(said); !slices.Equal(said, want) {
		t.Errorf("of the schema is said %q", said)
	}
	p := readSource(t, `package x
		const who, verb = "users", "UPDATE "
		var set = " SET id = NULL"
		func f() {
			q(verb + who + set)
			q("UPDATE " + named() + set)
			q(fmt.Sprintf("DELETE FROM %s.classes", schema))
			tx.CopyFrom(ctx, "enrolments", nil)
		}`)
	var found []string
	for _, text := range p.texts(p.files[0]) {
		found = append(found, s.uses(text).writes...)
	}
	if slices.Sort(found); !slices.Equal(slices.Compact(found), []string{"?", "classes", "enrolments", "users"}) {
		t.Errorf("written: %q", found)
	}
}

func readSource(t *testing.T, text string) *source {
	t.Helper()
	f, err := parser.ParseFile(token.NewFileSet(), "planted.go", text, 0)
	if err != nil {
		t.Fatal(err)
	}
	return &source{files: []*ast.File{f}, names: []string{"planted.go"}}
}
