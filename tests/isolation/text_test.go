package isolation

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"lignum/api"
	"lignum/policy"
	"lignum/tenants"
	"lignum/tenants/audit"
	"lignum/tests/apitest"
	"lignum/tests/school"
	"lignum/tests/tenth"
)

// bad is text that nobody should be able to store, in each of the spellings in which it comes.
type bad struct {
	name             string
	json, form, head string // head is empty: HTTP has no way to say it
	long             bool   // it is text, only too much of it
}

var badTexts = []bad{
	{name: "a NUL", json: `a\u0000b`, form: "a%00b", head: "a\x00b"},
	{name: "broken UTF-8", json: "a\xffb", form: "a%ffb", head: "a\xffb"},
	{name: "half a surrogate pair", json: `a\ud800b`, form: "a%ed%a0%80b", head: "a\xed\xa0\x80b"},
	{name: "too much", json: strings.Repeat("x", 5000), form: strings.Repeat("x", 5000), head: strings.Repeat("x", 5000), long: true},
}

const (
	placeholder = "BADTEXT"
	formKind    = "application/x-www-form-urlencoded"
)

// texter sends bad text to every place of every route that takes text.
type texter struct {
	*walker
	people map[string][]apitest.User // by realm and role, several each: one person has a small share
	rules  map[string]*policy.Enforcer
	ids    map[string]string
	turn   int
	sent   int
	conn   net.Conn // nil: to be opened
	reader *bufio.Reader
}

func newTexter(t *testing.T) *texter {
	x := &texter{walker: newWalker(t), people: map[string][]apitest.User{}, rules: map[string]*policy.Enforcer{}}
	room := school.NewRoom(t, x.DB("jamaica"), 2, 2)
	x.ids = map[string]string{"class": room.Class.String(), "lesson": room.Lessons[0].String(), "learner": room.Learners[0].String(), "user": room.Learners[0].String(), "tenant": "bahamas", "course": "maths"}
	plan := tenants.Plans[2].Limits
	plan.ReadsPerSec, plan.WritesPerSec, plan.SignInsPerSec = 1_000_000, 1_000_000, 1_000_000
	x.Write("", func(tx *tenants.Tx) error {
		_, err := tenants.SetPlan(t.Context(), tx, "jamaica", "country", &plan, audit.Entry{Action: "test"})
		return err
	})
	if err := x.Registry.Refresh(t.Context()); err != nil {
		t.Fatal(err)
	}
	for slug, kind := range map[string]policy.RealmKind{"jamaica": policy.Tenant, "": policy.Platform} {
		name := slug
		if slug == "" {
			name = policy.PlatformRealm
		}
		e, err := policy.NewEnforcer(name, 1, policy.DefaultRules(kind, name))
		if err != nil {
			t.Fatal(err)
		}
		x.rules[slug] = e
		for _, role := range policy.SystemRoles(kind) {
			for range 8 {
				x.people[slug+"/"+role] = append(x.people[slug+"/"+role], x.User(slug, role))
			}
		}
	}
	return x
}

// who may use a route at a realm: somebody of the first role that holds its permission.
func (x *texter) who(slug string, rt api.Route) apitest.User {
	if _, public := rt.Permission.IsPublic(); public {
		return apitest.Anonymous(slug)
	}
	kind := policy.Tenant
	if slug == "" {
		kind = policy.Platform
	}
	for _, role := range policy.SystemRoles(kind) {
		if x.rules[slug].Allows([]string{role}, rt.Permission) {
			if rt.Permission == policy.SessionEnd { // which it then may do
				return x.User(slug, role)
			}
			x.turn++
			list := x.people[slug+"/"+role]
			return list[x.turn%len(list)]
		}
	}
	x.t.Fatalf("no role may %s", rt.Permission.Name())
	return apitest.User{}
}

// ask sends a request byte by byte, since no client would send such text, and asks again when told to wait.
func (x *texter) ask(slug string, rt api.Route, target, head, body string) (status int, answer string) {
	x.t.Helper()
	for range 100 {
		u := x.who(slug, rt)
		if u.Token != "" {
			head += "Authorization: Bearer " + u.Token + "\r\n"
		}
		if x.conn == nil {
			conn, err := net.Dial("tcp", fmt.Sprintf("127.0.0.1:%d", x.Port))
			if err != nil {
				x.t.Fatal(err)
			}
			x.conn, x.reader = conn, bufio.NewReader(conn)
		}
		fmt.Fprintf(x.conn, "%s %s HTTP/1.1\r\nHost: %s\r\nOrigin: %s\r\n%sContent-Length: %d\r\n\r\n%s", rt.Method, target, x.Host(slug), x.URL(slug), head, len(body), body)
		res, err := http.ReadResponse(x.reader, nil)
		if err != nil {
			x.t.Fatalf("%s %.200q: %v", rt.Method, target, err)
		}
		raw, _ := io.ReadAll(res.Body)
		res.Body.Close()
		if x.sent++; res.Close {
			x.conn.Close()
			x.conn = nil
		}
		if res.StatusCode != http.StatusTooManyRequests {
			return res.StatusCode, string(raw)
		}
		time.Sleep(100 * time.Millisecond)
	}
	return http.StatusTooManyRequests, ""
}

