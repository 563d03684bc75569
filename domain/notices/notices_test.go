package notices_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

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

// Everybody has a list of all that they were told, a page at a time; what was seen stays in it, and what came after the page that they looked at stays new.
func TestTheListKeepsWhatWasSeen(t *testing.T) {
	t.Parallel()
	w := testkit.New(t)
	db := w.DB("jamaica")
	both := school.People(t, db, school.Person{}, school.Person{})
	ada, ben := both[0], both[1]
	now := time.Now().UTC().Truncate(time.Microsecond)
	do := func(fn func(tx *tenants.Tx) error) {
		t.Helper()
		err := db.Write(t.Context(), w.Actor, func(tx *tenants.Tx) error {
			tx.Record(audit.Entry{Action: "test", ObjectKind: "test", ObjectID: "1"})
			return fn(tx)
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	tell := func(name string, to ...uuid.UUID) {
		t.Helper()
		do(func(tx *tenants.Tx) error {
			return notices.Tell(t.Context(), tx, notices.ClassPlaced, notices.Params{"class": name, "class_id": "7"}, to, now)
		})
	}
	list := func(user uuid.UUID, page domain.Page) (l domain.List[notices.Notice], unseen int) {
		t.Helper()
		if err := db.ReadFresh(t.Context(), func(r *tenants.Reader) (err error) {
			b := &pgx.Batch{}
			notices.QueueCount(b, user, &unseen)
			if err := r.SendBatch(t.Context(), b).Close(); err != nil {
				return err
			}
			l, err = notices.List(t.Context(), r, user, page)
			return err
		}); err != nil {
			t.Fatal(err)
		}
		return l, unseen
	}
	for _, name := range []string{"A", "B", "C"} {
		tell(name, ada)
	}
	tell("D", ben)
	first, unseen := list(ada, domain.Page{Limit: 2})
	if len(first.Items) != 2 || first.Items[0].Text.String() != "You have a place in the class C now." || first.Items[0].SeenAt != nil || first.Next == "" || unseen != 3 {
		t.Fatalf("%+v, %d unseen", first, unseen)
	}
	tell("E", ada) // after she looked
	next, _ := list(ada, domain.Page{Limit: 2, After: first.Next})
	if len(next.Items) != 1 || next.Items[0].Text.String() != "You have a place in the class A now." || next.Next != "" {
		t.Errorf("the page after it: %+v", next)
	}
	seeAll := func(until uuid.UUID) (n int) {
		do(func(tx *tenants.Tx) (err error) {
			n, err = notices.SeeAll(t.Context(), tx, ada, until, now)
			return err
		})
		return n
	}
	if n := seeAll(first.Items[0].ID); n != 3 {
		t.Errorf("%d of what she was shown are marked", n)
	}
	all, unseen := list(ada, domain.Page{})
	if len(all.Items) != 4 || unseen != 1 || all.Items[0].SeenAt != nil || all.Items[1].SeenAt == nil || !all.Items[3].SeenAt.Equal(now) {
		t.Errorf("afterwards %d are unseen of %+v", unseen, all)
	}
	if n, again := seeAll(uuid.Nil), seeAll(uuid.Nil); n != 1 || again != 0 {
		t.Errorf("of the rest %d and then %d", n, again)
	}
	if _, unseen := list(ben, domain.Page{}); unseen != 1 {
		t.Errorf("ben has %d that are unseen", unseen)
	}
	for range notices.MostCounted + 2 {
		tell("F", ben)
	}
	if _, unseen := list(ben, domain.Page{}); unseen != notices.MostCounted {
		t.Errorf("%d are counted", unseen)
	}
	if _, err := notices.List(t.Context(), nil, ada, domain.Page{After: "x"}); domain.CodeOf(err) != domain.Invalid {
		t.Errorf("a place that no page gave: %v", err)
	}
	do(func(tx *tenants.Tx) error {
		_, err := tx.Exec(t.Context(), `UPDATE notices SET kind = 'of_tomorrow' WHERE user_id = $1::uuid`, ada.String())
		return err
	})
	if all, _ := list(ada, domain.Page{}); len(all.Items) != 4 || all.Items[0].Text.Key() != "notices.cannot_be_shown" || all.Items[0].Path != "" {
		t.Errorf("of a kind that nobody knows: %+v", all)
	}
}

// What was seen goes after 90 days, all goes after 400, and what may still be read stays. It is done in steps, and doing it twice does no harm.
func TestOldNoticesGo(t *testing.T) {
	t.Parallel()
	w := testkit.New(t)
	const day = 24 * time.Hour
	for _, realm := range []string{"jamaica", ""} {
		db := w.DB(realm)
		ada := school.People(t, db, school.Person{})[0]
		now := time.Now().UTC()
		left := func() (n int) {
			if err := db.ReadFresh(t.Context(), func(r *tenants.Reader) error {
				return r.QueryRow(t.Context(), `SELECT count(*) FROM notices`).Scan(&n)
			}); err != nil {
				t.Fatal(err)
			}
			return n
		}
		sweep := func(at time.Time) (more bool) {
			t.Helper()
			if err := db.Write(t.Context(), w.Actor, func(tx *tenants.Tx) (err error) {
				more, err = notices.Sweep(t.Context(), tx, at)
				return err
			}); err != nil {
				t.Fatal(err)
			}
			return more
		}
		err := db.Write(t.Context(), w.Actor, func(tx *tenants.Tx) error {
			for range 3 {
				if err := notices.Tell(t.Context(), tx, notices.PasswordChanged, nil, []uuid.UUID{ada}, now); err != nil {
					return err
				}
			}
			list, err := school.Unseen(t.Context(), tx, ada)
			if err != nil {
				return err
			}
			return notices.See(t.Context(), tx, ada, list[0].ID, now.Add(10*day))
		})
		if err != nil {
			t.Fatal(err)
		}
		for _, c := range []struct {
			at   time.Time
			want int
		}{{now.Add(99 * day), 3}, {now.Add(101 * day), 2}, {now.Add(101 * day), 2}, {now.Add(399 * day), 2}, {now.Add(401 * day), 0}, {now.Add(401 * day), 0}} {
			if more := sweep(c.at); more || left() != c.want {
				t.Errorf("after %v there are %d, want %d; more: %v", c.at.Sub(now), left(), c.want, more)
			}
		}
		if realm == "" {
			continue
		}
		// More than one step.
		crowd := school.People(t, db, make([]school.Person, notices.MostSwept+5)...)
		if err := db.Write(t.Context(), w.Actor, func(tx *tenants.Tx) error {
			tx.Record(audit.Entry{Action: "test", ObjectKind: "test", ObjectID: "1"})
			if err := notices.Tell(t.Context(), tx, notices.PasswordChanged, nil, crowd, now); err != nil {
				return err
			}
			_, err := tx.Exec(t.Context(), `UPDATE notices SET seen_at = $1::timestamptz`, now)
			return err
		}); err != nil {
			t.Fatal(err)
		}
		if more := sweep(now.Add(91 * day)); !more || left() != 5 {
			t.Errorf("the first step leaves %d, more: %v", left(), more)
		}
		if more := sweep(now.Add(91 * day)); more || left() != 0 {
			t.Errorf("the second step leaves %d, more: %v", left(), more)
		}
	}
}
