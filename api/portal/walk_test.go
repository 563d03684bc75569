package portal_test

import (
	"context"
	"html"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/valyala/fasthttp"

	"lignum/api/account"
	"lignum/api/console"
	"lignum/api/portal"
	"lignum/domain/demo"
	"lignum/domain/identity"
	"lignum/tenants"
	"lignum/tests/apitest"
	"lignum/tests/school"
)

// demoTown is a served world with the demo data, whose people are known by their user names.
type demoTown struct {
	*apitest.Server
	t *testing.T
}

func newDemoTown(t *testing.T) *demoTown {
	s := apitest.Demo(t, portal.Register, console.Register)
	return &demoTown{s, t}
}

// who signs one of the demo people in.
func (w *demoTown) who(slug, name string) apitest.User {
	w.t.Helper()
	host := apitest.Anonymous(slug)
	host.UserName = name
	proof := map[string]string{"user_name": name, "password": demo.Password}
	if slug == "" { // the platform asks for a code as well
		code, _, err := identity.TOTPCode(demo.OTPSecret, time.Now())
		if err != nil {
			w.t.Fatal(err)
		}
		proof["code"] = code
	}
	host.Token = apitest.As[account.TokenAnswer](w.Post(host, "/api/v1/sign-in", proof)).AccessToken
	return host
}

// ids gives for each parameter of a path something that is there.
func (w *demoTown) ids(slug string) map[string]string {
	one := func(sql string) string {
		var text string
		if err := w.DB(slug).Read(w.t.Context(), func(r *tenants.Reader) error { return r.QueryRow(context.Background(), sql).Scan(&text) }); err != nil {
			w.t.Fatal(err)
		}
		return text
	}
	if w.Number(slug, "SELECT count(*) FROM roster_runs") == 0 {
		school.Roster(w.t, w.DB(slug), school.ID(w.t, w.DB(slug), "admin1"), "users.csv", "")
	}
	return map[string]string{"run": one(`SELECT id::text FROM roster_runs LIMIT 1`), "class": one(`SELECT e.class_id::text FROM enrolments e JOIN users u ON u.id = e.learner_id WHERE u.user_name = 'student1' AND e.state = 'active' LIMIT 1`),
		"test": one(`SELECT id::text FROM tests LIMIT 1`), "attempt": one(`SELECT a.id::text FROM attempts a JOIN users u ON u.id = a.learner_id WHERE u.user_name = 'student1' AND a.state <> 'open' LIMIT 1`),
		"course": one(`SELECT slug FROM courses LIMIT 1`), "lesson": one(`SELECT l.slug FROM lessons l JOIN courses c ON c.id = l.course_id WHERE c.slug = (SELECT slug FROM courses LIMIT 1) LIMIT 1`),
		"learner": one(`SELECT id::text FROM users WHERE user_name = 'student1'`), "user": one(`SELECT id::text FROM users WHERE user_name = 'student2'`), "role": "student", "tenant": "bahamas", "package": w.Package(slug, "Pendulum", map[string]string{"index.html": "<p>hello"}).ID.String(), "term": one(`SELECT id::text FROM terms LIMIT 1`)}
}

var parameter = regexp.MustCompile(`\{([a-z_]+)\}`)

// pages are the paths of all pages that are asked for, filled in.
func (w *demoTown) pages(fill func(name string) string) (paths []string) {
	for _, rt := range w.API.Routes() {
		if rt.Page && rt.Method == http.MethodGet && !strings.HasPrefix(rt.Path, "/.well-known/") {
			paths = append(paths, parameter.ReplaceAllStringFunc(rt.Path, func(m string) string { return url.PathEscape(fill(m[1 : len(m)-1])) }))
		}
	}
	return paths
}

func (w *demoTown) page(u apitest.User, path string) *apitest.Response {
	w.t.Helper()
	return w.Send(u, "GET", w.URL(u.Slug)+path, nil, "Accept", "text/html")
}

var (
	tag     = regexp.MustCompile(`(?s)<(?:script|style|head|code)\b.*?</(?:script|style|head|code)>|<[^>]*>`) // what stands as code is shown to administrators on purpose
	machine = regexp.MustCompile(`(?i)\buuid|\bjson\b|\butf|\bcursor\b|\bpermission\b|\b(?:query|body|path)\.|[a-z]_[a-z]|\[[0-9]+\]|\b[a-z]+\.(?:read|change|manage|start|answer|submit|register|leave|mark|progress|record|create|reset|suspend)\b|not valid|unprocessable|bytes`)
)

// said is what a person reads on a page.
func said(body []byte) string {
	return strings.Join(strings.Fields(html.UnescapeString(tag.ReplaceAllString(string(body), " "))), " ")
}

