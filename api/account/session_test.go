package account_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"lignum/api"
	"lignum/api/account"
	"lignum/domain/identity"
	"lignum/domain/notices"
	"lignum/tests/apitest"
	"lignum/tests/testkit"
)

func TestMain(m *testing.M) { testkit.Main(m) }

func TestAnAPIClientWithADeviceTokenIsNotShutOut(t *testing.T) {
	t.Parallel()
	s := apitest.New(t)
	student, anonymous := s.User("jamaica", "student"), apitest.Anonymous("jamaica")
	s.ChoosePassword(student)
	signIn := func(password string, headers ...string) *apitest.Response {
		t.Helper()
		return s.Send(anonymous, http.MethodPost, s.URL("jamaica")+"/api/v1/sign-in", map[string]string{"user_name": student.UserName, "password": password}, headers...)
	}
	home := apitest.As[account.TokenAnswer](signIn(apitest.Password).Want(http.StatusOK))
	for range 5 {
		signIn("guess").Want(http.StatusUnauthorized)
	}
	signIn(apitest.Password).Want(http.StatusTooManyRequests)
	signIn(apitest.Password, "Device-Token", strings.Repeat("A", len(home.DeviceToken))).Want(http.StatusTooManyRequests)
	signIn("guess", "Device-Token", home.DeviceToken).Want(http.StatusUnauthorized)
	again := apitest.As[account.TokenAnswer](signIn(apitest.Password, "Device-Token", home.DeviceToken).Want(http.StatusOK))
	if again.DeviceToken == "" || again.DeviceToken == home.DeviceToken {
		t.Error("each sign-in gives a new device token")
	}
	refresh := func(token string) *apitest.Response {
		t.Helper()
		return s.Post(anonymous, "/api/v1/token/refresh", map[string]string{"refresh_token": token})
	}
	if next := apitest.As[account.TokenAnswer](refresh(again.RefreshToken).Want(http.StatusOK)); next.DeviceToken != "" {
		t.Error("a refresh is no sign-in")
	}
	// It opens nothing.
	refresh(again.DeviceToken).Want(http.StatusUnauthorized)
	student.Token = again.DeviceToken
	s.Get(student, "/api/v1/me").Want(http.StatusUnauthorized)
	for _, cookie := range []string{"lignum_device=", "lignum=", "lignum-refresh="} {
		s.Send(anonymous, http.MethodGet, s.URL("jamaica")+"/api/v1/me", nil, "Cookie", cookie+again.DeviceToken).Want(http.StatusUnauthorized)
	}
	signIn("", "Device-Token", again.DeviceToken).Want(http.StatusUnprocessableEntity)
	if n := s.Number("jamaica", `SELECT count(*) FROM audit_trail a WHERE a::text LIKE '%' || $1::text || '%'`, again.DeviceToken); n != 0 {
		t.Errorf("%d entries of the trail hold the token", n)
	}
}

func TestAnAuthenticatorTakesThePasswordOnceMore(t *testing.T) {
	t.Parallel()
	for _, slug := range []string{"", "jamaica"} {
		s := apitest.New(t)
		u := s.UserWith(slug, []string{map[string]string{"": "operator", "jamaica": "coach"}[slug]}, apitest.NoSecondFactor())
		s.ChoosePassword(u)
		signIn := func(more map[string]string) *apitest.Response {
			body := map[string]string{"user_name": u.UserName, "password": apitest.Password}
			for k, v := range more {
				body[k] = v
			}
			return s.Post(apitest.Anonymous(slug), "/api/v1/sign-in", body)
		}
		tokens := apitest.As[account.TokenAnswer](signIn(nil))
		u.Token = tokens.AccessToken
		s.Post(u, "/api/v1/me/totp", map[string]string{}).Want(http.StatusUnprocessableEntity)
		if p := s.Post(u, "/api/v1/me/totp", map[string]string{"password": "not my password"}).Want(http.StatusUnprocessableEntity).Problem(); len(p.Errors) != 1 || !strings.HasSuffix(p.Errors[0].Name, "password") {
			t.Errorf("%+v", p)
		}
		if n := s.Number(slug, `SELECT count(*) FROM audit_entries WHERE action = 'sign_in.failed' AND object_id = $1::text`, u.ID.String()); n != 1 {
			t.Errorf("%d failures in the trail", n)
		}
		setup := apitest.As[identity.TOTPSetup](s.Post(u, "/api/v1/me/totp", map[string]string{"password": apitest.Password}))
		code := func(ahead time.Duration) string {
			text, _, err := identity.TOTPCode(setup.Secret, time.Now().Add(ahead))
			if err != nil {
				t.Fatal(err)
			}
			return text
		}
		s.Post(u, "/api/v1/me/totp/confirm", map[string]string{"code": code(0)}).Want(http.StatusOK)
		u.Token = apitest.As[account.TokenAnswer](s.Post(apitest.Anonymous(slug), "/api/v1/token/refresh", map[string]string{"refresh_token": tokens.RefreshToken})).AccessToken
		if me := apitest.As[account.Me](s.Get(u, "/api/v1/me")); !me.SecondFactor {
			t.Errorf("after the confirmation: %+v", me)
		}
		if slug == "" {
			s.Get(u, "/api/v1/platform/tenants").Want(http.StatusOK)
		}
		signIn(nil).Want(http.StatusUnauthorized)
		signIn(map[string]string{"code": code(30 * time.Second)}).Want(http.StatusOK)
		told := apitest.As[api.List[notices.Notice]](s.Get(u, "/api/v1/me/notices"))
		if len(told.Items) != 1 || told.Items[0].Kind != "second_factor_added" {
			t.Errorf("told: %+v", told.Items)
		}
	}
}

// Guesses at the password of somebody whose browser was left open are counted as at the sign-in.
func TestGuessesBeforeAnAuthenticatorAreCounted(t *testing.T) {
	t.Parallel()
	s := apitest.New(t)
	u := s.User("jamaica", "coach")
	s.ChoosePassword(u)
	u.Token = s.SignIn(u).AccessToken
	s.Tenant("jamaica").Limits.SignInsPerSec = 1000
	last := 0
	for range 30 {
		if last = s.Post(u, "/api/v1/me/totp", map[string]string{"password": "a wrong guess"}).Status; last == http.StatusTooManyRequests {
			return
		}
	}
	t.Errorf("the last of thirty guesses got %d", last)
}

func TestAChangedPasswordIsToldToItsOwner(t *testing.T) {
	t.Parallel()
	s := apitest.New(t)
	owner := s.User("jamaica", "student")
	s.ChoosePassword(owner)
	if text := s.Told(owner); text != "" {
		t.Errorf("the first password: %q", text)
	}
	owner.Token = s.SignIn(owner).AccessToken
	s.Post(owner, "/api/v1/me/password", map[string]string{"old_password": apitest.Password, "password": "eleven pale lanterns drift upstream"}).Want(http.StatusOK)
	if text := s.Told(owner); !strings.Contains(text, "password was changed") {
		t.Errorf("a changed password: %q", text)
	}
}
