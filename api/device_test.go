package api_test

import (
	"net/http"
	"strings"
	"testing"

	"lignum/api/account"
	"lignum/tests/apitest"
)

func TestAnAPIClientWithADeviceTokenIsNotShutOut(t *testing.T) {
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
