package tests

import (
	"go/ast"
	"go/token"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"text/template/parse"
	"unicode"

	"lignum/api/web"
	"lignum/domain/words"
	"lignum/tenants"
)

// Sentences for people stand in message files (domain/words/messages). The tests here read the source of the program and of its pages.

// saying are the functions that are handed a message's key, with the place of the key among what they are handed; pairs of name and value follow.
var saying = map[string]int{"Say": 0, "Refuse": 1, "InvalidField": 1, "Add": 1, "Notice": 1, "notFound": 1,
	"errorAt": 1, "warnAt": 1, "wrongAt": 3, "doubtAt": 3, "fail": 0, "hint": 0, "fault": 0, // an author's files
	"warn": 1, "fatal": 1, "refuse": 2, "reject": 0, "note": 0} // advice on items, and rows of a roster

// computed are keys that only running makes: of these files each message is used by the name of something else, whose own test looks for the words.
var computed = map[string]string{
	"permission": "of each permission (policy/permissions_test.go)", "reason": "of each refusal (policy/permissions_test.go)", "trail": "of each action (actions_test.go)",
	"label": "of fields, where their names do not say it", "thing": "of what the trail tells of", "word": "of roles, states and the like", "menu": "of each entry of the menu",
	"quota":   "of each limit of a plan (tenants/plan_test.go)",
	"setting": "of each setting of a tenant (tenants/fields.go)",
	"letter":  "of each kind of letter, its states, why addresses are passed over, and how letters are stopped (tenants/mail)",
	"books":   "of each kind of letter about bills (billing/books)",
	"bill":    "of states, cycles, models and methods (api/web/templates/bills.html)",
	"meter":   "of each meter and its unit (billing/meter)",
	"job":     "of each kind of job and of its states (api/jobs)",
	"words":   "of a language itself", "notices": "of each kind of notice (domain/notices)", "country": "of each country of the region (api/console/countries_test.go)",
}

var key = regexp.MustCompile(`^([a-z]+)\.[a-z0-9_]+(\.[a-z0-9_]+)*$`)

// use is a place where a message is said, with the names of what fills it; open: they are not all known.
type use struct {
	where, key string
	names      []string
	open       bool
}

// Each key has words, each message is said somewhere, and is given what it is filled with.
func TestMessagesFit(t *testing.T) {
	uses := slices.Concat(usesInGo(t), usesInPages(t), usesInScripts(t))
	said := map[string]bool{}
	for _, u := range uses {
		said[u.key] = true
		m := words.English.Message(u.key)
		if m == nil {
			t.Errorf("%s: %q has no words", u.where, u.key)
			continue
		}
		wanted := placeholders(m)
		for name := range wanted {
			if !u.open && !slices.Contains(u.names, name) {
				t.Errorf("%s: %q is not given %s", u.where, u.key, name)
			}
		}
		for _, name := range u.names {
			if !wanted[name] && !(name == "N" && m.Counts()) {
				t.Errorf("%s: %q is given %s, which it does not say", u.where, u.key, name)
			}
		}
		if m.Counts() && !u.open && !slices.Contains(u.names, "N") {
			t.Errorf("%s: %q counts, and is not given N", u.where, u.key)
		}
	}
	if len(uses) < 1000 {
		t.Fatalf("only %d uses of messages were found", len(uses))
	}
	for _, room := range words.Rooms() {
		if computed[room] != "" {
			continue
		}
		for _, own := range words.Keys(room) {
			if !said[room+"."+own] {
				t.Errorf("nobody says %s.%s: %q", room, own, words.English.Message(room+"."+own))
			}
			if stem := numbered.FindStringSubmatch(own); stem != nil && slices.Contains(words.Keys(room), stem[1]) {
				t.Errorf("%s.%s is told from %s by a number: its key must say what it is", room, own, stem[1])
			}
		}
	}
}

// numbered is a key that ends with a number.
var numbered = regexp.MustCompile(`^(.+)_[0-9]+$`)

// What is said to people is for people: no sentence names a permission, a field of a body, or a word that only programs know.
func TestSentencesAreForPeople(t *testing.T) {
	seen := 0
	for _, room := range words.Rooms() {
		if slices.Contains([]string{"console", "policy", "gift", "pack", "roster"}, room) { // of the platform's own people, who read bundles of rules and tables of the machine; of who writes packs and exports rosters
			continue
		}
		for _, own := range words.Keys(room) {
			if room == "reason" && strings.HasPrefix(own, "needs.") { // for who asks why, by the command policy explain
				continue
			}
			seen++
			m := words.English.Message(room + "." + own)
			for _, form := range m {
				if text := words.Bare(form.Text); web.ForMachines(text) && !slices.Contains(typedSo, text) {
					t.Errorf("%s.%s says %q", room, own, form.Text)
				}
			}
		}
	}
	if seen < 900 {
		t.Fatalf("only %d sentences were looked at", seen)
	}
}

