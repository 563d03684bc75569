package console_test

import (
	"net/http"
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
	}
}
