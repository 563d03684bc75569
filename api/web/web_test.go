package web

import (
	"compress/gzip"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/gofiber/fiber/v2"

	"lignum/api"
	"lignum/domain"
	"lignum/domain/catalog/item"
	"lignum/domain/words"
	"lignum/tenants"
)

// show renders one page outside a realm and gives the answer's header and body.
func show(t *testing.T, page string, p Page) (http.Header, string) {
	t.Helper()
	own := Parse(fstest.MapFS{"pages/x.html": {Data: []byte(page)}})
	app := fiber.New()
	app.Get("/x", func(fc *fiber.Ctx) error {
		return own.Render(&api.Call{Language: words.English, Now: time.Date(2026, 11, 23, 15, 0, 0, 0, time.UTC), Tenant: &tenants.Tenant{State: tenants.Active, TimeZone: "America/Jamaica"}}, fc, "x", p)
	})
	res, err := app.Test(httptest.NewRequest("GET", "/x", nil), -1) // the first page packs all static files
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	if res.StatusCode != 200 {
		t.Fatalf("%d: %s", res.StatusCode, body)
	}
	return res.Header, string(body)
}

func TestNonceIsOnScriptAndStyleAndFreshEachTime(t *testing.T) {
	header, body := show(t, `{{define "main"}}ok{{end}}`, Page{Title: "T"})
	csp := header.Get("Content-Security-Policy")
	m := regexp.MustCompile(`script-src 'nonce-([A-Za-z0-9+/]{22})'`).FindStringSubmatch(csp)
	if m == nil || strings.Contains(csp, "unsafe") || !strings.HasPrefix(csp, "default-src 'none'") {
		t.Fatalf("policy: %s", csp)
	}
	if n := strings.Count(body, `nonce="`+strings.ReplaceAll(m[1], "+", "&#43;")+`"`); n != 2 {
		t.Fatalf("the nonce is on %d elements:\n%s", n, body)
	}
	if n := strings.Count(body, "<script") + strings.Count(body, "<style"); n != 2 {
		t.Fatalf("%d scripts and styles", n)
	}
	again, _ := show(t, `{{define "main"}}ok{{end}}`, Page{Title: "T"})
	if again.Get("Content-Security-Policy") == csp {
		t.Fatal("two answers have the same nonce")
	}
}

func TestTextIsEscaped(t *testing.T) {
	const evil = `<script>alert(1)</script>"'`
	_, body := show(t, `{{define "main"}}{{template "heading" .}}{{template "problems" .}}{{template "field" (.Field "name" "Name")}}<p title="{{.Data}}">{{.Data}}</p>{{end}}`,
		Page{Title: evil, Data: evil, Form: &Form{Values: url.Values{"name": {evil}}, Message: words.Plain(evil), Errors: []domain.Field{{Name: "name", Reason: words.Plain(evil)}}}})
	if strings.Contains(body, "<script>alert") || strings.Contains(body, `)</script>"`) {
		t.Fatal(body)
	}
}

func TestFormKeepsWhatWasTypedButPasswords(t *testing.T) {
	f := &Form{Values: url.Values{"name": {"Tajay"}, "password": {"do not show me"}}}
	if !f.Fail(domain.InvalidField("password", "must have at least 15 characters")) {
		t.Fatal("a domain error was not taken")
	}
	_, body := show(t, `{{define "main"}}{{template "problems" .}}{{template "field" (.Field "name" "Name")}}{{template "field" (.Field "password" "Password" "kind" "password")}}{{end}}`, Page{Form: f})
	for _, want := range []string{`value="Tajay"`, `aria-invalid="true"`, `aria-describedby="e-password"`, `href="#f-password"`, "must have at least 15 characters"} {
		if !strings.Contains(body, want) {
			t.Errorf("%s is missing", want)
		}
	}
	if strings.Contains(body, "do not show me") {
		t.Error("a password was sent back")
	}
	if (&Form{}).Fail(io.EOF) {
		t.Error("an error of ours was taken for the typist's")
	}
}

func TestTimesAreTheTenants(t *testing.T) {
	_, body := show(t, `{{define "main"}}[{{.When .Data}}][{{.Day .Data}}][{{.Clock .Data}}]{{end}}`, Page{Data: time.Date(2026, 11, 24, 2, 30, 0, 0, time.UTC)})
	if !strings.Contains(body, "[Mon 23 Nov, 21:30][Mon 23 Nov 2026][21:30]") {
		t.Fatal(body)
	}
}

