package notices_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"lignum/domain"
	"lignum/domain/notices"
	"lignum/tenants"
	"lignum/tenants/audit"
	"lignum/tests/school"
	"lignum/tests/testkit"
)

func TestMain(m *testing.M) { testkit.Main(m) }

func TestPeopleAreToldOnceAndSeeTheirOwn(t *testing.T) {
	t.Parallel()
	w := testkit.New(t)
	for _, realm := range []string{"jamaica", ""} { // the platform is a realm too
		db := w.DB(realm)
		both := school.People(t, db, school.Person{}, school.Person{})
		ada, ben := both[0], both[1]
		now := time.Now().UTC()
		err := db.Write(t.Context(), w.Actor, func(tx *tenants.Tx) error {
			tx.Record(audit.Entry{Action: "test", ObjectKind: "test", ObjectID: "1"})
			return notices.Tell(t.Context(), tx, notices.PasswordChanged, notices.Params{"day": strings.Repeat("é", 300)}, []uuid.UUID{ada, ada, uuid.Nil}, now)
		})
		if err != nil {
			t.Fatal(err)
		}
		unseen := func(user uuid.UUID) (list []notices.Notice) {
			if err := db.ReadFresh(t.Context(), func(r *tenants.Reader) (err error) {
				list, err = school.Unseen(t.Context(), r, user)
				return err
			}); err != nil {
				t.Fatal(err)
			}
			return list
		}
		list := unseen(ada)
		if len(list) != 1 || !strings.Contains(list[0].Text.String(), strings.Repeat("é", 199)+"…") || list[0].Path != "/account" {
			t.Fatalf("told %+v", list)
		}
		if n := len(unseen(ben)); n != 0 {
			t.Errorf("ben sees %d notices of another's", n)
		}
		see := func(user uuid.UUID) error {
			return db.Write(t.Context(), w.Actor, func(tx *tenants.Tx) error { return notices.See(t.Context(), tx, user, list[0].ID, now) })
		}
		if err := see(ben); domain.CodeOf(err) != domain.NotFound {
			t.Errorf("ben takes ada's notice away: %v", err)
		}
		if err := see(ada); err != nil {
			t.Fatal(err)
		}
		if n := len(unseen(ada)); n != 0 {
			t.Errorf("%d notices after they were seen", n)
		}
	}
}

func TestAChangeThatFailsTellsNobody(t *testing.T) {
	t.Parallel()
	w := testkit.New(t)
	err := w.DB("jamaica").Write(t.Context(), w.Actor, func(tx *tenants.Tx) error {
		return notices.Tell(t.Context(), tx, notices.Kind{}, nil, []uuid.UUID{audit.NewID()}, time.Now())
	})
	if err == nil {
		t.Error("the zero kind told somebody")
	}
}
