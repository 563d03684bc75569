package tenants_test

import (
	"errors"
	"reflect"
	"slices"
	"syscall"
	"testing"
	"time"

	"github.com/google/uuid"
	"gorm.io/gorm"

	"lignum/tenants"
	"lignum/tenants/audit"
	"lignum/tests/testkit"
)

// school is a model, as small as one can be.
type school struct {
	ID   uuid.UUID
	Name string
}

func (school) TableName() string { return "schools" }

type word string

// kinds has a field of each kind that models have.
type kinds struct {
	ID       uuid.UUID
	Title    string
	Kind     word
	SchoolID *uuid.UUID
	StartsOn string
	EndsOn   string
	Weekly   []int `gorm:"serializer:json"`
	Seats    int
	Open     bool
	State    word
}

func (kinds) TableName() string { return "classes" }

func active(s *gorm.Statement) { s.Where("state = ?", word("active")) }

func TestAnEntityComesBackAsItWent(t *testing.T) {
	w, ctx := testkit.New(t), t.Context()
	db := w.DB("jamaica")
	home := school{audit.NewID(), "Home"}
	one := kinds{ID: audit.NewID(), Title: "One", Kind: "live", SchoolID: &home.ID, StartsOn: "2026-09-07", EndsOn: "2026-12-18", Weekly: []int{1, 2}, Seats: 3, Open: true, State: "active"}
	two := kinds{ID: audit.NewID(), Title: "Two", Kind: "live", StartsOn: "2026-09-07", EndsOn: "2026-12-18", Weekly: []int{}, Seats: 1, State: "ended"}
	find := func(q tenants.Querier, scopes ...func(*gorm.Statement)) (list []kinds) {
		t.Helper()
		list, err := tenants.Entity[kinds](q).Scopes(scopes...).Order("title").Find(ctx)
		if err != nil {
			t.Fatal(err)
		}
		return list
	}
	err := db.Write(ctx, w.Actor, func(tx *tenants.Tx) error {
		tx.Record(audit.Entry{Action: "test"})
		if err := tenants.Entity[school](tx).Create(ctx, &home); err != nil {
			return err
		}
		for _, c := range []*kinds{&one, &two} {
			if err := tenants.Entity[kinds](tx).Create(ctx, c); err != nil {
				return err
			}
		}
		held, err := tenants.Entity[kinds](tx, tenants.Held).Where("id = ?", one.ID).Take(ctx)
		if err != nil || !reflect.DeepEqual(held, one) {
			t.Errorf("%+v, %v, want %+v", held, err, one)
		}
		one.SchoolID, one.Weekly, one.Open, one.Seats = nil, []int{}, false, 9
		n, err := tenants.Entity[kinds](tx).Where("id = ?", one.ID).Select("school_id", "weekly", "open").Updates(ctx, one)
		one.Seats = 3 // was not named
		if err != nil || n != 1 || !reflect.DeepEqual(find(tx), []kinds{one, two}) {
			t.Errorf("%d changed, %v: %+v", n, err, find(tx))
		}
		if _, err := tenants.Entity[kinds](tx).Where("title = ?", "none").Take(ctx); !errors.Is(err, gorm.ErrRecordNotFound) {
			t.Errorf("of none: %v", err)
		}
		if n, err := tenants.Entity[kinds](tx).Where("title = ?", "none").Update(ctx, "state", "ended"); err != nil || n != 0 {
			t.Errorf("%d rows of none were changed, %v", n, err)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := db.Write(ctx, w.Actor, func(tx *tenants.Tx) error { // nobody else's transaction is GORM's
		tx.Record(audit.Entry{Action: "test"})
		_, err := tenants.Entity[kinds](tx).Where("id = ?", two.ID).Update(ctx, "state", "nonsense")
		return err
	}); !tenants.IsViolation(err, "classes_state_check") {
		t.Errorf("a state that is none: %v", err)
	}
	if err := db.Read(ctx, func(r *tenants.Reader) error {
		for i, c := range []struct {
			got, want []kinds
		}{
			{find(r), []kinds{one, two}},
			{find(r, active), []kinds{one}},
			{find(r, tenants.OneOf("id", []uuid.UUID{two.ID, audit.NewID()})), []kinds{two}},
			{find(r, tenants.OneOf("title", []string{"Two", "'; DROP"}), active), []kinds{}},
			{find(r, tenants.OneOf("title", []string(nil))), []kinds{}},
			{find(r, tenants.OneOf("id", []uuid.UUID{})), []kinds{}},
		} {
			if c.got == nil || !slices.EqualFunc(c.got, c.want, func(a, b kinds) bool { return reflect.DeepEqual(a, b) }) {
				t.Errorf("list %d: %+v, want %+v", i, c.got, c.want)
			}
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
}

// cpu is the processor time that the process has used.
func cpu(tb testing.TB) time.Duration {
	tb.Helper()
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		tb.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// An audited change of one row. What it costs by pgx must not depend on whether others ask for GORM.
func BenchmarkWriteByPgxAlone(b *testing.B) {
	bench(b, func(tx *tenants.Tx) error {
		_, err := tx.Exec(b.Context(), "UPDATE schools SET name = $1::text WHERE id = $2::uuid", "Home", benched.ID.String())
		return err
	})
}

// The same by GORM.
func BenchmarkWriteByGORM(b *testing.B) {
	bench(b, func(tx *tenants.Tx) error {
		_, err := tenants.Entity[school](tx).Select("name").Updates(b.Context(), benched)
		return err
	})
}

var benched = school{audit.NewID(), "Home"}

func bench(b *testing.B, change func(tx *tenants.Tx) error) {
	w := testkit.New(b)
	db := w.DB("jamaica")
	write := func(change func(tx *tenants.Tx) error) {
		if err := db.Write(b.Context(), w.Actor, func(tx *tenants.Tx) error {
			tx.Record(audit.Entry{Action: "bench", ObjectKind: "school"})
			return change(tx)
		}); err != nil {
			b.Fatal(err)
		}
	}
	write(func(tx *tenants.Tx) error { return tenants.Entity[school](tx).Create(b.Context(), &benched) })
	b.ReportAllocs()
	before := cpu(b)
	for b.Loop() {
		write(change)
	}
	b.ReportMetric(float64((cpu(b)-before).Microseconds())/float64(b.N), "cpu-µs/op")
}
