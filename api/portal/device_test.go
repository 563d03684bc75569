package portal_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"lignum/api/portal"
	"lignum/tests/apitest"
)

func TestABrowserThatSignedInBeforeIsNotShutOut(t *testing.T) {
	t.Parallel()
	s := apitest.New(t, portal.Register)
	akeem, zoe := s.User("jamaica", "student"), s.User("jamaica", "student")
	s.ChoosePassword(akeem)
	s.ChoosePassword(zoe)
	form := func(slug, path string, values url.Values, cookies ...string) *apitest.Response {
		t.Helper()
		return s.Send(apitest.Anonymous(slug), http.MethodPost, s.URL(slug)+path, values.Encode(), "Content-Type", "application/x-www-form-urlencoded",
			"Sec-Fetch-Site", "same-origin", "Cookie", strings.Join(cookies, "; "))
	}
	signIn := func(u apitest.User, password string, cookies ...string) *apitest.Response {
		t.Helper()
		return form("jamaica", "/sign-in", url.Values{"user_name": {u.UserName}, "password": {password}}, cookies...)
	}
	cookie := func(r *apitest.Response, name string) *http.Cookie {
		for _, c := range (&http.Response{Header: r.Header}).Cookies() {
			if c.Name == name {
				return c
			}
		}
		return nil
	}
	first := signIn(akeem, apitest.Password).Want(http.StatusSeeOther)
	device := cookie(first, "lignum_device")
	if device == nil || !device.HttpOnly || device.SameSite != http.SameSiteLaxMode || device.Path != "/" || device.Domain != "" ||
		time.Until(device.Expires) < 179*24*time.Hour || time.Until(device.Expires) > 181*24*time.Hour {
		t.Fatalf("the cookie is %+v", device)
	}
	out := form("jamaica", "/sign-out", nil, "lignum="+cookie(first, "lignum").Value, "lignum_device="+device.Value).Want(http.StatusSeeOther)
	if cookie(out, "lignum_device") != nil || cookie(out, "lignum") == nil {
		t.Error("signing out ends the session and leaves the device known")
	}
	for range 5 {
		signIn(akeem, "guess").Want(http.StatusForbidden)
		if cookie(signIn(zoe, "guess"), "lignum_device") != nil {
			t.Error("a failure must give no token")
		}
	}
	signIn(akeem, apitest.Password).Want(http.StatusTooManyRequests)
	signIn(zoe, apitest.Password, "lignum_device="+device.Value).Want(http.StatusTooManyRequests)
	if to := s.Send(apitest.Anonymous("jamaica"), http.MethodGet, s.URL("jamaica")+"/home", nil, "Cookie", "lignum_device="+device.Value).Status; to == http.StatusOK {
		t.Error("the device's cookie opened a page")
	}
	again := signIn(akeem, apitest.Password, "lignum_device="+device.Value).Want(http.StatusSeeOther)
	// A second person on the same computer: both stay known.
	s.Exec("jamaica", `DELETE FROM sign_in_failures`)
	both := cookie(signIn(zoe, apitest.Password, "lignum_device="+cookie(again, "lignum_device").Value).Want(http.StatusSeeOther), "lignum_device").Value
	for range 5 {
		signIn(akeem, "guess").Want(http.StatusForbidden)
		signIn(zoe, "guess").Want(http.StatusForbidden)
	}
	signIn(akeem, apitest.Password, "lignum_device="+both).Want(http.StatusSeeOther)
	signIn(zoe, apitest.Password, "lignum_device="+both).Want(http.StatusSeeOther)
}
