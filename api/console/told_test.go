package console_test

import (
	"html"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"lignum/domain/notices"
	"lignum/tenants"
	"lignum/tests/apitest"
)

func TestANoticeStandsOnTheHomePageUntilItWasSeen(t *testing.T) {
	t.Parallel()
	s, form, shows := serve(t)
	for home, u := range map[string]apitest.User{"/home": s.User("jamaica", "student"), "/console": s.User("", "account_manager")} {
		s.Write(u.Slug, func(tx *tenants.Tx) error {
			return notices.Tell(t.Context(), tx, notices.PasswordChanged, notices.Params{"day": "<b>Monday</b>"}, []uuid.UUID{u.ID}, time.Now())
		})
		page := s.Get(u, home).Want(http.StatusOK)
		shows(page, "Your password was changed on &lt;b&gt;Monday")
		seen := regexp.MustCompile(`/notices/[0-9a-f-]+/seen`).FindString(string(page.Body))
		stranger := s.User(u.Slug, u.Roles[0])
		form(stranger, seen, nil).Want(http.StatusNotFound)
		if to := form(u, seen, nil).Want(http.StatusSeeOther).Header.Get("Location"); to != home {
			t.Errorf("goes on to %s", to)
		}
		if strings.Contains(string(s.Get(u, home).Body), "Your password was changed") {
			t.Error("the notice is still there")
		}
		// In the list it stays.
		shows(s.Get(u, "/notices").Want(http.StatusOK), "Your password was changed on &lt;b&gt;Monday", ">seen ")
		if strings.Contains(string(s.Get(stranger, "/notices").Want(http.StatusOK).Body), "Your password was changed") {
			t.Error("a stranger reads it")
		}
	}
}

// Everybody has a page of all that they were told, and each page says how much of it is new. Guardians, children and account managers are no exception.
func TestNoticesHaveAPageAndEveryPageCountsThem(t *testing.T) {
	t.Parallel()
	s, form, shows := serve(t)
	for _, c := range []struct{ slug, role, other string }{{"jamaica", "student", "/points"}, {"jamaica", "guardian", "/children"}, {"jamaica", "ministry_official", "/account/password"}, {"", "account_manager", "/console/tenants/jamaica"}} {
		u := s.User(c.slug, c.role)
		tell := func(n int) {
			for range n {
				s.Write(u.Slug, func(tx *tenants.Tx) error {
					return notices.Tell(t.Context(), tx, notices.PasswordChanged, notices.Params{"day": "2026-09-07"}, []uuid.UUID{u.ID}, time.Now())
				})
			}
		}
		head := func(path, want string) {
			t.Helper()
			page := string(s.Get(u, path).Want(http.StatusOK).Body)
			if got := inbox.FindStringSubmatch(page); got == nil || got[1] != want {
				t.Errorf("%s: the head says %q, want %q", path, got, want)
			}
		}
		head(c.other, "Notices")
		shows(s.Get(u, "/notices").Want(http.StatusOK), "No notices")
		tell(1)
		head(c.other, "1 new notice")
		tell(8)
		head(c.other, "9 new notices")
		tell(13)
		head(c.other, "More than 9 new notices")

		first := s.Get(u, "/notices").Want(http.StatusOK)
		body := string(first.Body)
		if n := strings.Count(body, "Your password was changed on 7 September 2026."); n != 20 || strings.Count(body, ">New</span>") != 20 {
			t.Errorf("%d on the first page", n)
		}
		older := html.UnescapeString(regexp.MustCompile(`/notices\?cursor=[^"]+`).FindString(body))
		second := string(s.Get(u, older).Want(http.StatusOK).Body)
		if n := strings.Count(second, "Your password was changed"); n != 2 {
			t.Errorf("%d on the second page", n)
		}
		if strings.Contains(second, `action="/notices/seen"`) {
			t.Error("the second page marks what the first one shows")
		}
		one := regexp.MustCompile(`/notices/([0-9a-f-]+)/seen`).FindStringSubmatch(second)
		for at, want := range map[string]string{older: older + "#n-" + one[1], "//evil.example/notices": "", "https://evil.example/": "", "/noticesx": ""} {
			to := form(u, one[0], url.Values{"at": {at}}).Want(http.StatusSeeOther).Header.Get("Location")
			if want != "" && to != want || want == "" && strings.Contains(to, "notices") {
				t.Errorf("from %s one goes on to %s", at, to)
			}
		}
		newest := regexp.MustCompile(`name="until" value="([^"]+)"`).FindStringSubmatch(body)[1]
		tell(1) // which nobody has shown to them
		form(u, "/notices/seen", url.Values{"until": {"x"}}).Want(http.StatusUnprocessableEntity)
		stranger := s.User(u.Slug, c.role)
		form(stranger, "/notices/seen", url.Values{"until": {newest}}).Want(http.StatusSeeOther)
		form(stranger, one[0], nil).Want(http.StatusNotFound)
		head(c.other, "More than 9 new notices")
		if to := form(u, "/notices/seen", url.Values{"until": {newest}}).Want(http.StatusSeeOther).Header.Get("Location"); to != "/notices" {
			t.Errorf("goes on to %s", to)
		}
		head("/notices", "1 new notice")
		head(c.other, "1 new notice")
		if to := s.Get(apitest.Anonymous(c.slug), "/notices").Want(http.StatusSeeOther).Header.Get("Location"); !strings.HasPrefix(to, "/sign-in") {
			t.Errorf("nobody is sent to %s", to)
		}
	}
	card := s.UserWith("jamaica", []string{"student"}, apitest.MustChangePassword())
	if inbox.Match(s.Get(card, "/account/password").Want(http.StatusOK).Body) {
		t.Error("who must choose a password first is led to their notices")
	}
}

// inbox finds what the head of a page says of notices, for those who hear it.
var inbox = regexp.MustCompile(`<a href="/notices"[^>]*>.*?<span class="hidden">([^<]*)</span></a>`)