// check fails unless bad text was refused and its field named. Where the text is only too long, the route may also take it.
func (x *texter) check(rt api.Route, b bad, field string, status int, answer string) {
	x.t.Helper()
	where := fmt.Sprintf("%s %s: %s in %s", rt.Method, rt.Path, b.name, field)
	switch {
	case status >= 500:
		x.t.Errorf("%s: %d %.300s", where, status, answer)
	case b.long, status == http.StatusTooManyRequests:
	case status != http.StatusUnprocessableEntity && status != http.StatusBadRequest:
		x.t.Errorf("%s: %d %.300s", where, status, answer)
	case !rt.Page && status == http.StatusUnprocessableEntity && !strings.Contains(answer, `"name":"`+field):
		x.t.Errorf("%s: the field is not named: %.300s", where, answer)
	}
}

// path fills a route's parameters in, one of them with text.
func (x *texter) path(path, which, text string) string {
	return parameter.ReplaceAllStringFunc(path, func(name string) string {
		if name = strings.Trim(name, "{}"); name == which {
			return text
		}
		if id := x.ids[name]; id != "" {
			return id
		}
		return uuid.NewString()
	})
}

func TestNoTextFromOutsideIsAFaultOfOurs(t *testing.T) {
	x := newTexter(t)
	fields := formFields(t)
	type form struct {
		slug  string
		route api.Route
		b     bad
		field string
	}
	var forms []form
	for r, rt := range x.API.Routes() {
		for _, slug := range realms(rt) {
			for n, b := range badTexts {
				x.parameters(slug, rt, b, (r+n)%len(badTexts) == 0)
				x.bodies(slug, rt, b)
				if !rt.Page || rt.Method == http.MethodGet || len(rt.Takes) > 0 { // what is no text is for its route to judge
					continue
				}
				for f, name := range fields {
					if (r+f)%len(badTexts) == n { // each field meets each spelling, on one form or another
						forms = append(forms, form{slug, rt, b, name})
					}
				}
			}
		}
	}
	// Every field on every form: most forms have no such field, and all are read at one door.
	for _, f := range tenth.Of(t, forms) {
		body := "reason=a+reason+that+is+long+enough&" + f.field + "=" + f.b.form
		status, answer := x.ask(f.slug, f.route, x.path(f.route.Path, "", ""), "Content-Type: "+formKind+"\r\n", body)
		x.check(f.route, f.b, f.field, status, answer)
	}
	if x.sent < 2000 || len(forms) < 1000 {
		t.Errorf("only %d requests were sent, of %d with forms", x.sent, len(forms))
	}
	t.Logf("%d requests with bad text, %d form fields", x.sent, len(fields))
}

// parameters sends bad text in the path, the query and the headers of a route: those that it describes and, with all, those that it
// has from the pipeline and from HTTP.
func (x *texter) parameters(slug string, rt api.Route, b bad, all bool) {
	names := map[string][]string{}
	if all {
		names = map[string][]string{"query": {"next", "q", "cursor"}, "header": {"Idempotency-Key", "Device-Token", "User-Agent", "X-Request-Id", "X-Forwarded-For", "Referer", "Cookie", "Accept", "Accept-Language"}}
	}
	for _, p := range x.doc.Paths[rt.Path][strings.ToLower(rt.Method)].Parameters {
		if !slices.Contains(names[p.In], p.Name) {
			names[p.In] = append(names[p.In], p.Name)
		}
	}
	for _, name := range parameter.FindAllString(rt.Path, -1) {
		name = strings.Trim(name, "{}")
		status, answer := x.ask(slug, rt, x.path(rt.Path, name, b.form), "", "")
		x.check(rt, b, "path."+name, status, answer)
	}
	for _, name := range names["query"] {
		status, answer := x.ask(slug, rt, x.path(rt.Path, "", "")+"?"+url.QueryEscape(name)+"="+b.form, "", "")
		x.check(rt, b, "query."+name, status, answer)
	}
	for _, name := range names["header"] {
		status, answer := x.ask(slug, rt, x.path(rt.Path, "", ""), name+": "+b.head+"\r\n", "")
		if status >= 500 {
			x.t.Errorf("%s %s: %s in header %s: %d %.300s", rt.Method, rt.Path, b.name, name, status, answer)
		}
	}
}

