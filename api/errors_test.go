package api_test

import (
	"bufio"
	"bytes"
	"fmt"
	"net"
	"net/http"
	"slices"
	"strings"
	"testing"

	"lignum/tenants"
	"lignum/tenants/audit"
	"lignum/tests/apitest"
)

func TestEveryWrongFieldIsNamed(t *testing.T) {
	s := apitest.New(t)
	admin := s.User("jamaica", "tenant_administrator")
	p := s.Post(admin, "/api/v1/users", `{"given_name": "", "family_name": 7, "roles": [], "colour": "red"}`).Want(http.StatusUnprocessableEntity).Problem()
	if got := p.Names(); !slices.Equal(got, []string{"body.colour", "body.family_name", "body.given_name", "body.roles"}) {
		t.Errorf("fields: %v", p.Errors)
	}
	if p.Type != "urn:lignum:problem:invalid" || p.RequestID == "" {
		t.Errorf("%+v", p)
	}
	for body, status := range map[string]int{`{"given_name":`: http.StatusBadRequest, `[]`: http.StatusUnprocessableEntity, ``: http.StatusBadRequest} {
		s.Post(admin, "/api/v1/users", body).Want(status).Problem()
	}
	for query, want := range map[string][]string{"limit=999&state=asleep&class=x": {"query.class", "query.limit", "query.state"}, "some=1&more=1": {"query.more", "query.some"}} {
		p = s.Get(admin, "/api/v1/users?"+query).Want(http.StatusUnprocessableEntity).Problem()
		if got := p.Names(); !slices.Equal(got, want) {
			t.Errorf("%s: %v", query, p.Errors)
		}
	}
	s.Get(admin, "/api/v1/users/not-an-id").Want(http.StatusUnprocessableEntity).Problem()
}

func TestABodyThatIsTooLargeKeepsTheConnection(t *testing.T) {
	s := apitest.New(t)
	admin := s.User("jamaica", "tenant_administrator")
	conn, err := net.Dial("tcp", fmt.Sprintf("127.0.0.1:%d", s.Port))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	answers := bufio.NewReader(conn)
	ask := func(method, path string, size int) *http.Response {
		fmt.Fprintf(conn, "%s %s HTTP/1.1\r\nHost: %s\r\nAuthorization: Bearer %s\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n", method, path, s.Host("jamaica"), admin.Token, size)
		if _, err := conn.Write(bytes.Repeat([]byte(" "), size)); err != nil {
			t.Fatal(err)
		}
		res, err := http.ReadResponse(answers, nil)
		if err != nil {
			t.Fatal(err)
		}
		return res
	}
	res := ask(http.MethodPost, "/api/v1/users", 70<<10)
	defer res.Body.Close()
	body := new(bytes.Buffer)
	if _, err := body.ReadFrom(res.Body); err != nil {
		t.Fatal(err)
	}
	if res.StatusCode != http.StatusRequestEntityTooLarge || !strings.Contains(body.String(), "urn:lignum:problem:too-large") {
		t.Errorf("%d %s", res.StatusCode, body)
	}
	next := ask(http.MethodGet, "/api/v1/me", 0)
	defer next.Body.Close()
	if next.StatusCode != http.StatusOK {
		t.Errorf("the next request on the connection: %d", next.StatusCode)
	}
}

func TestUnknownHostsAndPaths(t *testing.T) {
	s := apitest.New(t)
	admin := s.User("jamaica", "tenant_administrator")
	for _, host := range []string{"atlantis", "jamaica.evil", "jamaica-"} {
		s.Send(admin, http.MethodGet, fmt.Sprintf("http://%s.localhost:%d/api/v1/me", host, s.Port), nil).Want(http.StatusNotFound).Problem()
	}
	s.Get(admin, "/api/v1/nothing").Want(http.StatusNotFound).Problem()
	s.Get(admin, "/api/v1/platform/tenants").Want(http.StatusNotFound).Problem() // of the platform's host alone
	s.Get(s.User("", "operator"), "/api/v1/classes").Want(http.StatusNotFound).Problem()
	s.Send(admin, http.MethodGet, fmt.Sprintf("http://JAMAICA.localhost.:%d/api/v1/me", s.Port), nil).Want(http.StatusOK)
}