func TestLocalPath(t *testing.T) {
	for _, good := range []string{"/", "/home", "/classes?q=a&b=c", "/a/b#c"} {
		if LocalPath(good) != good {
			t.Errorf("%q was refused", good)
		}
	}
	for _, bad := range []string{"", "home", "//evil.example", "/\\evil.example", "https://evil.example/", "javascript:alert(1)", "/a\nb", "/\t/evil.example", "/ /x", "///x", "/%zz"} {
		if got := LocalPath(bad); got != "" {
			t.Errorf("%q passed as %q", bad, got)
		}
	}
}

func TestAssetsLiveForeverUnderTheirHash(t *testing.T) {
	app := fiber.New()
	app.Get("/assets/:hash/:file", serveAsset)
	for _, name := range []string{"lignum.css", "lignum.js", "icon.svg"} {
		path, err := Asset(words.English, name)
		if err != nil {
			t.Fatal(err)
		}
		req := httptest.NewRequest("GET", path, nil)
		req.Header.Set("Accept-Encoding", "gzip")
		res, err := app.Test(req, -1)
		if err != nil {
			t.Fatal(err)
		}
		defer res.Body.Close()
		if res.StatusCode != 200 || !strings.Contains(res.Header.Get("Cache-Control"), "immutable") {
			t.Fatalf("%s: %d %v", path, res.StatusCode, res.Header)
		}
		z, err := gzip.NewReader(res.Body)
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(z)
		if want, _ := static.ReadFile("static/" + name); err != nil || !strings.Contains(string(body), string(want)) {
			t.Fatalf("%s: %v", name, err)
		}
	}
	for _, path := range []string{"/assets/000000000000/lignum.css", "/assets/000000000000/nothing.css"} {
		if status := statusOf(t, app, httptest.NewRequest("GET", path, nil)); status != 404 {
			t.Errorf("%s: %d", path, status)
		}
	}
	if css, _ := static.ReadFile("static/lignum.css"); len(css) > 13_000 {
		t.Errorf("the style sheet has %d bytes; weak networks carry it", len(css))
	}
	for _, l := range words.Languages() {
		f, ok := file(spoken("lignum.js", l))
		if !ok {
			t.Fatalf("there is no script in %s", l)
		}
		if packed := f.packed()["br"]; len(packed) > 9_500 {
			t.Errorf("the script has %d bytes in %s, packed; weak networks carry it", len(packed), l)
		}
	}
}

// bodyOf is a static file.
func bodyOf(t *testing.T, name string) string {
	t.Helper()
	f, ok := file(name)
	if !ok {
		t.Fatalf("there is no static file %q", name)
	}
	return string(f.body)
}

// The readers of a paper's questions come as one script, in which each is whole.
func TestReadersOfAllKindsAreOneScript(t *testing.T) {
	script := bodyOf(t, spoken("kinds.js", words.English))
	for _, k := range item.Kinds {
		if strings.Count(script, "\nkinds."+string(k)+" = (() => {") != 1 {
			t.Errorf("there is no reader of %s", k)
		}
	}
	if left := regexp.MustCompile(`(?m)^\s*(?:import|export)\b.*`).FindString(script); left != "" {
		t.Errorf("a module is not taken apart: %s", left)
	}
	if returns := strings.Count(script, "\nreturn "); returns != len(item.Kinds) {
		t.Errorf("%d modules give something, of %d", returns, len(item.Kinds))
	}
	for _, m := range regexp.MustCompile(`= kinds\.(\w+);`).FindAllStringSubmatchIndex(script, -1) {
		if name := script[m[2]:m[3]]; !strings.Contains(script[:m[0]], "\nkinds."+name+" = ") {
			t.Errorf("%s is used before it is there", name)
		}
	}
	if len(script) > 8_000 {
		t.Errorf("the readers have %d bytes; weak networks carry them", len(script))
	}
}

