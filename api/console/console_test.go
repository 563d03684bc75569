package console_test

import (
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"lignum/api/console"
	"lignum/api/portal"
	"lignum/tests/apitest"
	"lignum/tests/testkit"
)

func TestMain(m *testing.M) { testkit.Main(m) }

func serve(t *testing.T) (*apitest.Server, func(u apitest.User, path string, values url.Values) *apitest.Response, func(r *apitest.Response, words ...string)) {
	s := apitest.New(t, portal.Register, console.Register)
	form := func(u apitest.User, path string, values url.Values) *apitest.Response {
		t.Helper()
		return s.Send(u, "POST", s.URL(u.Slug)+path, values.Encode(), "Content-Type", "application/x-www-form-urlencoded")
	}
	shows := func(r *apitest.Response, words ...string) {
		t.Helper()
		for _, w := range words {
			if !strings.Contains(string(r.Body), w) {
				t.Errorf("%s: no %q in\n%s", r.What, w, r.Body)
			}
		}
	}
	return s, form, shows
}

func TestTheConsoleIsThePlatformsAlone(t *testing.T) {
	t.Parallel()
	s, _, _ := serve(t)
	for _, path := range []string{"/console", "/console/tenants/new", "/console/tenants/jamaica", "/console/audit"} {
		s.Get(s.User("", "account_manager"), path).Want(http.StatusOK)
		s.Get(s.User("jamaica", "tenant_administrator"), path).Want(http.StatusNotFound)
		if to := s.Get(apitest.Anonymous(""), path).Want(http.StatusSeeOther).Header.Get("Location"); !strings.HasPrefix(to, "/sign-in") {
			t.Errorf("%s: a stranger is sent to %s", path, to)
		}
	}
	for _, path := range []string{"/people", "/learners", "/figures", "/audit"} {
		s.Get(s.User("", "operator"), path).Want(http.StatusNotFound)
	}
}

func TestATenantIsOpenedFromTheFormAndInvitesItsAdministrator(t *testing.T) {
	t.Parallel()
	s, form, shows := serve(t)
	manager := s.User("", "account_manager")
	shows(s.Get(manager, "/console/tenants/new?country=BB&name=Ministry+X&exam_scheme=Own").Want(http.StatusOK), `value="America/Barbados"`, `value="BBD"`, `value="Ministry X"`, `value="Own"`)
	slug := "trial-" + strings.ToLower(regexp.MustCompile(`[^a-z0-9]`).ReplaceAllString(s.Database[len(s.Database)-10:], "x"))
	values := url.Values{"country": {"BB"}, "name": {"Ministry <X>"}, "slug": {"a--b"}, "plan": {"school"}, "exam_scheme": {"CSEC"}, "time_zone": {"America/Nowhere"}, "locale": {"en-BB"}, "currency": {"BBD"},
		"colour": {"#00267f"}, "accent": {"#ffc726"}, "admin.user_name": {"Joan.Clarke"}, "admin.given_name": {""}, "admin.family_name": {"Clarke"}}
	shows(form(manager, "/console/tenants", values).Want(http.StatusUnprocessableEntity), "IANA", "Given name must have 1 to 100", `value="Ministry &lt;X&gt;"`, `value="a--b"`)
	values.Set("slug", slug)
	values.Set("time_zone", "America/Barbados")
	values.Set("admin.given_name", "Joan")
	t.Cleanup(func() { _ = s.Provisioner.Drop(t.Context(), slug, slug) })
	made := form(manager, "/console/tenants", values).Want(http.StatusOK)
	shows(made, "Ministry &lt;X&gt; is open", "joan.clarke", "shown only now", slug+".localhost")
	if !regexp.MustCompile(`code-big">[0-9A-Z]{4}(-[0-9A-Z]{4}){3}<`).Match(made.Body) {
		t.Errorf("no invitation:\n%s", made.Body)
	}
	shows(s.Get(manager, "/console").Want(http.StatusOK), slug, "Barbados")
	shows(s.Get(manager, "/console/tenants/"+slug).Want(http.StatusOK), "Nothing was published yet")
	form(s.User("", "operator"), "/console/tenants", values).Want(http.StatusOK)
}

func TestATenantIsMadeReadOnlyAndLetGoOn(t *testing.T) {
	t.Parallel()
	s, form, shows := serve(t)
	manager := s.User("", "account_manager")
	at := "/console/tenants/celearn"
	shows(form(manager, at+"/suspension", url.Values{"state": {"read_only"}, "reason": {"short"}}).Want(http.StatusForbidden), "ten letters or digits", "Reason must have at least 10 letters or digits in at least 2 words", "short</textarea>")
	shows(form(manager, at+"/suspension", url.Values{"state": {"gone"}, "reason": {"A reason that is long enough"}}).Want(http.StatusUnprocessableEntity), ">State</a> must be one of the states of a tenant")
	form(manager, at+"/suspension", url.Values{"state": {"read_only"}, "reason": {"The yearly move of the schools"}}).Want(http.StatusSeeOther)
	shows(s.Get(manager, at).Want(http.StatusOK), "Read-only", "The yearly move of the schools", "Let it work again")
	form(manager, at+"/resume", nil).Want(http.StatusSeeOther)
	form(manager, at+"/plan", url.Values{"plan": {"school"}}).Want(http.StatusSeeOther)
	shows(form(manager, at+"/plan", url.Values{"plan": {"endless"}}).Want(http.StatusUnprocessableEntity), "Change the plan")
	shows(s.Get(manager, at).Want(http.StatusOK), "Change to Country")
	shows(s.Get(manager, "/console/audit").Want(http.StatusOK), "celearn", "The yearly move of the schools", manager.UserName)
	form(manager, "/console/tenants/nowhere/resume", nil).Want(http.StatusNotFound)
}

func TestUseIsDrawnAndListed(t *testing.T) {
	t.Parallel()
	s, _, shows := serve(t)
	manager := s.User("", "account_manager")
	for i := range 40 {
		s.Exec("", `INSERT INTO usage_days (slug, day, active_users, attendance, learners, classes, attempts) VALUES ('jamaica', $1::text::date, $2::text::integer, 1234, 44025, 10, 5)`,
			time.Now().UTC().AddDate(0, 0, -i).Format(time.DateOnly), "2"+string(rune('0'+i%10))+"00")
	}
	s.Exec("jamaica", "SELECT gate.publish_use('{learners,classes}', '{44026,50000}', '{0,100}')")
	shows(s.Get(manager, "/console").Want(http.StatusOK), "44,025", "1,234", "nothing published")
	page := s.Get(manager, "/console/tenants/jamaica").Want(http.StatusOK)
	// What is in use stands beside the limit, which it is not.
	if row := regexp.MustCompile(`(?s)<th scope="row">Learners</th>(.*?)</tr>`).FindStringSubmatch(string(page.Body)); row == nil ||
		!regexp.MustCompile(`^<td class="num"><strong>44,026</strong></td><td class="num"><strong>[0-9,]+</strong></td>`).MatchString(row[1]) || strings.Count(row[1], "44,026") != 1 {
		t.Errorf("what is in use: %v", row)
	}
	shows(page, `<svg role="img"`, "Active users a day", "44,025", "no more", "Running classes: 50,000 are used, and there may be 400 then.", "it does so each hour")
	if n := strings.Count(string(page.Body), `<rect class="bar"`); n != 60 {
		t.Errorf("%d columns in two charts of 30 days", n)
	}
}
