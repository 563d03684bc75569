package calendar_test

import (
	"context"
	"testing"

	"lignum/domain/calendar"
	"lignum/tenants"
	"lignum/tenants/audit"
	"lignum/tests/testkit"
)

func TestMain(m *testing.M) { testkit.Main(m) }

func TestTermsOfTheCountrysRecords(t *testing.T) {
	w := testkit.New(t)
	db, ctx := w.DB("jamaica"), context.Background()
	put := func(terms ...*calendar.Term) {
		t.Helper()
		if err := db.Write(ctx, w.Actor, func(tx *tenants.Tx) error {
			tx.Record(audit.Entry{Action: "test"})
			return calendar.PutTerms(ctx, tx, terms)
		}); err != nil {
			t.Fatal(err)
		}
	}
	christmas := calendar.Term{ID: audit.NewID(), SourceID: "t1", Title: "Christmas Term", StartsOn: "2026-09-07", EndsOn: "2026-12-18"}
	easter := calendar.Term{ID: audit.NewID(), SourceID: "t2", Title: "Easter Term", StartsOn: "2027-01-04", EndsOn: "2027-03-26"}
	put(&christmas, &easter)
	put()
	longer := easter
	longer.Title, longer.EndsOn = "Second Term", "2027-04-01"
	put(&longer)
	var terms map[string]*calendar.Term
	if err := db.ReadFresh(ctx, func(r *tenants.Reader) (err error) {
		terms, err = calendar.TermsBySource(ctx, r, []string{"t2", "t1", "never"})
		return err
	}); err != nil {
		t.Fatal(err)
	}
	if len(terms) != 2 || *terms["t1"] != christmas || *terms["t2"] != longer {
		t.Errorf("%+v", terms)
	}
}