// bodies sends bad text in each string of a route's JSON body.
func (x *texter) bodies(slug string, rt api.Route, b bad) {
	op := x.doc.Paths[rt.Path][strings.ToLower(rt.Method)]
	if op.RequestBody == nil || len(rt.Takes) > 0 { // what is no text is for its route to judge
		return
	}
	s := op.RequestBody.Content["application/json"].Schema
	places := 0
	for place := 0; ; place++ {
		n := place
		v, at := x.whole(s, "", "body", &n)
		if n >= 0 {
			break // there are no more places
		}
		places++
		raw, err := json.Marshal(v)
		if err != nil {
			x.t.Fatal(err)
		}
		status, answer := x.ask(slug, rt, x.path(rt.Path, "", ""), "Content-Type: application/json\r\n", strings.Replace(string(raw), placeholder, b.json, 1))
		x.check(rt, b, at, status, answer)
	}
	if places == 0 && !b.long { // a body of numbers: the name of a field is text as well
		status, answer := x.ask(slug, rt, x.path(rt.Path, "", ""), "Content-Type: application/json\r\n", `{"`+b.json+`":1}`)
		x.check(rt, b, "body.", status, answer)
	}
}

// whole makes a body with every field, the n-th string of which is the placeholder, and says where that is. n counts down, and is
// negative when the place was found.
func (x *texter) whole(s *schema, name, path string, n *int) (v any, at string) {
	if s == nil {
		return nil, ""
	}
	if s.Ref != "" {
		return x.whole(x.doc.Components.Schemas[s.Ref[strings.LastIndexByte(s.Ref, '/')+1:]], name, path, n)
	}
	kind, _ := s.Type.(string)
	if list, ok := s.Type.([]any); ok && len(list) > 0 {
		kind, _ = list[0].(string)
	}
	switch {
	case kind == "object":
		out := map[string]any{}
		for field, of := range s.Properties {
			if field == "$schema" {
				continue
			}
			var found string
			if out[field], found = x.whole(of, field, path+"."+field, n); found != "" {
				at = found
			}
		}
		return out, at
	case kind == "array":
		v, at = x.whole(s.Items, name, path+"[0]", n)
		return []any{v}, at
	case kind == "string", kind == "" && len(s.Properties) == 0: // JSON of any shape holds text as well
		if *n--; *n == -1 {
			return placeholder, path
		}
	}
	return x.doc.value(s, name, x.ids["class"]), ""
}

// formFields are the names of all fields of all pages' forms, as the templates and the code that reads them have them.
func formFields(t *testing.T) (list []string) {
	found := map[string]bool{}
	for dir, names := range map[string]*regexp.Regexp{"*.html": regexp.MustCompile(`name="([a-z_]+)"|\.Field "([a-z_]+)"`), "*.go": regexp.MustCompile(`f\.(?:Get|Text|Set)\("([a-z_]+)"`)} {
		for _, where := range []string{"../../api/*/" + dir, "../../api/*/*/" + dir} {
			files, err := filepath.Glob(where)
			if err != nil {
				t.Fatal(err)
			}
			for _, file := range files {
				text, err := os.ReadFile(file)
				if err != nil {
					t.Fatal(err)
				}
				for _, m := range names.FindAllStringSubmatch(string(text), -1) {
					found[strings.Join(m[1:], "")] = true
				}
			}
		}
	}
	for name := range found {
		if name != "viewport" && name != "description" {
			list = append(list, name)
		}
	}
	if slices.Sort(list); len(list) < 30 {
		t.Fatalf("only the fields %v were found", list)
	}
	return list
}

// Addresses that net/url does not like are no fault of ours either.
func TestNoAddressIsAFaultOfOurs(t *testing.T) {
	x := newTexter(t)
	rt := api.Route{Method: http.MethodGet, Path: "/api/v1/users", Permission: policy.UserRead}
	for _, target := range []string{"/api/v1/users/%zz", "/api/v1/users/%", "/api/v1/users/\x7f", "/api/v1/users?%zz=%", "//a:b/api/v1/users", "/api/v1/users/%2f..%2f", "http://a:b/api/v1/users",
		"/api/v1/users?q=%", "/api/v1/users?q=\x7f", "/api/v1/users?q=\x01", "/api/v1/me?%00", "/%ff", "/%00", "/sign-in?next=%00", "*", "/api/v1/../../x", "/api/v1/users;a=b", "/api/v1/users?" + strings.Repeat("a&", 3000)} {
		if status, answer := x.ask("jamaica", rt, target, "", ""); status >= 500 {
			t.Errorf("%q: %d %.200s", target, status, answer)
		}
	}
}