// typedSo are reasons for fields which only programs fill in: on pages these are chosen from a list, or stand in an address. And the column of what roles
// may do is called what it is, to those who decide it. So is a kind of file, to those who ask for it.
var typedSo = []string{"JSON Lines", "Permission", " permission.", " permission, with those of .", "must be suspended or read_only", "must be live or on_demand", "is not valid UTF-8", "is not valid UTF-8 text",
	"must be a UUID such as 0190a1b2-...", "something follows after the JSON value", "must be text: no NUL character, no broken UTF-8, no half of a surrogate pair"}

// A language says what English says: no message of its own, each filled with the same, and with each plural form that the language has.
func TestLanguagesSayTheSame(t *testing.T) {
	for _, l := range words.Languages() {
		for _, fault := range words.Faults(l) {
			t.Errorf("%s: %s", l, fault)
		}
	}
}

// Each language that the program speaks may be chosen by tenants; and the pseudo language, by those who look for words that are not translated.
func TestTenantsMayChooseEachLanguage(t *testing.T) {
	for _, f := range tenants.BrandingFields {
		if f.Name != "languages" {
			continue
		}
		var wanted []string
		for _, l := range append(words.Languages(), words.Pseudo) {
			wanted = append(wanted, string(l))
		}
		if !slices.Equal(f.Choices, wanted) {
			t.Errorf("tenants choose among %q, the program speaks %q", f.Choices, wanted)
		}
		return
	}
	t.Error("no setting says which languages a tenant speaks")
}

func placeholders(m words.Message) map[string]bool {
	names := map[string]bool{}
	for _, form := range m {
		for _, piece := range words.Pieces(form.Text) {
			if piece.Name != "" {
				names[piece.Name] = true
			}
		}
	}
	return names
}

func usesInGo(t *testing.T) (uses []use) {
	for _, dir := range packagesBelow(t, "..", "../tests", "../.lignum", "../infra") {
		p := readPackage(t, dir)
		for i, f := range p.files {
			where := strings.TrimPrefix(dir, "../") + "/" + p.names[i]
			inCalls := map[ast.Node]bool{}
			ast.Inspect(f, func(n ast.Node) bool {
				call, ok := n.(*ast.CallExpr)
				if !ok {
					return true
				}
				name := calledName(call)
				at, ok := saying[name[strings.LastIndexByte(name, '.')+1:]]
				if !ok || len(call.Args) <= at {
					return true
				}
				lit, ok := call.Args[at].(*ast.BasicLit)
				if !ok || !key.MatchString(unquoted(lit)) {
					return true
				}
				inCalls[lit] = true
				u := use{where: where, key: unquoted(lit), open: call.Ellipsis != token.NoPos}
				for j := at + 1; j < len(call.Args); j += 2 {
					if named, ok := call.Args[j].(*ast.BasicLit); ok {
						u.names = append(u.names, unquoted(named))
					} else {
						u.open = true
					}
				}
				uses = append(uses, u)
				return true
			})
			ast.Inspect(f, func(n ast.Node) bool { // keys that are handed on
				if lit, ok := n.(*ast.BasicLit); ok && lit.Kind == token.STRING && !inCalls[lit] {
					if m := key.FindStringSubmatch(unquoted(lit)); m != nil && slices.Contains(words.Rooms(), m[1]) && computed[m[1]] == "" && words.English.Message(m[0]) != nil {
						uses = append(uses, use{where: where, key: m[0], open: true})
					}
				}
				return true
			})
		}
	}
	return uses
}

func unquoted(lit *ast.BasicLit) string {
	text, err := strconv.Unquote(lit.Value)
	if err != nil {
		return ""
	}
	return text
}

// pagesOf are the template files of the program.
func pagesOf(t *testing.T) []string {
	var files []string
	err := filepath.WalkDir("../api", func(path string, d fs.DirEntry, err error) error {
		if err == nil && strings.HasSuffix(path, ".html") && !strings.Contains(path, "/cmd/") {
			files = append(files, path)
		}
		return err
	})
	if err != nil || len(files) < 50 {
		t.Fatalf("%d pages, %v", len(files), err)
	}
	return files
}

