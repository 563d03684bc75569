package tax_test

import (
	"slices"
	"testing"

	"lignum/billing"
	"lignum/billing/tax"
	"lignum/domain"
	"lignum/tests/bills"
)

func regime(t *testing.T, country string) tax.Regime {
	r, err := tax.Of(country)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// The rates in the file are right in themselves, and each has a source. What is not known is not guessed.
func TestKnownRates(t *testing.T) {
	t.Parallel()
	all, err := tax.Known()
	if err != nil || len(all) < 4 {
		t.Fatal(all, err)
	}
	for country, want := range map[string]billing.Decimal{"JM": "15", "BS": "10", "BB": "17.5", "TT": "12.5"} {
		r := regime(t, country)
		if last := r.Rates[len(r.Rates)-1]; last.Percent != want || last.Source == "" {
			t.Errorf("%s: %+v", country, last)
		}
	}
	if r, err := tax.Of("KY"); domain.CodeOf(err) != domain.NotFound {
		t.Error(r, err)
	}
}

// A rate that changes within a period taxes each day's share as that day is: of 31 days from 15 December 2021, 17 are taxed at 12 % and 14 at 10 %.
func TestARateThatChangesWithinAPeriod(t *testing.T) {
	t.Parallel()
	lines, err := tax.Lines([]tax.Net{{Period: bills.Days("2021-12-15", "2022-01-15"), Amount: 100_000}}, regime(t, "BS"), nil, "BSD")
	want := []tax.Line{{Name: "VAT", Percent: "12", Taxable: 54_839, Exact: "164517/2500", Amount: 6581}, {Name: "VAT", Percent: "10", Taxable: 45_161, Exact: "45161/1000", Amount: 4516}}
	if err != nil || !slices.Equal(lines, want) {
		t.Errorf("%+v, %v", lines, err)
	}
}

// An exemption holds on its days, and its certificate stands on the invoice.
func TestAnExemptionThatEnds(t *testing.T) {
	t.Parallel()
	nets := []tax.Net{{Period: bills.Days("2026-09-01", "2026-10-01"), Amount: 30_001}, {Period: bills.Days("2026-08-01", "2026-09-01"), Amount: -500}}
	lines, err := tax.Lines(nets, regime(t, "JM"), []tax.Exemption{{Certificate: "GCT-77", Days: bills.Days("2025-01-01", "2026-09-11")}}, "JMD")
	want := []tax.Line{{Name: "GCT", Percent: "0", Certificate: "GCT-77", Taxable: 9500, Exact: "0"}, {Name: "GCT", Percent: "15", Taxable: 20_001, Exact: "60003/2000", Amount: 3000}}
	if err != nil || !slices.Equal(lines, want) {
		t.Errorf("%+v, %v", lines, err)
	}
}

func TestADayWithoutARate(t *testing.T) {
	t.Parallel()
	lines, err := tax.Lines([]tax.Net{{Period: bills.Days("2014-12-31", "2015-01-02"), Amount: 1}}, regime(t, "BS"), nil, "BSD")
	if domain.CodeOf(err) != domain.NotFound {
		t.Error(lines, err)
	}
}

func TestRegimesThatAreWrong(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(*tax.Regime){
		"country": func(r *tax.Regime) { r.Country = "jm" }, "name": func(r *tax.Regime) { r.Name = "" }, "document": func(r *tax.Regime) { r.Document = "bill" },
		"negative": func(r *tax.Regime) { r.Rates[0].Percent = "-1" }, "more than all": func(r *tax.Regime) { r.Rates[0].Percent = "101" }, "no source": func(r *tax.Regime) { r.Rates[0].Source = "" },
		"two on a day": func(r *tax.Regime) { r.Rates[1].From = r.Rates[0].From }, "backwards": func(r *tax.Regime) { slices.Reverse(r.Rates) },
	} {
		r := regime(t, "JM")
		if change(&r); domain.CodeOf(r.Validate()) != domain.Invalid {
			t.Errorf("%s: %v", name, r.Validate())
		}
	}
	var p domain.Problems
	tax.CheckExemptions(&p, []tax.Exemption{{Certificate: "a", Days: bills.Days("2026-01-01", "2026-03-01")}, {Certificate: "b", Days: bills.Days("2026-02-28", "2026-04-01")}, {Days: bills.Days("2027-01-01", "2027-02-01")}})
	if len(p) != 2 {
		t.Errorf("%v", p.Err())
	}
}
