package notices_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/google/uuid"

	"lignum/api"
	noticesapi "lignum/api/notices"
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

// Whoever asks for all of them gets their own, a page at a time, and marks all of their own at once; on the platform as well.
func TestAllNoticesAreListedAndMarked(t *testing.T) {
	t.Parallel()
	s := apitest.New(t)
	for _, ana := range []apitest.User{s.User("jamaica", "student"), s.User("", "account_manager")} {
		ben := s.User(ana.Slug, ana.Roles[0])
		tell := func(classes ...string) {
			s.Write(ana.Slug, func(tx *tenants.Tx) error {
				for _, class := range classes {
					if err := notices.Tell(t.Context(), tx, notices.ClassRemoved, notices.Params{"class": class}, []uuid.UUID{ana.ID}, time.Now()); err != nil {
						return err
					}
				}
				return nil
			})
		}
		tell("A", "B", "C")
		list := func(u apitest.User, query string) api.List[notices.Notice] {
			t.Helper()
			return apitest.As[api.List[notices.Notice]](s.Get(u, "/api/v1/me/notices"+query))
		}
		page := list(ana, "?seen=all&limit=2")
		rest := list(ana, "?seen=all&limit=2&cursor="+page.Next)
		if len(page.Items) != 2 || len(rest.Items) != 1 || rest.Next != "" || rest.Items[0].ID == page.Items[1].ID {
			t.Fatalf("%+v, then %+v", page, rest)
		}
		if unseen := list(ana, "?seen=no"); len(unseen.Items) != 3 || unseen.Items[0].ID != page.Items[0].ID {
			t.Errorf("unseen: %+v", unseen)
		}
		if others := list(ben, "?seen=all"); len(others.Items) != 0 {
			t.Errorf("somebody else's list: %+v", others)
		}
		tell("D")
		until := "/api/v1/me/notices/seen?until=" + page.Items[0].ID.String()
		mark := func(u apitest.User, path string) int {
			t.Helper()
			return apitest.As[noticesapi.Seen](s.Post(u, path, nil)).Seen
		}
		if n := mark(ben, until); n != 0 { // another's id is a bound of one's own, and no more
			t.Errorf("ben marks %d", n)
		}
		if n := mark(ana, until); n != 3 {
			t.Errorf("%d were marked", n)
		}
		if all, unseen := list(ana, "?seen=all"), list(ana, ""); len(all.Items) != 4 || all.Items[0].SeenAt != nil || all.Items[1].SeenAt == nil || len(unseen.Items) != 1 {
			t.Errorf("afterwards %+v, of which %+v are unseen", all, unseen)
		}
		if n := mark(ana, "/api/v1/me/notices/seen"); n != 1 {
			t.Errorf("of the rest %d were marked", n)
		}
		if n := s.Trail(ana.Slug, "notice.seen", "done"); n != 3 {
			t.Errorf("%d entries for three times", n)
		}
		for query, want := range map[string]string{"?seen=some": "query.seen", "?seen=all&limit=0": "query.limit", "?seen=all&limit=201": "query.limit", "?seen=all&cursor=x": "query.cursor",
			"?cursor=" + page.Next: "query.cursor", "?limit=5": "query.limit"} {
			if names := s.Get(ana, "/api/v1/me/notices"+query).Want(http.StatusUnprocessableEntity).Problem().Names(); len(names) != 1 || names[0] != want {
				t.Errorf("%s: %v", query, names)
			}
		}
		s.Post(ana, "/api/v1/me/notices/seen?until=x", nil).Want(http.StatusUnprocessableEntity)
		s.Post(apitest.Anonymous(ana.Slug), "/api/v1/me/notices/seen", nil).Want(http.StatusUnauthorized)
	}
}