func parsed(t *testing.T, file string) map[string]*parse.Tree {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	trees := map[string]*parse.Tree{}
	top := parse.New(file)
	top.Mode = parse.SkipFuncCheck
	if _, err := top.Parse(string(text), "", "", trees); err != nil {
		t.Fatal(err)
	}
	return trees
}

func usesInPages(t *testing.T) (uses []use) {
	for _, file := range pagesOf(t) {
		for _, tree := range parsed(t, file) {
			eachCommand(tree.Root, func(cmd *parse.CommandNode) {
				name, ok := cmd.Args[0].(*parse.IdentifierNode)
				if !ok || name.Ident != "t" {
					return
				}
				u := use{where: strings.TrimPrefix(file, "../")}
				if text, ok := cmd.Args[1].(*parse.StringNode); ok {
					u.key = text.Text
				}
				for i := 2; i < len(cmd.Args); i += 2 {
					if text, ok := cmd.Args[i].(*parse.StringNode); ok {
						u.names = append(u.names, text.Text)
					}
				}
				uses = append(uses, u)
			})
		}
	}
	return uses
}

// eachCommand visits each command of a template, those within arguments too.
func eachCommand(node parse.Node, visit func(*parse.CommandNode)) {
	pipe := func(p *parse.PipeNode) {
		if p != nil {
			for _, cmd := range p.Cmds {
				eachCommand(cmd, visit)
			}
		}
	}
	list := func(l *parse.ListNode) {
		if l != nil {
			for _, n := range l.Nodes {
				eachCommand(n, visit)
			}
		}
	}
	branch := func(n parse.BranchNode) { pipe(n.Pipe); list(n.List); list(n.ElseList) }
	switch n := node.(type) {
	case *parse.ListNode:
		list(n)
	case *parse.IfNode:
		branch(n.BranchNode)
	case *parse.RangeNode:
		branch(n.BranchNode)
	case *parse.WithNode:
		branch(n.BranchNode)
	case *parse.ActionNode:
		pipe(n.Pipe)
	case *parse.TemplateNode:
		pipe(n.Pipe)
	case *parse.CommandNode:
		visit(n)
		for _, arg := range n.Args {
			if inner, ok := arg.(*parse.PipeNode); ok {
				pipe(inner)
			}
		}
	}
}

// No sentence is left behind in a page: between its tags, in attributes that are read out, and among what its partials are handed.
func TestPagesHoldNoWords(t *testing.T) {
	for _, file := range pagesOf(t) {
		for name, tree := range parsed(t, file) {
			for _, left := range wordsLeft(tree.Root) {
				t.Errorf("%s (%s) holds the words %q", strings.TrimPrefix(file, "../"), name, left)
			}
		}
	}
	// seen to find them
	for page, want := range map[string]int{
		`<p>Hello</p>`: 1, `<p>{{.A}} of {{.B}}</p>`: 1, `<a aria-label="Close" href="/home">x</a>`: 2, `{{template "empty" (dict "title" "None yet")}}`: 1, `{{$x := "Not now"}}`: 1,
		`<p>{{t "learner.home"}} · {{.A}}</p>`: 0, `<svg viewBox="0 0 4 4"><path d="M0"/></svg><script>let a = "Hello you"</script>`: 0, `{{if eq .Kind "live"}}{{end}}`: 0,
		`<input type="search" name="q" autocomplete="off">`: 0, `<p {{if .A}}class="big"{{end}}>—</p>`: 0, `{{.Field "user_name" (t "x.y") "kind" "search"}}`: 0,
	} {
		trees, err := parse.Parse("page", page, "", "", map[string]any{"t": 0, "dict": 0, "eq": 0})
		if err != nil {
			t.Fatal(err)
		}
		if got := wordsLeft(trees["page"].Root); len(got) != want {
			t.Errorf("%s: %q, want %d", page, got, want)
		}
	}
}

var (
	tagOrText  = regexp.MustCompile(`(?s)<!--.*?-->|<(?:script|style)\b.*?</(?:script|style)>|<[a-zA-Z/!][^>]*>?|[^<]+|<`)
	readOut    = regexp.MustCompile(`\b(?:aria-label|title|placeholder|alt|data-say[a-z-]*)="([^"]*)"`)
	characters = regexp.MustCompile(`&#?[a-zA-Z0-9]+;`)
	shownWords = regexp.MustCompile(`^[A-ZÀ-Ý][a-zà-ÿ]|[a-zà-ÿ],? [a-zà-ÿ]`)
)

