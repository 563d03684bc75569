package api_test

import (
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"lignum/tenants"
	"lignum/tests/apitest"
)

const why = "The contract is over and nobody renewed it."

// moves posts a decision about Jamaica's state.
func moves(s *apitest.Server, who apitest.User, act, state string) *apitest.Response {
	s.T.Helper()
	return s.Post(who, "/api/v1/platform/tenants/jamaica/"+act, map[string]string{"state": state, "reason": why})
}

// What the table of states has no way for is refused in words, with nothing half done; and each way is its permission's.
func TestForbiddenTransitionsAreRefusedInWords(t *testing.T) {
	t.Parallel()
	s := apitest.New(t)
	manager, operator := s.User("", "account_manager"), s.User("", "operator")
	refused := func(r *apitest.Response, says ...string) {
		t.Helper()
		p := r.Want(http.StatusConflict).Problem()
		for _, w := range says {
			if !strings.Contains(p.Detail, w) {
				t.Errorf("%s: %q lacks %q", r.What, p.Detail, w)
			}
		}
	}
	refused(moves(s, operator, "end", "closed"), "is active", "cannot become closed")
	refused(s.Do(manager, http.MethodDelete, "/api/v1/platform/tenants/jamaica/suspension", nil), "is active already")
	moves(s, manager, "closing", "closing").Want(http.StatusOK)
	refused(s.Do(manager, http.MethodDelete, "/api/v1/platform/tenants/jamaica/suspension", nil), "is closing", "active", "another decision")
	refused(moves(s, manager, "suspension", "read_only"), "is closing", "cannot become read-only")
	refused(moves(s, manager, "closing", "closing"), "is closing already")
	moves(s, manager, "end", "closed").Want(http.StatusForbidden) // an operator's
	moves(s, manager, "closing", "closed").Want(http.StatusUnprocessableEntity)
	moves(s, operator, "end", "active").Want(http.StatusUnprocessableEntity)
	for _, body := range []any{map[string]string{"state": "active"}, map[string]string{"state": "active", "reason": "          "}, map[string]string{"state": "", "reason": why}, map[string]any{"state": 7, "reason": why},
		map[string]string{"state": "active", "reason": strings.Repeat("word ", 61)}, nil, "closing"} {
		if r := s.Post(manager, "/api/v1/platform/tenants/jamaica/closing", body); r.Status < 400 || r.Status >= 500 {
			t.Errorf("%v: %d", body, r.Status)
		}
	}
	if n := s.Number("", "SELECT count(*) FROM tenants WHERE slug = 'jamaica' AND state = 'closing' AND state_reason = $1", why); n != 1 {
		t.Error("something of what was refused was done")
	}
	if n := s.Number("jamaica", "SELECT count(*) FROM settings WHERE state = 'closing'"); n != 1 || s.Trail("jamaica", "platform.tenant.close", "done") != 1 {
		t.Error("the tenant's own copy, or its trail, tells otherwise")
	}
}

// Each process that serves follows within five seconds, whichever of them was asked.
func TestEveryProcessFollowsATransition(t *testing.T) {
	t.Parallel()
	first := apitest.New(t)
	world := *first.World
	var err error
	if world.Registry, err = tenants.NewRegistry(t.Context(), world.DB(""), "localhost"); err != nil {
		t.Fatal(err)
	}
	second := apitest.Serve(t, &world)
	operator, learner := first.User("", "operator"), second.User("jamaica", "student")
	second.Get(learner, "/api/v1/classes").Want(http.StatusOK)
	for _, step := range []struct {
		act, state string
		status     int
	}{{"suspension", "read_only", http.StatusOK}, {"suspension", "suspended", http.StatusForbidden}, {"closing", "closing", http.StatusForbidden}, {"end", "closed", http.StatusForbidden},
		{"end", "closing", http.StatusForbidden}, {"closing", "active", http.StatusOK}} {
		moves(first, operator, step.act, step.state).Want(http.StatusOK)
		late := time.Now().Add(5 * time.Second)
		follows := func(s *apitest.Server) bool {
			is, err := s.Registry.Tenant("jamaica")
			return err == nil && string(is.State) == step.state
		}
		for !slices.ContainsFunc([]*apitest.Server{first, second}, func(s *apitest.Server) bool { return !follows(s) }) == false {
			if time.Now().After(late) {
				t.Fatalf("%s is not known everywhere after five seconds", step.state)
			}
			time.Sleep(20 * time.Millisecond)
		}
		second.Get(learner, "/api/v1/classes").Want(step.status)
	}
}