func TestATokenIsGoodForItsOwnHostAlone(t *testing.T) {
	s := apitest.New(t)
	stranger := s.User("bahamas", "tenant_administrator")
	for _, slug := range []string{"jamaica", ""} {
		s.Send(stranger, http.MethodGet, s.URL(slug)+"/api/v1/me", nil).Want(http.StatusUnauthorized).Problem()
		n := s.Number(slug, `SELECT count(*) FROM audit_entries WHERE action = 'token.foreign' AND outcome = 'refused' AND actor_id = $1::uuid AND actor_realm = 'bahamas'`, stranger.ID.String())
		if n != 1 {
			t.Errorf("%d entries in the trail of %q", n, slug)
		}
	}
	s.Get(stranger, "/api/v1/me").Want(http.StatusOK)
	forged := stranger
	forged.Token = forged.Token[:len(forged.Token)-4] + "AAAA"
	if r := s.Get(forged, "/api/v1/me").Want(http.StatusUnauthorized); r.Header.Get("WWW-Authenticate") != "Bearer" {
		t.Error("a 401 must say how to authenticate")
	}
	s.Get(apitest.Anonymous("jamaica"), "/api/v1/me").Want(http.StatusUnauthorized).Problem()
}

func TestARefusalNamesThePermissionAndIsWrittenDown(t *testing.T) {
	s := apitest.New(t)
	student := s.User("jamaica", "student")
	p := s.Get(student, "/api/v1/users").Want(http.StatusForbidden).Problem()
	if p.Permission != "user.read" || p.Type != "urn:lignum:problem:permission" {
		t.Errorf("%+v", p)
	}
	if n := s.Number("jamaica", `SELECT count(*) FROM audit_entries WHERE action = 'user.read' AND outcome = 'refused' AND actor_id = $1::uuid AND request_id = $2::text`, student.ID.String(), p.RequestID); n != 1 {
		t.Errorf("%d entries", n)
	}
	given := s.UserWith("jamaica", []string{"student"}, apitest.MustChangePassword())
	p = s.Get(given, "/api/v1/classes").Want(http.StatusForbidden).Problem()
	if p.Type != "urn:lignum:problem:policy:password_change_needed" {
		t.Errorf("%+v", p)
	}
}

func TestTooManyRequestsSayWhenToComeBack(t *testing.T) {
	s := apitest.New(t)
	student, plan := s.User("jamaica", "student"), tenants.Plans[0].Limits
	plan.ReadsPerSec = 1
	s.Write("", func(tx *tenants.Tx) error {
		_, err := tenants.SetPlan(t.Context(), tx, "jamaica", "school", &plan, audit.Entry{Action: "test"})
		return err
	})
	if err := s.Registry.Refresh(t.Context()); err != nil {
		t.Fatal(err)
	}
	var last *apitest.Response
	for range 5 {
		if last = s.Get(student, "/api/v1/me"); last.Status != http.StatusOK {
			break
		}
	}
	p := last.Want(http.StatusTooManyRequests).Problem()
	if last.Header.Get("Retry-After") == "" || last.Header.Get("RateLimit") == "" || last.Header.Get("RateLimit-Policy") != `"read";q=2;w=2` {
		t.Errorf("%v %+v", last.Header, p)
	}
	s.Get(s.User("bahamas", "student"), "/api/v1/me").Want(http.StatusOK) // the others feel nothing
}

func TestAnIdempotencyKeyMakesARequestHappenOnce(t *testing.T) {
	w := apitest.NewSchool(t)
	send := func(title, key string) *apitest.Response {
		f := w.Fields(5)
		f.Title = title
		return w.Send(w.Admin, http.MethodPost, w.URL("jamaica")+"/api/v1/classes", f, "Idempotency-Key", key)
	}
	first, again := send("Once", "key-1").Want(http.StatusCreated), send("Once", "key-1").Want(http.StatusCreated)
	if string(first.Body) != string(again.Body) || again.Header.Get("Idempotency-Replayed") != "true" || first.Header.Get("Idempotency-Replayed") != "" {
		t.Errorf("%s, then %s %v", first.Body, again.Body, again.Header)
	}
	if n := w.Number("jamaica", "SELECT count(*) FROM classes WHERE title = 'Once'"); n != 1 {
		t.Errorf("%d classes", n)
	}
	if n := w.Number("jamaica", `SELECT count(*) FROM audit_entries WHERE action = 'class.manage' AND actor_id = $1::uuid`, w.Admin.ID.String()); n != 1 {
		t.Errorf("%d entries for one change", n)
	}
	p := send("Twice", "key-1").Want(http.StatusUnprocessableEntity).Problem()
	if len(p.Errors) != 1 || p.Errors[0].Name != "header.Idempotency-Key" {
		t.Errorf("%+v", p)
	}
	send("Twice", "key-2").Want(http.StatusCreated)
}