// wordsLeft gives the words in a template that did not come from a message file.
func wordsLeft(root *parse.ListNode) (left []string) {
	// The text of a template with each action as one sign that is no letter, so that tags stay whole.
	var b strings.Builder
	var write func(n parse.Node)
	list := func(l *parse.ListNode) {
		if l != nil {
			for _, n := range l.Nodes {
				write(n)
			}
		}
	}
	write = func(n parse.Node) {
		switch n := n.(type) {
		case *parse.TextNode:
			b.Write(n.Text)
		case *parse.IfNode:
			list(n.List)
			list(n.ElseList)
		case *parse.RangeNode:
			list(n.List)
			list(n.ElseList)
		case *parse.WithNode:
			list(n.List)
			list(n.ElseList)
		default:
			b.WriteByte('\x01')
		}
	}
	list(root)
	letters := func(s string) bool {
		return strings.ContainsFunc(characters.ReplaceAllString(s, ""), unicode.IsLetter)
	}
	for _, part := range tagOrText.FindAllString(b.String(), -1) {
		if part[0] != '<' {
			if letters(part) && !strings.Contains(part, `="`) {
				left = append(left, strings.TrimSpace(part))
			}
			continue
		}
		if strings.HasPrefix(part, "<script") || strings.HasPrefix(part, "<style") {
			continue
		}
		for _, m := range readOut.FindAllStringSubmatch(part, -1) {
			if letters(m[1]) {
				left = append(left, m[1])
			}
		}
	}
	eachCommand(root, func(cmd *parse.CommandNode) {
		if name, ok := cmd.Args[0].(*parse.IdentifierNode); ok && slices.Contains([]string{"t", "eq", "ne", "asset"}, name.Ident) {
			return
		}
		for _, arg := range cmd.Args {
			if text, ok := arg.(*parse.StringNode); ok && shownWords.MatchString(text.Text) {
				left = append(left, text.Text)
			}
		}
	})
	return left
}

// No sentence is left behind in the code: what reads like one stands in a message file, unless its place is named here.
func TestCodeHoldsNoSentences(t *testing.T) {
	seen := 0
	for _, dir := range packagesBelow(t, "..", "../tests", "../.lignum", "../infra", "../api/cmd", "../domain/demo") {
		p := readPackage(t, dir)
		for i, f := range p.files {
			where := strings.TrimPrefix(dir, "../") + "/" + p.names[i]
			seen++
			for _, text := range sentencesIn(f) {
				if !slices.Contains(notSaid[where], text) && !slices.Contains(notSaid[where], "*") {
					t.Errorf("%s holds the sentence %q", where, text)
				}
			}
		}
	}
	if seen < 150 {
		t.Fatalf("only %d files were looked at", seen)
	}
	for _, where := range slices.Sorted(maps.Keys(notSaid)) {
		if _, err := os.Stat("../" + where); err != nil {
			t.Errorf("%s is named as holding sentences, and is not there", where)
		}
	}
}

// notSaid are texts that look like sentences and are said to nobody who reads a page: "*" is all of a file, with the reason beside it.
var notSaid = map[string][]string{
	"api/metrics.go":                      {"*"},                                                           // help of metrics, for operators
	"api/reference.go":                    {"*"},                                                           // the reference of the API, for programmers
	"api/health.go":                       {"the process is stopping"},                                     // an answer for balancers and operators
	"api/refusals.go":                     {": too many failures", ": a suspended account", ": not right"}, // names of counts, which the trail keeps
	"policy/regotest.go":                  {"*"},                                                           // for who writes bundles of rules
	"policy/fences.go":                    {"*"},                                                           // the same: what a bundle must refuse, beside the rule's name
	"policy/explain.go":                   {"*"},                                                           // of the command policy explain
	"tenants/vault.go":                    {"Client Key", "Server Key"},                                    // RFC 5802
	"domain/catalog/item/short_answer.go": {"not sure"},                                                    // what a learner of the demo types
	"domain/words/words.go":               {"*"},
	"api/portal/account/account.go":       {"Samsung Internet", "Mac OS"}, // names of programs
	"api/web/assets.go":                   {"public, max-age=31536000, immutable"},
	"api/files/files.go":                  {"private, no-store", "public, max-age=31536000, immutable"},
	"api/catalogue/courses.go":            {"private, max-age=3600"},
	"api/sandbox.go":                      {"*"}, // what browsers are told that a package may do
	"api/web/compress.go":                 {"*"}, // why a page holds no secret, for programmers
	"api/web/web.go":                      {"main of ", "'; img-src 'self' data:; connect-src 'self'; "},
}

