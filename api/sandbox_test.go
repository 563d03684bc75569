package api_test

import (
	"fmt"
	"net/http"
	"regexp"
	"strings"
	"testing"

	"lignum/api/console"
	"lignum/api/portal"
	"lignum/tenants/packages"
	"lignum/tests/apitest"
)

// at is where a package of a tenant is answered, or whatever label one takes for it.
func at(s *apitest.Server, label, path string) string {
	return fmt.Sprintf("http://%s.sandbox.localhost:%d%s", label, s.Port, path)
}

func aPackage(s *apitest.Server) *packages.Package {
	return s.Package("jamaica", "Pendulum", map[string]string{"index.html": "<p>hello", "a.js": "let a = 1", "part/index.html": "<p>part", "film.mp4": "0123456789", "empty.css": ""})
}

// confined fails where an answer of a package's host sets a cookie or lacks one of the fences.
func confined(t *testing.T, r *apitest.Response) {
	t.Helper()
	for name, want := range map[string]string{"X-Content-Type-Options": "nosniff", "Referrer-Policy": "no-referrer", "Origin-Agent-Cluster": "?1", "Cross-Origin-Resource-Policy": "cross-origin",
		"Cross-Origin-Opener-Policy": "same-origin", "Access-Control-Allow-Origin": "*", "Set-Cookie": "", "X-Frame-Options": "", "Access-Control-Allow-Credentials": ""} {
		if got := r.Header.Get(name); got != want {
			t.Errorf("%s: %s is %q, want %q", r.What, name, got, want)
		}
	}
	if policy := r.Header.Get("Permissions-Policy"); !strings.Contains(policy, "camera=()") || !strings.Contains(policy, "geolocation=()") {
		t.Errorf("%s: %q", r.What, policy)
	}
}

func TestAPackageIsAnsweredAtItsOriginAlone(t *testing.T) {
	t.Parallel()
	s := apitest.New(t)
	p := aPackage(s)
	label := p.Label("jamaica")
	nobody := apitest.Anonymous("jamaica")
	get := func(label, path string, headers ...string) *apitest.Response {
		t.Helper()
		r := s.Send(nobody, http.MethodGet, at(s, label, path), nil, headers...)
		confined(t, r)
		return r
	}
	policy := fmt.Sprintf("sandbox allow-scripts; default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; style-src 'self' 'unsafe-inline'; img-src 'self' data: blob:; media-src 'self' blob:; "+
		"font-src 'self' data:; connect-src 'self'; form-action 'none'; base-uri 'none'; frame-ancestors http://jamaica.localhost:%d", s.Port)
	for path, want := range map[string][2]string{"/": {"<p>hello", "text/html; charset=utf-8"}, "/index.html": {"<p>hello", "text/html; charset=utf-8"}, "/a.js": {"let a = 1", "text/javascript; charset=utf-8"},
		"/a.js?v=1": {"let a = 1", "text/javascript; charset=utf-8"}, "/part/": {"<p>part", "text/html; charset=utf-8"}, "/%61.js": {"let a = 1", "text/javascript; charset=utf-8"}, "/empty.css": {"", "text/css; charset=utf-8"}} {
		r := get(label, path).Want(http.StatusOK)
		if string(r.Body) != want[0] || r.Header.Get("Content-Type") != want[1] || r.Header.Get("Content-Security-Policy") != policy || r.Header.Get("Cache-Control") != "private, max-age=3600" {
			t.Errorf("%s: %q, %v", path, r.Body, r.Header)
		}
	}
	if r := get(label, "/film.mp4", "Range", "bytes=2-4").Want(http.StatusPartialContent); string(r.Body) != "234" || r.Header.Get("Content-Range") != "bytes 2-4/10" {
		t.Errorf("%q %v", r.Body, r.Header)
	}
	if r := s.Send(nobody, http.MethodHead, at(s, label, "/a.js"), nil).Want(http.StatusOK); len(r.Body) != 0 || r.Header.Get("Content-Length") != "9" {
		t.Errorf("HEAD: %q %v", r.Body, r.Header)
	}
	// Who is signed in is nobody here.
	if r := s.Send(s.User("jamaica", "tenant_administrator"), http.MethodGet, at(s, label, "/"), nil, "Cookie", "lignum_access=x").Want(http.StatusOK); string(r.Body) != "<p>hello" {
		t.Errorf("%q", r.Body)
	}
	foreign := s.Package("bahamas", "Pendulum", map[string]string{"index.html": "<p>hello"})
	for _, wrong := range [][2]string{{label, "/none.js"}, {label, "/part"}, {label, "/index.html/"}, {label, "/../a.js"}, {label, "/part/../a.js"}, {label, "/part/%2e%2e/a.js"}, {label, "/%2e%2e%2fa.js"}, {label, "/part%2f..%2fa.js"},
		{label, "//a.js"}, {label, "/./a.js"}, {label, `/part\..\a.js`}, {label, "/part%5c..%5ca.js"}, {label, "/a.js%00"}, {label, "/A.js"}, {label, "/%2561.js"},
		{foreign.Label("jamaica"), "/"}, {p.Label("bahamas"), "/"}, {p.Label("nowhere"), "/"}, {"jamaica-" + strings.Repeat("a", 26), "/"}, {"jamaica", "/"}, {p.Origin, "/"}, {"x." + label, "/"},
		{label + "x", "/"}, {"jamaica-", "/"}, {"platform", "/"}} {
		r := get(wrong[0], wrong[1]).Want(http.StatusNotFound)
		if got := r.Header.Get("Content-Security-Policy"); got != "default-src 'none'; frame-ancestors 'none'" || r.Header.Get("Cache-Control") != "no-store" {
			t.Errorf("%v: %q", wrong, got)
		}
	}
	get(foreign.Label("bahamas"), "/").Want(http.StatusOK)
	for _, method := range []string{http.MethodPost, http.MethodPut, http.MethodDelete, http.MethodPatch, http.MethodOptions, http.MethodTrace} {
		r := s.Send(nobody, method, at(s, label, "/a.js"), "x=1").Want(http.StatusNotFound)
		confined(t, r)
	}
	// The bare domain, and the tenant's own host, have nothing of it.
	s.Send(nobody, http.MethodGet, fmt.Sprintf("http://sandbox.localhost:%d/", s.Port), nil).Want(http.StatusNotFound)
	s.Get(nobody, "/a.js").Want(http.StatusNotFound)
	// Capital letters and a trailing dot are the same host.
	get(strings.ToUpper(label), "/").Want(http.StatusOK)
	s.Send(nobody, http.MethodGet, fmt.Sprintf("http://%s.sandbox.localhost.:%d/", label, s.Port), nil).Want(http.StatusOK)

	if _, err := s.Direct(t).Exec(t.Context(), "UPDATE control.tenants SET state = 'suspended', state_reason = 'unpaid' WHERE slug = 'jamaica'; UPDATE control.versions SET n = n + 1 WHERE slug = '' AND kind = 'registry'"); err != nil {
		t.Fatal(err)
	}
	if err := s.Registry.Refresh(t.Context()); err != nil {
		t.Fatal(err)
	}
	get(label, "/").Want(http.StatusNotFound)
}