// A code that is shown once must not lie in the table of answers, where it would be in the clear for a day.
func TestACodeThatIsShownOnceIsKeptNowhere(t *testing.T) {
	w := apitest.NewSchool(t)
	body := map[string]any{"given_name": "Ann", "family_name": "Brown", "roles": []string{"student"}, "school_id": w.SchoolID}
	send := func() *apitest.Response {
		return w.Send(w.Admin, http.MethodPost, w.URL("jamaica")+"/api/v1/users", body, "Idempotency-Key", "a-key")
	}
	made := apitest.As[struct{ Card struct{ Code string } }](send().Want(http.StatusCreated))
	if len(made.Card.Code) != 19 {
		t.Fatalf("card: %+v", made.Card)
	}
	send().Want(http.StatusConflict)
	if n := w.Number("jamaica", "SELECT count(*) FROM users WHERE family_name = 'Brown'"); n != 1 {
		t.Errorf("%d accounts", n)
	}
	if n := w.Number("jamaica", "SELECT count(*) FROM idempotency_keys WHERE answer <> ''"); n != 0 {
		t.Error("an answer with a code was stored")
	}
}

func TestAnInactiveTenantSaysWhy(t *testing.T) {
	s := apitest.New(t)
	student, manager := s.User("jamaica", "student"), s.User("", "account_manager")
	state := func(method string, body any) {
		s.Do(manager, method, "/api/v1/platform/tenants/jamaica/suspension", body).Want(http.StatusOK)
		if err := s.Registry.Refresh(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	state(http.MethodPost, map[string]string{"state": "read_only", "reason": "We are moving house tonight."})
	s.Get(student, "/api/v1/classes").Want(http.StatusOK)
	p := s.Do(student, http.MethodPut, "/api/v1/me/leaderboard", map[string]bool{"listed": false}).Want(http.StatusConflict).Problem()
	if p.Type != "urn:lignum:problem:read-only" || !strings.Contains(p.Detail, "moving house") {
		t.Errorf("%+v", p)
	}
	s.Post(student, "/api/v1/sign-out", nil).Want(http.StatusOK) // leaving is always possible

	student = s.User("jamaica", "student")
	state(http.MethodPost, map[string]string{"state": "suspended", "reason": "The contract has ended."})
	for _, who := range []apitest.User{student, apitest.Anonymous("jamaica")} {
		if p = s.Get(who, "/api/v1/classes").Want(http.StatusForbidden).Problem(); !strings.Contains(p.Detail, "The contract has ended.") {
			t.Errorf("%+v", p)
		}
	}
	state(http.MethodDelete, nil)
	s.Get(student, "/api/v1/classes").Want(http.StatusOK)
}

func TestHeadIsGetWithoutABody(t *testing.T) {
	s := apitest.New(t)
	student := s.User("jamaica", "student")
	r := s.Do(student, http.MethodHead, "/api/v1/classes", nil).Want(http.StatusOK)
	if len(r.Body) != 0 || r.Header.Get("Content-Type") != "application/json" {
		t.Errorf("%d bytes, %v", len(r.Body), r.Header)
	}
	s.Do(apitest.Anonymous("jamaica"), http.MethodHead, "/api/v1/classes", nil).Want(http.StatusUnauthorized)
	s.Do(student, http.MethodHead, "/api/v1/nothing", nil).Want(http.StatusNotFound)
}

func TestTheReferenceDescribesEveryRoute(t *testing.T) {
	s := apitest.New(t)
	var doc struct {
		OpenAPI    string
		Paths      map[string]map[string]any
		Components struct{ Schemas map[string]any }
	}
	s.Get(apitest.Anonymous("jamaica"), "/openapi.json").Want(http.StatusOK).Into(&doc)
	if !strings.HasPrefix(doc.OpenAPI, "3.1") || doc.Components.Schemas["ClassesLearner"] == nil || doc.Components.Schemas["ListCoachingLearner"] == nil {
		t.Errorf("%s, %d schemas", doc.OpenAPI, len(doc.Components.Schemas))
	}
	for _, rt := range s.API.Routes() {
		if !strings.HasPrefix(rt.Path, "/api/") {
			continue
		}
		if doc.Paths[rt.Path][strings.ToLower(rt.Method)] == nil || rt.Summary == "" || rt.Tag == "" {
			t.Errorf("%s %s is not described", rt.Method, rt.Path)
		}
	}
	s.Get(apitest.Anonymous("jamaica"), "/reference").Want(http.StatusOK)
}