// unspoken are functions whose texts are for programmers and operators: errors of ours, which become a 500 without a word of their text, logs, statements.
var unspoken = regexp.MustCompile(`^(errors\.New|fmt\.Errorf|panic|regexp\..*|slog\..*|.*\.?(Log|log)(\.\w+|ger.*)?|(.*\.)?(Debug|Info|Warn|Error|Log)(Context|Attrs)?|[sp]\.warn|done|(.*\.)?Lock|.*(Query|QueryRow|Exec|Queue|Raw|Where|Order|Select|Joins|Names|Entity).*|.*[pP]ublic|Public|Contains|strings\..*|.*\.Fprintf?|Fprintf?)$`)

var (
	sentenceLike = regexp.MustCompile(`[\pL][\pL'’]*,? [\pL]`)
	looksLikeSQL = regexp.MustCompile(`\b(SELECT|INSERT|UPDATE|DELETE|FROM|WHERE|SET|JOIN|ORDER BY|LATERAL|VALUES|ALTER|CREATE|DROP|GRANT|TABLE|AND|OR|IN|DESC|ASC|NULLS|ON CONFLICT|COALESCE|IS NOT NULL|IS NULL|NOT|GROUP BY|COLLATE|REVOKE|RESET ROLE|NOLOGIN|PASSWORD|CURRENT_USER)\b|::|^begin read write$|^[a-z_]+ [a-z]$|^[a-z_.]+(?:,\s+[a-z_.]+)+$|<[a-z]+[ >]|[{;]$`)
)

// sentencesIn gives the texts of a file that read like sentences and are not known to be something else.
func sentencesIn(f *ast.File) (found []string) {
	inReference := map[string]bool{} // constants of which details of routes are made
	ast.Inspect(f, func(n ast.Node) bool {
		pair, ok := n.(*ast.KeyValueExpr)
		if !ok {
			return true
		}
		if name, ok := pair.Key.(*ast.Ident); ok && name.Name == "Detail" {
			ast.Inspect(pair.Value, func(n ast.Node) bool {
				if name, ok := n.(*ast.Ident); ok {
					inReference[name.Name] = true
				}
				return true
			})
		}
		return true
	})
	var look func(n ast.Node) bool
	look = func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.ImportSpec:
			return false
		case *ast.Field: // tags
			if n.Type != nil {
				ast.Inspect(n.Type, look)
			}
			return false
		case *ast.CallExpr:
			if unspoken.MatchString(calledName(n)) {
				for _, arg := range n.Args {
					for _, part := range joined(arg) {
						if _, lit := part.(*ast.BasicLit); !lit {
							ast.Inspect(part, look)
						}
					}
				}
				ast.Inspect(n.Fun, look)
				return false
			}
		case *ast.AssignStmt:
			if to, ok := n.Lhs[0].(*ast.SelectorExpr); ok && to.Sel.Name == "Description" {
				return false // the same
			}
		case *ast.KeyValueExpr:
			name, ok := n.Key.(*ast.Ident)
			switch {
			case ok && slices.Contains([]string{"Summary", "Detail", "Tag", "Doc", "Description"}, name.Name):
				return false // of a route, for the reference of the API
			case ok && slices.Contains([]string{"Text", "Title", "Label", "Hint"}, name.Name): // of a page, where one word is said as well
				if lit, ok := n.Value.(*ast.BasicLit); ok && strings.ContainsFunc(unquoted(lit), unicode.IsLetter) && !key.MatchString(unquoted(lit)) {
					found = append(found, unquoted(lit))
					return false
				}
			}
		case *ast.ValueSpec:
			if len(n.Names) == 1 && inReference[n.Names[0].Name] {
				return false
			}
		case *ast.BasicLit:
			if text := unquoted(n); n.Kind == token.STRING && sentenceLike.MatchString(text) && !looksLikeSQL.MatchString(text) {
				found = append(found, text)
			}
		}
		return true
	}
	ast.Inspect(f, look)
	return found
}

// joined gives the parts of a text that are put together with + or fmt.Sprintf.
func joined(e ast.Expr) []ast.Expr {
	if both, ok := e.(*ast.BinaryExpr); ok && both.Op == token.ADD {
		return append(joined(both.X), joined(both.Y)...)
	}
	if call, ok := e.(*ast.CallExpr); ok && calledName(call) == "fmt.Sprintf" {
		return call.Args
	}
	return []ast.Expr{e}
}
