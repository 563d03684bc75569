package tests

import (
	"fmt"
	"go/ast"
	"go/token"
	"maps"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// entities are the tables that belong to GORM: what is in them has an identity, and is made, read, changed and listed one by one. A statement of pgx on
// one of them is a fault, unless it stands in a folder, in a file, or in a function or constant of a file, that is named here with its reason. What is
// named and does without is a fault as well, and so is a table without a model, and a model whose table is not here.
var entities = map[string]map[string]string{
	"tenants": {
		"tenants/provision/provision.go": "a tenant's row is made and dropped with its schema and roles, in a batch over the direct connection",
		"tenants/provision/repair.go":    setOfLogins, "tenants/provision/altered.go": setOfLogins, "tenants/provision/inlock.go": setOfLogins, "tenants/provision/functions.go": setOfLogins,
		"tenants/provision/connections.go": "over the direct connection, with the role of the login as it is now",
		"domain/insight/quotas.go":         "what tenants use with what they are called and may use, locked and in one statement",
	},
	"hosts":        {},
	"bill_issuers": {}, "bill_plans": {"billing/books/accounts.go inForceOf": "which plans are in force, with what they say, in one statement"}, "bill_accounts": {"billing/books/run.go": "which accounts have bills that are too late, by what their documents say"}, "bill_in_force": {"billing/books/accounts.go inForceOf": "as above"},
	"bill_credits": {"billing/books/issue.go take": "what is left of a credit is counted up and down where it stands"}, "bill_papers": {},
	"bill_documents": {"billing/books/run.go": "which bills are too late, by what their accounts say", "billing/books/list.go Statement": "sums of documents and payments by day", "billing/books/list.go Ageing": "sums by how late they are", "billing/books/list.go JournalOf": "documents and payments by day, as one list"}, "bill_payments": {"billing/books/list.go Statement": "as above", "billing/books/list.go JournalOf": "as above"},
	"files":    {"domain/catalog/pictures.go unusedPictures": "the files that are named in no lesson, by one statement over both tables"},
	"exports":  {"domain/exports/exports.go": "whether the job of each lives, as of one moment, through the gate"},
	"packages": {"tenants/packages/packages.go Find": "each file of a package that is shown is one statement over package and entry"},
	"mails": {
		"tenants/mail/mail.go":                "letters are written in the statement that gives the ids for their jobs, and those that wait are found by age",
		"tenants/mail/post.go":                "a letter is marked as being sent with whether its address is suppressed, in one round trip",
		"tenants/mail/list.go":                "started again only in some states",
		"tenants/mail/bounce.go":              "a report changes a letter by its state",
		"domain/letters/letters.go newsAfter": "what is new for whom, in one statement",
	},
	"mail_suppressed": {"tenants/mail/post.go": "as above", "tenants/mail/list.go QueueSuppressed": "the page of letters is one round trip"},
	"branding": {
		"tenants/provision/provision.go": "a tenant's first look is written into the schema that was just made",
		"tenants/settings.go":            "the page of settings is one round trip",
		"domain/people/leaderboard.go":   "the person and who decides for them, in one row",
	},
	"casbin_rules": {
		"tenants/provision/provision.go":          "the default rules are copied into the schema that was just made",
		"tenants/rules.go Rules":                  "all rules are read whenever anybody signs out: measured, GORM takes twice the time of the processor",
		"domain/insight/letter.go officialsAfter": "roles that include others, as below",
		"domain/identity/told.go":                 "roles that include others, walked in the statement that finds who holds them",
	},
	"schools": {
		"domain/people/regions.go":           "walks an index from each region to the next",
		"domain/people/sourced.go":           roster,
		"domain/roster/accounts.go Learners": "counts a run's learners by their schools",
		"domain/people/list.go":              "people of a region: a part of their list's statement",
		"domain/classes/list.go":             cards,
		"domain/insight":                     figures,
		"domain/demo":                        past, "domain/demo/rows": past,
	},
	"users": {
		"domain/people/users.go keepAdministrator": "whether anybody else has a role, of all who have it",
		"domain/people/users.go VoidTokens":        "tokens of many are voided in one statement",
		"domain/people/list.go":                    "people are found through the index of each part of a list, in one statement (list_test.go)",
		"domain/people/language.go":                "the language before and after is one round trip",
		"domain/people/leaderboard.go":             "the person and who decides for them, in one row, and sets of learners",
		"domain/people/roles.go":                   "counts those who have a role",
		"domain/people/usernames.go":               "names that are taken, of a roster's thousand stems",
		"domain/people/guardians.go":               "ties with the people at both ends",
		"domain/people/sourced.go":                 roster,
		"domain/identity/signin.go":                proofs, "domain/identity/session.go": proofs, "domain/identity/throttle.go": proofs,
		"domain/letters/letters.go":           "who can be written to, of several people, and what is new for whom",
		"domain/identity/letters.go":          proofs,
		"domain/identity/card.go":             "a thousand cards are made in one statement, and one is redeemed as a sign-in",
		"domain/identity/identity.go":         "counts all accounts of a tenant that was just made",
		"domain/identity/resets.go":           "requests with those who ask and those whom they ask for",
		"domain/identity/told.go lookAfter":   "who looks after some accounts, of all their schools",
		"domain/classes/list.go":              cards,
		"domain/classes/ties.go":              ties,
		"domain/classes/groups.go":            "a group is the condition of a list of people",
		"domain/classes/grades.go":            "counts learners by their forms, and finds those without a place",
		"domain/classes/manage.go coachKnown": "whether the coach is one, in the batch that stores the class",
		"domain/classes/register.go":          seats, "domain/classes/place.go": seats,
		"domain/classes/tell.go":             "whom to tell and of what, in one statement",
		"domain/assessment/facts.go":         ties,
		"domain/assessment/mark.go":          "what there is to mark, with the names of all that it belongs to",
		"domain/points/leaderboard.go":       "a leaderboard names those whom it ranks: measured",
		"domain/coaching/learners.go":        "a report of all learners of a coach",
		"domain/roster/accounts.go Learners": "counts a run's learners by their schools", "domain/roster/accounts.go Batch": "a batch of those, in the order in which they were made",
		"domain/roster/runs.go runSQL": lives,
		"domain/insight":               figures,
		"domain/demo":                  past, "domain/demo/rows": past,
	},
	"terms": {"domain/calendar/sourced.go PutTerms": roster, "domain/demo/rows": past},
	"classes": {
		"domain/classes/register.go": seats, "domain/classes/place.go": seats,
		"domain/classes/bulk.go": roster, "domain/classes/sourced.go": roster,
		"domain/classes/list.go": cards,
		"domain/classes/tell.go": "whom to tell and of what, in one statement",
		"domain/insight":         figures,
		"domain/demo":            past, "domain/demo/rows": past,
	},
	"courses": {
		"domain/catalog/import.go": pack, "domain/catalog/import_sql.go": pack,
		"domain/catalog/courses.go CourseBySlug": "a course with its outline is one round trip",
		"domain/catalog/courses.go Titles":       "titles of three kinds of thing in one statement",
		"domain/catalog/resources.go":            "learners open the list all day: measured, GORM takes a tenth of a millisecond more of the processor",
		"domain/classes/list.go":                 cards,
		"domain/classes/page.go QueueTestFacts":  "facts travel in the page's batch",
		"domain/assessment/start.go":             "the start of an attempt is measured",
		"domain/assessment/mark.go":              "what there is to mark, with the names of all that it belongs to",
		"domain/insight":                         figures,
		"domain/demo":                            past,
	},
	"tests": {
		"domain/catalog/import_sql.go":           pack,
		"domain/catalog/courses.go CourseBySlug": "a course with its outline is one round trip",
		"domain/catalog/courses.go Titles":       "titles of three kinds of thing in one statement",
		"domain/classes/page.go QueueTestFacts":  "facts travel in the page's batch",
		"domain/assessment/start.go":             "the start of an attempt is measured",
		"domain/assessment/mark.go":              "what there is to mark, with the names of all that it belongs to",
		"domain/coaching/learners.go":            "a report of all learners of a coach",
		"domain/insight":                         figures,
		"domain/demo":                            past,
	},
	"imports":         {"domain/roster/progress.go advance": "problems of a chunk in one statement, up to a bound that the import's own count sets", "domain/insight": figures},
	"import_problems": {"domain/roster/progress.go advance": "problems of a chunk in one statement", "domain/roster/runs.go keepProblems": "the problems of all files of a run in one statement"},
	"roster_runs":     {"domain/roster/runs.go runSQL": lives},
}

// Reasons that several share.
const (
	setOfLogins = "all realms at once beside PostgreSQL's own catalogues, over the direct connection"
	roster      = "a roster's thousand rows are one statement"
	pack        = "a pack is one batch, a statement for each kind of thing"
	seats       = "who comes second waits and then counts again: lock, count and place are one round trip"
	cards       = "the lists show classes as the function class_cards does, in a copy of its text; each narrowing has its index, measured"
	figures     = "figures are sums of many rows"
	proofs      = "what proves who somebody is, with the person, in one row: sign-ins are measured, and lock both in their order"
	ties        = "what ties somebody to others, for the policy, is one round trip"
	lives       = "a run with whether its job lives, as of one moment, and the names of who asked"
	past        = "makes a country's past in bulk, and counts it"
)

// model is a struct by which GORM reads and writes a table.
type model struct{ name, table string }

// models gives those of a package: the types that have a TableName.
func (s *source) models(room string, fault complain) (list []model) {
	for i, f := range s.files {
		for _, d := range f.Decls {
			fn, ok := d.(*ast.FuncDecl)
			if !ok || fn.Recv == nil {
				continue
			}
			at := path.Join(room, s.names[i])
			if slices.Contains(hooks, fn.Name.Name) && len(fn.Type.Params.List) == 1 {
				fault("%s has the hook %s, which hides work", at, fn.Name.Name)
			}
			if fn.Name.Name != "TableName" {
				continue
			}
			table := ""
			if len(fn.Body.List) == 1 {
				if ret, ok := fn.Body.List[0].(*ast.ReturnStmt); ok && len(ret.Results) == 1 {
					if lit, ok := ret.Results[0].(*ast.BasicLit); ok {
						table, _ = strconv.Unquote(lit.Value)
					}
				}
			}
			if table == "" {
				fault("%s has a model of a table that only running tells", at)
				continue
			}
			list = append(list, model{typeName(fn.Recv.List[0].Type), table[strings.LastIndex(table, ".")+1:]})
		}
	}
	return list
}

// hooks are the methods that GORM calls by itself.
var hooks = []string{"BeforeSave", "AfterSave", "BeforeCreate", "AfterCreate", "BeforeUpdate", "AfterUpdate", "BeforeDelete", "AfterDelete", "AfterFind"}

func typeName(e ast.Expr) string {
	if star, ok := e.(*ast.StarExpr); ok {
		e = star.X
	}
	if id, ok := e.(*ast.Ident); ok {
		return id.Name
	}
	return ""
}

// entityUse is a chain that begins with tenants.Entity.
type entityUse struct {
	file  string
	pkg   string // where the model stands
	model string
	calls []string // what follows, up to where the chain ends
}

// reads are the ends of a chain that change nothing. A chain whose end is not seen may write.
var reads = []string{"Take", "First", "Last", "Find", "FindInBatches", "Count", "Scan", "Row", "Rows"}

func (u entityUse) writes() bool {
	return len(u.calls) == 0 || !slices.Contains(reads, u.calls[len(u.calls)-1])
}

// entityUses gives those of a package, and says what goes around Entity.
func (s *source) entityUses(pkg string, fault complain) (list []entityUse) {
	for i, f := range s.files {
		file := path.Join(pkg, s.names[i])
		imports := map[string]string{}
		for _, spec := range f.Imports {
			of, _ := strconv.Unquote(spec.Path.Value)
			name := path.Base(of)
			if spec.Name != nil {
				name = spec.Name.Name
			}
			imports[name] = of
		}
		if imports["sql"] == "database/sql" && file != "tenants/gorm.go" {
			fault("%s goes to the database by database/sql, which stands between GORM and pgx alone", file)
		}
		var above []ast.Node
		ast.Inspect(f, func(n ast.Node) bool {
			if n == nil {
				above = above[:len(above)-1]
				return true
			}
			above = append(above, n)
			switch n := n.(type) {
			case *ast.SelectorExpr:
				if x, ok := n.X.(*ast.Ident); ok && imports[x.Name] == "gorm.io/gorm" && (n.Sel.Name == "G" || n.Sel.Name == "Open") && file != "tenants/gorm.go" {
					fault("%s goes to GORM by gorm.%s: tenants.Entity is the way", file, n.Sel.Name)
				}
				switch n.Sel.Name {
				case "AutoMigrate", "Migrator":
					fault("%s lets GORM change the schema, which the migrations do", file)
				case "Joins", "Preload", "Association":
					if imports["gorm"] == "gorm.io/gorm" {
						fault("%s goes by %s around the models", file, n.Sel.Name)
					}
				}
			case *ast.IndexExpr:
				if !isEntity(n.X, pkg, imports) {
					return true
				}
				use := entityUse{file: file, pkg: pkg, calls: chain(above)}
				switch of := n.Index.(type) {
				case *ast.Ident:
					use.model = of.Name
				case *ast.SelectorExpr:
					use.pkg, use.model = strings.TrimPrefix(imports[of.X.(*ast.Ident).Name], "lignum/"), of.Sel.Name
				}
				for _, name := range use.calls {
					if name == "Exec" || name == "Raw" || name == "Table" {
						fault("%s goes by %s around the model %s", file, name, use.model)
					}
				}
				list = append(list, use)
			}
			return true
		})
	}
	return list
}

func isEntity(e ast.Expr, pkg string, imports map[string]string) bool {
	switch e := e.(type) {
	case *ast.Ident:
		return pkg == "tenants" && e.Name == "Entity"
	case *ast.SelectorExpr:
		x, ok := e.X.(*ast.Ident)
		return ok && e.Sel.Name == "Entity" && imports[x.Name] == "lignum/tenants"
	}
	return false
}

// chain gives the names of the methods that are called on what the last of some nodes, each within the one before, is.
func chain(nodes []ast.Node) (calls []string) {
	for i := len(nodes) - 2; i > 0; i-- {
		child := nodes[i+1]
		switch n := nodes[i].(type) {
		case *ast.CallExpr:
			if n.Fun != child {
				return calls
			}
		case *ast.SelectorExpr:
			calls = append(calls, n.Sel.Name)
		default:
			return calls
		}
	}
	return calls
}

// statement is a text of SQL with where it stands.
type statement struct{ file, decl, text string }

// statements gives the texts of a package by the function, constant or variable in which they stand.
func (s *source) statements(pkg string) (list []statement) {
	for i, f := range s.files {
		add := func(name string, d ast.Decl) {
			for _, text := range s.texts(&ast.File{Name: f.Name, Decls: []ast.Decl{d}}) {
				list = append(list, statement{path.Join(pkg, s.names[i]), name, text})
			}
		}
		for _, d := range f.Decls {
			switch d := d.(type) {
			case *ast.FuncDecl:
				add(d.Name.Name, d)
			case *ast.GenDecl:
				for _, spec := range d.Specs {
					if v, ok := spec.(*ast.ValueSpec); ok {
						add(v.Names[0].Name, &ast.GenDecl{Tok: token.VAR, Specs: []ast.Spec{v}})
					}
				}
			}
		}
	}
	return list
}

// checkModels looks at the models of the house, whose packages are given by the folder in which they stand, and at what is done by them: a room holds models of
// its own tables alone, and whoever uses one reads or writes its table. It gives the tables with a model, whether that is used, and the number of uses.
func (s *schema) checkModels(packages map[string]*source, fault complain) (used map[string]bool, n int) {
	models, used := map[[2]string]string{}, map[string]bool{}
	for _, pkg := range slices.Sorted(maps.Keys(packages)) {
		for _, m := range packages[pkg].models(pkg, fault) {
			if !s.tables[m.table] {
				fault("%s has the model %s of %s, which is no table", pkg, m.name, m.table)
			} else if owners[m.table] != roomOf(pkg) {
				fault("%s has the model %s of %s, which is %s's", pkg, m.name, m.table, owners[m.table])
			}
			models[[2]string{pkg, m.name}] = m.table
			if !used[m.table] {
				used[m.table] = false
			}
		}
	}
	for _, pkg := range slices.Sorted(maps.Keys(packages)) {
		for _, u := range packages[pkg].entityUses(pkg, fault) {
			n++
			table, ok := models[[2]string{u.pkg, u.model}]
			if !ok {
				fault("%s uses %s.%s as an entity, which is no model", u.file, u.pkg, u.model)
				continue
			}
			used[table] = true
			does := uses{reads: []string{table}}
			if u.writes() {
				does = uses{writes: []string{table}}
			}
			s.judge(roomOf(pkg), u.file, does, fault)
		}
	}
	return used, n
}

// checkEntities looks at what belongs to GORM, and gives how many chains are GORM's and how many texts pgx's.
func (s *schema) checkEntities(packages map[string]*source, entities map[string]map[string]string, fault complain) (byGorm, byPgx int) {
	used, byGorm := s.checkModels(packages, func(string, ...any) {}) // which is for TestTablesHaveOwners to say
	excused := map[[2]string]bool{}
	for _, pkg := range slices.Sorted(maps.Keys(packages)) {
		for _, st := range packages[pkg].statements(pkg) {
			u := s.uses(st.text)
			touched := slices.Concat(u.writes, u.reads)
			for _, table := range touched {
				named, ok := entities[table]
				for _, at := range []string{pkg, st.file, st.file + " " + st.decl} {
					if named[at] != "" {
						excused[[2]string{table, at}], ok = true, false
					}
				}
				if ok {
					fault("%s (%s) has a statement of pgx on %s, which is GORM's: %.60q", st.file, st.decl, table, st.text)
				}
			}
			if len(touched) > 0 {
				byPgx++
			}
		}
	}
	for table := range used {
		if entities[table] == nil {
			fault("there is a model of %s, which is not named as GORM's", table)
		}
	}
	for _, table := range slices.Sorted(maps.Keys(entities)) {
		if !used[table] {
			fault("%s is named as GORM's, and no model of it is used", table)
		}
		for at := range entities[table] {
			if !excused[[2]string{table, at}] {
				fault("%s needs no excuse any more for %s", at, table)
			}
		}
	}
	return byGorm, byPgx
}

// What belongs to GORM is read and written by it, but for what is named with its reason.
func TestEntitiesBelongToGORM(t *testing.T) {
	said := map[string]bool{}
	byGorm, byPgx := readSchema(t, migrationsOf(t)).checkEntities(house(t), entities, func(format string, args ...any) {
		if text := fmt.Sprintf(format, args...); !said[text] {
			said[text] = true
			t.Error(text)
		}
	})
	t.Logf("%d chains of GORM, %d texts of pgx", byGorm, byPgx)
	if byGorm < 25 || byPgx < 300 {
		t.Errorf("only %d chains of GORM and %d texts of pgx were looked at", byGorm, byPgx)
	}
}

// house gives all packages but those of the tests, by their folders.
func house(t *testing.T) map[string]*source {
	t.Helper()
	packages := map[string]*source{}
	for _, dir := range packagesBelow(t, "..", "../tests", "../.lignum") {
		packages[filepath.ToSlash(strings.TrimPrefix(dir, "../"))] = readPackage(t, dir)
	}
	return packages
}

// What goes around GORM is seen, and so is a model, or the use of one, that is not the room's.
func TestWhatGoesAroundGORMIsSeen(t *testing.T) {
	s := readSchema(t, []string{"CREATE TABLE users (id uuid); CREATE TABLE schools (id uuid); CREATE TABLE classes (id uuid); CREATE TABLE terms (id uuid);"})
	const imports = `import ("gorm.io/gorm"; "lignum/tenants"; "lignum/domain/people"; "lignum/domain/classes")
		`
	const school = `type School struct{}; func (School) TableName() string { return "schools" }; var _ = tenants.Entity[School](q).Find(ctx)
		`
	for _, c := range []struct{ pkg, text, wrong string }{
		{"domain/people", school, ""},
		{"domain/people", school + "func f() { tenants.Entity[School](tx, tenants.Held).Where(``).Select(``).Updates(ctx, s) }", ""},
		{"domain/people", school + "func f() { q.Query(ctx, `SELECT id FROM users`) }", ""},
		{"domain/people", school + "func walk() { q.Query(ctx, `SELECT id FROM schools`) }", ""}, // is named below
		{"domain/people", "func walk() { q.Query(ctx, `SELECT id FROM schools`) }", "no model of it is used"},
		{"domain/people", school + "func f() { q.Query(ctx, `SELECT id FROM schools`) }", "f) has a statement of pgx on schools"},
		{"domain/people", school + "const f = `UPDATE schools SET `", "f) has a statement of pgx on schools"},
		{"domain/people", school + "func f() { tx.CopyFrom(ctx, `schools`, nil) }", "f) has a statement of pgx on schools"},
		{"domain/classes", "func f() { q.Query(ctx, `SELECT FROM classes JOIN schools s ON true`) }", "f) has a statement of pgx on schools"},
		{"domain/classes", "func f() { tenants.Entity[people.School](q).Where(``).Take(ctx) }", ""},
		{"domain/classes", "func f() { tenants.Entity[people.School](tx).Where(``).Update(ctx, ``, 1) }", "writes schools"},
		{"domain/classes", "func f() { tenants.Entity[people.School](tx).Create(ctx, &s) }", "writes schools"},
		{"domain/classes", "func f() { some := tenants.Entity[people.School](tx); some.Delete(ctx) }", "writes schools"},
		{"domain/points", "func f() { tenants.Entity[classes.Class](tx).Find(ctx) }", "as an entity, which is no model"},
		{"domain/classes", `type row struct{}; func (row) TableName() string { return "schools" }`, "the model row of schools, which is domain/people's"},
		{"domain/calendar", "func f() { tenants.Entity[people.School](q).Find(ctx) }", "reads schools, which is domain/people's, above it"},
		{"domain/people", school + `type lost struct{}; func (*lost) TableName() string { return "nowhere" }`, "which is no table"},
		{"domain/people", school + "type term struct{}; func (term) TableName() string { return name }", "a table that only running tells"},
		{"domain/calendar", `type term struct{}; func (term) TableName() string { return "terms" }`, "not named as GORM's"},
		{"domain/people", school + "func f[T any]() { tenants.Entity[T](q).Find(ctx) }", "as an entity, which is no model"},
		{"domain/people", school + "func f() { tenants.Entity[School](q).Exec(ctx, ``) }", "goes by Exec around"},
		{"domain/people", school + "func f() { tenants.Entity[School](q).Where(``).Table(``).Find(ctx) }", "goes by Table around"},
		{"domain/people", school + "func scope(s *gorm.Statement) { s.Joins(``) }", "goes by Joins around"},
		{"domain/people", school + "func f() { gorm.G[School](db).Find(ctx) }", "tenants.Entity is the way"},
		{"domain/people", "import `database/sql`; " + school, "by database/sql"},
		{"domain/people", school + "func f() { db.AutoMigrate(s) }", "which the migrations do"},
		{"domain/people", school + "func (School) AfterFind(db *gorm.DB) error { return nil }", "hides work"},
	} {
		packages := map[string]*source{"domain/people": readSource(t, "package x\n"+imports+school)}
		packages[c.pkg] = readSource(t, "package x\n"+imports+c.text)
		said := []string{}
		fault := func(format string, args ...any) { said = append(said, fmt.Sprintf(format, args...)) }
		s.checkModels(packages, fault)
		s.checkEntities(packages, map[string]map[string]string{"schools": {"domain/people/planted.go walk": "walks"}}, func(format string, args ...any) {
			if text := fmt.Sprintf(format, args...); strings.Contains(c.text, "walk") || !strings.Contains(text, "no excuse any more") {
				said = append(said, text)
			}
		})
		if all := strings.Join(said, "; "); (c.wrong == "") != (all == "") || !strings.Contains(all, c.wrong) {
			t.Errorf("%s: %q: said %q, want %q", c.pkg, c.text, all, c.wrong)
		}
	}
	said := ""
	s.checkEntities(map[string]*source{"domain/people": readSource(t, "package x\n"+imports+school)}, map[string]map[string]string{"schools": {"domain/people/planted.go walk": "walks"}},
		func(format string, args ...any) { said += fmt.Sprintf(format, args...) })
	if said != "domain/people/planted.go walk needs no excuse any more for schools" {
		t.Errorf("of an excuse that nobody needs is said %q", said)
	}
}