// Whatever is wrong with an address or a form, a person reads plain words. The API keeps its own.
func TestMachineWordsReachNobody(t *testing.T) {
	w := newDemoTown(t)
	people := []apitest.User{w.who("jamaica", "student1"), w.who("jamaica", "coach1"), w.who("jamaica", "school1"), w.who("jamaica", "official1"), w.who("jamaica", "guardian1"),
		w.who("jamaica", "admin1"), w.who("", "manager1"), apitest.Anonymous("jamaica")}
	queries := []string{"", "?cursor=x", "?cursor=" + strings.Repeat("A", 5000), "?q=" + strings.Repeat("a", 300), "?q=%00", "?subject=%ff", "?kind=nothing&among=x&period=y", "?among=school&period=1999-99",
		"?from=yesterday&to=x&by=z&first=a&last=b", "?class=x&show=y", "?role=a_b&state=c_d", "?actor=nobody_here&action=x", "?reason=x"}
	checked := 0
	look := func(u apitest.User, what string, r *apitest.Response) {
		t.Helper()
		if r.Status >= 500 {
			t.Errorf("%s %s: status %d", u.UserName, what, r.Status)
		}
		if r.Status < 400 || !strings.HasPrefix(r.Header.Get("Content-Type"), "text/html") {
			if r.Status >= 400 {
				t.Errorf("%s %s: %s instead of a page", u.UserName, what, r.Header.Get("Content-Type"))
			}
			return
		}
		checked++
		if found := machine.FindString(said(r.Body)); found != "" {
			t.Errorf("%s %.80s (%d): %q in %.900q", u.UserName, what, r.Status, found, said(r.Body))
		}
	}
	ids := w.ids("jamaica")
	for _, u := range people {
		for n, fill := range []func(string) string{func(name string) string { return ids[name] }, func(string) string { return "x" }, func(string) string { return uuid.NewString() }} {
			for _, path := range w.pages(fill) {
				for q, query := range queries {
					page := w.page(u, path+query)
					look(u, path+query, page)
					if q == 0 && (n != 0 || page.Status == http.StatusForbidden) {
						break // a wrong path is wrong with any query, and who may not come in is told so before it is read
					}
				}
			}
		}
		for _, rt := range w.API.Routes() {
			if !rt.Page || rt.Method != http.MethodPost || strings.HasPrefix(rt.Path, "/sign-out") || strings.HasSuffix(rt.Path, "/suspension") {
				continue
			}
			path := parameter.ReplaceAllString(rt.Path, "x")
			sent := url.Values{"role": {"a_b"}, "seats": {"many"}, "starts_on": {"x"}, "user_name": {"\xff"}, "coach_id": {"x"}, "course_id": {"x"}, "school_id": {"x"}, "weekly": {"?"}, "opens_at": {"x"}, "user_ids": {"x"}}
			look(u, "POST "+path, w.Send(u, "POST", w.URL(u.Slug)+path, sent.Encode(), "Content-Type", "application/x-www-form-urlencoded", "Accept", "text/html"))
		}
	}
	if checked < 200 {
		t.Fatalf("only %d refusals were read", checked)
	}
	if p := w.Get(people[0], "/api/v1/users").Want(http.StatusForbidden).Problem(); p.Permission != "user.read" || strings.Contains(p.Detail, "user.read") {
		t.Errorf("the permission belongs into a field of its own: %+v", p)
	}
}

var (
	posts = regexp.MustCompile(`(?s)<form\b[^>]*\bmethod="post"[^>]*>`)
	goes  = regexp.MustCompile(`\baction="([^"]*)"`)
	links = regexp.MustCompile(`<a\b[^>]*\bhref="(/[^"#]*)`)
)

// A read-only tenant says so on every page and shows nothing that would be refused; signing in and out work.
func TestAReadOnlyTenantOffersNothingThatFails(t *testing.T) {
	w := newDemoTown(t)
	const reason = "the move to a larger machine"
	people := []apitest.User{w.who("jamaica", "student1"), w.who("jamaica", "student2"), w.who("jamaica", "coach1"), w.who("jamaica", "teacher1"), w.who("jamaica", "school1"), w.who("jamaica", "official1"), w.who("jamaica", "admin1")}
	offered := func(u apitest.User, page *apitest.Response) (forms []string) {
		for _, form := range posts.FindAllString(string(page.Body), -1) {
			if action := goes.FindStringSubmatch(form); action == nil || !signsOut(action[1]) && action[1] != "/records" && !strings.Contains(action[1], "/export") { // a search changes nothing, and what is there can be taken home
				forms = append(forms, form)
			}
		}
		return forms
	}
	ids := w.ids("jamaica")
	paths := w.pages(func(name string) string { return ids[name] })
	before := 0
	for _, u := range people {
		for _, path := range paths {
			before += len(offered(u, w.page(u, path)))
		}
	}
	if before < 40 {
		t.Fatalf("only %d forms while everything works", before)
	}
	w.Send(w.who("", "manager1"), "POST", w.URL("")+"/console/tenants/jamaica/suspension", url.Values{"state": {"read_only"}, "reason": {reason}}.Encode(),
		"Content-Type", "application/x-www-form-urlencoded").Want(http.StatusSeeOther)
	if err := w.Registry.Refresh(t.Context()); err != nil {
		t.Fatal(err)
	}
	seen := 0
	for _, u := range people {
		followed := map[string]bool{} // the menu is on every page
		for _, path := range paths {
			page := w.page(u, path)
			if page.Status/100 == 3 {
				continue
			}
			seen++
			if text := said(page.Body); !strings.Contains(text, "nothing can be changed") || !strings.Contains(text, reason) {
				t.Errorf("%s %s does not say that nothing can be changed: %s", u.UserName, path, text)
			}
			for _, form := range offered(u, page) {
				t.Errorf("%s %s offers %s", u.UserName, path, form)
			}
			for _, m := range links.FindAllStringSubmatch(string(page.Body), -1) {
				to := html.UnescapeString(m[1])
				if page.Status != http.StatusOK || followed[to] {
					continue
				}
				followed[to] = true
				if w.page(u, to).Status == http.StatusConflict {
					t.Errorf("%s %s leads to %s, which is refused", u.UserName, path, to)
				}
			}
		}
	}
	if seen < 60 {
		t.Fatalf("only %d pages were seen", seen)
	}
	at := w.URL("jamaica")
	in := w.Send(apitest.Anonymous("jamaica"), "POST", at+"/sign-in", url.Values{"user_name": {"student3"}, "password": {demo.Password}}.Encode(), "Content-Type", "application/x-www-form-urlencoded", "Origin", at)
	in.Want(http.StatusSeeOther)
	w.Send(people[0], "POST", at+"/sign-out", "", "Content-Type", "application/x-www-form-urlencoded").Want(http.StatusSeeOther)
}

