package notices_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/google/uuid"

	"lignum/api"
	"lignum/domain/notices"
	"lignum/tenants"
	"lignum/tenants/audit"
	"lignum/tests/apitest"
	"lignum/tests/testkit"
)

func TestMain(m *testing.M) { testkit.Main(m) }

// A notice is its owner's alone: nobody else lists it or takes it away, and what was seen is listed no more.
func TestNoticesAreTheirOwners(t *testing.T) {
	t.Parallel()
	s := apitest.New(t)
	ana, ben := s.User("jamaica", "student"), s.User("jamaica", "student")
	now := time.Now()
	s.Write("jamaica", func(tx *tenants.Tx) error {
		tx.Record(audit.Entry{Action: "class.cancel", ObjectKind: "class", ObjectID: audit.NewID().String()})
		for i, k := range []notices.Kind{notices.ClassCancelled, notices.PasswordChanged} {
			if err := notices.Tell(t.Context(), tx, k, notices.Params{"class": "4B", "reason": "flood", "when": "at noon"}, []uuid.UUID{ana.ID}, now.Add(time.Duration(i)*time.Second)); err != nil {
				return err
			}
		}
		return nil
	})
	list := func(u apitest.User) []notices.Notice {
		t.Helper()
		return apitest.As[api.List[notices.Notice]](s.Get(u, "/api/v1/me/notices")).Items
	}
	told := list(ana)
	if len(told) != 2 || told[0].Kind != "password_changed" || told[1].Kind != "class_cancelled" {
		t.Fatalf("not newest first: %+v", told)
	}
	if others := list(ben); len(others) != 0 {
		t.Errorf("somebody else's list: %+v", others)
	}
	seen := apitest.Path("/me/notices/%s/seen", told[1].ID)
	s.Post(ben, seen, nil).Want(http.StatusNotFound)
	s.Post(s.User("bahamas", "student"), seen, nil).Want(http.StatusNotFound)
	s.Post(apitest.Anonymous("jamaica"), seen, nil).Want(http.StatusUnauthorized)
	s.Post(ana, apitest.Path("/me/notices/%s/seen", "mine"), nil).Want(http.StatusUnprocessableEntity)
	for range 2 { // the second time it stays as it was
		s.Post(ana, seen, nil).Want(http.StatusOK)
	}
	if left := list(ana); len(left) != 1 || left[0].ID != told[0].ID {
		t.Errorf("after one was seen: %+v", left)
	}
	if n := s.Trail("jamaica", "notice.seen", "done"); n != 2 {
		t.Errorf("%d entries in the trail", n)
	}
}
