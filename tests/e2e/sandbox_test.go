package e2e

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"lignum/domain/demo"
	"lignum/tenants/packages"
	"lignum/tests/apitest"
)

// stranger is a host elsewhere, which notes whatever reaches it.
type stranger struct {
	*httptest.Server
	mu    sync.Mutex
	asked []string
}

func newStranger(t *testing.T) *stranger {
	t.Helper()
	s := &stranger{}
	s.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.asked = append(s.asked, r.Method+" "+r.URL.Path)
		w.Header().Set("Access-Control-Allow-Origin", "*")
	}))
	t.Cleanup(s.Close)
	return s
}

func (s *stranger) heard() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return strings.Join(s.asked, ", ")
}

// samplePackage is testdata/package, which tries whatever it can and tells the page above it; it is told where the tenant and a stranger are.
func samplePackage(t *testing.T, s *apitest.Server, elsewhere string) *packages.Package {
	t.Helper()
	entries := map[string]string{}
	for _, name := range []string{"index.html", "probe.js"} {
		text, err := os.ReadFile("testdata/package/" + name)
		if err != nil {
			t.Fatal(err)
		}
		entries[name] = string(text)
	}
	dot, err := base64.StdEncoding.DecodeString("R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7")
	if err != nil {
		t.Fatal(err)
	}
	page := string(s.Get(apitest.Anonymous("jamaica"), "/sign-in").Want(http.StatusOK).Body)
	picture, script := regexp.MustCompile(`/assets/\w+/icon.svg`).FindString(page), regexp.MustCompile(`/assets/\w+/[\w.]+\.js`).FindString(page)
	s.Get(apitest.Anonymous("jamaica"), picture).Want(http.StatusOK)
	s.Get(apitest.Anonymous("jamaica"), script).Want(http.StatusOK)
	where, err := json.Marshal(map[string]string{"tenant": s.URL("jamaica"), "picture": picture, "script": script, "stranger": elsewhere})
	if err != nil {
		t.Fatal(err)
	}
	entries["pictures/dot.gif"], entries["where.json"] = string(dot), string(where)
	return s.Package("jamaica", "Pendulum", entries)
}

// A package runs its script, and reaches nothing but its own files: not the page around it, nobody's cookies or storage, not the tenant's API with the learner's
// session, no window, and no other host.
func TestAPackageReachesNothingButItself(t *testing.T) {
	t.Parallel()
	s := serve(t)
	other := newStranger(t)
	p := samplePackage(t, s, other.URL)
	b := open(t, s, "jamaica", "student1", 1280)
	// The page names the hosts by the server's own port, so it is not opened through the person's wire.
	at := func(path string) chromedp.Action { return chromedp.Navigate(s.URL("jamaica") + path) }
	b.do(at("/sign-in"), chromedp.WaitReady("main"), chromedp.SendKeys(`input[name=user_name]`, b.name), chromedp.SendKeys(`input[name=password]`, demo.Password))
	b.click(`main form button:not([type=button])`)
	b.do(at("/packages/"+p.ID.String()), chromedp.WaitReady("iframe"), chromedp.Evaluate(`localStorage.setItem('secret', 'mine'); document.title = 'Pendulum around';
		window.told = null; window.from = null; window.addEventListener('message', e => { window.told = e.data; window.from = e.origin }); 0`, nil))
	b.until("the package told what it tried", `!!(window.told && window.told.done)`)
	var told map[string]string
	var from string
	b.do(chromedp.Evaluate(`Object.fromEntries(Object.entries(window.told).map(([k, v]) => [k, String(v)]))`, &told), chromedp.Evaluate(`window.from`, &from))
	for what, want := range map[string]string{"script": "ran", "picture": "loaded", "own": "read", "module": "ran"} {
		if told[what] != want {
			t.Errorf("%s: %q, want %q: what a package may do does not work, so that the rest says nothing", what, told[what], want)
		}
	}
	refused := []string{"parent's document", "parent's cookies", "parent's storage", "cookies", "localStorage", "sessionStorage", "indexedDB", "caches", "service worker", "tenant's API", "tenant's picture",
		"tenant's script", "top", "top of the same", "popup", "dialog", "stranger's answer", "stranger's picture", "stranger's script", "stranger's style", "stranger's socket", "stranger's beacon", "stranger's frame", "form", "inline script", "eval", "camera"}
	for _, what := range refused {
		if !strings.HasPrefix(told[what], "refused") {
			t.Errorf("%s: %q, want it refused", what, told[what])
		}
	}
	if from != "null" || len(told) != len(refused)+5 {
		t.Errorf("it speaks as %q, and told %d things: %v", from, len(told), told)
	}
	b.until("the page around it is as it was", `document.title === 'Pendulum around' && localStorage.getItem('secret') === 'mine' && location.pathname.startsWith('/packages/')`)
	b.shot("package-1280")
	// It may lead its own frame nowhere else either.
	b.do(chromedp.Evaluate(`document.querySelector('iframe').contentWindow.postMessage('leave', '*'); 0`, nil))
	b.until("it tried to leave", `!!(window.told && window.told.left)`)
	time.Sleep(time.Second) // in which it would have come there
	if heard := other.heard(); heard != "" {
		t.Errorf("a stranger heard of it: %s", heard)
	}
	if n := s.Number("jamaica", `SELECT count(*) FROM audit_entries WHERE action LIKE 'profile%'`); n != 0 {
		t.Errorf("%d entries of what it would have done", n)
	}

	phone := open(t, s, "jamaica", "student1", 360)
	phone.do(chromedp.Navigate(s.URL("jamaica")+"/sign-in"), chromedp.WaitReady("main"), chromedp.SendKeys(`input[name=user_name]`, b.name), chromedp.SendKeys(`input[name=password]`, demo.Password))
	phone.click(`main form button:not([type=button])`)
	phone.do(chromedp.Navigate(s.URL("jamaica")+"/packages/"+p.ID.String()), chromedp.WaitReady("iframe"))
	phone.until("nothing is wider than the phone", `document.documentElement.scrollWidth <= 360`)
	phone.shot("package-360")

	// Opened by itself it has no origin of its own either, so neither cookies nor storage.
	alone := open(t, s, "jamaica", "alone", 1280)
	alone.do(chromedp.Navigate(fmt.Sprintf("http://%s.sandbox.localhost:%d/", p.Label("jamaica"), s.Port)), chromedp.WaitReady("#told"))
	alone.until("it tried all it can", `document.querySelector('#told').dataset.done === 'true'`)
	var own string
	alone.do(chromedp.Evaluate(`JSON.stringify([window.origin, document.querySelector('#told').dataset.cookies, document.querySelector('#told').dataset.localstorage])`, &own))
	if own != `["null","refused: SecurityError","refused: SecurityError"]` {
		t.Errorf("by itself it is %s", own)
	}
	if heard := other.heard(); heard != "" {
		t.Errorf("a stranger heard of it: %s", heard)
	}
}
