package portal_test

import (
	"net/http"
	"strings"
	"testing"

	"lignum/api/portal"
	"lignum/tests/apitest"
)

// A tenant that closes is read by its administrators. Everybody else is told that it is closed, on the page to sign in too, and leaves.
func TestAClosedTenantIsReadByItsAdministrators(t *testing.T) {
	t.Parallel()
	s := apitest.New(t, portal.Register)
	manager, operator := s.User("", "account_manager"), s.User("", "operator")
	boss, learner, teacher := s.User("jamaica", "tenant_administrator"), s.User("jamaica", "student"), s.User("jamaica", "teacher")
	signer := s.User("jamaica", "tenant_administrator")
	s.ChoosePassword(signer)
	for _, step := range []struct {
		who        apitest.User
		act, state string
	}{{manager, "closing", "closing"}, {operator, "end", "closed"}} {
		decides(s, step.who, step.act, step.state).Want(http.StatusOK)
		if err := s.Registry.Refresh(t.Context()); err != nil {
			t.Fatal(err)
		}
		s.Get(boss, "/api/v1/classes").Want(http.StatusOK)
		s.Get(boss, "/api/v1/users").Want(http.StatusOK)
		p := s.Post(boss, "/api/v1/schools", map[string]string{"name": "Late School", "code": "LATE"}).Want(http.StatusConflict).Problem()
		if p.Type != "urn:lignum:problem:read-only" || !strings.Contains(p.Detail, "nobody renewed it") || !strings.Contains(p.Detail, "nothing was deleted") {
			t.Errorf("%s: an administrator changes: %+v", step.state, p)
		}
		for _, u := range []apitest.User{learner, teacher} {
			for _, path := range []string{"/api/v1/classes", "/api/v1/me", "/api/v1/me/sessions"} {
				if p := s.Get(u, path).Want(http.StatusForbidden).Problem(); !strings.Contains(p.Detail, "is closed. Only its administrators") || !strings.Contains(p.Detail, "nobody renewed it") {
					t.Errorf("%s: %s: %+v", step.state, path, p)
				}
			}
		}
		for _, path := range []string{"/sign-in", "/card", "/forgotten"} {
			if page := string(s.Send(apitest.Anonymous("jamaica"), "GET", s.URL("jamaica")+path, nil).Want(http.StatusOK).Body); !strings.Contains(page, "is closed. Only its administrators can sign in, to read") {
				t.Errorf("%s: %s does not say it", step.state, path)
			}
		}
		if page := string(s.Send(boss, "GET", s.URL("jamaica")+"/people", nil).Want(http.StatusOK).Body); !strings.Contains(page, "nothing was deleted") || strings.Contains(page, `href="/people/new"`) {
			t.Errorf("%s: the administrator's page does not say it, or offers a change", step.state)
		}
		again := s.SignIn(signer)
		s.Send(apitest.User{Slug: "jamaica", Token: again.AccessToken}, "GET", s.URL("jamaica")+"/api/v1/me", nil).Want(http.StatusOK)
		s.Post(s.User("jamaica", "student"), "/api/v1/sign-out", nil).Want(http.StatusOK)
	}
	// back, step by step
	decides(s, operator, "closing", "active").Want(http.StatusConflict)
	decides(s, operator, "end", "closing").Want(http.StatusOK)
	decides(s, manager, "closing", "active").Want(http.StatusOK)
	if err := s.Registry.Refresh(t.Context()); err != nil {
		t.Fatal(err)
	}
	s.Get(teacher, "/api/v1/classes").Want(http.StatusOK)
	if s.Trail("jamaica", "platform.tenant.close", "done") != 2 || s.Trail("jamaica", "platform.tenant.end", "done") != 2 || s.Trail("", "platform.tenant.end", "done") != 2 {
		t.Error("the trails lack some of it")
	}
}

const why = "The contract is over and nobody renewed it."

// decides posts a decision about Jamaica's state.
func decides(s *apitest.Server, who apitest.User, act, state string) *apitest.Response {
	s.T.Helper()
	return s.Post(who, "/api/v1/platform/tenants/jamaica/"+act, map[string]string{"state": state, "reason": why})
}
