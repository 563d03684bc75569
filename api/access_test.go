package api_test

import (
	"net/http"
	"strings"
	"testing"

	"lignum/policy"
	"lignum/tests/apitest"
)

// Without a second factor the platform's staff may set one up, look at their own account and leave; nothing else.
func TestThePlatformAlwaysAsksForASecondFactor(t *testing.T) {
	s := apitest.New(t)
	own := map[string]bool{"GET /api/v1/me": true, "GET /api/v1/me/sessions": true, "GET /api/v1/me/notices": true, "GET /api/v1/me/mail": true}
	operator := s.UserWith("", []string{"operator"}, apitest.NoSecondFactor())
	asked := 0
	for _, rt := range s.API.Routes() {
		if _, public := rt.Permission.IsPublic(); public || rt.Method != http.MethodGet || !rt.Permission.In(policy.Platform) || rt.Page {
			continue
		}
		at := strings.NewReplacer("{user}", operator.ID.String(), "{tenant}", "jamaica", "{export}", operator.ID.String()).Replace(rt.Path)
		res := s.Get(operator, at)
		if own[rt.Method+" "+rt.Path] {
			res.Want(http.StatusOK)
			continue
		}
		if p := res.Want(http.StatusForbidden).Problem(); !strings.HasSuffix(p.Type, "second_factor_needed") {
			t.Errorf("%s: %+v", at, p)
		}
		asked++
	}
	if asked < 6 {
		t.Errorf("only %d routes were asked", asked)
	}
	s.Post(operator, apitest.Path("/platform/tenants/jamaica/suspension"), map[string]string{"state": "suspended", "reason": "The invoice of March is not paid."}).Want(http.StatusForbidden)
	s.Post(operator, "/api/v1/sign-out", nil).Want(http.StatusOK)
}