func statusOf(t *testing.T, app *fiber.App, req *http.Request) int {
	t.Helper()
	res, err := app.Test(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	return res.StatusCode
}

func TestNumbersInWords(t *testing.T) {
	for got, want := range map[string]string{words.English.Number(1234567): "1,234,567", words.English.Number(-1200): "−1,200", words.English.Number(7): "7", words.English.Say("page.days", "N", 1): "1 day",
		words.English.Say("page.days", "N", 1200): "1,200 days", minutes(words.English, 45): "45 min", minutes(words.English, 120): "2 h", minutes(words.English, 95): "1 h 35 min", date(words.English, "2026-09-08"): "8 Sep 2026", date(words.English, "?"): "?",
		words.English.Word("tenant_administrator"): "Tenant administrator"} {
		if got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
	if percent(3, 0) != 0 || percent(5, 4) != 100 || percent(1, 3) != 33 {
		t.Error("percent")
	}
}

// The menu is written without a template: what stands in it is escaped all the same, and the place where one is is marked.
func TestTheMenuIsEscapedAndMarked(t *testing.T) {
	v := &View{Language: words.English, Menu: []Link{{Path: `/<b> & "c"`}, {Path: `/home"onload="y`, Current: true}}}
	want := `<li><a href="/&lt;b&gt; &amp; &#34;c&#34;">menu.&lt;b&gt; &amp; &#34;c&#34;</a></li><li><a href="/home&#34;onload=&#34;y" aria-current="page">menu.home&#34;onload=&#34;y</a></li>`
	if got := string(v.Links()); got != want {
		t.Errorf("%s\nwant %s", got, want)
	}
}

// A script comes with the words that it names, in the language of the page, and with no others.
func TestScriptsSpeakTheLanguageOfThePage(t *testing.T) {
	for _, l := range []words.Language{words.English, words.Pseudo} {
		for script, says := range map[string]string{"lignum.js": "script.saving", "kinds.js": "script.order_taken_back", "staff.js": "page.it_is_pale"} {
			path, err := Asset(l, script)
			if err != nil {
				t.Fatal(err)
			}
			body := bodyOf(t, path[strings.LastIndexByte(path, '/')+1:])
			if want := `"` + says + `":"` + l.Say(says) + `"`; !strings.Contains(body, want) || !strings.HasSuffix(body, `, "`+string(l)+`"));`+"\n") {
				t.Errorf("%s does not have %s", path, want)
			}
			if strings.Contains(body, `"script.show":`) != (script == "lignum.js") {
				t.Errorf("%s has words that it does not say, or lacks those that it does", path)
			}
		}
	}
	if want := `"script.minutes_left":{"one":"One minute left","other":"{{.N}} minutes left"}`; !strings.Contains(bodyOf(t, "lignum.en.js"), want) {
		t.Errorf("there is no %s", want)
	}
	defer func() {
		if recover() == nil {
			t.Error("a script may name what has no words")
		}
	}()
	speaking([]byte(`t("script.nothing_like_it")`), []string{"script.nothing_like_it"}, words.English)
}

// What fills a sentence is escaped for its place, and said as people say it; a link and what is only read out stand in their sentence.
func TestSentencesAreFilledWhereTheyStand(t *testing.T) {
	const evil = `<b>"x"&`
	_, body := show(t, `{{define "main"}}{{$n := 1200}}{{$in := t "page.lessons_done_in" "Title" .Data}}[{{$in}}][{{t "page.minutes" "Minutes" (number $n)}}]`+
		`[{{t "page.your_account" "UserName" .Data}}][{{t "learner.nobody_takes_part_yet_on"}}][{{t "page.days" "N" $n}}]`+
		`{{template "bar" (dict "done" 1 "of" 2 "label" (t "page.lessons_done_in" "Title" $n))}}{{end}}`, Page{Title: "T", Data: evil})
	const escaped = `&lt;b&gt;&#34;x&#34;&amp;`
	for _, want := range []string{"[Lessons done in " + escaped + "]", "[1,200 min]", `[<span class="hidden">Your account: </span>` + escaped + "]",
		`[Nobody takes part yet. On <a href="/points">My points</a> you see how to join.]`, "[1,200 days]", `aria-label="Lessons done in 1,200"`} {
		if !strings.Contains(body, want) {
			t.Errorf("there is no %s in\n%s", want, body)
		}
	}
	n := 7
	if got := filled(words.English, "a ", &n, " b ", words.Say("page.hours", "Hours", 2), "", item.Essay); got != "a 7 b 2 hessay" {
		t.Errorf("filled: %q", got)
	}
}