// Whatever the program answers elsewhere, a package's host does not know it.
func TestNoRouteIsAtAPackagesHost(t *testing.T) {
	t.Parallel()
	s := apitest.New(t, portal.Register, console.Register)
	label := aPackage(s).Label("jamaica")
	admin := s.UserWith("jamaica", []string{"tenant_administrator"}, apitest.SecondFactor())
	parameter := regexp.MustCompile(`\{[^}]+\}`)
	walked := 0
	for _, rt := range s.API.Routes() {
		path := parameter.ReplaceAllString(rt.Path, "x")
		if path == "/" {
			continue // which is the package's own first document there
		}
		r := s.Send(admin, rt.Method, at(s, label, path), nil).Want(http.StatusNotFound)
		confined(t, r)
		walked++
	}
	for _, path := range []string{"/openapi.json", "/reference", "/livez", "/readyz", "/metrics", "/.well-known/jwks.json", "/robots.txt", "/favicon.ico"} {
		confined(t, s.Send(admin, http.MethodGet, at(s, label, path), nil).Want(http.StatusNotFound))
	}
	if walked < 150 {
		t.Errorf("only %d routes were walked", walked)
	}
	if n := s.Trail("jamaica", "", "refused"); n != 0 {
		t.Errorf("%d refusals in the trail: somebody was known there", n)
	}
}

// A tenant's pages frame nothing, but for the page that shows a package.
func TestAFrameIsOnThePageOfAPackageAlone(t *testing.T) {
	t.Parallel()
	s := apitest.New(t, portal.Register)
	p := aPackage(s)
	learner := s.User("jamaica", "student")
	page := s.Send(learner, http.MethodGet, s.URL("jamaica")+"/packages/"+p.ID.String(), nil, "Accept", "text/html").Want(http.StatusOK)
	frame := at(s, p.Label("jamaica"), "/")
	if policy := page.Header.Get("Content-Security-Policy"); !strings.HasSuffix(policy, "; frame-src "+frame) {
		t.Errorf("%q", policy)
	}
	if want := `<iframe class="card" src="` + frame + `" title="Pendulum" sandbox="allow-scripts" referrerpolicy="no-referrer"`; !strings.Contains(string(page.Body), want) {
		t.Errorf("no %s in\n%s", want, page.Body)
	}
	for _, path := range []string{"/home", "/resources"} {
		r := s.Send(learner, http.MethodGet, s.URL("jamaica")+path, nil, "Accept", "text/html").Want(http.StatusOK)
		if strings.Contains(r.Header.Get("Content-Security-Policy"), "frame-src") || strings.Contains(string(r.Body), "<iframe") {
			t.Errorf("%s frames something", path)
		}
	}
	s.Send(s.User("bahamas", "student"), http.MethodGet, s.URL("bahamas")+"/packages/"+p.ID.String(), nil, "Accept", "text/html").Want(http.StatusNotFound)
	s.Send(s.User("jamaica", "guardian"), http.MethodGet, s.URL("jamaica")+"/packages/"+p.ID.String(), nil, "Accept", "text/html").Want(http.StatusForbidden)
	s.Send(apitest.Anonymous("jamaica"), http.MethodGet, s.URL("jamaica")+"/packages/"+p.ID.String(), nil, "Accept", "text/html").Want(http.StatusSeeOther)
}
