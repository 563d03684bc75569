package audit_test

import (
	"net/http"
	"testing"

	"lignum/api"
	"lignum/tenants/audit"
	"lignum/tests/apitest"
	"lignum/tests/testkit"
)

func TestMain(m *testing.M) { testkit.Main(m) }

func TestTheTrailIsReadNewestFirst(t *testing.T) {
	t.Parallel()
	s := apitest.New(t)
	admin, student := s.User("jamaica", "tenant_administrator"), s.User("jamaica", "student")
	for range 3 {
		s.Get(student, "/api/v1/users").Want(http.StatusForbidden)
	}
	query := "/api/v1/audit?outcome=refused&action=user.&limit=2&actor=" + student.ID.String()
	first := apitest.As[api.List[audit.Stored]](s.Get(admin, query))
	if len(first.Items) != 2 || first.Next == "" || first.Items[0].ID.String() < first.Items[1].ID.String() || first.Items[0].ActorName != student.UserName {
		t.Fatalf("%+v", first)
	}
	if rest := apitest.As[api.List[audit.Stored]](s.Get(admin, query+"&cursor="+first.Next)); len(rest.Items) != 1 || rest.Next != "" {
		t.Errorf("%+v", rest)
	}
	if none := apitest.As[api.List[audit.Stored]](s.Get(admin, "/api/v1/audit?to=2020-01-01T00:00:00Z")); len(none.Items) != 0 {
		t.Errorf("%+v", none)
	}
	if all := apitest.As[api.List[audit.Stored]](s.Get(admin, "/api/v1/audit?from=2020-01-01T00:00:00Z")); len(all.Items) < 5 {
		t.Errorf("%+v", all)
	}
	s.Get(admin, "/api/v1/audit?cursor=x").Want(http.StatusUnprocessableEntity)
	s.Get(student, "/api/v1/audit").Want(http.StatusForbidden)
	s.Get(s.User("", "account_manager"), "/api/v1/platform/audit").Want(http.StatusOK)
}