func signsOut(action string) bool {
	return slices.Contains([]string{"/sign-out", "/sign-out/everywhere", "/sign-in", "/card", "/forgotten"}, action) || strings.HasPrefix(action, "/account/sessions/")
}

// Pages travel compressed, but none on which a secret stands, nor what repeats the address.
func TestPagesAreCompressedButForSecrets(t *testing.T) {
	w := newDemoTown(t)
	student, admin := w.who("jamaica", "student1"), w.who("jamaica", "admin1")
	ask := func(u apitest.User, method, path, body, accepts string) *apitest.Response {
		return w.Send(u, method, w.URL(u.Slug)+path, body, "Accept", "text/html", "Accept-Encoding", accepts, "Content-Type", "application/x-www-form-urlencoded")
	}
	ids := w.ids("jamaica")
	for _, path := range []string{"/home", "/classes", "/privacy", "/points", "/leaderboard", "/account", "/attempts", "/classes/" + ids["class"], "/attempts/" + ids["attempt"] + "/result"} {
		plain := ask(student, "GET", path, "", "identity").Want(http.StatusOK)
		for _, coding := range []string{"br", "gzip"} {
			got := ask(student, "GET", path, "", coding).Want(http.StatusOK)
			if got.Header.Get("Content-Encoding") != coding || !strings.Contains(got.Header.Get("Vary"), "Accept-Encoding") || len(got.Body) > len(plain.Body)/2 {
				t.Errorf("%s, %s: %d bytes of %d, %v", path, coding, len(got.Body), len(plain.Body), got.Header)
			}
		}
	}
	if text, err := fasthttp.AppendUnbrotliBytes(nil, ask(student, "GET", "/privacy", "", "br").Body); err != nil || !strings.Contains(string(text), "</html>") {
		t.Errorf("what is compressed cannot be read: %v", err)
	}
	for _, c := range []struct{ accepts, want string }{{"gzip, deflate, br", "br"}, {"gzip;q=1.0, br;q=0", "gzip"}, {"br;q=0.1, gzip;q=0.5", "gzip"}, {"*", "br"}, {"*;q=0", ""}, {"", ""}, {"deflate", ""}, {"GZIP ; q=0.2", "gzip"}} {
		if got := ask(student, "GET", "/privacy", "", c.accepts).Header.Get("Content-Encoding"); got != c.want {
			t.Errorf("%q gives %q, want %q", c.accepts, got, c.want)
		}
	}
	start := ask(student, "POST", "/tests/"+ids["test"]+"/start", "", "br")
	for _, c := range []struct {
		u                  apitest.User
		method, path, body string
	}{
		{student, "GET", start.Header.Get("Location"), ""}, {student, "GET", "/classes?q=abc", ""}, {student, "POST", "/account/authenticator", ""},
		{student, "POST", "/account/password", "old_password=x&password=y&again=z"}, {admin, "POST", "/people/" + ids["user"] + "/card", ""}, {admin, "GET", "/people?q=secret", ""},
		{admin, "POST", "/people", "given_name=x"}, {admin, "GET", "/people/new", ""},
	} {
		if got := ask(c.u, c.method, c.path, c.body, "br, gzip"); got.Status/100 != 2 && got.Status/100 != 4 || got.Header.Get("Content-Encoding") != "" {
			t.Errorf("%s %s: status %d, %q", c.method, c.path, got.Status, got.Header.Get("Content-Encoding"))
		}
	}
}
