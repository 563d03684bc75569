package console_test

import (
	"net/http"
	"net/url"
	"regexp"
	"testing"

	"lignum/tests/apitest"
)

// Two account managers who look at one tenant do not undo what the other decided about it.
func TestTenantsThatTwoPeopleEditAreNotUndone(t *testing.T) {
	t.Parallel()
	s, form, shows := serve(t)
	manager := s.User("", "account_manager")
	at := "/console/tenants/jamaica"
	seen := func() string {
		t.Helper()
		m := regexp.MustCompile(`name="version" value="([^"]+)"`).FindSubmatch(s.Get(manager, at).Want(http.StatusOK).Body)
		if m == nil {
			t.Fatal("the page's forms carry no version")
		}
		return string(m[1])
	}
	send := func(act, version string, values url.Values) *apitest.Response {
		t.Helper()
		values.Set("version", version)
		return form(manager, at+act, values)
	}
	reason := "The yearly move of the schools"
	before := seen()
	send("/plan", before, url.Values{"plan": {"school"}}).Want(http.StatusSeeOther)
	for act, values := range map[string]url.Values{"/plan": {"plan": {"college"}}, "/suspension": {"state": {"suspended"}, "reason": {reason}}} {
		shows(send(act, before, values).Want(http.StatusConflict), "Somebody else changed this")
	}
	now := seen()
	send("/suspension", now, url.Values{"state": {"read_only"}, "reason": {reason}}).Want(http.StatusSeeOther)
	shows(send("/suspension", now, url.Values{"state": {"suspended"}, "reason": {"Nobody pays for it any more"}}).Want(http.StatusConflict), "Somebody else changed this")
	send("/resume", now, url.Values{}).Want(http.StatusConflict)
	send("/resume", seen(), url.Values{}).Want(http.StatusSeeOther)
	if n := s.Number("", `SELECT count(*) FROM tenants WHERE slug = 'jamaica' AND state = 'active' AND plan = 'school'`); n != 1 {
		t.Error("what one manager decided was undone by the other")
	}

	// The API the same.
	version := apitest.As[struct {
		Version string `json:"version"`
	}](s.Get(manager, "/api/v1/platform/tenants/jamaica")).Version
	plan := map[string]any{"plan": "country", "version": version}
	s.Do(manager, "PUT", "/api/v1/platform/tenants/jamaica/plan", plan).Want(http.StatusOK)
	s.Do(manager, "PUT", "/api/v1/platform/tenants/jamaica/plan", plan).Want(http.StatusConflict)
}
